"""The pipeline under test, in a process of its own: reads its settings from a file, runs until its input is closed.

Says as JSON, one a line: where it publishes, what it holds every few seconds, and at the end that it has stopped in order.
"""

import gc
import json
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streamfuse import Pipeline, parse_config, recipe_of
from streamfuse.flow.heap import share_heaps
from streamfuse.frames import Spectrum
from tools.bench.standing import Standing
from tools.faults.clocks import Exposures
from tools.faults.truth import Truth
from tools.soaking.processes import when_closed


def say(**values: Any) -> None:
    """A line for the parent."""
    print(json.dumps({"at_ns": time.time_ns(), **values}), flush=True)


def truth_of(settings: dict[str, Any]) -> Truth:
    """The rig's cameras are called STREAM-SPECTRUM."""
    found = {}
    for name, values in settings["exposures"].items():
        stream, _, spectrum = name.rpartition("-")
        found[stream, Spectrum(spectrum)] = Exposures(**values)
    return Truth(found)


def main() -> None:
    """Run until the parent closes our input, or is gone."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    truth = truth_of(settings)
    gc.collect()
    gc.freeze()  # this and the next as the command does: what libraries hold for good is not searched with every look
    share_heaps()
    recipe = recipe_of(parse_config(settings["config"])).after("sync", truth.of_pair).after("detect", truth.onto_result)
    stop = threading.Event()
    when_closed(stop.set)
    with Pipeline(recipe) as pipeline:
        say(endpoint=pipeline.recipe.sinks[0].endpoint)  # type: ignore[attr-defined]  # a bus has one
        while not stop.wait(settings["look_every_s"]):
            say(standing=asdict(Standing.now()), stats={stream: pipeline.meter.stats(stream) for stream in pipeline.streams()})
            if not pipeline.streams():
                pipeline.wait()
                break
    say(stopped={stream: pipeline.meter.totals(stream) for stream in pipeline.meter.streams()})


if __name__ == "__main__":
    main()
