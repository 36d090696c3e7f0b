"""`streamfuse calibrate`, on drawn pictures."""

import threading
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from streamfuse.align.rig import load_rig
from streamfuse.align.warp import Warp, WarpSettings

SIZES = {"infrared": (240, 320), "visible": (360, 480)}
TO_VISIBLE = np.array([[1.4, 0, 10.0], [0, 1.4, 8.0], [0, 0, 1]])


@pytest.fixture
def shots(tmp_path) -> dict[str, Path]:
    """Two pictures of one place: shapes of other brightness, at another scale."""
    draws = np.random.default_rng(9)
    infrared, whole = np.full((240, 320), 90, np.uint8), np.full((240, 320), 150, np.uint8)
    for _ in range(130):
        x, y, w, h = (int(v) for v in draws.uniform((0, 0, 6, 6), (310, 230, 40, 40)))
        for picture in (infrared, whole):
            cv2.rectangle(picture, (x, y), (x + w, y + h), int(draws.integers(0, 255)), -1)
    visible = cv2.warpPerspective(whole, TO_VISIBLE, (480, 360), borderMode=cv2.BORDER_REPLICATE)
    paths = {"infrared": tmp_path / "ir.png", "visible": tmp_path / "vi.png"}
    for spectrum, picture in (("infrared", infrared), ("visible", visible)):
        cv2.imwrite(str(paths[spectrum]), picture)
    return paths


def calibrate(streamfuse: Any, shots: dict[str, Path], out: Path, *more: object) -> Any:
    return streamfuse("calibrate", "--infrared", shots["infrared"], "--visible", shots["visible"], "--out", out, *more)


def off_px(path: Path) -> float:
    rig = load_rig(path)
    corners = np.array([[0, 0], [319, 0], [319, 239], [0, 239]], np.float64)[None]
    apart = cv2.perspectiveTransform(corners, rig.matrix) - cv2.perspectiveTransform(corners, TO_VISIBLE)
    return float(np.linalg.norm(apart[0], axis=1).max())


def test_from_the_scene(streamfuse, shots, tmp_path):
    """The rig is right, fits the aligner, and a picture of the result lies beside it."""
    said = calibrate(streamfuse, shots, tmp_path / "gate.yaml")
    assert said.code == 0, said.all
    assert off_px(tmp_path / "gate.yaml") < 1.5
    assert "residual" in said.out
    assert np.asarray(cv2.imread(str(tmp_path / "gate.jpg"))).shape[1] == 480
    rig = load_rig(tmp_path / "gate.yaml")
    assert (rig.infrared_size, rig.visible_size) == tuple(SIZES.values())
    assert rig.method.startswith("scene, affine")
    Warp(WarpSettings()).know(rig.id, rig)


def test_refuses_what_it_is_not_sure_of(streamfuse, shots, tmp_path):
    """Pictures of different places: code 3, the reason, a picture to look at, and no rig; `--force` writes it all the same."""
    noise = np.random.default_rng(1).uniform(0, 255, (60, 80)).astype(np.uint8)
    cv2.imwrite(str(shots["visible"]), cv2.resize(noise, (480, 360), interpolation=cv2.INTER_CUBIC))
    out = tmp_path / "gate.yaml"
    said = calibrate(streamfuse, shots, out)
    assert said.code == 3
    assert "not sure: the pictures agree too little" in said.all
    assert out.with_suffix(".jpg").is_file()
    assert not out.exists()
    assert calibrate(streamfuse, shots, out, "--force").code == 0
    assert out.is_file()


def test_folders_are_paired_by_their_order(streamfuse, shots, tmp_path):
    """Two folders of pictures, of which the first of one belongs to the first of the other."""
    for spectrum, path in shots.items():
        (tmp_path / spectrum).mkdir()
        for number in range(3):
            (tmp_path / spectrum / f"{number}.png").write_bytes(path.read_bytes())
    folders = {spectrum: tmp_path / spectrum for spectrum in shots}
    said = calibrate(streamfuse, folders, tmp_path / "gate.yaml", "--frames", 2)
    assert said.code == 0, said.all
    assert "2 pairs of pictures" in said.all
    assert off_px(tmp_path / "gate.yaml") < 1.5


