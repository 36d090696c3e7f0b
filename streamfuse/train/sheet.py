"""Pictures side by side, for people."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray


def sheet_of(columns_BCHW: Sequence[torch.Tensor]) -> NDArray[np.uint8]:
    """Each a column of B pictures in [0, 1], grey or RGB; a row per item -> (B * H, columns * W, 3) RGB."""
    count = len(columns_BCHW[0])
    return np.concatenate([np.concatenate([_eight_bits(column[i]) for column in columns_BCHW], axis=1) for i in range(count)])


def _eight_bits(picture_CHW: torch.Tensor) -> NDArray[np.uint8]:
    pixels = (picture_CHW.float().clamp(0, 1) * 255).round().byte().cpu().permute(1, 2, 0).numpy()
    return pixels if pixels.shape[2] == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
