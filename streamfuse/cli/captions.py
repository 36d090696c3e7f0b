"""`streamfuse captions`: a text beside each pair."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track


def command(
    folder: Annotated[Path, typer.Argument(help="Pairs in any layout that training knows, for instance ir/ and vi/.")],
    layout: Annotated[str, typer.Option("--layout", help="Name of the layout, where it cannot be told from the folders.")] = "auto",
    boxes: Annotated[Path | None, typer.Option("--boxes", help="Folder of boxes to use instead of those beside the pictures.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace texts that are there.")] = False,
) -> None:
    """Write text/NAME.txt beside ir/ and vi/: what is in the pair, the light, and what measurably ails the pictures."""
    from streamfuse.train.boxes import load_boxes
    from streamfuse.train.captions import caption
    from streamfuse.train.data import caption_file, find_pairs, load_all

    console = Console(stderr=True)
    records = find_pairs(folder, layout, boxes=boxes)
    wanted = [record for record in records if overwrite or record.caption is None]
    loaded = track(load_all(wanted), "captions", len(wanted), console=console, transient=True)
    for record, infrared, visible in loaded:
        found = load_boxes(record.boxes, infrared.shape) if record.boxes else None
        path = caption_file(record)
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(caption(record, infrared, visible, found)) + "\n", encoding="utf-8")
    kept = len(records) - len(wanted)
    note = f", {kept} kept as they were (--overwrite replaces them)" if kept else ""
    console.print(f"{len(wanted)} captions written{note}", highlight=False)
