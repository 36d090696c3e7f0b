"""The true distance of two pictures, whatever their stamps say."""

import numpy as np

from streamfuse.frames import Spectrum
from tests.conftest import make_pair
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


def test_what_cannot_be_read_has_no_distance(planes):
    """A picture without a number, and a camera that is missing."""
    pair = make_pair(infrared=numbered(7), visible=planes(64, 160))
    assert truth().skew_ms(pair) is None
    assert truth().skew_ms(make_pair(visible_state="absent", infrared=numbered(7))) is None
