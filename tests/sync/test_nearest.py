"""`Nearest` on drawn time lines; how to read them is told in conftest.py."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS
from streamfuse.errors import ConfigError
from streamfuse.frames import Frame, Spectrum
from streamfuse.registry import checked
from streamfuse.sync.nearest import DEPTH, Nearest, SyncSettings

FrameAt = Callable[..., Frame]
Play = Callable[..., str]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE


@pytest.mark.parametrize("policy", ["live", "lossless"])
@pytest.mark.parametrize(
    ("infrared", "visible", "pairs"),
    [
        pytest.param("a..b..c..d", "A..B..C..D", "aA bB cC dD", id="in step"),
        pytest.param(".a..b..c..d", "A..B..C..D", "aA bB cC dD", id="infrared a little later"),
        pytest.param("a..b..c..d", ".A..B..C..D", "aA bB cC dD", id="infrared a little earlier"),
        pytest.param("a..b..c.....e..f", "A..B..C..D..E..F", "aA bB cC c'D eE fF", id="infrared drops d: c is used again"),
        pytest.param("a..b..c..d..e..f", "A..B..C.....E..F", "aA bB cC eE fF", id="visible drops D: so does the pair"),
        pytest.param("a..b", "A..B..C..D..E..F..G..H", "aA bB b'C b'D b'E b'F G H", id="infrared stops: used again for 150 ms"),
        pytest.param("a...........b...........c", "A..B..C..D..E..F..G..H..I", "aA a'B a'C bD b'E b'F b'G cH c'I", id="9 and 30 fps"),
        pytest.param("a.b.c.d.e.f.g.h.i.j.k", "A....B....C....D....E", "aA cB fC hD kE", id="50 and 20 fps"),
        pytest.param(".......a..b", "A..B..C..D..E", "aA a'B a'C bD b'E", id="before the rhythm is known 80 ms are near"),
        pytest.param("", "A..B..C", "A B C", id="no infrared at all"),
        pytest.param("a..b..c", "", "a b c", id="no visible at all"),
    ],
)
def test_pairs_the_nearest(play: Play, policy: Any, infrared: str, visible: str, pairs: str) -> None:
    """Each visible frame comes out once with the nearest infrared frame, stale where used again, and alone where that is too old."""
    assert play(Nearest(SyncSettings(), policy=policy), infrared, visible, ends=policy == "lossless") == pairs


@pytest.mark.parametrize(
    ("infrared", "visible", "pairs", "drops"),
    [
        pytest.param("a.....c", "A..B..C", "aA cC", {"unpaired": 1}, id="infrared drops b"),
        pytest.param("a......", "....B..", "", {"unpaired": 2}, id="too far apart"),
        pytest.param("a......", ".B.....", "aB", {}, id="near enough"),
        pytest.param("a..b..c", "A.....C", "aA cC", {"unused": 1}, id="visible drops B"),
    ],
)
def test_can_drop_what_has_no_partner(play: Play, infrared: str, visible: str, pairs: str, drops: dict[str, int]) -> None:
    """With `on_unpaired: drop` only pairs of both come out, and the rest is counted."""
    sync = Nearest(SyncSettings(on_unpaired="drop", tolerance_ms=15, reuse_max_ms=0))
    assert play(sync, infrared, visible) == pairs
    assert sync.drops == Counter(drops)


@pytest.mark.parametrize(
    ("late", "pairs", "drops"),
    [
        pytest.param({"c": 3}, "aA bB cC dD eE fF", {}, id="within the wait"),
        pytest.param({"c": 9}, "aA bB b'C dD eE fF", {"unused": 1}, id="infrared too late"),
        pytest.param({"C": 3}, "aA bB cC dD eE fF", {}, id="visible out of order, still in time"),
        pytest.param({"C": 9}, "aA bB dD eE fF", {"late": 1, "unused": 1}, id="visible later than its successor's pair"),
    ],
)
def test_late_frames(play: Play, late: dict[str, int], pairs: str, drops: dict[str, int]) -> None:
    """What comes before its deadline finds its place; what comes later is counted and never comes out in the wrong order."""
    sync = Nearest(SyncSettings())
    assert play(sync, "a..b..c..d..e..f", "A..B..C..D..E..F", late=late) == pairs
    assert sync.drops == Counter(drops)


@pytest.mark.parametrize(
    ("infrared", "visible", "offset_ms"),
    [("......a..b..c..d", "A..B..C..D", -60), ("a..b..c..d", "......A..B..C..D", 60)],
)
@pytest.mark.parametrize("policy", ["live", "lossless"])
def test_fixed_offset(play: Play, policy: Any, infrared: str, visible: str, offset_ms: float) -> None:
    """A camera whose stamps are off by a fixed time is paired as if they were right."""
    sync = Nearest(SyncSettings(time_offset_ms=offset_ms), policy=policy)
    assert play(sync, infrared, visible, ends=policy == "lossless") == "aA bB cC dD"


def test_skew_is_what_the_offset_leaves(frame_at: FrameAt) -> None:
    """The infrared frame of a pair carries the corrected capture time, so its skew is that after correction."""
    sync = Nearest(SyncSettings(time_offset_ms=-60))
    sync.feed(frame_at(INFRARED, 65 * NS_PER_MS), 0)
    (pair,) = sync.feed(frame_at(VISIBLE, 0), 0)
    assert pair.skew_ns == -5 * NS_PER_MS


@pytest.mark.parametrize("cameras", [{INFRARED}, {VISIBLE}])
@pytest.mark.parametrize("policy", ["live", "lossless"])
@pytest.mark.parametrize("reference", ["visible", "infrared", "slower"])
@pytest.mark.parametrize("on_unpaired", ["degrade", "drop"])
def test_a_pair_with_one_camera(frame_at: FrameAt, cameras: set[Spectrum], policy: Any, reference: Any, on_unpaired: Any) -> None:
    """Every frame of the only camera comes out at once, whatever the settings say about pairs."""
    (spectrum,) = cameras
    sync = Nearest(SyncSettings(reference=reference, on_unpaired=on_unpaired), policy=policy, cameras=frozenset(cameras))
    pairs = [sync.feed(frame_at(spectrum, number * 33 * NS_PER_MS), number * 33 * NS_PER_MS) for number in range(100)]
    assert [pair.mode for (pair,) in pairs] == [f"{spectrum}_only"] * 100
    assert [pair.seq for (pair,) in pairs] == list(range(100))
    assert sync.deadline_ns is None


def test_names_its_stream(frame_at: FrameAt) -> None:
    """Pairs carry the name of the stream and the camera that gives them their instant."""
    sync = Nearest(SyncSettings(reference="infrared"), stream="gate", cameras=frozenset({INFRARED}))
    (pair,) = sync.feed(frame_at(INFRARED, 0), 0)
    assert (pair.stream, pair.reference) == ("gate", INFRARED)


def test_decides_before_the_deadline_where_the_rhythm_allows(frame_at: FrameAt) -> None:
    """A partner 5 ms old at 30 fps is taken at once: the next one would come 28 ms too late to be nearer."""
    sync = Nearest(SyncSettings())
    for number in range(6):
        now_ns = number * 33 * NS_PER_MS
        sync.feed(frame_at(INFRARED, now_ns), now_ns)
    (pair,) = sync.feed(frame_at(VISIBLE, now_ns + 5 * NS_PER_MS), now_ns + 5 * NS_PER_MS)
    assert (pair.mode, pair.skew_ns) == ("fused", 5 * NS_PER_MS)


def test_waits_for_the_deadline_and_no_longer(frame_at: FrameAt) -> None:
    """A frame waits 120 ms while the other's rate is unknown, and `poll` at `deadline_ns` releases it."""
    sync = Nearest(SyncSettings())
    assert sync.feed(frame_at(VISIBLE, 0), 7) == []
    deadline_ns = sync.deadline_ns
    assert deadline_ns == 7 + 120 * NS_PER_MS
    assert sync.poll(deadline_ns - 1) == []
    (pair,) = sync.poll(deadline_ns)
    assert pair.mode == "visible_only"
    assert sync.deadline_ns is None


