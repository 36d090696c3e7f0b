"""One frame: the backdrop, light on the ground, figures, glare, smoke, and what the camera makes of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Planes
from streamfuse.source.scene import glare
from streamfuse.source.scene.backdrop import bake
from streamfuse.source.scene.camera import Camera
from streamfuse.source.scene.canvas import Canvas
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.sensor import Sensor
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.shading import Shading
from streamfuse.source.scene.smoke import Smoke
from streamfuse.source.scene.texture import textures
from streamfuse.source.scene.world import World


class Painter:
    """Draws any instant for one camera. Making one takes a few tenths of a second, a frame some milliseconds."""

    def __init__(self, settings: SceneSettings, world: World) -> None:
        self._world = world
        self._light = Light(settings.night, settings.fog)
        self._camera = Camera.placed(settings.size, settings.frame_size, settings.to_visible_33)
        self._spectrum = settings.spectrum
        texture = textures(settings.seed)
        self._backdrop = bake(self._camera, self._light, settings.spectrum, texture, trees=world.trees(), posts=world.furniture())
        self._smoke = Smoke(settings.smoke, self._camera, self._light, texture) if settings.smoke else None
        self._sensor = Sensor(settings.seed, settings.spectrum, settings.frame_size, self._light, settings.bits)

    def visible(self, t_s: float, seq: int) -> Planes:
        """The picture at an instant, with the noise of frame `seq`."""
        canvas = self._canvas()
        actors = self._world.actors(t_s)
        drives = [actor.drive for actor in actors if actor.drive is not None]
        crowd = canvas.crowd([actor.figure for actor in actors])
        if crowd is not None:
            Shading(canvas).cast(crowd, drives)
            canvas.paint(crowd)
        if self._light.lamps_on:
            glare.headlights(canvas, drives)
        if self._smoke is not None:
            self._smoke.drift(canvas.planes, t_s)
        luma, colour = (plane.samples for plane in canvas.planes)
        u, v = np.ascontiguousarray(colour[..., 0]), np.ascontiguousarray(colour[..., 1])
        return Planes(y=self._sensor.expose(luma, seq), u=u, v=v)

    def infrared(self, t_s: float, seq: int) -> NDArray[Any]:
        """Levels (H, W) uint8, or counts of 0.01 kelvin uint16."""
        canvas = self._canvas()
        crowd = canvas.crowd([actor.figure for actor in self._world.actors(t_s)])
        if crowd is not None:
            canvas.paint(crowd)
        return self._sensor.expose(canvas.planes[0].samples, seq)

    def _canvas(self) -> Canvas:
        planes = [plane.copy() for plane in self._backdrop.planes]
        return Canvas(self._camera, self._light, self._spectrum, planes, self._backdrop.occluders)
