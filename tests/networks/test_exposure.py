import pytest
import torch

from streamfuse.networks.exposure import EXPOSURE_DIALS, LOG_GAIN, STATS, Exposure, coarse, exposed, exposure_stats, scaling
from streamfuse.networks.layers import Layers, between_cells, divided
from tests.networks.drawn import pictures


@pytest.fixture(scope="module")
def exposure() -> Exposure:
    torch.manual_seed(0)
    return Exposure().eval().requires_grad_(requires_grad=False)


def layers(height: int = 64, width: int = 96) -> tuple[Layers, Layers]:
    a, b = (divided(picture, between_cells()) for picture in pictures(height, width, 1))
    return a, b


def dialled(**dials: float) -> torch.Tensor:
    return torch.tensor([[dials.get(name, 0.0) for name in EXPOSURE_DIALS]])


def test_without_a_dial_it_says_nothing(exposure):
    """Exactly nothing, and both pictures stay as they are to the bit."""
    a, b = layers()
    said = exposure(coarse(a, b), dialled())
    assert said.shape == (1, 4, 4, 6)
    assert not said.any()
    for before, after in zip((a, b), exposed(a, b, said), strict=True):
        assert torch.equal(before.base, after.base)
        assert torch.equal(before.detail, after.detail)


def test_a_dial_about_one_camera_leaves_the_other_alone(exposure):
    """Each dial moves what its name begins with, and nothing else."""
    seen = coarse(*layers())
    for name in EXPOSURE_DIALS:
        gain_a, gain_b, offset_a, offset_b = exposure(seen, dialled(**{name: 1.0}))[0]
        of_infrared = name.startswith("infrared")
        assert bool(gain_a.any()) == bool(offset_a.any()) == of_infrared
        assert bool(gain_b.any()) == bool(offset_b.any()) == (not of_infrared)


def test_the_pivot_stays_where_it_is():
    """Whatever the gain, from far below SMALL to its limits; and what lies one above it comes to lie exp(g) above."""
    pivot = 0.3
    for log in (-2.0, -0.5, 1e-5, 0.0, 0.2, 3.0):
        said = torch.tensor([log, 0.0, log * pivot, 0.0]).view(1, 4, 1, 1)
        gain, offset = scaling(said, (1, 1))
        scale = float(torch.tensor(log).exp())
        assert float(gain[0, 0] * pivot - offset[0, 0]) == pytest.approx(pivot, abs=1e-5)
        assert float(gain[0, 0] * (pivot + 1) - offset[0, 0]) == pytest.approx(pivot + scale, rel=1e-5)
        assert (float(gain[0, 1]), float(offset[0, 1])) == (1.0, 0.0)


def test_gains_have_limits():
    """Beyond them no picture is stretched, and what comes out is finite."""
    a, b = layers()
    wild = torch.full((1, 4, 4, 6), 50.0)
    infrared, _ = exposed(a, b, wild)
    torch.testing.assert_close(infrared.detail, a.detail * torch.tensor(LOG_GAIN[1]).exp())
    assert all(part.isfinite().all() for part in infrared)


def test_gradients_are_finite_where_nothing_is_said():
    """At g = 0 the quotient in the formula is 0 / 0, and has a limit."""
    said = torch.zeros(1, 4, 2, 2, requires_grad=True)
    gain, offset = scaling(said, (4, 4))
    torch.autograd.backward((gain + offset).sum())
    assert said.grad is not None
    assert said.grad.isfinite().all()


@pytest.mark.parametrize("size", [(64, 96), (68, 100), (4, 4)])
def test_what_is_seen_is_finite_at_any_size(size):
    """One number per 8x8 pixels, the last ones of a part of that; black pictures too."""
    a, b = layers(*size)
    seen = coarse(a, b)
    assert seen.shape == (1, 10, -(-size[0] // 8), -(-size[1] // 8))
    black = Layers(torch.zeros_like(a.base), torch.zeros_like(a.detail))
    for picture in (seen, coarse(black, black)):
        assert exposure_stats(picture).shape == (1, STATS)
        assert exposure_stats(picture).isfinite().all()
