"""What the benchmark of the networks counts without computing, and how it takes turns."""

import pytest
import torch

from streamfuse.networks import create
from tools.bench.networks import block
from tools.bench.networks_cuda import floors
from tools.bench.report import Report
from tools.bench.turns import TURN, WARM, measured


def test_floors_are_counted_for_one_picture():
    """nano: 1.08 GMAC at 640x480, and each operation's inputs and outputs once; half the bytes in bf16."""
    network = create("nano", "small").eval()
    arithmetic_ms, memory_ms = floors(network, (480, 640), torch.float32, (2e12, 1e12))
    assert 1.07 < arithmetic_ms < 1.08
    halved = floors(network, (480, 640), torch.bfloat16, (2e12, 1e12))
    assert halved[0] == arithmetic_ms
    assert halved[1] == pytest.approx(memory_ms / 2, rel=0.025)  # casts, dials and the scaling of exposure do not halve
    assert floors(network, (960, 640), torch.float32, (2e12, 1e12))[0] > 1.9 * arithmetic_ms


def test_all_take_turns():
    """No run has all its times before the next one starts."""
    order: list[str] = []
    times = measured({name: lambda name=name: order.append(name) for name in "ab"}, 2 * TURN)  # type: ignore[misc]
    one = ["a"] * (TURN + 1) + ["b"] * (TURN + 1)
    assert order == ["a"] * WARM + ["b"] * WARM + one + one
    assert {name: len(values) for name, values in times.items()} == {"a": 2 * TURN, "b": 2 * TURN}


def test_rows_refer_to_the_first_of_their_block():
    """Its median is 1."""
    report = Report(title="", text="")
    block(report, (480, 640), {("x", "plain", "fp32"): [10.0, 30.0, 20.0], ("x", "folded", "fp32"): [5.0]}, peaks=[1000.0, 50.0])
    assert [(row["of"], row["ms"], row["peak MB"]) for row in report.rows] == [(1.0, 20.0, "1,000"), (0.25, 5.0, "50")]
    assert report.rows[0]["picture"] == "640x480"
