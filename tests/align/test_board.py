"""Boards, drawn as two cameras see them."""

import cv2
import numpy as np
import pytest

from streamfuse.align.board import Board, from_board
from streamfuse.align.grid import through
from streamfuse.errors import RigError

CHESSBOARD, CIRCLES = Board("chessboard", 9, 6), Board("circles", 8, 5)
SQUARE = 40
TO_VISIBLE = np.array([[1.6, 0.02, 12.0], [-0.02, 1.65, -14.0], [0, 0, 1]])
INFRARED, VISIBLE = (300, 400), (480, 640)
CAMERA = np.array([[400, 0, 199.5], [0, 400, 149.5], [0, 0, 1.0]])


def drawn(board: Board) -> np.ndarray:
    """The board from straight above, with a white border."""
    if board.kind == "chessboard":
        squares = (np.indices((board.rows + 1, board.columns + 1)).sum(0) % 2 * 255).astype(np.uint8)
        return np.pad(np.kron(squares, np.ones((SQUARE, SQUARE), np.uint8)), SQUARE, constant_values=255)
    sheet = np.full(((board.rows + 1) * SQUARE, (board.columns + 1) * SQUARE), 255, np.uint8)
    for x, y, _ in board.grid():
        cv2.circle(sheet, (int((x + 1) * SQUARE), int((y + 1) * SQUARE)), SQUARE // 4, 0, -1, cv2.LINE_AA)
    return sheet


def views(board: Board, count: int = 4, lens: tuple[float, ...] = ()) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The board held here and there: dark squares are warm, so infrared sees the negative; its lens may bend."""
    sheet = drawn(board)
    height, width = sheet.shape
    middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    draws = np.random.default_rng(6)
    infrareds: list[np.ndarray] = []
    visibles: list[np.ndarray] = []
    for number in range(count):
        turned = cv2.Rodrigues(np.array([*draws.uniform(-0.45, 0.45, 2), draws.uniform(-0.15, 0.15)]))[0]
        far = 1000.0 if board.kind == "chessboard" else 900.0
        held = CAMERA @ np.column_stack([turned[:, 0], turned[:, 1], [70 * (number % 3 - 1), 60 * (number % 4 - 1.5), far]]) @ middle
        for list_, matrix, size, ground in ((infrareds, held, INFRARED, 100), (visibles, TO_VISIBLE @ held, VISIBLE, 60)):
            picture = np.full(size, ground, np.uint8)
            cv2.warpPerspective(sheet, matrix, size[::-1], dst=picture, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT)
            list_.append(cv2.GaussianBlur(bent(picture, lens if size == INFRARED else ()), (0, 0), 0.8))
    return [255 - picture for picture in infrareds], visibles


def bent(picture: np.ndarray, lens: tuple[float, ...]) -> np.ndarray:
    """As a lens with that distortion shows it."""
    if not lens:
        return picture
    height, width = picture.shape
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]])
    grid = np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), -1).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(grid, camera, np.array(lens), P=camera).reshape(height, width, 2)
    bent_picture: np.ndarray = cv2.remap(picture, straight[..., 0], straight[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return bent_picture


def apart_px(found: np.ndarray) -> float:
    points = np.stack(np.meshgrid(np.arange(40.0, 360, 40), np.arange(40.0, 260, 40)), -1).reshape(-1, 2)
    return float(np.linalg.norm(through(found, points) - through(TO_VISIBLE, points), axis=1).max())


@pytest.mark.parametrize("board", [CHESSBOARD, CIRCLES], ids=["chessboard", "circles"])
def test_finds_how_the_cameras_stand(board):
    """From four views, in one of which the other camera sees the negative: within half a pixel."""
    found = from_board(board, *views(board), "homography")
    assert apart_px(found.rig.matrix) < 1
    assert found.rig.residual_px is not None
    assert found.rig.residual_px < 0.5
    assert not found.doubts


def test_views_without_a_board_are_left_out():
    """A picture that shows no board, or to one camera only, is counted and skipped."""
    infrareds, visibles = views(CHESSBOARD)
    infrareds.append(np.full(INFRARED, 90, np.uint8))
    visibles.append(visibles[0])
    found = from_board(CHESSBOARD, infrareds, visibles, "affine")
    assert "4 of 5 views" in found.told


def test_no_board_is_an_error_that_counts():
    """It says in how many pictures each camera saw one, and what to do."""
    infrareds, visibles = views(CHESSBOARD, 1)
    with pytest.raises(RigError, match="0 infrared and 1 visible of 1"):
        from_board(CHESSBOARD, [np.full(INFRARED, 90, np.uint8)], visibles, "homography")
    with pytest.raises(RigError, match="check --pattern"):
        from_board(Board("chessboard", 7, 5), infrareds, visibles, "homography")


def test_one_view_is_doubted():
    """One board in one place says little of the rest."""
    assert any("few" in doubt for doubt in from_board(CHESSBOARD, *views(CHESSBOARD, 1), "homography").doubts)


def test_a_lens_is_found_where_there_is_one():
    """Many views through a lens that bends: the rig carries its distortion, and is better for it."""
    infrareds, visibles = views(CHESSBOARD, 12, lens=(-0.25, 0.05, 0, 0))
    found = from_board(CHESSBOARD, infrareds, visibles, "homography")
    assert found.rig.infrared_distortion
    assert found.rig.visible_distortion
    flat = from_board(CHESSBOARD, infrareds[:7], visibles[:7], "homography")
    assert not flat.rig.infrared_distortion
    assert (found.rig.residual_px or 0) < (flat.rig.residual_px or 0)


@pytest.mark.parametrize(("columns", "rows"), [(6, 6), (2, 9)])
def test_a_board_that_looks_like_itself_is_refused(columns, rows):
    """A square board could be turned by a quarter and nobody would know."""
    with pytest.raises(RigError, match="different numbers"):
        Board("chessboard", columns, rows)


def test_upside_down_cameras_agree_on_an_order():
    """Whatever corner each detector starts at, both count the board the same way."""
    infrareds, visibles = views(CHESSBOARD, 3)
    flipped = [picture[::-1, ::-1].copy() for picture in infrareds]
    found = from_board(CHESSBOARD, infrareds, visibles, "homography")
    assert np.linalg.det(found.rig.matrix[:2, :2]) > 0
    assert CHESSBOARD.find(flipped[0]) is not None