@pytest.mark.parametrize(
    ("period_ms", "settings", "wait_ms"), [(20, {}, 30), (111, {}, 120), (20, {"wait_ms": 90}, 90), (20, {"wait_ms": 0}, 0)]
)
def test_wait_follows_the_other_cameras_period(frame_at: FrameAt, period_ms: int, settings: dict[str, Any], wait_ms: int) -> None:
    """One and a half periods of the other camera, at most 120 ms, or what the settings say."""
    sync = Nearest(SyncSettings(**settings))
    for number in range(6):
        now_ns = number * period_ms * NS_PER_MS
        sync.feed(frame_at(INFRARED, now_ns), now_ns)
    arrived_ns = now_ns + 40 * NS_PER_MS
    pairs = sync.feed(frame_at(VISIBLE, now_ns + period_ms * NS_PER_MS), arrived_ns)
    assert len(pairs) == (0 if wait_ms else 1)
    assert sync.deadline_ns == (arrived_ns + wait_ms * NS_PER_MS if wait_ms else None)


def test_lossless_has_no_deadline(frame_at: FrameAt) -> None:
    """Without a partner in sight a lossless frame waits for the order of feeding, not for a clock."""
    sync = Nearest(SyncSettings(), policy="lossless")
    assert sync.feed(frame_at(VISIBLE, 0), 0) == []
    assert sync.deadline_ns is None
    assert sync.poll(10**18) == []
    assert [pair.mode for pair in sync.end(INFRARED, 0)] == ["visible_only"]


