"""How far apart two pictures of a pair really were, and how old they really are: by the numbers in them, not by any stamp."""

import dataclasses
from collections import defaultdict, deque
from collections.abc import Mapping

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Planes, Spectrum
from streamfuse.results import Result
from tools.faults.clocks import Exposures
from tools.faults.pictures import read_number

REMEMBERED = 512  # pairs of a stream whose result has not come yet
SKEW, EXPOSED, WHOLE = "true_skew_ms", "exposed_ns", "whole_ns"


class Truth:
    """Two stages of a user's own: `recipe.after("sync", truth.of_pair).after("detect", truth.onto_result)`.

    The second writes into `ext` of a result what the first has read from its pair: `true_skew_ms`, visible minus infrared,
    `exposed_ns`, the true instant of the lead picture, UTC, and `whole_ns`, that of the later one of those that are there. A key is
    missing where a number could not be read.
    """

    def __init__(self, exposures: Mapping[tuple[str, Spectrum], Exposures]) -> None:
        """`exposures` of each stream's cameras."""
        self._exposures = exposures
        self._read: defaultdict[str, deque[tuple[int, dict[str, float]]]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def exposed_ns(self, stream: str, frame: Frame) -> int | None:
        """The true instant of a picture; None where its number cannot be read."""
        number = read_number(frame.image.y if isinstance(frame.image, Planes) else frame.image)
        return None if number is None else self._exposures[stream, frame.spectrum].at_ns(number)

    def skew_ms(self, pair: Pair) -> float | None:
        """The true time from the infrared to the visible picture; None where one is missing or cannot be read."""
        return _skew_ms(self._instants(pair))

    def of_pair(self, pair: Pair) -> Pair:
        """Read the numbers of a pair, and pass it on."""
        instants = self._instants(pair)
        known = [at_ns for at_ns in instants.values() if at_ns is not None]
        found = {
            SKEW: _skew_ms(instants),
            EXPOSED: instants[pair.lead.spectrum],
            WHOLE: max(known) if len(known) == len(instants) else None,
        }
        self._read[pair.stream].append((pair.seq, {key: value for key, value in found.items() if value is not None}))
        return pair

    def onto_result(self, result: Result) -> Result:
        """What was read, in its `ext`. Results come in the order of their pairs, so those before it have none any more."""
        read, found = self._read[result.stream], {}
        while read and read[0][0] <= result.seq:
            seq, values = read.popleft()
            found = values if seq == result.seq else {}
        return dataclasses.replace(result, ext={**result.ext, **found})

    def _instants(self, pair: Pair) -> dict[Spectrum, int | None]:
        """Of the pictures that are there; each is read once."""
        there = (frame for frame in (pair.infrared, pair.visible) if frame is not None)
        return {frame.spectrum: self.exposed_ns(pair.stream, frame) for frame in there}


def _skew_ms(instants: Mapping[Spectrum, int | None]) -> float | None:
    infrared_ns, visible_ns = instants.get(Spectrum.INFRARED), instants.get(Spectrum.VISIBLE)
    return None if infrared_ns is None or visible_ns is None else (visible_ns - infrared_ns) / NS_PER_MS
