"""Cameras from a YAML until Ctrl-C, their words changed while they run.

Run: python pipelines/live.py configs/live.yaml
"""

import sys
from pathlib import Path

from streamfuse import Pipeline, Prompt, load_config, recipe_of

PEOPLE = Prompt(text="target/people")  # one that ships; words of your own need the extra `text`


def live(config: str = "configs/live.yaml") -> Pipeline:
    """A pipeline that was not started yet."""
    return Pipeline(recipe_of(load_config(Path(config))))


if __name__ == "__main__":
    with live(*sys.argv[1:2]) as pipeline:
        for stream in pipeline.streams():
            pipeline.prompt(stream, PEOPLE)  # swapped at the next batch; loses no frame
        try:
            while not pipeline.wait(5.0):
                for stream in pipeline.streams():
                    print(stream, pipeline.meter.stats(stream))
        except KeyboardInterrupt:
            print("stopping")
            pipeline.stop()
