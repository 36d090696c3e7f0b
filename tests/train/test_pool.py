from dataclasses import replace

import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.train.pool import Pool
from tests.train.schooling import CPU, picture


def test_crops_are_cut_from_both_cameras_at_the_same_place():
    """Where infrared equals a channel of the visible picture, so do its crops, flipped or not."""
    one = picture(1)
    one.visible_HW3[..., 0] = one.infrared_HW
    crops = Pool([one]).crops(8, 64, torch.Generator().manual_seed(1), CPU)
    assert crops.infrared_B1HW.shape == (8, 1, 64, 64)
    torch.testing.assert_close(crops.visible_B3HW[:, :1], crops.infrared_B1HW)
    assert 0 <= crops.visible_B3HW.min() < crops.visible_B3HW.max() <= 1


def test_same_draw_gives_the_same_crops():
    """And another draw gives others."""
    pool = Pool([picture(seed) for seed in range(3)])
    first, again, other = (pool.crops(4, 64, torch.Generator().manual_seed(seed), CPU).infrared_B1HW for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_an_edge_pictures_come_whole_and_of_one_size():
    """Pictures of different sizes never meet in a batch."""
    pool = Pool([picture(1), picture(2, 64, 64), picture(3, 64, 64)])
    shapes = {tuple(pool.crops(2, None, torch.Generator().manual_seed(seed), CPU).infrared_B1HW.shape[2:]) for seed in range(12)}
    assert shapes == {(80, 96), (64, 64)}


def test_too_small_pictures_are_left_out():
    """If none is large enough, the error says how large a crop was wanted."""
    pool = Pool([picture(1), picture(2, 64, 64)])
    assert pool.crops(6, 72, torch.Generator().manual_seed(1), CPU).infrared_B1HW.shape[2:] == (72, 72)
    with pytest.raises(ConfigError, match="128 x 128"):
        pool.crops(1, 128, torch.Generator(), CPU)


def test_pictures_of_the_day_come_as_often_as_asked():
    """One by day among three by night: nine crops of ten, instead of a quarter; with none by day the share says nothing."""
    by_day, by_night = replace(picture(0), light="day"), [replace(picture(seed), light="night") for seed in (1, 2, 3)]
    drawn = Pool([by_day, *by_night], day_share=0.9).crops(400, 64, torch.Generator().manual_seed(1), CPU).light
    assert 0.85 < drawn.count("day") / len(drawn) < 0.95
    assert set(Pool(by_night, day_share=0.9).crops(8, 64, torch.Generator().manual_seed(1), CPU).light) == {"night"}


def test_shrunk_crops_show_more_in_as_many_pixels():
    """Cut larger and scaled down by area: of a picture of one pixel's checks nothing but grey is left at half the size."""
    checks = picture(1, 128, 128)
    checks.infrared_HW[:] = 255 * ((np.add.outer(np.arange(128), np.arange(128)) % 2) == 1)
    crops = Pool([checks], shrink=[2.0]).crops(4, 64, torch.Generator().manual_seed(1), CPU)
    assert crops.infrared_B1HW.shape == (4, 1, 64, 64)
    assert float((crops.infrared_B1HW - 0.5).abs().max()) < 0.01


def test_no_crop_is_cut_larger_than_a_picture():
    """It is shrunk by less then; whole pictures not at all."""
    pool = Pool([picture(1)], shrink=[4.0])
    assert pool.crops(2, 64, torch.Generator().manual_seed(1), CPU).infrared_B1HW.shape[2:] == (64, 64)
    assert pool.crops(2, None, torch.Generator().manual_seed(1), CPU).infrared_B1HW.shape[2:] == (80, 96)


def test_frames_in_a_row_are_cut_at_one_place():
    """Of pictures that have a next frame alone, shrunk and flipped alike; without one asked for, crops are drawn as ever."""
    still = picture(1)
    frame = replace(picture(2), after=replace(picture(2), infrared_HW=picture(2).infrared_HW + np.uint8(10)))
    pool = Pool([still, frame], shrink=[1.0, 1.25])
    assert pool.moving == [frame]
    now, later = pool.successive(6, 64, torch.Generator().manual_seed(1), CPU)
    torch.testing.assert_close(later.visible_B3HW, now.visible_B3HW)
    torch.testing.assert_close(later.infrared_B1HW - now.infrared_B1HW, torch.full((6, 1, 64, 64), 10 / 255), atol=1 / 255, rtol=0)
    plain, again = (Pool([still, one]).crops(4, 64, torch.Generator().manual_seed(1), CPU) for one in (picture(2), frame))
    assert torch.equal(plain.infrared_B1HW, again.infrared_B1HW)


def test_empty_pool_is_an_error():
    """It says where pictures are named."""
    with pytest.raises(ConfigError, match=r"data\.sets"):
        Pool([])
