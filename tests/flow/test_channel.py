"""Bounded hand-overs."""

import threading

import pytest

from streamfuse.flow.channel import Channel, Closed


def test_first_in_first_out():
    """Items come out in the order in which they went in."""
    channel: Channel[int] = Channel(4, "block")
    for item in range(3):
        assert channel.put(item)
    assert [channel.get() for _ in range(3)] == [0, 1, 2]


def test_drops_the_oldest_and_says_so():
    """When a dropping channel is full, the oldest item goes, and whoever counts hears of it."""
    lost: list[int] = []
    channel: Channel[int] = Channel(2, "drop_oldest", on_drop=lost.append)
    for item in range(5):
        channel.put(item)
    assert lost == [0, 1, 2]
    assert [channel.get(), channel.get()] == [3, 4]


def test_what_is_kept_is_never_dropped():
    """It stays at its place, and the oldest of the others goes instead; where all are kept, there is one more."""
    lost: list[int] = []
    channel: Channel[int] = Channel(2, "drop_oldest", on_drop=lost.append, keep=lambda item: item < 0)
    for item in (-1, 0, 1, -2, -3):
        channel.put(item)
    assert lost == [0, 1]
    assert [channel.get() for _ in range(len(channel))] == [-1, -2, -3]


def test_blocks_until_there_is_room():
    """When a blocking channel is full, the producer waits."""
    channel: Channel[int] = Channel(1, "block")
    channel.put(0)
    started, done = threading.Event(), threading.Event()

    def produce() -> None:
        started.set()
        channel.put(1)
        done.set()

    thread = threading.Thread(target=produce)
    thread.start()
    assert started.wait(5)
    assert not done.is_set()
    assert channel.get() == 0
    assert done.wait(5)
    thread.join()
    assert channel.get() == 1


def test_close_wakes_a_waiting_producer():
    """A producer that waits for room learns that the channel was closed, and its item is refused."""
    channel: Channel[int] = Channel(1, "block")
    channel.put(0)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(channel.put(1)))
    thread.start()
    channel.close()
    thread.join(5)
    assert answers == [False]


def test_close_wakes_a_waiting_consumer():
    """A consumer that waits for an item gets `Closed`."""
    channel: Channel[int] = Channel(1, "block")
    ended = threading.Event()

    def consume() -> None:
        with pytest.raises(Closed):
            channel.get()
        ended.set()

    thread = threading.Thread(target=consume)
    thread.start()
    channel.close()
    assert ended.wait(5)
    thread.join()


def test_what_is_in_it_survives_an_orderly_close():
    """Closing keeps what was handed over; discarding does not."""
    kept: Channel[int] = Channel(2, "block")
    kept.put(7)
    kept.close()
    assert [kept.exhausted, kept.get(), kept.exhausted] == [False, 7, True]
    lost: Channel[int] = Channel(2, "block")
    lost.put(7)
    lost.close(discard=True)
    with pytest.raises(Closed):
        lost.get()


def test_nothing_in_time():
    """`get` gives up after its time-out."""
    with pytest.raises(TimeoutError):
        Channel[int](1, "block").get(timeout_s=0.001)


def test_one_condition_for_many_channels():
    """A thread that waits on a shared condition wakes for any of its channels."""
    condition = threading.Condition()
    first, second = (Channel[int](1, "block", condition=condition) for _ in range(2))
    woken = threading.Event()

    def wait() -> None:
        with condition:
            condition.wait_for(lambda: len(first) or len(second), 5)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    second.put(1)
    assert woken.wait(5)
    thread.join()
    assert first.peek() is None
    assert second.peek() == 1
