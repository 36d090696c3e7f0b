"""Sentences with their embeddings, to be drawn by what they say.

Legend: W sentences, B batch, L tokens, D width of the embedding, N dials.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch

from streamfuse.networks.dials import DIAL_INDEX, DIALS
from streamfuse.text import TextEncoder, stacked
from streamfuse.train.wordings import Wording

ENCODED_AT_ONCE = 64


class Words(NamedTuple):
    """The embeddings of a batch, and the dials that the sentences stand for."""

    pooled_BD: torch.Tensor
    tokens_BLD: torch.Tensor
    mask_BL: torch.Tensor
    dials_BN: torch.Tensor


class Vocabulary:
    """All wordings of one part of the corpus."""

    def __init__(self, wordings: Sequence[Wording], encoder: TextEncoder, cache: Path | None = None) -> None:
        """`cache`: a folder that keeps the embeddings of this very list."""
        self.wordings = list(wordings)
        self._encoder = encoder
        self._pooled_WD, self._tokens_WLD, self._mask_WL = _embedded([w.text for w in self.wordings], encoder, cache)
        self._dials_WN = torch.stack([dials_of(wording) for wording in self.wordings])
        self._by_faults: dict[frozenset[str], list[int]] = defaultdict(list)
        self._denying: dict[str, list[int]] = defaultdict(list)
        self._looks: list[int] = []
        for index, wording in enumerate(self.wordings):
            self._file(index, wording)

    def naming(self, faults: Mapping[str, float], draw: torch.Generator) -> int | None:
        """A sentence that names just these faults, near these strengths where there is one; nothing where none names them."""
        found = self._by_faults.get(frozenset(faults), [])
        near = [i for i in found if all(abs(self.wordings[i].faults[name] - strength) <= NEAR for name, strength in faults.items())]
        return _one_of(near or found, draw)

    def neutral(self, draw: torch.Generator) -> int | None:
        """A sentence that asks for nothing."""
        return _one_of(self._by_faults.get(frozenset(), []), draw)

    def denying(self, fault: str, draw: torch.Generator) -> int | None:
        """A sentence that says this fault is not there, and names none."""
        return _one_of(self._denying[fault], draw)

    def look(self, draw: torch.Generator) -> int | None:
        """A sentence about how the picture should look."""
        return _one_of(self._looks, draw)

    def words(self, indices: Sequence[int], device: torch.device) -> Words:
        """Of those sentences."""
        at = torch.as_tensor(indices)
        return Words(*(x[at].to(device).float() for x in (self._pooled_WD, self._tokens_WLD, self._mask_WL, self._dials_WN)))

    def words_of(self, texts: Sequence[str], device: torch.device) -> Words:
        """Of any sentences; their dials are at 0."""
        pooled, tokens, mask = (torch.from_numpy(part).to(device) for part in stacked(self._encoder.encode(texts)))
        return Words(pooled, tokens, mask, torch.zeros(len(texts), len(DIALS), device=device))

    def some(self, count: int, draw: torch.Generator, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Pooled embeddings and dials of sentences of all sorts, for what learns from text alone."""
        at = torch.randint(len(self.wordings), (count,), generator=draw)
        return self._pooled_WD[at].to(device), self._dials_WN[at].to(device)

    def _file(self, index: int, wording: Wording) -> None:
        if wording.dials:
            self._looks.append(index)
        elif wording.faults or not wording.denied:
            self._by_faults[frozenset(wording.faults)].append(index)
        else:
            for fault in wording.denied:
                self._denying[fault].append(index)


NEAR = 0.3
"""A fault of strength 0.5 may be called slight or strong, one of 0.9 not slight."""


def dials_of(wording: Wording) -> torch.Tensor:
    """(N,) what the sentence asks for."""
    dials_N = torch.zeros(len(DIALS))
    for name, value in wording.all_dials.items():
        dials_N[DIAL_INDEX[name]] = value
    return dials_N


def _one_of(indices: list[int], draw: torch.Generator) -> int | None:
    return indices[int(torch.randint(len(indices), (), generator=draw))] if indices else None


def _embedded(texts: list[str], encoder: TextEncoder, cache: Path | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pooled float32, tokens float16 (they are many), mask."""
    key = hashlib.sha256("\n".join([encoder.name, *texts]).encode()).hexdigest()[:16]
    path = cache / f"words-{key}.npz" if cache else None
    if path and (kept := _kept(path)):
        return kept
    parts = [stacked(encoder.encode(texts[at : at + ENCODED_AT_ONCE])) for at in range(0, len(texts), ENCODED_AT_ONCE)]
    pooled, tokens, mask = (np.concatenate(column) for column in zip(*parts, strict=True))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, pooled=pooled, tokens=tokens.astype(np.float16), mask=mask)
        partial.replace(path)
    return torch.from_numpy(pooled), torch.from_numpy(tokens.astype(np.float16)), torch.from_numpy(mask)


def _kept(path: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """What was embedded before; nothing where it is not there, or damaged."""
    try:
        with path.open("rb") as file, np.load(file) as kept:
            return torch.from_numpy(kept["pooled"]), torch.from_numpy(kept["tokens"]), torch.from_numpy(kept["mask"])
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
