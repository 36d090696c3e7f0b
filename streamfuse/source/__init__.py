"""1. A camera, a file, a folder or a drawn scene -> `Frame`.

- `av_stream`: video files, RTSP, HTTP, V4L2
- `address`: what a user may name there, and with which options
- `timestamps`: pts -> time that always grows, for recordings
- `live_time`, `clocks`: when a live camera captured a picture, by the best clock it has
- `images`: a folder of numbered pictures
- `scene`: a drawn street in both spectra, with exact boxes
- `tone`: 16-bit infrared -> 8 bits, steady over time
"""

from streamfuse.registry import Registry
from streamfuse.stages import Source

__all__ = ["SOURCES"]

SOURCES: Registry[Source] = Registry(
    "source",
    {
        "av": "streamfuse.source.av_stream:AvSource",
        "images": "streamfuse.source.images:ImageSource",
        "scene": "streamfuse.source.scene:SceneSource",
    },
)
