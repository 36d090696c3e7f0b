"""LURE's first stage: one camera at a time is restored through a latent space in which a degraded picture lies where its clean one does.

Of a degraded picture x, its clean one y, words k that name the fault, 0 that ask for nothing, w that name what is not there, o that
speak of the other camera; E encoder, D decoder, n standardisation of each channel, sg stop-gradient:

    restored     |D(E(x, k)) - y| + structure (1 - SSIM)
    identity     |D(E(y, 0)) - y|
    unified      sum over levels |n(E(x, k)) - sg n(E(y, 0))|
    words        |D(E(x, 0)) - x| + |D(E(x, w)) - x|              words decide: nothing is restored unasked
    other        sum over levels |E(x, o) - sg E(x, 0)|           a prompt about one camera leaves the other alone
    statistics   sum over levels: mean and deviation of each channel, infrared against visible

The paper (arXiv 2503.07033) names the unified loss and the pseudo-degradation task; formulas, weights and the rest are our own reading.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.nn.functional import instance_norm

from streamfuse.errors import ConfigError
from streamfuse.networks.lure import Latents, Lure
from streamfuse.networks.lure_parts import CAMERAS, Camera
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.registry import Settings
from streamfuse.train.cases import DARKNESS
from streamfuse.train.degradations import FAULTS
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import charbonnier, ssim
from streamfuse.train.recipe import StageSettings
from streamfuse.train.restorable import OF_CAMERA, Restorable, RestorationSet, Spoilt, load_sets
from streamfuse.train.sheet import sheet_of

PREVIEW_ROWS, PREVIEW_PX = 6, 160


class RestoringSettings(Settings):
    """Weights of the losses, and what is restored."""

    sets: list[RestorationSet] = Field([])
    """Real pairs. Without any, all degradations are our own."""
    real: float = Field(0.5, ge=0, le=1)
    """Share of real pairs, for a camera that has some."""
    weakest: float = Field(0.25, ge=0, le=1)
    """Least strength of a fault of our own."""
    two_faults: float = Field(0.2, ge=0, le=1)
    structure: float = 0.2
    identity: float = 1.0
    unified: float = 0.5
    words: float = 1.0
    other: float = 0.5
    statistics: float = 0.05


class Told(NamedTuple):
    """The states of a batch under four sorts of words."""

    right: State
    neutral: State
    wrong: State
    other: State


class RestoringLesson:
    """See the file's docstring."""

    def __init__(self, settings: RestoringSettings, material: Material) -> None:
        self._settings, self._vocabulary, self._device = settings, material.vocabulary, material.device
        pairs = load_sets(settings.sets, material.root)
        self._restorable = Restorable(material.pool, pairs, material.device, settings.weakest, settings.two_faults)
        self._edge_px = material.pool.edge_px

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Each a mean over both cameras, with `stage.batch` pictures of each."""
        lure = _lure(network)
        found: list[Terms] = []
        latents: list[Latents] = []
        with torch.autocast(self._device.type, enabled=False):
            drawn = self._restorable.draw(stage.batch, stage.crop_px, self._settings.real, draw)
        for camera in CAMERAS:
            terms, clean = self._of_camera(lure, camera, drawn[camera], draw)
            found.append(terms)
            latents.append(clean)
        terms = {name: torch.stack([part[name] for part in found]).mean() for name in found[0]}
        return terms | {"statistics": self._settings.statistics * _unlike(*latents)}

    @torch.no_grad()
    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Per row and camera: degraded, restored by the right words, by none, clean."""
        lure, columns = _lure(network), []
        drawn = self._restorable.draw(PREVIEW_ROWS, min(PREVIEW_PX, self._edge_px), self._settings.real, draw)
        for camera, spoilt in drawn.items():
            told = self._told(lure, camera, spoilt.faults, draw)
            restored = [_through(lure, spoilt.degraded_B3HW, camera, state)[0] for state in (told.right, told.neutral)]
            columns += [spoilt.degraded_B3HW, *restored, spoilt.clean_B3HW]
        return sheet_of(columns)

    def _of_camera(self, lure: Lure, camera: Camera, spoilt: Spoilt, draw: torch.Generator) -> tuple[Terms, Latents]:
        """And the latents of the clean pictures."""
        s, (degraded, clean, faults) = self._settings, spoilt
        told = self._told(lure, camera, faults, draw)
        restored, found = _through(lure, degraded, camera, told.right)
        same, wanted = _through(lure, clean, camera, told.neutral)
        unasked, as_is = _through(lure, degraded, camera, told.neutral)
        misled, _ = _through(lure, degraded, camera, told.wrong)
        aside = lure.encode(degraded, camera, told.other)
        terms = {
            "restored": charbonnier(restored, clean) + s.structure * (1 - _ssim(restored, clean)),
            "identity": s.identity * charbonnier(same, clean),
            "unified": s.unified * _apart(_standardised(found), _standardised(wanted)),
            "words": s.words * (charbonnier(unasked, degraded) + charbonnier(misled, degraded)),
            "other": s.other * _apart(aside.levels, as_is.levels),
        }
        return terms, wanted

    def _told(self, lure: Lure, camera: Camera, faults: list[dict[str, float]], draw: torch.Generator) -> Told:
        """Words for each item; a neutral sentence where the vocabulary has none for what is there."""
        others = [name for another, names in OF_CAMERA.items() if another != camera for name in names]
        return Told(
            self._state(lure, [self._vocabulary.naming(present, draw) for present in faults], draw),
            self._state(lure, [None] * len(faults), draw),
            self._state(lure, [self._naming_one_of(absent(camera, present), draw) for present in faults], draw),
            self._state(lure, [self._naming_one_of(others, draw) for _ in faults], draw),
        )

    def _naming_one_of(self, names: list[str], draw: torch.Generator) -> int | None:
        name = names[int(torch.randint(len(names), (), generator=draw))]
        return self._vocabulary.naming({name: float(torch.rand((), generator=draw))}, draw)

    def _state(self, lure: Lure, sentences: Sequence[int | None], draw: torch.Generator) -> State:
        chosen = [self._vocabulary.neutral(draw) if sentence is None else sentence for sentence in sentences]
        words = self._vocabulary.words([index or 0 for index in chosen], self._device)
        return lure.encode_text(words.pooled_BD, words.tokens_BLD, words.mask_BL)


