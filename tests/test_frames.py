"""The nouns: what each refuses, and what follows from its fields."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from streamfuse.errors import FrameError
from streamfuse.frames import Batch, Frame, Fused, Pair, Planes, Prompt, PromptState, Spectrum, chroma_size

INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
NEUTRAL = PromptState(id="neutral")


def make_batch(pairs: tuple[Pair, ...], **fields: Any) -> Batch:
    count = len(pairs)
    values: dict[str, Any] = {
        "infrared_B1hw": torch.zeros(count, 1, 4, 6),
        "luma_B1HW": torch.zeros(count, 1, 4, 6),
        "chroma_B2cc": torch.zeros(count, 2, 2, 3),
        "prompts": (NEUTRAL,) * count,
        "rigs": (None,) * count,
    }
    return Batch(pairs=pairs, **{**values, **fields})


def test_each_camera_has_a_partner():
    """Infrared's other camera is the visible one, and the other way round."""
    assert (INFRARED.other, VISIBLE.other) == (VISIBLE, INFRARED)


@pytest.mark.parametrize(("size", "chroma"), [(1, 1), (2, 1), (3, 2), (480, 240), (481, 241)])
def test_chroma_size(size, chroma):
    """Chroma of odd sizes is ceil(n / 2)."""
    assert chroma_size(size) == chroma


def test_planes_know_their_size(planes):
    """Size and bytes are those of all three planes, odd sizes included."""
    odd = planes(5, 7)
    assert odd.size == (5, 7)
    assert odd.nbytes == 5 * 7 + 2 * 3 * 4


@pytest.mark.parametrize(
    ("y", "u", "v", "message"),
    [
        pytest.param((4, 6, 1), (2, 3), (2, 3), "luma must have 2 axes", id="axes"),
        pytest.param((4, 6), (2, 3), (2, 2), r"must be \(2, 3\), got \(2, 3\) and \(2, 2\)", id="v"),
        pytest.param((5, 7), (2, 3), (2, 3), r"must be \(3, 4\)", id="rounded down"),
    ],
)
def test_planes_go_together(y, u, v, message):
    """Planes of sizes that do not belong to one picture are refused."""
    with pytest.raises(FrameError, match=message):
        Planes(y=np.zeros(y, np.uint8), u=np.zeros(u, np.uint8), v=np.zeros(v, np.uint8))


def test_planes_are_bytes():
    """Planes of another type are refused."""
    with pytest.raises(FrameError, match="planes must be uint8, got float32"):
        Planes(y=np.zeros((2, 2), np.uint8), u=np.zeros((1, 1), np.float32), v=np.zeros((1, 1), np.uint8))


def test_pixels_are_read_only(frame, planes):
    """From the moment a frame is made nobody can write into its pixels."""
    grey, colour = frame(INFRARED), planes()
    for pixels in (grey.image, colour.y, colour.u, colour.v):
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 1


@pytest.mark.parametrize(
    ("spectrum", "image", "message"),
    [
        pytest.param(INFRARED, np.zeros((4, 6, 3), np.uint8), r"an infrared frame must be \(H, W\), got \(4, 6, 3\)", id="colour infrared"),
        pytest.param(INFRARED, np.zeros((4, 6), np.float32), "must be uint8 or uint16, got float32", id="float infrared"),
        pytest.param(VISIBLE, np.zeros((4, 6), np.uint8), r"a.* visible frame must be \(H, W, 3\), got \(4, 6\)", id="grey visible"),
        pytest.param(VISIBLE, np.zeros((4, 6, 4), np.uint8), r"must be \(H, W, 3\)", id="alpha"),
        pytest.param(VISIBLE, np.zeros((4, 6, 3), np.uint16), "must be uint8, got uint16", id="16-bit visible"),
        pytest.param(INFRARED, np.zeros((0, 6), np.uint8), "an empty picture", id="empty"),
    ],
)
def test_frame_refuses_what_it_does_not_promise(frame, spectrum, image, message):
    """Rank, type and size of the picture belong to the camera; the message names the source, what was wanted and what came."""
    with pytest.raises(FrameError, match=message) as caught:
        frame(spectrum, image=image)
    assert str(caught.value).startswith(f"test {spectrum}: ")


