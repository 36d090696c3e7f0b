"""Whatever is set up on first use is set up before the first frame, which would wait for it while later ones are dropped."""

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.batch.lane import Lane
from streamfuse.clock import NS_PER_MS, Clock
from streamfuse.flow.recipe import Recipe
from streamfuse.frames import Frame, Pair, Planes, Prompt, Spectrum

SMALL, USUAL = (64, 64), (480, 640)
LARGEST_NS = 5 * NS_PER_MS
"""Of a small picture, once warm: a usual one takes about 75 times that."""


def warm_up(recipe: Recipe, lane: Lane, clock: Clock) -> None:
    """Pictures that no camera saw through the device: a small one twice, and one of a usual size where that does not take long.

    Libraries load with the first, thread pools and large pieces of memory come with the last.
    """
    spent_ns = 0
    for size in (SMALL, SMALL, USUAL):
        if size == USUAL and spent_ns > LARGEST_NS:
            return
        started_ns = clock.now_ns()
        pass_through(recipe, lane, warm_up_pair(size))
        spent_ns = clock.now_ns() - started_ns


@torch.inference_mode()
def pass_through(recipe: Recipe, lane: Lane, pair: Pair) -> None:
    """Up, fused, searched and down again."""
    batch = lane.upload((pair,), [recipe.fuse.compile(Prompt())], [None])
    with lane.compute(batch):
        fused = recipe.fuse.fuse(batch, batch.prompts)
        recipe.detect.detect(fused)
        lane.download(fused).take()


def warm_up_pair(size: tuple[int, int]) -> Pair:
    """A pair of that (height, width), both even, that no camera saw."""
    half = (size[0] // 2, size[1] // 2)
    pictures: dict[Spectrum, NDArray[np.uint8] | Planes] = {
        Spectrum.INFRARED: np.zeros(size, np.uint8),
        Spectrum.VISIBLE: Planes(y=np.zeros(size, np.uint8), u=np.zeros(half, np.uint8), v=np.zeros(half, np.uint8)),
    }
    frames = {s: Frame(image=image, spectrum=s, t_cap_ns=0, clock="media", seq=0, source="warm-up") for s, image in pictures.items()}
    return Pair(
        infrared=frames[Spectrum.INFRARED],
        visible=frames[Spectrum.VISIBLE],
        infrared_state="fresh",
        visible_state="fresh",
        stream="warm-up",
        seq=0,
    )
