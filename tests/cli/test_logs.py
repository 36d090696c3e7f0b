"""Log lines."""

import io
import logging

import pytest
from rich.console import Console

from streamfuse.cli.logs import set_up


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


def test_details_only_when_asked(lines):
    """Debug lines stay away without `--verbose`."""
    logging.getLogger("streamfuse.flow").debug("a detail")
    assert "detail" not in lines.getvalue()
