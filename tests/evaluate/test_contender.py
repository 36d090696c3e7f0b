"""Rows of a report: fusers under prompts, and cameras alone."""

import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.evaluate.contender import ALWAYS, Sight, WithFuser, batch_of, contenders, grey_levels
from streamfuse.frames import Prompt, PromptState
from streamfuse.fuse import FUSERS
from streamfuse.fuse.text_guided import TextGuided
from streamfuse.fuse.weights_file import save_weights
from streamfuse.networks import create
from streamfuse.text import encoder
from streamfuse.train.data import grey
from tests.evaluate.conftest import picture

SIGHT = Sight(picture(1, 33, 41), np.stack([picture(seed, 33, 41) for seed in (2, 3, 4)], 2))


def test_every_report_holds_the_baselines():
    """Rules and cameras come after what was asked for, and once."""
    assert [row.name for row in contenders([])] == list(ALWAYS)
    names = [row.name for row in contenders(["laplacian", "infrared"])]
    assert names == ["laplacian", "average", "maximum", "blend", "salience", *ALWAYS[-2:]]


def test_cameras_alone_are_the_pictures():
    """The infrared row is the infrared picture, the visible row the visible one, to the grey level."""
    rows = {row.name: row for row in contenders([])}
    infrared, visible = (grey_levels(rows[name].fuse(SIGHT).luma_B1HW)[0].numpy() for name in ("infrared", "visible"))
    assert (infrared == SIGHT.infrared_HW).all()
    assert np.abs(visible.astype(int) - grey(SIGHT.visible_HW3)).max() <= 1


def test_a_rule_does_what_it_says():
    """The row `maximum` is the brighter of both, rounded, not stretched."""
    rows = {row.name: row for row in contenders([])}
    fused = grey_levels(rows["maximum"].fuse(SIGHT).luma_B1HW)[0].numpy()
    assert np.abs(fused.astype(int) - np.maximum(SIGHT.infrared_HW, grey(SIGHT.visible_HW3))).max() <= 1


def test_a_batch_as_the_pipeline_makes_it():
    """Pictures in [0, 1], chroma of half size rounded up, and the arrays stay writable for others."""
    infrared = SIGHT.infrared_HW.copy()
    batch = batch_of(Sight(infrared, SIGHT.visible_HW3), torch.device("cpu"), PromptState(id="x"))
    assert batch.infrared_B1hw is not None
    assert batch.chroma_B2cc is not None
    assert batch.infrared_B1hw.shape == (1, 1, 33, 41)
    assert batch.chroma_B2cc.shape == (1, 2, 17, 21)
    assert float(batch.infrared_B1hw[0, 0, 3, 4]) == pytest.approx(infrared[3, 4] / 255)
    infrared[0, 0] = 1


def test_prompts_make_rows():
    """A fuser that reads words has one row per prompt where there are several, told apart by the words; a rule has one."""
    names = [row.name for row in contenders(["nano=random"], ["people", ""])]
    assert names[:2] == ["nano=random: people", "nano=random: neutral"]
    assert names[2:] == list(ALWAYS)
    assert contenders(["nano=random"], ["people"])[0].name == "nano=random"


def test_words_reach_the_network():
    """Under another prompt a network gives another picture."""
    torch.manual_seed(1)
    fuser = FUSERS.make("nano", weights="random", precision="fp32")
    fuser.to(torch.device("cpu"))
    rows = [WithFuser(text, fuser, Prompt(text=text), torch.device("cpu")) for text in ("", "it is very dark")]
    first, second = (row.fuse(SIGHT).luma_B1HW for row in rows)
    assert not torch.equal(first, second)


def test_a_file_says_its_size_and_encoder(tmp_path):
    """So that weights of any size are compared with `NAME=FILE` alone."""
    path = tmp_path / "large.safetensors"
    save_weights(create("textpixels", size="base", text_dim=encoder("minilm").dim), path, "minilm")
    row = contenders([f"textpixels={path}"])[0]
    assert isinstance(row, WithFuser)
    assert row.fuser.name == "textpixels-base"


def test_the_published_form_fuses(tmp_path):
    """Weights of `configs/train/upfusion_published.yaml` can be looked at like any others."""
    path = tmp_path / "published.safetensors"
    save_weights(create("upfusion", size="base", text="published", text_dim=encoder("minilm").dim), path, "minilm")
    row = contenders([f"upfusion={path}"])[0]
    assert isinstance(row, WithFuser)
    assert isinstance(row.fuser, TextGuided)
    assert row.fuser.network.text == "published"
    assert row.fuse(SIGHT).luma_B1HW.shape == (1, 1, 33, 41)


def test_rows_know_what_was_asked_for():
    """One's own fusers too, whose names hold a colon, and under any prompt."""
    own = "streamfuse.fuse.pixelwise:Average"
    rows = contenders([own, "nano=random"], ["people", ""])
    assert [row.entry for row in rows[:4] if isinstance(row, WithFuser)] == [own, own, "nano=random", "nano=random"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("laplacain", "did you mean 'laplacian'"),
        ("average=some.safetensors", "average has no weights"),
        ("nano=absent.safetensors", "absent"),
    ],
)
def test_wrong_names(wanted, told):
    """A misspelt fuser, weights for a rule, and weights that are not there are errors in words."""
    with pytest.raises(ValueError, match=told):
        contenders([wanted])


def test_own_fusers_are_taken():
    """`package.module:factory` works here as everywhere."""
    assert contenders(["streamfuse.fuse.pixelwise:Average"])[0].name == "streamfuse.fuse.pixelwise:Average"
    with pytest.raises(ConfigError, match="has no 'Averag'"):
        contenders(["streamfuse.fuse.pixelwise:Averag"])
