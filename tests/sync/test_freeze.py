"""When an infrared camera is called frozen, on drawn scenes that really go through H.264."""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame, Pair, Planes, Spectrum
from streamfuse.sync.freeze import Freeze, FreezeSettings
from streamfuse.sync.nearest import Nearest, SyncSettings

FrameAt = Callable[..., Frame]
Picture = NDArray[np.uint8]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
HEIGHT, WIDTH, RATE = 240, 320, 30
PERIOD_NS = NS_PER_S // RATE


def scene(count: int, *, walker: bool, sigma: float, seed: int, light_at: int | None = None) -> Iterator[Picture]:
    """A lit wall with sensor noise; with `walker` somebody crosses it at 1 pixel per frame; at `light_at` a lamp lights a third of it."""
    chance = np.random.default_rng(seed)
    wall = np.add.outer(np.linspace(60, 120, HEIGHT), np.linspace(0, 60, WIDTH))
    for number in range(count):
        picture = wall.copy()
        if light_at is not None and number >= light_at:
            picture[:, WIDTH // 3 : 2 * WIDTH // 3] += 40
        if walker:
            picture[80:160, 90 + number % 120 : 110 + number % 120] = 210
        yield np.clip(picture + chance.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def through_h264(pictures: Iterator[Picture]) -> list[Picture]:
    """Encoded with x264 at crf 28 and decoded again, luma only."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "28"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as container:
        return [frame.to_ndarray(format="gray").astype(np.uint8) for frame in container.decode(video=0)]


def run_length(pictures: list[Picture]) -> int:
    """The most identical pictures in a row."""
    longest = run = 1
    for one, two in pairwise(pictures):
        run = run + 1 if np.array_equal(one, two) else 1
        longest = max(longest, run)
    return longest


def as_planes(picture: Picture) -> Planes:
    chroma = np.full((picture.shape[0] // 2, picture.shape[1] // 2), 128, np.uint8)
    return Planes(y=picture.copy(), u=chroma, v=chroma)


def as_rgb(picture: Picture) -> Picture:
    return np.stack([picture] * 3, axis=-1)


def infrared_states(frame_at: FrameAt, infrared: list[Picture], visible: list[Any], settings: SyncSettings | None = None) -> list[str]:
    """States of the infrared frames of all pairs, of two recordings in step."""
    sync = Nearest(settings or SyncSettings(), policy="lossless")
    pairs: list[Pair] = []
    for number, (warm, colour) in enumerate(zip(infrared, visible, strict=True)):
        pairs += sync.feed(frame_at(INFRARED, number * PERIOD_NS, image=warm.copy()), 0)
        pairs += sync.feed(frame_at(VISIBLE, number * PERIOD_NS, image=colour), 0)
    pairs += [pair for spectrum in Spectrum for pair in sync.end(spectrum, 0)]
    assert len(pairs) == len(infrared)
    return [pair.infrared_state for pair in pairs]


@pytest.fixture(scope="module")
def quiet() -> list[Picture]:
    """A static thermal picture with noise sigma 1, as H.264 leaves it."""
    return through_h264(scene(90, walker=False, sigma=1.0, seed=1))


@pytest.fixture(scope="module")
def static() -> list[Picture]:
    """What the visible camera sees of the same quiet place."""
    return through_h264(scene(90, walker=False, sigma=2.0, seed=2))


@pytest.fixture(scope="module")
def walked() -> list[Picture]:
    """What the visible camera sees while somebody walks by."""
    return through_h264(scene(90, walker=True, sigma=2.0, seed=3))


def test_a_quiet_scene_in_h264_is_not_frozen(frame_at: FrameAt, quiet: list[Picture], static: list[Picture]) -> None:
    """Long runs of identical infrared pictures mean nothing while the visible picture is as still."""
    assert run_length(quiet) > 10
    assert infrared_states(frame_at, quiet, [as_planes(picture) for picture in static]) == ["fresh"] * 90


@pytest.mark.parametrize("kind", [as_planes, as_rgb])
def test_frozen_while_the_world_moves(frame_at: FrameAt, walked: list[Picture], kind: Callable[[Picture], Any]) -> None:
    """An infrared picture that stays while somebody walks by is frozen within half a second, until it changes again."""
    warm = through_h264(scene(90, walker=True, sigma=1.0, seed=4))
    shut = [*warm[:30], *[warm[30]] * 30, *warm[60:]]
    states = infrared_states(frame_at, shut, [kind(picture) for picture in walked])
    assert states[:34] == ["fresh"] * 34
    assert states[45:60] == ["frozen"] * 15
    assert states[60:] == ["fresh"] * 30


def test_a_freeze_makes_the_pair_degraded(frame_at: FrameAt, quiet: list[Picture], walked: list[Picture]) -> None:
    """A pair with frozen infrared is degraded, and only its visible picture may be used."""
    sync = Nearest(SyncSettings(), policy="lossless")
    pairs: list[Pair] = []
    for number, picture in enumerate(walked):
        pairs += sync.feed(frame_at(INFRARED, number * PERIOD_NS, image=quiet[0].copy()), 0)
        pairs += sync.feed(frame_at(VISIBLE, number * PERIOD_NS, image=as_planes(picture)), 0)
    assert (pairs[-1].mode, pairs[-1].infrared_state) == ("degraded", "frozen")
    assert pairs[-1].usable == {VISIBLE}


def test_moving_infrared_is_never_frozen(frame_at: FrameAt, static: list[Picture]) -> None:
    """Infrared that changes from picture to picture is fresh, whatever the visible camera sees."""
    warm = list(scene(90, walker=True, sigma=1.0, seed=5))
    assert infrared_states(frame_at, warm, [as_planes(picture) for picture in static]) == ["fresh"] * 90


def test_a_lamp_is_no_motion(frame_at: FrameAt) -> None:
    """Light that is switched on in a still place changes the visible picture once, and infrared rightly stays."""
    still = next(scene(1, walker=False, sigma=1.0, seed=6))
    lit = [as_planes(picture) for picture in scene(60, walker=False, sigma=2.0, seed=7, light_at=30)]
    assert infrared_states(frame_at, [still] * 60, lit) == ["fresh"] * 60


@pytest.mark.parametrize("sigma", [5.0, 12.0])
def test_noise_and_exposure_are_no_motion(frame_at: FrameAt, sigma: float) -> None:
    """A noisy picture whose exposure pumps is as still as a clean one."""
    still = next(scene(1, walker=False, sigma=1.0, seed=8))
    pumping = [as_planes(np.clip(p + np.uint8(n % 20), 0, 255)) for n, p in enumerate(scene(60, walker=False, sigma=sigma, seed=9))]
    assert infrared_states(frame_at, [still] * 60, pumping) == ["fresh"] * 60


def test_a_camera_that_pans_moves(frame_at: FrameAt) -> None:
    """When the whole visible picture moves, a still infrared picture is frozen."""
    still = next(scene(1, walker=False, sigma=1.0, seed=10))
    texture = np.random.default_rng(11).integers(0, 256, (HEIGHT // 8, WIDTH // 8 + 60), np.uint8).repeat(8, 0).repeat(8, 1)
    panned = [as_planes(texture[:, 8 * n : 8 * n + WIDTH]) for n in range(60)]
    assert infrared_states(frame_at, [still] * 60, panned)[-1] == "frozen"


def test_motion_outside_the_shared_view_does_not_count(frame_at: FrameAt, walked: list[Picture]) -> None:
    """What infrared cannot see cannot tell that it is frozen."""
    still = next(scene(1, walker=False, sigma=1.0, seed=12))
    below = SyncSettings(freeze=FreezeSettings(shared_view=(0.0, 0.75, 1.0, 1.0)))
    visible = [as_planes(picture) for picture in walked]
    assert infrared_states(frame_at, [still] * 90, visible, below) == ["fresh"] * 90
    assert infrared_states(frame_at, [still] * 90, visible)[-1] == "frozen"


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_flat_field_is_frozen_at_once(frame_at: FrameAt, static: list[Picture], spread: float, kind: Any) -> None:
    """A closed shutter, or no picture, shows no structure: frozen from its first frame on, without any motion."""
    chance = np.random.default_rng(13)
    flat = [(100 + chance.normal(0, spread, (HEIGHT, WIDTH))).round().astype(kind) for _ in range(5)]
    scenes = [picture.astype(kind) for picture in scene(5, walker=False, sigma=1.0, seed=14)]
    visible = [as_planes(picture) for picture in static[:15]]
    assert infrared_states(frame_at, [*scenes, *flat, *scenes], visible) == ["fresh"] * 5 + ["frozen"] * 5 + ["fresh"] * 5


def test_a_flat_field_is_frozen_without_a_visible_camera(frame_at: FrameAt) -> None:
    """A pair with infrared alone says so too; it has nothing better to show."""
    sync = Nearest(SyncSettings(), cameras=frozenset({INFRARED}))
    (pair,) = sync.feed(frame_at(INFRARED, 0, image=np.full((60, 80), 9, np.uint8)), 0)
    assert (pair.infrared_state, pair.mode) == ("frozen", "degraded")
    assert pair.usable == {INFRARED}


def test_motion_before_the_picture_stood_still_does_not_count(frame_at: FrameAt, walked: list[Picture]) -> None:
    """When somebody walks by and the place is quiet afterwards, the infrared picture may well stand still."""
    warm = list(scene(40, walker=True, sigma=1.0, seed=16))
    visible = [as_planes(picture) for picture in [*walked[:40], *[walked[40]] * 50]]
    assert infrared_states(frame_at, [*warm, *[warm[-1]] * 50], visible) == ["fresh"] * 90


def test_motion_after_the_pair_does_not_count(frame_at: FrameAt, walked: list[Picture]) -> None:
    """A verdict looks no further than its pair's instant, so that it does not depend on what was fed meanwhile."""
    freeze = Freeze(FreezeSettings())
    for number, picture in enumerate(walked):
        freeze.see(frame_at(VISIBLE, number * PERIOD_NS, image=as_planes(picture)))
        frame = frame_at(INFRARED, number * PERIOD_NS)
        look = freeze.see(frame)
    assert freeze.frozen(frame, look, frame.t_cap_ns, PERIOD_NS)
    assert not freeze.frozen(frame, look, frame.t_cap_ns - 86 * PERIOD_NS, PERIOD_NS)


def test_can_be_switched_off(frame_at: FrameAt) -> None:
    """With `enabled: false` no picture is looked at."""
    sync = Nearest(SyncSettings(freeze=FreezeSettings(enabled=False)), cameras=frozenset({INFRARED}))
    (pair,) = sync.feed(frame_at(INFRARED, 0, image=np.full((60, 80), 9, np.uint8)), 0)
    assert pair.mode == "infrared_only"


def test_a_reconnect_ends_a_freeze(frame_at: FrameAt, walked: list[Picture]) -> None:
    """An infrared camera that comes back with the picture it had is fresh, until it has stayed so again."""
    sync = Nearest(SyncSettings(), policy="lossless")
    pairs: list[Pair] = []
    still = next(scene(1, walker=False, sigma=1.0, seed=17))
    for number, picture in enumerate(walked[:51]):
        pairs += sync.feed(frame_at(INFRARED, number * PERIOD_NS, image=still.copy(), epoch=number // 50), 0)
        pairs += sync.feed(frame_at(VISIBLE, number * PERIOD_NS, image=as_planes(picture), epoch=number // 50), 0)
    assert [pair.infrared_state for pair in pairs[-2:]] == ["frozen", "fresh"]


def test_a_break_ends_the_run(frame_at: FrameAt, walked: list[Picture]) -> None:
    """After a break in infrared's time its picture follows none, so a run of identical ones begins anew."""
    freeze = Freeze(FreezeSettings())
    still = next(scene(1, walker=False, sigma=1.0, seed=15))
    for number, picture in enumerate(walked):
        freeze.see(frame_at(VISIBLE, number * PERIOD_NS, image=as_planes(picture)))
        frame = frame_at(INFRARED, number * PERIOD_NS, image=still.copy())
        look = freeze.see(frame)
    assert freeze.frozen(frame, look, frame.t_cap_ns, PERIOD_NS)
    assert not freeze.frozen(frame, look, frame.t_cap_ns, None), "without a known period nothing is too long"
    freeze.forget(INFRARED)
    assert not freeze.frozen(frame, freeze.see(frame), frame.t_cap_ns, PERIOD_NS)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (7, 640), (1080, 2)])
def test_any_size_will_do(frame_at: FrameAt, size: tuple[int, int]) -> None:
    """Very small and very narrow pictures are looked at without complaint, and sizes may change on the way."""
    freeze = Freeze(FreezeSettings())
    pictures = [np.random.default_rng(n).integers(0, 256, shape, np.uint8) for n, shape in enumerate([size, size, (48, 64), size])]
    for number, picture in enumerate(pictures):
        t_ns = number * 100 * NS_PER_MS
        freeze.see(frame_at(VISIBLE, t_ns, image=as_rgb(picture)))
        look = freeze.see(frame_at(INFRARED, t_ns, image=picture))
        assert look is not None
        assert look.still_since_ns == frame_at(INFRARED, t_ns).t_cap_ns
