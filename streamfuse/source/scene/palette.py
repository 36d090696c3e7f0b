"""Colours and degrees. Colours are linear light, written as the sRGB that a painter would pick."""

import numpy as np
from numpy.typing import NDArray

SRGB_GAMMA = 2.2
WHITE = 2.6  # linear light that is shown as white; above it highlights are lost
RGB_TO_YUV = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])  # BT.601, full range (JFIF)


def linear(code: int) -> NDArray[np.float64]:
    """0xRRGGBB as sRGB -> linear light."""
    return np.asarray((np.array([code >> 16, code >> 8 & 255, code & 255]) / 255.0) ** SRGB_GAMMA)


def linears(*codes: int) -> NDArray[np.float64]:
    """Several colours, (N, 3)."""
    return np.stack([linear(code) for code in codes])


def developed(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light (..., 3) -> R'G'B' in [0, 1]: highlights are compressed as a camera does (Reinhard 2002, equation 4)."""
    light = np.maximum(light, 0.0)
    squeezed = light * (1.0 + light / WHITE**2) / (1.0 + light)
    return np.asarray(np.minimum(squeezed, 1.0) ** (1 / SRGB_GAMMA))


def yuv(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light (..., 3) -> Y, U, V in [0, 255]."""
    out = developed(light) @ RGB_TO_YUV.T.astype(light.dtype) * 255.0
    out[..., 1:] += 128.0
    return out


TOPS = linears(0xB23A3A, 0x2F4B8A, 0xE8E4DA, 0x2C2C30, 0x6E8F5A, 0xD9A441, 0x7A5C86, 0x8FB3C9, 0x8A8D91, 0xC96F4A, 0x3E6E68, 0xD7C4A5)
TROUSERS = linears(0x2A3144, 0x35353A, 0x6B6256, 0x3F5170, 0x8C7F6B, 0x22252B)
SKINS = linears(0xE6B99A, 0xD2A07C, 0xA9745A, 0x7A4E3A, 0xF0C8AE)
HAIRS = linears(0x2A211D, 0x5A3F2B, 0x8A6A45, 0x1C1B1C, 0xC4BFB6)
BAGS = linears(0x5B3B28, 0x222326, 0x8E2F35, 0x39506B)
SHOES = linears(0x1E1D1D, 0x4A3525, 0xD8D6D0)
PAINTS = linears(0xC9CCD0, 0x1F2226, 0x8C1C22, 0x23426F, 0xEDEDEA, 0x6B7075, 0x2F5B46, 0xB9772A, 0x55718A)

WALLS = linears(0xB5654A, 0xE3D3B0, 0xB9B4AA, 0xD9B36C, 0xE9E6DF, 0x9C5B47, 0xC7B9A6, 0xA8B0B2)
AWNINGS = linears(0x8E2C2C, 0x2F5A46, 0x2E4A73, 0xC9A24A)
