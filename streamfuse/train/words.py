"""The lesson in which words decide: cases by `cases`, and what a sentence stands for, told to the dials directly."""

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.networks.textpixels import TextPixels
from streamfuse.networks.textpixels_loss import consistency
from streamfuse.registry import Settings
from streamfuse.train.cases import CaseMaker, Cases
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import charbonnier, gradient_difference, log_error
from streamfuse.train.pool import Crops
from streamfuse.train.reading_loss import BLUR, reading_loss
from streamfuse.train.recipe import StageSettings
from streamfuse.train.sheet import sheet_of
from streamfuse.train.vocabulary import Words

PREVIEW_ROWS, PREVIEW_PX = 8, 160
NEAR = 2e-4
"""An MSE, that of 37 dB: neutral words keep fused pictures about as near to R."""
UNCHANGED = 0.02
"""Between two frames: five grey levels, what a fixed camera's noise is below."""
LIKE_A_CAMERA = 0.02
"""Noise of a second look at the same scene: at most this deviation."""


class WordsSettings(Settings):
    """Weights of the losses."""

    pixels: float = 1.0
    gradient: float = 1.0
    decibels: float = 0.0
    """Of the logarithm of the error: a picture that is far off does not drown one that is nearly right."""
    dials: float = 0.5
    blur: float = BLUR
    steady: float = 0.25
    """That two virtual frames of one scene, moved and with noise of their own, look alike."""
    steady_share: float = 0.34
    """Of the batch, which is run twice for it."""
    moved_px: int = 4
    video: float = 0.0
    """That two frames of a recording in a row look alike where neither camera saw a change: wants `data.next_frames`."""
    by_hand: float = 0.3
    """Share of the cases whose dials are those the sentence stands for, instead of those the network reads."""
    consistency: float = 0.1
    """Of a codebook with what it is asked for."""


