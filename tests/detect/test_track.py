"""Track ids of blobs that move."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from streamfuse.detect import TRACKERS
from streamfuse.detect.hotspots import HotSpots, HotSpotsSettings
from streamfuse.errors import ConfigError
from streamfuse.results import Detections
from streamfuse.stages import Tracker

WIDE, HIGH = 24, 40
RATE_HZ = 30
SECOND_NS = 10**9
START_NS = 1_772_000_000 * SECOND_NS  # UTC, as cameras stamp


def boxes_at(*corners: tuple[float, float], scores: tuple[float, ...] | None = None) -> Detections:
    """Boxes of one size with their top left corners at these points."""
    count = len(corners)
    boxes = np.array([(x, y, x + WIDE, y + HIGH) for x, y in corners], np.float32).reshape(count, 4)
    return Detections(
        boxes_N4=boxes,
        scores_N=np.array(scores or [0.9] * count, np.float32),
        classes_N=np.zeros(count, np.int32),
        tracks_N=np.full(count, -1, np.int32),
        names=("hotspot",),
    )


def tracker(**values: float) -> Tracker:
    return TRACKERS.make("bytetrack", **values)


def instant(picture: float, rate_hz: float = RATE_HZ) -> int:
    """Capture time of a picture of a steady stream."""
    return START_NS + round(picture * SECOND_NS / rate_hz)


def followed(one: Tracker, path: Iterator[Detections], first: int = 0, rate_hz: float = RATE_HZ) -> list[list[int]]:
    """Ids per picture."""
    return [one.update(detections, instant(i, rate_hz)).tracks_N.tolist() for i, detections in enumerate(path, first)]


def walk(steps: int, speed: float = 5.0, start: float = 10.0) -> Iterator[Detections]:
    return (boxes_at((start + speed * i, 50)) for i in range(steps))


def test_moving_blob_keeps_one_id(fuse):
    """A hot blob drawn along a path is found and gets one id from its second picture on."""
    detector, one = HotSpots(HotSpotsSettings()), tracker()
    ids = []
    for i in range(30):
        picture = torch.full((1, 240, 320), 0.2)
        picture[:, 50 + 2 * i : 90 + 2 * i, 10 + 5 * i : 34 + 5 * i] = 0.9
        (found,) = detector.detect(fuse(picture))
        ids += one.update(found, instant(i)).tracks_N.tolist()
    assert ids == [-1] + [1] * 29


def test_two_blobs_two_ids(fuse):
    """Two hot blobs that walk past each other at a distance keep two ids."""
    detector, one = HotSpots(HotSpotsSettings()), tracker()
    left_ids: set[int] = set()
    right_ids: set[int] = set()
    for i in range(40):
        picture = torch.full((1, 240, 320), 0.2)
        picture[:, 30:70, 10 + 6 * i : 34 + 6 * i] = 0.9
        picture[:, 150:190, 280 - 6 * i : 304 - 6 * i] = 0.8
        found = one.update(detector.detect(fuse(picture))[0], instant(i))
        for (_, y1, _, _), track in zip(found.boxes_N4, found.tracks_N, strict=True):
            (left_ids if y1 < 100 else right_ids).add(int(track))
    assert len(left_ids - {-1}) == len(right_ids - {-1}) == 1
    assert left_ids & right_ids <= {-1}


def test_boxes_pass_unchanged():
    """Only the ids change: boxes, scores, classes and their order stay."""
    one = tracker()
    given = [boxes_at((10 + i, 10), (200 - i, 100), (90, 150 + i), scores=(0.45, 0.95, 0.2)) for i in range(5)]
    for i, before in enumerate(given):
        after = one.update(before, instant(i))
        assert after.boxes_N4 is before.boxes_N4
        assert after.scores_N is before.scores_N
        assert after.names == before.names
    assert after.tracks_N[2] == -1, "too weak to start a track"
    assert sorted(after.tracks_N.tolist()) == [-1, 1, 2]


def test_weak_box_continues_a_track():
    """A box too weak to start a track still continues the one it lies on."""
    one = tracker()
    followed(one, walk(5))
    assert one.update(boxes_at((35, 50), scores=(0.15,)), instant(5)).tracks_N.tolist() == [1]


def test_instances_count_by_themselves():
    """Each stream's tracker has its own ids: a busy one does not move the counter of another."""
    busy, quiet = tracker(), tracker()
    for i in range(5):
        busy.update(boxes_at(*((60.0 * k + i, 100.0) for k in range(5))), instant(i))
        ids = quiet.update(boxes_at((10 + i, 10)), instant(i)).tracks_N.tolist()
    assert ids == [1]
    assert followed(tracker(), walk(3)) == [[-1], [1], [1]]


def test_reset_gives_fresh_ids():
    """After a break in time, even back, nothing is continued, and no id is used twice in a stream."""
    one = tracker()
    before = followed(one, walk(5))
    one.reset()
    after = followed(one, walk(5, start=30.0), first=-1000)
    assert before[-1] == [1]
    assert after == [[-1], [2], [2], [2], [2]]
    one.reset()
    one.reset()
    assert followed(one, walk(3)) == [[-1], [3], [3]]


