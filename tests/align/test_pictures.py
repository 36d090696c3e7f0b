"""The picture of a rig."""

import cv2
import numpy as np
import pytest

from streamfuse.align.calibration import rig_of
from streamfuse.align.pictures import CAPTION_PX, even, proof, save_proof
from streamfuse.errors import RigError


def test_edges_meet_where_the_rig_is_right(two_cameras):
    """Under the truth many edge pixels are of both colours; under a shift few are."""
    infrared, visible, truth = two_cameras()
    sizes = (infrared.shape, visible.shape)
    met = []
    for matrix in (truth, np.array([[1, 0, 12], [0, 1, 9], [0, 0, 1]]) @ truth):
        edges = proof(rig_of(matrix, sizes, "test", 0.5), infrared, visible)[2 * CAPTION_PX + visible.shape[0] :].astype(int)
        met.append(((edges[..., 0] > 120) & (edges[..., 2] > 120)).mean())
    assert met[0] > 1.5 * met[1]


def test_has_both_views_and_their_captions(two_cameras):
    """Checkerboard above, edges below, as wide as the visible picture."""
    infrared, visible, truth = two_cameras()
    picture = proof(rig_of(truth, (infrared.shape, visible.shape), "test", 0.5), infrared, visible)
    assert picture.shape == (2 * (visible.shape[0] + CAPTION_PX), visible.shape[1], 3)
    board = picture[CAPTION_PX : CAPTION_PX + visible.shape[0]].astype(int)
    tinted = board[..., 2] - board[..., 0] > 20
    assert 0.2 < tinted.mean() < 0.6


def test_is_written(two_cameras, tmp_path):
    """To a file that opens again; a place that cannot be written is named."""
    infrared, visible, truth = two_cameras()
    rig = rig_of(truth, (infrared.shape, visible.shape), "test", 0.5)
    save_proof(rig, infrared, visible, tmp_path / "rig.jpg")
    assert np.asarray(cv2.imread(str(tmp_path / "rig.jpg"))).shape[1] == visible.shape[1]
    with pytest.raises(RigError, match="cannot write"):
        save_proof(rig, infrared, visible, tmp_path / "rig.unknown")


def test_any_depth_becomes_eight_bits():
    """Raw levels far from zero fill the range; a flat picture stays calm."""
    raw = np.linspace(20000, 21000, 4800).reshape(60, 80).astype(np.uint16)
    assert (even(raw).min(), even(raw).max()) == (0, 255)
    assert np.ptp(even(np.full((9, 9), 12000, np.uint16))) == 0
