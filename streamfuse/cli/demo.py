"""`streamfuse demo`: the drawn street through the whole pipeline. Needs no camera, GPU or download."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def command(
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so many seconds; 0: never.")] = 20,
    bus: Annotated[str, typer.Option(help="Where to publish; port * takes any free one.")] = "tcp://127.0.0.1:5560",
    picture: Annotated[Path, typer.Option(help="Where to leave a picture of what both cameras saw and what came out.")] = Path(
        "streamfuse-demo.png"
    ),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Show that it works: a drawn street at night, seen by two cameras, fused, searched for warm things and published."""
    from streamfuse.cli.outputs import PICTURES, check_output
    from streamfuse.cli.session import run_session
    from streamfuse.cli.snapshot import Snapshot
    from streamfuse.config import load_config, shipped_config

    check_output(picture, PICTURES)
    config = load_config(shipped_config("demo"), {"STREAMFUSE__PUBLISH__0__ENDPOINT": bus})
    snapshot = Snapshot()
    run_session(config, seconds=seconds, verbose=verbose, prepare=snapshot.attach)
    if snapshot.save(picture):
        Console().print(f"saved [bold]{picture}[/]: visible, infrared and fused side by side", highlight=False, soft_wrap=True)
