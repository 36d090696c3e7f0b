"""Stamps of this machine's kernel."""

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.device import DeviceClock

UTC_OFFSET_NS = 1_700_000_000 * NS_PER_S
NOW_NS = 5_000 * NS_PER_S


@pytest.mark.parametrize("stream_ns", [NOW_NS - 20 * NS_PER_MS, NOW_NS + UTC_OFFSET_NS - 20 * NS_PER_MS])
def test_knows_both_clocks_of_the_kernel(stream_ns):
    """Monotonic or UTC, the stamp means 20 ms ago."""
    clock = DeviceClock()
    clock.add(stream_ns, NOW_NS, UTC_OFFSET_NS)
    assert clock.known
    assert clock.at(stream_ns) == NOW_NS - 20 * NS_PER_MS


@pytest.mark.parametrize("stream_ns", [0, NOW_NS + NS_PER_MS, NOW_NS - 2 * NS_PER_S])
def test_other_stamps_are_none_of_them(stream_ns):
    """Stamps that count from elsewhere, or lie in the future, are not used."""
    clock = DeviceClock()
    clock.add(stream_ns, NOW_NS, UTC_OFFSET_NS)
    assert not clock.known
