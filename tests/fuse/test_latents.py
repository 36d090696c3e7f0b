"""Latents of a slow infrared camera: encoded once per picture, the same result to the bit, and gone with the frame."""

import copy
import dataclasses
import gc
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from streamfuse.batch.lane import CpuLane
from streamfuse.frames import Batch, Frame, Pair, PromptState, Spectrum
from streamfuse.fuse.latents import LatentShelf
from streamfuse.networks.lure import Latents, Lure
from streamfuse.networks.lure_parts import Camera
from streamfuse.networks.network import State
from tests.conftest import make_frame, make_pair
from tests.networks.drawn import TEXT_DIM, embeddings
from tests.networks.test_lure import TINY

SIZE = (64, 72)


class Counting(Lure):
    """Counts the infrared pictures that it encodes."""

    seen = 0

    def encode(self, image_B3HW: torch.Tensor, spectrum: Camera, state: State) -> Latents:
        self.seen += len(image_B3HW) if spectrum == "infrared" else 0
        return super().encode(image_B3HW, spectrum, state)


@pytest.fixture(scope="module")
def lure() -> Counting:
    torch.manual_seed(0)
    return Counting(TEXT_DIM, TINY).eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def states(lure: Counting) -> State:
    return lure.encode_text(*embeddings(2))


@pytest.fixture(autouse=True)
def _from_zero(lure: Counting) -> None:
    lure.seen = 0


def infrared(seed: int) -> Frame:
    image = np.random.default_rng(seed).integers(30, 220, SIZE, dtype=np.uint8)
    return make_frame(Spectrum.INFRARED, seed, seed, image)


def visible(seed: int) -> Frame:
    image = np.random.default_rng(100 + seed).integers(30, 220, (*SIZE, 3), dtype=np.uint8)
    return make_frame(Spectrum.VISIBLE, seed, seed, image)


def paired(thermal: Frame, number: int = 0, stream: str = "gate") -> Pair:
    return dataclasses.replace(make_pair(stream, number), infrared=thermal, visible=visible(number))


def batch_of(pairs: Sequence[Pair], words: Sequence[int]) -> Batch:
    prompts = [PromptState(id=str(word)) for word in words]
    return CpuLane().upload(tuple(pairs), prompts, [None] * len(pairs))


@torch.inference_mode()
def latents(shelf: LatentShelf, lure: Lure, states: State, batch: Batch) -> Latents:
    assert batch.infrared_B1hw is not None
    words = [prompt.id for prompt in batch.prompts]
    items = {name: tensor[[int(word) for word in words]] for name, tensor in states.items()}
    return shelf.infrared(lure, items, batch, words, batch.infrared_B1hw, prepared_B1HW=batch.infrared_B1hw)


@torch.inference_mode()
def plain(lure: Lure, states: State, batch: Batch) -> Latents:
    assert batch.infrared_B1hw is not None
    items = {name: tensor[[int(prompt.id) for prompt in batch.prompts]] for name, tensor in states.items()}
    return lure.encode(batch.infrared_B1hw.expand(-1, 3, -1, -1), "infrared", items)


def same(a: Latents, b: Latents) -> bool:
    return torch.equal(a.picture_B3HW, b.picture_B3HW) and all(torch.equal(x, y) for x, y in zip(a.levels, b.levels, strict=True))


