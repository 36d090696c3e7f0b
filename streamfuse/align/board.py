"""From a board that both cameras see: a chessboard or a grid of circles, heated so that infrared sees it too."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.calibration import Calibration, Lens, Size, rig_of
from streamfuse.align.fit import Model
from streamfuse.align.grid import through
from streamfuse.align.orientation import Picture
from streamfuse.align.points import DOUBT_SHARE, LEAST_SPREAD, MISTAKE_SHARE, Points, fitted
from streamfuse.errors import RigError

BoardKind: TypeAlias = Literal["chessboard", "circles", "asymmetric"]

VIEWS_FOR_LENSES = 8
LENS_RMS_PX = 1.0  # a lens model that explains its own views worse than this is not used


@dataclass(frozen=True, slots=True)
class Board:
    """What to look for."""

    kind: BoardKind
    columns: int
    """Inner corners, or circles, along a row."""
    rows: int

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or (self.columns == self.rows and self.kind != "asymmetric"):
            raise RigError(
                f"a board of {self.columns}x{self.rows}: want 3x3 or more inner corners or circles, and different numbers "
                "along and across, so that it cannot be mistaken for itself turned"
            )

    def grid(self) -> NDArray[np.float32]:
        """(N, 3) places of the points on the board, in squares."""
        y, x = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        if self.kind == "asymmetric":
            x = 2 * x + y % 2
        return np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], -1)

    def find(self, picture: Picture) -> Points | None:
        """(N, 2) points row by row, or None. Bright on dark and dark on bright: what is black is often warm."""
        even = _eight_bits(picture)
        for seen in (even, 255 - even):
            found, points = self._find(seen)
            if found:
                return np.asarray(points.reshape(-1, 2), np.float64)
        return None

    def _find(self, even: NDArray[np.uint8]) -> tuple[bool, NDArray[np.float32]]:
        pattern = (self.columns, self.rows)
        if self.kind == "chessboard":
            found, points = cv2.findChessboardCornersSB(even, pattern, flags=cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_NORMALIZE_IMAGE)
        else:
            grid = cv2.CALIB_CB_SYMMETRIC_GRID if self.kind == "circles" else cv2.CALIB_CB_ASYMMETRIC_GRID
            found, points = cv2.findCirclesGrid(even, pattern, flags=grid | cv2.CALIB_CB_CLUSTERING)
        return bool(found), points


def from_board(board: Board, infrareds: list[Picture], visibles: list[Picture], model: Model) -> Calibration:
    """Fit all views in which both cameras see the board. The residual is measured on views that the fit was not shown."""
    sizes = ((infrareds[0].shape[0], infrareds[0].shape[1]), (visibles[0].shape[0], visibles[0].shape[1]))
    views, seen = _views(board, infrareds, visibles)
    if not views:
        raise RigError(
            f"the {board.kind} of {board.columns}x{board.rows} was seen in {seen[0]} infrared and {seen[1]} visible of {len(infrareds)} "
            "pictures, never in both at once; heat it, hold it still and flat, fill a third of the view, and check --pattern"
        )
    lenses = _lenses(board, views, sizes)
    if lenses is not None and _left_out_px(_straight(views, lenses), model) >= _left_out_px(views, model):
        lenses = None
    flat = views if lenses is None else _straight(views, lenses)
    matrix, _ = fitted(np.concatenate(flat), model, MISTAKE_SHARE * sizes[1][1])
    if matrix is None:
        raise RigError("the views of the board do not fit together; did the cameras move between them?")
    residual_px = _left_out_px(flat, model)
    told = f"board in {len(views)} of {len(infrareds)} views" + (", with lens distortion" if lenses else "")
    method = f"board, {model}, {len(views)} views"
    return Calibration(rig=rig_of(matrix, sizes, method, residual_px, lenses), told=told, doubts=_doubts(views, residual_px, sizes[1]))


def _views(board: Board, infrareds: list[Picture], visibles: list[Picture]) -> tuple[list[Points], tuple[int, int]]:
    """(N, 4) per view that both cameras see, and how many each saw."""
    views, seen = [], [0, 0]
    for infrared, visible in zip(infrareds, visibles, strict=True):
        one, other = board.find(infrared), board.find(visible)
        seen[0] += one is not None
        seen[1] += other is not None
        if one is not None and other is not None:
            views.append(np.concatenate([one, _same_way(one, other)], 1))
    return views, (seen[0], seen[1])


def _same_way(one: Points, other: Points) -> Points:
    """The points of `other` in the order of `one`: a board looks the same upside down, but cameras are mounted much the same way up."""
    return other[::-1] if (one[-1] - one[0]) @ (other[-1] - other[0]) < 0 else other


def _doubts(views: list[Points], residual_px: float, size: Size) -> tuple[str, ...]:
    doubts = []
    if len(views) < 3:
        doubts.append(f"{len(views)} views of the board are few; take three or more, in different parts of the picture")
    if residual_px > DOUBT_SHARE * size[1]:
        doubts.append(f"the views contradict each other by {residual_px:.1f} px; keep the board at the distance that matters, and still")
    hull = cv2.convexHull(np.concatenate(views)[:, 2:].astype(np.float32))
    if cv2.contourArea(hull) < LEAST_SPREAD * 2 * size[0] * size[1]:
        doubts.append("the board was seen in a small part of the picture only; far from there it would be a guess")
    return tuple(doubts)


def _left_out_px(views: list[Points], model: Model) -> float:
    """Median error on each view of a fit to the others; on the only one, of the fit to itself."""
    errors = []
    for number, view in enumerate(views):
        others = [other for index, other in enumerate(views) if index != number] or [view]
        matrix, _ = fitted(np.concatenate(others), model, MISTAKE_SHARE * 1e4)
        if matrix is not None:
            errors.append(np.linalg.norm(through(matrix, view[:, :2]) - view[:, 2:], axis=1))
    return float(np.median(np.concatenate(errors))) if errors else float("inf")


def _lenses(board: Board, views: list[Points], sizes: tuple[Size, Size]) -> tuple[Lens, Lens] | None:
    """Both cameras' lenses (Z. Zhang, "A flexible new technique for camera calibration", 2000); None where the views cannot tell them."""
    if len(views) < VIEWS_FOR_LENSES:
        return None
    lenses = []
    for first, size in zip((0, 2), sizes, strict=True):
        points = [view[:, first : first + 2].astype(np.float32)[:, None] for view in views]
        rms, camera, distortion, _, _ = cv2.calibrateCamera(
            [board.grid()] * len(views), points, size[::-1], np.eye(3), np.zeros(5), flags=cv2.CALIB_FIX_K3
        )
        if rms > LENS_RMS_PX or not np.isfinite(camera).all():
            return None
        lenses.append(Lens(camera=camera, distortion=distortion.ravel()[:5]))
    return lenses[0], lenses[1]


def _straight(views: list[Points], lenses: tuple[Lens, Lens]) -> list[Points]:
    """The views as cameras without distortion would have seen them."""
    halves = []
    for first, lens in zip((0, 2), lenses, strict=True):
        points = [view[:, first : first + 2][:, None] for view in views]
        halves.append([cv2.undistortPoints(p, lens.camera, lens.distortion, P=lens.camera)[:, 0] for p in points])
    return [np.concatenate([one, other], 1).astype(np.float64) for one, other in zip(*halves, strict=True)]


def _eight_bits(picture: Picture) -> NDArray[np.uint8]:
    low, high = np.percentile(picture, (0.5, 99.5))
    spread = max(float(high - low), 1.0)
    return np.asarray(np.clip((picture.astype(np.float32) - low) * (255 / spread), 0, 255), np.uint8)
