"""A drawn street at night, seen by two cameras, through every stage: each part made by hand.

Run: python pipelines/demo.py

The same from a YAML is `streamfuse demo`; its values are in configs/demo.yaml.
"""

import sys

from streamfuse import CameraPair, Pipeline, Recipe, Spectrum
from streamfuse.align.warp import Warp, WarpSettings
from streamfuse.detect.hotspots import HotSpots, HotSpotsSettings
from streamfuse.detect.track import ByteTrack, ByteTrackSettings
from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.sync.nearest import Nearest, SyncSettings

ENDPOINT = "tcp://127.0.0.1:5560"


def demo(endpoint: str = ENDPOINT, frames: int = 300) -> Recipe:
    """Ten seconds of street."""
    street = CameraPair(
        stream="street",
        infrared=SceneSource(SceneSettings(spectrum=Spectrum.INFRARED, seed=7, night=1.0)),
        visible=SceneSource(SceneSettings(spectrum=Spectrum.VISIBLE, seed=7, night=1.0)),
        sync=Nearest(SyncSettings(), stream="street"),
        tracker=ByteTrack(ByteTrackSettings()),
    )
    return Recipe(
        pairs=[street],
        align=Warp(WarpSettings()),
        fuse=Laplacian(LaplacianSettings()),
        detect=HotSpots(HotSpotsSettings()),
        sinks=[BusSink(BusSettings(endpoint=endpoint), streams=["street"])],
        frames=frames,
    )


if __name__ == "__main__":
    with Pipeline(demo(sys.argv[1] if len(sys.argv) > 1 else ENDPOINT)) as pipeline:
        print(f"publishing at {pipeline.recipe.sinks[0].endpoint}")  # type: ignore[attr-defined]
        pipeline.wait()
        print(pipeline.meter.stats("street"))
