"""`streamfuse.train.study`."""

import numpy as np

from streamfuse.train.data import find_pairs
from streamfuse.train.study import pictures
from tests.train.footage import save_recording
from tests.train.test_data import save_pair


def test_frames_of_recordings_know_the_next_one(tmp_path):
    """Whether that is taken itself or not; a recording's last frame and stills have none, and none is kept unless asked for."""
    save_recording(tmp_path / "yard", 5)
    save_pair(tmp_path / "stills")
    for every, followed in ((1, [0, 1, 2, 3]), (2, [0, 2])):
        pairs = find_pairs(tmp_path, every=every)
        found = pictures(pairs, next_frames=True)
        levels = [(one.infrared_HW.mean(), one.after.infrared_HW.mean()) for one in found if one.after is not None]
        assert np.allclose(levels, [(20 * number, 20 * (number + 1)) for number in followed], atol=2)
        assert all(one.after is None for one in pictures(pairs))
