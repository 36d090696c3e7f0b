"""Which faults a soak brings."""

from itertools import pairwise

import pytest

from streamfuse.errors import ConfigError
from tools.faults import KINDS
from tools.soaking.plan import USUAL, random_faults


def test_one_fault_at_a_time_and_all_kinds_in_turn():
    """Each is over before the next begins and before the end; every kind comes before one comes again; the seed decides."""
    faults = random_faults(4, USUAL, begin_s=5, end_s=600, every_s=20, seed=3)
    assert len(faults) == 29
    assert {fault.kind for fault in faults[: len(USUAL)]} == set(USUAL) == set(KINDS) - {"password"}
    assert all(one.at_s + (one.for_s or 0) <= other.at_s for one, other in pairwise(faults))
    assert faults[-1].at_s + 20 <= 600
    assert {fault.cameras.split("-")[0] for fault in faults} == {"p1", "p2", "p3", "p4"}
    assert faults == random_faults(4, USUAL, begin_s=5, end_s=600, every_s=20, seed=3)
    assert faults != random_faults(4, USUAL, begin_s=5, end_s=600, every_s=20, seed=4)


def test_faults_need_some_room():
    """Closer than two seconds apart is an error."""
    with pytest.raises(ConfigError, match="at least 2 s"):
        random_faults(1, ["gone"], begin_s=0, end_s=10, every_s=1, seed=0)
