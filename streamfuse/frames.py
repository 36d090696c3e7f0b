"""The nouns: everything that crosses a stage boundary.

All are frozen, keyword-only, compared by identity, and checked once, here. `repr` shows shapes, never pixels.
Times are integer nanoseconds; `t_cap_ns` is UTC. Pixels are read-only from the moment a frame is made.
Legend of tensor shapes: B batch, H W pixels of the visible grid, h w pixels of the infrared grid, c = ceil(n / 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import FrameError

if TYPE_CHECKING:
    import torch

ClockKind: TypeAlias = Literal["rtcp", "device", "estimated", "host", "media"]
CameraState: TypeAlias = Literal["fresh", "stale", "frozen", "absent"]
Mode: TypeAlias = Literal["fused", "infrared_only", "visible_only", "degraded"]
Matrix: TypeAlias = Literal["bt601", "bt709"]
Range: TypeAlias = Literal["limited", "full"]


class Spectrum(StrEnum):
    """Which of the two cameras of a pair."""

    INFRARED = "infrared"
    VISIBLE = "visible"

    @property
    def other(self) -> "Spectrum":
        """The partner's spectrum."""
        return Spectrum.VISIBLE if self is Spectrum.INFRARED else Spectrum.INFRARED


class Noun:
    """A `repr` that shows shapes instead of pixels."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={_brief(getattr(self, f.name))}" for f in fields(self) if f.repr)  # type: ignore[arg-type]
        return f"{type(self).__name__}({shown})"


def _brief(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    return repr(value)


def chroma_size(size: int) -> int:
    """Samples of a 4:2:0 chroma plane along an edge of `size` luma samples: ceil(size / 2)."""
    return (size + 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Planes(Noun):
    """A colour picture as YUV 4:2:0: `y` (H, W), `u` and `v` (ceil(H/2), ceil(W/2)), all uint8 and read-only."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.y.ndim != 2 or 0 in self.y.shape:
            raise FrameError(f"luma must have 2 axes and pixels, got {self.y.shape}")
        want = (chroma_size(self.y.shape[0]), chroma_size(self.y.shape[1]))
        for plane in (self.y, self.u, self.v):
            if plane.dtype != np.uint8:
                raise FrameError(f"planes must be uint8, got {plane.dtype}")
            plane.flags.writeable = False
        if self.u.shape != want or self.v.shape != want:
            raise FrameError(f"chroma of a {self.y.shape} picture must be {want}, got {self.u.shape} and {self.v.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return (self.y.shape[0], self.y.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of the three planes together."""
        return self.y.nbytes + self.u.nbytes + self.v.nbytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False, weakref_slot=True)
