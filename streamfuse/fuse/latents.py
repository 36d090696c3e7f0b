"""Latents of infrared pictures, kept while they are shown: a slow infrared camera is encoded once per picture, not once per result."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from streamfuse.frames import Batch, Frame
from streamfuse.networks.lure import Latents, Lure
from streamfuse.networks.network import State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """What the latents of one item are made of."""

    stream: str
    frame: weakref.ref[Frame]
    words: str
    """Id of the prompt: latents hold its words too."""
    infrared_1HW: torch.Tensor

    def same_as(self, other: "_Shown") -> bool:
        """The same frame nearly always means the same pixels; a rig that moved, or visible luma in its place, may make others of it."""
        frame = self.frame()
        return (
            frame is not None
            and frame is other.frame()
            and (self.stream, self.words) == (other.stream, other.words)
            and torch.equal(self.infrared_1HW, other.infrared_1HW)
        )


class LatentShelf:
    """One picture per stream, dropped with its frame: `sync` lets go of a frame when no pair can use it any more. For one thread."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[_Shown, Latents]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all: the weights have changed."""
        self._kept.clear()

    def infrared(
        self,
        network: Lure,
        state: State,
        batch: Batch,
        words: Sequence[str],
        infrared_B1HW: torch.Tensor,
        *,
        prepared_B1HW: torch.Tensor,
    ) -> Latents:
        """What `network.encode` gives for all items; it is asked only for pictures that it did not encode just before.

        `state`: of every item, or empty where the network is folded. `words`: the id of each item's prompt. `prepared`: what is encoded of
        `infrared`. Where dials expose it by what the visible camera sees, a picture that is shown again keeps its first exposure.
        """
        shown = _shown(batch, words, infrared_B1HW)
        first = [next(i for i, other in enumerate(shown) if other is own or own.same_as(other)) for own in shown]  # a batch may repeat one
        latents = {i: kept for i in set(first) if (kept := self._known(shown[i])) is not None}
        new = [i for i in sorted(set(first)) if i not in latents]
        self._make_room([shown[i].stream for i in new])
        if new:
            pictures_B3HW = (prepared_B1HW if len(new) == len(shown) else prepared_B1HW[new]).expand(-1, 3, -1, -1)
            encoded = network.encode(pictures_B3HW, "infrared", {name: tensor[new] for name, tensor in state.items()})
            latents |= {i: _item(encoded, place, of=len(new)) for place, i in enumerate(new)}
            for i in new:
                self._kept[shown[i].stream] = (replace(shown[i], infrared_1HW=_own(infrared_B1HW, i)), latents[i])
            if len(new) == len(shown):
                return encoded
        return _together([latents[i] for i in first])

    def _known(self, shown: _Shown) -> Latents | None:
        own, latents = self._kept.get(shown.stream, (None, None))
        return latents if own is not None and own.same_as(shown) else None

    def _make_room(self, streams: Sequence[str]) -> None:
        """Drop what will be replaced, and what belongs to frames that nobody holds: of streams that have ended, too."""
        gone = [stream for stream, (own, _) in self._kept.items() if stream in streams or own.frame() is None]
        for stream in gone:
            del self._kept[stream]


def _shown(batch: Batch, words: Sequence[str], infrared_B1HW: torch.Tensor) -> list[_Shown]:
    frames = [pair.infrared for pair in batch.pairs]
    return [
        _Shown(stream=pair.stream, frame=weakref.ref(frame), words=said, infrared_1HW=picture_1HW)
        for pair, frame, said, picture_1HW in zip(batch.pairs, frames, words, infrared_B1HW, strict=True)
        if frame is not None
    ]


def _own(pictures_B1HW: torch.Tensor, item: int) -> torch.Tensor:
    """One picture, (1, H, W), without the memory of the others."""
    return pictures_B1HW[item] if len(pictures_B1HW) == 1 else pictures_B1HW[item].clone()


def _item(latents: Latents, place: int, of: int) -> Latents:
    """One picture of several, in memory of its own: it may be kept for longer than the others."""
    if of == 1:
        return latents
    grey_11HW = latents.picture_B3HW[place : place + 1, :1].clone()
    return Latents(grey_11HW.expand(-1, 3, -1, -1), tuple(level[place : place + 1].clone() for level in latents.levels))


def _together(latents: Sequence[Latents]) -> Latents:
    if len(latents) == 1:
        return latents[0]
    levels = zip(*(one.levels for one in latents), strict=True)
    return Latents(torch.cat([one.picture_B3HW for one in latents]), tuple(torch.cat(level) for level in levels))
