"""The sink that keeps results."""

from streamfuse.publish.memory import MemorySettings, MemorySink


def test_keeps_the_newest(result):
    """Beyond its limit the oldest result makes room, and all are counted."""
    sink = MemorySink(MemorySettings(limit=3))
    for number in range(5):
        sink.publish(result(number), lambda: False)
    assert [kept.seq for kept in sink] == [2, 3, 4]
    assert (len(sink), sink.published) == (3, 5)


def test_may_be_read_while_it_is_filled(result):
    """A result that comes during iteration does not disturb it."""
    sink = MemorySink()
    sink.publish(result(0), lambda: False)
    for kept in sink:
        sink.publish(result(kept.seq + 1), lambda: False)
    assert len(sink) == 2


def test_tells_streams_apart_and_when_they_ended(result):
    """Results, figures and totals are found by stream, also after the sink was closed."""
    sink = MemorySink()
    sink.publish(result(0, "a"), lambda: False)
    sink.publish(result(0, "b"), lambda: False)
    sink.report("a", {"fps": 30.0})
    sink.end("b", {"published": 1})
    sink.close()
    assert [kept.stream for kept in sink.of("b")] == ["b"]
    assert (sink.stats, sink.totals) == ({"a": {"fps": 30.0}}, {"b": {"published": 1}})
