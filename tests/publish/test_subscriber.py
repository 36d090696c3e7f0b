"""The client, on real loopback sockets."""

import asyncio
import logging
import subprocess
import sys
import threading

import numpy as np
import pytest

from streamfuse.errors import BusError, ConfigError
from streamfuse.publish.codec import decode, encoder
from streamfuse.publish.subscriber import Subscriber


@pytest.fixture
def subscribe(bench):
    """Opens subscribers and waits until the bus has counted them; closes them in the end."""
    opened: list[Subscriber] = []

    def start(sink, **options) -> Subscriber:
        before = sink.tick()
        opened.append(Subscriber(sink.endpoint, **options).open())
        bench.wait_for_readers(sink, before + 1)
        return opened[-1]

    yield start
    for subscriber in opened:
        subscriber.close()


def test_a_loop_over_the_bus_ends_with_the_streams(bench, subscribe, result):
    """Everything of both streams is handed out in order, then the loop ends by itself."""
    sink = bench.sink()
    bus = subscribe(sink, mode="all")
    bench.publish(sink, *(result(number, stream) for number in range(3) for stream in ("a", "b")))
    sink.end("a", {})
    sink.end("b", {})
    got = [(message.stream, message.kind, message.seq) for message in bus]
    assert got == [(stream, kind, number) for number in range(3) for stream in ("a", "b") for kind in ("det", "img")]
    assert bus.ended
    assert (bus.lost, bus.skipped, bus.malformed) == ({}, {}, 0)


@pytest.mark.parametrize("codec", ["jpeg", "raw", "h264"])
def test_pictures_and_boxes_come_as_they_were_sent(bench, subscribe, result, codec):
    """The picture of each codec is what decoding its payload gives, and the boxes carry their class names."""
    sink = bench.sink({"codec": codec})
    bus = subscribe(sink, kinds=["img"], mode="all")
    bench.publish(sink, *(result(number, size=(25, 33)) for number in range(3)))
    for number in range(3):
        message = bus.recv(20)
        assert message is not None
        want = decode(*encoder("raw", 90).encode(result(number, size=(25, 33)).image, 0))
        assert message.image().shape == (25, 33, 3)
        assert np.abs(message.image().astype(int) - want).mean() < 12
        assert message.detections.names == ("person", "car")
        assert np.array_equal(message.detections.boxes_N4, result(number).detections.boxes_N4)


def test_latest_hands_out_the_newest_while_another_reads_all(bench, subscribe, result):
    """A reader that was busy gets the newest result next, and knows how many it skipped; another got every one."""
    sink = bench.sink(batch_messages=100)
    everything = subscribe(sink, kinds=["img"], mode="all")
    slow = subscribe(sink, kinds=["img"])
    bench.publish(sink, *(result(number) for number in range(50)))
    assert [message.seq for message in (everything.recv(20) for _ in range(50)) if message is not None] == list(range(50))
    sink.end("cam1", {})
    newest = [message.seq for message in slow]
    assert newest[-1] == 49
    assert len(newest) + slow.skipped["sf1/img/cam1/"] == slow.received["sf1/img/cam1/"] == 50
    assert slow.lost == {}


def test_all_holds_up_a_lossless_bus_and_loses_nothing(bench, subscribe, result):
    """A reader with little room sets the pace of a lossless run, to the last message."""
    sink = bench.sink({"codec": "raw"}, policy="lossless")
    bus = subscribe(sink, mode="all", room_messages=1)

    def run() -> None:
        bench.publish(sink, *(result(number, size=(240, 320)) for number in range(60)))
        sink.end("cam1", {})

    publisher = threading.Thread(target=run)
    publisher.start()
    assert [message.seq for message in bus if message.kind == "img"] == list(range(60))
    publisher.join()
    assert bus.lost == {}


