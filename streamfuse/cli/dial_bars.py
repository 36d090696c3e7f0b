"""The dials that a prompt sets, found by the weights of a network and drawn as bars."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamfuse.errors import ConfigError
from streamfuse.frames import Prompt
from streamfuse.fuse.prompt_state import dials_of, prompt_state
from streamfuse.fuse.weights_file import network_of, shipped_weights
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.dials import DIALS
from streamfuse.text import encoder

NETWORK = "nano"
SCALE = "-1        0        1"
BAR_CELLS = len(SCALE)
LEAST_SHOWN = 0.05
"""Dials nearer to 0 than this are dim: they are hardly seen in the picture either."""
COLOURS = {"visible": "dodger_blue1", "infrared": "dark_orange", "both": "medium_purple1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DialsSet:
    """What a prompt sets, or why nobody can tell."""

    dials: dict[str, float] = field(default_factory=dict)
    weights: str | None = None
    """Name of the network, `nano-small`, whose weights these are."""
    encoder: str = "minilm"
    missing: str = ""
    """Why there are none, in one line."""


def dials_set(prompt: Prompt, weights: Path | None, encoder_name: str | None) -> DialsSet:
    """By the weights in a file, or by those that ship. `WeightsError` and `ConfigError` where a file was named that cannot tell."""
    path = weights or shipped_weights(NETWORK, "small")
    if path is None:
        return DialsSet(missing=f"dials: no weights ship for {NETWORK} yet; --weights FILE shows those of your own")
    network, reads = network_of(path)
    name = f"{network.name}-{network.size}"
    if not isinstance(network, DialledNetwork):
        raise ConfigError(f"{path} is for {name}, which has no dials: want weights of {NETWORK}, or of size small")
    if encoder_name not in (None, reads):
        return DialsSet(
            encoder=reads, missing=f"dials: the weights of {name} read {reads}, not {encoder_name}; leave --encoder out to see them"
        )
    return DialsSet(dials=dials_of(prompt_state(network, encoder(reads), prompt)), weights=name, encoder=reads)


def drawn(prompt: Prompt, found: DialsSet) -> RenderableType:
    """One bar per dial, 0 in the middle, and what each does; or the line that says why there are none."""
    if not found.dials:
        return Text(found.missing, style="yellow")
    said = [f"strength {prompt.strength:g}"] if prompt.strength < 1 else []
    said += [f"not: {text}" for text in prompt.negative]
    table = Table("dial", SCALE, "", "does", box=None, padding=(0, 2), header_style="bold")
    table.columns[2].justify = "right"
    for dial in DIALS:
        value = found.dials[dial.name]
        acts = abs(value) >= LEAST_SHOWN
        bar = Bar(2, 1 + min(value, 0), 1 + max(value, 0), width=BAR_CELLS, color=COLOURS[dial.camera], bgcolor="grey15")
        style = "" if acts else "dim"
        table.add_row(
            Text(dial.name, style=style),
            bar,
            Text(f"{value:+.2f}" if acts else f"{value:.2f}", style=style),
            Text(dial.meaning, style="dim"),
        )
    return Group(Text.assemble("sets these dials of ", (found.weights or "", "bold"), *(f", {part}" for part in said)), table)
