"""The ways to run a network: the same pictures by each, and prompts that cost a frame nothing."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from streamfuse.batch.lane import CpuLane
from streamfuse.errors import ConfigError
from streamfuse.frames import Batch, Prompt, PromptState
from streamfuse.fuse import FUSERS, compiled
from streamfuse.fuse.precision import chosen_precision
from streamfuse.fuse.runtime import PromptAsInput, chosen_runtime
from streamfuse.fuse.text_guided import TextGuided
from tests.networks.drawn import pictures

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
PROMPTS = (Prompt(), Prompt(text="visible/smoke"), Prompt(text="target/people"))
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")


def loaded(name: str = "nano", **settings: Any) -> TextGuided:
    """The same random weights each time."""
    torch.manual_seed(0)
    fuser = FUSERS.make(name, **{"weights": "random", "precision": "fp32", **settings})
    assert isinstance(fuser, TextGuided)
    fuser.to(CPU)
    return fuser


def batch_of(pair: Any, states: Sequence[PromptState], size: tuple[int, int]) -> Batch:
    """One pair of cameras per state, each with pictures of its own."""
    infrared, luma = pictures(*size, colours=1, batch=len(states))
    pairs = tuple(pair(f"cam{i}") for i in range(len(states)))
    chroma = torch.rand(len(states), 2, -(-size[0] // 2), -(-size[1] // 2), generator=torch.Generator().manual_seed(3))
    return Batch(pairs=pairs, infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=tuple(states), rigs=(None,) * len(states))


def fused(fuser: TextGuided, pair: Any, prompts: Sequence[Prompt], size: tuple[int, int] = (66, 81)) -> torch.Tensor:
    states = [fuser.compile(prompt) for prompt in prompts]
    with torch.inference_mode():
        return fuser.fuse(batch_of(pair, states, size), states).luma_B1HW


@needs_openvino
@pytest.mark.parametrize("network", ["nano", "textpixels"])
@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS[1:2], PROMPTS])
def test_openvino_gives_the_pictures_of_torch(pair, network, prompts):
    """To 1e-4 in fp32, under one prompt and under one for each item, at an odd size."""
    by_torch, by_openvino = (loaded(network, runtime=name) for name in ("torch", "openvino"))
    assert torch.allclose(fused(by_openvino, pair, prompts), fused(by_torch, pair, prompts), atol=1e-4)


@needs_openvino
def test_a_swap_compiles_nothing(pair, monkeypatch):
    """Neither a new prompt nor a batch of another size is a new program; a new size of picture is one."""
    made: list[int] = []
    compile_ = compiled.Compiled._compile

    def counting(*arguments: Any) -> Any:
        made.append(1)
        return compile_(*arguments)

    monkeypatch.setattr(compiled.Compiled, "_compile", counting)
    fuser = loaded(runtime="openvino")
    for prompts in ((PROMPTS[0],), (PROMPTS[1],), PROMPTS, (PROMPTS[2], PROMPTS[0])):
        fused(fuser, pair, prompts)
    assert len(made) == 1
    fused(fuser, pair, PROMPTS[:1], size=(64, 64))
    assert len(made) == 2


@needs_openvino
def test_bf16_stays_within_three_grey_levels(pair):
    """Where the processor has no bf16 this is fp32, and passes as well."""
    full, half = (fused(loaded(runtime="openvino", precision=precision), pair, PROMPTS[:2]) for precision in ("fp32", "bf16"))
    assert float((full - half).abs().max()) < 3 / 255
    assert float((full - half).abs().mean()) < 1 / 255


def test_folds_in_bf16_keep_the_pictures_whole(pair):
    """Nano adds to the pictures as they came: halved weights cost a fraction of a grey level on average, not the picture's own detail."""
    full, half = (fused(loaded(runtime="torch", precision=precision), pair, PROMPTS[:1]) for precision in ("fp32", "bf16"))
    assert float((full - half).abs().mean()) < 0.5 / 255


