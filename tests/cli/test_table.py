"""The live table and its plain lines."""

import io

from rich.console import Console

from streamfuse.cli import table as module
from streamfuse.cli.table import Display, table
from streamfuse.config import parse_config
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline
from streamfuse.results import Misalignment
from tests.conftest import make_clock_report


def pipeline() -> Pipeline:
    config = {"pairs": [{"stream": "gate", "visible": "scene"}], "publish": ["memory"]}
    made = Pipeline(recipe_of(parse_config(config)))
    made.meter.result("gate", mode="fused", age_ns=12_300_000, skew_ns=-4_000_000, latency_us={"source": 900, "fuse": 2000, "align": 3})
    made.meter.dropped("gate", "batch", "superseded", 3)
    made.meter.camera("gate", "visible", "running")
    return made


def drawn(item: object) -> str:
    shown = io.StringIO()
    Console(file=shown, width=220).print(item)
    return shown.getvalue()


def test_a_row_per_stream():
    """The table shows rate, age, skew, drops by reason, latencies and what each camera does."""
    shown = drawn(table(pipeline()))
    for part in ("gate", "fused", "12.3", "-4.0", "3 batch.superseded", "source 0.9 fuse 2.0", "visible", "running"):
        assert part in shown
    assert "checks" not in shown


def test_a_row_per_camera():
    """Below it each camera has its clock, drift and jitter, how often it came back, and why it is away."""
    made = pipeline()
    known = {"uncertainty_ns": 101_000_000, "offset_ns": 7_000_000_000, "drift_ppm": 80.4, "jitter_ns": 3_100_000}
    report = make_clock_report("estimated", **known, reports=4, biased=True)
    made.meter.clock("gate", "visible", report, 2)
    for _ in range(3):
        made.meter.connected("gate", "visible")
    made.meter.camera("gate", "visible", "backoff, next try in 1.1 s")
    made.meter.trouble("gate", "visible", "refused or cut the connection")
    (row,) = [row for row in drawn(table(made)).splitlines() if "backoff" in row]
    for part in ("estimated ±101.0 ms, its own clock is off by +7.0 s", "+80 ppm", "3.1", " 2 "):
        assert part in row
    assert "refused or cut the connection" in drawn(table(made))


def test_an_alarm_is_in_the_row():
    """A knocked camera shows in the table of its stream."""
    made = pipeline()
    made.meter.misaligned("gate", Misalignment(shift_px=(6.0, 0.0), moved_px=5.8, alarm=True))
    (row,) = [row for row in drawn(table(made)).splitlines() if "knocked" in row]
    assert "infrared lies 6.0 px off: was a camera knocked?" in row
    assert "gate" in row


def test_before_the_first_result():
    """A stream without results has its row."""
    made = pipeline()
    made.meter.add("yard")
    assert "yard" in drawn(table(made))


def test_plain_lines_show_what_a_camera_says_as_it_is(monkeypatch):
    """An address in brackets is no markup."""
    made = pipeline()
    made.meter.trouble("gate", "visible", "no route to [fd12::7]")
    monkeypatch.setattr(module, "PLAIN_S", -1.0)
    shown = io.StringIO()
    with Display(Console(file=shown, width=220), made) as display:
        display.update()
        display.update()
    assert "no route to [fd12::7]" in shown.getvalue()


def test_a_terminal_gets_a_live_table():
    """On a terminal the table is drawn in place and taken away at the end."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=220)
    with Display(console, pipeline()) as display:
        display.update()
    assert "gate" in shown.getvalue()