class WordsLesson:
    """See the file's docstring."""

    def __init__(self, settings: WordsSettings, material: Material) -> None:
        self._settings = settings
        self._material = material
        self._maker = CaseMaker(material.pool, material.vocabulary, material.cases, material.device)
        self._vectors_BDN: torch.Tensor | None = None
        self._chance = torch.Generator()
        if settings.video > 0 and not material.pool.moving:
            raise ConfigError("lesson.video compares frames in a row: set data.next_frames, and name a folder with ir.mp4 and vi.mp4")

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """How far off what was wanted, in pixels, gradients and decibels; steadiness; dials; a codebook's consistency."""
        s, cases = self._settings, self._maker.draw(stage.batch, stage.crop_px, draw)
        state = self.state(network, cases.words, cases.strength_B, draw)
        fused, extra = self._fused(network, cases, state)
        wanted = cases.wanted_B1HW if network.colour == "luma" else cases.wanted_B3HW
        terms = {
            "pixels": s.pixels * charbonnier(fused, wanted),
            "gradient": s.gradient * gradient_difference(fused, wanted),
            **extra,
        }
        if s.decibels > 0:
            terms["decibels"] = s.decibels * log_error(fused, wanted, NEAR).mean()
        if s.steady > 0:
            terms["steady"] = s.steady * self._unsteadiness(network, cases, state, fused, draw)
        if s.video > 0:
            terms["video"] = s.video * self._flicker(network, stage, draw)
        if isinstance(network, DialledNetwork) and s.dials > 0:
            terms["dials"] = s.dials * reading_loss(network, self._material.vocabulary, s.blur, draw, self._material.device)
        self._chance.manual_seed(int(torch.randint(2**31, (), generator=draw)))
        return terms

    def after(self, network: FusionNetwork) -> None:
        """Codes move to what they were asked for."""
        if isinstance(network, TextPixels) and self._vectors_BDN is not None:
            network.prior.codebook.learn(self._vectors_BDN, generator=self._chance)

    @torch.no_grad()
    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Per row: infrared, visible, fused without words, fused, wanted."""
        cases = self._maker.draw(PREVIEW_ROWS, min(PREVIEW_PX, self._material.pool.edge_px), draw)
        words = network.encode_text(*cases.words[:3])
        outs = [network(cases.infrared_B1HW, _visible(network, cases), network.temper(words, strength))
                for strength in (torch.zeros_like(cases.strength_B), cases.strength_B)]  # fmt: skip
        wanted = cases.wanted_B1HW if network.colour == "luma" else cases.wanted_B3HW
        return sheet_of([cases.infrared_B1HW, cases.visible_B3HW, *outs, wanted])

    def state(self, network: FusionNetwork, words: Words, strength_B: torch.Tensor, draw: torch.Generator) -> State:
        """What the words say, for some of the cases by hand."""
        state = network.encode_text(words.pooled_BD, words.tokens_BLD, words.mask_BL)
        if isinstance(network, DialledNetwork):
            by_hand_B = (torch.rand(len(strength_B), generator=draw) < self._settings.by_hand).to(strength_B.device)
            silent = network.with_dials(words.dials_BN)
            state = {name: torch.where(by_hand_B.view(-1, *[1] * (said.ndim - 1)), silent[name], said) for name, said in state.items()}
        return network.temper(state, strength_B)

    def _fused(self, network: FusionNetwork, cases: Cases, state: State) -> tuple[torch.Tensor, Terms]:
        if isinstance(network, TextPixels):
            trace = network.trace(cases.infrared_B1HW, cases.luma_B1HW, state)
            self._vectors_BDN = trace.vectors_BDhw.flatten(2).detach().float()
            return trace.fused_B1HW.float(), {"codes": self._settings.consistency * consistency(network, trace).float()}
        return network(cases.infrared_B1HW, _visible(network, cases), state).float(), {}

    def _unsteadiness(self, network: FusionNetwork, cases: Cases, state: State, fused: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """A second virtual frame: the same scene moved by whole pixels, with noise of its own."""
        count = max(1, int(self._settings.steady_share * len(fused)))
        moved_px = [int(v) for v in torch.randint(-self._settings.moved_px, self._settings.moved_px + 1, (2,), generator=draw)]
        infrared, visible = (
            torch.roll(_grainy(picture[:count], draw), moved_px, (2, 3)) for picture in (cases.infrared_B1HW, _visible(network, cases))
        )
        part = {name: tensor[:count] for name, tensor in state.items()}
        again = torch.roll(network(infrared, visible, part).float(), [-px for px in moved_px], (2, 3))
        edge = self._settings.moved_px + 1
        inner = (..., slice(edge, -edge), slice(edge, -edge))
        return charbonnier(again[inner], fused[:count][inner])

    def _flicker(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> torch.Tensor:
        """How far two real frames in a row come out apart where both cameras stand still, without words."""
        count = max(1, int(self._settings.steady_share * stage.batch))
        frames = self._material.pool.successive(count, stage.crop_px, draw, self._material.device)
        words = self._material.vocabulary.words([0] * count, self._material.device)
        state = network.temper(network.encode_text(*words[:3]), torch.zeros(count, device=self._material.device))
        now, later = (network(crops.infrared_B1HW, _visible(network, crops), state).float() for crops in frames)
        return charbonnier(torch.where(_still(*frames), later, now), now)


def _still(now: Crops, later: Crops) -> torch.Tensor:
    """(B, 1, H, W) where neither camera changed: there a fused picture that changes flickers, and no flow is needed to tell."""
    changed = torch.maximum((now.infrared_B1HW - later.infrared_B1HW).abs(), (now.luma_B1HW - later.luma_B1HW).abs())
    return changed < UNCHANGED


def _visible(network: FusionNetwork, cases: Cases | Crops) -> torch.Tensor:
    return cases.luma_B1HW if network.colour == "luma" else cases.visible_B3HW


def _grainy(picture: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    deviation = LIKE_A_CAMERA * torch.rand(len(picture), 1, 1, 1, generator=draw)
    return picture + (deviation * torch.randn(picture.shape, generator=draw)).to(picture.device)