def test_infrared_has_no_colour_planes(frame, planes):
    """An infrared frame is one plane."""
    with pytest.raises(FrameError, match="one plane of luma"):
        frame(INFRARED, image=planes())


@pytest.mark.parametrize(
    ("spectrum", "image"),
    [(INFRARED, np.zeros((4, 6), np.uint8)), (INFRARED, np.zeros((4, 6), np.uint16)), (VISIBLE, np.zeros((4, 6, 3), np.uint8))],
)
def test_frame_size(frame, spectrum, image):
    """Height and width, whatever the picture is made of."""
    assert frame(spectrum, image=image).size == (4, 6)


def test_frame_of_planes_has_their_size(frame, planes):
    """Height and width of luma."""
    assert frame(VISIBLE, image=planes(5, 7)).size == (5, 7)


def test_repr_shows_shapes(frame):
    """A log line holds shapes instead of pixels, and no default is left out."""
    shown = repr(frame(INFRARED, t_ms=2.0, seq=3))
    assert shown.startswith("Frame(image=(48, 64) uint8, spectrum=<Spectrum.INFRARED: 'infrared'>, t_cap_ns=2000000, clock='media'")
    assert "seq=3" in shown
    assert repr(torch.zeros(2, 2)) not in repr(PromptState(id="a"))


def test_frames_compare_by_identity(frame):
    """Equality never runs over pixels, and a frame can be a key."""
    one = frame(INFRARED)
    assert one == one  # noqa: PLR0124
    assert one != dataclasses.replace(one)
    assert len({one, one, dataclasses.replace(one)}) == 2


def test_nouns_are_frozen(frame, pair):
    """Nothing that crossed a boundary can be changed."""
    for noun in (frame(INFRARED), pair(), Prompt()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(noun, dataclasses.fields(noun)[0].name, None)


STATES = [
    ("fresh", "fresh", "fused", {INFRARED, VISIBLE}),
    ("fresh", "absent", "infrared_only", {INFRARED}),
    ("absent", "fresh", "visible_only", {VISIBLE}),
    ("stale", "fresh", "degraded", {INFRARED, VISIBLE}),
    ("fresh", "stale", "degraded", {INFRARED, VISIBLE}),
    ("frozen", "fresh", "degraded", {VISIBLE}),
    ("frozen", "absent", "degraded", {INFRARED}),
    ("frozen", "frozen", "degraded", {INFRARED, VISIBLE}),
    ("stale", "absent", "degraded", {INFRARED}),
]


@pytest.mark.parametrize(("infrared_state", "visible_state", "mode", "usable"), STATES)
def test_mode_follows_from_the_states(pair, infrared_state, visible_state, mode, usable):
    """Only two fresh pictures are `fused`; a frozen picture is used only where it is all there is."""
    made = pair(infrared_state=infrared_state, visible_state=visible_state)
    assert made.mode == mode
    assert made.usable == usable
    assert (made.state(INFRARED), made.state(VISIBLE)) == (infrared_state, visible_state)


def test_skew_is_signed(frame):
    """Skew is visible minus infrared, and unknown where one is missing."""
    both = Pair(
        infrared=frame(INFRARED, t_ms=10.0),
        visible=frame(VISIBLE, t_ms=4.0),
        infrared_state="fresh",
        visible_state="fresh",
        stream="gate",
        seq=0,
    )
    assert both.skew_ns == -6_000_000
    assert dataclasses.replace(both, infrared=None, infrared_state="absent").skew_ns is None


@pytest.mark.parametrize(
    ("reference", "states", "lead"),
    [
        (VISIBLE, ("fresh", "fresh"), VISIBLE),
        (INFRARED, ("fresh", "fresh"), INFRARED),
        (VISIBLE, ("fresh", "absent"), INFRARED),
        (INFRARED, ("absent", "fresh"), VISIBLE),
    ],
)
def test_lead_gives_the_time(pair, reference, states, lead):
    """A pair has the time of its reference camera, or of the one that is there."""
    made = pair(t_ms=7.0, reference=reference, infrared_state=states[0], visible_state=states[1])
    assert made.lead is made.frame(lead)
    assert made.t_cap_ns == 7_000_000


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"infrared": None, "visible": None}, "at least one frame", id="none"),
        pytest.param({"infrared": None}, "the state of infrared is 'fresh', but its frame is None", id="fresh but missing"),
        pytest.param({"visible_state": "absent"}, "the state of visible is 'absent', but its frame is Frame", id="absent but there"),
    ],
)
def test_pair_says_what_it_has(pair, fields, message):
    """States and frames agree, and there is at least one."""
    with pytest.raises(FrameError, match=message):
        dataclasses.replace(pair(), **fields)


