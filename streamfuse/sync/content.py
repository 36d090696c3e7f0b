"""`ContentCheck`: whether what both cameras see moves at the same time by their stamps, and if not, by how much they are apart.

Stamps can be wrong by a constant that no matcher sees. What moves in front of both cameras knows better. Passive: `see` takes frames
as they come and costs a third of a millisecond each; `look` compares what was kept and takes about half a second, on whatever thread
has the time. Both cameras must see about the same view, or the rig must say how to get from one to the other.
"""

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame, Spectrum
from streamfuse.registry import Settings
from streamfuse.sync.content_curve import Floats, Series
from streamfuse.sync.content_edges import COLUMNS, ROWS, block_edges
from streamfuse.sync.content_lag import Lag, find_lag

LEAST_APART_NS = 15 * NS_PER_MS  # faster cameras are thinned out: 60 fps are kept whole


class ContentSettings(Settings):
    """Whether and how motion is compared."""

    enabled: bool = False
    search_ms: float = Field(default=2500.0, ge=100.0, le=10_000.0)
    """Offsets up to so much are found, to both sides."""
    window_s: float = Field(default=30.0, ge=5.0, le=3600.0)
    """So much of both streams is compared."""
    every_s: float = Field(default=10.0, ge=1.0, le=3600.0)
    """How often, live."""
    apply: bool = False
    """Correct infrared's capture times by what was found sure twice in a row, slowly; otherwise it is only told."""


class ContentCheck:
    """One per pair. `see` and `look` may be called by two threads. Copies of small pictures' edges are kept, never a frame."""

    def __init__(self, settings: ContentSettings, to_visible_33: NDArray[np.float64] | None = None, *, known_s: float = 0.0) -> None:
        """`to_visible_33`: homography from infrared to visible, both from 0 to 1 across the picture; None where they see the same view.

        `known_s`: the offset that is corrected already, by `time_offset_ms`; it changes nothing here.
        """
        self.settings = settings
        self.known_s = known_s
        self.found: Lag | None = None
        """By the last look at everything."""
        self._to_visible_33 = to_visible_33
        self._lock = threading.Lock()
        self._kept: dict[Spectrum, deque[tuple[int, Floats]]] = {spectrum: deque() for spectrum in Spectrum}
        self._epochs: dict[Spectrum, int] = {}

    def see(self, frame: Frame) -> None:
        """Take a frame, with its stamp as the camera gave it. Where its time breaks, what was kept of that camera is forgotten."""
        kept, t_ns = self._kept[frame.spectrum], frame.t_cap_ns
        broke = self._epochs.get(frame.spectrum, frame.epoch) != frame.epoch or bool(kept and t_ns <= kept[-1][0])
        if kept and not broke and t_ns - kept[-1][0] < LEAST_APART_NS:
            return
        edges_B = block_edges(frame, self._to_visible_33 if frame.spectrum is Spectrum.INFRARED else None)
        with self._lock:
            if broke:
                kept.clear()
            self._epochs[frame.spectrum] = frame.epoch
            kept.append((t_ns, edges_B))
            while t_ns - kept[0][0] > self.settings.window_s * NS_PER_S:
                kept.popleft()

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last stamp of the time of which both cameras are kept; None where there is none."""
        with self._lock:
            spans = [(seen[0][0], seen[-1][0]) for seen in self._kept.values() if seen]
        begin_ns, end_ns = max((span[0] for span in spans), default=0), min((span[1] for span in spans), default=0)
        return (begin_ns, end_ns) if len(spans) == len(self._kept) and begin_ns < end_ns else None

    def look(self, since_ns: int | None = None, until_ns: int | None = None) -> Lag:
        """Compare what was kept of both cameras, all of it or what is stamped from `since_ns` to before `until_ns`."""
        with self._lock:
            kept = {spectrum: [one for one in seen if _within(one[0], since_ns, until_ns)] for spectrum, seen in self._kept.items()}
        origin_ns = min((seen[0][0] for seen in kept.values() if seen), default=0)
        infrared, visible = (_series(kept[spectrum], origin_ns) for spectrum in (Spectrum.INFRARED, Spectrum.VISIBLE))
        lag = find_lag(infrared, visible, most_s=self.settings.search_ms / 1000, grid=(ROWS, COLUMNS))
        if since_ns is None and until_ns is None:
            self.found = lag
        return lag


def _within(t_ns: int, since_ns: int | None, until_ns: int | None) -> bool:
    return (since_ns is None or t_ns >= since_ns) and (until_ns is None or t_ns < until_ns)


def _series(kept: list[tuple[int, Floats]], origin_ns: int) -> Series:
    t_N = np.array([(t_ns - origin_ns) / NS_PER_S for t_ns, _ in kept])
    return Series(t_N, np.stack([edges_B for _, edges_B in kept]) if kept else np.zeros((0, 0), np.float32))
