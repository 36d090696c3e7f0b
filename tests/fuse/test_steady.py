"""Fused pictures over time: what calms down, what stays as it is, and what is never mixed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Batch, CameraState, Frame, Fused, Pair, PromptState, Spectrum
from streamfuse.fuse.steady import Steady, SteadySettings, leaning

SETTINGS = SteadySettings(enabled=True)
LEVEL = 1 / 255
SIZE = (8, 12)
WORDS = PromptState(id="neutral")


def pair(seq: int, *, stream: str = "gate", epoch: int = 0, t_ms: float | None = None, visible_state: CameraState = "fresh") -> Pair:
    t_ns = round((40 * seq if t_ms is None else t_ms) * NS_PER_MS)
    frames: dict[Spectrum, Frame] = {
        s: Frame(image=np.zeros(shape, np.uint8), spectrum=s, t_cap_ns=t_ns, clock="media", seq=seq, source=str(s))
        for s, shape in ((Spectrum.INFRARED, SIZE), (Spectrum.VISIBLE, (*SIZE, 3)))
    }
    return Pair(
        infrared=frames[Spectrum.INFRARED],
        visible=frames[Spectrum.VISIBLE],
        infrared_state="fresh",
        visible_state=visible_state,
        stream=stream,
        seq=seq,
        epoch=epoch,
    )


def fused(*items: tuple[Pair, float], words: PromptState = WORDS, size: tuple[int, int] = SIZE) -> Fused:
    """A batch of even pictures of those levels."""
    luma = torch.cat([torch.full((1, 1, *size), level) for _, level in items])
    chroma = torch.full((len(items), 2, size[0] // 2, size[1] // 2), 0.3)
    batch = Batch(
        pairs=tuple(each for each, _ in items),
        infrared_B1hw=luma,
        luma_B1HW=luma,
        chroma_B2cc=chroma,
        prompts=(words,) * len(items),
        rigs=(None,) * len(items),
    )
    return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)


def levels(of: Fused) -> list[float]:
    return [float(item.mean()) for item in of.luma_B1HW]


def test_grain_calms_down_and_the_level_stays():
    """Independent grain of one grey level is less than half of that after ten pictures, about the same mean."""
    draw = torch.Generator().manual_seed(0)
    before = now = 0.5 + LEVEL * torch.randn(1, 1, 64, 64, generator=draw)
    for _ in range(10):
        now = 0.5 + LEVEL * torch.randn(1, 1, 64, 64, generator=draw)
        before = leaning(now, before, SETTINGS)
    assert float(before.std()) < 0.5 * float(now.std())
    assert float(before.mean()) == pytest.approx(0.5, abs=0.2 * LEVEL)


@pytest.mark.parametrize(("step", "left"), [(0.0, 0.0), (4.0, 0.35 * 4), (12.0, 0.1), (40.0, 0.0)])
def test_what_changes_takes_nothing_of_what_was_before(step, left):
    """By grey levels: at `reach` half of `keep` of the difference is left, at three times as much next to nothing."""
    now, before = torch.full((1, 1, 4, 4), 0.5), torch.full((1, 1, 4, 4), 0.5 + step * LEVEL)
    assert float((leaning(now, before, SETTINGS) - now).max()) / LEVEL == pytest.approx(left, abs=0.02)


def test_no_pixel_goes_far():
    """Whatever was there before: 0.57 keep reach at most, and that much at 0.76 reach."""
    before = torch.linspace(0, 1, 100_001).view(1, 1, 1, -1)
    moved = leaning(torch.zeros_like(before), before, SETTINGS)
    assert float(moved.max()) / LEVEL == pytest.approx(0.57 * SETTINGS.keep * SETTINGS.reach, rel=2e-3)
    assert float(before.flatten()[moved.argmax()]) / LEVEL == pytest.approx(0.76 * SETTINGS.reach, rel=1e-2)


def test_streams_are_told_apart():
    """Each leans on its own picture, whatever else is in its batch; colour passes through."""
    steady = Steady(SETTINGS)
    steady(fused((pair(0), 0.5), (pair(0, stream="yard"), 0.8)))
    second = fused((pair(1, stream="yard"), 0.8 + LEVEL), (pair(1), 0.5 + LEVEL))
    out = steady(second)
    keep = SETTINGS.keep / (1 + (1 / SETTINGS.reach) ** 4)
    assert levels(out) == pytest.approx([0.8 + LEVEL - keep * LEVEL, 0.5 + LEVEL - keep * LEVEL], abs=1e-5)
    assert out.chroma_B2cc is second.chroma_B2cc
    assert out.batch is second.batch


def test_a_batch_filled_up_is_one_picture():
    """The same pair twice comes out the same twice, and counts once."""
    steady = Steady(SETTINGS)
    steady(fused((pair(0), 0.5)))
    last = pair(1)
    twice = levels(steady(fused((last, 0.5 + LEVEL), (last, 0.5 + LEVEL))))
    assert twice[0] == twice[1] < 0.5 + LEVEL


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({"item": pair(0)}, id="a stream that began anew"),
        pytest.param({"item": pair(3, epoch=1)}, id="a break in time"),
        pytest.param({"item": pair(3, t_ms=1500)}, id="a gap of more than a second"),
        pytest.param({"item": pair(3, visible_state="frozen")}, id="a camera that froze"),
        pytest.param({"item": pair(3), "words": replace(WORDS, id="smoke")}, id="other words"),
        pytest.param({"item": pair(3), "size": (8, 14)}, id="another size"),
    ],
)
def test_nothing_is_mixed_across(after: dict[str, Any]):
    """What comes then is as it was fused, to the bit."""
    steady = Steady(SETTINGS)
    steady(fused((pair(2), 0.5)))
    item = after.pop("item")
    assert torch.equal(steady(fused((item, 0.5 + LEVEL), **after)).luma_B1HW, fused((item, 0.5 + LEVEL), **after).luma_B1HW)


def test_what_was_remembered_is_forgotten():
    """Of one stream or of all."""
    for stream in ("gate", None):
        steady = Steady(SETTINGS)
        steady(fused((pair(0), 0.5)))
        steady.forget(stream)
        assert levels(steady(fused((pair(1), 0.5 + LEVEL)))) == pytest.approx([0.5 + LEVEL], abs=1e-7)
        steady.forget("nobody")
