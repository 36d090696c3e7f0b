"""`Nearest` where the lead camera hangs behind: a slow link, a network that stood still."""

from collections.abc import Callable
from itertools import pairwise

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.sync.nearest import Nearest, SyncSettings

FrameAt = Callable[..., Frame]
PERIOD_MS = 83
STALL_MS, BACK_MS = 1000, 2500
PATIENCE_MS = 10 * PERIOD_MS + 120  # ten periods of silence, and the wait of a frame


def run(frame_at: FrameAt, visible_ms: dict[int, int], end_ms: int) -> list[tuple[int, Pair]]:
    """When each pair came out. `visible_ms` gives arrivals by capture time; infrared arrives at once, up to `end_ms`."""
    arrivals = [(t_ms, Spectrum.INFRARED, t_ms) for t_ms in range(0, end_ms, PERIOD_MS)]
    arrivals += [(at_ms, Spectrum.VISIBLE, t_ms) for t_ms, at_ms in visible_ms.items()]
    sync, found = Nearest(SyncSettings()), []
    left = sorted(arrivals)
    for now_ms in range(0, end_ms, 5):
        pairs = sync.poll(now_ms * NS_PER_MS)
        while left and left[0][0] <= now_ms:
            _, spectrum, t_ms = left.pop(0)
            pairs += sync.feed(frame_at(spectrum, t_ms * NS_PER_MS, seq=t_ms), now_ms * NS_PER_MS)
        found += [(now_ms, pair) for pair in pairs]
    assert all(a.t_cap_ns < b.t_cap_ns for (_, a), (_, b) in pairwise(found))
    return found


def test_a_lead_that_trickles_in_late_does_not_silence_the_other(frame_at: FrameAt) -> None:
    """Its frames are too old for any pair: the other camera goes on alone, until it is in time again."""
    in_time = {t_ms: t_ms for t_ms in (*range(0, STALL_MS, PERIOD_MS), *range(7000, 9000, PERIOD_MS))}
    trickle = {t_ms: t_ms + 2000 for t_ms in range(BACK_MS - 2000, 4500, 4 * PERIOD_MS) if t_ms >= STALL_MS}
    found = run(frame_at, in_time | trickle, 9000)
    assert max(b - a for (a, _), (b, _) in pairwise(found)) <= PATIENCE_MS
    assert {pair.mode for at_ms, pair in found if 2200 < at_ms < 7000} == {"infrared_only"}
    assert {pair.mode for at_ms, pair in found if at_ms > 7500} == {"fused"}


def test_a_lead_that_stays_behind_is_waited_for(frame_at: FrameAt) -> None:
    """Where it does not catch up within seconds, pairs are of that age from then on, rather than of one camera for ever."""
    lag_ms = 1000
    in_time = {t_ms: t_ms for t_ms in range(0, STALL_MS, PERIOD_MS)}
    behind = {t_ms: max(BACK_MS, t_ms + lag_ms) for t_ms in range(STALL_MS, 14_000, PERIOD_MS)}
    found = run(frame_at, in_time | behind, 14_000)
    assert {pair.mode for at_ms, pair in found if 2200 < at_ms < 8000} == {"infrared_only"}
    assert {pair.mode for at_ms, pair in found if at_ms > 11_000} == {"fused"}
    assert max(b - a for (a, _), (b, _) in pairwise(found)) <= lag_ms + PATIENCE_MS
