import pytest
import torch

from streamfuse.networks.dials import dials_tensor
from streamfuse.networks.fast_front import FastFront
from streamfuse.networks.front import Front
from tests.networks.drawn import pictures


@pytest.fixture(scope="module")
def front() -> Front:
    torch.manual_seed(0)
    return Front(48).eval().requires_grad_(requires_grad=False)


def test_neutral_takes_nothing_but_stripes(front):
    """Without a dial the visible picture passes as it is, and infrared but for its columns."""
    infrared, visible = pictures(66, 81, 1)
    a, b = front(infrared, visible, {"dials": dials_tensor({})})
    torch.testing.assert_close(b, visible)
    taken = infrared - a
    torch.testing.assert_close(taken, taken[:, :, :1].expand_as(taken), atol=1e-6, rtol=0)


def test_stripes_are_seen_in_the_mean_of_a_column(front):
    """What the destriper takes away differs along a row and never along a column."""
    infrared, _ = pictures(96, 64, 1)
    scale = shift = torch.zeros(1, 32)
    assert front.destripe(infrared, scale, shift).shape == (1, 1, 1, 64)
    shuffled = infrared[:, :, torch.randperm(96, generator=torch.Generator().manual_seed(0))]
    assert torch.allclose(front.destripe(shuffled, scale, shift), front.destripe(infrared, scale, shift), atol=1e-6)


@pytest.mark.parametrize("dials", [{}, {"visible_light": 1.0, "infrared_stripes": 0.5}, {"texture": -1.0}])
def test_folded_it_does_the_same(front, dials):
    """To 1e-5, odd sizes too."""
    infrared, visible = pictures(67, 97, 1)
    state = {"dials": dials_tensor(dials)}
    folded = FastFront(front, state["dials"][0])
    with torch.inference_mode():
        for plain, fast in zip(front(infrared, visible, state), folded(infrared, visible, {}), strict=True):
            assert plain.shape == infrared.shape
            torch.testing.assert_close(fast, plain, atol=1e-5, rtol=0)


def test_each_item_has_its_own_dials(front):
    """A batch under several prompts gives what each gives alone."""
    infrared, visible = (picture.expand(2, -1, -1, -1) for picture in pictures(64, 64, 1))
    dials = torch.cat([dials_tensor({"visible_light": 1.0}), dials_tensor({"visible_glare": 1.0})])
    _, both = front(infrared, visible, {"dials": dials})
    for item in range(2):
        _, alone = front(infrared[:1], visible[:1], {"dials": dials[item : item + 1]})
        torch.testing.assert_close(both[item], alone[0])
    assert float((both[0] - both[1]).abs().max()) > 1e-3
