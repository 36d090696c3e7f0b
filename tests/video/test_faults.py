"""What PyAV raises, translated."""

import errno
from typing import Any

import av
import pytest

from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.video.faults import translated


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (av.error.tag_to_code(b"\xf8401"), SourceAuthError, "refused the credentials"),
        (av.error.tag_to_code(b"\xf8403"), SourceAuthError, "refused the credentials"),
        (av.error.tag_to_code(b"\xf8404"), SourceError, "not found"),
        (errno.ENOENT, SourceError, "not found"),
        (errno.EACCES, SourceError, "permissions"),
        (errno.EISDIR, UnsupportedInputError, "is a folder"),
        (errno.ECONNREFUSED, SourceError, "refused or cut"),
        (errno.EHOSTUNREACH, SourceError, "no route"),
        (errno.ETIMEDOUT, SourceError, "timeout"),
        (av.error.tag_to_code(b"EXIT"), SourceError, "timeout"),
        (av.error.tag_to_code(b"\xf8DEC"), UnsupportedInputError, "cannot decode"),
        (av.error.tag_to_code(b"INDA"), SourceError, "broken data"),
        (errno.EINVAL, UnsupportedInputError, "not a video"),
        (errno.EIO, SourceError, "was lost"),
        (errno.ENOMEM, SourceError, "failed"),
    ],
)
def test_each_cause_has_its_class_and_words(code, kind, words):
    """The class says whether to try again, the words say what to do, and the cause is kept without its URL."""
    log: Any = (16, "rtsp", "rtsp://admin:hunter2@host/x failed")
    with pytest.raises(kind, match=words) as caught, translated("camera 1"):
        raise av.FFmpegError(code, "reason", "rtsp://admin:hunter2@host/x", log)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("camera 1: ")
    assert "reason" in str(caught.value)
    assert isinstance(caught.value.__cause__, av.FFmpegError)
    assert "hunter2" not in str(caught.value) + repr(caught.value.__cause__) + str(caught.value.__cause__)


def test_other_errors_pass():
    """What is not PyAV's is not touched."""
    with pytest.raises(ZeroDivisionError), translated("camera 1"):
        _ = 1 / 0
