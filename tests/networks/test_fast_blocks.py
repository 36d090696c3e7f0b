import pytest
import torch

from streamfuse.networks import fast_blocks
from streamfuse.networks.fast_blocks import FastBlock, FoldedAttention, fast_stage, nchw, nhwc
from streamfuse.networks.fast_conv import FastConv
from streamfuse.networks.restormer import Downsample, TransformerBlock, Upsample, channel_attention, stage


def scrambled(module: torch.nn.Module) -> torch.nn.Module:
    """No scale of 1 and no shift of 0, so that a fold that forgets one is seen."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module.eval()


@pytest.mark.parametrize("strip_bytes", [1, 8_000, 2 << 20], ids=["two rows", "some rows", "whole"])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 13, 11), (1, 64, 24), (3, 9, 8)])
@torch.no_grad()
def test_folded_block_is_the_block(monkeypatch, strip_bytes, batch, height, width):
    """To 1e-5, however many rows a strip has, also where the last one is a single row."""
    monkeypatch.setattr(fast_blocks, "STRIP_BYTES", strip_bytes)
    block = scrambled(TransformerBlock(24, 2))
    assert isinstance(block, TransformerBlock)
    x = torch.randn(batch, 24, height, width)
    torch.testing.assert_close(nchw(FastBlock(block)(nhwc(x).clone())), block(x), rtol=0, atol=1e-5)


@torch.no_grad()
def test_folded_block_works_in_place():
    """No map is allocated for its result."""
    x = torch.randn(1, 8, 8, 16)
    assert FastBlock(TransformerBlock(16, 1))(x) is x


@torch.no_grad()
def test_folded_stage_is_the_stage():
    """Block after block."""
    blocks = stage(3, 16, 4)
    scrambled(blocks)
    x = torch.randn(1, 16, 10, 12)
    torch.testing.assert_close(nchw(fast_stage(blocks)(nhwc(x).clone())), blocks(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("keep", [None, 5])
@torch.no_grad()
def test_attention_folds_into_its_projection(keep):
    """One matrix per picture does what attention and projection do, with weights dropped or not."""
    q, k, v = (torch.randn(2, 16, 7, 9) for _ in range(3))
    temperature, project = torch.tensor([0.5, 4.0])[:, None, None], torch.randn(16, 16)
    folded = FoldedAttention(temperature, project, keep)
    squares = (nhwc(part).square().sum((1, 2)) for part in (q, k))
    matrix = folded.matrix(folded.product(nhwc(q), nhwc(k)), *squares)
    expected = torch.einsum("oc,bcyx->boyx", project, channel_attention(q, k, v, temperature, keep))
    torch.testing.assert_close(nchw((nhwc(v).flatten(1, 2) @ matrix).view(2, 7, 9, 16)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampling", [Downsample(16), Upsample(16)], ids=["down", "up"])
@torch.no_grad()
def test_folded_resampling_is_the_resampling(sampling):
    """The same order of channels and pixels."""
    x = torch.randn(1, 16, 6, 8)
    conv, resample = sampling
    torch.testing.assert_close(nchw(FastConv(conv, resample)(nhwc(x))), sampling(x), rtol=0, atol=1e-5)


@torch.no_grad()
def test_folding_leaves_the_block_as_it_was():
    """Casting the folded block does not cast the weights that it was made from."""
    block = TransformerBlock(16, 1)
    FastBlock(block).to(torch.bfloat16)
    assert {parameter.dtype for parameter in block.parameters()} == {torch.float32}
