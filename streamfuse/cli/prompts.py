"""`streamfuse prompts`: the prompts that ship, and how any other text is understood."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from streamfuse.text import Encoding
    from streamfuse.text.bank import BankPrompt

NEAREST = 3


def command(
    text: Annotated[str | None, typer.Argument(help="Any words, or the id of a shipped prompt; without it, those are listed.")] = None,
    encoder: Annotated[str, typer.Option("--encoder", help="minilm, or open_clip:<model>/<tag or file>.")] = "minilm",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the prompts that ship, or show which of them are nearest to a text of your own."""
    if text is None:
        _list(as_json=as_json)
    else:
        _explain(text, encoder, as_json=as_json)


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


def _explain(text: str, encoder_name: str, *, as_json: bool) -> None:
    from streamfuse.text import TOKENS, bank, encoder

    console = Console()
    with Console(stderr=True).status("encoding"):
        encoding, *bank_encodings = encoder(encoder_name).encode([text, *bank.prompts()])
    near = bank.nearest(encoding, NEAREST, among=bank_encodings)
    if as_json:
        typer.echo(json.dumps(_explained(bank.resolved(text), encoding, near), indent=2))
        return
    console.print(Text.assemble("read as ", (bank.resolved(text), "bold"), f"  ({encoding.count} tokens, encoder {encoding.encoder})"))
    if encoding.count == TOKENS:
        console.print(f"[yellow]long:[/] beyond {TOKENS} tokens, words count only as part of the whole")
    table = Table("similarity", "nearest shipped prompts", "text", box=None, padding=(0, 2), header_style="bold")
    for prompt, similarity in near:
        table.add_row(f"{similarity:.2f}", prompt.id, prompt.text)
    console.print(table)


def _explained(words: str, encoding: "Encoding", near: "list[tuple[BankPrompt, float]]") -> dict[str, Any]:
    return {
        "text": words,
        "encoder": encoding.encoder,
        "tokens": encoding.count,
        "nearest": [{**_record(prompt), "similarity": round(similarity, 4)} for prompt, similarity in near],
    }


def _record(prompt: "BankPrompt") -> dict[str, Any]:
    return {"id": prompt.id, "text": prompt.text, "group": prompt.group, "faults": dict(prompt.faults)}
