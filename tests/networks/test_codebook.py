import pytest
import torch

from streamfuse.networks.codebook import Codebook

CODES, WIDTH = 8, 16


@pytest.fixture
def book() -> Codebook:
    torch.manual_seed(0)
    return Codebook(CODES, WIDTH)


def near_codes(book: Codebook, chosen: list[int], spread: float = 0.05) -> torch.Tensor:
    """Vectors (1, D, N) close to the codes named."""
    codes = book.codes_KD[chosen]
    return (codes + spread * torch.randn_like(codes)).T[None].contiguous()


def test_the_nearest_code_is_the_nearest(book):
    """One matrix product finds what all distances written out find."""
    z = torch.randn(2, WIDTH, 30)
    distances = torch.cdist(z.transpose(1, 2), book.codes_KD[None])
    assert torch.equal(book.nearest(z), distances.argmin(dim=2))


def test_a_vector_near_a_code_becomes_that_code(book):
    """Where one code is clearly the nearest, the mixture is that code."""
    z = near_codes(book, list(range(CODES)))
    assert (book(z) - book.codes_KD.T).abs().max() < 0.01


def test_between_two_codes_the_output_does_not_jump(book):
    """On the way from one code to another, a small step moves the output by a small step."""
    way = torch.linspace(0, 1, 4001)
    z = (book.codes_KD[0, :, None] * (1 - way) + book.codes_KD[1, :, None] * way)[None]
    out = book(z)
    assert len(set(book.nearest(z)[0].tolist())) > 1  # a hard choice would jump here
    assert out.diff(dim=2).abs().max() < 0.02


def test_the_gradient_goes_straight_through(book):
    """What arrives at the codes is handed to the vectors unchanged."""
    z = torch.randn(1, WIDTH, 5, requires_grad=True)
    weights = torch.randn(1, WIDTH, 5)
    (book(z) * weights).sum().backward()
    assert z.grad is not None
    assert torch.equal(z.grad, weights)


def test_codes_follow_the_vectors(book):
    """Shown the same clusters again and again, codes end in their middle, and the error falls."""
    middles = torch.randn(4, WIDTH)
    z = (middles.repeat_interleave(50, 0) + 0.05 * torch.randn(200, WIDTH)).T[None]
    before = book.commitment(z)
    for _ in range(60):
        book.learn(z, decay=0.8)
    assert book.commitment(z) < 0.1 * before
    assert torch.cdist(middles, book.codes_KD).min(dim=1).values.max() < 0.3


def test_dead_codes_restart_at_vectors_of_the_batch(book):
    """Codes that nothing falls to for long come back where something is; the number that did is told, and usage rises."""
    book.codes_KD[4:] += 100.0
    book.sums_KD.copy_(book.codes_KD)
    book.counts_K.fill_(1.0)
    z = torch.randn(1, WIDTH, 400)
    restarts = [book.learn(z, decay=0.5, generator=torch.Generator().manual_seed(0)) for _ in range(10)]
    assert sum(restarts) >= 4
    assert book.codes_KD.abs().max() < 10
    assert book.usage() > 0.5


def test_the_first_batch_brings_fresh_codes_to_where_the_vectors_are(book):
    """Vectors far from all random codes but one find codes among themselves after one step."""
    z = near_codes(book, [3] * 200, spread=0.3)
    before = book.commitment(z)
    assert book.learn(z, generator=torch.Generator().manual_seed(0)) == CODES - 1
    assert book.commitment(z) < before
    assert len(book.nearest(z).unique()) > CODES // 2


def test_usage_tells_one_from_all(book):
    """1 where all codes are used alike, 1/K where one does it all or nothing was learned yet."""
    book.counts_K.fill_(2.0)
    assert book.usage() == pytest.approx(1.0)
    book.counts_K.zero_()
    assert book.usage() == pytest.approx(1 / CODES)
    book.counts_K[3] = 7.0
    assert book.usage() == pytest.approx(1 / CODES)


def test_commitment_pulls_vectors_to_their_codes(book):
    """Its value is (1 + beta) times the mean squared distance; its gradient, of the beta term alone, points away from the code."""
    z = near_codes(book, [2, 5], spread=0.1).requires_grad_()
    away = (z - book.codes_KD[[2, 5]].T[None]).detach()
    loss = book.commitment(z, beta=0.25)
    loss.backward()
    assert z.grad is not None
    assert loss.item() == pytest.approx(1.25 * away.square().mean().item(), rel=1e-5)
    assert torch.allclose(z.grad, 0.25 * 2 * away / away.numel(), atol=1e-7)


def test_codes_are_saved_but_not_trained_by_gradient(book):
    """They are buffers: in the state dict, not among the parameters."""
    assert set(book.state_dict()) == {"codes_KD", "counts_K", "sums_KD"}
    assert list(book.parameters()) == []
