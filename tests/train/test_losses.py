import numpy as np
import pytest
import torch

from streamfuse.train.losses import charbonnier, chroma_difference, gradient_difference, log_error, sobel, ssim, upfusion_terms


def test_same_picture_costs_nothing():
    """Both losses are 0 there, and positive elsewhere."""
    a, b = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    for loss in (charbonnier, gradient_difference):
        assert float(loss(a, a)) < 1e-6
        assert float(loss(a, b)) > 0


def test_charbonnier_is_the_absolute_difference_where_it_is_large():
    """And its gradient at 0 is 0, not undefined."""
    wanted = torch.zeros(1, 1, 4, 4)
    assert abs(float(charbonnier(wanted + 0.5, wanted)) - 0.5) < 2e-3
    fused = wanted.clone().requires_grad_()
    torch.autograd.backward(charbonnier(fused, wanted))
    assert fused.grad is not None
    assert not fused.grad.any()


def test_log_error_counts_decibels():
    """A tenth of the error in every pixel is worth the same of a bad picture as of a good one, until the floor is near."""
    wanted = torch.zeros(3, 1, 4, 4)
    bad, good, better = (float(log_error(wanted + step, wanted, floor=1e-9)[0]) for step in (0.5, 0.05, 0.005))
    assert bad - good == pytest.approx(0.2 * np.log(10), rel=1e-4)
    assert good - better == pytest.approx(bad - good, rel=1e-3)
    near = log_error(wanted + torch.tensor([0.003, 0.0003, 0.0]).view(3, 1, 1, 1), wanted)
    assert float(near.max() - near.min()) < 1e-3


def test_gradient_difference_does_not_see_a_change_of_level():
    """Only of edges."""
    wanted = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert float(gradient_difference(wanted + 0.1, wanted)) < 1e-6


def test_chroma_difference_does_not_see_luma():
    """A step that is the same on R, G and B costs nothing; one on blue alone does."""
    wanted = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert float(chroma_difference(wanted + 0.1, wanted)) < 1e-6
    blue = torch.tensor([0.0, 0.0, 0.1]).view(1, 3, 1, 1)
    luma = 0.114 * 0.1
    assert float(chroma_difference(wanted + blue, wanted)) == pytest.approx((0.1 - luma) / 1.772 + luma / 1.402, rel=1e-4)


def at_the_middle(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of the pixel in the middle of two squares of 11 x 11, written out."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    mean_a, mean_b, square_a, square_b, product = ((window * x).sum() for x in (a, b, a * a, b * b, a * b))
    likeness = (2 * mean_a * mean_b + 0.01**2) * (2 * (product - mean_a * mean_b) + 0.03**2)
    return float(likeness / ((mean_a**2 + mean_b**2 + 0.01**2) * (square_a - mean_a**2 + square_b - mean_b**2 + 0.03**2)))


def test_ssim_is_that_of_its_formula():
    """The mean over pixels, with zeros outside the picture; 1 for a picture and itself."""
    a, b = np.random.default_rng(1).random((2, 12, 9))
    wide_a, wide_b = (np.pad(x, 5) for x in (a, b))
    places = [(slice(i, i + 11), slice(j, j + 11)) for i in range(12) for j in range(9)]
    wanted = np.mean([at_the_middle(wide_a[place], wide_b[place]) for place in places])
    tensors = [torch.from_numpy(x).float()[None, None] for x in (a, b)]
    assert float(ssim(*tensors)) == pytest.approx(wanted, abs=1e-5)
    assert float(ssim(tensors[0], tensors[0])) == pytest.approx(1, abs=1e-6)


def test_losses_of_upfusion_are_the_same_in_mixed_precision():
    """Variances as small differences of squares would be lost in bf16."""
    infrared, visible, fused = 0.5 + 0.05 * torch.rand(3, 1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    plain = upfusion_terms(infrared, visible, fused)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = upfusion_terms(infrared, visible, fused)
    for name, term in plain.items():
        torch.testing.assert_close(term, mixed[name])


def test_edges_are_weighed_by_how_many_a_camera_has():
    """A flat infrared picture has no say in the structure, so that the visible one is the whole target."""
    visible = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    edge = sobel(torch.full_like(visible, 0.0))
    assert not edge.any()
    terms = upfusion_terms(torch.zeros_like(visible), visible, visible)
    assert all(float(term) == pytest.approx(0, abs=1e-6) for term in terms.values())
