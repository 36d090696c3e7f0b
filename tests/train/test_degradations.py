"""Faults for training: exact at strength 0, worse with strength, the same draw whatever else is applied."""

from itertools import combinations

import pytest
import torch

from streamfuse.errors import ConfigError, FrameError
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.text import bank
from streamfuse.train.degradations import (
    CHANNELS,
    DIAL_OF,
    FAULT_INDEX,
    FAULTS,
    POLARITY_DIAL,
    Fault,
    Plan,
    apply,
    black_hot,
    infrared_tone_curve,
    misregister,
)

SIZE = (60, 76)
INFRARED = [fault.name for fault in FAULTS if fault.camera == "infrared"]
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scene(batch: int, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Blocks and texture in 8 bits, infrared (B, 1, *SIZE) and visible (B, 3, *SIZE)."""
    coarse = torch.rand(batch, 4, 6, 8, generator=seeded(seed))
    blocks = torch.nn.functional.interpolate(coarse, size=SIZE, mode="nearest")
    both = (0.1 + 0.7 * blocks + 0.1 * torch.rand(batch, 4, *SIZE, generator=seeded(seed + 1))).clamp(0, 1)
    both = (both * 255).round() / 255
    return both[:, :1].contiguous(), both[:, 1:].contiguous()


def picture_of(fault: Fault, batch: int) -> torch.Tensor:
    return scene(batch)[fault.camera == "visible"]


def error(spoilt: torch.Tensor, sound: torch.Tensor) -> float:
    return float((spoilt - sound).square().mean().sqrt())


def test_there_is_a_fault_for_each_name_of_the_bank():
    """Words, faults and dials speak of the same ten things; black-hot polarity has a dial of its own."""
    assert set(FAULT_INDEX) == set(bank.FAULTS)
    assert set(DIAL_OF.values()) | {POLARITY_DIAL} <= set(DIAL_INDEX)
    assert len(set(DIAL_OF.values())) == len(FAULTS)


@each_fault
def test_strength_nought_leaves_the_picture_as_it_is(fault):
    """To the bit, also beside items that are spoilt."""
    sound = picture_of(fault, 3)
    spoilt = apply(fault.name, sound, torch.tensor([0.0, 1.0, 0.0]), seeded())
    assert torch.equal(spoilt[[0, 2]], sound[[0, 2]])
    assert not torch.equal(spoilt[1], sound[1])


@each_fault
def test_more_strength_is_worse(fault):
    """In the mean over draws, from slight over medium to strong, and strong is plain to see: at least 8 grey levels."""
    sound = picture_of(fault, 24)
    errors = [error(apply(fault.name, sound, torch.full((24,), strength), seeded()), sound) for strength in (0.1, 0.4, 0.7, 1.0)]
    assert errors == sorted(errors)
    assert errors[0] < 0.6 * errors[-1]
    assert errors[-1] > 8 / 255


@each_fault
def test_what_is_spoilt_is_what_eight_bits_hold(fault):
    """In [0, 1], finite, on the levels of 8 bits."""
    spoilt = apply(fault.name, picture_of(fault, 4), torch.full((4,), 0.8), seeded())
    assert 0 <= spoilt.min() <= spoilt.max() <= 1
    assert torch.allclose(spoilt * 255, (spoilt * 255).round(), atol=1e-3)


@each_fault
def test_chance_is_the_seed_alone(fault):
    """The same seed gives the same fault, another seed another one, and each item its own."""
    sound = picture_of(fault, 1).repeat(2, 1, 1, 1)
    once, again, other = (apply(fault.name, sound, torch.full((2,), 0.8), seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert not torch.equal(once[0], once[1])


def test_one_fault_less_leaves_the_other_as_it_was():
    """A target from which one of two faults is gone shows the other one, drawn the same, on the same picture."""
    infrared, visible = scene(2)
    plan = Plan.draw([{"visible.haze": 0.8, "infrared.noise": 0.6}, {"infrared.stripes": 0.5}], SIZE, seeded())
    both = plan.degrade(infrared, visible)
    hazeless = plan.degrade(infrared, visible, only=plan.without("visible.haze"))
    assert torch.equal(hazeless[1], visible)
    assert torch.equal(hazeless[0], both[0])
    noiseless = plan.degrade(infrared, visible, only=plan.without("infrared.noise"))
    assert torch.equal(noiseless[1], both[1])
    assert torch.equal(noiseless[0][0], infrared[0])
    assert torch.equal(noiseless[0][1], both[0][1])


@pytest.mark.parametrize(("first", "second"), list(combinations(INFRARED, 2)))
def test_a_fault_is_the_same_on_top_of_another(first, second):
    """Where both are on one camera, each alone is what a plan of the same draw gives without the other."""
    infrared, visible = scene(1)
    plan = Plan.draw([{first: 0.7, second: 0.7}], SIZE, seeded())
    only_first, only_second = (plan.degrade(infrared, visible, only=plan.without(name))[0] for name in (second, first))
    again = plan.degrade(infrared, visible)[0]
    assert torch.equal(again, plan.degrade(infrared, visible)[0])
    assert len({tensor.numpy().tobytes() for tensor in (infrared, only_first, only_second, again)}) == 4
    alone = Plan.draw([{first: 0.7}], SIZE, seeded()).degrade(infrared, visible)[0]
    assert torch.equal(only_first, alone)


def test_faults_come_in_the_order_of_the_physics():
    """Noise of the sensor lies on top of haze: the sound parts of both draws tell that it was not hazed over."""
    visible = torch.full((1, 3, *SIZE), 0.4)
    plan = Plan.draw([{"visible.noise": 0.5, "visible.haze": 1.0}], SIZE, seeded())
    _, both = plan.degrade(torch.zeros(1, 1, *SIZE), visible)
    _, hazy = plan.degrade(torch.zeros(1, 1, *SIZE), visible, only=plan.without("visible.noise"))
    _, noisy = plan.degrade(torch.zeros(1, 1, *SIZE), visible, only=plan.without("visible.haze"))
    assert error(both, hazy) > 0.8 * error(noisy, visible)


def test_one_camera_is_left_alone():
    """Faults of the visible camera do not touch the infrared picture, nor the other way round; the pictures given are not written on."""
    infrared, visible = scene(2)
    before = infrared.clone(), visible.clone()
    spoilt = Plan.draw([{"visible.glare": 0.9}, {"visible.rain": 0.4}], SIZE, seeded()).degrade(infrared, visible)
    assert torch.equal(spoilt[0], infrared)
    spoilt = Plan.draw([{"infrared.low_contrast": 0.9}, {}], SIZE, seeded()).degrade(infrared, visible)
    assert torch.equal(spoilt[1], visible)
    assert torch.equal(infrared, before[0])
    assert torch.equal(visible, before[1])


def test_the_mask_of_what_is_there():
    """(B, F), and `without` takes names out of every item."""
    plan = Plan.draw([{"visible.haze": 0.8, "visible.rain": 0.2}, {"visible.haze": 0.0}], SIZE, seeded())
    assert plan.present.shape == (2, len(FAULTS))
    assert plan.present.sum(1).tolist() == [2, 0]
    assert plan.without("visible.haze").nonzero().tolist() == [[0, FAULT_INDEX["visible.rain"]]]


def test_an_empty_batch_passes():
    """A plan for nothing does nothing."""
    plan = Plan.draw([], SIZE, seeded())
    assert plan.degrade(torch.zeros(0, 1, *SIZE), torch.zeros(0, 3, *SIZE), only=plan.present)[1].shape == (0, 3, *SIZE)


def test_wrong_names_strengths_and_shapes_are_told():
    """What was wanted, what came."""
    with pytest.raises(ConfigError, match=r"did you mean 'visible.haze'"):
        Plan.draw([{"visible.hase": 1.0}], SIZE, seeded())
    with pytest.raises(ConfigError, match=r"visible.haze lies between 0 and 1, got 1.5"):
        Plan.draw([{"visible.haze": 1.5}], SIZE, seeded())
    with pytest.raises(FrameError, match=r"want a picture \(1, 3, 60, 76\).*got \(1, 1, 60, 76\)"):
        apply("visible.haze", torch.zeros(1, 1, *SIZE), torch.ones(1), seeded())
    with pytest.raises(FrameError, match=r"want a picture \(2, 1, 60, 76\)"):
        Plan.draw([{}, {}], SIZE, seeded()).degrade(*scene(1))


def test_darkness_darkens_glare_brightens_haze_greys():
    """Each does to the means and spreads what its name says."""
    visible = scene(16)[1]
    dark, bright, grey = (apply(f"visible.{name}", visible, torch.full((16,), 0.9), seeded()) for name in ("darkness", "glare", "haze"))
    assert dark.mean() < 0.4 * visible.mean()
    assert bright.mean() > 1.3 * visible.mean()
    assert grey.std((1, 2, 3)).mean() < 0.7 * visible.std((1, 2, 3)).mean()


def test_stripes_are_the_same_along_columns():
    """The mean over rows takes what is left of the picture out of them: columns differ more than rows do."""
    flat = torch.full((8, 1, *SIZE), 0.5)
    striped = apply("infrared.stripes", flat, torch.full((8,), 0.8), seeded())
    assert striped.mean(2).std(2).mean() > 2 * striped.mean(3).std(2).mean()


@pytest.mark.parametrize("name", ["visible.blur", "infrared.low_resolution"])
def test_blurring_keeps_flat_surfaces_and_takes_detail(name):
    """Weights sum to 1, borders included."""
    channels = CHANNELS[name.split(".", maxsplit=1)[0]]
    flat = torch.full((6, channels, *SIZE), 0.6)
    assert error(apply(name, flat, torch.full((6,), 1.0), seeded()), flat) < 1 / 255
    busy = torch.rand(6, channels, *SIZE, generator=seeded(4))
    assert apply(name, busy, torch.full((6,), 1.0), seeded()).std() < 0.5 * busy.std()


def test_a_tone_curve_grows_from_nought_to_one():
    """Order of warmth is kept, black stays black and white white, and the curve bends."""
    ramp = torch.linspace(0, 1, 60 * 76).view(1, 1, *SIZE).repeat(5, 1, 1, 1)
    curved = infrared_tone_curve(ramp, seeded()).flatten(1)
    assert (curved.diff(dim=1) >= 0).all()
    assert torch.allclose(curved[:, [0, -1]], torch.tensor([0.0, 1.0]).expand(5, 2), atol=1e-5)
    assert (curved - ramp.flatten(1)).abs().amax(1).min() > 0.01


def test_black_hot_twice_is_white_hot():
    """Warm is dark, and back again."""
    infrared = scene(1)[0]
    assert torch.allclose(black_hot(black_hot(infrared)), infrared)
    assert black_hot(torch.ones(1, 1, 2, 2)).max() == 0


def test_misregistration_stays_within_its_limit():
    """A ramp across tells how far each pixel was moved: no further than allowed, and not at all for a limit of 0."""
    ramp = torch.linspace(0, 1, SIZE[1]).expand(12, 1, *SIZE).contiguous()
    moved_px = (misregister(ramp, 3.0, seeded()) - ramp).abs().flatten(1).amax(1) * (SIZE[1] - 1)
    assert moved_px.max() <= 3.01
    assert moved_px.max() > 1
    assert torch.allclose(misregister(ramp, 0.0, seeded()), ramp, atol=1e-5)


@pytest.mark.needs_cuda
def test_on_the_device_of_the_generator():
    """With a generator on the GPU everything stays there."""
    draw = torch.Generator("cuda").manual_seed(1)
    infrared, visible = (picture.cuda() for picture in scene(len(FAULTS)))
    spoilt = Plan.draw([{fault.name: 0.7} for fault in FAULTS], SIZE, draw).degrade(infrared, visible)
    moved = misregister(infrared_tone_curve(infrared, draw), 2.0, draw)
    assert {tensor.device.type for tensor in (*spoilt, moved)} == {"cuda"}
