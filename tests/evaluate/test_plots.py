"""Plots as inline SVG."""

from xml.etree import ElementTree as ET

import pytest

from streamfuse.evaluate.bootstrap import Interval
from streamfuse.evaluate.plots import Dot, dot_plot, number


def test_dots_lie_by_their_values():
    """Larger values lie further right, within the drawing, and bars reach from end to end."""
    plot = ET.fromstring(dot_plot([Dot("a", Interval(1, 0, 2), False), Dot("b", Interval(3, 2.5, 4), True)]))
    first, second = (float(dot.attrib["cx"]) for dot in plot.iter("circle"))
    assert 0 < first < second < float(plot.attrib["viewBox"].split()[2])
    reach = [line for line in plot.iter("line") if line.attrib.get("class") == "reach"]
    assert float(reach[0].attrib["x1"]) < first < float(reach[0].attrib["x2"])


def test_names_are_escaped_and_cut():
    """A prompt in a name breaks nothing; the whole of a long one is told on hovering."""
    plot = ET.fromstring(dot_plot([Dot("nano: <see through & beyond the smoke>", Interval(1, 1, 1), False)]))
    label = next(plot.iter("text"))
    assert (label.text or "").endswith("…")
    assert next(label.iter("title")).text == "nano: <see through & beyond the smoke>"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_no_dot(value):
    """What is not finite has its row, but no dot."""
    plot = ET.fromstring(dot_plot([Dot("a", Interval(value, value, value), False)]))
    assert not list(plot.iter("circle"))


@pytest.mark.parametrize(
    ("value", "told"), [(0.12345, "0.1235"), (1234.5, "1234."), (2.5e-5, "2.5e-05"), (0, "0"), (1e-17, "0"), (float("nan"), "-")]
)
def test_four_figures(value, told):
    """Numbers are short; what is left of rounding is 0."""
    assert number(value) == told
