"""The whole flow for a while: nothing grows, nothing is left, nothing is lost on the bus. `tools/bench/` does the same for longer."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamfuse import Pipeline, Subscriber, parse_config, recipe_of
from tools.bench.bus import published, scene_pairs
from tools.bench.memory import Sampler, soak
from tools.bench.recording import drawn
from tools.bench.standing import Standing

pytestmark = pytest.mark.soak

PAIRS, EVERY, LAP = 2000, 50, 100
QUARTER = PAIRS // EVERY // 4


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both videos of a small drawn street, as the cameras of a pair."""
    folder: Path = tmp_path_factory.mktemp("street")
    recording = drawn(folder, LAP, (160, 120))
    return {"infrared": str(recording.infrared), "visible": str(recording.visible)}


def least(samples: list[Standing], what: str) -> int:
    """The smallest count of several looks: what is under way at the moment of one look is no growth."""
    return min(int(getattr(sample, what)) for sample in samples)


def test_thousands_of_frames_leave_nothing_behind(street):
    """4,000 frames in twenty laps: memory, objects and slots stay flat, all is published, no thread or file is left."""
    soak(street, 2 * EVERY, Sampler(EVERY))  # libraries start threads of their own once, and keep them
    before, sampler = Standing.now(), Sampler(EVERY)
    seen = soak(street, PAIRS, sampler)
    after, during = Standing.now(), [now for _, now in sampler.samples]

    assert seen["messages"] == {**seen["messages"], "det": PAIRS, "img": PAIRS, "eos": 1}
    assert seen["gaps"] == 0
    assert len({(now.slots, now.allocations) for now in during}) == 1, "a slot was made, or made larger, while frames of one size passed"
    early, late, between = during[QUARTER : 2 * QUARTER], during[-QUARTER:], PAIRS // 2
    assert least(late, "objects") - least(early, "objects") < between // 2, "some object is kept of every other pair, or more"
    assert least(late, "blocks") - least(early, "blocks") < between, "some memory is kept of every pair"
    assert late[-1].rss_mb - early[-1].rss_mb < 20.0
    assert max(now.handles for now in late) <= max(now.handles for now in early)
    assert (after.threads, after.native_threads, after.handles, after.slots) == (
        before.threads,
        before.native_threads,
        before.handles,
        before.slots,
    )


def test_a_reader_that_never_pauses_gets_bursts_of_sixteen_pairs():
    """Sixteen pairs captured at the same instants: every result that was made arrives, and there is no gap."""
    (seen,) = published(scene_pairs(16, fps=4, seconds=2, edges=(96, 64)), [["--streams", "16"]])
    totals = seen["totals"].values()
    overflown = sum(each["drops"].get("publish.overflow", 0) for each in totals)
    assert (len(totals), seen["gaps"]) == (16, 0)
    assert seen["messages"]["img"] == seen["messages"]["det"] == sum(each["results"] for each in totals) - overflown > 0


def test_a_slow_latest_reader_skips_to_the_newest_while_another_gets_everything(street):
    """Who takes one picture where another takes three skips some and ends on the newest; the other gets all, in order."""
    every_seq: list[int] = []
    latest_seq: list[int] = []

    def read(every: Subscriber, latest: Subscriber) -> None:
        for message in every:
            every_seq.append(message.seq)
            if len(every_seq) % 3 == 0 and (newest := latest.recv(timeout_s=30.0)) is not None:
                latest_seq.append(newest.seq)
        latest_seq.extend(message.seq for message in latest)

    values = {
        "speed": 2,
        "wait_subscribers": 2,
        "pairs": [{"stream": "street", **street}],
        "publish": [{"kind": "bus", "endpoint": "tcp://127.0.0.1:*"}],
    }
    with Pipeline(recipe_of(parse_config(values))) as pipeline:
        endpoint = pipeline.recipe.sinks[0].endpoint  # type: ignore[attr-defined]  # a bus has one
        with (
            Subscriber(endpoint, kinds=["img"], mode="all") as every,
            Subscriber(endpoint, kinds=["img"]) as latest,
            ThreadPoolExecutor(1) as thread,
        ):
            reading = thread.submit(read, every, latest)
            pipeline.wait()
            reading.result(timeout=60)

    assert every_seq == list(range(len(every_seq)))
    assert not every.lost
    assert not latest.lost
    assert latest_seq == sorted(set(latest_seq))
    assert latest_seq[-1] == every_seq[-1]
    assert latest.skipped["sf1/img/street/"] == len(every_seq) - len(latest_seq) > 0
