"""From points that were marked in both pictures: a homography or an affine, and how well it foretells a point it was not shown."""

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from streamfuse.align.calibration import Calibration, Size, rig_of
from streamfuse.align.fit import Model
from streamfuse.align.grid import through
from streamfuse.errors import RigError

Points = NDArray[np.float64]

COLUMNS = ("infrared_x", "infrared_y", "visible_x", "visible_y")
LEAST = {"affine": 3, "homography": 4}  # points that the model goes through whatever they are
MISTAKE_SHARE = 0.02  # of the visible width: further off than this, a point is a mistake
DOUBT_SHARE = 0.01  # of the visible width
LEAST_SPREAD = 0.05  # of the visible picture must lie between the points


def load_points(path: Path) -> Points:
    """(N, 4) infrared x, y and visible x, y, from CSV with these columns or YAML `points: [[x, y, x, y], ...]`. `RigError` if not."""
    try:
        text = path.read_text()
        rows: Any = _from_csv(text) if path.suffix.lower() == ".csv" else yaml.safe_load(text)["points"]
        points_N4 = np.array(rows, np.float64)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as exc:
        raise RigError(
            f"cannot read points from {path}: {exc}; want CSV with the columns {', '.join(COLUMNS)}, or YAML with `points`"
        ) from exc
    if points_N4.ndim != 2 or points_N4.shape[1] != 4 or not np.isfinite(points_N4).all():
        raise RigError(f"{path}: want four numbers for each point, {', '.join(COLUMNS)}; got {points_N4.shape}")
    return points_N4


def save_points(points_N4: Points, path: Path) -> None:
    """Write a points file, CSV or YAML by its name."""
    rows = [[round(float(value), 2) for value in row] for row in points_N4]
    if path.suffix.lower() == ".csv":
        path.write_text("\n".join(",".join(map(str, row)) for row in [COLUMNS, *rows]) + "\n")
    else:
        path.write_text(yaml.safe_dump({"points": rows}, default_flow_style=None))


def _from_csv(text: str) -> list[list[float]]:
    return [[float(row[column]) for column in COLUMNS] for row in csv.DictReader(text.splitlines())]


def from_points(points_N4: Points, sizes: tuple[Size, Size], model: Model) -> Calibration:
    """Fit, leaving out mistakes. The residual is the median error at a point that the fit was not shown."""
    width = sizes[1][1]
    least = LEAST[model]
    if len(points_N4) < least:
        raise RigError(f"{model} needs {least} points or more, got {len(points_N4)}")
    matrix, kept = fitted(points_N4, model, MISTAKE_SHARE * width)
    if matrix is None:
        raise RigError(f"no {model} goes through these points; do they lie on one line, or belong to different things?")
    good_N4 = points_N4[kept]
    residual_px = left_out_px(good_N4, model) if len(good_N4) > least else float("nan")
    doubts = []
    if len(good_N4) <= least:
        doubts.append(f"{len(good_N4)} points always fit {model}: mark {least + 2} or more, so that an error shows")
    elif residual_px > DOUBT_SHARE * width:
        doubts.append(f"the points contradict each other by {residual_px:.1f} px; look at the picture for the one that is wrong")
    if _spread(good_N4, sizes[1]) < LEAST_SPREAD:
        doubts.append("the points lie in a small part of the picture; far from them it would be a guess")
    mistakes = [str(number + 1) for number in np.flatnonzero(~kept)]
    told = f"{len(good_N4)} of {len(points_N4)} points" + (f"; left out as mistakes: {', '.join(mistakes)}" if mistakes else "")
    residual_px = float(np.nan_to_num(residual_px))
    return Calibration(rig=rig_of(matrix, sizes, f"points, {model}, {len(good_N4)}", residual_px), told=told, doubts=tuple(doubts))


def fitted(points_N4: Points, model: Model, mistake_px: float) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """3x3 from infrared to visible, and which points it rests on; None where there is none."""
    infrared, visible = (np.ascontiguousarray(half) for half in (points_N4[:, :2], points_N4[:, 2:]))
    everyone = np.ones((len(points_N4), 1), np.uint8)
    if model == "homography":
        exact = len(points_N4) <= LEAST["homography"]
        matrix, kept = cv2.findHomography(infrared, visible, 0 if exact else cv2.RANSAC, mistake_px)
    else:
        rows, kept = cv2.estimateAffine2D(infrared, visible, method=cv2.RANSAC, ransacReprojThreshold=mistake_px)
        matrix = None if rows is None else np.vstack([rows, [0, 0, 1]])
    chosen = (everyone if kept is None else kept).ravel().astype(bool)
    return (None if matrix is None else np.asarray(matrix, np.float64)), chosen


def left_out_px(points_N4: Points, model: Model) -> float:
    """Median distance between each point and where a fit to all others puts it."""
    errors = []
    for number in range(len(points_N4)):
        matrix, _ = fitted(np.delete(points_N4, number, 0), model, np.inf)
        if matrix is not None:
            errors.append(np.linalg.norm(through(matrix, points_N4[number : number + 1, :2]) - points_N4[number, 2:]))
    return float(np.median(errors)) if errors else float("inf")


def _spread(points_N4: Points, size: Size) -> float:
    hull = cv2.convexHull(points_N4[:, 2:].astype(np.float32))
    return float(cv2.contourArea(hull) / (size[0] * size[1]))
