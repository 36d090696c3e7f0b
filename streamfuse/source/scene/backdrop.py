"""Everything that stands still, baked once: rays through each pixel meet ground, houses or sky; trees, posts and parked cars on top."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Spectrum, chroma_size
from streamfuse.source.scene import glare, street
from streamfuse.source.scene.camera import Camera
from streamfuse.source.scene.canvas import Canvas, counts
from streamfuse.source.scene.facade import Facade
from streamfuse.source.scene.figure import Figure
from streamfuse.source.scene.ground import ground
from streamfuse.source.scene.light import SUN, Light, roofline
from streamfuse.source.scene.palette import linear, yuv
from streamfuse.source.scene.shading import Shading
from streamfuse.source.scene.sky import sky
from streamfuse.source.scene.surface import F32, Surface
from streamfuse.source.scene.texture import Texture

FINE_PIXELS = 400_000  # up to this many pixels of a visible picture each is the mean of 2 x 2 rays
ROOF, WINDOW_LIGHT = linear(0x6E625A), linear(0xFFC46B) * 1.15
FAR_M = 400.0  # how far the sky is for the fog


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Planes as of `Canvas`, to be copied for each frame, and the depth of what may hide a figure."""

    planes: list[NDArray[Any]]
    occluders: F32


@dataclass(frozen=True, slots=True)
class _Rays:
    """Where rays from the camera end."""

    directions_N3: F32
    depth_N: F32
    kind_N: NDArray[np.int8]

    def points(self, where_M: NDArray[np.intp]) -> F32:
        """Metres, of the rays with these numbers."""
        return self.directions_N3[where_M] * self.depth_N[where_M][:, None] + np.array(street.CAMERA_M, np.float32)


SKY, GROUND, RIGHT, LEFT, END, ON_ROOF = range(6)


def bake(camera: Camera, light: Light, spectrum: Spectrum, texture: Texture, *, trees: list[Figure], posts: list[Figure]) -> Backdrop:
    """Draw the street with what stands in it: trees, whose shade `Light` knows, and the rest, whose shadows are cast here."""
    visible = spectrum is Spectrum.VISIBLE
    width, height = camera.size
    samples = 2 if visible and width * height <= FINE_PIXELS else 1
    fine = _surfaces(_cast(camera, samples), light, texture, visible)
    images = [cv2.resize(values.reshape(height * samples, -1), (width, height), interpolation=cv2.INTER_AREA) for values in fine]
    planes = _visible_planes(np.stack(images, axis=-1)) if visible else [np.rint(counts(images[0])).astype(np.uint16)]
    occluders = np.full((height, width), np.inf, np.float32)
    canvas = Canvas(camera, light, spectrum, planes, occluders)
    crowd = canvas.crowd(posts)
    if crowd is not None:
        Shading(canvas).cast(crowd)
    for figure in sorted(trees + posts, key=lambda f: -float(camera.depth(f.foot_3[None])[0])):
        _stand(canvas, figure)
    if visible and light.lamps_on:
        glare.lamps(canvas)
    return Backdrop(planes, occluders)


def _stand(canvas: Canvas, figure: Figure) -> None:
    """Paint a figure and note where it is, so that walkers may pass behind it."""
    before = canvas.planes[0].samples.copy()
    crowd = canvas.crowd([figure])
    for patch in canvas.paint(crowd) if crowd else []:
        where = np.s_[patch.top : patch.bottom, patch.left : patch.right]
        canvas.occluders[where][canvas.planes[0].samples[where] != before[where]] = canvas.camera.depth(figure.foot_3[None])[0]


