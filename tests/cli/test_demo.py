"""`streamfuse demo`."""

import cv2


def test_runs_and_leaves_a_picture(streamfuse, tmp_path):
    """It ends after its seconds, says where it published and what it did, and saves three views side by side."""
    picture = tmp_path / "demo.png"
    said = streamfuse("demo", "--seconds", 8, "--bus", "tcp://127.0.0.1:*", "--picture", picture)
    assert said.code == 0, said.all
    assert "publishing at tcp://127.0.0.1:" in said.out
    assert "street: " in said.out
    shown = cv2.imread(str(picture))
    assert shown is not None
    assert shown.shape == (480, 1920, 3)
    assert str(picture) in said.out


def test_a_picture_that_cannot_be_written(streamfuse, tmp_path):
    """A wrong name is told in words before anything runs."""
    said = streamfuse("demo", "--seconds", 4, "--bus", "tcp://127.0.0.1:*", "--picture", tmp_path / "nowhere" / "demo.png")
    assert said.code == 2
    assert "there is no folder" in said.all
    assert "publishing" not in said.all
    assert "Traceback" not in said.all