def test_losses_are_counted_and_skipping_is_none(bench, subscribe, result):
    """What a live bus dropped for a reader without room is counted as lost, exactly."""
    sink = bench.sink({"codec": "raw"})
    bus = subscribe(sink, kinds=["img"], mode="all", room_messages=1)
    bench.publish(sink, *(result(number, size=(240, 320)) for number in range(200)))
    seqs, number = [], 200
    while not bus.lost:
        if (message := bus.recv(0.05)) is not None:
            seqs.append(message.seq)
        else:  # there is room again: the next one that comes shows the gap
            bench.publish(sink, result(number, size=(240, 320)))
            number += 1
    sink.end("cam1", {})
    seqs += [message.seq for message in bus]
    assert bus.lost == {"sf1/img/cam1/": seqs[-1] + 1 - len(seqs)}


def test_streams_are_told_apart(bench, subscribe, result):
    """Asked for cam1 alone, a reader gets nothing of cam10, and its loop ends with cam1."""
    sink = bench.sink()
    bus = subscribe(sink, streams=["cam1"], kinds=["det", "hello", "eos"], mode="all")
    bench.publish(sink, result(0, "cam10"), result(0, "cam1"))
    sink.end("cam1", {"published": 1})
    messages = list(bus)
    assert [message.topic for message in messages] == ["sf1/hello/cam1/", "sf1/det/cam1/", "sf1/eos/cam1/"]
    assert messages[-1].figures == {"published": 1}


def test_without_until_eos_reading_goes_on(bench, subscribe, result):
    """A reader that outlives streams sees one that comes back."""
    sink = bench.sink()
    bus = subscribe(sink, kinds=["det", "eos"], mode="all", until_eos=False)
    for number in range(2):
        bench.publish(sink, result(number))
        sink.end("cam1", {})
    kinds = [message.kind for message in (bus.recv(20) for _ in range(4)) if message is not None]
    assert kinds == ["det", "eos", "det", "eos"]
    assert not bus.ended


def test_it_may_come_before_the_publisher(bench, result):
    """A subscriber waits for a publisher that is not there yet, and connects by itself."""
    gone = bench.sink()
    endpoint = gone.endpoint
    gone.close()
    with Subscriber(endpoint, kinds=["det"]) as bus:
        assert bus.recv(timeout_s=0) is None
        sink = bench.sink({"endpoint": endpoint})
        bench.wait_for_readers(sink, 1)
        bench.publish(sink, result(0))
        message = bus.recv(20)
    assert message is not None
    assert message.seq == 0


def test_readers_come_back_when_the_bus_is_opened_again(bench, subscribe, result):
    """Closed and opened again, as after a failure, the bus has the same port, and a reader goes on with the numbers."""
    sink = bench.sink()
    bus = subscribe(sink, mode="all")
    for number in range(2):
        bench.publish(sink, result(number))
        got = [(message.kind, message.seq) for message in (bus.recv(20), bus.recv(20)) if message is not None]
        assert got == [("det", number), ("img", number)]
        sink.close()
        sink.open()
        bench.wait_for_readers(sink, 1)
    assert bus.lost == {}


async def test_an_event_loop_is_not_blocked(bench, subscribe, result):
    """`async for` hands out the same messages while other tasks go on, and ends with the streams."""
    sink = bench.sink(batch_messages=20)
    bus = subscribe(sink, kinds=["det"], mode="all")
    turns = 0

    async def publish() -> None:
        nonlocal turns
        for number in range(20):
            bench.publish(sink, result(number))
            turns += 1
            await asyncio.sleep(0)
        sink.end("cam1", {})

    task = asyncio.create_task(publish())
    assert [message.seq async for message in bus] == list(range(20))
    await task
    assert turns == 20


async def test_an_async_loop_may_be_cancelled(bench, subscribe):
    """A task that waits for a message can be cancelled, and leaves nothing behind."""
    bus = subscribe(bench.sink())

    async def read() -> None:
        async for _ in bus:
            pytest.fail("nothing was sent")

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bus._mailbox._listeners == []


