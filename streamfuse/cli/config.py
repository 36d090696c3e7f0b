"""`streamfuse config check|schema|show`."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, show and describe configurations.", no_args_is_help=True)

ConfigPath = Annotated[Path, typer.Argument(help="A YAML file.", show_default=False)]


@app.command()
def check(config: ConfigPath) -> None:
    """Say whether a configuration is right, and what is wrong with it. Opens no camera."""
    from streamfuse.config import load_config
    from streamfuse.flow.build import recipe_of

    recipe_of(load_config(config))
    typer.echo(f"{config} is right")


@app.command()
def show(config: ConfigPath) -> None:
    """Print the whole configuration, defaults and environment included, credentials hidden."""
    from streamfuse.config import load_config, shown

    typer.echo(shown(load_config(config)), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    from streamfuse.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