@pytest.mark.parametrize("lost_ms", [250, 1100])
@pytest.mark.parametrize("rate_hz", [9, 10, 25, 30, 60])
def test_patience_is_time(rate_hz, lost_ms):
    """A track waits `lost_ms` for its box and not a picture longer, at any rate."""
    still = boxes_at((50, 50))
    missed = lost_ms * rate_hz // 1000  # the box is back after one more interval than there are pictures without it
    for gap, same in ((missed - 1, True), (missed, False)):
        one = tracker(lost_ms=lost_ms)
        path = [*[still] * 10, *[boxes_at()] * gap, *[still] * 2]
        assert (followed(one, iter(path), rate_hz=rate_hz)[-1] == [1]) is same


@pytest.mark.parametrize(("gap_s", "same"), [(0.4, True), (0.6, False), (3600, False), (10**8, False)])
def test_patience_needs_no_pictures(gap_s, same):
    """Time without any picture counts like pictures without the box."""
    one, still = tracker(lost_ms=500), boxes_at((50, 50))
    followed(one, iter([still] * 10))
    ids = followed(one, iter([still] * 2), first=9 + round(gap_s * RATE_HZ))
    assert (ids[-1] == [1]) is same


@pytest.mark.parametrize("kept", [lambda i: i % 2 == 0, lambda i: i * 7919 % 13 < 6], ids=["every other", "here and there"])
@pytest.mark.parametrize("speed", [-3.0, 2.0, 6.0])
def test_dropped_pictures_keep_the_id(kept, speed):
    """With half of the pictures dropped a moving box keeps its id, and so does one that crosses it at a distance."""
    one = tracker()
    seen = [i for i in range(60) if kept(i)]
    ids = [one.update(boxes_at((400 + speed * i, 50), (500 - speed * i, 120)), instant(i)).tracks_N.tolist() for i in seen]
    assert 25 <= len(seen) <= 32
    assert ids == [[-1, -1]] + [[1, 2]] * (len(seen) - 1)


@pytest.mark.parametrize("step_ns", [0, -1, -SECOND_NS])
def test_stamps_that_do_not_grow_pass(step_ns):
    """A repeated or earlier capture time is a picture like others, just after the last."""
    one, still = tracker(), boxes_at((50, 50))
    ids = [one.update(still, START_NS + step_ns * i).tracks_N.tolist() for i in range(5)]
    assert ids == [[-1], [1], [1], [1], [1]]


def test_patience_is_exact():
    """A box that is back after `lost_ms` to the nanosecond has its id, days into the stream too, and one a millisecond later has not."""
    one, still, day_ns = tracker(lost_ms=400), boxes_at((50, 50)), 86_400 * SECOND_NS
    for start_ns in range(START_NS, START_NS + 30 * day_ns, 3 * day_ns + SECOND_NS // 7):
        last_ns = start_ns + SECOND_NS // 10
        for t_ns in (start_ns, last_ns):
            (id_,) = one.update(still, t_ns).tracks_N.tolist()
        for tenths in range(1, 4):
            one.update(boxes_at(), last_ns + tenths * SECOND_NS // 10)
        assert one.update(still, last_ns + 4 * SECOND_NS // 10).tracks_N.tolist() == [id_]
        assert one.update(still, last_ns + 8 * SECOND_NS // 10 + 1_000_000).tracks_N.tolist() == [-1]


def test_empty_pictures_pass():
    """No boxes in, no boxes out, from the first picture on."""
    one = tracker()
    assert followed(one, iter([boxes_at()] * 3)) == [[], [], []]


def test_id_after_as_many_pictures_as_asked():
    """`min_frames` pictures in a row with a box make a track."""
    assert followed(tracker(min_frames=4), walk(5)) == [[-1], [-1], [-1], [1], [1]]
    assert followed(tracker(min_frames=3), iter([boxes_at((0, 0)), boxes_at(), boxes_at((0, 0))])) == [[-1], [], [-1]]


def test_same_boxes_same_ids():
    """The same boxes give the same ids, run after run."""
    random = np.random.default_rng(3)
    crowd = [[(float(x), float(y)) for x, y in random.uniform(0, 400, (8, 2))] for _ in range(30)]
    runs = [followed(tracker(), (boxes_at(*corners) for corners in crowd)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_no_tracker_gives_no_ids():
    """The tracker `none` leaves all boxes at -1."""
    one = TRACKERS.make("none")
    assert followed(one, walk(3)) == [[-1], [-1], [-1]]
    one.reset()


@pytest.mark.parametrize("values", [{"lost_ms": 0}, {"lost_ms": -1}, {"new_score": 2}, {"min_frames": 0}, {"min_iou": 0}])
def test_values_out_of_range_are_refused(values):
    """A value out of range is an error that names its key."""
    with pytest.raises(ConfigError, match=next(iter(values))):
        tracker(**values)
