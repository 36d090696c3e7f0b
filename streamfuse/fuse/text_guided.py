"""A fusion network, its prompts and its colour, as a fuser. Words cost once per prompt; a frame sees only their state."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from streamfuse.colour import from_rgb, to_rgb
from streamfuse.errors import FrameError, WeightsError
from streamfuse.frames import Batch, Fused, Prompt, PromptState
from streamfuse.fuse.classical import prompt_id
from streamfuse.fuse.precision import chosen_precision
from streamfuse.fuse.prompt_state import COLOURING, dials_of, prompt_state, stacked
from streamfuse.fuse.recolour import Colouring, recoloured
from streamfuse.fuse.room import Room
from streamfuse.fuse.runtime import Runtime, chosen_runtime, make_runtime
from streamfuse.fuse.weights_file import load_weights, shipped_weights
from streamfuse.networks import create
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Settings
from streamfuse.text import encoder


class NetworkSettings(Settings):
    """Which network, with which weights, under which words."""

    size: Literal["base", "small"] = "small"
    text: Literal["guided", "published"] = "guided"
    """`published`, for upfusion: channels are sorted by the words, as its authors do; for weights that were trained so."""
    weights: Path | Literal["random"] | None = None
    """A safetensors file; none: those that ship. `random` is for measuring speed: it fuses nothing of use."""
    encoder: str = "minilm"
    """What reads prompts; weights say which one they were trained with."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the network's arithmetic; `auto`: bf16 where the device has units for it, else fp32."""
    runtime: Literal["auto", "torch", "openvino", "compile"] = "auto"
    """What runs it. `torch`: folded kernels. `openvino`: compiled for the CPU. `compile`: by torch's compiler, on CUDA as graphs."""


class TextGuided:
    """For the engine's thread, but for `compile`, which any thread may call while frames are fused."""

    def __init__(self, network: str, settings: NetworkSettings) -> None:
        self.name = f"{network}-{settings.size}"
        self.precision: str = settings.precision
        self._kind = network
        self._settings = settings
        self._network: FusionNetwork | None = None
        self._runtime: Runtime | None = None
        self._room: Room | None = None

    def to(self, device: torch.device) -> None:
        """Build the network, fill it and move it. `WeightsError` where there are no weights that fit."""
        name = chosen_runtime(self._settings.runtime, self._kind, device, self._settings.precision)
        precision = chosen_precision(self._settings.precision, device, compiled=name == "openvino")
        self._room = Room(self._kind, self._settings.size, precision, device, self._settings.text)
        network = create(self._kind, size=self._settings.size, text=self._settings.text, text_dim=encoder(self._settings.encoder).dim)
        self._fill(network)
        self.precision = precision
        self._network = network.eval().requires_grad_(requires_grad=False).to(device)
        self._runtime = make_runtime(name, self._network, precision)

    def compile(self, prompt: Prompt) -> PromptState:
        """Read the words, set the dials or gates, and fold them into the kernels: all that a swap must not wait for."""
        state = PromptState(id=prompt_id(prompt), tensors=prompt_state(self.network, encoder(self._settings.encoder), prompt))
        self.runtime.prepare(state)
        return state

    def fuse(self, batch: Batch, prompts: Sequence[PromptState]) -> Fused:
        """Item i under `prompts[i]`. `DeviceError` where pictures of this size need more memory than there is."""
        if batch.infrared_B1hw is None or batch.luma_B1HW is None or batch.chroma_B2cc is None:
            raise FrameError(f"{self.name} needs both cameras")
        colour = self.network.colour
        visible = batch.luma_B1HW if colour == "luma" else to_rgb(batch.luma_B1HW, batch.chroma_B2cc)
        folded = self.runtime.name == "torch" and len({prompt.id for prompt in prompts}) == 1
        assert self._room is not None  # made with the runtime
        self._room.ask(visible, folded=folded)
        out = self.runtime(batch.infrared_B1hw, visible, batch, prompts).float().clamp(0, 1)
        if colour == "rgb":
            luma, chroma = from_rgb(out)
            return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)
        states = stacked(prompt.tensors for prompt in prompts)
        chroma = recoloured(batch.chroma_B2cc, batch.luma_B1HW, out, Colouring(*(states[name] for name in COLOURING)))
        return Fused(luma_B1HW=out, chroma_B2cc=chroma, batch=batch)

    def dials(self, state: PromptState) -> dict[str, float]:
        """What the prompt sets, by name; nothing for networks without dials."""
        return dials_of(state.tensors)

    @property
    def network(self) -> FusionNetwork:
        """There after `to`."""
        if self._network is None:
            raise WeightsError(f"{self.name} was not loaded yet")
        return self._network

    @property
    def runtime(self) -> Runtime:
        """There after `to`."""
        if self._runtime is None:
            raise WeightsError(f"{self.name} was not loaded yet")
        return self._runtime

    def _fill(self, network: FusionNetwork) -> None:
        path = self._settings.weights
        if path == "random":
            return
        found = path or (shipped_weights(self._kind, network.size) if network.text == "guided" else None)
        if found is None:
            raise WeightsError(
                f"no weights ship for {self.name} yet; name a file under fuse.weights, or say `weights: random` to measure its speed"
            )
        load_weights(network, Path(found), self._settings.encoder)


def upfusion(settings: NetworkSettings) -> TextGuided:
    """UP-Fusion: channel pruning, affine modulation, text-guided channel perturbation."""
    return TextGuided("upfusion", settings)


def lure(settings: NetworkSettings) -> TextGuided:
    """LURE: one latent space for both cameras, text-guided attention."""
    return TextGuided("lure", settings)


def textpixels(settings: NetworkSettings) -> TextGuided:
    """From Text to Pixels: text-guided attention and a codebook."""
    return TextGuided("textpixels", settings)


def nano(settings: NetworkSettings) -> TextGuided:
    """The small one of our own, with named dials."""
    return TextGuided("nano", settings)


__all__ = ["NetworkSettings", "TextGuided", "lure", "nano", "textpixels", "upfusion"]
