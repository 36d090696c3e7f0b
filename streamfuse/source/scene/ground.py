"""The ground: asphalt with its tracks, repairs and lines, kerbs, slabs and setts."""

import numpy as np

from streamfuse.source.scene import street
from streamfuse.source.scene.palette import linear, linears
from streamfuse.source.scene.surface import F32, Mask, Surface
from streamfuse.source.scene.texture import Texture

SLAB_LEFT, SLAB_RIGHT, ASPHALT, SETT = range(4)
COLOURS = linears(0x979086, 0x9C948C, 0x625F5C, 0x77706A)
GRANITE, PAINT, IRON = linear(0xA9A6A0), linear(0xDCDAD2), linear(0x5A5550)
BULGE_END_Y = 22.0  # up to here the right pavement reaches out to the lane, beyond it cars park in a bay
REPAIRS = ((-3.0, -1.5, 19.9, 24.5, 0.78), (0.5, 1.4, 6.0, 11.4, 0.84), (1.0, 3.1, 26.0, 28.4, 1.14), (-2.6, -0.4, 33.0, 41.0, 0.86))
MANHOLES = ((-1.15, 11.7), (2.2, 20.6), (-0.9, 31.0))
MANHOLE_RADIUS_M = 0.36
TRACKS_X = (-2.4, -0.95, 0.95, 2.45)


def ground(points_N3: F32, depth_N: F32, texture: Texture) -> Surface:
    """What points on the ground are made of; detail fades where it would be finer than a pixel."""
    x, y = points_N3[:, 0], points_N3[:, 1]
    detail = np.clip(16.0 / depth_N, 0.0, 1.0)
    fine = texture.at(texture.fine, x, y, 64.0) * detail**2
    broad = texture.at(texture.broad, x, y, 26.0)
    kerb_right = np.where(y < BULGE_END_Y, np.float32(street.BAY_X), np.float32(street.KERB_RIGHT_X))
    half = street.KERB_M / 2
    road = (x > street.KERB_LEFT_X) & (x < kerb_right)
    bay = road & (x > street.BAY_X)
    kerb = (np.abs(x - street.KERB_LEFT_X + half) < half) | (np.abs(x - kerb_right - half) < half)

    surface = Surface(COLOURS, (x > 0) * SLAB_RIGHT, warmth=0.8, heat=3.0)
    _pavement(surface, ~road, x, y, detail=detail, texture=texture)
    surface.paint(kerb, GRANITE, 0.95)
    surface.shade(kerb & (np.abs(y % 1.0) < 0.03), 0.6)
    surface.repaint(road, ASPHALT)
    surface.repaint(bay, SETT)
    surface.warmth[road] = 1.6 + 0.25 * broad[road]
    surface.heat[road] = 4.2
    _wear(surface, road, x, y)
    _setts(surface, bay, x, y, detail=detail, texture=texture)
    paint = _markings(road, x, y) & (fine + 0.6 * broad > -1.9)
    surface.paint(paint, PAINT, 0.92)
    surface.warmth[paint] -= 0.8
    surface.heat[paint] = 1.2
    surface.tint *= 1 + 0.10 * broad * np.sqrt(detail) + 0.10 * fine
    _manholes(surface, x, y)
    return surface


def _pavement(surface: Surface, where: Mask, x: F32, y: F32, *, detail: F32, texture: Texture) -> None:
    """Slabs in running bond, each with its own tint, joints between them, and the dark foot of the walls."""
    x, y, detail = x[where], y[where], detail[where]
    row = np.floor(y / 0.62)
    across = x / 0.92 + 0.5 * (row % 2)
    tint = 1 + 0.22 * (texture.chance(np.floor(across), row) - 0.5) * detail
    joint = ((across % 1.0) < 0.028) | ((y / 0.62) % 1.0 < 0.042)
    tint *= 1 - 0.38 * joint * detail * np.sqrt(detail)
    by_wall = np.minimum(np.abs(x - street.FACADE_LEFT_X), np.abs(x - street.FACADE_RIGHT_X))
    surface.tint[where] = tint * (1 - 0.35 * np.exp(-by_wall / 0.25))
    surface.warmth[where] = 0.8 + 1.2 * np.exp(-by_wall / 0.5)


def _wear(surface: Surface, road: Mask, x: F32, y: F32) -> None:
    """Asphalt is darker and warmer where tyres run, and darker in the gutter and where it was repaired."""
    x, y = x[road], y[road]
    tracks = sum((np.exp(-(((x - track_x) / 0.27) ** 2)) for track_x in TRACKS_X), np.zeros_like(x))
    gutter = np.minimum(x - street.KERB_LEFT_X, street.KERB_RIGHT_X - x)
    tint = (1 - 0.09 * tracks) * (1 - 0.40 * np.exp(-np.maximum(gutter, 0) / 0.12))
    for x0, x1, y0, y1, factor in REPAIRS:
        tint[(x > x0) & (x < x1) & (y > y0) & (y < y1)] *= np.float32(factor)
    surface.tint[road] = tint
    surface.warmth[road] += 0.9 * tracks


def _setts(surface: Surface, bay: Mask, x: F32, y: F32, *, detail: F32, texture: Texture) -> None:
    """Small paving stones of the parking bay."""
    x, y = x[bay], y[bay]
    row = np.floor(y / 0.16)
    across = x / 0.16 + 0.5 * (row % 2)
    joint = ((across % 1.0) < 0.14) | ((y / 0.16) % 1.0 < 0.14)
    surface.tint[bay] = 1 + (0.35 * (texture.chance(np.floor(across), row) - 0.5) - 0.35 * joint) * detail[bay]


def _markings(road: Mask, x: F32, y: F32) -> Mask:
    """Where the road is painted white: zebra, stop lines, centre line, edge of the bay."""
    x, y = x[road], y[road]
    near, far = street.ZEBRA_Y
    zebra = (y > near) & (y < far) & ((x - 0.25) % 1.0 < 0.5) & (np.abs(x) < 3.3)
    centre = (np.abs(x) < 0.06) & ((y % 6.0) < 3.0) & ((y < near - 0.5) | (y > far + 0.5))
    stops = ((x > 0.2) & (x < 3.2) & (np.abs(y - near + 0.95) < 0.17)) | ((x < -0.2) & (x > -3.2) & (np.abs(y - far - 0.95) < 0.17))
    bay = (y > BULGE_END_Y) & ((np.abs(x - street.BAY_X) < 0.05) | ((x > street.BAY_X) & ((y - 25.0) % 5.9 < 0.11)))
    out = np.zeros_like(road)
    out[road] = zebra | centre | stops | bay
    return out


def _manholes(surface: Surface, x: F32, y: F32) -> None:
    """Iron covers: dark, with a pattern, and warm from below."""
    for centre_x, centre_y in MANHOLES:
        square = (x - centre_x) ** 2 + (y - centre_y) ** 2
        lid = square < MANHOLE_RADIUS_M**2
        surface.paint(lid, IRON, 0.85)
        rim = square[lid] > (0.86 * MANHOLE_RADIUS_M) ** 2
        surface.tint[lid] *= np.where(rim | ((x[lid] + y[lid]) % 0.12 < 0.05), np.float32(0.65), np.float32(1.0))
        surface.warmth[lid] += 3.2
