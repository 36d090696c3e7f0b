from typing import Any, Literal

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.fast_upfusion import fold
from streamfuse.networks.memory import peak_bytes
from tests.networks.drawn import TEXT_DIM, embeddings, pictures
from tests.networks.live import LiveBytes

Size = Literal["base", "small"]
Text = Literal["guided", "published"]


def activation_bytes(size: Size, height: int, width: int, text: Text = "guided", batch: int = 1, **form: Any) -> int:
    """The estimate without the weights, which are what a picture of no pixels would need."""

    def needed(height: int, width: int, **form: Any) -> int:
        return peak_bytes("upfusion", size, text, height=height, width=width, batch=batch, dtype=torch.float32, **form)

    return needed(height, width, **form) - needed(0, 0)


@pytest.mark.parametrize(("size", "text"), [("base", "guided"), ("base", "published"), ("small", "guided")])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 480, 640), (3, 90, 101)])
def test_estimate_of_the_plain_network_is_what_a_traced_run_holds(size, text, batch, height, width):
    """Within 10 % of the tensors alive at once, for any size, batch and text."""
    with torch.device("meta"), torch.no_grad():
        network = create("upfusion", size, text, text_dim=TEXT_DIM)
        state = network.encode_text(*(part.to("meta") for part in embeddings(1)))
        both = torch.zeros(batch, 1, height, width), torch.zeros(batch, 1, height, width)
        with LiveBytes(network) as live:
            network(*both, state)
    assert activation_bytes(size, height, width, text, batch) == pytest.approx(live.peak, rel=0.1)


@pytest.mark.parametrize(("size", "height", "width"), [("small", 64, 64), ("small", 256, 320), ("base", 64, 64)])
def test_estimate_of_the_folded_network_is_what_a_traced_run_holds(size, height, width):
    """Within 30 % on a CPU, whether or not the picture is cut into strips, and less than the plain network takes."""
    network = create("upfusion", size, text_dim=TEXT_DIM)
    with torch.no_grad():
        fast = fold(network, network.encode_text(*embeddings(1)))
        with LiveBytes(fast) as live:
            fast(*pictures(height, width, 1))
    assert activation_bytes(size, height, width, folded=True) == pytest.approx(live.peak, rel=0.3)
    assert live.peak < activation_bytes(size, height, width)


def test_folded_on_an_accelerator_takes_the_whole_batch_at_once():
    """Without strips the estimate grows with the batch; on a CPU it does not."""
    on_cuda = [activation_bytes("base", 480, 640, batch=batch, folded=True, device="cuda") for batch in (1, 4)]
    on_cpu = [activation_bytes("base", 480, 640, batch=batch, folded=True) for batch in (1, 4)]
    assert on_cuda[1] == 4 * on_cuda[0]
    assert on_cpu[1] == on_cpu[0] < on_cuda[0]


def test_half_the_precision_is_half_the_memory():
    """In bfloat16 weights and activations take two bytes each."""
    full, half = (
        peak_bytes("upfusion", "base", "guided", height=480, width=640, batch=1, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    assert full == 2 * half


def test_network_without_an_estimate_is_an_error():
    """The message names those that have one."""
    with pytest.raises(ConfigError, match=r"no memory estimate for network 'tardal'.*upfusion"):
        peak_bytes("tardal", "base", "guided", height=64, width=64, batch=1, dtype=torch.float32)
