"""`streamfuse prompts`: the prompts that ship, and how any other text is understood."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from streamfuse.cli.dial_bars import DialsSet
    from streamfuse.frames import Prompt
    from streamfuse.text import Encoding
    from streamfuse.text.bank import BankPrompt

NEAREST = 3


def command(
    text: Annotated[str | None, typer.Argument(help="Any words, or the id of a shipped prompt; without it, those are listed.")] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="minilm, or open_clip:<model>/<tag or file>; by default the one of the weights.")
    ] = None,
    strength: Annotated[float, typer.Option("--strength", min=0, max=1, help="0 does nothing, 1 all of it.")] = 1.0,
    negative: Annotated[list[str] | None, typer.Option("--negative", help="What not to bring out; may be given several times.")] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="Whose dials to show; by default the weights that ship.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the prompts that ship, or show how a text of your own is understood: the nearest of them, and the dials it sets."""
    from streamfuse.frames import Prompt

    if text is None:
        _list(as_json=as_json)
    else:
        _explain(Prompt(text=text, negative=tuple(negative or ()), strength=strength), encoder, weights, as_json=as_json)


def _list(*, as_json: bool) -> None:
    from streamfuse.text import bank

    if as_json:
        typer.echo(json.dumps({"encoder": bank.ENCODER, "prompts": [_record(prompt) for prompt in bank.prompts().values()]}, indent=2))
        return
    console = Console()
    longest = max(len(prompt_id) for prompt_id in bank.prompts())
    for group, title in bank.groups().items():
        console.print(Text(f"\n{title}", style="bold"))
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(style="cyan", no_wrap=True, width=longest)
        for prompt in bank.prompts().values():
            if prompt.group == group:
                table.add_row(prompt.id, prompt.text)
        console.print(table)


def _explain(prompt: "Prompt", encoder_name: str | None, weights: Path | None, *, as_json: bool) -> None:
    from streamfuse.cli.dial_bars import dials_set, drawn
    from streamfuse.text import TOKENS, bank, encoder

    console = Console()
    with Console(stderr=True).status("reading"):
        found = dials_set(prompt, weights, encoder_name)
        encoding, *bank_encodings = encoder(encoder_name or found.encoder).encode([prompt.text, *bank.prompts()])
    near = bank.nearest(encoding, NEAREST, among=bank_encodings)
    if as_json:
        typer.echo(json.dumps(_explained(prompt, encoding, near, found), indent=2))
        return
    words = bank.resolved(prompt.text)
    console.print(Text.assemble("read as ", (words, "bold"), f"  ({encoding.count} tokens, encoder {encoding.encoder})"))
    if encoding.count == TOKENS:
        console.print(f"[yellow]long:[/] beyond {TOKENS} tokens, words count only as part of the whole")
    table = Table("similarity", "nearest shipped prompts", "text", box=None, padding=(0, 2), header_style="bold")
    for shipped, similarity in near:
        table.add_row(f"{similarity:.2f}", shipped.id, shipped.text)
    console.print(table)
    console.print()
    console.print(drawn(prompt, found))


def _explained(prompt: "Prompt", encoding: "Encoding", near: "list[tuple[BankPrompt, float]]", found: "DialsSet") -> dict[str, Any]:
    from streamfuse.text import bank

    return {
        "text": bank.resolved(prompt.text),
        "negative": [bank.resolved(text) for text in prompt.negative],
        "strength": prompt.strength,
        "encoder": encoding.encoder,
        "tokens": encoding.count,
        "nearest": [{**_record(shipped), "similarity": round(similarity, 4)} for shipped, similarity in near],
        "weights": found.weights,
        "dials": found.dials or None,
    }


def _record(prompt: "BankPrompt") -> dict[str, Any]:
    return {"id": prompt.id, "text": prompt.text, "group": prompt.group, "faults": dict(prompt.faults)}
