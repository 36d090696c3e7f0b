"""7. Results -> outside: the wire format, the bus, the client that reads it, and a sink that keeps results in memory.

Written down for readers in any language in docs/7-publish.md. In this package:

    topic.py       topics: kind and stream             endpoint.py    which endpoints are allowed, and binding one
    fid.py         frame ids                           xpub.py        the publishing socket and its subscriptions
    wire.py        headers and messages <-> bytes      bus.py         the sink `bus`
    compose.py     `Result` -> header                  mailbox.py     what waits in the client: newest, or all
    codec.py       picture <-> payload                 message.py     what the client hands out
    memory.py      the sink `memory`                   subscriber.py  the client
    group.py       H.264 in the client                 intake.py      what the client checks and counts
    capabilities.py  what this build of ZeroMQ can do

`zmq` is imported nowhere else. The client works without torch, and without PyAV unless pictures come as H.264.
"""

from typing import TYPE_CHECKING

from streamfuse.registry import Registry

if TYPE_CHECKING:
    from streamfuse.stages import Sink

__all__ = ["SINKS"]

SINKS: "Registry[Sink]" = Registry(
    "sink",
    {
        "bus": "streamfuse.publish.bus:BusSink",
        "memory": "streamfuse.publish.memory:MemorySink",
    },
)
