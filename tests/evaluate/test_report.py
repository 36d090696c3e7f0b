"""Reports as JSON and as a page."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from streamfuse.evaluate.bootstrap import Interval
from streamfuse.evaluate.report import as_json, as_page
from streamfuse.evaluate.run import Example, Report

ORIGIN = {"time": "2026-01-01T00:00:00+00:00", "commit": None, "settings": {"data": "<msrs>"}}
EMPTY = {"meta", "img", "circle", "line", "br"}


def report(**fields: Any) -> Report:
    scores = np.array([[[6.0, 20.0], [7.0, np.inf]], [[5.0, 18.0], [5.5, 17.0]]])
    names = ("nano: <smoke>", "average")
    picture = np.full((20, 30, 3), (200, 10, 10), np.uint8)
    example = Example(name="set/1", pictures=dict.fromkeys(names, picture))
    return Report(fusers=names, metrics=("EN", "PSNR"), pairs=("set/1", "set/2"), scores_FNM=scores, examples=(example,), **fields)


class Balanced(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag


def test_json_holds_means_by_name():
    """`fusers` is {name: {metric: mean}}; beside it are intervals, places, every pair, and the provenance."""
    told = as_json(report(), ORIGIN)
    assert told["fusers"]["average"] == {"EN": 5.25, "PSNR": 17.5}
    assert told["intervals"]["average"]["EN"] == [5.0, 5.5]
    assert told["ranking"][0]["name"] == "nano: <smoke>"
    assert told["scores"]["average"]["PSNR"] == [18.0, 17.0]
    assert told["provenance"]["settings"] == {"data": "<msrs>"}


def test_json_is_json():
    """What is not finite is null: other languages read it."""
    told = json.loads(json.dumps(as_json(report(), ORIGIN), allow_nan=False))
    assert told["fusers"]["nano: <smoke>"] == {"EN": 6.5, "PSNR": None}


def test_page_needs_no_other_file():
    """One page: no link leads anywhere, pictures are in it, tags are closed, names are escaped, no placeholder is left."""
    page = as_page(report(), ORIGIN, "Fusion of <msrs>")
    reader = Balanced()
    reader.feed(page)
    assert not reader.open
    assert len(reader.links) == 2
    assert all(link.startswith("data:image/jpeg;base64,") for link in reader.links)
    assert "http" not in page
    assert "<smoke>" not in page
    assert "&lt;smoke&gt;" in page
    assert not re.search(r"\$[a-z]", page)


def test_page_shows_the_best():
    """The best of a column stands out, and infinity has its sign."""
    page = as_page(report(), ORIGIN, "x")
    assert page.count('class="best"') == 2
    assert '<td class="best">6.500' in page
    assert "∞" in page


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"video": {"gate": {"average": {"BiSWE": 1.0, "MS2R": 2.0, "Ewarp": 3.0, "BiSWE/SD": 0.1, "of maximum": 0.9}}}}, "Video"),
        ({"boxes": {"average": {"mAP50": 0.5, "recall": 0.25}}}, "Detection"),
        ({"words": {"nano": {"visible.haze": {"right": Interval(5.0, 4.0, 6.0)}}}}, "Words"),
    ],
)
def test_page_has_what_was_measured(fields, title):
    """Video, boxes and words each have a part where they were measured, and none where not."""
    assert f"<h2>{title}</h2>" in as_page(report(**fields), ORIGIN, "x")
    assert f"<h2>{title}</h2>" not in as_page(report(), ORIGIN, "x")
    assert as_json(report(**fields), ORIGIN)[next(iter(fields))]


def test_each_fault_is_ranked():
    """Best first under the right words, in the JSON and on the page."""

    def row(haze: float, blur: float) -> dict[str, dict[str, Interval]]:
        return {fault: {"right": Interval(value, value - 1, value + 1)} for fault, value in (("haze", haze), ("blur", blur))}

    words = {"nano": row(25.0, 20.0), "classical repair": row(22.0, 21.0)}
    places = as_json(report(words=words), ORIGIN)["words_ranking"]
    assert {fault: [place["name"] for place in rows] for fault, rows in places.items()} == {
        "haze": ["nano", "classical repair"],
        "blur": ["classical repair", "nano"],
    }
    page = as_page(report(words=words), ORIGIN, "x")
    ranking = page[page.index("by PSNR under the right words") :]
    assert ranking.index("nano<small>25.00") < ranking.index("classical repair<small>22.00")


def test_leads_over_classical_repair_are_counted():
    """Faults with a mean above 0, those whose whole interval is, and all; two faults at once are none of the ten."""
    leads = {"haze": (3.0, 1.0, 5.0), "blur": (1.0, -1.0, 3.0), "rain": (-1.0, -2.0, 0.5), "two faults": (9.0, 8.0, 10.0)}
    words = {"nano": {fault: {"over_repair": Interval(*values)} for fault, values in leads.items()}}
    assert report(words=words).over_repair("nano") == (2, 1, 3)
