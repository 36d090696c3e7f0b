"""What this build of ZeroMQ can do, for `streamfuse doctor`."""

from typing import Any

import zmq


def capabilities() -> dict[str, Any]:
    """Version, and whether encryption and local sockets were built in."""
    return {"libzmq": zmq.zmq_version(), "curve": bool(zmq.has("curve")), "ipc": bool(zmq.has("ipc"))}
