"""Log lines."""

import io
import logging

import pytest
from rich.console import Console

from streamfuse.cli.logs import REMEMBERED, HoldRepeats, set_up


@pytest.fixture
def lines():
    """What a terminal would show of what is logged under `streamfuse`."""
    logger = logging.getLogger("streamfuse")
    before = (list(logger.handlers), logger.level, logger.propagate)
    shown = io.StringIO()
    set_up(Console(file=shown, width=200), verbose=False)
    yield shown
    logger.handlers, logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def test_credentials_are_hidden(lines):
    """Whoever logs an address, its password is not shown."""
    logging.getLogger("streamfuse.source").warning("cannot open %s", "rtsp://admin:geheim@192.0.2.1/main")
    assert "geheim" not in lines.getvalue()
    assert "192.0.2.1" in lines.getvalue()


def test_repeats_are_held_back(lines):
    """The same line comes once a minute, whatever values are in it."""
    for number in range(50):
        logging.getLogger("streamfuse.flow").warning("dropped %d frames", number)
    assert lines.getvalue().count("dropped") == 1


def test_a_camera_is_not_the_repeat_of_another(lines):
    """What is held back for one camera is still told of the next, and so is another trouble of the same camera."""
    logger = logging.getLogger("streamfuse.flow")
    for camera in ("p1/infrared", "p1/visible", "p2/visible"):
        for waited_s in (1.5, 2.5):
            logger.warning("%s: %s", camera, f"no picture for {waited_s} s")
    logger.warning("%s: %s", "p1/infrared", "refused the credentials")
    shown = lines.getvalue()
    assert shown.count("no picture") == 3
    assert "p2/visible" in shown
    assert "refused" in shown


def test_a_file_gets_one_line_for_each(lines):
    """Without a terminal nothing is wrapped, however long it is; the day stands in front."""
    logging.getLogger("streamfuse.flow").warning("%s: %s", "gate", "long " * 100)
    (line,) = lines.getvalue().splitlines()
    assert line.split()[0].count("-") == 2
    assert line.rstrip().endswith("long")


def test_what_is_remembered_of_lines_is_bounded():
    """A process that runs for months keeps no more than so many lines."""
    held = HoldRepeats()
    for number in range(REMEMBERED + 50):
        held.filter(logging.LogRecord("streamfuse", logging.INFO, "", 0, "%s: gone", (f"camera {number}",), None))
    assert len(held._told) == REMEMBERED


def test_details_only_when_asked(lines):
    """Debug lines stay away without `--verbose`."""
    logging.getLogger("streamfuse.flow").debug("a detail")
    assert "detail" not in lines.getvalue()
