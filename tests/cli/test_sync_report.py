"""`streamfuse sync-report` on small recordings made here."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamfuse.cli.sync_report import picture
from streamfuse.frames import Planes
from streamfuse.sync.content_curve import Series
from streamfuse.sync.content_lag import find_lag
from streamfuse.video import write_video

FPS, SECONDS, SIZE = 20, 8, (120, 160)


def street(t_s: float, *, warm: bool) -> np.ndarray:
    """Twelve people who come and go."""
    chance = np.random.default_rng(11)
    ground = np.random.default_rng(int(warm)).integers(70, 120, SIZE).astype(np.float32)
    drawn: np.ndarray = np.asarray(cv2.GaussianBlur(ground, (0, 0), 3), np.float32)
    for at, x, y, vx, vy, grey in chance.uniform([-3, 20, 20, -30, -20, 0], [SECONDS, 140, 100, 30, 20, 1], (12, 6)):
        if at < t_s < at + 4:
            middle = np.array([x + vx * (t_s - at), y + vy * (t_s - at)])
            corner, opposite = ([round(16 * float(value)) for value in middle + way * np.array([4, 8])] for way in (-1, 1))
            cv2.rectangle(drawn, corner, opposite, 220.0 if warm else 20.0 + 210.0 * (grey > 0.5), -1, cv2.LINE_AA, 4)
    return drawn.astype(np.uint8)


def planes(luma: np.ndarray) -> Planes:
    half = np.full((SIZE[0] // 2, SIZE[1] // 2), 128, np.uint8)
    return Planes(y=luma, u=half, v=half.copy())


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Infrared, visible with stamps late by 400 ms, visible in step, and a visible camera that saw nothing."""
    folder = tmp_path_factory.mktemp("recorded")
    times = [number / FPS for number in range(SECONDS * FPS)]
    still = street(0.0, warm=False)
    films = {
        "infrared": [street(t_s, warm=True) for t_s in times],
        "late": [street(t_s - 0.4, warm=False) for t_s in times],
        "in_step": [street(t_s, warm=False) for t_s in times],
        "blind": [still.copy() for _ in times],
    }
    for name, film in films.items():
        write_video(folder / f"{name}.mp4", [planes(luma) for luma in film], fps=FPS)
    return {name: folder / f"{name}.mp4" for name in films}


def test_it_says_what_to_set(streamfuse, recorded):
    """Offset, confidence, both rates, and the line for the configuration."""
    said = streamfuse("sync-report", recorded["infrared"], recorded["late"])
    assert said.code == 0, said.all
    assert said.all.count("20.00 fps") == 2
    assert "visible minus infrared: +" in said.all
    assert "confidence" in said.all
    offset = int(said.all.split("time_offset_ms: ")[1].split()[0])
    assert offset == pytest.approx(400, abs=25)
    assert "drift: needs" in said.all


def test_stamps_that_are_right_need_nothing(streamfuse, recorded):
    """Less than half a period apart: there is nothing to set."""
    said = streamfuse("sync-report", recorded["infrared"], recorded["in_step"])
    assert said.code == 0, said.all
    assert "nothing to set" in said.all
    assert "time_offset_ms" not in said.all


def test_when_it_cannot_say_the_exit_code_is_3(streamfuse, recorded):
    """A camera that saw nothing: no offset, the reason, and what would help."""
    said = streamfuse("sync-report", recorded["infrared"], recorded["blind"])
    assert said.code == 3
    assert "cannot say: nothing that moves is seen by both cameras" in said.all
    assert "time_offset_ms" not in said.all


def test_json_for_programs(streamfuse, recorded):
    """Everything that the words say, with the same exit codes."""
    said = streamfuse("sync-report", recorded["infrared"], recorded["late"], "--json")
    told = json.loads(said.out)
    assert said.code == 0
    assert told["sure"] is True
    assert told["offset_ms"] == pytest.approx(400, abs=25)
    assert told["visible"]["fps"] == 20
    assert told["reason"] is None
    assert told["drift_ppm"] is None
    said = streamfuse("sync-report", recorded["infrared"], recorded["blind"], "--json")
    assert said.code == 3
    assert json.loads(said.out)["sure"] is False


def test_the_picture_is_drawn(streamfuse, recorded, tmp_path):
    """Also where it cannot say; a place that cannot be written is told before anything is read."""
    for name, code in (("late", 0), ("blind", 3)):
        out = tmp_path / f"{name}.png"
        assert streamfuse("sync-report", recorded["infrared"], recorded[name], "--out", out).code == code
        drawn = cv2.imread(str(out))
        assert drawn is not None
        assert drawn.shape == (360, 900, 3)
    said = streamfuse("sync-report", recorded["infrared"], recorded["late"], "--out", tmp_path / "nowhere" / "x.png")
    assert said.code == 2
    assert "there is no folder" in said.all


def test_the_curve_rises_where_the_offset_is():
    """The drawn line is highest at the lag that was found, and without anything there is only the reason."""
    times = np.arange(200) / 20
    edges_NB = np.random.default_rng(0).normal(0, 1, (200, 40)).cumsum(0).astype(np.float32)
    lag = find_lag(Series(times, edges_NB), Series(times + 1.0, edges_NB), most_s=2.0)
    drawn = picture(lag)
    blue = (drawn[..., 2] == 180) & (drawn[..., 0] == 20)
    columns = np.flatnonzero(blue[: np.flatnonzero(blue.any(1))[0] + 3].any(0))
    left, right = 60, 870
    assert (columns.mean() - left) / (right - left) * 2 * lag.lags_L[-1] - lag.lags_L[-1] == pytest.approx(1.0, abs=0.03)
    nothing = picture(find_lag(Series(times[:1], edges_NB[:1]), Series(times[:1], edges_NB[:1]), most_s=2.0))
    assert nothing.shape == drawn.shape


def test_folders_and_a_part_of_them(streamfuse, recorded, tmp_path):
    """A folder of pictures with a rate serves as well as a film, and `--seconds` reads no more than that."""
    for name, warm, late_s in (("ir", True, 0.0), ("vi", False, 0.4)):
        (tmp_path / name).mkdir()
        for number in range(120):
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), street(number / FPS - late_s, warm=warm))
    said = streamfuse("sync-report", tmp_path / "ir", tmp_path / "vi", "--fps", 20, "--seconds", 5, "--json")
    told = json.loads(said.out)
    assert said.code == 0, said.all
    assert told["compared_s"] <= 5
    assert told["offset_ms"] == pytest.approx(400, abs=25)


def test_what_is_not_there_or_live_is_refused(streamfuse, recorded, tmp_path):
    """A missing file is a failure; a camera is not read here, and it says where to switch the check on."""
    assert streamfuse("sync-report", tmp_path / "no.mp4", recorded["late"]).code == 1
    said = streamfuse("sync-report", "rtsp://127.0.0.1:1/x", recorded["late"])
    assert said.code == 2
    assert "sync.content.enabled" in said.all
