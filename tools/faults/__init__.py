"""Cameras that misbehave on command: real RTSP over loopback, with sender reports, and the truth about every picture.

    server.py     RtspServer: starts cameras, begins and ends faults, knows the truth
    camera.py     Camera: what is set; Device: exposing, coding, its clock, its trouble
    clocks.py     when picture n was exposed, and what the camera's clock showed then
    truth.py      how far apart the pictures of a pair really were
    pictures.py   what is seen, and the number written into each picture
    encoding.py   H.264 and H.265; rtp.py: packets and sender reports
    rtsp.py       one connection; playback.py: pictures on their way to it; port.py: a camera's port
    kinds.py      every kind of fault; schedule.py: faults in words

Run: python -m tools.faults --help
"""

from tools.faults.camera import Camera, Device
from tools.faults.clocks import CameraClock, Exposures
from tools.faults.kinds import KINDS
from tools.faults.pictures import read_number, write_number
from tools.faults.schedule import Fault, fault, schedule
from tools.faults.server import Event, RtspServer
from tools.faults.truth import Truth

__all__ = [
    "KINDS",
    "Camera",
    "CameraClock",
    "Device",
    "Event",
    "Exposures",
    "Fault",
    "RtspServer",
    "Truth",
    "fault",
    "read_number",
    "schedule",
    "write_number",
]
