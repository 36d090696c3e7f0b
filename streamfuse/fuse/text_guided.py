"""A fusion network, its prompts and its colour, as a fuser. Words cost once per prompt; a frame sees only their state."""

import importlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from streamfuse.colour import from_rgb, to_rgb
from streamfuse.errors import FrameError, WeightsError
from streamfuse.frames import Batch, Fused, Prompt, PromptState
from streamfuse.fuse.classical import NEUTRAL_PROMPT_ID, prompt_id
from streamfuse.fuse.recolour import Colouring, recoloured
from streamfuse.fuse.weights_file import load_weights, shipped_weights
from streamfuse.fuse.words import embeddings, wanted_embeddings
from streamfuse.networks import create
from streamfuse.networks.dials import DIAL_INDEX, DIALS, within_range, without
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.registry import Settings
from streamfuse.text import encoder

FOLDS_KEPT = 8  # networks with a prompt folded in, the least used goes first
COLOURING = ("restoring", "colour_warmth", "saturation")  # in every state beside what the network wants


class NetworkSettings(Settings):
    """Which network, with which weights, under which words."""

    size: Literal["base", "small"] = "small"
    weights: Path | Literal["random"] | None = None
    """A safetensors file; none: those that ship. `random` is for measuring speed: it fuses nothing of use."""
    encoder: str = "minilm"
    """What reads prompts; weights say which one they were trained with."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the network's arithmetic; `auto`: bf16 where the device has units for it, else fp32."""


class TextGuided:
    """For the engine's thread, but for `compile`, which any thread may call while frames are fused."""

    def __init__(self, network: str, settings: NetworkSettings) -> None:
        self.name = f"{network}-{settings.size}"
        self.precision: str = settings.precision
        self._kind = network
        self._settings = settings
        self._network: FusionNetwork | None = None
        self._device = torch.device("cpu")
        self._folds: OrderedDict[str, torch.nn.Module] = OrderedDict()
        self._lock = threading.Lock()

    def to(self, device: torch.device) -> None:
        """Build the network, fill it and move it. `WeightsError` where there are no weights that fit."""
        network = create(self._kind, size=self._settings.size, text_dim=encoder(self._settings.encoder).dim)
        self._fill(network)
        self._device = device
        self.precision = chosen_precision(self._settings.precision, device)
        self._folds.clear()
        self._network = network.eval().requires_grad_(requires_grad=False).to(device)

    def compile(self, prompt: Prompt) -> PromptState:
        """Read the words, set the dials or gates, and fold them into the kernels: all that a swap must not wait for."""
        state = PromptState(id=prompt_id(prompt), tensors=self._state(prompt))
        self._fold(state)
        return state

    def fuse(self, batch: Batch, prompts: Sequence[PromptState]) -> Fused:
        """One prompt: the folded kernels. Several: the network itself, with a state per item."""
        if batch.infrared_B1hw is None or batch.luma_B1HW is None or batch.chroma_B2cc is None:
            raise FrameError(f"{self.name} needs both cameras")
        states = _stacked(prompts)
        colour = self.network.colour
        visible = batch.luma_B1HW if colour == "luma" else to_rgb(batch.luma_B1HW, batch.chroma_B2cc)
        dtype = DTYPES[self.precision]
        infrared, visible = batch.infrared_B1hw.to(dtype), visible.to(dtype)
        if len({state.id for state in prompts}) == 1:
            out = self._fold(prompts[0])(infrared, visible)
        else:
            with torch.autocast(self._device.type, dtype, enabled=dtype != torch.float32):
                out = self.network(infrared, visible, states)
        out = out.float().clamp(0, 1)
        if colour == "rgb":
            luma, chroma = from_rgb(out)
            return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)
        chroma = recoloured(batch.chroma_B2cc, batch.luma_B1HW, out, Colouring(*(states[name] for name in COLOURING)))
        return Fused(luma_B1HW=out, chroma_B2cc=chroma, batch=batch)

    def dials(self, state: PromptState) -> dict[str, float]:
        """What the prompt sets, by name; nothing for networks without dials."""
        values = state.tensors.get("dials")
        return {} if values is None else {dial.name: round(float(v), 2) for dial, v in zip(DIALS, values[0], strict=True)}

    @property
    def network(self) -> FusionNetwork:
        """There after `to`."""
        if self._network is None:
            raise WeightsError(f"{self.name} was not loaded yet")
        return self._network

    def _fill(self, network: FusionNetwork) -> None:
        path = self._settings.weights
        if path == "random":
            return
        found = path or shipped_weights(self._kind, self._settings.size)
        if found is None:
            raise WeightsError(
                f"no weights ship for {self.name} yet; name a file under fuse.weights, or say `weights: random` to measure its speed"
            )
        load_weights(network, Path(found), self._settings.encoder)

    @torch.inference_mode()
    def _state(self, prompt: Prompt) -> State:
        network, reader = self.network, encoder(self._settings.encoder)
        state = network.encode_text(*(tensor.to(self._device) for tensor in wanted_embeddings(reader, prompt)))
        if "dials" in state and prompt.negative:
            for text in prompt.negative:
                unwanted = network.encode_text(*(tensor.to(self._device) for tensor in embeddings(reader, [text])))
                state = network.with_dials(within_range(without(state["dials"], unwanted["dials"])))  # type: ignore[operator]
        neutral = prompt_id(prompt) == NEUTRAL_PROMPT_ID
        strength = torch.tensor([0.0 if neutral else prompt.strength], device=self._device)
        state = network.temper(state, strength)
        return {**state, **_colour_of(state, strength)}

    def _fold(self, state: PromptState) -> Any:
        """The network with one prompt folded in, made once per prompt."""
        with self._lock:
            found = self._folds.get(state.id)
            if found is not None:
                self._folds.move_to_end(state.id)
                return found
        fold = importlib.import_module(f"streamfuse.networks.fast_{self._kind}").fold
        folded: torch.nn.Module = fold(self.network, {name: t for name, t in state.tensors.items() if name not in COLOURING})
        folded = folded.eval().to(DTYPES[self.precision])
        with self._lock:
            self._folds[state.id] = folded
            while len(self._folds) > FOLDS_KEPT:
                self._folds.popitem(last=False)
        return folded


DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def chosen_precision(wanted: str, device: torch.device) -> Literal["fp32", "bf16", "fp16"]:
    """What `auto` means on a device."""
    if wanted != "auto":
        return wanted  # type: ignore[return-value]  # the settings saw to it
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if torch.cpu._is_amx_tile_supported() else "fp32"  # noqa: SLF001  there is no public way to ask


def _colour_of(state: State, strength_P: torch.Tensor) -> State:
    """How much the prompt restores the visible picture, and how it turns colours."""
    if "dials" not in state:
        zero = torch.zeros_like(strength_P)
        return dict(zip(COLOURING, (strength_P, zero, zero), strict=True))
    dials_PN = state["dials"]
    repairs = [DIAL_INDEX[dial.name] for dial in DIALS if dial.camera == "visible" and dial.low == 0]
    return {"restoring": dials_PN[:, repairs].amax(1), **{name: dials_PN[:, DIAL_INDEX[name]] for name in COLOURING[1:]}}


def _stacked(prompts: Sequence[PromptState]) -> State:
    return {name: torch.cat([state.tensors[name] for state in prompts]) for name in prompts[0].tensors}


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
