"""The command `streamfuse`. Errors of ours are told in words; exit codes are documented in docs/8-commands.md."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import streamfuse
from streamfuse.cli import calibrate, captions, config, demo, doctor, evaluate, probe, prompts, replay, run, sync_report, train, watch
from streamfuse.cli.signals import EXIT_INTERRUPTED, StopNow
from streamfuse.errors import ConfigError, PipelineError, RigError, StreamFuseError, WeightsError
from streamfuse.redaction import redacted

EXIT_FAILED, EXIT_USAGE = 1, 2

app = typer.Typer(
    name="streamfuse",
    help="Real-time, text-guided fusion of infrared and visible camera streams, published over ZeroMQ.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, module in {
    "demo": demo,
    "run": run,
    "replay": replay,
    "calibrate": calibrate,
    "watch": watch,
    "probe": probe,
    "sync-report": sync_report,
    "prompts": prompts,
    "captions": captions,
    "train": train,
    "evaluate": evaluate,
    "doctor": doctor,
}.items():
    app.command(name)(module.command)
app.add_typer(config.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamfuse {streamfuse.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Real-time, text-guided fusion of infrared and visible camera streams, published over ZeroMQ."""


def main() -> None:
    """Entry point. STREAMFUSE_DEBUG=1 shows where an error came from. Ctrl-C and a closed pipe are typer's business."""
    if os.environ.get("STREAMFUSE_DEBUG"):
        app()
        return
    try:
        app()
    except PipelineError as exc:
        for error in exc.exceptions:
            stage = next((note.removeprefix("stage: ") for note in getattr(error, "__notes__", []) if note.startswith("stage: ")), "")
            _tell(f"{stage}: {_in_words(error)}" if stage else _in_words(error))
        sys.exit(EXIT_FAILED)
    except (ConfigError, RigError, WeightsError) as exc:
        _tell(str(exc))
        sys.exit(EXIT_USAGE)
    except StreamFuseError as exc:
        _tell(str(exc))
        sys.exit(EXIT_FAILED)
    except OSError as exc:  # a folder that may not be written, a full disk
        _tell(_in_words(exc))
        sys.exit(EXIT_FAILED)
    except StopNow:
        sys.exit(EXIT_INTERRUPTED)


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) if isinstance(error, StreamFuseError) else f"{type(error).__name__}: {error}"


def _tell(message: str) -> None:
    Console(stderr=True).print(f"[bold red]error[/] {escape(redacted(message))}", soft_wrap=True, highlight=False)
