"""The live table and its plain lines."""

import io

from rich.console import Console

from streamfuse.cli.table import Display, latencies, line, table
from streamfuse.config import parse_config
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline


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
    for part in ("gate", "fused", "12.3", "-4.0", "3 batch.superseded", "source 0.9 fuse 2.0", "visible running"):
        assert part in shown


def test_a_line_says_the_same():
    """Without a terminal the figures are on one line."""
    said = line("gate", pipeline().meter.stats("gate"))
    for part in ("gate: 1 results", "age 12.3 ms", "skew -4.0 ms", "drops 3 batch.superseded", "visible running"):
        assert part in said


def test_before_the_first_result():
    """A stream without results says so instead of showing zeros."""
    made = pipeline()
    made.meter.add("yard")
    assert "no pair yet" in line("yard", made.meter.stats("yard"))
    assert "yard" in drawn(table(made))


def test_small_latencies_are_left_out():
    """What takes less than a tenth of a millisecond is noise."""
    assert latencies({"fuse": 2000, "align": 20, "source": 100}) == "source 0.1 fuse 2.0"


def test_a_terminal_gets_a_live_table():
    """On a terminal the table is drawn in place and taken away at the end."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=220)
    with Display(console, pipeline()) as display:
        display.update()
    assert "gate" in shown.getvalue()
