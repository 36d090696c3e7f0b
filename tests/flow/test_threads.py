"""How many threads one operation gets."""

import pytest

from streamfuse.flow.threads import threads_for


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 2), (10, 8), (128, 8)])
def test_video_keeps_its_cores(cores, threads):
    """Two are left for decoding and encoding where there are so many, and more than eight gain nothing."""
    assert threads_for(cores) == threads
