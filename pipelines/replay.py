"""Two recordings as fast as possible, every pair kept, results taken in this process.

Run: python pipelines/replay.py IR.mp4 VI.mp4
"""

import sys
from collections.abc import Callable

from streamfuse import Pipeline, Result, parse_config, recipe_of


def replay(infrared: str, visible: str, take: Callable[[Result], object], fuser: str = "nano") -> None:
    """Hand every result of a pair of recordings to `take`, in order. `lossless`: whatever is full, and `take`, is waited for."""
    config = parse_config(
        {
            "policy": "lossless",
            "pairs": [{"stream": "replay", "infrared": infrared, "visible": visible}],
            "fuse": fuser,
            "batch": {"size": 1},
            "publish": [],
        }
    )

    def taken(result: Result) -> Result:
        take(result)
        return result

    with Pipeline(recipe_of(config).after("detect", taken)) as pipeline:
        pipeline.wait()


if __name__ == "__main__":
    replay(sys.argv[1], sys.argv[2], lambda result: print(result.seq, result.mode, result.fid.hex(), result.image))
