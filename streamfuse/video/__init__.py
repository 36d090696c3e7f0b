"""The only home of PyAV: demux, decode, encode, mux.

- `container`: open a file or camera, read its packets
- `faults`: what PyAV raises, in StreamFuse's words
- `pictures`: decoded frames -> planes or luma, with their matrix and range
- `colour`: planes <-> RGB
- `h264`: the encoder and decoder of the bus
- `writer`: pictures -> a file
"""

from streamfuse.video.colour import from_rgb, to_rgb
from streamfuse.video.h264 import H264Decoder, H264Encoder
from streamfuse.video.writer import write_video

__all__ = ["H264Decoder", "H264Encoder", "from_rgb", "to_rgb", "write_video"]
