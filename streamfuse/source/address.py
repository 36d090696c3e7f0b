"""What a user may name as a video source: protocols, containers and options by allow-list, never by block-list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from streamfuse.errors import ConfigError
from streamfuse.redaction import redacted
from streamfuse.registry import suggestion

_SCHEME: Final = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)[:,]")  # libav also takes `subfile,,start,0:`
_NOT_IN_URLS: Final = re.compile(r"[\s'\"<>]")

# scheme -> libav protocols that opening it may use, itself and those it is redirected or layered onto
PROTOCOLS: Final[dict[str, str]] = {
    "file": "file",
    "http": "http,https,tls,tcp",
    "https": "http,https,tls,tcp",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
    "rtp": "rtp,udp",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,udp,tls,tcp",
    "udp": "udp",
}
# Containers of video. Not here: scripts that name other files (concat, sdp), and what takes any text or picture for a video.
CONTAINERS: Final = (
    *("apng", "asf", "av1", "avi", "flv", "gif", "h264", "hevc", "hls", "ivf", "live_flv", "m4v", "matroska", "mjpeg", "mov", "mpeg"),
    *("mpegts", "mpegvideo", "mpjpeg", "mxf", "nut", "obu", "ogg", "rtp", "rtsp", "v4l2", "vc1", "vvc", "webm", "yuv4mpegpipe"),
)
NETWORK_ONLY: Final = ("hls", "rtp", "rtsp")  # a local play list could name any other file
OPTIONS: Final = (
    *("analyzeduration", "buffer_size", "ca_file", "channel", "fflags", "framerate", "input_format", "max_delay", "pixel_format"),
    *("probesize", "reorder_queue_size", "rtsp_transport", "rw_timeout", "timeout", "tls_verify", "user_agent", "video_size"),
)
# What libav reads to learn about a stream arrives as one burst, stamped late; and with `nobuffer` it is lost, key frame and all.
LIVE_OPTIONS: Final = {"analyzeduration": "1000000"}  # microseconds
RTSP_OPTIONS: Final = {"probesize": "32", "rtsp_transport": "tcp"}  # RTSP names its codecs beforehand; UDP smears a GOP per lost packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A place that video may come from, checked."""

    target: str = field(repr=False)
    """What libav opens, with credentials."""
    name: str
    """The same for people, without."""
    live: bool
    format: str | None
    options: Mapping[str, str]


def parsed(url: str, container: str | None = None, options: Mapping[str, str] | None = None) -> Address:
    """Check `url` (a path, a device or an URL) and complete the options; `ConfigError` names what is not allowed."""
    if container is not None and container not in CONTAINERS:
        raise ConfigError(f"format {container!r} is not allowed{_near(container, CONTAINERS)} (allowed: {', '.join(CONTAINERS)})")
    found = _SCHEME.match(url)
    scheme = found.group(1).lower() if found else "file"
    if scheme not in PROTOCOLS:
        allowed = ", ".join(PROTOCOLS)
        raise ConfigError(f"{redacted(url)}: video is not read from {scheme!r} (allowed: a path, {allowed}; a file of that name: ./...)")
    if scheme != "file":
        _check_encoded(url)
        own = LIVE_OPTIONS | (RTSP_OPTIONS if scheme in ("rtsp", "rtsps") else {})
        return Address(target=url, name=redacted(url), live=True, format=container, options=_completed(scheme, own, options))
    path = Path(url[len("file:") :].removeprefix("//") if found else url)
    target = str(path.absolute())  # absolute, so that libav never takes it for an URL
    if container == "v4l2" or target.startswith(("/dev/video", "/dev/v4l/")):
        return Address(target=target, name=target, live=True, format=container or "v4l2", options=dict(options or {}))
    return Address(target=target, name=str(path), live=False, format=container, options=_completed(scheme, {}, options))


def _check_encoded(url: str) -> None:
    """Refuse what would be cut in the wrong place, by libav as by the redaction: then a password would be read as something else."""
    try:
        whole = urlsplit(url).port != 0 and not _NOT_IN_URLS.search(url)
    except ValueError:  # what stands for the port is no number: most likely the start of a password
        whole = False
    if not whole:
        raise ConfigError(
            "the address of a camera cannot be taken apart; in user and password write # as %23, / as %2F, ? as %3F, a space as %20"
        )


def _completed(scheme: str, own: Mapping[str, str], options: Mapping[str, str] | None) -> dict[str, str]:
    containers = [name for name in CONTAINERS if scheme != "file" or name not in NETWORK_ONLY]
    lists = {"protocol_whitelist": PROTOCOLS[scheme], "format_whitelist": ",".join(containers)}
    return {**own, **(options or {}), **lists}


def unknown_option(options: Mapping[str, object]) -> str | None:
    """What to say of the first option that is not allowed, or None."""
    wrong = next((key for key in options if key not in OPTIONS), None)
    return None if wrong is None else f"option {wrong!r} is not allowed{_near(wrong, OPTIONS)} (allowed: {', '.join(OPTIONS)})"


def _near(name: str, known: tuple[str, ...]) -> str:
    return suggestion(name, list(known))
