"""Where a bus may be."""

import os
import socket
import stat

import pytest

from streamfuse.errors import BusError, ConfigError
from streamfuse.publish import SINKS
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.publish.endpoint import check_endpoint


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://127.0.0.1:5560", "tcp://127.1.2.3:*", "tcp://localhost:0", "tcp://[::1]:5560", "ipc:///tmp/x", "inproc://x"],
)
def test_this_machine_is_allowed(endpoint):
    """Loopback addresses, socket files and this process need no keys."""
    assert check_endpoint(endpoint) == endpoint


@pytest.mark.parametrize("endpoint", ["tcp://*:5560", "tcp://0.0.0.0:5560", "tcp://192.168.0.5:5560", "tcp://[::]:5560", "tcp://eth0:5560"])
def test_the_network_is_refused(endpoint):
    """An endpoint others can reach is refused with what to do instead."""
    with pytest.raises(ConfigError, match=r"bus\.endpoint: .*CURVE.*SSH tunnel.*, got 'tcp://"):
        SINKS.settings("bus", {"endpoint": endpoint}, "bus")


@pytest.mark.parametrize(
    "endpoint", ["", "5560", "udp://127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:http", "ipc://"]
)
def test_what_is_no_endpoint_is_refused(endpoint):
    """A scheme, host or port that cannot be is a configuration error that names the key."""
    with pytest.raises(ConfigError, match=r"bus\.endpoint: "):
        SINKS.settings("bus", {"endpoint": endpoint}, "bus")


def test_what_any_user_could_read_is_refused():
    """An abstract socket has no owner and no permissions."""
    with pytest.raises(ConfigError, match=r"bus\.endpoint: anybody on this machine could read an abstract socket"):
        SINKS.settings("bus", {"endpoint": "ipc://@bus"}, "bus")


def test_what_nobody_could_read_is_refused():
    """Within one process a bus needs a context that its reader shares; a configuration has none."""
    with pytest.raises(ConfigError, match=r"inproc://bus: nobody could read it"):
        BusSink(BusSettings(endpoint="inproc://bus"))


def test_a_port_in_use_is_named(bench):
    """The error says which endpoint is taken and what to do, and the sink can be closed."""
    taken = bench.sink()
    with pytest.raises(BusError, match=f"{taken.endpoint}: another program has this port; stop it, or choose another"):
        bench.sink({"endpoint": taken.endpoint})


def test_any_free_port_is_found(bench):
    """With port * the real endpoint can be read after opening, and somebody listens there."""
    port = int(bench.sink({"endpoint": "tcp://127.0.0.1:*"}).endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        assert connection.getpeername()[1] == port


def test_a_socket_file_is_the_owners_alone(bench, tmp_path):
    """Nobody else may connect to a socket file, and other files keep the umask of the process."""
    before = os.umask(0o022)
    try:
        bench.sink({"endpoint": f"ipc://{tmp_path}/bus"})
        (tmp_path / "other").touch()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "bus").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o644


def test_a_socket_file_in_use_is_not_taken_over(bench, tmp_path):
    """ZeroMQ would quietly replace the file of a running publisher; we refuse, but a left-over file is no obstacle."""
    first = bench.sink({"endpoint": f"ipc://{tmp_path}/bus"})
    with pytest.raises(BusError, match="another publisher listens there"):
        bench.sink({"endpoint": first.endpoint})
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(f"{tmp_path}/dead")
    assert bench.sink({"endpoint": f"ipc://{tmp_path}/dead"}).endpoint.endswith("/dead")


def test_a_folder_that_is_not_there_is_named(bench, tmp_path):
    """A socket file in a missing folder is an error that shows the endpoint."""
    with pytest.raises(BusError, match="nowhere/bus: cannot be bound"):
        bench.sink({"endpoint": f"ipc://{tmp_path}/nowhere/bus"})
