"""What one sink is told, and what happens to that when it breaks."""

import logging

import pytest

from streamfuse.clock import ManualClock
from streamfuse.errors import BusError
from streamfuse.flow import outlet
from streamfuse.flow.meter import Meter
from streamfuse.flow.outlet import End, Outlet
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Result
from tests.publish.conftest import make_result


class Telling(MemorySink):
    """Remembers every word in its order, and breaks where it is told to."""

    def __init__(self, breaks_at: str = "") -> None:
        super().__init__()
        self.said: list[str] = []
        self._breaks_at = breaks_at

    def _say(self, word: str) -> None:
        if word == self._breaks_at:
            self._breaks_at = ""
            raise BusError("cable pulled")
        self.said.append(word)

    def publish(self, result, stopping):
        self._say(f"{result.stream} {result.seq}")

    def report(self, stream, stats):
        self._say(f"{stream} stat")

    def end(self, stream, totals):
        self._say(f"{stream} eos")


def served(sink: MemorySink | BusSink, items: list[Result | End], *, depth: int = 10) -> Meter:
    """All items in the channel, and the sink's thread from beginning to end."""
    meter = Meter(ManualClock())
    for stream in {item.stream for item in items}:
        meter.add(stream)
    made = Outlet(name="sink", sink=sink, meter=meter, lossless=False, depth=depth, stopping=lambda: False)
    for item in items:
        made.channel.put(item)
    made.channel.close()
    made.run()
    return meter


def test_nothing_is_told_of_a_stream_that_has_ended(monkeypatch):
    """Its end is the last word, until a stream of that name begins anew; the others go on."""
    monkeypatch.setattr(outlet, "REPORT_S", 0.0)
    sink = Telling()
    served(sink, [make_result(0, "gate"), make_result(0, "yard"), End("gate"), make_result(1, "yard"), make_result(1, "gate")])
    gate = [word for word in sink.said if word.startswith("gate")]
    assert gate == ["gate 0", "gate stat", "gate stat", "gate eos", "gate 1", "gate stat"]
    assert sink.said.count("yard stat") == 5


@pytest.mark.parametrize("breaks_at", ["gate 0", "gate eos"])
def test_an_end_outlives_a_sink_that_breaks(breaks_at):
    """Readers wait for it: it is told as soon as the sink is there again, at the latest when everything ends."""
    sink = Telling(breaks_at)
    served(sink, [make_result(0, "gate"), End("gate"), make_result(0, "yard")])
    assert [word for word in sink.said if "stat" not in word][-1] == "gate eos"


def test_an_end_is_never_pushed_out():
    """A sink too slow for its results still hears that they are over."""
    sink = Telling()
    meter = served(sink, [End("gate"), make_result(0, "yard"), make_result(1, "yard"), End("yard")], depth=2)
    assert [word for word in sink.said if "stat" not in word] == ["gate eos", "yard eos"]
    assert meter.totals("yard")["drops"] == {"publish.overflow": 2}


def test_what_cannot_be_told_leaves_the_sink_open(caplog):
    """A name that no topic can have is counted and logged once; the sink goes on, and no reader is cut."""
    with caplog.at_level(logging.WARNING):
        meter = served(BusSink(BusSettings(endpoint="tcp://127.0.0.1:*")), [make_result(0, "no topic"), make_result(1, "no topic")])
    assert meter.totals("no topic")["drops"]["publish.untellable"] >= 2
    assert len([record for record in caplog.records if record.name == outlet.__name__]) == 1
    assert "trying again" not in caplog.text
