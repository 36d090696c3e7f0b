"""`streamfuse run CONFIG`: everything from one YAML."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    config: Annotated[Path, typer.Argument(help="A YAML file; see configs/.", show_default=False)],
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so many seconds; 0: never.")] = 0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Run the pipeline that a configuration describes."""
    from streamfuse.cli.session import run_session
    from streamfuse.config import load_config

    run_session(load_config(config), seconds=seconds, verbose=verbose)


__all__ = ["command"]