def test_pair_refuses_swapped_cameras(pair):
    """A visible frame cannot stand for infrared."""
    made = pair()
    with pytest.raises(FrameError, match="visible frame was given as infrared"):
        dataclasses.replace(made, infrared=made.visible)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_lies_between_nothing_and_all(strength):
    """A prompt's strength is between 0 and 1."""
    with pytest.raises(FrameError, match="lies between 0 and 1"):
        Prompt(strength=strength)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"infrared_B1hw": None, "luma_B1HW": None, "chroma_B2cc": None}, "pixels of at least one camera", id="no pixels"),
        pytest.param({"chroma_B2cc": None}, "come together", id="luma alone"),
        pytest.param({"infrared_B1hw": torch.zeros(1, 1, 4, 6)}, r"want \(2, 1, height, width\), got \(1, 1, 4, 6\)", id="count"),
        pytest.param({"chroma_B2cc": torch.zeros(2, 1, 2, 3)}, r"want \(2, 2, height, width\)", id="channels"),
        pytest.param({"luma_B1HW": torch.zeros(2, 4, 6)}, "want", id="axes"),
        pytest.param({"prompts": (NEUTRAL,)}, "2 pairs need as many prompts and rigs, got 1 and 2", id="prompts"),
        pytest.param({"rigs": ()}, "got 2 and 0", id="rigs"),
    ],
)
def test_batch_goes_together(pair, fields, message):
    """Tensors, prompts and rigs of a batch are as many as its pairs."""
    with pytest.raises(FrameError, match=message):
        make_batch((pair("a"), pair("b")), **fields)


def test_size_of_a_batch_is_the_visible_grid(pair):
    """The result has the visible picture's size; infrared's own where there is none."""
    small = torch.zeros(1, 1, 2, 3)
    assert make_batch((pair(),), infrared_B1hw=small).size == (4, 6)
    assert make_batch((pair(),), infrared_B1hw=small, luma_B1HW=None, chroma_B2cc=None).size == (2, 3)


@pytest.mark.parametrize(
    ("luma", "chroma", "message"),
    [
        pytest.param((1, 1, 4, 6), (1, 2, 2, 2), r"chroma of \(1, 1, 4, 6\) must be \(1, 2, 2, 3\)", id="chroma"),
        pytest.param((1, 1, 4, 5), (1, 2, 2, 3), r"does not lie on the grid \(4, 6\)", id="grid"),
        pytest.param((2, 1, 4, 6), (2, 2, 2, 3), "does not lie on the grid", id="count"),
    ],
)
def test_fused_lies_on_the_grid(pair, luma, chroma, message):
    """A fused picture has the size and the count of its batch."""
    with pytest.raises(FrameError, match=message):
        Fused(luma_B1HW=torch.zeros(luma), chroma_B2cc=torch.zeros(chroma), batch=make_batch((pair(),)))


def test_repr_of_a_batch_holds_no_pixels(pair):
    """A batch in a log line is its shapes."""
    shown = repr(make_batch((pair(),)))
    assert "luma_B1HW=(1, 1, 4, 6) float32" in shown
    assert "tensor(" not in shown
    assert "array(" not in shown


def test_frame_keeps_what_it_was_given(frame):
    """The fields that matter to others arrive as they were given."""
    made = frame(VISIBLE, matrix="bt709", range="limited", epoch=2, pts=90, t_due_ns=5)
    assert isinstance(made, Frame)
    assert (made.matrix, made.range, made.epoch, made.pts, made.t_due_ns) == ("bt709", "limited", 2, 90, 5)
