"""Frame ids."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from streamfuse.publish.fid import frame_id

INT64 = st.integers(-(2**63), 2**63 - 1)
NAMES = st.text(max_size=20)


@given(INT64, st.binary(max_size=40), NAMES, INT64, INT64)
def test_every_id_is_a_uuid_of_version_7(t_cap_ns, recording, stream, epoch, number):
    """Any input gives a well-formed UUIDv7 whose first 48 bits are the capture time in milliseconds since 1970."""
    fid = frame_id(t_cap_ns, recording, stream, epoch, number)
    parsed = uuid.UUID(bytes=fid)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert int.from_bytes(fid[:6], "big") == max(t_cap_ns // 1_000_000, 0)


def test_the_same_frame_has_the_same_id_in_every_run():
    """The id of a frame is a function of what it is, fixed for ever."""
    assert frame_id(1_700_000_000_123_456_789, b"clip", "cam1", 0, 7).hex() == "018bcfe5687b77c68e1e1d4ffa751c3b"


def test_every_field_counts():
    """Changing any one field changes the id, and fields do not run into one another."""
    ids = {
        frame_id(10**18, b"clip", "cam1", 0, 7),
        frame_id(10**18 + 10**6, b"clip", "cam1", 0, 7),
        frame_id(10**18, b"clipc", "am1", 0, 7),
        frame_id(10**18, b"clip", "cam1", 1, 7),
        frame_id(10**18, b"clip", "cam1", 0, 8),
    }
    assert len(ids) == 5


@given(st.integers(0, 10**18), st.integers(10**6, 10**15), st.integers(0, 1000))
def test_ids_sort_by_capture_time(t_cap_ns, later_ns, number):
    """Of two frames at least a millisecond apart the later one has the greater id."""
    assert frame_id(t_cap_ns, b"", "a", 0, number) < frame_id(t_cap_ns + later_ns, b"", "a", 0, 0)