def _visible_planes(light_HW3: F32) -> list[NDArray[Any]]:
    pixels = np.rint(yuv(light_HW3)).clip(0, 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    padded = cv2.copyMakeBorder(pixels[..., 1:], 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    colour = cv2.resize(padded, (chroma_size(width), chroma_size(height)), interpolation=cv2.INTER_AREA)
    return [np.ascontiguousarray(pixels[..., 0]), colour]


def _cast(camera: Camera, samples: int) -> _Rays:
    """Follow each ray to the nearest of five planes. Rays have depth 1, so a way along one is a depth."""
    rays = camera.rays(samples).reshape(-1, 3)
    dx, dy, dz = rays[:, 0], rays[:, 1], rays[:, 2]
    cx, cy, cz = (np.float32(c) for c in street.CAMERA_M)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(dz < 0, -cz / dz, np.inf).astype(np.float32)
        kind = np.where(dz < 0, GROUND, SKY).astype(np.int8)
        for number, way, houses in (
            (RIGHT, np.where(dx > 0, (street.FACADE_RIGHT_X - cx) / dx, np.inf), street.HOUSES_RIGHT),
            (LEFT, np.where(dx < 0, (street.FACADE_LEFT_X - cx) / dx, np.inf), street.HOUSES_LEFT),
            (END, np.where(dy > 0, (street.END_Y - cy) / dy, np.inf), street.HOUSES_END),
        ):
            nearer = np.flatnonzero(way < depth)
            along = (cx + dx[nearer] * way[nearer]) if number == END else (cy + dy[nearer] * way[nearer])
            top = roofline(houses, along.astype(np.float32))
            under = cz + dz[nearer] * way[nearer] < top
            hit, over = nearer[under], nearer[~under & (dz[nearer] < 0)]
            depth[hit], kind[hit] = way[hit], number
            depth[over], kind[over] = way[over], ON_ROOF
    return _Rays(rays, depth, kind)


def _surfaces(rays: _Rays, light: Light, texture: Texture, visible: bool) -> list[F32]:
    """Red, green and blue light, or the temperature, at the end of each ray, seen through the fog."""
    out = [np.zeros(len(rays.kind_N), np.float32) for _ in range(3 if visible else 1)]
    above = np.flatnonzero(rays.kind_N == SKY)
    seen, celsius = sky(rays.directions_N3[above], light, texture)
    rays.depth_N[above] = FAR_M
    for channel, values in enumerate(out):
        values[above] = seen[:, channel] if visible else celsius
    for number, cosine, openness in (
        (GROUND, SUN[2], 1.0),
        (RIGHT, -SUN[0], 0.62),
        (LEFT, 0.0, 0.62),
        (END, -SUN[1], 0.62),
        (ON_ROOF, SUN[2], 0.9),
    ):
        where = np.flatnonzero(rays.kind_N == number)
        if len(where):
            points = rays.points(where)
            surface = _surface(number, points, rays.depth_N[where], texture)
            for values, of_surface in zip(out, (_lit if visible else _warm)(surface, points, light, float(cosine), openness), strict=True):
                values[where] = of_surface
    veil = light.veil(rays.depth_N, infrared=not visible)
    for values, far in zip(out, light.fog_light if visible else [light.air_c], strict=True):
        np.add(values, veil * (np.float32(far) - values), out=values)
    return out


def _lit(surface: Surface, points: F32, light: Light, cosine: float, openness: float) -> Iterator[F32]:
    sun = light.sunlit(points) * np.float32(cosine) if light.sun_share and cosine else None
    lamps = light.lamplit(points) if light.lamps_on else None
    for channel in range(3):
        falling: F32 = np.full(len(points), openness * light.sky[channel], np.float32)
        if sun is not None:
            falling += sun * np.float32(light.sun[channel])
        if lamps is not None:
            falling += lamps * np.float32(light.lamp_light[channel])
        yield surface.albedo(channel) * falling + surface.glow * np.float32(WINDOW_LIGHT[channel] * light.lamps_on)


def _warm(surface: Surface, points: F32, light: Light, cosine: float, openness: float) -> Iterator[F32]:
    sun = light.sunlit(points) * np.float32(cosine / SUN[2] * light.sun_share) if cosine else np.float32(0)
    yield np.float32(light.air_c) + surface.warmth * np.float32(openness**0.2) + surface.heat * sun


def _surface(number: int, points: F32, depth: F32, texture: Texture) -> Surface:
    if number == GROUND:
        return ground(points, depth, texture)
    if number == ON_ROOF:
        return Surface(ROOF[None], np.zeros(len(points), np.int16), warmth=1.0, heat=3.0)
    along = points[:, 0] if number == END else points[:, 1]
    houses = {RIGHT: street.HOUSES_RIGHT, LEFT: street.HOUSES_LEFT, END: street.HOUSES_END}[number]
    return Facade(houses, number, texture, along=along, up=points[:, 2], depth=depth).painted()
