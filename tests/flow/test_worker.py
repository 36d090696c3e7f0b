"""Threads with names."""

import threading

from streamfuse.flow.worker import Failures, Worker, catching


def test_a_failure_is_kept_with_the_name_of_its_stage():
    """The error comes with a note, and whoever waits hears of it."""
    failures, heard = Failures(), threading.Event()

    def break_down() -> None:
        raise ValueError("too hot")

    worker = Worker("fuse", break_down, failures, heard.set)
    worker.start()
    assert heard.wait(5)
    assert worker.join(5)
    (error,) = failures.all()
    assert str(error) == "too hot"
    assert error.__notes__ == ["stage: fuse"]


def test_a_thread_that_hangs_is_not_waited_for():
    """Joining gives up after its time."""
    free = threading.Event()

    def hang() -> None:
        free.wait(10)

    worker = Worker("source", hang, Failures(), lambda: None)
    worker.start()
    assert not worker.join(0.01)
    assert worker.alive
    free.set()
    assert worker.join(5)


def test_catching_keeps_what_was_thrown():
    """A stage may throw anything; what it threw is there afterwards."""
    with catching() as caught:
        raise KeyError("gone")
    assert [type(error) for error in caught] == [KeyError]
