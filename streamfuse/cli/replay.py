"""`streamfuse replay`: two recordings through the pipeline, in time or as fast as possible."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from streamfuse.errors import ConfigError

# As in the registry, which would load too much for a quick --help.
FUSERS = "nano, upfusion, lure, textpixels, average, maximum, laplacian, blend, salience"


class PictureCodec(StrEnum):
    """How pictures are sent."""

    JPEG = "jpeg"
    RAW = "raw"
    H264 = "h264"


def command(
    infrared: Annotated[str | None, typer.Option(help="Infrared video, or folder of pictures.", show_default=False)] = None,
    visible: Annotated[str | None, typer.Option(help="Visible video, or folder of pictures.", show_default=False)] = None,
    speed: Annotated[float, typer.Option(min=0, help="1 is real time; 0 as fast as possible and lossless: readers are waited for.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Again and again.")] = False,
    frames: Annotated[int, typer.Option(min=0, help="End after so many pairs; 0: all.")] = 0,
    fps: Annotated[float, typer.Option(min=0, help="Rate of folders of pictures without timestamps.csv.")] = 0,
    bus: Annotated[str, typer.Option(help="Where to publish; port * takes any free one.")] = "tcp://127.0.0.1:5560",
    wait_subscribers: Annotated[int, typer.Option(min=0, help="Start when so many readers have subscribed.")] = 0,
    subscriber_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a lossless replay waits for a reader that stalls.")
    ] = 30.0,
    fuser: Annotated[str, typer.Option(help=f"{FUSERS}, or package.module:factory.")] = "nano",
    detector: Annotated[str, typer.Option(help="none, hotspots, small, or YOLO weights (.pt, .onnx, OpenVINO folder).")] = "none",
    codec: Annotated[PictureCodec | None, typer.Option(help="How pictures are sent; jpeg over tcp, raw over ipc.")] = None,
    rig: Annotated[Path | None, typer.Option(help="Calibration file, where the cameras do not share one pixel grid.")] = None,
    prompt: Annotated[str, typer.Option(help="What to bring out, in words; for fusers that read them.")] = "",
    stream: Annotated[str, typer.Option(help="Name of the stream on the bus.")] = "replay",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    """Replay a pair of recordings, or one alone."""
    from streamfuse.cli.session import run_session
    from streamfuse.config import parse_config

    if infrared is None and visible is None:
        raise ConfigError("replay needs --infrared, --visible or both")
    lossless = speed == 0
    pair: dict[str, Any] = {"stream": stream, "prompt": prompt}
    for spectrum, address in (("infrared", infrared), ("visible", visible)):
        if address is not None:
            pair[spectrum] = _camera(address, fps)
    if rig is not None:
        pair["rig"] = rig
    sink: dict[str, Any] = {"kind": "bus", "endpoint": bus, "subscriber_timeout_s": subscriber_timeout}
    if codec is not None:
        sink["codec"] = codec.value
    values = {
        "policy": "lossless" if lossless else "live",
        "speed": 1.0 if lossless else speed,
        "loop": loop,
        "frames": frames,
        "wait_subscribers": wait_subscribers,
        "device": device,
        "pairs": [pair],
        "batch": {"size": 1},  # one stream has one pair at a time; on a CPU larger lossless batches are slower
        "fuse": fuser,
        "detect": _detector(detector),
        "publish": [sink],
    }
    run_session(parse_config(values), verbose=verbose)


def _camera(address: str, fps: float) -> dict[str, Any] | str:
    if Path(address).is_dir():
        return {"kind": "images", "path": address, **({"fps": fps} if fps else {})}
    return address


def _detector(name: str) -> dict[str, Any]:
    from streamfuse.detect import DETECTORS

    if name in DETECTORS or ":" in name:
        return {"kind": name}
    if name.endswith((".pt", ".onnx")) or Path(name).is_dir():
        return {"kind": "yolo", "weights": name}
    return {"kind": name}
