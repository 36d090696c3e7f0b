import pytest
import torch

from streamfuse.colour import luma_of
from streamfuse.errors import ConfigError
from streamfuse.fuse.salience import salience
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.train.cases import CaseMaker, Cases, CaseSettings
from tests.train.schooling import material

ALL = ("right", "partial", "neutral", "wrong", "denied", "look")


def drawn(kind: str, light: str = "day", seed: int = 3, batch: int = 12, **settings: float) -> tuple[CaseMaker, Cases]:
    """Cases of one kind, without misregistration, tone curves and tempering unless asked for."""
    shares = dict.fromkeys(ALL, 0.0) | {kind: 1.0, "misregistered": 0.0, "tone_curves": 0.0, "tempered": 0.0} | settings
    made = material(light, **shares)  # type: ignore[arg-type]
    maker = CaseMaker(made.pool, made.vocabulary, made.cases, made.device)
    return maker, maker.draw(batch, 64, torch.Generator().manual_seed(seed))


def as_they_are(cases: Cases) -> torch.Tensor:
    return salience(cases.infrared_B1HW, cases.luma_B1HW)


def clean(maker: CaseMaker, seed: int = 3, batch: int = 12) -> torch.Tensor:
    crops = maker.pool.crops(batch, 64, torch.Generator().manual_seed(seed), maker.device)
    return salience(crops.infrared_B1HW, luma_of(crops.visible_B3HW))


def test_all_that_is_named_is_taken_away():
    """Right words: R of the clean pictures is wanted, and it is not R of what is seen."""
    maker, cases = drawn("right")
    torch.testing.assert_close(cases.wanted_B1HW, clean(maker))
    assert (cases.wanted_B1HW - as_they_are(cases)).abs().mean() > 0.01


@pytest.mark.parametrize("kind", ["neutral", "wrong", "denied"])
def test_nothing_that_is_not_named_is_taken_away(kind):
    """Neutral words, a fault that is not there, a fault that is denied: R of the pictures as they are."""
    _, cases = drawn(kind)
    torch.testing.assert_close(cases.wanted_B1HW, as_they_are(cases), atol=2e-3, rtol=0)


def test_of_two_faults_only_the_named_one_goes():
    """What is wanted is neither the clean picture nor the one that is seen."""
    maker, cases = drawn("partial")
    for other in (clean(maker), as_they_are(cases)):
        assert ((cases.wanted_B1HW - other).abs().mean((1, 2, 3)) > 1e-4).float().mean() > 0.7


def test_night_under_words_that_say_dark_is_lifted():
    """About half of the right cases of a night; the pictures seen stay as they were."""
    _, cases = drawn("right", "night", batch=24, sound=1.0)
    gained = (cases.wanted_B1HW - as_they_are(cases)).mean((1, 2, 3))
    assert (gained > 0.02).any()


def test_what_may_be_a_night_is_not_taught_to_be_none():
    """Wrong words never say dark of a picture whose light nobody knows."""
    for light, said in (("day", True), ("unknown", False), ("night", False)):
        _, cases = drawn("wrong", light, batch=200, sound=1.0)
        assert bool(cases.words.dials_BN[:, DIAL_INDEX["visible_light"]].any()) == said, light


def test_looks_change_what_is_wanted():
    """Mostly infrared is nearer to infrared; black-hot pictures are turned round."""
    _, cases = drawn("look", sound=1.0)
    changed = (cases.wanted_B1HW - as_they_are(cases)).abs().mean((1, 2, 3)) > 0.01
    assert changed.all()


def test_words_at_part_of_their_strength_want_part_of_the_way():
    """In proportion, from the pictures as they are to what the whole words want."""
    maker, cases = drawn("right", tempered=1.0)
    assert ((cases.strength_B > 0) & (cases.strength_B < 1)).all()
    start, end = as_they_are(cases), clean(maker)
    part = start + cases.strength_B.view(-1, 1, 1, 1) * (end - start)
    torch.testing.assert_close(cases.wanted_B1HW, part, atol=3e-3, rtol=0)


def test_wanted_colour_has_the_wanted_luma():
    """For networks that paint in colour."""
    _, cases = drawn("right")
    torch.testing.assert_close(luma_of(cases.wanted_B3HW), cases.wanted_B1HW, atol=1e-5, rtol=0)


def test_misregistration_moves_what_is_seen_and_not_what_is_wanted():
    """The target stays on the aligned grid."""
    _, still = drawn("neutral", sound=1.0)
    _, moved = drawn("neutral", sound=1.0, misregistered=1.0, misregistered_px=3.0)
    assert not torch.equal(moved.infrared_B1HW, still.infrared_B1HW)
    torch.testing.assert_close(moved.wanted_B1HW, still.wanted_B1HW)


def test_same_draw_gives_the_same_cases():
    """To the bit, so that a run can be resumed at any step."""
    (_, first), (_, again) = (drawn("right", misregistered=0.5, tone_curves=0.5, tempered=0.5) for _ in range(2))
    assert torch.equal(first.infrared_B1HW, again.infrared_B1HW)
    assert torch.equal(first.wanted_B1HW, again.wanted_B1HW)


def test_what_is_seen_has_eight_bits():
    """As a camera would hand it over."""
    _, cases = drawn("right")
    for picture in (cases.infrared_B1HW, cases.visible_B3HW):
        torch.testing.assert_close(picture * 255, (picture * 255).round(), atol=1e-4, rtol=0)


def test_some_faults_may_come_more_often():
    """A hundred times as often as the others: nearly all that is named; a name that is not known is an error."""
    made = material("day", **(dict.fromkeys(ALL, 0.0) | {"right": 1.0, "two_faults": 0.0, "of_visible": 1.0}))
    hazy = made.cases.model_copy(update={"often": {"visible.haze": 100.0}})
    cases = CaseMaker(made.pool, made.vocabulary, hazy, made.device).draw(40, 64, torch.Generator().manual_seed(1))
    assert (cases.words.dials_BN[:, DIAL_INDEX["visible_haze"]] > 0).sum() > 30
    with pytest.raises(ConfigError, match=r"visible\.hase.*visible\.haze"):
        CaseMaker(made.pool, made.vocabulary, CaseSettings(often={"visible.hase": 2.0}), made.device)
