"""Infrared onto the grid of the visible picture."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.align.rig import Rig
from streamfuse.align.warp import Warp, WarpSettings
from streamfuse.errors import RigError
from streamfuse.frames import Batch, Pair, PromptState, chroma_size

UNIT = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]
RNG = np.random.default_rng(2)


def shift(x_px: float, y_px: float) -> list[list[float]]:
    return [[1, 0, x_px], [0, 1, y_px], [0, 0, 1]]


def rig(infrared_size: tuple[int, int], visible_size: tuple[int, int], homography: Any = None, **lens: Any) -> Rig:
    values = {"homography": homography or UNIT, "infrared_size": infrared_size, "visible_size": visible_size, **lens}
    return Rig.model_validate(values)


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(RNG.random(shape, np.float32))


def smooth(height: int, width: int) -> torch.Tensor:
    """(1, 1, height, width) without detail that bilinear sampling could miss."""
    small = torch.from_numpy(np.random.default_rng(4).random((1, 1, 6, 8), np.float32))
    return F.interpolate(small, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 1)


@pytest.fixture
def batch_of(pair):
    """`batch_of(infrared, luma, rigs)`: a batch of these tensors; either may be None."""

    def build(infrared: torch.Tensor | None, luma: torch.Tensor | None, rigs: tuple[str | None, ...] = (None,)) -> Batch:
        chroma = None
        if luma is not None:
            chroma = torch.full((len(luma), 2, chroma_size(luma.shape[2]), chroma_size(luma.shape[3])), 0.4)
        pairs: tuple[Pair, ...] = tuple(pair(f"cam{i}") for i in range(len(rigs)))
        prompts = (PromptState(id="neutral"),) * len(rigs)
        return Batch(pairs=pairs, infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=prompts, rigs=rigs)

    return build


def warp(unrigged: str = "error", **rigs: Rig) -> Warp:
    made = Warp(WarpSettings.model_validate({"unrigged": unrigged}))
    for name, known in rigs.items():
        made.know(name, known)
    return made


def infrared_of(batch: Batch) -> torch.Tensor:
    assert batch.infrared_B1hw is not None
    return batch.infrared_B1hw


# --- what passes through


@pytest.mark.parametrize("rigs", [(None,), ("same",)])
def test_one_grid_passes_through(batch_of, rigs):
    """Cameras that share a grid, by their sizes or by a rig that moves nothing, keep their very tensors."""
    batch = batch_of(noise(1, 1, 6, 8), noise(1, 1, 6, 8), rigs)
    assert warp(same=rig((6, 8), (6, 8))).align(batch) is batch


@pytest.mark.parametrize(("infrared", "luma"), [((1, 1, 6, 8), None), (None, (1, 1, 12, 16))])
def test_one_camera_passes_through(batch_of, infrared, luma):
    """With one camera there is nothing to align, whatever the rig."""
    batch = batch_of(noise(*infrared) if infrared else None, noise(*luma) if luma else None, ("mast",))
    assert warp().align(batch) is batch


def test_visible_picture_is_never_touched(batch_of):
    """Luma, chroma, prompts and rigs of a batch leave as they came."""
    batch = batch_of(noise(1, 1, 6, 8), noise(1, 1, 12, 16), ("mast",))
    aligned = warp(mast=rig((6, 8), (12, 16))).align(batch)
    assert aligned.luma_B1HW is batch.luma_B1HW
    assert aligned.chroma_B2cc is batch.chroma_B2cc
    assert (aligned.prompts, aligned.rigs, aligned.pairs) == (batch.prompts, batch.rigs, batch.pairs)


# --- where things go


def test_whole_pixels_are_moved_exactly(batch_of):
    """A shift by whole pixels copies them; nothing is blurred."""
    infrared = noise(1, 1, 6, 8)
    aligned = warp(mast=rig((6, 8), (6, 8), shift(2, -1))).align(batch_of(infrared, torch.zeros(1, 1, 6, 8), ("mast",)))
    assert torch.allclose(infrared_of(aligned)[..., :5, 2:], infrared[..., 1:, :6], atol=1e-5)


def test_parts_of_a_pixel_are_shared(batch_of):
    """A bright point that lands between four pixels is shared out among them, bilinearly."""
    infrared = torch.zeros(1, 1, 6, 8)
    infrared[0, 0, 2, 3] = 1
    aligned = warp(mast=rig((6, 8), (6, 8), shift(1.25, 0.5))).align(batch_of(infrared, torch.zeros(1, 1, 6, 8), ("mast",)))
    found = infrared_of(aligned)[0, 0]
    assert found[2:4, 4:6].flatten().tolist() == pytest.approx([0.75 * 0.5, 0.25 * 0.5, 0.75 * 0.5, 0.25 * 0.5], abs=1e-5)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)


def test_homography_moves_a_point_where_it_says(batch_of):
    """The centre of mass of a warm spot is found at H times its place, to a tenth of a pixel, with perspective."""
    homography = [[1.9, 0.06, 14.0], [-0.05, 2.1, -6.0], [2e-4, -1e-4, 1.0]]
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    for px, py in ((20.3, 15.8), (55.0, 41.2)):
        spot = torch.exp(-((x - px) ** 2 + (y - py) ** 2) / 8)[None, None]
        aligned = warp(mast=rig((60, 80), (120, 160), homography)).align(batch_of(spot, torch.zeros(1, 1, 120, 160), ("mast",)))
        found = infrared_of(aligned)[0, 0]
        rows, columns = torch.meshgrid(torch.arange(120.0), torch.arange(160.0), indexing="ij")
        centre = [float((found * axis).sum() / found.sum()) for axis in (columns, rows)]
        want = np.array(homography) @ (px, py, 1)
        assert centre == pytest.approx(list(want[:2] / want[2]), abs=0.1)


def test_same_as_opencv(batch_of):
    """A warp by a homography is the picture that OpenCV's warpPerspective makes, where infrared saw something."""
    homography = [[1.9, 0.06, 14.0], [-0.05, 2.1, 6.0], [2e-4, -1e-4, 1.0]]
    infrared = smooth(60, 80)
    aligned = warp(mast=rig((60, 80), (120, 160), homography)).align(batch_of(infrared, torch.zeros(1, 1, 120, 160), ("mast",)))
    want = cv2.warpPerspective(infrared[0, 0].numpy(), np.array(homography), (160, 120), borderMode=cv2.BORDER_REPLICATE)
    assert aligned.covered_B1HW is not None
    inside = aligned.covered_B1HW[0, 0].numpy()
    assert np.abs(infrared_of(aligned)[0, 0].numpy() - want)[inside].max() < 0.01
    assert inside.mean() > 0.5


