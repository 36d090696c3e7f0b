"""What this build of FFmpeg can do, for `streamfuse doctor`."""

from typing import Any

import av
from av.codec.hwaccel import hwdevices_available


def capabilities() -> dict[str, Any]:
    """Version, accelerated decoders that were built in, and whether the codecs we use are there."""
    known = av.codecs_available
    return {
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
        "hardware decoding built in": ", ".join(hwdevices_available()) or "none",
        "decodes": ", ".join(name for name in ("h264", "hevc", "mjpeg", "av1") if name in known),
        "encodes h264": "libx264" in known,
    }
