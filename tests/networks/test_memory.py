import importlib
from typing import Any, Literal

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import NETWORKS, create
from streamfuse.networks.memory import CHANNELS, WEIGHTS, peak_bytes
from tests.networks.drawn import TEXT_DIM, embeddings, pictures
from tests.networks.live import LiveBytes

Size = Literal["base", "small"]
Text = Literal["guided", "published"]

UPFUSION: tuple[str, Size, Text] = ("upfusion", "base", "guided")
FORMS = [*CHANNELS]
PLAIN = [*((*form, "guided") for form in FORMS), ("upfusion", "base", "published")]


def activation_bytes(network: str, size: Size, text: Text, picture: tuple[int, int], batch: int = 1, **form: Any) -> int:
    """The estimate without the weights, which are what a picture of no pixels would need."""

    def needed(height: int, width: int) -> int:
        return peak_bytes(network, size, text, height=height, width=width, batch=batch, dtype=torch.float32, **form)

    return needed(*picture) - needed(0, 0)


@pytest.mark.parametrize("form", PLAIN, ids="-".join)
def test_estimate_of_the_plain_network_is_what_a_traced_run_holds(form):
    """Within 15 % of the tensors alive at once, for any size, batch and text."""
    network, size, text = form
    with torch.device("meta"), torch.no_grad():
        made = create(network, size, text, text_dim=TEXT_DIM)
        state = made.encode_text(*(part.to("meta") for part in embeddings(1)))
        colours = 3 if made.colour == "rgb" else 1
        for batch, height, width in ((1, 480, 640), (3, 90, 101)):
            both = torch.zeros(batch, 1, height, width), torch.zeros(batch, colours, height, width)
            with LiveBytes(made) as live:
                made(*both, state)
            assert activation_bytes(network, size, text, (height, width), batch) == pytest.approx(live.peak, rel=0.15)


@pytest.mark.parametrize("form", FORMS, ids="-".join)
def test_estimate_of_the_folded_network_is_what_a_traced_run_holds(form):
    """Within 30 % on a CPU, whether or not pictures are cut into strips or taken one by one, and less than the plain network takes."""
    network, size = form
    made = create(network, size, text_dim=TEXT_DIM).requires_grad_(requires_grad=False)
    fold = importlib.import_module(f"streamfuse.networks.fast_{network}").fold
    folded = fold(made, made.encode_text(*embeddings(1)))
    for batch, picture in ((1, (64, 64)), (2, (64, 64)), (1, (256, 320)))[: 3 if size == "small" else 1]:
        both = pictures(*picture, 3 if made.colour == "rgb" else 1, batch)
        with torch.inference_mode(), LiveBytes(folded) as live:
            folded(*both)
        assert activation_bytes(network, size, "guided", picture, batch, folded=True) == pytest.approx(live.peak, rel=0.3)
        assert live.peak < 1.1 * activation_bytes(network, size, "guided", picture, batch)


def test_folded_on_an_accelerator_takes_the_whole_batch_at_once():
    """Without strips the estimate grows with the batch; on a CPU it does not."""
    on_cuda = [activation_bytes(*UPFUSION, (480, 640), batch, folded=True, device="cuda") for batch in (1, 4)]
    on_cpu = [activation_bytes(*UPFUSION, (480, 640), batch, folded=True) for batch in (1, 4)]
    assert on_cuda[1] == 4 * on_cuda[0]
    assert on_cpu[1] == on_cpu[0] < on_cuda[0]


def test_half_the_precision_is_half_the_memory():
    """In bfloat16 weights and activations take two bytes each."""
    full, half = (
        peak_bytes("upfusion", "base", "guided", height=480, width=640, batch=1, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    assert full == 2 * half


def test_every_network_has_an_estimate():
    """In both sizes."""
    assert {name for name, _ in CHANNELS} == set(NETWORKS)
    assert len(CHANNELS) == 2 * len(set(NETWORKS))


@pytest.mark.parametrize("form", WEIGHTS, ids="-".join)
def test_weights_are_as_many_as_is_written_down(form):
    """Counted in the network itself."""
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in create(*form).parameters()) == WEIGHTS[form]


def test_network_without_an_estimate_is_an_error():
    """The message names those that have one."""
    with pytest.raises(ConfigError, match=r"no memory estimate for network 'upfusoin'; did you mean 'upfusion'"):
        peak_bytes("upfusoin", "base", "guided", height=64, width=64, batch=1, dtype=torch.float32)
