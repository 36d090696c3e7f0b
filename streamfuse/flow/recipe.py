"""A recipe: which stages, for which pairs of cameras, in which order. A pipeline runs it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from streamfuse.batch.collector import BatchSettings
from streamfuse.errors import ConfigError
from streamfuse.frames import Pair, Prompt, Spectrum
from streamfuse.fuse.auto_prompt import AutoPrompt
from streamfuse.fuse.steady import Steady
from streamfuse.registry import suggestion
from streamfuse.stages import Aligner, Detector, Fuser, Sink, Source, Sync, Tracker
from streamfuse.sync.content import ContentCheck

Policy = Literal["live", "lossless"]
STAGES = ("source", "sync", "batch", "align", "fuse", "detect")


class RigLike(Protocol):
    """What `flow` needs to know of a calibration; the rest is the aligner's business."""

    @property
    def id(self) -> str:
        """Changes when the calibration does."""
        ...

    @property
    def residual_px(self) -> float | None:
        """How well it fits."""
        ...


class Misfit(Protocol):
    """How far infrared lies from where it should."""

    @property
    def residual_px(self) -> float:
        """In visible pixels."""
        ...

    @property
    def shift_px(self) -> tuple[float, float]:
        """Right and down, in visible pixels."""
        ...

    @property
    def moved_px(self) -> float:
        """Since the first looks."""
        ...

    @property
    def alarm(self) -> bool:
        """Whether somebody should go and look."""
        ...


class MonitorLike(Protocol):
    """What `flow` asks of a residual monitor. Used by one thread."""

    @property
    def drift(self) -> Misfit | None:
        """What is known by now."""
        ...

    def see(self, pair: Pair) -> Misfit | None:
        """Show it a pair; it looks when it wants to."""
        ...

    def refined(self, t_ns: int) -> RigLike | None:
        """A better rig, where one is wanted and due."""
        ...


@dataclass(kw_only=True, eq=False)
class CameraPair:
    """One stream: two cameras, or one. Sources are made, not opened."""

    stream: str
    infrared: Source | None = None
    visible: Source | None = None
    sync: Sync
    tone: Callable[[Any], Any] | None = None
    """Frame -> Frame with 8 bits, for infrared; None passes it on."""
    rig: RigLike | None = None
    prompt: Prompt | AutoPrompt = field(default_factory=Prompt)
    """Words, or what finds its own dials."""
    tracker: Tracker | None = None
    monitor: MonitorLike | None = None
    """Watches how well the cameras fit; None: nobody does."""
    content: ContentCheck | None = None
    """Watches whether what moves in both does so at the same time; None: nobody does."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise ConfigError(f"{self.stream}: a pair needs at least one camera")

    @property
    def sources(self) -> dict[Spectrum, Source]:
        """The cameras that there are."""
        both = {Spectrum.INFRARED: self.infrared, Spectrum.VISIBLE: self.visible}
        return {spectrum: source for spectrum, source in both.items() if source is not None}


@dataclass(kw_only=True, eq=False)
class Recipe:
    """Everything that a pipeline runs. `after` puts stages of your own between any two."""

    pairs: list[CameraPair]
    align: Aligner
    fuse: Fuser
    detect: Detector
    sinks: list[Sink]
    batch: BatchSettings = field(default_factory=BatchSettings)
    steady: Steady | None = None
    """What steadies fused pictures over time; None: each comes as it is."""
    policy: Policy = "live"
    device: str = "auto"
    threads: int = 0
    """Of the CPU for one operation on pixels, for the whole process; 0: chosen by the number of cores."""
    speed: float = 1.0
    """Of recordings, in live policy: 1 is real time."""
    loop: bool = False
    wait_subscribers: int = 0
    """Recordings start when so many readers have subscribed."""
    frames: int = 0
    """Each stream ends after so many pairs; 0: never."""
    own: dict[str, list[Callable[[Any], Any]]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    def after(self, stage: str, function: Callable[[Any], Any]) -> "Recipe":
        """Run `function` on everything that leaves `stage`, in order.

        It gets a Frame after `source`, a Pair after `sync`, a Batch after `batch` and `align`, a Fused after `fuse` and a Result
        after `detect`, and returns one. After `source`, `sync` and `detect` it may return None: that one is dropped and counted.
        """
        if stage not in self.own:
            raise ConfigError(f"no stage called {stage!r}{suggestion(stage, self.own)} (known: {', '.join(STAGES)})")
        self.own[stage].append(function)
        return self

    @property
    def pace_speed(self) -> float:
        """0 is as fast as possible: what lossless always is."""
        return 0.0 if self.policy == "lossless" else self.speed


def through(functions: Sequence[Callable[[Any], Any]], item: Any) -> Any:
    """`item` through stages of a user's own; None as soon as one of them drops it."""
    for function in functions:
        if item is None:
            return None
        item = function(item)
    return item
