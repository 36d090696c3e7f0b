"""H.264 in the client: a key frame and the pictures that build on it, decoded when they are looked at."""

import numpy as np
from numpy.typing import NDArray

from streamfuse.publish.codec import H264PictureDecoder
from streamfuse.publish.wire import Buffer, Part


class PictureGroup:
    """Filled by the receive thread; looked at by one reader, who may leave pictures out."""

    def __init__(self) -> None:
        self._access_units: list[tuple[Part, Buffer]] = []
        self._decoder: H264PictureDecoder | None = None
        self._decoded = 0

    def add(self, part: Part, payload: Buffer) -> int:
        """Take the next picture, the first of which is the key frame; returns its index."""
        self._access_units.append((part, payload))
        return len(self._access_units) - 1

    def picture(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB. Decodes what lies between the last one looked at and this; going back starts over at the key frame."""
        if self._decoder is None or index < self._decoded:
            self._decoder, self._decoded = H264PictureDecoder(), 0
        for _, payload in self._access_units[self._decoded : index]:
            self._decoder.feed(payload)
        self._decoded = index + 1
        return self._decoder.decode(*self._access_units[index])