async def test_a_failure_to_read_ends_both_loops_alike():
    """Where reading failed, `for` and `async for` raise after what had come; neither ends as if the streams had."""
    bus = Subscriber("tcp://127.0.0.1:5560")
    bus._failure = BusError("reading failed")
    bus._mailbox.close()
    with pytest.raises(BusError, match="reading failed"):
        next(iter(bus))
    with pytest.raises(BusError, match="reading failed"):
        await anext(aiter(bus))


def test_closing_wakes_a_reader(bench, subscribe):
    """A thread that waits for a message returns when the subscriber is closed by another."""
    bus = subscribe(bench.sink())
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(bus.recv()))
    reader.start()
    bus.close()
    reader.join()
    assert got == [None]


def test_malformed_messages_are_left_out_and_counted(bench, golden, caplog):
    """Nonsense from a publisher is told once in the log; good messages around it come through."""
    import zmq

    caplog.set_level(logging.WARNING)
    odd = bench.context.socket(zmq.XPUB)
    port = odd.bind_to_random_port("tcp://127.0.0.1")
    with Subscriber(f"tcp://127.0.0.1:{port}", kinds=["det"], mode="all") as bus:
        assert odd.recv() == b"\x01sf1/det/"
        for nonsense in ([b"sf1/det/cam1/"], [b"sf1/det/cam1/", b"\xc1"], [b"sf1/det/cam1/", b"", b"", b""]):
            odd.send_multipart(nonsense)
        odd.send_multipart(golden[0])
        message = bus.recv(20)
    odd.close(0)
    assert message is not None
    assert message.header.ext == {"site": "north"}
    assert bus.malformed == 3
    assert len(caplog.records) == 1


def test_lag_is_the_age_of_the_newest(bench, subscribe, result):
    """A live stream's lag is counted from capture to receipt; one replayed without regard to time has none."""
    sink = bench.sink()
    bus = subscribe(sink, kinds=["det"], mode="all")
    bench.publish(sink, result(0))
    assert bus.recv(20) is not None
    assert bus.lag_ms is None
    bench.publish(sink, result(1, t_due_ns=sink._clock.utc_ns() - 50_000_000))
    message = bus.recv(20)
    assert message is not None
    assert message.age_ms == bus.lag_ms
    assert message.age_ms is not None
    assert message.age_ms >= 49


def test_fifty_readers_come_and_go_and_leave_nothing(bench):
    """After 50 connections no reader is counted, and no thread is left."""
    sink = bench.sink()
    before = threading.active_count()
    for _ in range(50):
        with Subscriber(sink.endpoint):
            bench.wait_for_readers(sink, 1)
        bench.wait_for_readers(sink, 0)
    assert threading.active_count() == before
    assert not sink._bus._subscriptions


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kinds": ["image"]}, "no kind of message is called 'image'"),
        ({"mode": "last"}, "did you mean 'latest'"),
        ({"streams": ["a/b"]}, "a/b"),
    ],
)
def test_wrong_options_are_named(options, says):
    """A kind, mode or stream that does not exist is refused at once, with the known ones."""
    with pytest.raises(ConfigError, match=says):
        Subscriber("tcp://127.0.0.1:5560", **options)


@pytest.mark.parametrize("endpoint", ["nowhere", "tcp://127.0.0.1", "foo://x"])
def test_what_cannot_be_connected_to_is_named(endpoint):
    """An endpoint that is none is an error that shows it, and leaves nothing open."""
    with pytest.raises(BusError, match=f"{endpoint}: not an endpoint"):
        Subscriber(endpoint).open()


def test_the_client_is_light():
    """Reading pictures needs neither torch nor PyAV nor ultralytics."""
    code = (
        "import sys; from streamfuse.publish.subscriber import Subscriber; import streamfuse.publish.codec as c, numpy as np;"
        "from streamfuse.frames import Planes; z = np.zeros((1, 1), np.uint8);"
        "c.decode(*c.encoder('jpeg', 90).encode(Planes(y=np.zeros((2, 2), np.uint8), u=z, v=z), 0));"
        "print(sorted({'torch', 'av', 'ultralytics', 'cv2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
