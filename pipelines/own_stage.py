"""A stage of your own between any two of a recipe: any function that takes what crosses there and returns it.

Run: python pipelines/own_stage.py
"""

import dataclasses

from streamfuse import Fused, Pipeline, Recipe, Result, load_config, recipe_of
from streamfuse.config import shipped_config


def warmer(fused: Fused) -> Fused:
    """Lower blue, raise red: chroma is (B, 2, h, w), Cb then Cr, in [0, 1]."""
    shift = fused.chroma_B2cc.new_tensor([-0.04, 0.04]).view(1, 2, 1, 1)
    return dataclasses.replace(fused, chroma_B2cc=(fused.chroma_B2cc + shift).clamp(0, 1))


def signed(result: Result) -> Result:
    """Keys of your own travel under `ext`."""
    return dataclasses.replace(result, ext={"site": "north gate"})


def own_stage() -> Recipe:
    """The demo with two more stages."""
    recipe = recipe_of(load_config(shipped_config("demo")))
    return recipe.after("fuse", warmer).after("detect", signed)


if __name__ == "__main__":
    with Pipeline(own_stage()) as pipeline:
        pipeline.wait(10.0)
        print(pipeline.meter.stats("street"))
