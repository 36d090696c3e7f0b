import pytest
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.networks.restormer import GDFN, MDTA, Downsample, LayerNorm2d, TransformerBlock, Upsample, channel_attention, padded, stage


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 16, 6, 10, generator=torch.Generator().manual_seed(0))


def test_layer_norm_works_over_the_channels_of_a_pixel(x):
    """Each pixel by itself, with learned scale and shift, as torch's layer norm does on the last axis."""
    norm = LayerNorm2d(16)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2.0)
        norm.bias.uniform_(-1.0, 1.0)
    expected = F.layer_norm(x.permute(0, 2, 3, 1), (16,), norm.weight, norm.bias).permute(0, 3, 1, 2)
    torch.testing.assert_close(norm(x), expected)


def test_attention_mixes_the_channels_of_a_head_and_no_others(x):
    """Weights are the softmax of the cosines between channels, times the temperature of the head."""
    q, k, v = x, x.flip(1), x.roll(3, 1)
    temperature = torch.tensor([1.0, 3.0])[:, None, None]
    mixed = channel_attention(q, k, v, temperature)
    for head, channels in ((0, slice(0, 8)), (1, slice(8, 16))):
        cosines = F.cosine_similarity(q[0, channels].flatten(1)[:, None], k[0, channels].flatten(1)[None], dim=-1)
        expected = torch.einsum("cd,dyx->cyx", (cosines * temperature[head]).softmax(-1), v[0, channels])
        torch.testing.assert_close(mixed[0, channels], expected)


def test_attention_keeps_only_the_largest_weights_when_told_to(x):
    """With one weight kept, each channel is a copy of the one nearest to it."""
    nearest = channel_attention(x, x, x.flip(1), torch.ones(1, 1, 1), keep=1)
    torch.testing.assert_close(nearest, x.flip(1))


def test_attention_of_a_blank_picture_is_finite():
    """Zero queries have no direction; they attend to all channels alike."""
    blank, v = torch.zeros(1, 4, 3, 3), torch.rand(1, 4, 3, 3)
    torch.testing.assert_close(channel_attention(blank, blank, v, torch.ones(1, 1, 1)), v.mean(1, keepdim=True).expand_as(v))


@pytest.mark.parametrize("module", [MDTA(16, 2), GDFN(16), TransformerBlock(16, 4), stage(2, 16, 1)], ids=lambda m: type(m).__name__)
def test_blocks_keep_the_shape(module, x):
    """Every block maps (B, C, H, W) to the same shape."""
    assert module(x).shape == x.shape


def test_block_has_the_published_number_of_parameters():
    """Four blocks of 48 channels and one head: 0.125 million; the gate is int(2.66 * 48) = 127 wide."""
    assert sum(p.numel() for p in stage(4, 48, 1).parameters()) == 125_116
    assert GDFN(48).project.in_channels == 127


def test_block_is_the_identity_where_its_projections_are_zero(x):
    """Both steps are residual."""
    block = TransformerBlock(16, 2)
    with torch.no_grad():
        block.attention.project.weight.zero_()
        block.feed.project.weight.zero_()
    assert torch.equal(block(x), x)


def test_resampling_halves_and_doubles(x):
    """Down: twice the channels at half the size; up: the reverse."""
    down = Downsample(16)(x)
    assert down.shape == (2, 32, 3, 5)
    assert Upsample(32)(down).shape == x.shape


@pytest.mark.parametrize(("height", "width", "wanted"), [(64, 64, (64, 64)), (65, 79, (72, 80))])
def test_padding_mirrors_up_to_the_multiple(height, width, wanted):
    """The picture stays at the upper left; what is added mirrors its last rows and columns."""
    picture = torch.rand(1, 1, height, width)
    wide = padded(picture, 8)
    assert wide.shape[-2:] == wanted
    assert torch.equal(wide[..., :height, :width], picture)
    if wanted != (height, width):
        assert torch.equal(wide[..., height, :width], picture[..., height - 2, :])
