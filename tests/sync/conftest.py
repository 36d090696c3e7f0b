"""Frames without content, and time lines drawn as text: one column is 10 ms, a letter is a frame.

    infrared  "a.....c"
    visible   "A..B..C"    ->  "aA B cC"

In what comes out, ' marks a stale frame and ! a frozen one; a new epoch begins with |.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.sync.nearest import Nearest

COLUMN_NS = 10 * NS_PER_MS
START_NS = 1_700_000_000_000_000_000
SPECKLE = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
MARKS = {"fresh": "", "stale": "'", "frozen": "!"}


def make_frame(spectrum: Spectrum, t_ns: int, **fields: Any) -> Frame:
    """A frame of 8x8 pixels; `t_ns` counts from `START_NS`."""
    image = SPECKLE if spectrum is Spectrum.INFRARED else np.stack([SPECKLE] * 3, axis=-1)
    given: dict[str, Any] = {"clock": "host", "seq": 0, "source": "drawn", "image": image} | fields
    return Frame(spectrum=spectrum, t_cap_ns=START_NS + t_ns, **given)


def write_down(pairs: list[Pair], letters: dict[int, str]) -> str:
    words, epoch = [], 0
    for pair in pairs:
        words += ["|"] if pair.epoch != epoch else []
        epoch = pair.epoch
        both = ((pair.infrared, pair.infrared_state), (pair.visible, pair.visible_state))
        words.append("".join(letters[id(frame.image)] + MARKS[state] for frame, state in both if frame is not None))
    return " ".join(words)


def play_drawn(sync: Nearest, infrared: str, visible: str, *, late: dict[str, int] | None = None, ends: bool = False) -> str:
    """Feed both lines column by column, as they happen; `late` gives letters that arrive so many columns after their capture.

    With `ends`, each camera ends after its last letter. Every frame has its own array, so that letters can be told from frames.
    """
    letters: dict[int, str] = {}
    arrivals: list[tuple[int, Spectrum, int, Frame]] = []
    for spectrum, line in ((Spectrum.INFRARED, infrared), (Spectrum.VISIBLE, visible)):
        for column, letter in enumerate(line):
            if letter not in ". ":
                pixels = make_frame(spectrum, 0).image
                frame = make_frame(spectrum, column * COLUMN_NS, seq=column, image=pixels.copy())  # type: ignore[union-attr]
                letters[id(frame.image)] = letter
                arrivals.append((column + (late or {}).get(letter, 0), spectrum, column, frame))
    arrivals.sort(key=lambda arrival: arrival[:3])
    pairs: list[Pair] = []
    last = {spectrum: column for column, spectrum, _, _ in arrivals}
    for column in range(arrivals[-1][0] + 60):  # until the last deadline and the longest silence have passed
        pairs += sync.poll(column * COLUMN_NS)
        for frame in [frame for arrival, _, _, frame in arrivals if arrival == column]:
            pairs += sync.feed(frame, column * COLUMN_NS)
        for spectrum in Spectrum:
            if ends and last.get(spectrum, 0) == column:
                pairs += sync.end(spectrum, column * COLUMN_NS)
    return write_down(pairs, letters)


@pytest.fixture(scope="session")
def frame_at() -> Callable[..., Frame]:
    """`make_frame`."""
    return make_frame


@pytest.fixture(scope="session")
def play() -> Callable[..., str]:
    """`play_drawn`."""
    return play_drawn