def absent(camera: Camera, present: Mapping[str, float]) -> list[str]:
    """Faults that a picture surely has not. A visible one without any may be a night: that it is dark is then no lie."""
    unsure = {DARKNESS} if camera == "visible" and not present else set()
    return [fault.name for fault in FAULTS if fault.name not in {*present, *unsure}]


def _through(lure: Lure, picture_B3HW: torch.Tensor, camera: Camera, state: State) -> tuple[torch.Tensor, Latents]:
    """Encoded and decoded by itself."""
    latents = lure.encode(picture_B3HW, camera, state)
    return lure.decode(latents, state).float(), latents


def _ssim(a_B3HW: torch.Tensor, b_B3HW: torch.Tensor) -> torch.Tensor:
    """Channel by channel."""
    return ssim(a_B3HW.flatten(0, 1)[:, None], b_B3HW.flatten(0, 1)[:, None])


def _standardised(latents: Latents) -> list[torch.Tensor]:
    return [instance_norm(level.float()) for level in latents.levels]


def _apart(levels: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> torch.Tensor:
    """Sum over levels of the mean absolute difference; `wanted` stays where it is."""
    return torch.stack([(a - b.detach()).abs().mean() for a, b in zip(levels, wanted, strict=True)]).sum()


def _unlike(infrared: Latents, visible: Latents) -> torch.Tensor:
    """Sum over levels: how far mean and deviation of the channels are apart between the cameras."""
    pairs = [[torch.var_mean(level.float(), (0, 2, 3)) for level in levels] for levels in zip(infrared.levels, visible.levels, strict=True)]
    return torch.stack([((a_mean - b_mean).abs() + (_root(a) - _root(b)).abs()).mean() for (a, a_mean), (b, b_mean) in pairs]).sum()


def _root(variance_C: torch.Tensor) -> torch.Tensor:
    return (variance_C + 1e-6).sqrt()


def _lure(network: FusionNetwork) -> Lure:
    if isinstance(network, Lure):
        return network
    raise ConfigError(f"lesson lure_restore works in the latent space of lure, {network.name} has none: set network.name to lure")