def test_lossless_waits_no_longer_than_the_frames_require(frame_at: FrameAt) -> None:
    """While one camera is silent without having ended, frames of the other come out 80 ms of capture time later: nothing piles up."""
    sync = Nearest(SyncSettings(), policy="lossless")
    sync.feed(frame_at(INFRARED, 0), 0)
    counts = [len(sync.feed(frame_at(VISIBLE, number * 33 * NS_PER_MS), 0)) for number in range(300)]
    assert sum(counts) == 300 - 3
    assert set(counts[10:]) == {1}


def test_one_stream_ends_early(play: Play) -> None:
    """Lossless: when one camera ends, every later frame of the other comes out alone, also where it is not the reference."""
    long, short = "a..b..c..d..e..f..g..h", "A..B..C"
    assert play(Nearest(SyncSettings(), policy="lossless"), long, short, ends=True) == "aA bB cC d e f g h"
    sync = Nearest(SyncSettings(reuse_max_ms=0), policy="lossless")
    assert play(sync, short.lower(), long.upper(), ends=True) == "aA bB cC D E F G H"
    assert not sync.drops


def test_infrared_goes_on_alone_while_the_reference_is_gone(play: Play) -> None:
    """Live: after half a second without visible frames the infrared ones come out alone, and pairs resume when it is back."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    infrared = "..".join(letters)
    visible = "..".join(letter.upper() if letter < "d" or letter > "x" else "." for letter in letters)
    sync = Nearest(SyncSettings())
    assert play(sync, infrared, visible) == "aA bB cC " + " ".join("defghijklmnopqrstuvwxy") + " zZ"
    assert sync.drops == Counter(late=1)  # Y: y had gone out before it


def test_end_hurries_live_pairs(frame_at: FrameAt) -> None:
    """`end` of a camera releases what waits for it, and the other comes out at once until that camera is back."""
    sync = Nearest(SyncSettings())
    assert sync.feed(frame_at(VISIBLE, 0), 0) == []
    assert [pair.mode for pair in sync.end(INFRARED, 1)] == ["visible_only"]
    assert [pair.mode for pair in sync.feed(frame_at(VISIBLE, 33 * NS_PER_MS), 33 * NS_PER_MS)] == ["visible_only"]
    sync.feed(frame_at(INFRARED, 66 * NS_PER_MS), 66 * NS_PER_MS)
    assert [pair.mode for pair in sync.feed(frame_at(VISIBLE, 66 * NS_PER_MS), 66 * NS_PER_MS)] == ["fused"]


def test_overflow_drops_the_oldest(frame_at: FrameAt) -> None:
    """A partner that only piles up is bounded: what is too much is counted, and the newest stay."""
    sync = Nearest(SyncSettings())
    for number in range(DEPTH + 10):
        sync.feed(frame_at(INFRARED, number * NS_PER_MS), 0)
    assert sync.drops == Counter(overflow=10)
    (pair,) = sync.feed(frame_at(VISIBLE, (DEPTH + 9) * NS_PER_MS), 0)
    assert pair.skew_ns == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tolerance_ms": 0.2}, "sync.tolerance_ms"),
        ({"reuse_max_ms": -1}, "sync.reuse_max_ms"),
        ({"wait_ms": 5000}, "sync.wait_ms"),
        ({"reference": "thermal"}, "sync.reference"),
        ({"max_skew_ms": 8}, "sync.max_skew_ms: unknown key"),
        ({"freeze": {"shared_view": [0.8, 0, 0.2, 1]}}, "left < right"),
    ],
)
def test_settings_out_of_range(values: dict[str, Any], message: str) -> None:
    """A wrong value or key is an error that names it."""
    with pytest.raises(ConfigError, match=message):
        checked(SyncSettings, values, "sync")
