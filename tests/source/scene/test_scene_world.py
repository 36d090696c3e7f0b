"""Who is where in the drawn scene, and the boxes."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.frames import Spectrum
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.world import NAMES, World

SIZE = (320, 240)
INSTANTS_S = (1.0, 7.0, 19.0)


def infrared_at(t_s: float) -> tuple[SceneSource, NDArray[Any]]:
    source = SceneSource(SceneSettings(spectrum=Spectrum.INFRARED, size=SIZE, start_s=t_s, night=1.0))
    source.open()
    frame = source.read()
    assert frame is not None
    assert isinstance(frame.image, np.ndarray)
    return source, frame.image


def test_any_instant_in_any_order():
    """Where everyone is depends on the instant, not on what was asked before."""
    forwards, backwards = World(4, Light(0.0, 0.0)), World(4, Light(0.0, 0.0))
    there = {t: [a.figure.points_K3 for a in forwards.actors(t)] for t in (2.0, 30.0, 500.0)}
    for t in (500.0, 2.0, 30.0):
        again = [a.figure.points_K3 for a in backwards.actors(t)]
        assert len(again) == len(there[t]) > 5
        assert all(np.array_equal(a, b) for a, b in zip(again, there[t], strict=True))


@pytest.mark.parametrize("t_s", INSTANTS_S)
def test_boxes_lie_on_warm_people(t_s):
    """In infrared the middle of a person's box is warmer than the ring around it."""
    source, picture = infrared_at(t_s)
    found = source.boxes(t_s)
    people = found.boxes_N4[found.classes_N == NAMES.index("person")]
    assert len(people) >= 6
    taken = np.zeros(picture.shape, bool)
    for x1, y1, x2, y2 in found.boxes_N4.round().astype(int):
        taken[y1 - 1 : y2 + 1, x1 - 1 : x2 + 1] = True
    for x1, y1, x2, y2 in people.round().astype(int):
        ring = np.zeros(picture.shape, bool)
        ring[max(0, y1 - 4) : y2 + 4, max(0, x1 - 4) : x2 + 4] = True
        ring &= ~taken
        quarter = (x2 - x1) // 4
        assert picture[y1:y2, x1 + quarter : x2 - quarter].mean() > picture[ring].mean() + 25


def test_boxes_are_tight():
    """A box is as large as what the picture shows of its person, to a pixel or two of blur."""
    checked = 0
    for t_s in (3.0, 14.0, 19.0, 25.0):
        source, picture = infrared_at(t_s)
        found = source.boxes(t_s)
        for box in found.boxes_N4[found.classes_N == NAMES.index("person")]:
            near = [o for o in found.boxes_N4 if (o[:2] < box[2:] + 9).all() and (o[2:] > box[:2] - 9).all()]
            if len(near) > 1 or box[3] > SIZE[1] - 6 or box[3] - box[1] < 22:
                continue
            left, top, right, bottom = np.array([box[0] - 4, box[1] - 4, box[2] + 4, box[3] + 4]).round().astype(int)
            warm = picture[top:bottom, left:right] > np.median(picture[top:bottom, left]) + 50  # windows are warm too, but less
            rows, columns = np.flatnonzero(warm.any(axis=1)), np.flatnonzero(warm.any(axis=0))
            seen = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
            assert np.abs(np.array(seen) - box).max() <= 2.0
            checked += 1
    assert checked >= 2


def test_boxes_stay_in_the_frame():
    """Boxes are clipped to the visible frame, have an area, a known class, and a track of their own."""
    source = SceneSource(SceneSettings(size=SIZE))
    for t_s in np.arange(0.0, 64.0, 2.0):
        found = source.boxes(float(t_s))
        boxes = found.boxes_N4
        assert len(found) > 0
        assert boxes.min() >= 0
        assert (boxes[:, 2:] <= SIZE).all()
        assert (boxes[:, 2:] - boxes[:, :2] >= 3).all()
        assert len(set(found.tracks_N.tolist())) == len(found)
        assert found.names == ("person", "car")


def test_tracks_follow_who_moves():
    """From one frame to the next a track's box hardly moves, and most tracks are still there."""
    source = SceneSource(SceneSettings(size=SIZE))
    before, after = (source.boxes(t) for t in (20.0, 20.0 + 1 / 30))
    first = dict(zip(before.tracks_N.tolist(), before.boxes_N4, strict=True))
    second = dict(zip(after.tracks_N.tolist(), after.boxes_N4, strict=True))
    shared = first.keys() & second.keys()
    assert len(shared) >= len(before) - 2
    assert max(np.abs(first[i] - second[i]).max() for i in shared) < 8


def test_cars_glow():
    """A running car is far warmer somewhere (bonnet, wheels, exhaust) than the road beside it."""
    source, picture = infrared_at(7.0)
    found = source.boxes(7.0)
    cars = [box for box, track in zip(found.boxes_N4, found.tracks_N, strict=True) if 1000 <= track < 100_000]
    assert cars
    for x1, y1, x2, y2 in np.array(cars).round().astype(int):
        assert np.percentile(picture[y1:y2, x1:x2], 98) > cv2.medianBlur(picture, 5)[y2 + 2 if y2 + 2 < SIZE[1] else y1 - 2].mean() + 60
