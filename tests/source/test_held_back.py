"""A decoder that holds back more and more: seen by counting, and cured by a new one, on a stream that was really spoilt."""

import http.server
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.frames import Planes, Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.source.held_back import RECENT, SETTLED, HeldBack
from streamfuse.video.container import Opening, VideoReader
from tools.faults.encoding import Encoder

SIZE, FPS, GROUP, COUNT = (320, 256), 12, 12, 120
SPOILT, SHARE, PIECE, BYTES = range(24, 48), 0.05, 1200, 4  # four bytes of some pieces, as the fault rig does
SEED = 1  # one of the few by whose chance a header is hit so that the decoder never forgets
TICKS = 90_000 // FPS


def through(holds: list[int]) -> list[bool]:
    """Whether it has grown, after each picture; picture i comes out `holds[i]` packets after its own went in."""
    held, grown, fed = HeldBack(), [], 0
    for number, after in enumerate(holds):
        while fed <= number + after:
            held.fed(fed)
            fed += 1
        held.came(number)
        grown.append(held.grown)
    return grown


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.integers(1, 9))
def test_a_stream_out_of_order_has_not_grown(pattern, rounds):
    """Whatever repeats within eight pictures is what the stream needs, though the first picture came without any wait."""
    assert not any(through((pattern * (RECENT + rounds))[: RECENT * rounds]))


@given(st.integers(1, 9), st.integers(0, 3))
def test_it_has_grown_once_all_recent_pictures_are_later(more, usual):
    """Eight pictures in a row, and not one sooner; a single late one is none of our business."""
    grown = through([usual] * 20 + [usual + more] * RECENT)
    assert not any(grown[: 20 + RECENT - 1])
    assert grown[-1]


def test_a_stream_that_begins_to_need_it_gets_one_new_decoder():
    """One that begins to code pictures out of order goes on to: what the new decoder needs from its beginning is not too much."""
    held = HeldBack()
    renewed = fed = 0
    for number in range(200):
        while fed <= number + (0 if number < 40 else 2):
            held.fed(fed)
            fed += 1
        held.came(number)
        if number % 10 == 0 and held.grown:
            held.renewed()
            renewed += 1
    assert renewed == 1


def test_made_up_pictures_and_a_new_decoder_tell_nothing():
    """A picture without pts is not counted, and after `renewed` everything is to be seen anew."""
    held = HeldBack()
    for number in range(SETTLED + RECENT):
        held.fed(number)
        held.came(number if number < SETTLED else None)
    before = held.grown
    for number in range(100, 100 + 2 * RECENT):
        held.fed(number)
        held.came(number - RECENT)
    after = held.grown
    held.renewed()
    assert (before, after, held.grown) == (False, True, False)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transport stream of ten seconds, in which two seconds were spoilt as on a bad line."""
    path = tmp_path_factory.mktemp("spoilt") / "street.ts"
    encoder, draw = Encoder("h264", SIZE, FPS, GROUP), np.random.default_rng(SEED)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    chroma = np.full((SIZE[1] // 2, SIZE[0] // 2), 128, np.uint8)
    with av.open(str(path), "w", format="mpegts") as container:
        stream = cast("Any", container.add_stream("libx264", rate=FPS))
        stream.width, stream.height, stream.time_base = *SIZE, Fraction(1, 90_000)
        for number in range(COUNT):
            luma = ((3 * (x + y) + 5 * number) % 200 + 20).astype(np.uint8)
            luma[100:140, 4 * number % 280 :][:, :40] = 240
            nals, key = encoder.encode(Planes(y=luma, u=chroma, v=chroma), key=False)
            packet = av.Packet(b"".join(b"\0\0\0\1" + worn(nal, draw, number) for nal in nals))
            packet.pts = packet.dts = number * TICKS
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 90_000), stream, key
            container.mux(packet)
    return path


def worn(nal: bytes, draw: np.random.Generator, number: int) -> bytes:
    """The unit with some of its pieces spoilt, in the seconds of the bad line."""
    pieces = [bytearray(nal[at : at + PIECE]) for at in range(0, len(nal), PIECE)]
    for piece in pieces:
        if number in SPOILT and draw.random() < SHARE:
            for at in draw.integers(0, len(piece), BYTES):
                piece[at] = int(draw.integers(256))
    return b"".join(map(bytes, pieces))


@pytest.fixture(scope="module")
def out_of_order(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good transport stream, in which pictures refer to later ones."""
    path = tmp_path_factory.mktemp("order") / "street.ts"
    draw = np.random.default_rng(1)
    with av.open(str(path), "w", format="mpegts") as container:
        stream = cast("Any", container.add_stream("libx264", rate=FPS, options={"bf": "3", "b-pyramid": "normal", "g": str(GROUP)}))
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        background = draw.integers(0, 255, (64, 96 + COUNT, 3), dtype=np.uint8)
        for number in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(background[:, number : number + 96], "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def served() -> Iterator[Callable[[Path], str]]:
    """`served(file)` is an URL at which a camera would send it."""
    files: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), name="http", daemon=True).start()

    def serve(path: Path) -> str:
        files[f"/{path.name}"] = path.read_bytes()
        return f"http://127.0.0.1:{server.server_port}/{path.name}"

    yield serve
    server.shutdown()
    server.server_close()


def test_the_stream_makes_a_decoder_hold_back(spoilt):
    """Five seconds after the last spoilt byte every picture still comes many pictures late: what is to be cured is really there."""
    reader = VideoReader(Opening(url=str(spoilt), name="street"))
    held = []
    while (packet := reader.packet()) is not None:
        try:
            held += [(packet.pts or 0) - raw.pts for raw in reader.decode(packet) if raw.pts is not None]
        except Exception:  # noqa: BLE001  spoilt
            continue
    reader.close()
    assert min(held[-RECENT:]) > 3 * TICKS


def test_a_live_camera_gets_a_new_decoder(served, spoilt):
    """After at most two groups each picture comes with its own packet again, and from there on none is missing."""
    source = AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=served(spoilt)))
    source.open()
    came = [(packet.pts, frame.pts) for packet in source.demux() for frame in source.decode(packet)]
    source.close()
    assert source.problems["decoder_renewed"] == 1
    assert all(packet == frame for packet, frame in came[-3 * GROUP :])
    stamps = [frame for _, frame in came if frame is not None][-5 * GROUP :]
    assert np.all(np.diff(stamps) == TICKS)


def test_a_stream_out_of_order_keeps_its_decoder(served, out_of_order):
    """Holding back what refers to later pictures is no fault."""
    source = AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=served(out_of_order)))
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    assert len(frames) == COUNT
    assert source.problems["decoder_renewed"] == 0