class Frame(Noun):
    """One picture of one camera, as decoded: no colour conversion has happened yet. A frame used again is the same object."""

    image: "NDArray[Any] | Planes"
    """Infrared: (H, W) uint8 or uint16. Visible: (H, W, 3) RGB uint8, or `Planes`. Read-only, and this frame's own."""
    spectrum: Spectrum
    t_cap_ns: int
    """Capture instant, UTC nanoseconds, by the clock named in `clock`."""
    clock: ClockKind
    """Where `t_cap_ns` comes from; `media` for files."""
    uncertainty_ns: int = 0
    """Half width of the interval in which the true capture instant lies, as far as known."""
    seq: int
    """Number of the frame since its source was opened, from 0."""
    epoch: int = 0
    """Grows with each break in time: reconnect, loop, seek, clock step."""
    source: str
    """Name of the source, without credentials."""
    matrix: Matrix = "bt601"
    range: Range = "full"
    """Matrix and range of `image` where it is YUV; for infrared only the range counts."""
    pts: int | None = None
    """Presentation stamp as the container gave it, in units of `time_base`."""
    time_base: Fraction | None = None
    t_due_ns: int | None = None
    """UTC instant at which a frame replayed in time was due; None where nothing is replayed in time."""

    def __post_init__(self) -> None:
        if isinstance(self.image, Planes):
            if self.spectrum is not Spectrum.VISIBLE:
                raise FrameError("an infrared frame is one plane of luma, got colour planes")
            return
        ndim, dtypes = (2, ("uint8", "uint16")) if self.spectrum is Spectrum.INFRARED else (3, ("uint8",))
        if self.image.ndim != ndim or (ndim == 3 and self.image.shape[2] != 3):
            want = "(H, W)" if ndim == 2 else "(H, W, 3)"
            raise FrameError(f"{self.source}: an {self.spectrum} frame must be {want}, got {self.image.shape}")
        if self.image.dtype.name not in dtypes:
            raise FrameError(f"{self.source}: an {self.spectrum} frame must be {' or '.join(dtypes)}, got {self.image.dtype}")
        if 0 in self.image.shape:
            raise FrameError(f"{self.source}: an empty picture, {self.image.shape}")
        self.image.flags.writeable = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.size if isinstance(self.image, Planes) else (self.image.shape[0], self.image.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Pair(Noun):
    """What both cameras saw at one instant. Either may be missing, and its state says so."""

    infrared: Frame | None
    visible: Frame | None
    infrared_state: CameraState
    visible_state: CameraState
    stream: str
    seq: int
    """Number of the pair in its stream, from 0, without gaps where nothing was dropped."""
    epoch: int = 0
    reference: Spectrum = Spectrum.VISIBLE
    """The camera whose capture instant is the pair's; the other one where this is missing."""

    def __post_init__(self) -> None:
        if self.infrared is None and self.visible is None:
            raise FrameError("a pair needs at least one frame")
        for frame, state, spectrum in (
            (self.infrared, self.infrared_state, Spectrum.INFRARED),
            (self.visible, self.visible_state, Spectrum.VISIBLE),
        ):
            if (frame is None) != (state == "absent"):
                raise FrameError(f"the state of {spectrum} is {state!r}, but its frame is {frame!r}")
            if frame is not None and frame.spectrum is not spectrum:
                raise FrameError(f"an {frame.spectrum} frame was given as {spectrum}")

    @property
    def skew_ns(self) -> int | None:
        """t_visible - t_infrared, signed; None where one is missing."""
        return None if self.infrared is None or self.visible is None else self.visible.t_cap_ns - self.infrared.t_cap_ns

    @property
    def lead(self) -> Frame:
        """The frame that gives the pair its time: the reference's, or the only one."""
        first, second = (self.visible, self.infrared) if self.reference is Spectrum.VISIBLE else (self.infrared, self.visible)
        return first or second  # type: ignore[return-value]  # the constructor saw to it that one is there

    @property
    def t_cap_ns(self) -> int:
        """Capture instant of the lead frame, UTC nanoseconds."""
        return self.lead.t_cap_ns

    @property
    def mode(self) -> Mode:
        """`fused` only if both are fresh; one camera alone is a mode of its own; everything else is `degraded`."""
        states = (self.infrared_state, self.visible_state)
        if states == ("fresh", "fresh"):
            return "fused"
        if states == ("fresh", "absent"):
            return "infrared_only"
        if states == ("absent", "fresh"):
            return "visible_only"
        return "degraded"

    @property
    def usable(self) -> frozenset[Spectrum]:
        """Cameras whose picture may go into the result: a frozen one only where it is all there is."""
        moving = {s for s in Spectrum if self.state(s) in ("fresh", "stale")}
        return frozenset(moving or {s for s in Spectrum if self.state(s) != "absent"})

    def state(self, spectrum: Spectrum) -> CameraState:
        """State of one camera."""
        return self.infrared_state if spectrum is Spectrum.INFRARED else self.visible_state

    def frame(self, spectrum: Spectrum) -> Frame | None:
        """Frame of one camera."""
        return self.infrared if spectrum is Spectrum.INFRARED else self.visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the user asks to bring out, in words."""

    text: str = ""
    """Empty means the neutral prompt."""
    negative: tuple[str, ...] = ()
    strength: float = 1.0
    """0 does nothing, 1 all of it: of the words and of the dials."""
    dials: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Dials set by hand, by name; each stands instead of what the words set. Names and ranges: `networks.dials`."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise FrameError(f"the strength of a prompt lies between 0 and 1, got {self.strength}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PromptState(Noun):
    """Everything of a network that depends on text alone: tensors of fixed shape, computed once per prompt."""

    id: str
    """Short and stable: what goes on the wire instead of the words."""
    tensors: "Mapping[str, torch.Tensor]" = field(default_factory=dict)


class Event(Protocol):
    """After which the tensors of a batch may be read. `torch.cuda.Event` is one; on a CPU there is none."""

    def query(self) -> bool:
        """Whether it has happened; does not wait."""

    def synchronize(self) -> None:
        """Wait until it has happened."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Batch(Noun):
    """Pairs on the device: float32 in [0, 1], BT.601 full range. All items have the same sizes and the same cameras."""

    pairs: tuple[Pair, ...]
    infrared_B1hw: "torch.Tensor | None"
    """(B, 1, h, w); on the visible grid (H, W) after `align`. None: no item has a usable infrared picture."""
    luma_B1HW: "torch.Tensor | None"
    """(B, 1, H, W) luma of the visible picture. None: no item has a usable visible picture."""
    chroma_B2cc: "torch.Tensor | None"
    """(B, 2, ceil(H/2), ceil(W/2)), Cb and Cr; 128/255 is neutral."""
    prompts: tuple[PromptState, ...]
    rigs: tuple[str | None, ...]
    """Name of the rig of each item, None where it has none."""
    covered_B1HW: "torch.Tensor | None" = None
    """After `align`: where infrared really saw something; elsewhere it holds the visible luma. None: everywhere."""
    ready: Event | None = None
    """The tensors may be read after this event; None: now."""

    def __post_init__(self) -> None:
        if self.infrared_B1hw is None and self.luma_B1HW is None:
            raise FrameError("a batch needs pixels of at least one camera")
        if (self.luma_B1HW is None) != (self.chroma_B2cc is None):
            raise FrameError("luma and chroma of the visible picture come together")
        for tensor, channels in ((self.infrared_B1hw, 1), (self.luma_B1HW, 1), (self.chroma_B2cc, 2)):
            if tensor is not None and (tensor.ndim != 4 or tensor.shape[:2] != (len(self.pairs), channels)):
                raise FrameError(f"want ({len(self.pairs)}, {channels}, height, width), got {tuple(tensor.shape)}")
        if not len(self.pairs) == len(self.prompts) == len(self.rigs):
            raise FrameError(f"{len(self.pairs)} pairs need as many prompts and rigs, got {len(self.prompts)} and {len(self.rigs)}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the result: the visible grid, or infrared's own where there is no visible picture."""
        grid = self.infrared_B1hw if self.luma_B1HW is None else self.luma_B1HW
        assert grid is not None
        return (grid.shape[2], grid.shape[3])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fused(Noun):
    """Fused pictures on the device, on the grid of the visible frames: float32 in [0, 1], BT.601 full range."""

    luma_B1HW: "torch.Tensor"
    chroma_B2cc: "torch.Tensor"
    batch: Batch
    """The aligned batch this was made from: a detector may want the infrared picture beside the fused one."""

    def __post_init__(self) -> None:
        count, _, height, width = self.luma_B1HW.shape
        want = (count, 2, chroma_size(height), chroma_size(width))
        if tuple(self.luma_B1HW.shape) != (len(self.batch.pairs), 1, *self.batch.size):
            raise FrameError(f"fused luma {tuple(self.luma_B1HW.shape)} does not lie on the grid {self.batch.size}")
        if tuple(self.chroma_B2cc.shape) != want:
            raise FrameError(f"chroma of {tuple(self.luma_B1HW.shape)} must be {want}, got {tuple(self.chroma_B2cc.shape)}")
