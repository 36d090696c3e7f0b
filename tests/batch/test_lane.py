"""Upload, compute and download on a CPU."""

import dataclasses

import numpy as np
import pytest
import torch

from streamfuse.batch.lane import CpuLane, make_lane
from streamfuse.errors import DeviceError
from streamfuse.frames import Batch, Fused, Pair, Planes, PromptState
from streamfuse.fuse.pixelwise import Average
from streamfuse.fuse.single import single

RNG = np.random.default_rng(1)
NEUTRAL = PromptState(id="neutral")
CPU = torch.device("cpu")


def picture(height: int = 9, width: int = 7) -> Planes:
    small = (-(-height // 2), -(-width // 2))
    return Planes(
        y=RNG.integers(0, 256, (height, width), np.uint8), u=RNG.integers(0, 256, small, np.uint8), v=RNG.integers(0, 256, small, np.uint8)
    )


def uploaded(lane: CpuLane, *pairs: Pair) -> Batch:
    return lane.upload(pairs, [NEUTRAL] * len(pairs), [None] * len(pairs))


def through(lane: CpuLane, *pairs: Pair) -> list[Planes]:
    batch = uploaded(lane, *pairs)
    with lane.compute(batch):
        fused = single(batch) if batch.infrared_B1hw is None else Average().fuse(batch, batch.prompts)
        return lane.download(fused).take()


def test_equal_pictures_come_back_to_the_bit(pair):
    """The average of two equal pictures is that picture, in every byte of all planes, for each item."""
    given = [picture() for _ in range(3)]
    returned = through(CpuLane(), *[pair(f"cam{i}", infrared=p.y, visible=p) for i, p in enumerate(given)])
    for before, after in zip(given, returned, strict=True):
        for name in ("y", "u", "v"):
            assert np.array_equal(getattr(before, name), getattr(after, name))


def test_batch_says_what_it_holds(pair):
    """Pairs, prompts and rigs keep their order; one camera alone leaves the other's tensors out."""
    lane = CpuLane()
    pairs = (pair("a"), pair("b"))
    prompts = [PromptState(id="people"), NEUTRAL]
    batch = lane.upload(pairs, prompts, ["mast", None])
    assert batch.pairs == pairs
    assert [p.id for p in batch.prompts] == ["people", "neutral"]
    assert batch.rigs == ("mast", None)
    assert batch.ready is None
    assert batch.size == (48, 64)
    assert uploaded(lane, pair(visible_state="absent")).luma_B1HW is None
    assert uploaded(lane, pair(infrared_state="frozen")).infrared_B1hw is None


def test_slots_do_not_grow(pair):
    """Two hundred batches of changing sizes allocate host memory once."""
    lane = CpuLane()
    pairs = [pair(f"cam{i}") for i in range(16)]
    uploaded(lane, *pairs)
    memory = lane.ring.acquire(1).memory_N.data_ptr()
    for turn in range(200):
        uploaded(lane, *pairs[: 1 + turn % 16])
    assert lane.ring.allocations == 1
    assert len(lane.ring) == 1
    assert lane.ring.acquire(1).memory_N.data_ptr() == memory


def test_a_later_batch_leaves_earlier_ones_alone(pair):
    """Neither the tensors of a batch nor the bytes of a result change when the slot is used again."""
    lane, first = CpuLane(), picture()
    batch = uploaded(lane, pair(infrared=first.y, visible=first))
    planes = through(lane, pair(infrared=first.y, visible=first))[0]
    assert batch.luma_B1HW is not None
    luma = batch.luma_B1HW.clone()
    for _ in range(5):
        through(lane, pair(infrared=picture().y, visible=picture()))
    assert torch.equal(batch.luma_B1HW, luma)
    assert np.array_equal(planes.y, first.y)
    assert np.array_equal(planes.v, first.v)


def test_frames_stay_as_they_are(pair):
    """The lane reads the pixels of a frame and never writes them."""
    given = picture()
    kept = given.y.copy()
    through(CpuLane(), pair(infrared=given.y, visible=given))
    assert np.array_equal(given.y, kept)


def test_results_are_read_only(pair):
    """Whoever gets a result cannot change it for the others."""
    planes = through(CpuLane(), pair())[0]
    with pytest.raises(ValueError, match="read-only"):
        planes.y[0, 0] = 1


def test_values_between_bytes_are_rounded(pair):
    """The way back rounds to the nearest level and clips."""
    lane = CpuLane()
    batch = uploaded(lane, pair(infrared=np.zeros((2, 2), np.uint8), visible=picture(2, 2)))
    luma = torch.tensor([[0.0, 1.0], [100.4, 100.6]]).view(1, 1, 2, 2) / torch.tensor([[1.0, 1.0], [255.0, 255.0]])
    assert batch.chroma_B2cc is not None
    fused = Fused(luma_B1HW=luma, chroma_B2cc=batch.chroma_B2cc, batch=batch)
    assert lane.download(fused).take()[0].y.tolist() == [[0, 255], [100, 101]]


def test_nothing_is_in_flight_on_a_cpu(pair):
    """A download is ready at once, and one batch at a time is all that pays."""
    lane = CpuLane()
    batch = uploaded(lane, pair())
    download = lane.download(Average().fuse(batch, batch.prompts))
    assert download.ready()
    assert lane.depth == 1
    assert lane.memory_bytes() == 0


def test_infrared_alone(pair):
    """A pair without its visible camera goes the same way, on its own grid, with neutral chroma."""
    lane, image = CpuLane(), RNG.integers(0, 256, (5, 3), np.uint8)
    batch = uploaded(lane, pair(infrared=image, visible_state="absent"))
    planes = lane.download(single(batch)).take()[0]
    assert np.array_equal(planes.y, image)
    assert set(np.unique(planes.u)) == set(np.unique(planes.v)) == {128}


def test_cpu_by_name():
    """`cpu` is the CPU's lane, and `auto` is where there is nothing else."""
    assert make_lane("cpu").device == CPU
    assert make_lane("auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_cuda_that_is_not_there(monkeypatch, name):
    """Asking for CUDA where there is none is an error that says what to do."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=rf"device '{name}' was asked for, but PyTorch sees no CUDA device; .*`cpu` works"):
        make_lane(name)


def test_cuda_device_of_a_wrong_number(monkeypatch):
    """A number beyond the devices that there are is named, with how many there are."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="device 'cuda:7' was asked for, but PyTorch sees 2, the last of them cuda:1"):
        make_lane("cuda:7")


def test_batch_can_be_changed_by_a_stage_of_ones_own(pair):
    """What a user's stage replaces in a batch goes back to the host like everything else."""
    lane = CpuLane()
    batch = dataclasses.replace(uploaded(lane, pair()), luma_B1HW=torch.full((1, 1, 48, 64), 1.0))
    assert int(lane.download(Average().fuse(batch, batch.prompts)).take()[0].y[0, 0]) == round((255 + 200) / 2 + 0.25)
