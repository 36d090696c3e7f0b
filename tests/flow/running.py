"""Running a recipe in a test."""

import dataclasses
import itertools
import threading
from collections.abc import Callable

from streamfuse.flow.pipeline import Pipeline
from streamfuse.flow.recipe import Recipe
from streamfuse.frames import Frame
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Result


def telling(event: threading.Event) -> Callable[[Result], Result]:
    """A stage that only says that something came by."""

    def look(result: Result) -> Result:
        event.set()
        return result

    return look


def runs(items: list[str]) -> list[str]:
    """The items without those that equal the one before."""
    return [item for item, _ in itertools.groupby(items)]


def run(recipe: Recipe) -> MemorySink:
    """Run to the end; the results."""
    with Pipeline(recipe) as pipeline:
        assert pipeline.wait(60)
    (sink,) = recipe.sinks
    assert isinstance(sink, MemorySink)
    return sink


def renumbered(found: list[Frame], first: int = 0) -> list[Frame]:
    return [dataclasses.replace(frame, seq=i) for i, frame in enumerate(found, first)]
