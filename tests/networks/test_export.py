import onnxruntime
import pytest
import torch

from streamfuse.networks import create
from streamfuse.networks.export import example_state, export_onnx
from streamfuse.networks.network import TOKENS, FusionNetwork, State


@pytest.fixture(scope="module")
def nano() -> FusionNetwork:
    torch.manual_seed(0)
    return create("nano", text_dim=48).eval().requires_grad_(requires_grad=False)


def run(path, infrared: torch.Tensor, visible: torch.Tensor, state: State) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {"infrared": infrared, "visible": visible, **{f"state.{name}": tensor for name, tensor in state.items()}}
    return torch.from_numpy(session.run(["fused"], {wanted.name: given[wanted.name].numpy() for wanted in session.get_inputs()})[0])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (67, 97)])
@pytest.mark.parametrize("count", [1, 3])
def test_one_file_serves_all_batches_and_prompts(tmp_path, nano, height, width, count):
    """With the batch axis left free, onnxruntime gives what torch gives, under prompts that the file has never seen."""
    export_onnx(nano, tmp_path / "nano.onnx", height, width)
    state = example_state(nano, count)
    infrared, visible = torch.rand(count, 1, height, width), torch.rand(count, 1, height, width)
    assert torch.allclose(run(tmp_path / "nano.onnx", infrared, visible, state), nano(infrared, visible, state), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("textpixels", "small"),
        ("textpixels", "base"),
        ("upfusion", "small"),
        ("lure", "small"),
        pytest.param("upfusion", "base", marks=pytest.mark.soak),  # a file of 200 MB
        pytest.param("lure", "base", marks=pytest.mark.soak),
    ],
)
def test_every_network_can_be_exported(tmp_path, name, size):
    """Both sizes: to 1e-4 what torch gives, under a prompt that the file has never seen."""
    torch.manual_seed(0)
    network = create(name, size, text_dim=48).eval().requires_grad_(requires_grad=False)
    export_onnx(network, tmp_path / "network.onnx", 64, 72, batch=1)
    state = example_state(network, 1)
    infrared, visible = torch.rand(1, 1, 64, 72), torch.rand(1, 3 if network.colour == "rgb" else 1, 64, 72)
    with torch.inference_mode():
        assert torch.allclose(run(tmp_path / "network.onnx", infrared, visible, state), network(infrared, visible, state), atol=1e-4)


def test_a_fixed_batch_is_in_the_file(tmp_path, nano):
    """Engines that want fixed sizes find them."""
    export_onnx(nano, tmp_path / "nano.onnx", 64, 96, batch=2)
    session = onnxruntime.InferenceSession(tmp_path / "nano.onnx", providers=["CPUExecutionProvider"])
    shapes = {put.name: put.shape for put in [*session.get_inputs(), *session.get_outputs()]}
    assert shapes["visible"] == shapes["fused"] == [2, 1, 64, 96]
    assert shapes["state.scale"] == [2, 5, 32]


def test_half_precision_goes_into_the_file(tmp_path, nano):
    """Weights, pictures and state in fp16; the network that was exported stays as it was."""
    export_onnx(nano, tmp_path / "nano.onnx", 64, 64, dtype=torch.float16)
    state = example_state(nano, 1)
    infrared, visible = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64)
    fused = run(tmp_path / "nano.onnx", infrared.half(), visible.half(), {name: tensor.half() for name, tensor in state.items()})
    assert fused.dtype == torch.float16
    assert float((fused.float() - nano(infrared, visible, state)).abs().max()) < 0.02


def test_an_example_state_is_a_state(nano):
    """The shapes that real words give."""
    real = nano.encode_text(torch.rand(3, 48), torch.rand(3, TOKENS, 48), torch.ones(3, TOKENS))
    assert {name: tensor.shape for name, tensor in example_state(nano, 3).items()} == {name: t.shape for name, t in real.items()}
