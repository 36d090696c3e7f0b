"""The bytes of a group of pairs, staged side by side in host memory: what travels to the device, once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.frames import Frame, Matrix, Pair, Planes, Range, Spectrum, chroma_size


class Layout(NamedTuple):
    """What pairs must share to go in one batch. A camera that is absent or unusable has no size."""

    infrared_size: tuple[int, int] | None
    infrared_range: Range
    visible_size: tuple[int, int] | None
    visible_is_rgb: bool
    matrix: Matrix
    range: Range


def layout_of(pair: Pair) -> Layout:
    """The layout of the cameras of `pair` that may go into the result."""
    infrared = pair.infrared if Spectrum.INFRARED in pair.usable else None
    visible = pair.visible if Spectrum.VISIBLE in pair.usable else None
    return Layout(
        infrared_size=infrared.size if infrared else None,
        infrared_range=infrared.range if infrared else "full",
        visible_size=visible.size if visible else None,
        visible_is_rgb=visible is not None and not isinstance(visible.image, Planes),
        matrix=visible.matrix if visible else "bt601",
        range=visible.range if visible else "full",
    )


@dataclass(frozen=True, slots=True)
class Raw:
    """Uint8 tensors of one group, on the host or on the device. None where the layout has no such picture."""

    layout: Layout
    infrared_Bhw: torch.Tensor | None
    y_BHW: torch.Tensor | None
    uv_B2cc: torch.Tensor | None
    rgb_BHW3: torch.Tensor | None

    def to(self, device: torch.device) -> "Raw":
        """Copies on the device; asynchronous where this lies in pinned memory."""
        moved = [t if t is None else t.to(device, non_blocking=True) for t in (self.infrared_Bhw, self.y_BHW, self.uv_B2cc, self.rgb_BHW3)]
        return Raw(self.layout, *moved)


def nbytes(layout: Layout, count: int) -> int:
    """Bytes of host memory that `count` pairs of this layout take."""
    return sum(int(np.prod(shape)) for shape in _shapes(layout, count).values())


def stage(pairs: tuple[Pair, ...], layout: Layout, memory_N: torch.Tensor) -> Raw:
    """Copy the pixels of `pairs` into `memory_N` (uint8, at least `nbytes` long); the result is views of it."""
    views: dict[str, torch.Tensor] = {}
    offset = 0
    for name, shape in _shapes(layout, len(pairs)).items():
        size = int(np.prod(shape))
        views[name] = memory_N[offset : offset + size].view(shape)
        offset += size
    for index, pair in enumerate(pairs):
        if pair.infrared is not None and "infrared" in views:
            views["infrared"][index].numpy()[...] = _eight_bits(pair.infrared)
        if pair.visible is not None and layout.visible_size is not None:
            _stage_visible(pair.visible, views, index)
    return Raw(layout, views.get("infrared"), views.get("y"), views.get("uv"), views.get("rgb"))


def _stage_visible(frame: Frame, views: dict[str, torch.Tensor], index: int) -> None:
    if isinstance(frame.image, Planes):
        views["y"][index].numpy()[...] = frame.image.y
        views["uv"][index, 0].numpy()[...] = frame.image.u
        views["uv"][index, 1].numpy()[...] = frame.image.v
    else:
        views["rgb"][index].numpy()[...] = frame.image


def _eight_bits(frame: Frame) -> NDArray[np.uint8]:
    image = frame.image
    if isinstance(image, Planes) or image.dtype != np.uint8:
        raise FrameError(f"{frame.source}: a 16-bit infrared frame was not toned before batching")
    return image


def _shapes(layout: Layout, count: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    if layout.infrared_size is not None:
        shapes["infrared"] = (count, *layout.infrared_size)
    if layout.visible_size is not None:
        height, width = layout.visible_size
        if layout.visible_is_rgb:
            shapes["rgb"] = (count, height, width, 3)
        else:
            shapes["y"] = (count, height, width)
            shapes["uv"] = (count, 2, chroma_size(height), chroma_size(width))
    return shapes
