"""Bytes of a camera -> float32 in [0, 1], BT.601 full range: the one place where colour is normalised.

Sources: ITU-R BT.601-7 2.5 and BT.709-6 3 (matrices, limited range), JFIF 1.02 (full range, chroma centred on 128).
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.batch.raw import Raw
from streamfuse.colour import BLUE, GREEN, NEUTRAL, RED, from_rgb
from streamfuse.frames import Matrix, Range

LUMA = {"bt601": (RED, GREEN, BLUE), "bt709": (0.2126, 0.7152, 0.0722)}
LIMITED_BLACK, LIMITED_LUMA, LIMITED_CHROMA = 16, 219, 224  # 8-bit codes


def normalise(raw: Raw) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
    """Infrared (B, 1, h, w), luma (B, 1, H, W) and chroma (B, 2, ceil(H/2), ceil(W/2)); None where there is no such picture."""
    infrared = None
    if raw.infrared_Bhw is not None:
        infrared = luma_to_full(raw.infrared_Bhw[:, None].float(), raw.layout.infrared_range)
    if raw.rgb_BHW3 is not None:
        return infrared, *from_rgb(raw.rgb_BHW3.permute(0, 3, 1, 2).float().div_(255))
    if raw.y_BHW is None or raw.uv_B2cc is None:
        return infrared, None, None
    luma = luma_to_full(raw.y_BHW[:, None].float(), raw.layout.range)
    chroma = _chroma_to_full(raw.uv_B2cc.float(), raw.layout.range)
    if raw.layout.matrix != "bt601":
        luma, chroma = _to_bt601(luma, chroma, raw.layout.matrix)
    return infrared, luma, chroma


def luma_to_full(codes_B1HW: torch.Tensor, value_range: Range) -> torch.Tensor:
    """8-bit codes of luma -> [0, 1]; what a limited-range camera puts outside its range is clipped."""
    if value_range == "full":
        return codes_B1HW.div_(255)
    return codes_B1HW.sub_(LIMITED_BLACK).div_(LIMITED_LUMA).clamp_(0, 1)


def _chroma_to_full(codes_B2cc: torch.Tensor, value_range: Range) -> torch.Tensor:
    if value_range == "full":
        return codes_B2cc.div_(255)
    return codes_B2cc.sub_(128).div_(LIMITED_CHROMA).add_(NEUTRAL).clamp_(0, 1)


def _to_bt601(luma_B1HW: torch.Tensor, chroma_B2cc: torch.Tensor, matrix: Matrix) -> tuple[torch.Tensor, torch.Tensor]:
    """Both are linear in the same R'G'B', so grey stays grey and only chroma crosses over."""
    luma_of_chroma, chroma_of_chroma = _crossing(matrix)
    centred = chroma_B2cc - NEUTRAL
    # twice the size and cut, so that chroma of odd sizes stays in place
    double = F.interpolate(centred, scale_factor=2, mode="bilinear", align_corners=False)
    up_B2HW = double[..., : luma_B1HW.shape[2], : luma_B1HW.shape[3]]
    luma = luma_B1HW + luma_of_chroma[0] * up_B2HW[:, :1] + luma_of_chroma[1] * up_B2HW[:, 1:]
    blue = chroma_of_chroma[0][0] * centred[:, :1] + chroma_of_chroma[0][1] * centred[:, 1:]
    red = chroma_of_chroma[1][0] * centred[:, :1] + chroma_of_chroma[1][1] * centred[:, 1:]
    return luma.clamp_(0, 1), torch.cat([blue, red], 1).add_(NEUTRAL).clamp_(0, 1)


def _crossing(matrix: Matrix) -> tuple[tuple[float, float], tuple[tuple[float, float], tuple[float, float]]]:
    """Weights of (Cb, Cr) of `matrix` in BT.601 luma beside its own luma, and in BT.601 (Cb, Cr)."""
    r, g, b = LUMA[matrix]
    # R' - Y' and so on as multiples of (Cb, Cr)
    red, blue = (0.0, 2 * (1 - r)), (2 * (1 - b), 0.0)
    green = (-b / g * blue[0], -r / g * red[1])
    wr, wg, wb = LUMA["bt601"]
    luma = (wr * red[0] + wg * green[0] + wb * blue[0], wr * red[1] + wg * green[1] + wb * blue[1])
    to_blue, to_red = 2 * (1 - wb), 2 * (1 - wr)
    cb = ((blue[0] - luma[0]) / to_blue, (blue[1] - luma[1]) / to_blue)
    cr = ((red[0] - luma[0]) / to_red, (red[1] - luma[1]) / to_red)
    return luma, (cb, cr)


def to_bytes(values: torch.Tensor) -> torch.Tensor:
    """[0, 1] -> uint8, rounded; exact for values that came from full-range bytes."""
    return values.mul(255).round_().clamp_(0, 255).to(torch.uint8)