def test_distortion_as_opencv_undistorts(batch_of):
    """Infrared with a lens is undistorted as OpenCV does it, where both have pixels."""
    camera = [[70.0, 0, 39.5], [0, 70.0, 29.5], [0, 0, 1]]
    lens = [-0.3, 0.08, 0.002, -0.001]
    known = rig((60, 80), (60, 80), infrared_camera=camera, infrared_distortion=lens)
    infrared = smooth(60, 80)
    aligned = warp(mast=known).align(batch_of(infrared, torch.zeros(1, 1, 60, 80), ("mast",)))
    want = cv2.undistort(infrared[0, 0].numpy(), np.array(camera), np.array(lens))
    middle = slice(6, -6)
    assert np.abs(infrared_of(aligned)[0, 0].numpy() - want)[middle, middle].max() < 0.01
    assert np.abs(infrared[0, 0].numpy() - want)[middle, middle].max() > 0.05  # the lens does move something


def test_straight_line_becomes_straight_again(batch_of):
    """A line that a lens bent lies on one row after alignment."""
    camera = np.array([[70.0, 0, 39.5], [0, 70.0, 29.5], [0, 0, 1]])
    lens = np.array([-0.5, 0.1, 0.0, 0.0])
    straight = np.zeros((60, 80), np.float32)
    straight[10:13] = 1
    xs, ys = np.meshgrid(np.arange(80.0), np.arange(60.0))
    there = cv2.undistortPoints(np.stack([xs.ravel(), ys.ravel()], 1)[:, None], camera, lens, P=camera)[:, 0].reshape(60, 80, 2)
    bent = torch.from_numpy(cv2.remap(straight, there[..., 0].astype(np.float32), there[..., 1].astype(np.float32), cv2.INTER_LINEAR))
    known = rig((60, 80), (60, 80), infrared_camera=camera.tolist(), infrared_distortion=lens.tolist())
    aligned = warp(mast=known).align(batch_of(bent[None, None], torch.zeros(1, 1, 60, 80), ("mast",)))

    def rows(picture: torch.Tensor) -> torch.Tensor:
        """Of the line, per column."""
        above = picture[:30, 10:70]
        return (above * torch.arange(30.0)[:, None]).sum(0) / above.sum(0)

    assert float(rows(bent).max() - rows(bent).min()) > 2
    assert rows(infrared_of(aligned)[0, 0]).numpy() == pytest.approx(np.full(60, 11.0), abs=0.3)


