"""A slow infrared camera under lure: each of its frames is encoded once, however many results it goes into."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from streamfuse.batch.collector import BatchSettings
from streamfuse.frames import Frame, Fused, Pair, Spectrum
from streamfuse.fuse.folds import Folds
from streamfuse.fuse.latents import LatentShelf
from streamfuse.fuse.text_guided import NetworkSettings, TextGuided
from streamfuse.networks.lure import Latents, Lure
from streamfuse.networks.lure_parts import Camera
from streamfuse.networks.network import State
from tests.flow.conftest import Listed, frames
from tests.flow.running import run

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE
SIZE = (64, 80)
COUNT, EVERY = 12, 4

pytestmark = pytest.mark.usefixtures("no_threads_left")


class Seeded(TextGuided):
    """The same random weights for all; `forgetful` encodes everything anew."""

    def __init__(self, *, forgetful: bool = False) -> None:
        super().__init__("lure", NetworkSettings(weights="random", precision="fp32", runtime="torch"))
        self._forgetful = forgetful

    def to(self, device: torch.device) -> None:
        torch.manual_seed(0)
        super().to(device)

    def fuse(self, batch: Any, prompts: Any) -> Fused:
        if self._forgetful:
            latents_of(self).clear()
        return super().fuse(batch, prompts)


def latents_of(fuser: TextGuided) -> LatentShelf:
    assert isinstance(fuser.runtime, Folds)
    return fuser.runtime.latents


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Camera]:
    """The camera of every picture that goes through the encoder."""
    seen: list[Camera] = []
    encode = Lure.encode

    def noted(self: Lure, image_B3HW: torch.Tensor, spectrum: Camera, state: State) -> Latents:
        seen.extend([spectrum] * len(image_B3HW))
        return encode(self, image_B3HW, spectrum, state)

    monkeypatch.setattr(Lure, "encode", noted)
    return seen


def slow(found: list[Frame]) -> list[Frame]:
    """Every fourth frame, numbered as a camera of that rate would."""
    return [dataclasses.replace(frame, seq=number) for number, frame in enumerate(found[::EVERY])]


@pytest.mark.parametrize("size", [1, 4])
def test_each_infrared_frame_is_encoded_once(recipe, camera_pair, encoded, size):
    """Twelve results of three infrared frames: three are encoded, and the pictures are those of a fuser that forgets.

    To the bit, where both encode one picture at a time: in a batch, sums are added in another order.
    """

    def from_here(pair: Pair) -> Pair:
        if pair.seq == 0:
            encoded.clear()  # the warm-up has been through it
        return pair

    sinks = []
    for forgetful in (False, True):
        infrared, visible = Listed(IR, slow(frames(IR, COUNT, size=SIZE))), Listed(VIS, frames(VIS, COUNT, size=SIZE))
        fuser = Seeded(forgetful=forgetful)
        made = recipe([camera_pair(infrared=infrared, visible=visible)], fuse=fuser, batch=BatchSettings(size=size))
        sinks.append(run(made.after("sync", from_here)))
        if not forgetful:
            assert encoded.count("infrared") == COUNT // EVERY
            assert encoded.count("visible") == COUNT
            assert len(latents_of(fuser)) <= 1
    kept, fresh = sinks
    states = [result.infrared.state for result in kept]
    assert (states.count("fresh"), states.count("stale")) == (COUNT // EVERY, COUNT - COUNT // EVERY)
    pictures = [np.stack([result.image.y for result in sink]).astype(int) for sink in (kept, fresh)]
    assert np.abs(pictures[0] - pictures[1]).max() <= (0 if size == 1 else 1)
