"""Credentials never leave the process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.redaction import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("rtsp://admin:s3cret@10.0.0.5:554/ch1", "rtsp://***@10.0.0.5:554/ch1", id="user and password"),
        pytest.param("rtsp://admin@10.0.0.5/ch1", "rtsp://***@10.0.0.5/ch1", id="user alone"),
        pytest.param("rtsp://:pw@host/", "rtsp://***@host/", id="password alone"),
        pytest.param("rtsp://a:b@c:d@host/x", "rtsp://***@host/x", id="an @ in the password"),
        pytest.param("http://host/v?token=abc&fps=5", "http://host/v?token=***&fps=5", id="token"),
        pytest.param("http://host/v?fps=5&PASSWORD=abc", "http://host/v?fps=5&PASSWORD=***", id="upper case"),
        pytest.param("http://host/v?user=me&pwd=x", "http://host/v?user=***&pwd=***", id="both in the query"),
        pytest.param("http://host/v?access_token=abc&api_key=x", "http://host/v?access_token=***&api_key=***", id="end of a name"),
        pytest.param("rtsp://host/v?username=me&fps=5", "rtsp://host/v?username=***&fps=5", id="beginning of a name"),
        pytest.param("http://host/v?loginuse=me&loginpas=x", "http://host/v?loginuse=***&loginpas=***", id="as one word"),
        pytest.param("http://host/v?token=a_b_c=d&fps=5", "http://host/v?token=***&fps=5", id="underscores in the token"),
        pytest.param(
            "rtsp://host/user=me_password=a_b_channel=1_stream=0.sdp?real_stream",
            "rtsp://host/user=***_password=***_channel=1_stream=0.sdp?real_stream",
            id="in the path",
        ),
        pytest.param("cannot open 'rtsp://u:p@h/x': refused", "cannot open 'rtsp://***@h/x': refused", id="inside of a message"),
        pytest.param("rtsp://u:p@a/1 and rtmps://v:q@b/2", "rtsp://***@a/1 and rtmps://***@b/2", id="two of them"),
        pytest.param("rtsp://u:p@[fe80::1]:554/x", "rtsp://***@[fe80::1]:554/x", id="address of version 6"),
        pytest.param("rtsp://u:p@[broken/x", "rtsp://***@[broken/x", id="not an address at all"),
        pytest.param("rtsp://u:p#w@host/x", "rtsp://***@host/x", id="a # in the password"),
        pytest.param("rtsp://u:p/w@host/x", "rtsp://***@host/x", id="a slash in the password"),
        pytest.param("rtsp://u:p?w@host/x?fps=5", "rtsp://***@host/x?fps=5", id="a question mark in the password"),
    ],
)
def test_hides_what_is_secret(text, shown):
    """User, password and secret parameters become stars; all else stays readable."""
    assert redacted(text) == shown


HARMLESS = ["rtsp://10.0.0.5/ch1", "a://b?fps=5", "rtsp://h/channel=1_stream=0.sdp", "rtsp://h/users/1?channel=1&stream=0&keyframe=2"]


@pytest.mark.parametrize("text", ["", "plain words", "/dev/video0", "clip.mp4", "user@example.org", "user=me", *HARMLESS])
def test_leaves_the_rest_alone(text):
    """What holds no credential is shown as it is."""
    assert redacted(text) == text


def test_twice_is_once():
    """What was hidden can be hidden again without harm."""
    once = redacted("rtsp://admin:s3cret@host/x?token=abc")
    assert redacted(once) == once


word = st.text("abcdefghijklmnopqrstuvwxyz0123456789!$%&()*+,;=:@~_.-#/?", min_size=1, max_size=12)


@given(user=word, password=word, around=st.sampled_from(["{}", "cannot open {}: no", "['{}']", '"{}"', "a\n{}\nb"]))
def test_no_password_of_ordinary_characters_is_ever_shown(user, password, around):
    """Whatever stands around an URL, and whichever characters the password has, it is gone."""
    secret = f"{user}~SECRET~{password}"
    assert "SECRET" not in redacted(around.format(f"rtsp://{user}:{secret}@camera/stream"))
