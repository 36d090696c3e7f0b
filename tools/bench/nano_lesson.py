"""A short lesson for designs of nano: the blend without a dial, a repair under each of five dials, and no repair of what is sound."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings
from streamfuse.networks.dials import dials_tensor
from tools.bench.nano_candidates import Candidate, Current

CROP, BATCH, RATE = 96, 8, 4e-3
HELD_BACK = 5
"""Every fifth pair is for the examination."""
SOUND, NO_WORDS = 0.3, 0.3
"""Shares of crops that are sound, and of crops without a dial."""
Pair: TypeAlias = tuple[torch.Tensor, torch.Tensor]
"""Infrared and visible, (B, 1, H, W) in [0, 1]."""


def _drawn(shape: torch.Size, low: float, high: float) -> torch.Tensor:
    """A number for each item."""
    return low + (high - low) * torch.rand(shape[0], 1, 1, 1)


def _haze(x: torch.Tensor) -> torch.Tensor:
    through = _drawn(x.shape, 0.3, 0.65)
    return x * through + (1 - through) * _drawn(x.shape, 0.7, 0.95)


TASKS: dict[str, Callable[[torch.Tensor, torch.Tensor], Pair]] = {
    "visible_light": lambda a, b: (a, b ** _drawn(b.shape, 1.2, 1.8) * _drawn(b.shape, 0.12, 0.35) + 0.01 * torch.randn_like(b)),
    "visible_haze": lambda a, b: (a, _haze(b)),
    "visible_noise": lambda a, b: (a, b + _drawn(b.shape, 0.06, 0.12) * torch.randn_like(b)),
    "infrared_contrast": lambda a, b: (_drawn(a.shape, 0.3, 0.6) + _drawn(a.shape, 0.15, 0.4) * (a - a.mean((2, 3), keepdim=True)), b),
    "infrared_stripes": lambda a, b: (a + _drawn(a.shape, 0.05, 0.1) * torch.randn(len(a), 1, 1, a.shape[3]), b),
}
"""Faults, by the dial that takes them away."""


class Lesson:
    """Crops, faults and what should come out."""

    def __init__(self, data: str | None) -> None:
        self._laplacian = Laplacian(LaplacianSettings(levels=4)).rule
        pairs = [_sketched(seed) for seed in range(60)] if data is None else _stored(Path(data))
        self._teach = [pair for index, pair in enumerate(pairs) if index % HELD_BACK]
        self._examine = pairs[::HELD_BACK]
        self._draw = random.Random(1)

    def batch(self) -> tuple[Pair, torch.Tensor, torch.Tensor]:
        """Pictures, dials (B, N) and the wanted result of a step."""
        items = []
        for _ in range(BATCH):
            sound = self._crop(self._teach)
            task = self._draw.choice(list(TASKS))
            faulty = sound if self._draw.random() < SOUND else spoilt(task, sound)
            wordless = self._draw.random() < NO_WORDS
            wanted = self.blend(faulty if wordless else sound)
            items.append((*faulty, dials_tensor({} if wordless else {task: 1.0}), wanted))
        infrared, visible, dials, wanted = (torch.cat(parts) for parts in zip(*items, strict=True))
        return (infrared, visible), dials, wanted

    def blend(self, pair: Pair) -> torch.Tensor:
        """0.55 maximum + 0.25 Laplacian + 0.2 (sum less the mean of the darker): what no network is needed for."""
        a, b = pair
        less = torch.minimum(a, b).mean((2, 3), keepdim=True)
        return (0.55 * torch.maximum(a, b) + 0.25 * self._laplacian(a, b) + 0.2 * (a + b - less)).clamp(0, 1)

    @torch.no_grad()
    def marks(self, network: Candidate | Current) -> dict[str, float]:
        """What each dial wins, in dB, over the blend of the spoilt pictures; `plain`: dB to the blend without a dial."""
        torch.manual_seed(7)
        crops = [self._crop(self._examine) for _ in range(2 * BATCH)]
        sound = (torch.cat([a for a, _ in crops]), torch.cat([b for _, b in crops]))
        wanted = self.blend(sound)
        found = {"plain": psnr(network(*sound), wanted)}
        for task in TASKS:
            pair = spoilt(task, sound)
            repaired = network(*pair, {"dials": dials_tensor({task: 1.0})})
            found[task] = psnr(repaired, wanted) - psnr(self.blend(pair), wanted)
        return found

    def _crop(self, pairs: list[Pair]) -> Pair:
        a, b = self._draw.choice(pairs)
        top, left = self._draw.randint(0, a.shape[2] - CROP), self._draw.randint(0, a.shape[3] - CROP)
        where = (..., slice(top, top + CROP), slice(left, left + CROP))
        return a[where], b[where]


def learn(network: Candidate | Current, lesson: Lesson, steps: int) -> dict[str, float]:
    """Teach a fresh network, then examine it."""
    network = network.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    torch.manual_seed(1)
    for _ in range(steps):
        pair, dials, wanted = lesson.batch()
        with torch.autocast("cpu", torch.bfloat16):
            fused = network(*pair, {"dials": dials})
        loss = ((fused - wanted) ** 2 + 1e-6).sqrt().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return lesson.marks(network.eval())


def spoilt(task: str, pair: Pair) -> Pair:
    """With the fault, as 8 bits would hold it."""
    infrared, visible = TASKS[task](*pair)
    return (infrared.clamp(0, 1) * 255).round() / 255, (visible.clamp(0, 1) * 255).round() / 255


def psnr(fused: torch.Tensor, wanted: torch.Tensor) -> float:
    """dB, mean over the items."""
    return float((-10 * torch.log10(((fused.clamp(0, 1) - wanted) ** 2).mean((1, 2, 3)) + 1e-9)).mean())


def _stored(folder: Path) -> list[Pair]:
    found = []
    for path in sorted((folder / "vi").iterdir()):
        planes = [cv2.imread(str(folder / camera / path.name), cv2.IMREAD_GRAYSCALE) for camera in ("ir", "vi")]
        if all(plane is not None and min(plane.shape) >= CROP for plane in planes):
            infrared, visible = (torch.from_numpy(np.asarray(plane))[None, None].float() / 255 for plane in planes)
            found.append((infrared, visible))
    return found


def _sketched(seed: int) -> Pair:
    """Blocks and texture that both cameras see, each in its own shades, and warm spots that one sees."""
    draw = torch.Generator().manual_seed(seed)
    edge = 2 * CROP
    blocks = F.interpolate(torch.rand(1, 2, 12, 12, generator=draw), size=(edge, edge), mode="nearest")
    clouds = F.interpolate(torch.rand(1, 2, 5, 5, generator=draw), size=(edge, edge), mode="bicubic")
    texture = F.avg_pool2d(torch.rand(1, 2, edge, edge, generator=draw), 3, 1, 1) - 0.5
    spots = F.interpolate((torch.rand(1, 1, 24, 24, generator=draw) > 0.97).float(), size=(edge, edge), mode="bilinear")
    mixed = 0.35 * blocks + 0.4 * clouds + 0.3 * texture + 0.1
    return (mixed[:, :1] * 0.7 + 0.6 * spots).clamp(0, 1), mixed[:, 1:].clamp(0, 1)