def write_points(path: Path, count: int = 6) -> None:
    places = np.array([[20, 30], [300, 25], [290, 210], [30, 220], [160, 120], [90, 60]], np.float64)[:count]
    there = cv2.perspectiveTransform(places[None], TO_VISIBLE)[0]
    rows = [",".join(f"{value:.2f}" for value in (*one, *other)) for one, other in zip(places, there, strict=True)]
    path.write_text("infrared_x,infrared_y,visible_x,visible_y\n" + "\n".join(rows) + "\n")


def test_from_a_points_file(streamfuse, shots, tmp_path):
    """Points that were marked elsewhere; too few of them are refused."""
    points = tmp_path / "points.csv"
    write_points(points)
    out = tmp_path / "gate.yaml"
    said = calibrate(streamfuse, shots, out, "--method", "points", "--points", points)
    assert said.code == 0, said.all
    assert off_px(out) < 0.1
    write_points(points, 4)
    assert calibrate(streamfuse, shots, tmp_path / "few.yaml", "--method", "points", "--points", points).code == 3


def test_from_clicks(streamfuse, shots, tmp_path, monkeypatch):
    """The page is served until it is done, and its points are kept for the next time."""
    points = tmp_path / "points.yaml"
    visitors = []

    def visit(url: str) -> None:
        write_points(tmp_path / "there.csv")
        rows = (tmp_path / "there.csv").read_text().splitlines()[1:]
        body = ("[" + ",".join(f"[{row}]" for row in rows) + "]").encode()
        visitors.append(threading.Thread(target=lambda: urllib.request.urlopen(url + "points", body, timeout=20).close()))
        visitors[0].start()

    monkeypatch.setattr("webbrowser.open", visit)
    said = calibrate(streamfuse, shots, tmp_path / "gate.yaml", "--method", "points", "--points", points)
    visitors[0].join(20)
    assert said.code == 0, said.all
    assert off_px(tmp_path / "gate.yaml") < 0.1
    assert points.is_file()


def test_from_a_board(streamfuse, tmp_path):
    """Folders of a chessboard in different places, warm where it is dark."""
    squares = np.pad(np.kron(np.indices((6, 8)).sum(0) % 2, np.ones((20, 20))), 20, constant_values=1).astype(np.uint8) * 180 + 40
    folders = {"infrared": tmp_path / "ir", "visible": tmp_path / "vi"}
    for folder in folders.values():
        folder.mkdir()
    for number, (x, y, scale) in enumerate(((5, 5, 1.0), (110, 40, 1.0), (30, 70, 0.9), (60, 20, 1.2))):
        held = np.array([[scale, 0.02, x], [-0.03, scale, y], [0, 0, 1]])
        for spectrum, matrix in (("infrared", held), ("visible", TO_VISIBLE @ held)):
            picture = np.full(SIZES[spectrum], 90, np.uint8)
            cv2.warpPerspective(squares, matrix, picture.shape[::-1], dst=picture, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT)
            cv2.imwrite(str(folders[spectrum] / f"{number}.png"), 255 - picture if spectrum == "infrared" else picture)
    out = tmp_path / "gate.yaml"
    said = calibrate(streamfuse, folders, out, "--method", "board", "--pattern", "7x5")
    assert said.code == 0, said.all
    assert off_px(out) < 2
    assert calibrate(streamfuse, folders, out, "--method", "board", "--pattern", "seven").code == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"out": "nowhere/gate.yaml"}, "no folder"),
        ({"out": "gate.jpg"}, "name the rig with another ending"),
        ({"infrared": "missing.png"}, "cannot read the picture"),
        ({"infrared": "missing.mp4"}, "missing.mp4"),
    ],
)
def test_what_is_wrong_is_told(streamfuse, shots, tmp_path, wrong, told):
    """A place to write to, or a picture to read, that is not there."""
    given = {"out": tmp_path / "gate.yaml", **shots, **{key: tmp_path / value for key, value in wrong.items()}}
    said = calibrate(streamfuse, {key: given[key] for key in ("infrared", "visible")}, given["out"])
    assert said.code in (1, 2)
    assert told in said.all
    assert not (tmp_path / "gate.yaml").exists()


def test_points_that_could_not_be_kept_are_told_before_anybody_clicks(streamfuse, shots, tmp_path):
    """A folder that is not there would cost the clicks."""
    out, points = tmp_path / "gate.yaml", tmp_path / "nowhere" / "points.txt"
    said = calibrate(streamfuse, shots, out, "--method", "points", "--points", points, "--no-browser")
    assert said.code == 2
    assert "there is no folder" in said.all