def test_a_program_gets_each_item_with_its_own_prompt():
    """Alone where items go one by one, else all at once with their states stacked."""
    seen: list[tuple[int, list[float]]] = []

    def program(infrared: torch.Tensor, visible: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
        seen.append((len(visible), state["dial"].tolist()))
        return visible

    prompts = [PromptState(id=str(i), tensors={"dial": torch.tensor([float(i)]), "restoring": torch.zeros(1)}) for i in range(3)]
    infrared, visible = pictures(64, 64, colours=1, batch=3)
    batch: Any = None  # a program does not look at it
    for one_by_one in (True, False):
        out = PromptAsInput("compile", program, one_by_one=one_by_one)(infrared, visible, batch, prompts)
        assert torch.equal(out, visible)
    assert seen == [(1, [0.0]), (1, [1.0]), (1, [2.0]), (3, [0.0, 1.0, 2.0])]


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        (("auto", "nano", CPU, "auto"), "openvino"),
        (("auto", "textpixels", CPU, "auto"), "openvino"),
        (("auto", "nano", CPU, "fp16"), "torch"),
        (("auto", "nano", CUDA, "auto"), "torch"),
        (("auto", "upfusion", CPU, "auto"), "torch"),
        (("openvino", "upfusion", CPU, "auto"), "openvino"),
        (("compile", "nano", CUDA, "auto"), "compile"),
    ],
)
def test_auto_takes_what_is_fast(monkeypatch, given, chosen):
    """By network, device and precision; a name means what it says."""
    monkeypatch.setattr(compiled, "available", lambda: True)
    assert chosen_runtime(*given) == chosen


def test_auto_does_without_openvino(monkeypatch):
    """Where it is not installed, torch runs nano too."""
    monkeypatch.setattr(compiled, "available", lambda: False)
    assert chosen_runtime("auto", "nano", CPU) == "torch"


@pytest.mark.parametrize(("device", "precision", "said"), [(CUDA, "auto", "is for a CPU"), (CPU, "fp16", "fp16 is for accelerators")])
def test_openvino_where_it_cannot_be_is_an_error(device, precision, said):
    """It says what to write instead."""
    with pytest.raises(ConfigError, match=said):
        chosen_runtime("openvino", "nano", device, precision)


def test_openvino_that_is_not_installed_says_how(monkeypatch, pair):
    """Asked for by name it is not replaced in silence."""
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"streamfuse\[openvino\]"):
        fused(loaded(runtime="openvino"), pair, PROMPTS[:1])


@pytest.mark.parametrize(
    ("amx", "avx512", "is_compiled", "chosen"),
    [(True, True, False, "bf16"), (False, True, False, "fp32"), (False, True, True, "bf16"), (False, False, True, "fp32")],
)
def test_auto_precision_goes_by_the_processor(monkeypatch, amx, avx512, is_compiled, chosen):
    """Torch gains by bf16 with AMX, a compiler with AVX-512's bf16 as well."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert chosen_precision("auto", CPU, compiled=is_compiled) == chosen
    assert chosen_precision("fp16", CPU, compiled=is_compiled) == "fp16"


def test_compiled_by_torch_it_gives_the_same_pictures(pair, monkeypatch):
    """The wiring of `compile`, with the compiler's first stage alone: the rest of it takes half a minute."""
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network, **how: compile_(network, backend="eager", **how))
    by_compile, by_torch = (fused(loaded(runtime=name), pair, PROMPTS) for name in ("compile", "torch"))
    assert torch.allclose(by_compile, by_torch, atol=1e-4)
    torch._dynamo.reset()


def test_auto_is_what_it_was_chosen_to_be(pair):
    """The fuser runs by it, on what the lane of a pipeline uploads, and gives the pictures of torch."""
    fuser = loaded()
    states = [fuser.compile(Prompt())]
    with torch.inference_mode():
        batch = CpuLane().upload((pair(),), states, [None])
        out = fuser.fuse(batch, states).luma_B1HW
        expected = loaded(runtime="torch").fuse(batch, states).luma_B1HW
    assert fuser.runtime.name == chosen_runtime("auto", "nano", CPU)
    assert torch.allclose(out, expected, atol=1e-4)
