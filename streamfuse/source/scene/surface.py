"""Points of one flat surface and what they are painted with: an index into a palette, a tint, and warmth."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

F32: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]


class Surface:
    """N points. Later paint covers earlier paint; tints multiply."""

    def __init__(self, palette: NDArray[np.float64], index_N: NDArray[np.integer], *, warmth: float, heat: float) -> None:
        count = len(index_N)
        self._palette = [*palette]
        self._index = index_N.astype(np.int16)
        self.tint = np.ones(count, np.float32)
        self.warmth = np.full(count, warmth, np.float32)
        """Degrees above the air, in the shade."""
        self.heat = np.full(count, heat, np.float32)
        """Degrees that full sun adds."""
        self.glow = np.zeros(count, np.float32)
        """Light sent out at night, as a share of that of a bright window."""

    def paint(self, where: Mask, colour: NDArray[np.float64], tint: float = 1.0) -> None:
        """Cover these points with one colour."""
        self.repaint(where, len(self._palette), tint)
        self._palette.append(colour)

    def repaint(self, where: Mask, index: "int | NDArray[np.integer]", tint: float = 1.0) -> None:
        """Cover these points with a colour of the palette that there is, or with one each."""
        self._index[where] = index
        self.tint[where] = tint

    def extend(self, colours: NDArray[np.float64]) -> int:
        """Add colours to the palette; returns the index of the first."""
        self._palette.extend(colours)
        return len(self._palette) - len(colours)

    def shade(self, where: Mask, factor: float) -> None:
        """Darken or lighten these points."""
        self.tint[where] *= np.float32(factor)

    def albedo(self, channel: int) -> F32:
        """Share of red (0), green (1) or blue (2) light that each point throws back."""
        found: F32 = np.array(self._palette, np.float32)[:, channel][self._index] * self.tint
        return found
