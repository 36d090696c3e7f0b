"""Two recordings as fast as possible, every pair kept, results taken in this process.

Run: python pipelines/replay.py IR.mp4 VI.mp4
"""

import sys
from collections.abc import Iterator

from streamfuse import Pipeline, Result, parse_config, recipe_of
from streamfuse.publish.memory import MemorySink


def replay(infrared: str, visible: str, fuser: str = "nano") -> Iterator[Result]:
    """Every result of a pair of recordings, in order. `lossless`: whatever is full is waited for."""
    config = parse_config(
        {
            "policy": "lossless",
            "pairs": [{"stream": "replay", "infrared": infrared, "visible": visible}],
            "fuse": fuser,
            "batch": {"size": 1},
            "publish": ["memory"],
        }
    )
    with Pipeline(recipe_of(config)) as pipeline:
        pipeline.wait()
    (sink,) = pipeline.recipe.sinks
    assert isinstance(sink, MemorySink)
    yield from sink


if __name__ == "__main__":
    for result in replay(*sys.argv[1:4]):
        print(result.seq, result.mode, result.fid.hex(), result.image)
