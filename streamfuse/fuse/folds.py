"""Networks with a prompt folded into their kernels: how torch runs them without a compiler."""

import importlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import torch

from streamfuse.frames import Batch, PromptState
from streamfuse.fuse.latents import LatentShelf
from streamfuse.fuse.precision import DTYPES, Precision
from streamfuse.fuse.prompt_state import network_state, stacked
from streamfuse.networks.fast_lure import FastLure
from streamfuse.networks.fast_nano import FastNano
from streamfuse.networks.lure import Lure
from streamfuse.networks.network import FusionNetwork, State

Name: TypeAlias = Literal["torch", "openvino", "compile"]
"""Of a runtime."""
FOLDS_KEPT = 8  # networks with a prompt folded in, the least used goes first


class Folds:
    """One network under few prompts. A batch under one prompt runs its fold, a mixed batch the network, with a state per item.

    For one thread, but for `prepare`, which any thread may call meanwhile.
    """

    name: Name = "torch"

    def __init__(self, network: FusionNetwork, precision: Precision) -> None:
        self._network = network
        self._dtype = DTYPES[precision]
        self._folds: OrderedDict[str, torch.nn.Module] = OrderedDict()
        self.latents = LatentShelf()
        self._lock = threading.Lock()

    def prepare(self, prompt: PromptState) -> None:
        """Fold it in."""
        self._fold(prompt)

    def __call__(
        self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, batch: Batch, prompts: Sequence[PromptState]
    ) -> torch.Tensor:
        """The fused pictures, not clamped, in whatever precision they come in."""
        if len({prompt.id for prompt in prompts}) > 1:
            return self._mixed((infrared_B1HW, visible_BCHW), batch, prompts)
        folded = self._fold(prompts[0])
        if not isinstance(folded, FastNano):  # which takes pictures as they are, and adds to them in full
            infrared_B1HW, visible_BCHW = infrared_B1HW.to(self._dtype), visible_BCHW.to(self._dtype)
        if isinstance(folded, FastLure):
            return self._per_camera(folded.folded, {}, batch, prompts, (infrared_B1HW, visible_BCHW))
        fused: torch.Tensor = folded(infrared_B1HW, visible_BCHW)
        return fused

    def _mixed(self, pictures: tuple[torch.Tensor, torch.Tensor], batch: Batch, prompts: Sequence[PromptState]) -> torch.Tensor:
        states = stacked(network_state(prompt) for prompt in prompts)
        with torch.autocast(pictures[0].device.type, self._dtype, enabled=self._dtype != torch.float32):
            if isinstance(self._network, Lure):
                return self._per_camera(self._network, states, batch, prompts, pictures)
            fused: torch.Tensor = self._network(*pictures, states)
            return fused

    def _per_camera(
        self, network: Lure, states: State, batch: Batch, prompts: Sequence[PromptState], pictures: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """`network` on both pictures, but an infrared frame that is shown again is not encoded again."""
        infrared_B1HW, visible_B3HW = pictures
        prepared_B1HW, visible_B3HW = network.prepared(infrared_B1HW, visible_B3HW, states)
        words = [state.id for state in prompts]
        infrared = self.latents.infrared(network, states, batch, words, infrared_B1HW, prepared_B1HW=prepared_B1HW)
        return network.fuse_latents(infrared, network.encode(visible_B3HW, "visible", states), states)

    def _fold(self, prompt: PromptState) -> Any:
        """The network with one prompt folded in, made once per prompt."""
        with self._lock:
            found = self._folds.get(prompt.id)
            if found is not None:
                self._folds.move_to_end(prompt.id)
                return found
        fold = importlib.import_module(f"streamfuse.networks.fast_{self._network.name}").fold
        folded: torch.nn.Module = fold(self._network, network_state(prompt)).eval().to(self._dtype)
        with self._lock:
            self._folds[prompt.id] = folded
            while len(self._folds) > FOLDS_KEPT:
                self._folds.popitem(last=False)
        return folded
