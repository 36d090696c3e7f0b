"""The lane of a CUDA device: the same pictures as on a CPU, nothing that grows, and bytes that outlive their slot."""

import numpy as np
import pytest
import torch

from streamfuse.align.warp import Warp, WarpSettings
from streamfuse.batch.cuda_lane import CudaLane, _Copying
from streamfuse.batch.lane import CpuLane, Lane, make_lane
from streamfuse.batch.ring import HostRing
from streamfuse.frames import Fused, Pair, Planes, PromptState
from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings

RNG = np.random.default_rng(1)
NEUTRAL = PromptState(id="neutral")


def picture(height: int = 48, width: int = 64) -> Planes:
    small = (-(-height // 2), -(-width // 2))
    return Planes(
        y=RNG.integers(0, 256, (height, width), np.uint8), u=RNG.integers(0, 256, small, np.uint8), v=RNG.integers(0, 256, small, np.uint8)
    )


def submitted(lane: Lane, pairs: tuple[Pair, ...]):
    batch = lane.upload(pairs, [NEUTRAL] * len(pairs), [None] * len(pairs))
    with lane.compute(batch):
        batch = Warp(WarpSettings(unrigged="stretch")).align(batch)
        return lane.download(Laplacian(LaplacianSettings()).fuse(batch, batch.prompts))


def assert_within_a_level(got: Planes, want: Planes) -> None:
    for name in ("y", "u", "v"):
        difference = getattr(got, name).astype(int) - getattr(want, name).astype(int)
        assert np.abs(difference).max() <= 1, name


# --- without a device: how bytes leave a pinned slot


class Copy:
    """Stands for the event after a copy."""

    def __init__(self) -> None:
        self.done = False

    def query(self) -> bool:
        return self.done

    def synchronize(self) -> None:
        self.done = True


def test_bytes_leave_a_slot_before_it_is_used_again():
    """A download that nobody has taken yet keeps its own picture though its slot goes on to the next."""
    ring, event = HostRing(slots=1, pinned=False), Copy()
    slot = ring.acquire(6)
    slot.memory_N.copy_(torch.tensor([10, 11, 12, 13, 14, 15], dtype=torch.uint8))
    waiting = _Copying(slot.memory_N[:4].view(1, 1, 2, 2), slot.memory_N[4:6].view(1, 2, 1, 1), event)
    slot.busy = waiting
    assert not waiting.ready()
    ring.acquire(6).memory_N.fill_(99)
    assert waiting.ready()
    planes = waiting.take()[0]
    assert (planes.y.tolist(), planes.u.tolist(), planes.v.tolist()) == ([[10, 11], [12, 13]], [[14]], [[15]])


# --- on a device


@pytest.mark.needs_cuda
@pytest.mark.parametrize("count", [1, 2, 3, 16])
@pytest.mark.parametrize("size", [(48, 64), (49, 63)])
def test_same_pictures_as_on_a_cpu(pair, count, size):
    """Both lanes give the same results to within one level, and padding comes after the items that were asked for."""
    pairs = tuple(pair(f"cam{i}", infrared=picture(24, 32).y, visible=picture(*size)) for i in range(count))
    on_cpu = submitted(CpuLane(), pairs).take()
    on_cuda = submitted(make_lane("cuda"), pairs).take()
    assert len(on_cuda) == {1: 1, 2: 2, 3: 4, 16: 16}[count]
    for got, want in zip(on_cuda, on_cpu, strict=False):
        assert_within_a_level(got, want)


@pytest.mark.needs_cuda
def test_padding_repeats_the_last_pair(pair):
    """Three pairs make a batch of four, whose prompts and rigs are as many; on the way back the last picture comes twice."""
    lane = make_lane("cuda")
    pairs = tuple(pair(f"cam{i}", infrared=picture().y, visible=picture()) for i in range(3))
    batch = lane.upload(pairs, [PromptState(id=str(i)) for i in range(3)], ["a", "b", None])
    assert [p.stream for p in batch.pairs] == ["cam0", "cam1", "cam2", "cam2"]
    assert [p.id for p in batch.prompts] == ["0", "1", "2", "2"]
    assert batch.rigs == ("a", "b", None, None)
    planes = submitted(lane, pairs).take()
    assert np.array_equal(planes[2].y, planes[3].y)


@pytest.mark.needs_cuda
def test_slots_and_memory_stay_flat(pair):
    """Two hundred batches, two in flight, allocate pinned memory for the ring once and hold no more of the device at the end."""
    lane = CudaLane(torch.device("cuda"))
    pairs = tuple(pair(f"cam{i}", infrared=picture().y, visible=picture()) for i in range(16))
    flights, held = [], []
    for turn in range(200):
        flights.append(submitted(lane, pairs if turn < len(lane.ring) else pairs[: 1 + turn % 16]))
        if len(flights) >= lane.depth:
            flights.pop(0).take()
        held.append(lane.memory_bytes())
    while flights:
        flights.pop(0).take()
    assert lane.ring.allocations == len(lane.ring)
    assert lane.return_ring.allocations == len(lane.return_ring)
    assert max(held[180:]) <= 2 * max(held[:20])


@pytest.mark.needs_cuda
def test_more_in_flight_than_slots(pair):
    """Downloads that are taken late, and more of them than the ring has slots, still give each its own picture."""
    lane = CudaLane(torch.device("cuda"))
    given = [picture() for _ in range(3 * len(lane.return_ring))]
    downloads = [submitted(lane, (pair(infrared=p.y, visible=p),)) for p in given]
    for before, download in zip(given, downloads, strict=True):
        assert_within_a_level(download.take()[0], before)
        assert download.ready()


@pytest.mark.needs_cuda
def test_batch_is_read_after_its_event(pair):
    """A batch carries the event after which its tensors may be read, from another stream too."""
    lane = CudaLane(torch.device("cuda"))
    given = picture(480, 640)
    batch = lane.upload((pair(infrared=given.y, visible=given),), [NEUTRAL], [None])
    assert batch.ready is not None
    batch.ready.synchronize()
    assert batch.ready.query()
    assert batch.luma_B1HW is not None
    assert batch.luma_B1HW.device.type == "cuda"
    assert np.array_equal((batch.luma_B1HW[0, 0] * 255).round().to(torch.uint8).cpu().numpy(), given.y)


@pytest.mark.needs_cuda
def test_one_camera_alone(pair):
    """A batch of visible pictures only goes there and back to the bit."""
    lane, given = CudaLane(torch.device("cuda")), picture(49, 63)
    batch = lane.upload((pair(visible=given, infrared_state="absent"),), [NEUTRAL], [None])
    assert batch.luma_B1HW is not None
    assert batch.chroma_B2cc is not None
    with lane.compute(batch):
        download = lane.download(Fused(luma_B1HW=batch.luma_B1HW, chroma_B2cc=batch.chroma_B2cc, batch=batch))
    planes = download.take()[0]
    for name in ("y", "u", "v"):
        assert np.array_equal(getattr(planes, name), getattr(given, name))


def test_copying_is_a_download_and_an_event():
    """What a slot is busy with waits for the copy once and then gives the same planes each time."""
    event = Copy()
    copying = _Copying(torch.zeros(2, 1, 2, 2, dtype=torch.uint8), torch.zeros(2, 2, 1, 1, dtype=torch.uint8), event)
    assert not copying.ready()
    copying.synchronize()
    assert event.done
    assert copying.take() is copying.take()
    assert len(copying.take()) == 2
