"""What PyAV raises, in StreamFuse's words: the one place where its errors are translated."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from av.error import FFmpegError, tag_to_code

from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.redaction import redacted

# libavutil/error.h. Tags, because the names that PyAV gives to them differ between 16 and 18.
UNAUTHORIZED, FORBIDDEN, HTTP_NOT_FOUND = (tag_to_code(b"\xf8" + status) for status in (b"401", b"403", b"404"))
NO_DECODER, NO_DEMUXER, NO_PROTOCOL, NO_OPTION = (tag_to_code(b"\xf8" + kind) for kind in (b"DEC", b"DEM", b"PRO", b"OPT"))
INVALID_DATA, END, EXIT, NOT_IMPLEMENTED = (tag_to_code(tag) for tag in (b"INDA", b"EOF ", b"EXIT", b"PAWE"))
# (codes, what they become, what to tell the user)
CAUSES: Final[tuple[tuple[tuple[int, ...], type[SourceError], str], ...]] = (
    (
        (UNAUTHORIZED, FORBIDDEN),
        SourceAuthError,
        "refused the credentials; check user and password, and what that user may see",
    ),
    ((errno.ENOENT, HTTP_NOT_FOUND), SourceError, "not found; check the path"),
    ((errno.EISDIR,), UnsupportedInputError, "is a folder; name a file in it, or use the source 'images'"),
    ((errno.EACCES, errno.EPERM), SourceError, "may not be opened by this user; check its permissions"),
    (
        (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL),
        SourceError,
        "cannot be reached: no route; check its address, cable and power, and the network of this machine",
    ),
    (
        (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE),
        SourceError,
        "refused or cut the connection; check that it is on, and the port",
    ),
    (
        (errno.ETIMEDOUT, errno.EAGAIN, EXIT),
        SourceError,
        "timeout: no data within the time allowed; check the network, or raise open_timeout_s or read_timeout_s",
    ),
    ((errno.EIO, errno.ENODEV), SourceError, "was lost, or its name leads nowhere; check its host name, cable and power"),
    (
        (NO_DECODER, NOT_IMPLEMENTED),
        UnsupportedInputError,
        "its video is coded in a way that the installed FFmpeg cannot decode",
    ),
    (
        (errno.EINVAL, NO_DEMUXER, NO_PROTOCOL, NO_OPTION),
        UnsupportedInputError,
        "is not a video of a kind that StreamFuse reads, or an option does not fit it",
    ),
    (
        (INVALID_DATA, END),
        SourceError,
        "no answer that is video, or broken data; a camera may hang, a recording that was cut off may lack its index",
    ),
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn PyAV's errors into `SourceError` and its children; `name` says where, without credentials."""
    try:
        yield
    except FFmpegError as exc:
        kind, words = next(((k, w) for codes, k, w in CAUSES if exc.errno in codes), (SourceError, "failed"))
        reason = redacted(exc.strerror or type(exc).__name__)
        exc.args = (exc.errno, reason)  # the rest is the URL with its password, which a traceback of the cause would show
        raise kind(f"{name}: {words} ({reason})") from exc
