"""When a live camera captured a picture: the ladder `rtcp` -> `device` -> `estimated` -> `host`.

- `ladder`: takes the best clock that is there, changes over without a jump, says how sure it is
- `rtcp`: the camera's own UTC, from the sender reports of RTSP
- `device`: stamps of the Linux kernel for cameras of this machine
- `estimated`: when packets arrived against their time stamps: the lower envelope of many
- `line`: the two straight lines these are made of

All are plain arithmetic on nanoseconds: no thread, no clock of their own. "Stream time" is a packet's time stamp in nanoseconds;
where its zero lies is the camera's business.
"""

from streamfuse.source.clocks.ladder import Ladder, LadderSettings, Stamp

__all__ = ["Ladder", "LadderSettings", "Stamp"]