def test_a_frame_shown_again_is_not_encoded_again(lure, states):
    """Nine infrared frames a second under thirty results: nine go through the encoder, and nobody can tell, to the bit."""
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(3)]
    for number in range(9):
        batch = batch_of([paired(frames[number // 3], number)], [0])
        assert same(latents(shelf, lure, states, batch), plain(lure, states, batch))
    assert lure.seen == 3 + 9


def test_other_words_are_encoded_anew(lure, states):
    """Latents hold the prompt: after a swap the old ones are of no use."""
    shelf, frame = LatentShelf(), infrared(1)
    for word in (0, 1, 1, 0):
        batch = batch_of([paired(frame)], [word])
        assert same(latents(shelf, lure, states, batch), plain(lure, states, batch))
    assert lure.seen == 3 + 4


def test_other_pixels_are_encoded_anew(lure, states):
    """The same frame under a rig that moved, or on visible luma that stands in for it, is another picture."""
    shelf, batch = LatentShelf(), batch_of([paired(infrared(1))], [0])
    latents(shelf, lure, states, batch)
    assert batch.infrared_B1hw is not None
    moved = dataclasses.replace(batch, infrared_B1hw=batch.infrared_B1hw.roll(1, -1))
    assert same(latents(shelf, lure, states, moved), plain(lure, states, moved))
    assert lure.seen == 2 + 1


def test_streams_in_one_batch_keep_their_own(lure, states):
    """Of three streams, one of them with a new picture, one is encoded; items under prompts of their own do not mix."""
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(4)]
    first = batch_of([paired(frames[i], 0, f"cam{i}") for i in range(3)], [0, 1, 0])
    latents(shelf, lure, states, first)
    assert (lure.seen, len(shelf)) == (3, 3)
    second = batch_of([paired(frame, 1, f"cam{i}") for i, frame in enumerate((frames[0], frames[3], frames[2]))], [0, 1, 0])
    found = latents(shelf, lure, states, second)
    assert (lure.seen, len(shelf)) == (4, 3)
    for level, wanted in zip(found.levels, plain(lure, states, second).levels, strict=True):
        assert torch.allclose(level, wanted, atol=1e-5)


def test_a_frame_that_fills_a_batch_is_encoded_once(lure, states):
    """A recording comes in batches of one stream: what repeats inside of one is encoded once, too."""
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(2)]
    batch = batch_of([paired(frames[number // 2], number) for number in range(4)], [0] * 4)
    found = latents(shelf, lure, states, batch)
    assert (lure.seen, len(shelf)) == (2, 1)
    for level, wanted in zip(found.levels, plain(lure, states, batch).levels, strict=True):
        assert torch.allclose(level, wanted, atol=1e-5)


def test_latents_go_with_their_frame(lure, states):
    """Nothing is kept for a stream whose frame nobody holds any more; one picture per stream is the most there ever is."""
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(5)]
    for number, frame in enumerate(frames):
        latents(shelf, lure, states, batch_of([paired(frame, number)], [0]))
        assert len(shelf) == 1
    del frame, frames
    gc.collect()
    other = infrared(9)
    latents(shelf, lure, states, batch_of([paired(other, 0, "yard")], [0]))
    assert list(shelf._kept) == ["yard"]
    shelf.clear()
    assert len(shelf) == 0


def test_what_is_kept_of_a_batch_does_not_hold_the_batch(lure, states):
    """Each picture of a batch has memory of its own, so that one slow camera does not keep the maps of the others alive."""
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(2)]
    latents(shelf, lure, states, batch_of([paired(frames[i], 0, f"cam{i}") for i in range(2)], [0, 0]))
    shown, kept = shelf._kept["cam0"]
    for tensor in (shown.infrared_1HW, *kept.levels):
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


@pytest.mark.needs_cuda
def test_on_a_gpu_as_well(lure, states):
    """A padded batch repeats its last pair, which is encoded once; a frame that comes again is not encoded again."""
    device = torch.device("cuda")
    on_gpu, gpu_states = copy.deepcopy(lure).to(device), {name: tensor.to(device) for name, tensor in states.items()}
    shelf, frames = LatentShelf(), [infrared(seed) for seed in range(3)]
    for number in range(2):
        pairs = [paired(frames[i], number, f"cam{i}") for i in (0, 1, 2, 2)]
        batch = batch_of(pairs, [0] * 4)
        assert batch.infrared_B1hw is not None
        batch = dataclasses.replace(batch, infrared_B1hw=batch.infrared_B1hw.to(device))
        found = latents(shelf, on_gpu, gpu_states, batch)
        assert on_gpu.seen == 3 + 4 * number
        for level, wanted in zip(found.levels, plain(on_gpu, gpu_states, batch).levels, strict=True):
            assert torch.allclose(level, wanted, atol=1e-3)
