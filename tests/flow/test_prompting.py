"""Prompts that find their own dials while a pipeline runs: what is published, who looks, and who is told that it cannot work."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from streamfuse.clock import NS_PER_S
from streamfuse.config import parse_config
from streamfuse.errors import ConfigError
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline
from streamfuse.flow.prompting import Prompting, told
from streamfuse.frames import Frame, Pair, Prompt, PromptState, Spectrum
from streamfuse.fuse.auto_prompt import AutoPrompt, SelfSetState
from streamfuse.fuse.pixelwise import Average
from streamfuse.fuse.text_guided import NetworkSettings, TextGuided
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.publish.message import Message
from streamfuse.publish.subscriber import Subscriber
from streamfuse.results import Result, SelfSet
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.stream import SceneSource
from tests.flow.conftest import Listed
from tests.flow.running import run, runs

FPS, DAY, NIGHT = 10, 15, 45
"""Pictures a second; a street by day for so many pictures, then by night for so many."""
LIMIT_S = 60

pytestmark = pytest.mark.usefixtures("no_threads_left")


class Nano(TextGuided):
    """nano with the same random weights each time; notes on which threads it prepared what."""

    def __init__(self) -> None:
        super().__init__("nano", NetworkSettings(weights="random", precision="fp32", runtime="torch"))
        self.compiled: list[tuple[str, Prompt]] = []

    def to(self, device: torch.device) -> None:
        torch.manual_seed(0)
        super().to(device)

    def compile(self, prompt: Prompt) -> PromptState:
        self.compiled.append((threading.current_thread().name, prompt))
        return super().compile(prompt)


def street(spectrum: Spectrum, night: float, count: int, start: int = 0) -> list[Frame]:
    source = SceneSource(SceneSettings(spectrum=spectrum, size=(160, 120), seed=1, fps=FPS, night=night, start_s=start / FPS, frames=count))
    source.open()
    found = list(iter(source.read, None))
    source.close()
    return found


def renumbered(frames: list[Frame]) -> list[Frame]:
    """Evenly in time and number: one camera."""
    return [dataclasses.replace(frame, seq=n, t_cap_ns=n * NS_PER_S // FPS) for n, frame in enumerate(frames)]


@pytest.fixture(scope="module")
def dusk() -> dict[Spectrum, list[Frame]]:
    """A street that grows dark for the visible camera at once."""
    infrared = street(Spectrum.INFRARED, 0.0, DAY + NIGHT)
    visible = [*street(Spectrum.VISIBLE, 0.0, DAY), *street(Spectrum.VISIBLE, 1.0, NIGHT, DAY)]
    return {Spectrum.INFRARED: renumbered(infrared), Spectrum.VISIBLE: renumbered(visible)}


@pytest.fixture
def evening(recipe: Callable[..., Any], camera_pair: Callable[..., Any], dusk: Any) -> Callable[..., Any]:
    """A recipe on that street."""

    def make(fuser: Any = None, prompt: Any = None, *, policy: str = "lossless", **fields: Any) -> Any:
        cameras = {s.value: Listed(s, dusk[s]) for s in Spectrum}
        pair = camera_pair("gate", **cameras, policy=policy, prompt=AutoPrompt() if prompt is None else prompt)
        return recipe([pair], fuse=fuser or Nano(), policy=policy, **fields)

    return make


def test_a_subscriber_hears_what_is_found_and_why(evening):
    """By day `auto` has no dials; within three seconds of nightfall every header names the dial, its value and the reason."""
    sink = BusSink(BusSettings(endpoint="tcp://127.0.0.1:*"), policy="lossless", streams=["gate"])
    heard: list[Message] = []
    with Pipeline(evening(sinks=[sink], wait_subscribers=1)) as pipeline:
        waiting = threading.Thread(target=pipeline.wait)
        waiting.start()
        with Subscriber(sink.endpoint, kinds=["det"], mode="all") as bus:
            while (message := bus.recv(LIMIT_S)) is not None:
                heard.append(message)
        waiting.join(LIMIT_S)
    assert len(heard) == DAY + NIGHT
    assert {message.result.prompt for message in heard} == {"auto"}
    told_of = [message.result.auto for message in heard]
    assert all(told is not None and told.dials == {} and told.why == [] for told in told_of[:DAY])
    for after in told_of[DAY + 3 * FPS :]:
        assert after is not None
        assert after.dials["visible_light"] > 0.2
        assert any(why.startswith("visible dark: mean 0.") for why in after.why)


def test_dials_that_are_found_change_the_picture(evening):
    """Pictures by day are those of no words, to the bit; by night they are those of the dials that the header names."""
    found = list(run(evening()))
    plain = list(run(evening(prompt=Prompt())))
    assert all(result.found is None and result.prompt == "neutral" for result in plain)
    assert found[DAY - 1].image.y.tobytes() == plain[DAY - 1].image.y.tobytes()
    assert found[-1].found is not None
    by_hand = list(run(evening(prompt=Prompt(dials=found[-1].found.dials))))
    assert found[-1].image.y.tobytes() == by_hand[-1].image.y.tobytes()
    assert found[-1].image.y.tobytes() != plain[-1].image.y.tobytes()


def test_a_lossless_replay_is_the_same_each_time(evening):
    """Every dial changes at the same picture, and each picture is the same."""
    one, other = run(evening()), run(evening())
    assert [(result.found, result.image.y.tobytes()) for result in one] == [(result.found, result.image.y.tobytes()) for result in other]


def test_live_the_thread_of_the_frames_neither_looks_nor_prepares(evening):
    """Both happen on a thread of their own, whose states the frames find when they are ready."""
    heard, fuser = threading.Event(), Nano()

    def listen(result: Result) -> Result:
        if result.found is not None and result.found.dials:
            heard.set()
        return result

    made = evening(fuser, policy="live").after("detect", listen)
    for source in made.pairs[0].sources.values():
        source._items.append(heard)
        source._items.append(source._items[-2])  # one more picture, once something was found
    with Pipeline(made) as pipeline:
        before = len(fuser.compiled)
        assert pipeline.wait(LIMIT_S)
    late = fuser.compiled[before:]
    assert late
    assert {thread for thread, _ in late} == {"streamfuse:prompts"}


def test_the_log_says_what_changed(evening, caplog):
    """One line for a change, with the stream and the reason."""
    with caplog.at_level(logging.INFO, "streamfuse.flow.prompting"):
        results = list(run(evening()))
    lines = [record.getMessage() for record in caplog.records if record.name == "streamfuse.flow.prompting"]
    changes = runs([str(result.found) for result in results])
    assert len(lines) == len(changes) - 1
    assert any(line.startswith("gate: prompt auto: ") and "visible dark: mean" in line for line in lines)


def pairs(dusk: Any) -> Iterator[Pair]:
    for n, (infrared, visible) in enumerate(zip(dusk[Spectrum.INFRARED], dusk[Spectrum.VISIBLE], strict=True)):
        yield Pair(infrared=infrared, visible=visible, infrared_state="fresh", visible_state="fresh", stream="gate", seq=n)


def loaded(fuser: Nano) -> Prompting:
    fuser.to(torch.device("cpu"))
    return Prompting(fuser, lossless=True)


def test_somebody_may_take_over_and_hand_back(dusk):
    """Words said while it runs end the looking, `AutoPrompt` begins it again."""
    prompting = loaded(Nano())
    words = prompting.words(AutoPrompt())
    seen = list(pairs(dusk))
    prompting.change(words, Prompt())
    for pair in seen:
        prompting.look(words, pair)
    assert told(words.state) == ("neutral", None)
    prompting.change(words, AutoPrompt())
    assert told(words.state) == ("auto", SelfSet())
    for pair in seen:
        prompting.look(words, pair)
    name, found = told(words.state)
    assert name == "auto"
    assert found is not None
    assert "visible_light" in found.dials


def test_a_running_pipeline_takes_it_too(evening):
    """`Pipeline.prompt` begins the looking while frames go on, and says the name under which results go out."""
    held = threading.Event()
    made = evening(prompt=Prompt())
    for source in made.pairs[0].sources.values():
        source._items.insert(1, held)
    with Pipeline(made) as pipeline:
        assert pipeline.prompt("gate", AutoPrompt()) == "auto"
        held.set()
        assert pipeline.wait(LIMIT_S)
    (sink,) = made.sinks
    assert "visible_light" in list(sink)[-1].found.dials


def test_a_state_that_comes_too_late_is_not_used(dusk):
    """What was found for words that somebody has replaced meanwhile does not come back."""
    fuser = Nano()
    prompting = loaded(fuser)
    words = prompting.words(AutoPrompt())
    compile_before = fuser.compile

    def replaced_meanwhile(prompt: Prompt) -> PromptState:
        state = compile_before(prompt)
        if prompt.dials:
            fuser.compile = compile_before  # type: ignore[method-assign]
            prompting.change(words, Prompt())
        return state

    fuser.compile = replaced_meanwhile  # type: ignore[method-assign]
    for pair in pairs(dusk):
        prompting.look(words, pair)
    assert fuser.compile == compile_before  # it came to that
    assert told(words.state) == ("neutral", None)


def test_results_tell_prompts_apart():
    """A prompt of words is told by its id; one that looks for itself is called auto, with what it found."""
    found = SelfSet(dials={"visible_haze": 0.5}, why=("visible haze or smoke: contrast 0.050, veil 0.60",))
    assert told(PromptState(id="0123456789ab")) == ("0123456789ab", None)
    assert told(SelfSetState(id="0123456789ab", found=found)) == ("auto", found)


def test_a_fuser_without_dials_is_refused(evening):
    """Rules turn nothing: said before the first frame, with what to do."""
    with pytest.raises(ConfigError, match=r"the fuser average has none: say fuse\.kind nano"), Pipeline(evening(Average())):
        pytest.fail("it started")


def test_auto_in_a_configuration():
    """`prompt: auto` is one word; with words and dials beside it, it is a key."""
    scene = {"stream": "street", "infrared": "scene", "visible": "scene"}
    nano = {"kind": "nano", "weights": "random"}
    short = recipe_of(parse_config({"pairs": [{**scene, "prompt": "auto"}], "fuse": nano})).pairs[0].prompt
    assert isinstance(short, AutoPrompt)
    assert short.words == Prompt()
    full = {"auto": True, "text": "people", "dials": {"visible_rain": 0.5}}
    long = recipe_of(parse_config({"pairs": [{**scene, "prompt": full}], "fuse": nano})).pairs[0].prompt
    assert isinstance(long, AutoPrompt)
    assert long.words == Prompt(text="people", dials={"visible_rain": 0.5})
    text = recipe_of(parse_config({"pairs": [{**scene, "prompt": {"text": "auto"}}], "fuse": nano})).pairs[0].prompt
    assert text == Prompt(text="auto")


@pytest.mark.parametrize("kind", ["laplacian", "salience"])
def test_a_configuration_of_auto_without_dials_is_refused(kind):
    """The key is named, and the fusers that have dials."""
    pair = {"stream": "street", "infrared": "scene", "visible": "scene"}
    with pytest.raises(ConfigError, match=rf"pairs\.1\.prompt: auto turns dials, and fuse\.kind {kind} has none \(with dials: nano, up"):
        parse_config({"pairs": [pair, {**pair, "stream": "b", "prompt": "auto"}], "fuse": kind})
