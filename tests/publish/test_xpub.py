"""Readers that are too slow: what a lossless bus waits for, what a live bus drops, and how the end gets through."""

import msgspec
import pytest

from streamfuse.clock import ManualClock
from streamfuse.errors import SubscriberStalledError

unpack = msgspec.msgpack.decode


def test_lossless_waits_for_a_reader_that_pauses(bench, result):
    """A reader with little room that reads only when the bus is blocked still gets every message, in order."""
    sink = bench.sink(policy="lossless")
    reader = bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    messages = []

    def read_one() -> bool:
        messages.append(bench.receive(reader))  # asked only while a message waits for room
        return False

    for number in range(200):
        sink.publish(result(number, size=(240, 320)), read_one)
    assert 0 < len(messages) < 401  # it did block, and it did run ahead
    while len(messages) < 401:
        messages.append(bench.receive(reader))
    sink.end("cam1", {})
    assert bench.receive(reader)[0] == b"sf1/eos/cam1/"
    heads = [unpack(message[1]) for message in messages]
    for kind in ("det", "img"):
        assert [head["seq"] for head in heads if head["kind"] == kind] == list(range(200))


class Hurried(ManualClock):
    """Ten seconds pass with each look."""

    def now_ns(self) -> int:
        self.advance_ms(10_000)
        return super().now_ns()


def fill(bench, sink, result, size=(480, 640)) -> None:
    """Publish until a reader that does not read holds up the bus."""
    held_up: list[bool] = []

    def stopping() -> bool:
        held_up.append(True)
        return True

    number = 0
    while not held_up:
        sink.publish(result(number, size=size), stopping)
        number += 1


def test_lossless_ends_with_an_error_that_names_the_stall(bench, result):
    """A reader that takes nothing for the subscriber timeout ends the run; the end itself does not wait as long again."""
    sink = bench.sink({"codec": "raw"}, policy="lossless", clock=Hurried())
    bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    fill(bench, sink, result)
    with pytest.raises(SubscriberStalledError, match=r"tcp://.* read nothing for 30 s and holds up sf1/det/cam1/; .* let it read"):
        bench.publish(sink, result(0, size=(480, 640)))
    sink.end("cam1", {})


def test_lossless_with_nobody_there_does_not_wait(bench, result):
    """Without a subscriber results are let go at once."""
    sink = bench.sink(policy="lossless", clock=Hurried())
    bench.publish(sink, *(result(number) for number in range(100)))
    sink.report("cam1", {})
    sink.end("cam1", {})
    assert sink.tick() == 0


def test_a_reader_that_leaves_frees_a_lossless_bus(bench, result):
    """A reader that disconnects while it holds up the bus is waited for no longer."""
    sink = bench.sink({"codec": "raw"}, policy="lossless")
    reader = bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    fill(bench, sink, result)
    asked: list[bool] = []

    def leave() -> bool:
        if not asked:
            reader.close(0)
        asked.append(True)
        return False

    sink.publish(result(0, size=(480, 640)), leave)
    assert asked
    bench.wait_for_readers(sink, 0)


def test_live_never_waits_and_the_gap_shows(bench, result):
    """A reader that does not read loses messages without holding up the bus, and sees by the numbers that it did."""
    sink = bench.sink({"codec": "raw"}, clock=ManualClock())
    reader = bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    for number in range(300):
        sink.publish(result(number, size=(240, 320)), lambda: pytest.fail("a live bus asked whether to go on waiting"))
    seen = [unpack(message[1])["seq"] for message in iter(lambda: bench.receive(reader) if reader.poll(200) else None, None)]
    assert 0 < len(seen) < 600
    assert seen[:3] == [0, 0, 0]


def test_live_gets_its_end_through_to_a_slow_reader(bench, result):
    """`eos` waits for room, so that a reader that was behind when the stream ended still learns that it did."""
    sink = bench.sink({"codec": "raw", "grace_ms": 20_000})
    reader = bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    for number in range(300):
        sink.publish(result(number, size=(240, 320)), lambda: False)
    sink.end("cam1", {"published": 300})
    message = [b""]
    while not message[0].startswith(b"sf1/eos/"):
        sink.tick()
        if reader.poll(20):
            message = reader.recv_multipart()
    assert unpack(message[1])["totals"] == {"published": 300}


@pytest.mark.parametrize("policy", ["live", "lossless"])
def test_closing_waits_until_the_end_has_arrived(bench, result, policy):
    """What was sent before an orderly close arrives, `eos` last, although the reader reads only afterwards."""
    sink = bench.sink(policy=policy, batch_messages=32)
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, *(result(number, size=(480, 640)) for number in range(30)))
    sink.end("cam1", {})
    sink.close()
    kinds = [unpack(message[1])["kind"] for message in bench.receive_until(reader, b"sf1/eos/")]
    assert kinds == ["hello", *["det", "img"] * 30, "eos"]


def test_aborting_waits_for_nobody(bench, result):
    """After a second signal the sink closes although a reader has taken nothing, in spite of a long grace time."""
    sink = bench.sink({"codec": "raw", "grace_ms": 10**9})
    bench.plain(sink, b"sf1/", room=1)
    bench.wait_for_readers(sink, 1)
    for number in range(100):
        sink.publish(result(number, size=(240, 320)), lambda: False)
    sink.end("cam1", {})
    sink.abort()
    sink.close()
    assert not sink._owed


def test_bursts_of_many_streams_reach_a_reader_that_never_pauses(bench, result):
    """16 pairs at once, 32 messages a burst: a reader of everything that reads between bursts misses none."""
    sink = bench.sink(batch_messages=32)
    reader = bench.plain(sink, b"sf1/", room=1000)
    bench.wait_for_readers(sink, 1)
    streams = [f"cam{number}" for number in range(16)]
    seen: dict[bytes, list[int]] = {}
    for burst in range(20):
        bench.publish(sink, *(result(burst, stream) for stream in streams))
        for _ in range(32 + (16 if burst == 0 else 0)):
            topic, header = bench.receive(reader)[:2]
            seen.setdefault(topic, []).append(unpack(header)["seq"])
    assert all(seen[f"sf1/{kind}/{stream}/".encode()] == list(range(20)) for stream in streams for kind in ("det", "img"))
