"""The ways of people and cars."""

import numpy as np
import pytest

from streamfuse.source.scene import street
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.route import CYCLE_S, DOOR_Y, LAP_M, WALKS, Crossing, rolled
from streamfuse.source.scene.world import CAR, PERSON, World


def test_cars_brake_wait_and_start():
    """A car that has to wait comes to a smooth stop where it should, and goes on without a jump."""
    times = np.arange(0.0, 20.0, 0.01)
    ways, brakes = zip(*[rolled(t, 9.0, 40.0, 12.0) for t in times], strict=True)
    speeds = np.diff(ways) / 0.01
    assert rolled(11.0, 9.0, 40.0, 12.0) == (40.0, True)
    assert speeds.min() >= 0.0
    assert speeds.max() <= 9.0 + 1e-6
    assert np.abs(np.diff(speeds)).max() < 0.05  # no more than 5 m/s2
    assert not brakes[0]
    assert not brakes[-1]


def test_a_car_that_passes_just_rolls():
    """Without a place to stop a car keeps its speed."""
    assert rolled(3.0, 9.0, None, 0.0) == (27.0, False)


@pytest.mark.parametrize("walk", WALKS)
def test_walkers_stay_on_their_pavement(walk):
    """Whoever walks along is between the door and the camera, on one side of the road."""
    for t_s in np.linspace(0.0, 500.0, 101):
        lap, way = walk.at(float(t_s))
        pose = walk.pose(way, mate=1)
        assert lap >= 0
        assert 0 <= way < LAP_M
        assert street.NEAR_Y - 1 <= pose.y <= DOOR_Y
        assert not street.KERB_LEFT_X < pose.x < street.BAY_X


def test_people_walk_without_jumps():
    """Those who cross move at walking pace at every instant, also around corners."""
    for number in range(4):
        crossing = Crossing.drawn(3, 5, number)
        poses = [crossing.pose(t) for t in np.arange(-40.0, 60.0, 0.05)]
        places = np.array([(p.x, p.y) for p in poses if p is not None])
        assert len(places) > 200
        assert np.hypot(*np.diff(places, axis=0).T).max() < 1.6 * 0.05


def test_nobody_is_run_over():
    """No car is on the zebra while people are on the road."""
    world, (near, far) = World(0, Light(0.0, 0.0)), street.ZEBRA_Y
    crossed = passed = 0
    for t_s in np.arange(0.0, 4 * CYCLE_S, 0.5):
        actors = world.actors(float(t_s))
        on_road = [a for a in actors if a.kind == PERSON and abs(a.figure.foot_3[0]) < 3.2 and near < a.figure.foot_3[1] < far]
        cars = [a.figure.points_K3[:, 1] for a in actors if a.kind == CAR]
        on_zebra = [y for y in cars if y.max() > near and y.min() < far]
        crossed, passed = crossed + len(on_road), passed + len(on_zebra)
        assert not (on_road and on_zebra)
    assert crossed > 20
    assert passed > 10
