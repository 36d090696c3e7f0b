"""A street drawn in both spectra: people, cars, night, fog and smoke, with exact boxes. Needs no camera and no file.

    stream.py      SceneSource: frames with the stamps, drop-outs and freezes of a real camera
    settings.py    SceneSettings
    picture.py     one frame, from backdrop to sensor
    world.py       who is where at which instant, and their boxes; route.py: the ways they take
    figure.py      flat polygons in space, with a colour and a temperature each: person.py car.py greenery.py
    backdrop.py    everything that stands still, baked once: ground.py facade.py sky.py, on surface.py and texture.py
    street.py      the plan of the street in metres
    light.py       sun, sky, lamps and fog upon it
    camera.py      metres to pixels, for both cameras
    canvas.py      figures onto pixels; shading.py: shadows and beams; glare.py: halos; smoke.py
    sensor.py      blur, levels and noise of a real sensor
    palette.py     colours; chance.py: numbers that depend on the seed alone

Units: metres, seconds, degrees Celsius, linear light. x across the street to the right, y along it away from the camera, z up.
"""

import importlib
from typing import Any

__all__ = ["SceneSettings", "SceneSource"]

_HOMES = {"SceneSettings": "settings", "SceneSource": "stream"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