# --- where infrared sees nothing


def test_visible_stands_in_where_infrared_sees_nothing(batch_of):
    """Outside of infrared's view the visible luma is given in its place, and `covered` says where."""
    infrared, luma = noise(1, 1, 6, 8), noise(1, 1, 12, 16)
    aligned = warp(mast=rig((6, 8), (12, 16), shift(4, 3))).align(batch_of(infrared, luma, ("mast",)))
    covered = aligned.covered_B1HW
    assert covered is not None
    assert covered.shape == (1, 1, 12, 16)
    assert covered.dtype == torch.bool
    want = torch.zeros(12, 16, dtype=torch.bool)
    want[3:9, 4:12] = True
    assert torch.equal(covered[0, 0], want)
    assert torch.equal(infrared_of(aligned)[~covered], luma[~covered])
    assert torch.allclose(infrared_of(aligned)[0, 0, 3:9, 4:12], infrared[0, 0], atol=1e-5)


def test_values_stay_in_range(batch_of):
    """Sampling makes nothing brighter than it was."""
    aligned = warp(mast=rig((6, 8), (12, 16), [[1.7, 0.1, 1], [-0.1, 1.8, 1], [1e-3, 0, 1]])).align(
        batch_of((noise(1, 1, 6, 8) > 0.5).float(), noise(1, 1, 12, 16), ("mast",))
    )
    assert float(infrared_of(aligned).min()) >= 0
    assert float(infrared_of(aligned).max()) <= 1


# --- sizes without a rig


def test_different_sizes_need_a_rig(batch_of):
    """Cameras of different sizes and no rig are refused, with both sizes and what to do."""
    with pytest.raises(RigError) as caught:
        warp().align(batch_of(noise(1, 1, 6, 8), noise(1, 1, 12, 18)))
    assert str(caught.value) == (
        "cam0: infrared is 8x6, visible 18x12, and there is no rig; "
        "name one under `rig`, or set align.unrigged: stretch if both see the same"
    )


