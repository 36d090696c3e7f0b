"""How far apart two pictures of a pair really were, and how old they really are: by the numbers in them, not by any stamp."""

import dataclasses
from collections import OrderedDict
from collections.abc import Mapping

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Planes, Spectrum
from streamfuse.results import Result
from tools.faults.clocks import Exposures
from tools.faults.pictures import read_number

REMEMBERED = 512  # pairs whose result has not come yet
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
        self._read: OrderedDict[tuple[str, int], dict[str, float]] = OrderedDict()

    def exposed_ns(self, stream: str, frame: Frame) -> int | None:
        """The true instant of a picture; None where its number cannot be read."""
        number = read_number(frame.image.y if isinstance(frame.image, Planes) else frame.image)
        return None if number is None else self._exposures[stream, frame.spectrum].at_ns(number)

    def skew_ms(self, pair: Pair) -> float | None:
        """The true time from the infrared to the visible picture; None where one is missing or cannot be read."""
        if pair.infrared is None or pair.visible is None:
            return None
        infrared_ns, visible_ns = (self.exposed_ns(pair.stream, frame) for frame in (pair.infrared, pair.visible))
        return None if infrared_ns is None or visible_ns is None else (visible_ns - infrared_ns) / NS_PER_MS

    def of_pair(self, pair: Pair) -> Pair:
        """Read the numbers of a pair, and pass it on."""
        there = [self.exposed_ns(pair.stream, frame) for frame in (pair.infrared, pair.visible) if frame is not None]
        known = [at_ns for at_ns in there if at_ns is not None]
        found = {
            SKEW: self.skew_ms(pair),
            EXPOSED: self.exposed_ns(pair.stream, pair.lead),
            WHOLE: max(known) if len(known) == len(there) else None,
        }
        self._read[pair.stream, pair.seq] = {key: value for key, value in found.items() if value is not None}
        while len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return pair

    def onto_result(self, result: Result) -> Result:
        """What was read, in its `ext`."""
        return dataclasses.replace(result, ext={**result.ext, **self._read.pop((result.stream, result.seq), {})})
