"""Log lines on the terminal: credentials hidden, repeats held back and counted."""

import logging
import re
import time
from collections import OrderedDict

from rich.console import Console
from rich.logging import RichHandler

from streamfuse.redaction import redacted

REPEAT_S = 60.0
REMEMBERED = 1000  # lines, so that a process that runs for months keeps no more
NUMBER = re.compile(r"\d+(\.\d+)?")


class Redact(logging.Filter):
    """Hides credentials in what any library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record."""
        record.msg, record.args = redacted(record.getMessage()), None
        return True


class HoldRepeats(logging.Filter):
    """The same line once a minute, whatever numbers are in it, with the number of those held back.

    Lines begin with whom they are about: what holds for one camera is never taken for another's.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """False where a line is held back."""
        whom = str(record.args[0]) if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], str) else ""
        key = (whom, NUMBER.sub("0", record.getMessage().removeprefix(whom)))
        at_s, held = self._told.get(key, (float("-inf"), 0))
        now_s = time.monotonic()
        if now_s - at_s < REPEAT_S:
            self._told[key] = (at_s, held + 1)
            return False
        self._told[key] = (now_s, 0)
        self._told.move_to_end(key)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        if held:
            record.msg = f"{record.getMessage()} ({held} more like it)"
            record.args = None
        return True


def set_up(console: Console, *, verbose: bool) -> None:
    """Send everything of ours to `console`. Only commands call this: a library leaves logging alone."""
    handler = _coloured(console) if console.is_terminal else _plain(console)
    handler.addFilter(HoldRepeats())
    handler.addFilter(Redact())
    logger = logging.getLogger("streamfuse")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False


def _coloured(console: Console) -> logging.Handler:
    return RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S", markup=False)


def _plain(console: Console) -> logging.Handler:
    """For files and journals: one line each, whatever its length."""
    handler = logging.StreamHandler(console.file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", "%Y-%m-%d %H:%M:%S"))
    return handler
