"""6. Fused pictures -> boxes -> boxes with track ids.

nothing.py     no boxes, no ids: the baseline
hotspots.py    warm blobs of the infrared picture; needs no weights
small.py       persons, bikes and cars by a network whose weights come along
  small_network.py  pictures -> centres and distances to the edges
  small_file.py  its weights on disk
yolo.py        a trained detector through ultralytics (AGPL-3.0, optional)
  offline.py     imports ultralytics so that it stays off the net
  model_file.py  finds the weights on disk and says in words what is wrong with them
  letterbox.py   a picture into the network's frame, and boxes back out of it
track.py       ids by the ByteTrack of the library `trackers`; one tracker per stream
"""

from streamfuse.registry import Registry
from streamfuse.stages import Detector, Tracker

DETECTORS: Registry[Detector] = Registry(
    "detector",
    {
        "none": "streamfuse.detect.nothing:NoDetector",
        "hotspots": "streamfuse.detect.hotspots:HotSpots",
        "small": "streamfuse.detect.small:Small",
        "yolo": "streamfuse.detect.yolo:Yolo",
    },
)

TRACKERS: Registry[Tracker] = Registry(
    "tracker",
    {
        "bytetrack": "streamfuse.detect.track:ByteTrack",
        "none": "streamfuse.detect.nothing:NoTracker",
    },
)

__all__ = ["DETECTORS", "TRACKERS"]
