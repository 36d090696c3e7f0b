import logging
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest
import torch

from streamfuse.errors import ConfigError, DeviceError
from streamfuse.fuse.compiled import SIZES_KEPT, Compiled, available
from streamfuse.networks import create
from streamfuse.networks.export import example_state
from streamfuse.networks.fast_nano import fold
from streamfuse.networks.nano import Nano
from streamfuse.networks.network import FusionNetwork

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")


@pytest.fixture(scope="module")
def nano() -> FusionNetwork:
    """Thinner than the real one, which takes long to compile."""
    torch.manual_seed(0)
    return Nano("small", 48, width=16, depth=1).eval().requires_grad_(requires_grad=False)


def pictures(count: int = 1, height: int = 64, width: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, height, width, generator=draw), torch.rand(count, 1, height, width, generator=draw)


@needs_openvino
def test_compiled_it_gives_the_same_picture():
    """To 1e-4 in fp32, at an odd size, under a prompt for each item."""
    nano = create("nano", text_dim=48).eval().requires_grad_(requires_grad=False)
    infrared, visible = pictures(2, 67, 97)
    state = example_state(nano, 2)
    assert torch.allclose(Compiled(nano, threads=1)(infrared, visible, state), nano(infrared, visible, state), atol=1e-4)


@needs_openvino
def test_prompts_are_inputs(nano):
    """Another prompt compiles nothing: the same program, another picture."""
    compiled, (infrared, visible) = Compiled(nano, threads=1), pictures()
    states = [example_state(nano, 1) for _ in range(2)]
    outs = [compiled(infrared, visible, state) for state in states]
    assert len(compiled._requests) == 1
    for out, state in zip(outs, states, strict=True):
        assert torch.allclose(out, nano(infrared, visible, state), atol=1e-4)
    assert not torch.allclose(outs[0], outs[1], atol=1e-4)


@needs_openvino
def test_a_result_stays_what_it_was(nano):
    """Each call has a tensor of its own: a later frame does not paint over an earlier one."""
    compiled, state = Compiled(nano, threads=1), example_state(nano, 1)
    first = compiled(*pictures(), state)
    kept = first.clone()
    compiled(*pictures(seed=1), state)
    assert torch.equal(first, kept)


@needs_openvino
def test_a_folded_prompt_needs_no_state(nano):
    """What has its prompt in its kernels is compiled as it is; in bf16 it stays within a few grey levels, be the pictures pure noise."""
    state, (infrared, visible) = example_state(nano, 1), pictures()
    fused = Compiled(fold(nano, state), "bf16", threads=1)(infrared, visible)
    assert float((fused - nano(infrared, visible, state)).abs().max()) < 6 / 255


@needs_openvino
def test_pictures_need_not_lie_in_order(nano):
    """Slices, other precisions and gradients are taken as they come."""
    compiled, state = Compiled(nano, threads=1), example_state(nano, 1)
    infrared, visible = pictures(1, 64, 128)
    sliced = compiled(infrared[..., ::2], visible[..., ::2].requires_grad_(), state)
    assert torch.equal(sliced, compiled(infrared[..., ::2].contiguous(), visible[..., ::2].contiguous(), state))
    assert not sliced.requires_grad


@needs_openvino
def test_only_so_many_sizes_are_kept():
    """The size used longest ago goes first, so that memory has an end."""
    compiled = Compiled(Sum(), threads=1)
    sizes = [(64, 64 + step) for step in range(SIZES_KEPT + 1)]
    for size in (*sizes[:-1], sizes[0], sizes[-1]):
        compiled(*pictures(1, *size))
    assert [dict(shapes)["visible"][2:] for shapes in compiled._requests] == [*sizes[2:-1], sizes[0], sizes[-1]]


@needs_openvino
def test_compiling_leaves_the_process_as_it_was(monkeypatch):
    """OpenVINO's own converter would start threads that stay, and set the root logger's level; neither happens here."""
    Compiled(Sum(), threads=1)(*pictures())  # the import itself starts one
    monkeypatch.setattr(logging.root, "level", 13)
    before = threading.active_count()
    Compiled(Sum(), threads=1)(*pictures())
    assert threading.active_count() == before
    assert logging.root.level == 13


@needs_openvino
def test_what_cannot_be_compiled_is_named():
    """An operation that OpenVINO does not have is an error with the module and the sizes in it."""
    with pytest.raises(DeviceError, match=r"cannot compile a Spectrum for infrared \(1, 1, 64, 64\)"):
        Compiled(Spectrum(), threads=1)(*pictures())


def test_without_openvino_it_says_what_to_install(monkeypatch, nano):
    """The package is optional."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigError, match="streamfuse\\[openvino\\]"):
        Compiled(nano)(*pictures(), example_state(nano, 1))


def test_importing_it_does_not_load_openvino():
    """It is asked for when a network is compiled, and `available` only looks whether it is there."""
    code = "import sys; from streamfuse.fuse.compiled import available; print(available(), 'openvino' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=180)
    assert said.stdout.split() == [str(available()), "False"]


class Sum(torch.nn.Module):
    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        return infrared + visible


class Spectrum(torch.nn.Module):
    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        return torch.add(visible, torch.linalg.svdvals(infrared)[..., None])
