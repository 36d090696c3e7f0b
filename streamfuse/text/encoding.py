"""What an encoder makes of a text. Arrays only: no torch is needed to hold, store or compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.frames import Noun

TOKENS = 32
"""Rows of every token matrix: shorter texts are padded with zeros, longer ones cut. `networks` counts on the same number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Encoding(Noun):
    """One text as one encoder sees it: float32, read-only, the encoding's own. L: `TOKENS`, D: width of the encoder."""

    encoder: str
    """`name` of the encoder. Only encodings of the same encoder can be compared or fed to the same network."""
    pooled: NDArray[np.float32]
    """(D,) The text as a whole."""
    tokens: NDArray[np.float32]
    """(L, D) A row for each token (a word, or a piece of one) in order; zero after the last."""
    mask: NDArray[np.float32]
    """(L,) 1 for real tokens, of which there is at least one, then 0."""

    def __post_init__(self) -> None:
        want = {"pooled": (self.dim,), "tokens": (TOKENS, self.dim), "mask": (TOKENS,)}
        for field, shape in want.items():
            array = getattr(self, field)
            if array.shape != shape or array.dtype != np.float32:
                raise FrameError(f"{self.encoder}: {field} must be {shape} float32, got {array.shape} {array.dtype}")
            if not np.isfinite(array).all():
                raise FrameError(f"{self.encoder}: {field} holds values that are not finite")
            array.flags.writeable = False
        if not self.mask.any():
            raise FrameError(f"{self.encoder}: a text needs at least one token")

    @property
    def dim(self) -> int:
        """D."""
        return int(self.pooled.shape[-1])

    @property
    def count(self) -> int:
        """Real tokens, at most `TOKENS`."""
        return int(self.mask.sum())

    @classmethod
    def padded(cls, encoder: str, pooled_D: NDArray[np.floating], tokens_ND: NDArray[np.floating]) -> "Encoding":
        """From any number of tokens, in any precision: padded or cut to `TOKENS`, and copied."""
        kept_ND = tokens_ND[:TOKENS]
        tokens_LD = np.zeros((TOKENS, *tokens_ND.shape[1:]), np.float32)
        tokens_LD[: len(kept_ND)] = kept_ND
        mask_L = (np.arange(TOKENS) < len(kept_ND)).astype(np.float32)
        return cls(encoder=encoder, pooled=pooled_D.astype(np.float32), tokens=tokens_LD, mask=mask_L)

    def cosine(self, other: "Encoding") -> float:
        """Cosine of the angle between the pooled vectors, -1 to 1; a vector of zeros is at 0 to everything."""
        if other.encoder != self.encoder:
            raise FrameError(f"encodings of {self.encoder!r} and {other.encoder!r} cannot be compared: encode both with the same encoder")
        norms = float(np.linalg.norm(self.pooled) * np.linalg.norm(other.pooled))
        return float(self.pooled @ other.pooled) / norms if norms else 0.0


class TextEncoder(Protocol):
    """Text -> encodings. The same text gives the same bytes, whatever else is asked for with it."""

    @property
    def name(self) -> str:
        """Names the encoder and its weights: what encodings, caches and fusion weights refer to."""
        ...

    @property
    def dim(self) -> int:
        """Width D of its encodings."""
        ...

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One encoding per text. Loads the weights when first needed; `WeightsError` says what to do where there are none."""
        ...


Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def stacked(encodings: Sequence[Encoding]) -> Arrays:
    """Of P encodings by one encoder: pooled (P, D), tokens (P, L, D), mask (P, L). Fresh arrays, fit for `torch.from_numpy`."""
    names = {encoding.encoder for encoding in encodings}
    if len(names) != 1:
        raise FrameError(f"want encodings of one encoder, got {', '.join(sorted(names)) or 'no encodings'}")
    return (
        np.stack([encoding.pooled for encoding in encodings]),
        np.stack([encoding.tokens for encoding in encodings]),
        np.stack([encoding.mask for encoding in encodings]),
    )
