"""The bytes of a group of pairs, side by side in one piece of memory."""

import numpy as np
import pytest
import torch

from streamfuse.batch.raw import layout_of, nbytes, stage
from streamfuse.errors import FrameError
from streamfuse.frames import Pair, Planes, Spectrum

RNG = np.random.default_rng(7)


def grey(height: int = 6, width: int = 8) -> np.ndarray:
    return RNG.integers(0, 256, (height, width), np.uint8)


def colour(height: int = 5, width: int = 7) -> Planes:
    return Planes(y=grey(height, width), u=grey(-(-height // 2), -(-width // 2)), v=grey(-(-height // 2), -(-width // 2)))


def staged(*pairs: Pair):
    layout = layout_of(pairs[0])
    return stage(pairs, layout, torch.empty(nbytes(layout, len(pairs)), dtype=torch.uint8))


def test_every_byte_arrives(pair):
    """Planes of odd sizes and infrared of another size come out as they went in, each item in its place."""
    pairs = [pair(f"cam{i}", infrared=grey(), visible=colour()) for i in range(3)]
    raw = staged(*pairs)
    assert raw.infrared_Bhw is not None
    assert raw.y_BHW is not None
    assert raw.uv_B2cc is not None
    assert raw.rgb_BHW3 is None
    for i, item in enumerate(pairs):
        assert np.array_equal(raw.infrared_Bhw[i], item.infrared.image)
        assert np.array_equal(raw.y_BHW[i], item.visible.image.y)
        assert np.array_equal(raw.uv_B2cc[i, 0], item.visible.image.u)
        assert np.array_equal(raw.uv_B2cc[i, 1], item.visible.image.v)


def test_rgb_arrives_as_it_is(pair):
    """RGB travels as RGB; nothing is converted on the host."""
    image = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    raw = staged(pair(visible=image))
    assert raw.y_BHW is None
    assert raw.rgb_BHW3 is not None
    assert np.array_equal(raw.rgb_BHW3[0], image)


def test_memory_is_used_without_gaps(pair):
    """A group takes exactly `nbytes`, and all of its tensors are views of the memory that was given."""
    made = pair(infrared=grey(), visible=colour())
    layout = layout_of(made)
    assert nbytes(layout, 2) == 2 * (6 * 8 + 5 * 7 + 2 * 3 * 4)
    memory = torch.zeros(nbytes(layout, 2) + 9, dtype=torch.uint8)
    raw = stage((made, made), layout, memory)
    memory.fill_(77)
    for tensor in (raw.infrared_Bhw, raw.y_BHW, raw.uv_B2cc):
        assert tensor is not None
        assert bool((tensor == 77).all())


def test_reads_pictures_that_are_cut_out_of_others(pair):
    """A frame need not be contiguous in memory."""
    image = grey(12, 16)[::2, ::2]
    raw = staged(pair(infrared=image))
    assert raw.infrared_Bhw is not None
    assert np.array_equal(raw.infrared_Bhw[0], image)


@pytest.mark.parametrize(
    ("infrared_state", "visible_state", "infrared_size", "visible_size"),
    [
        ("fresh", "fresh", (48, 64), (48, 64)),
        ("fresh", "absent", (48, 64), None),
        ("absent", "stale", None, (48, 64)),
        ("frozen", "fresh", None, (48, 64)),
        ("frozen", "absent", (48, 64), None),
    ],
)
def test_layout_holds_usable_cameras_only(pair, infrared_state, visible_state, infrared_size, visible_size):
    """A camera that is absent, or frozen beside one that is not, takes no room."""
    made = pair(infrared_state=infrared_state, visible_state=visible_state)
    layout = layout_of(made)
    assert (layout.infrared_size, layout.visible_size) == (infrared_size, visible_size)
    raw = staged(made)
    assert (raw.infrared_Bhw is None, raw.y_BHW is None) == (infrared_size is None, visible_size is None)


def test_layout_tells_apart_what_cannot_go_together(pair, frame, planes):
    """Size, range, matrix and kind of picture part a group; time, stream and pixels do not."""
    same = {layout_of(pair("a", seq=1, infrared=grey(48, 64))), layout_of(pair("b", seq=9))}
    assert len(same) == 1
    visible = {"spectrum": Spectrum.VISIBLE}
    frames = [
        frame(**visible),
        frame(**visible, image=planes(48, 66)),
        frame(**visible, range="limited"),
        frame(**visible, matrix="bt709"),
        frame(**visible, image=np.zeros((48, 64, 3), np.uint8)),
    ]
    pairs = [Pair(infrared=None, visible=f, infrared_state="absent", visible_state="fresh", stream="a", seq=0) for f in frames]
    assert len({layout_of(made) for made in pairs}) == len(frames)


def test_sixteen_bits_were_to_be_toned_before(pair):
    """A 16-bit frame that nobody toned is an error that names its source, not a picture of noise."""
    with pytest.raises(FrameError, match="test infrared: a 16-bit infrared frame was not toned"):
        staged(pair(infrared=np.zeros((6, 8), np.uint16)))


def test_copies_to_a_device(pair):
    """`to` keeps the layout and what is missing."""
    raw = staged(pair(infrared_state="absent"))
    moved = raw.to(torch.device("cpu"))
    assert moved.layout == raw.layout
    assert moved.infrared_Bhw is None
    assert moved.y_BHW is not None
    assert raw.y_BHW is not None
    assert torch.equal(moved.y_BHW, raw.y_BHW)