@pytest.mark.parametrize("sizes", [((6, 8), (12, 16)), ((12, 16), (6, 8)), ((5, 9), (48, 31))])
def test_stretching_puts_edges_onto_edges(batch_of, sizes):
    """Stretched infrared has the visible size; a ramp still starts and ends where it did, and is as bright on the whole."""
    (h, w), (height, width) = sizes
    ramp = (torch.arange(float(w)) + 0.5).expand(1, 1, h, w) / w
    aligned = warp("stretch").align(batch_of(ramp, noise(1, 1, height, width)))
    found = infrared_of(aligned)
    assert found.shape == (1, 1, height, width)
    assert aligned.covered_B1HW is None
    want = (torch.arange(float(width)) + 0.5) / width
    border = max(1, round(width / w))
    inside = slice(border, -border)
    assert torch.allclose(found[0, 0, 0, inside], want[inside], atol=2e-3)
    assert float(found.mean()) == pytest.approx(float(ramp.mean()), abs=1e-3)


def test_stretching_is_the_same_beside_a_rig(batch_of):
    """A stream that is stretched looks the same in a batch with one that has a rig."""
    infrared, luma = noise(2, 1, 6, 8), noise(2, 1, 12, 16)
    stretch = warp("stretch", mast=rig((6, 8), (12, 16), [[2, 0, 1], [0, 2, 1], [0, 0, 1]]))
    alone = stretch.align(batch_of(infrared[1:], luma[1:]))
    together = stretch.align(batch_of(infrared, luma, ("mast", None)))
    assert torch.allclose(infrared_of(together)[1], infrared_of(alone)[0], atol=1e-5)
    assert together.covered_B1HW is not None
    assert bool(together.covered_B1HW[1].all())


# --- rigs


def test_each_item_has_its_own_rig(batch_of):
    """Streams with different rigs go in one batch, each moved by its own."""
    infrared = noise(3, 1, 6, 8)
    known = warp(left=rig((6, 8), (6, 8), shift(-1, 0)), right=rig((6, 8), (6, 8), shift(1, 0)))
    aligned = infrared_of(known.align(batch_of(infrared, torch.zeros(3, 1, 6, 8), ("left", "right", None))))
    assert torch.allclose(aligned[0, ..., :7], infrared[0, ..., 1:], atol=1e-5)
    assert torch.allclose(aligned[1, ..., 1:], infrared[1, ..., :7], atol=1e-5)
    assert torch.allclose(aligned[2], infrared[2], atol=1e-5)


def test_rig_for_other_cameras_is_refused(batch_of):
    """A rig for other sizes is an error that names all four of them."""
    with pytest.raises(RigError) as caught:
        warp(mast=rig((240, 320), (480, 640))).align(batch_of(noise(1, 1, 6, 8), noise(1, 1, 12, 16), ("mast",)))
    assert str(caught.value) == (
        "cam0: rig 'mast' was made for infrared 320x240 and visible 640x480, the cameras give 8x6 and 16x12; calibrate again"
    )


def test_rig_that_nobody_loaded_is_refused(batch_of):
    """A rig that is not known is named."""
    with pytest.raises(RigError, match="cam0: no rig called 'mast' was loaded"):
        warp().align(batch_of(noise(1, 1, 6, 8), noise(1, 1, 6, 8), ("mast",)))


def test_new_rig_of_the_same_name_counts(batch_of):
    """A rig that replaces another of its name is used from the next batch on."""
    infrared = noise(1, 1, 6, 8)
    made, batch = warp(mast=rig((6, 8), (6, 8), shift(1, 0))), batch_of(infrared, torch.zeros(1, 1, 6, 8), ("mast",))
    made.align(batch)
    made.know("mast", rig((6, 8), (6, 8), shift(0, 1)))
    assert torch.allclose(infrared_of(made.align(batch))[..., 1:, :], infrared[..., :5, :], atol=1e-5)


def test_grid_is_made_once(batch_of):
    """The geometry of a rig is worked out for its first batch and not again."""
    known = warp(mast=rig((6, 8), (12, 16)))
    batch = batch_of(noise(2, 1, 6, 8), noise(2, 1, 12, 16), ("mast", "mast"))
    known.align(batch)
    grids = dict(known._grids)
    known.align(batch)
    assert len(grids) == 1
    assert all(known._grids[key] is grid for key, grid in grids.items())
