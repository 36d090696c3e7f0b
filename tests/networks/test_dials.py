from pathlib import Path

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import DIAL_INDEX, DIALS, LUMA_DIALS, DialHead, dials_tensor, shown, turned, within_range, without


def test_the_table_can_be_read():
    """Sixteen dials with names of their own; each says in one sentence what it does."""
    assert len(DIALS) == len(DIAL_INDEX) == 16
    assert all(dial.meaning.endswith(".") and dial.meaning.count(".") == 1 for dial in DIALS)


def test_the_docs_list_every_dial():
    """Who sets dials by hand finds each with its range and what it does, in this order."""
    page = (Path(__file__).parents[2] / "docs" / "9-prompts.md").read_text()
    assert "\n".join(f"| `{dial.name}` | {dial.low:g} to {dial.high:g} | {dial.meaning} |" for dial in DIALS) in page


def test_repairs_start_at_nothing_and_balances_in_the_middle():
    """A dial at 0 does nothing, whichever kind it is; only a repair has nothing below."""
    assert {dial.low for dial in DIALS} == {0.0, -1.0}
    assert all(dial.low == 0.0 for dial in DIALS if dial.name.startswith(("visible_", "infrared_")) and dial.name != "infrared_weight")


def test_dials_for_colour_are_no_business_of_networks_on_luma():
    """Warmth and saturation are read where colour is made."""
    assert [dial.name for dial in DIALS if dial.colour] == ["colour_warmth", "saturation"]
    assert [i for i, dial in enumerate(DIALS) if not dial.colour] == LUMA_DIALS


def test_dials_are_set_by_name():
    """What is named is set, everything else stays neutral."""
    dials = dials_tensor({"visible_haze": 0.8, "texture": -0.5})
    assert dials.shape == (1, 16)
    assert dials[0, DIAL_INDEX["visible_haze"]] == pytest.approx(0.8)
    assert dials[0, DIAL_INDEX["texture"]] == pytest.approx(-0.5)
    assert int(dials.count_nonzero()) == 2


def test_dials_by_hand_stand_instead_of_what_was_set():
    """Only those that are named change, and the tensor that was given stays as it was."""
    set_before = torch.full((2, 16), 0.25)
    dials = turned(set_before, {"infrared_weight": -1.0})
    assert dials[:, DIAL_INDEX["infrared_weight"]].tolist() == [-1.0, -1.0]
    assert float(dials.sum()) == pytest.approx(2 * (15 * 0.25 - 1))
    assert bool((set_before == 0.25).all())


def test_a_misspelt_dial_is_told_its_nearest_name():
    """Nobody has to look up the table for a slip of a finger."""
    with pytest.raises(ConfigError, match="no dial called 'visible_hase'; did you mean 'visible_haze'"):
        dials_tensor({"visible_hase": 0.8})


@pytest.mark.parametrize(("name", "value"), [("visible_haze", -0.1), ("visible_haze", 1.1), ("texture", -1.5), ("texture", float("nan"))])
def test_a_dial_beyond_its_range_is_an_error(name, value):
    """The message says the range and what came."""
    with pytest.raises(ConfigError, match=f"the dial '{name}' lies between"):
        dials_tensor({name: value})


def test_dials_are_shown_by_name():
    """What was set by hand is what is shown."""
    values = shown(dials_tensor({"visible_rain": 0.333, "warm_targets": -1.0})[0])
    assert list(values) == list(DIAL_INDEX)
    assert values["visible_rain"] == 0.33
    assert values["warm_targets"] == -1.0
    assert values["visible_haze"] == 0.0


def test_what_is_unwanted_is_taken_away():
    """A repair goes down to nothing and no further; a balance turns round."""
    wanted = dials_tensor({"visible_haze": 0.9, "visible_rain": 0.2, "texture": 0.3})
    unwanted = dials_tensor({"visible_haze": 0.4, "visible_rain": 0.8, "texture": 0.8, "warm_targets": 0.7})
    want = {"visible_haze": 0.5, "texture": -0.5, "warm_targets": -0.7}
    assert {name: value for name, value in shown(without(wanted, unwanted)[0]).items() if value} == want


def test_dials_are_clipped_to_their_ranges():
    """Each to its own."""
    dials = within_range(torch.full((2, 16), -3.0))
    assert dials.tolist() == [[dial.low for dial in DIALS]] * 2
    assert within_range(torch.full((1, 16), 3.0)).tolist() == [[1.0] * 16]


def test_words_never_turn_a_dial_too_far():
    """However long the embedding, repairs stay in [0, 1] and balances in [-1, 1]."""
    torch.manual_seed(0)
    head = DialHead(48)
    with torch.no_grad():
        head.leave.weight.mul_(100)
    dials = head(torch.randn(64, 48) * 50)
    assert torch.equal(dials, within_range(dials))
    assert dials.min() < -0.9
    assert dials.max() > 0.9


def test_the_length_of_an_embedding_does_not_count():
    """Encoders differ in it, and so do long and short texts."""
    torch.manual_seed(0)
    head, pooled = DialHead(48), torch.randn(3, 48)
    assert torch.allclose(head(pooled), head(pooled * 7), atol=1e-6)


def test_a_fresh_head_does_little():
    """Before training, random words are near neutral."""
    torch.manual_seed(0)
    repairs = DialHead(48)(torch.randn(32, 48))[:, :11]
    assert repairs.mean().item() < 0.25
