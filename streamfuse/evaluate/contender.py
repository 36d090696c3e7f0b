"""Whoever is compared: a fuser under a prompt, or one camera alone. Takes pictures, gives pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.colour import NEUTRAL, from_rgb
from streamfuse.errors import ConfigError
from streamfuse.frames import Batch, Frame, Fused, Pair, Prompt, PromptState, Spectrum
from streamfuse.fuse import FUSERS, RULES
from streamfuse.fuse.steady import SteadySettings, leaning
from streamfuse.fuse.weights_file import label_of
from streamfuse.stages import Fuser

CAMERAS = ("infrared", "visible")
ALWAYS = (*RULES, *CAMERAS)
"""In every report: a network that does not beat these has proved nothing."""


class Sight(NamedTuple):
    """One pair as it was loaded, on one grid."""

    infrared_HW: NDArray[np.uint8]
    visible_HW3: NDArray[np.uint8]
    """RGB."""


class Contender(Protocol):
    """A row of the report."""

    name: str

    def fuse(self, sight: Sight) -> Fused:
        """The fused picture, a batch of one."""
        ...


class WithFuser:
    """A fuser from the table, ready on its device. Its prompt is read once."""

    def __init__(self, name: str, fuser: Fuser, prompt: Prompt, device: torch.device, entry: str = "") -> None:
        """`entry`: as it was asked for, the same under all prompts; by default its name."""
        self.name, self.entry = name, entry or name
        self.fuser, self.device = fuser, device
        self._state = fuser.compile(prompt)

    @torch.inference_mode()
    def fuse(self, sight: Sight) -> Fused:
        """As the pipeline would."""
        batch = batch_of(sight, self.device, self._state)
        return self.fuser.fuse(batch, [self._state])


class Steadied:
    """A row whose pictures lean on the ones before, as with `steady` in a configuration. For consecutive frames."""

    def __init__(self, row: Contender, settings: SteadySettings) -> None:
        self.name = f"{row.name}, steady"
        self._row, self._settings = row, settings
        self._before_11HW: torch.Tensor | None = None

    def fuse(self, sight: Sight) -> Fused:
        """The next frame."""
        fused = self._row.fuse(sight)
        luma = fused.luma_B1HW
        if self._before_11HW is not None and self._before_11HW.shape == luma.shape:
            luma = leaning(luma, self._before_11HW, self._settings)
        self._before_11HW = luma
        return Fused(luma_B1HW=luma, chroma_B2cc=fused.chroma_B2cc, batch=fused.batch)

    def forget(self) -> None:
        """The next frame is the first of a recording."""
        self._before_11HW = None


class CameraAlone:
    """What one camera shows, as if it were the result."""

    def __init__(self, camera: str, device: torch.device) -> None:
        self.name = camera
        self._device = device

    def fuse(self, sight: Sight) -> Fused:
        """The visible picture, or infrared in grey."""
        batch = batch_of(sight, self._device, PromptState(id="neutral"))
        assert batch.infrared_B1hw is not None  # both are there: `batch_of` put them in
        assert batch.luma_B1HW is not None
        assert batch.chroma_B2cc is not None
        if self.name == "infrared":
            return Fused(luma_B1HW=batch.infrared_B1hw, chroma_B2cc=torch.full_like(batch.chroma_B2cc, NEUTRAL), batch=batch)
        return Fused(luma_B1HW=batch.luma_B1HW, chroma_B2cc=batch.chroma_B2cc, batch=batch)


def contenders(wanted: Sequence[str], prompts: Sequence[str] = (), device: str = "cpu") -> list[Contender]:
    """The wanted fusers, then `ALWAYS`. `NAME=FILE` takes weights from a file, of the size and the encoder that its label says.

    Fusers that read words come once per prompt, as `NAME: prompt`, where there are several; the others once. `ConfigError` for a name
    that is not in the table.
    """
    where = torch.device(device)
    rows: list[Contender] = []
    for entry in dict.fromkeys([*wanted, *RULES]):
        if entry in CAMERAS:
            continue
        fuser = _made(entry, where)
        words = [""] if entry in RULES else list(prompts) or [""]
        named = {f"{entry}: {text or 'neutral'}" if len(words) > 1 else entry: text for text in words}
        rows += [WithFuser(name, fuser, Prompt(text=text), where, entry) for name, text in named.items()]
    return rows + [CameraAlone(camera, where) for camera in CAMERAS]


def _made(entry: str, device: torch.device) -> Fuser:
    name, _, weights = entry.partition("=")
    if weights and name in RULES:
        raise ConfigError(f"{entry}: {name} has no weights")
    fuser = FUSERS.make(name, **_settings(name, weights))
    fuser.to(device)
    return fuser


def _settings(name: str, weights: str) -> dict[str, Any]:
    if weights in ("", "random"):
        return {"weights": weights} if weights else {}
    if name not in FUSERS:  # one of somebody's own, whose files need no label
        return {"weights": Path(weights)}
    label = label_of(Path(weights))
    return {"weights": Path(weights), "size": label.size, "text": label.text, "encoder": label.encoder}


def batch_of(sight: Sight, device: torch.device, state: PromptState) -> Batch:
    """A batch of one, as `batch` and `align` would make it."""
    frames: dict[Spectrum, NDArray[np.uint8]] = {Spectrum.INFRARED: sight.infrared_HW, Spectrum.VISIBLE: sight.visible_HW3}
    infrared, visible = (
        Frame(image=image.view(), spectrum=spectrum, t_cap_ns=0, clock="media", seq=0, source=str(spectrum))
        for spectrum, image in frames.items()
    )
    pair = Pair(infrared=infrared, visible=visible, infrared_state="fresh", visible_state="fresh", stream="evaluate", seq=0)
    rgb_B3HW = _unit(sight.visible_HW3, device).permute(0, 3, 1, 2)
    luma_B1HW, chroma_B2cc = from_rgb(rgb_B3HW)
    return Batch(
        pairs=(pair,),
        infrared_B1hw=_unit(sight.infrared_HW, device)[:, None],
        luma_B1HW=luma_B1HW,
        chroma_B2cc=chroma_B2cc,
        prompts=(state,),
        rigs=(None,),
    )


def _unit(picture: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    return torch.tensor(picture, device=device)[None].float() / 255


def grey_levels(luma_B1HW: torch.Tensor) -> torch.Tensor:
    """[0, 1] -> uint8 (B, H, W), rounded. No stretching: it lifts SD, SF, AG and EN."""
    return (luma_B1HW[:, 0].clamp(0, 1) * 255).round().to(torch.uint8)
