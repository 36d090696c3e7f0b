"""Prompt -> what a network and the colour after it need of it: all that words cost, spent once per prompt."""

from collections.abc import Iterable, Mapping

import torch

from streamfuse.errors import ConfigError
from streamfuse.frames import Prompt, PromptState
from streamfuse.fuse.classical import NEUTRAL_PROMPT_ID, prompt_id
from streamfuse.fuse.words import embeddings, wanted_embeddings
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.dials import DIAL_INDEX, DIALS, shown, turned, without
from streamfuse.networks.network import Embeddings, FusionNetwork, State
from streamfuse.text import TextEncoder

COLOURING = ("restoring", "colour_warmth", "saturation")
"""In every state beside what the network wants: see `recolour`."""


@torch.inference_mode()
def prompt_state(network: FusionNetwork, reader: TextEncoder, prompt: Prompt) -> State:
    """The state of one prompt, on the network's device: words, less what is unwanted, then dials by hand, then strength.

    `ConfigError` where a dial has no such name or range, or the network has none.
    """
    device = next(network.parameters()).device
    silent = bool(prompt.dials) and not (prompt.text or prompt.negative)
    words = None if silent else Embeddings(*(tensor.to(device) for tensor in wanted_embeddings(reader, prompt)))
    if isinstance(network, DialledNetwork):
        state = network.with_dials(_dials(network, reader, prompt, words, device), words)
    elif prompt.dials:
        raise ConfigError(
            f"{network.name} {network.size} has no dials to set by hand, got {', '.join(prompt.dials)}: "
            "say it in words, or use fuse.kind nano or fuse.size small"
        )
    else:
        assert words is not None  # nothing was set by hand
        state = network.encode_text(*words)
    strength_P = torch.tensor([0.0 if prompt_id(prompt) == NEUTRAL_PROMPT_ID else prompt.strength], device=device)
    state = network.temper(state, strength_P)
    return {**state, **_colour_of(state, strength_P)}


def network_state(prompt: PromptState) -> State:
    """What the network wants of it."""
    return {name: tensor for name, tensor in prompt.tensors.items() if name not in COLOURING}


def stacked(states: Iterable[Mapping[str, torch.Tensor]]) -> State:
    """The states of a batch: item i gets state i."""
    held = list(states)
    return {name: torch.cat([state[name] for state in held]) for name in held[0]}


def dials_of(state: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """What a prompt sets, by name, rounded to two digits; nothing for networks without dials."""
    return shown(state["dials"][0]) if "dials" in state else {}


def _dials(network: DialledNetwork, reader: TextEncoder, prompt: Prompt, words: Embeddings | None, device: torch.device) -> torch.Tensor:
    """(1, N). A prompt of dials alone leaves the others at 0."""
    if words is None:
        return turned(torch.zeros(1, len(DIALS), device=device), prompt.dials)
    dials_1N = network.front.dial_head(words.pooled_PD)
    for text in prompt.negative:
        dials_1N = without(dials_1N, network.front.dial_head(embeddings(reader, [text]).pooled_PD.to(device)))
    return turned(dials_1N, prompt.dials)


def _colour_of(state: State, strength_P: torch.Tensor) -> State:
    """How much the prompt restores the visible picture, and how it turns colours."""
    if "dials" not in state:
        zero_P = torch.zeros_like(strength_P)
        return dict(zip(COLOURING, (strength_P, zero_P, zero_P), strict=True))
    dials_PN = state["dials"]
    repairs = [DIAL_INDEX[dial.name] for dial in DIALS if dial.camera == "visible" and dial.low == 0]
    return {"restoring": dials_PN[:, repairs].amax(1), **{name: dials_PN[:, DIAL_INDEX[name]] for name in COLOURING[1:]}}
