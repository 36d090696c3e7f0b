"""The table of metrics: golden numbers, batches, and what is refused."""

import math

import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError, FrameError
from streamfuse.evaluate import CONVENTIONS, METRICS, Conventions, batch_metrics, fusion_metrics
from tests.evaluate.conftest import picture, tensors

QUICK = ("EN", "SD", "SF", "AG", "MI", "SCD", "CC", "VIF", "Qabf", "Nabf", "SSIM", "MS-SSIM", "PSNR")
OWN = {"MS-SSIM": "MS_SSIM"}


@pytest.mark.needs_data
def test_golden_numbers(golden):
    """On seven real pairs the protocol gives the golden numbers to a billionth."""
    names = [name for name in QUICK if name != "Nabf"]
    for pair in golden:
        found = fusion_metrics(pair.infrared, pair.visible, pair.fused, names=names)
        assert found == pytest.approx({name: pair.numbers["own"][OWN.get(name, name)] for name in names}, rel=1e-9)


@pytest.mark.needs_data
def test_other_peoples_numbers(golden):
    """Under their conventions, the numbers of published code come out."""
    for pair in golden[::3]:
        pictures = (pair.infrared, pair.visible, pair.fused)
        theirs = pair.numbers["cddfuse_evaluator_f64"]
        names = ("EN", "SD", "SF", "AG", "CC", "SCD", "VIF", "Qabf")
        found = fusion_metrics(*pictures, names=(*names, "MI", "SSIM", "PSNR"), conventions=CONVENTIONS["cddfuse"])
        assert {name: found[name] for name in names} == pytest.approx({name: theirs[name] for name in names}, rel=1e-9)
        assert found["MI"] == pytest.approx(theirs["MI_nats"], rel=1e-9)
        assert found["SSIM"] == pytest.approx(pair.numbers["own"]["SSIM_skold_sum"], rel=1e-9)
        assert found["PSNR"] == pytest.approx(pair.numbers["cddfuse_evaluator_f32"]["PSNR_maxF"], rel=1e-6)
        zoo = fusion_metrics(*pictures, names=("Qabf", "Nabf", "PSNR", "SSIM"), conventions=CONVENTIONS["zoo"])
        assert zoo["Nabf"] == pytest.approx(pair.numbers["ivif_zoo"]["Nabf"], rel=1e-9)
        assert zoo["Qabf"] == pytest.approx(pair.numbers["ivif_zoo"]["Qabf"], rel=1e-6)
        assert zoo["PSNR"] == pytest.approx(pair.numbers["ivif_zoo"]["PSNR"], rel=1e-6)
        assert zoo["SSIM"] == pytest.approx(pair.numbers["own"]["SSIM_sum_L1_valid"], rel=1e-9)
        matlab = fusion_metrics(*pictures, names=("AG", "SSIM"), conventions=CONVENTIONS["matlab"])
        assert matlab["AG"] == pytest.approx(pair.numbers["own"]["AG_matlab"], rel=1e-9)
        assert matlab["SSIM"] == pytest.approx(pair.numbers["own"]["SSIM_matlab_mean"], rel=1e-9)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_batch_is_its_items(name):
    """Each item of a batch gets the number that it gets alone."""
    pictures = [picture(seed, 180, 176) for seed in range(9)]
    infrared, visible, fused = (torch.stack([torch.from_numpy(x) for x in pictures[i : i + 3]]) for i in (0, 3, 6))
    together = batch_metrics(infrared, visible, fused, names=[name])[name]
    alone = [fusion_metrics(pictures[i], pictures[i + 3], pictures[i + 6], names=[name])[name] for i in range(3)]
    assert together.dtype == torch.float64
    assert together.tolist() == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("name", list(METRICS))
@pytest.mark.parametrize("levels", [(0, 0, 0), (255, 255, 255), (0, 255, 128), (7, 9, 9)])
def test_flat_pictures_have_numbers(name, levels):
    """A lens cap, saturation or both give no NaN anywhere; PSNR of equal pictures is infinite."""
    flat = [np.full((180, 180), level, np.uint8) for level in levels]
    value = fusion_metrics(*flat, names=[name])[name]
    assert not math.isnan(value)
    assert math.isfinite(value) or (name == "PSNR" and len(set(levels)) == 1)


def test_all_of_them_in_order():
    """The names of the issue's table, in its order, by default all of them."""
    a, b = picture(1, 180, 180), picture(2, 180, 180)
    assert list(fusion_metrics(a, b, np.maximum(a, b))) == [*QUICK, "FMI"] == list(METRICS)


def test_cameras_may_be_swapped(trio):
    """No metric cares which camera is which."""
    a, b, fused = trio
    names = [name for name in METRICS if name != "MS-SSIM"]
    assert fusion_metrics(a, b, fused, names=names) == pytest.approx(fusion_metrics(b, a, fused, names=names))


def test_inputs_stay_as_they_were(trio):
    """Metrics only read; read-only and strided arrays will do."""
    a, b, fused = (x[:, ::2] for x in trio)
    before = [x.copy() for x in (a, b, fused)]
    for x in (a, b, fused):
        x.flags.writeable = False
    fusion_metrics(a, b, fused, names=["EN", "Qabf", "FMI"])
    assert all((x == y).all() for x, y in zip((a, b, fused), before, strict=True))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: x.astype(np.uint16), r"fused must be a grey picture \(H, W\) uint8, got \(48, 56\) uint16"),
        (lambda x: x.astype(np.float32) / 255, "float32"),
        (lambda x: np.stack([x] * 3, 2), r"\(48, 56, 3\)"),
        (lambda x: x[:-1], r"fused \(1, 47, 56\); align"),
    ],
)
def test_only_grey_bytes_of_one_size(trio, change, told):
    """Anything else is refused, with what came."""
    a, b, fused = trio
    with pytest.raises(FrameError, match=told):
        fusion_metrics(a, b, change(fused), names=["EN"])


def test_small_pictures_are_refused_by_name():
    """The error tells which metrics need more pixels; the others work."""
    a = picture(1, 40, 60)
    with pytest.raises(FrameError, match=r"40 pixels are too small for VIF 41, MS-SSIM 176"):
        fusion_metrics(a, a, a)
    assert fusion_metrics(a, a, a, names=["SSIM"])["SSIM"] == pytest.approx(1)


def test_a_wrong_name():
    """A misspelt metric is an error with the nearest one."""
    a = picture(1)
    with pytest.raises(ConfigError, match="did you mean 'Qabf'"):
        fusion_metrics(a, a, a, names=["Qafb"])


def test_a_wrong_convention():
    """Conventions are checked as settings are."""
    with pytest.raises(ValueError, match="information"):
        Conventions.model_validate({"information": "bans"})


@pytest.mark.needs_cuda
@pytest.mark.parametrize("name", list(METRICS))
def test_same_numbers_on_a_gpu(name):
    """A GPU gives the CPU's numbers."""
    x = tensors(*(picture(seed, 180, 176) for seed in range(3)))
    on_gpu = batch_metrics(*(one.cuda() for one in x), names=[name])[name]
    assert on_gpu.device.type == "cuda"
    assert on_gpu.cpu().tolist() == pytest.approx(batch_metrics(*x, names=[name])[name].tolist(), rel=1e-9)
