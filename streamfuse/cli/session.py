"""Runs a pipeline in the foreground: the table, and the summary when it ends or a signal comes."""

import gc
import sys
import threading
import time
from collections.abc import Callable

import typer
from rich.console import Console

from streamfuse.cli.figures import latencies, lost
from streamfuse.cli.logs import set_up
from streamfuse.cli.signals import EXIT_INTERRUPTED, StopNow, stop_signals
from streamfuse.cli.table import Display
from streamfuse.config import Config
from streamfuse.flow.build import recipe_of
from streamfuse.flow.heap import share_heaps
from streamfuse.flow.pipeline import Pipeline
from streamfuse.flow.recipe import Recipe

REFRESH_S = 0.25


def run_session(
    config: Config, *, seconds: float = 0, verbose: bool = False, prepare: Callable[[Recipe], None] = lambda _: None
) -> Pipeline:
    """Run until all streams end, `seconds` are over, or a signal comes. Exits with 130 on the second signal.

    `prepare` may change the recipe before it starts. Raises `PipelineError` when something failed.
    """
    console = Console()
    set_up(Console(stderr=True) if not console.is_terminal else console, verbose=verbose)
    recipe = recipe_of(config)
    prepare(recipe)
    pipeline = Pipeline(recipe)
    try:
        with stop_signals() as asked_to_stop:
            pipeline.open()
            _settle_garbage()
            pipeline.start()
            _announce(console, recipe)
            _watch(console, pipeline, asked_to_stop, seconds)
    except StopNow:
        pipeline.abort()
        console.print("stopped at once")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        _summary(console, pipeline)
    return pipeline


def _watch(console: Console, pipeline: Pipeline, asked_to_stop: threading.Event, seconds: float) -> None:
    until_s = time.monotonic() + seconds if seconds else None
    with Display(console, pipeline) as display:
        while not pipeline.wait(REFRESH_S):
            display.update()
            if asked_to_stop.is_set() or (until_s is not None and time.monotonic() >= until_s):
                pipeline.stop()
                return


def _settle_garbage() -> None:
    """What libraries made while loading stays for good: without this, searching it for garbage stops all threads for 50 to 100 ms.

    And what threads free from now on is not scattered over as many heaps.
    """
    gc.collect()
    gc.freeze()
    share_heaps()


def _announce(console: Console, recipe: Recipe) -> None:
    for sink in recipe.sinks:
        endpoint = getattr(sink, "endpoint", None)
        if endpoint is not None:
            console.print(f"publishing at [bold]{endpoint}[/]; read it with: streamfuse watch {endpoint}", highlight=False, soft_wrap=True)
    if recipe.wait_subscribers:
        console.print(f"waiting for {recipe.wait_subscribers} subscribers")


def _summary(console: Console, pipeline: Pipeline) -> None:
    for stream in pipeline.meter.streams():
        stats = pipeline.meter.stats(stream)
        modes = ", ".join(f"{count} {mode}" for mode, count in stats["modes"].items()) or "nothing"
        drops, problems, again = (", ".join(lost(stats[counted])) for counted in ("drops", "problems", "reconnects"))
        console.print(
            f"{stream}: {stats['results']} results ({modes}), dropped: {drops or 'none'}"
            + (f", repaired or skipped: {problems}" if problems else "")
            + (f", reconnected: {again}" if again else "")
            + (f"; median ms: {latencies(stats['latency_us'])}" if stats["latency_us"] else ""),
            highlight=False,
            soft_wrap=True,
        )
    sys.stdout.flush()
