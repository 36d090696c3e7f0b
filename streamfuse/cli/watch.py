"""`streamfuse watch ENDPOINT`: what is on a bus, as lines, as JSON, or as pictures in a folder."""

import json
import threading
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamfuse.cli.figures import line
from streamfuse.cli.signals import stop_signals
from streamfuse.errors import BusError, ConfigError

if TYPE_CHECKING:
    from streamfuse.publish.message import Message
    from streamfuse.publish.subscriber import Subscriber
    from streamfuse.publish.topic import Kind

REFRESH_S = 0.25


class Mode(StrEnum):
    """Which messages are wanted when they come faster than they are read."""

    LATEST = "latest"
    ALL = "all"


def command(
    endpoint: Annotated[str, typer.Argument(help="tcp://HOST:PORT or ipc://PATH.")] = "tcp://127.0.0.1:5560",
    count: Annotated[int, typer.Option(min=0, help="End after so many messages; 0: when the streams end.")] = 0,
    save: Annotated[Path | None, typer.Option(help="Save the pictures in this folder.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per message: its header.")] = False,
    mode: Annotated[Mode, typer.Option(help="latest skips what a slow reader would be late for; all skips nothing.")] = Mode.LATEST,
    stream: Annotated[list[str] | None, typer.Option(help="Only this stream; may be given again.", show_default=False)] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Figures instead of results, once a second: rates, clocks, drops.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Give up after so many seconds without a message; 0: never.")] = 0,
) -> None:
    """Read a bus. Pictures are only asked for where they are saved."""
    from streamfuse.publish.subscriber import Subscriber

    if save is not None:
        if stats:
            raise ConfigError("--stats asks for figures and --save for pictures; one of them at a time")
        _make_folder(save)
    kinds: list[Kind] = ["stat"] if stats else ["det" if save is None else "img"]
    with stop_signals() as asked_to_stop, Subscriber(endpoint, kinds=kinds, streams=stream or None, mode=mode.value) as bus:
        seen = 0
        for message in _messages(bus, timeout, asked_to_stop):
            seen += 1
            typer.echo(json.dumps(_plain(message)) if as_json else _told(message, save))
            if count and seen >= count:
                break
        if not as_json:
            _farewell(bus, seen, "figures" if stats else "results")
        if seen == 0 and not bus.ended and not asked_to_stop.is_set():
            raise BusError(f"nothing came from {endpoint} within {timeout:g} s; is anything publishing there?")


def _messages(bus: "Subscriber", timeout: float, asked_to_stop: threading.Event) -> "Iterator[Message]":
    """Until the streams end, a signal comes, or nothing has come for `timeout` seconds."""
    silent_since_s = time.monotonic()
    while not asked_to_stop.is_set():
        message = bus.recv(min(timeout or REFRESH_S, REFRESH_S))
        if message is not None:
            yield message
            silent_since_s = time.monotonic()
        elif bus.ended or (timeout and time.monotonic() - silent_since_s >= timeout):
            return


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"cannot make the folder {folder}: {exc.strerror}") from exc


def _told(message: "Message", save: Path | None) -> str:
    if message.kind == "stat":
        return line(message.stream, message.figures)
    return _line(message, None if save is None else _save(message, save))


def _line(message: "Message", path: Path | None) -> str:
    boxes = message.detections
    names = ", ".join(f"{boxes.names[c]} {t}" if t >= 0 else boxes.names[c] for c, t in zip(boxes.classes_N, boxes.tracks_N, strict=True))
    age = "" if message.age_ms is None else f", age {message.age_ms:.0f} ms"
    skew = "" if message.skew_ns is None else f", skew {message.skew_ns / 1e6:+.1f} ms"
    saved = "" if path is None else f" -> {path}"
    return f"{message.stream} {message.seq}: {message.mode}{age}{skew}, {len(boxes)} boxes{': ' + names if names else ''}{saved}"


def _plain(message: "Message") -> dict[str, Any]:
    """The header for JSON: bytes as hex."""
    import msgspec

    header = msgspec.to_builtins(message.header, enc_hook=str, builtin_types=(bytes,))
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in header.items()}


def _save(message: "Message", folder: Path) -> Path:
    from streamfuse.cli.outputs import write_picture

    part = message.result.parts[0]
    name = f"{message.stream}-{message.seq:08d}"
    if part.codec == "jpeg":
        path = folder / f"{name}.jpg"
        path.write_bytes(message.parts[0])  # as it came
        return path
    path = folder / f"{name}.png"
    write_picture(path, message.image())
    return path


def _farewell(bus: "Subscriber", seen: int, what: str) -> None:
    lag = "" if bus.lag_ms is None else f", lag {bus.lag_ms:.0f} ms"
    skipped, lost = sum(bus.skipped.values()), sum(bus.lost.values())
    typer.echo(f"{seen} {what} read, {skipped} skipped for newer ones, {lost} lost, {bus.malformed} malformed{lag}")
