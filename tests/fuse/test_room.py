from dataclasses import replace
from pathlib import Path

import pytest
import torch

from streamfuse.errors import DeviceError
from streamfuse.frames import Prompt
from streamfuse.fuse import FUSERS, room
from streamfuse.fuse.room import Room, Work, free_bytes
from streamfuse.networks import NETWORKS

CPU = torch.device("cpu")
GB = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is free from now on: the last of the list."""
    figures = [64 * GB]
    monkeypatch.setattr(room, "free_bytes", lambda device: figures[-1])
    return figures


def pictures(height: int, width: int, batch: int = 1) -> torch.Tensor:
    return torch.empty(batch, 1, height, width, device="meta")


def test_what_fits_passes_and_is_asked_once(free):
    """The same size again is not worth a look at the memory."""
    asked = Room("nano", "small", "fp32", CPU)
    asked.ask(pictures(480, 640), folded=True)
    free.append(0)
    asked.ask(pictures(480, 640), folded=True)
    with pytest.raises(DeviceError):
        asked.ask(pictures(480, 640), folded=False)


def test_the_error_says_what_is_needed_there_and_would_fit(free):
    """All in the words of the config, each with its own need; nothing is named that would not fit either."""
    asked = Room("upfusion", "base", "fp32", CPU)
    free.append(2 * GB)
    with pytest.raises(DeviceError) as caught:
        asked.ask(pictures(960, 1280, batch=4), folded=False)
    said = str(caught.value)
    assert "upfusion-base at 1280x960, batch 4, in fp32 needs about 35 GB of memory, and 2 GB are free on cpu" in said
    assert "the same prompt for all streams (1.4 GB)" in said
    assert "pictures of 263x197 (1.7 GB)" in said
    assert "bf16" not in said
    assert "batch.size 1" not in said


def test_what_would_fit_fits(free):
    """Each proposal, put in practice, is below what there is; the smaller pictures are the first of a fine scale that are."""
    work = Work(network="upfusion", size="base", precision="fp32", device=CPU, height=1080, width=1920, batch=2, folded=False)
    for gigabytes in (1, 4, 12, 24):
        free.append(gigabytes * GB)
        proposals = [less for _, less in room._lesser(work) if less.needed_bytes <= free[-1]]
        assert proposals
        smaller = proposals[-1]
        larger = replace(smaller, height=round(smaller.height / room.SHRINK) + 8, width=round(smaller.width / room.SHRINK) + 8)
        assert smaller.needed_bytes <= free[-1] < larger.needed_bytes


def test_the_published_form_has_no_smaller_one(free):
    """So none is proposed."""
    free.append(2 * GB)
    work = Work(network="upfusion", size="base", text="published", precision="fp32", device=CPU, height=960, width=1280)
    assert not [how for how, _ in room._lesser(work) if "small" in how and "pictures" not in how]
    assert [how for how, _ in room._lesser(replace(work, text="guided")) if how == "fuse.size small"]


def test_not_even_the_weights(free):
    """Known before the network is built; the way out is another one."""
    free.append(10**6)
    fuser = FUSERS.make("upfusion", size="base", weights="random")
    with pytest.raises(DeviceError, match=r"upfusion-base at 64x64.*fuse\.kind blend"):
        fuser.to(CPU)


def test_a_fuser_asks_before_it_runs(free, pair):
    """The error comes in place of the picture; with room again, the picture comes."""
    from streamfuse.batch.lane import CpuLane

    fuser = FUSERS.make("nano", weights="random", precision="fp32", runtime="torch")
    fuser.to(CPU)
    state = fuser.compile(Prompt())
    batch = CpuLane().upload((pair(),), [state], [None])
    free.append(0)
    with torch.inference_mode(), pytest.raises(DeviceError, match=r"nano-small at 64x48, batch 1, in fp32"):
        fuser.fuse(batch, [state])
    free.append(GB)
    with torch.inference_mode():
        assert fuser.fuse(batch, [state]).luma_B1HW.shape == (1, 1, 48, 64)


@pytest.mark.parametrize("network", list(NETWORKS))
@pytest.mark.parametrize("size", ["base", "small"])
def test_every_network_has_its_figure(network, size):
    """None is left out, and more pixels need more."""
    small, large = (Work(network=network, size=size, precision="fp32", device=CPU, height=h, width=h).needed_bytes for h in (64, 640))
    assert 0 < small < large


def test_this_machine_says_how_much_is_free():
    """On Linux; elsewhere nobody is asked, and nothing is refused."""
    free = free_bytes(CPU)
    assert free is None or 2**20 < free < 2**50


def test_a_container_may_have_less_than_its_machine(monkeypatch, tmp_path):
    """The smaller of the two counts; files that were only read can be given back."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    figures = {"memory.max": "3000000000", "memory.current": "2500000000", "memory.stat": "anon 1\ninactive_file 500000000\n"}
    for name, text in figures.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(room, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "CGROUP", tmp_path)
    assert free_bytes(CPU) == GB
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(CPU) == 8_192_000_000


def test_where_nobody_says_nothing_is_refused(monkeypatch):
    """No figure is not zero."""
    monkeypatch.setattr(room, "MEMINFO", Path("/nowhere"))
    monkeypatch.setattr(room, "CGROUP", Path("/nowhere"))
    assert free_bytes(CPU) is None
    Room("upfusion", "base", "fp32", CPU).ask(pictures(100_000, 100_000), folded=False)


@pytest.mark.needs_cuda
def test_a_device_says_how_much_is_free():
    """What the allocator holds without using it counts as free."""
    device = torch.device("cuda")
    before = free_bytes(device)
    held = torch.empty(2**28, dtype=torch.uint8, device=device)
    during = free_bytes(device)
    del held
    assert before is not None
    assert during is not None
    assert before - during == pytest.approx(2**28, rel=0.1)
    assert free_bytes(device) == pytest.approx(before, rel=0.01)
