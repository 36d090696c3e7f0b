"""Faults in words."""

import pytest

from streamfuse.errors import ConfigError
from tools.faults.schedule import Fault, fault, schedule


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("stall@10s:5s", Fault(kind="stall", at_s=10, for_s=5)),
        ("stall@10:5", Fault(kind="stall", at_s=10, for_s=5)),
        ("p1-*/loss@1m:200ms=0.1", Fault(kind="loss", cameras="p1-*", at_s=60, for_s=0.2, value=0.1)),
        ("step@2s=-20", Fault(kind="step", at_s=2, value=-20)),
        ("gone", Fault(kind="gone")),
        (" a/b/freeze@1h ", Fault(kind="freeze", cameras="a/b", at_s=3600)),
    ],
)
def test_reads_a_fault(text, want):
    """Who, what, when, how long, how much; all but what may be left out. It reads back as it is written."""
    assert fault(text) == want
    assert fault(str(want)) == want


@pytest.mark.parametrize("text", ["", "stall@soon", "@10s", "stall@10s:", "stall 10s", "stall@10x"])
def test_says_how_a_fault_is_written(text):
    """What cannot be read is shown together with the form."""
    with pytest.raises(ConfigError, match="KIND@START"):
        fault(text)


def test_names_the_nearest_kind():
    """`stal` is meant to be `stall`."""
    with pytest.raises(ConfigError, match="did you mean 'stall'"):
        fault("stal@10s")


def test_a_schedule_is_read_in_the_order_of_time():
    """Remarks and empty lines are left out."""
    assert [each.kind for each in schedule(["# noon", "reset@9s", "", "stall@1s:1s  # first"])] == ["stall", "reset"]


def test_each_kind_knows_how_long_it_lasts():
    """A reboot ends by itself, other kinds last for good unless told."""
    assert fault("reboot@10s").until_s == 13
    assert fault("gone@10s").until_s is None
    assert fault("gone@10s:5s").until_s == 15
    assert (fault("loss@0s").strength, fault("loss@0s=0.5").strength) == (0.05, 0.5)


def test_a_pattern_names_many_cameras():
    """`*` stands for any part of a name."""
    assert [fault("p1-*/stall").hits(name) for name in ("p1-infrared", "p2-infrared")] == [True, False]
    assert fault("stall").hits("anyone")
