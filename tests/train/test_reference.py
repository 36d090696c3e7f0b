import pytest
import torch

from streamfuse.colour import luma_of
from streamfuse.fuse.salience import salience
from streamfuse.networks.dials import dials_tensor
from streamfuse.train.reference import lifted, wanted_luma


def both(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    infrared, visible = (torch.nn.functional.interpolate(torch.rand(1, 1, 8, 8, generator=draw), size=(64, 64)) for _ in range(2))
    return infrared, visible


def test_without_looks_the_reference_formula_is_wanted():
    """A repair dial changes nothing here: repair is in the pictures that are given."""
    infrared, visible = both()
    torch.testing.assert_close(wanted_luma(infrared, visible, dials_tensor({"visible_haze": 1.0})), salience(infrared, visible))


@pytest.mark.parametrize(("weight", "nearer"), [(1.0, 0), (-1.0, 1)])
def test_weight_of_infrared_leans_towards_one_camera(weight, nearer):
    """At 1 to infrared, at -1 to the visible camera."""
    pictures = both()
    wanted = wanted_luma(*pictures, dials_tensor({"infrared_weight": weight}))
    apart = [float((wanted - picture).abs().mean()) for picture in pictures]
    assert apart[nearer] < 0.5 * apart[1 - nearer]


def test_warm_targets_stand_out_only_where_it_is_warm():
    """The rest of the picture is R."""
    infrared, visible = torch.full((1, 1, 64, 64), 0.2), torch.full((1, 1, 64, 64), 0.5)
    infrared[..., 20:30, 20:30] = 0.6
    plain = wanted_luma(infrared, visible, dials_tensor({}))
    warm = wanted_luma(infrared, visible, dials_tensor({"warm_targets": 1.0}))
    assert warm[0, 0, 25, 25] > plain[0, 0, 25, 25] + 0.03
    torch.testing.assert_close(warm[..., 40:, 40:], plain[..., 40:, 40:])


def test_texture_scales_fine_detail():
    """Stronger at 1, weaker at -1."""
    pictures = both()
    fine = [wanted_luma(*pictures, dials_tensor({"texture": value})).diff(dim=3).abs().mean() for value in (-1.0, 0.0, 1.0)]
    assert fine[0] < fine[1] < fine[2]


def test_lift_brightens_the_dark_and_spares_lamps():
    """Its gain has a bound."""
    dark = torch.full((1, 3, 64, 64), 0.05)
    dark[..., 30:34, 30:34] = 0.9
    bright = lifted(dark)
    assert 2 * 0.05 < float(bright[0, 0, 2, 2]) <= 4 * 0.05 + 1e-6
    torch.testing.assert_close(bright[..., 32, 32], dark[..., 32, 32])


def test_lift_takes_out_grain():
    """Relative to the mean there is less noise after the lift than before."""
    grainy = 0.08 + 0.01 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    after = lifted(grainy)
    assert after.std() / after.mean() < 0.8 * grainy.std() / grainy.mean()


def test_luma_of_grey_is_that_grey():
    """The weights of BT.601 add up to 1."""
    torch.testing.assert_close(luma_of(torch.full((1, 3, 2, 2), 0.3)), torch.full((1, 1, 2, 2), 0.3))
