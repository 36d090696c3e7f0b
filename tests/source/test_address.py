"""What may be named as a video source."""

import pytest

from streamfuse.errors import ConfigError
from streamfuse.source.address import parsed, unknown_option


@pytest.mark.parametrize(
    "url",
    [
        "concat:a.mp4|b.mp4",
        "subfile,,start,1,end,2,,:a.mp4",
        "data:text/plain,x",
        "lavfi:color",
        "pipe:0",
        "ftp://host/a.mp4",
        "crypto:a.mp4",
    ],
)
def test_refuses_other_protocols(url):
    """Anything that is no path and no listed protocol is refused before libav sees it."""
    with pytest.raises(ConfigError, match="not read from"):
        parsed(url)


@pytest.mark.parametrize(
    ("url", "live", "container"),
    [
        ("clip.mp4", False, None),
        ("/data/a:b.mp4", False, None),
        ("./odd:name.mp4", False, None),
        ("file:///data/clip.mp4", False, None),
        ("C:/clip.mp4", False, None),
        ("rtsp://10.0.0.1/live", True, None),
        ("https://host/a.m3u8", True, None),
        ("/dev/video0", True, "v4l2"),
        ("/dev/v4l/by-id/usb-cam", True, "v4l2"),
        ("/dev/shm/clip.mp4", False, None),
    ],
)
def test_live_and_format_follow_from_the_address(url, live, container):
    """Cameras are live and files are not; a video device brings its format."""
    address = parsed(url)
    assert (address.live, address.format) == (live, container)


def test_files_are_absolute_for_libav():
    """A relative path can never be taken for an URL."""
    assert parsed("clip.mp4").target.startswith("/")
    assert parsed("file:clip.mp4").target == parsed("clip.mp4").target


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps"])
def test_rtsp_goes_over_tcp_unless_told_otherwise(scheme):
    """TCP is the default for RTSP, and an option of the user wins."""
    assert parsed(f"{scheme}://host/x").options["rtsp_transport"] == "tcp"
    assert parsed(f"{scheme}://host/x", None, {"rtsp_transport": "udp"}).options["rtsp_transport"] == "udp"


def test_allow_lists_cannot_be_widened():
    """An option of the same name does not replace the lists of protocols and containers."""
    options = parsed("clip.mp4", None, {"protocol_whitelist": "file,concat", "format_whitelist": "tty"}).options
    assert options["protocol_whitelist"] == "file"
    assert "tty" not in options["format_whitelist"].split(",")


def test_unknown_container_names_the_nearest():
    """A wrong format is an error with a suggestion."""
    with pytest.raises(ConfigError, match="did you mean 'mpegts'"):
        parsed("clip.ts", "mpegtss")


def test_credentials_are_not_in_the_name():
    """Name and repr are for people and logs; only the target has the password."""
    address = parsed("rtsp://admin:hunter2@host/x?token=abc")
    assert "hunter2" not in repr(address)
    assert "abc" not in address.name
    assert "hunter2" in address.target


@pytest.mark.parametrize("password", ["hun#ter2", "hun/ter2", "hun?ter2", "hun ter2", "hun'ter2", 'hun"ter2'])
def test_password_that_breaks_the_address(password):
    """A password that has to be encoded is asked for so, without being shown."""
    with pytest.raises(ConfigError, match="%23") as caught:
        parsed(f"rtsp://admin:{password}@host/live")
    assert "hun" not in str(caught.value)


def test_unknown_option_names_the_nearest():
    """An option that is not listed is refused, with the one that was probably meant."""
    assert "did you mean 'rtsp_transport'" in str(unknown_option({"rtsp_transpot": "tcp"}))
    assert unknown_option({"probesize": 1, "timeout": 2}) is None
