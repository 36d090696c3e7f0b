"""The verbs: one Protocol per stage, in flow order. Stages are passive: no thread, queue, sleep or retry in them.

    source -> sync -> batch -> align -> fuse -> detect -> track -> publish

A constructor only stores; what opens is closed, and `close` may be called twice. `flow/` calls all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from streamfuse.clock import ClockReport
from streamfuse.frames import Batch, Frame, Fused, Pair, Prompt, PromptState, Spectrum
from streamfuse.results import Detections, Result

if TYPE_CHECKING:
    import torch


class Source(Protocol):
    """1. A camera, file or drawn scene. Used by one thread at a time."""

    spectrum: Spectrum
    name: str
    """For people: where the frames come from, without credentials."""
    live: bool
    """True: frames come when they come, and a failure is worth another try. False: a recording, read at any pace."""
    identity: bytes
    """Names the recording in frame ids: the same for the same recording, empty for live cameras. Valid after `open`."""
    problems: Counter[str]
    """Frames repaired or skipped, by reason."""

    def open(self) -> None:
        """Open, or open again after `close`. `SourceError` says what was wrong and what to do."""
        ...

    def read(self) -> Frame | None:
        """The next frame, or None at the end. `SourceError` if it broke. Frames have `seq` from 0 since `open`.

        `epoch` is 0 and grows where the source's own time breaks.
        """
        ...

    def close(self) -> None:
        """Free everything."""
        ...


@runtime_checkable
class PacketSource(Source, Protocol):
    """A source whose demuxing and decoding may run on two threads, so that a slow decoder never stalls the network."""

    def demux(self) -> Iterator[Any]:
        """Compressed packets with `size` (bytes), `is_keyframe`, `pts`, `time_base`; ends with the stream."""
        ...

    def decode(self, packet: Any) -> list[Frame]:
        """Frames that `packet` completes; None as the packet flushes the decoder at the end."""
        ...

    def abandon(self) -> None:
        """Forget what is open or being opened, while another thread hangs in there; that one closes it when it comes back. Never waits."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """A live source that knows how its camera's clock goes."""

    @property
    def clock_report(self) -> ClockReport | None:
        """As of about a second ago; None until it is known. May be read by any thread."""
        ...

    def assume_delay(self, delay_ns: int) -> None:
        """The delay from capture to arrival that the other camera of the pair has: the best guess until this one's own is known."""
        ...


class Sync(Protocol):
    """2. Frames of two cameras -> pairs of one instant, strictly in order of time. One per stream, one thread."""

    drops: Counter[str]
    """Frames that went into no pair, by reason."""

    def feed(self, frame: Frame, now_ns: int) -> list[Pair]:
        """Take a frame that arrived at `now_ns` (monotonic); return the pairs that it decides."""
        ...

    def poll(self, now_ns: int) -> list[Pair]:
        """Return the pairs whose deadline has passed."""
        ...

    def end(self, spectrum: Spectrum, now_ns: int) -> list[Pair]:
        """That camera is gone, for now or for ever; return what needs to wait no longer."""
        ...

    @property
    def deadline_ns(self) -> int | None:
        """Monotonic instant of the next `poll` that matters; None if nothing waits."""
        ...


class Aligner(Protocol):
    """4. Infrared onto the grid of the visible picture."""

    def know(self, name: str, rig: Any) -> None:
        """Make a rig known under the name that batches call it by."""
        ...

    def align(self, batch: Batch) -> Batch:
        """(B, 1, h, w) infrared -> (B, 1, H, W); the rest passes through. `RigError` where that is not possible."""
        ...


class Fuser(Protocol):
    """5. Batch and prompt -> fused pictures. Both cameras are present: one camera alone never reaches a fuser."""

    name: str
    precision: str

    def to(self, device: "torch.device") -> None:
        """Move weights, if any, to the device. Called once before the first batch."""
        ...

    def compile(self, prompt: Prompt) -> PromptState:
        """All that depends on text alone. Called off the path, by any thread; a fuser without words returns only an id."""
        ...

    def fuse(self, batch: Batch, prompts: Sequence[PromptState]) -> Fused:
        """Fuse aligned pictures, item i under `prompts[i]`."""
        ...


class Detector(Protocol):
    """6. Fused pictures -> boxes."""

    name: str

    def to(self, device: "torch.device") -> None:
        """Load weights, if any, onto the device; `WeightsError` if they cannot be had. Called once."""
        ...

    def detect(self, fused: Fused) -> list[Detections]:
        """One `Detections` per item, without track ids (-1)."""
        ...


class Tracker(Protocol):
    """6. Boxes of one stream -> the same boxes with track ids. One per stream."""

    def update(self, detections: Detections, t_cap_ns: int) -> Detections:
        """Ids for the next instant; called for every picture, also where nothing was detected. `t_cap_ns` grows until a `reset`."""
        ...

    def reset(self) -> None:
        """Forget all tracks: there was a break in time."""
        ...


class Sink(Protocol):
    """7. Results -> outside. All but `abort` is called by one thread, which owns the sink's socket or file."""

    def open(self) -> None:
        """Bind or create; `BusError` says why it could not."""
        ...

    def publish(self, result: Result, stopping: Callable[[], bool]) -> None:
        """Send one result. Live: never waits. Lossless: waits until it is taken, `stopping()` is true, or its limit."""
        ...

    def tick(self) -> int:
        """Serve what came in meanwhile (subscriptions); called at least every 50 ms. Returns the number of readers."""
        ...

    def report(self, stream: str, stats: Mapping[str, Any]) -> None:
        """Once a second per stream: figures of the running pipeline."""
        ...

    def end(self, stream: str, totals: Mapping[str, Any]) -> None:
        """The stream has ended; nothing more of it will come in this run."""
        ...

    def abort(self) -> None:
        """Every wait ends at once, and `close` flushes nothing. The one method that another thread may call."""
        ...

    def close(self) -> None:
        """Flush within the grace time and free everything."""
        ...
