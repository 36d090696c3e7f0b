import pytest
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.fuse.pyramid import Pyramid
from streamfuse.fuse.salience import salience
from streamfuse.networks.blend import Blend
from tests.networks.drawn import pictures


@pytest.fixture(scope="module")
def blend() -> Blend:
    return Blend()


@pytest.mark.parametrize("size", [(96, 128), (97, 70)])
def test_it_is_nearer_to_the_reference_formula_than_other_rules(blend, size):
    """Of pictures with edges and smooth places everywhere, any size: 2 dB nearer to R than plain rules are."""
    infrared, visible = (scene(size, seed) for seed in (1, 2))
    wanted = salience(infrared, visible)
    others = [(infrared + visible) / 2, torch.maximum(infrared, visible), Pyramid().on_device(infrared, visible).clamp(0, 1)]
    assert nearness(blend.of_pictures(infrared, visible), wanted) > 2 + max(nearness(other, wanted) for other in others)


def test_the_busier_camera_gives_the_detail(blend):
    """A lone bright pixel stays one, whichever camera sees it; the other's calm does not halve it."""
    dark = torch.full((1, 1, 64, 64), 0.2)
    lit = dark.clone()
    lit[0, 0, 33, 22] = 0.9
    for both in ((dark, lit), (lit, dark)):
        change = (blend.of_pictures(*both) - blend.of_pictures(dark, dark))[0, 0]
        assert float(change[33, 22]) > 0.6
        change[33, 22] = 0.0
        assert float(change.abs().max()) < 0.1


def test_the_cameras_are_alike_to_it(blend):
    """Exchanged they give the same picture."""
    infrared, visible = pictures(64, 72, 1)
    torch.testing.assert_close(blend.of_pictures(infrared, visible), blend.of_pictures(visible, infrared))


def test_each_item_of_a_batch_is_by_itself(blend):
    """What a picture is like at large is told from that picture."""
    infrared, visible = torch.cat([scene((64, 64), 1), 0.2 * scene((64, 64), 3)]), torch.cat([scene((64, 64), 2), scene((64, 64), 4)])
    alone = torch.cat([blend.of_pictures(infrared[i : i + 1], visible[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(blend.of_pictures(infrared, visible), alone)


def scene(size: tuple[int, int], seed: int) -> torch.Tensor:
    """(1, 1, H, W): smooth patches with sharp borders, and some grain."""
    draw = torch.Generator().manual_seed(seed)
    smooth = F.interpolate(torch.rand(1, 1, 7, 9, generator=draw), size=size, mode="bicubic")
    steps = (F.interpolate(torch.rand(1, 1, 6, 6, generator=draw), size=size, mode="bilinear") > 0.5).float()
    return (0.5 * smooth + 0.35 * steps + 0.02 * torch.randn(1, 1, *size, generator=draw) + 0.07).clamp(0, 1)


def nearness(fused: torch.Tensor, wanted: torch.Tensor) -> float:
    assert fused.shape == wanted.shape
    return -10 * float(torch.log10((fused - wanted).square().mean()))
