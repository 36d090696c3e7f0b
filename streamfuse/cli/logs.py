"""Log lines on the terminal: credentials hidden, repeats held back and counted."""

import logging
import time

from rich.console import Console
from rich.logging import RichHandler

from streamfuse.redaction import redacted

REPEAT_S = 60.0


class Redact(logging.Filter):
    """Hides credentials in what any library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record."""
        record.msg, record.args = redacted(record.getMessage()), None
        return True


class HoldRepeats(logging.Filter):
    """The same line of the same logger once a minute, with the number of those held back."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False where a line is held back."""
        key = (record.name, str(record.msg))  # the pattern, before the values go in
        at_s, held = self._told.get(key, (float("-inf"), 0))
        now_s = time.monotonic()
        if now_s - at_s < REPEAT_S:
            self._told[key] = (at_s, held + 1)
            return False
        self._told[key] = (now_s, 0)
        if held:
            record.msg = f"{record.getMessage()} ({held} more like it)"
            record.args = None
        return True


def set_up(console: Console, *, verbose: bool) -> None:
    """Send everything of ours to `console`. Only commands call this: a library leaves logging alone."""
    handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S", markup=False)
    handler.addFilter(HoldRepeats())
    handler.addFilter(Redact())
    logger = logging.getLogger("streamfuse")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False
