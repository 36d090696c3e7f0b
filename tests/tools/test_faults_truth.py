"""The true distance of two pictures, whatever their stamps say."""

import numpy as np
import pytest

from streamfuse.frames import Spectrum
from tests.conftest import make_pair
from tests.publish.conftest import make_result
from tools.faults import Exposures, Truth, write_number


def numbered(number: int) -> np.ndarray:
    luma_HW = np.full((64, 160), 128, np.uint8)
    write_number(luma_HW, number)
    return luma_HW


def truth() -> Truth:
    infrared, visible = Exposures(world_ns=0, fps=10), Exposures(world_ns=0, fps=10, phase_ms=5)
    return Truth({("gate", Spectrum.INFRARED): infrared, ("gate", Spectrum.VISIBLE): visible})


def test_reads_the_numbers_of_both_pictures(planes):
    """Pictures 7 and 8 at 10 fps with 5 ms of phase are 105 ms apart, though both are stamped alike."""
    visible = planes(64, 160)
    pair = make_pair(infrared=numbered(7), visible=type(visible)(y=numbered(8), u=visible.u, v=visible.v))
    assert truth().skew_ms(pair) == 105.0
    assert truth().exposed_ns("gate", pair.lead) == 805_000_000


@pytest.mark.parametrize(("infrared", "visible", "whole_ms"), [(7, 8, 805), (9, 8, 900)])
def test_a_pair_is_whole_when_its_later_picture_was_exposed(planes, infrared, visible, whole_ms):
    """Whichever camera it is from."""
    spare, told = planes(64, 160), truth()
    pair = told.of_pair(make_pair(infrared=numbered(infrared), visible=type(spare)(y=numbered(visible), u=spare.u, v=spare.v)))
    assert told.onto_result(make_result(pair.seq, pair.stream)).ext["whole_ns"] == whole_ms * 1_000_000


def test_of_one_picture_without_a_number_nothing_is_told(planes):
    """Neither how far apart both were, nor since when there was a pair."""
    told = truth()
    pair = told.of_pair(make_pair(infrared=numbered(7), visible=planes(64, 160)))
    assert told.onto_result(make_result(pair.seq, pair.stream)).ext == {}


def test_a_pair_without_a_result_is_forgotten_with_the_next(planes):
    """A pair that another replaced on the way keeps nothing, and the one that replaced it has its own numbers."""
    spare, told = planes(64, 160), truth()
    for seq in range(4):
        pair = told.of_pair(make_pair(seq=seq, infrared=numbered(7), visible=type(spare)(y=numbered(7 + seq), u=spare.u, v=spare.v)))
    assert told.onto_result(make_result(2, pair.stream)).ext["true_skew_ms"] == 205.0
    assert [seq for seq, _ in told._read[pair.stream]] == [3]


def test_what_cannot_be_read_has_no_distance(planes):
    """A picture without a number, and a camera that is missing."""
    pair = make_pair(infrared=numbered(7), visible=planes(64, 160))
    assert truth().skew_ms(pair) is None
    assert truth().skew_ms(make_pair(visible_state="absent", infrared=numbered(7))) is None
