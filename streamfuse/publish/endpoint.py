"""Which endpoints a publisher may bind: loopback and this machine only, until keys come (CURVE)."""

import ipaddress
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import zmq

from streamfuse.errors import BusError

PRIVATE = 0o177
"""Umask under which a socket file is made: nobody but the owner may connect."""


def check_endpoint(endpoint: str) -> str:
    """`endpoint` itself, if it may be bound; `ValueError` says why not."""
    scheme, found, address = endpoint.partition("://")
    if not found or scheme not in ("tcp", "ipc", "inproc") or not address:
        raise ValueError("a bus endpoint reads tcp://127.0.0.1:5560 or ipc:///run/user/1000/streamfuse")
    if scheme == "ipc" and address.startswith("@"):
        raise ValueError("anybody on this machine could read an abstract socket; want the path of a file, ipc://PATH")
    if scheme == "tcp":
        _check_tcp(address)
    return endpoint


def _check_tcp(address: str) -> None:
    host, _, port = address.rpartition(":")
    if port != "*" and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("the port is a number up to 65535, or * for any free one")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(
            "a bus open to the network needs encryption and keys (CURVE), which this version does not have; "
            "bind tcp://127.0.0.1:PORT, and reach it from elsewhere through an SSH tunnel"
        )


def bind(bus: "zmq.Socket[bytes]", endpoint: str) -> str:
    """Bind and return the real endpoint (a port of 0 or * is replaced). `BusError` says why it could not."""
    path = Path(endpoint.removeprefix("ipc://")) if endpoint.startswith("ipc://") else None
    try:
        if path is None:
            bus.ipv6 = "[" in endpoint  # else IPv4 endpoints read ::ffff:127.0.0.1
            bus.bind(endpoint)
        else:
            _bind_file(bus, endpoint, path)
    except zmq.ZMQError as exc:
        raise BusError(_in_words(endpoint, exc)) from exc
    return bus.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


def _bind_file(bus: "zmq.Socket[bytes]", endpoint: str, path: Path) -> None:
    """ZeroMQ takes over a socket file without asking, so ask first whether somebody listens on it."""
    with socket.socket(socket.AF_UNIX) as probe:
        if path.is_socket() and probe.connect_ex(str(path)) == 0:
            raise BusError(f"{endpoint}: another publisher listens there; stop it, or choose another endpoint")
    before = os.umask(PRIVATE)
    try:
        bus.bind(endpoint)
    finally:
        os.umask(before)


def _in_words(endpoint: str, exc: zmq.ZMQError) -> str:
    if exc.errno == zmq.EADDRINUSE:
        return f"{endpoint}: another program has this port; stop it, or choose another endpoint (port * takes any free one)"
    return f"{endpoint}: cannot be bound: {exc.strerror}; choose another endpoint"


def is_local_file(endpoint: str) -> bool:
    """Whether readers are on this machine and bytes cost little: ipc and inproc."""
    return urlsplit(endpoint).scheme != "tcp"
