"""`streamfuse calibrate`: find out how two cameras stand to each other, and write it down as a rig."""

import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from streamfuse.errors import ConfigError

if TYPE_CHECKING:
    from streamfuse.align.calibration import Calibration
    from streamfuse.cli.stills import Stills

EXIT_UNSURE = 3
SUFFIX = ".jpg"


class Method(StrEnum):
    """Where the points come from."""

    SCENE = "scene"
    BOARD = "board"
    POINTS = "points"


class ModelName(StrEnum):
    """What the rig may do."""

    AFFINE = "affine"
    HOMOGRAPHY = "homography"


class BoardName(StrEnum):
    """What is printed on the board."""

    CHESSBOARD = "chessboard"
    CIRCLES = "circles"
    ASYMMETRIC = "asymmetric"


def command(
    infrared: Annotated[str, typer.Option(help="Picture, folder, video or camera.", show_default=False)],
    visible: Annotated[str, typer.Option(help="The same of the visible camera.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Rig file to write; a picture of the result is put beside it.", show_default=False)],
    method: Annotated[Method, typer.Option(help="The scene itself, a heated board, or points clicked by hand.")] = Method.SCENE,
    model: Annotated[ModelName | None, typer.Option(help="Affine for scene, homography for board and points.", show_default=False)] = None,
    frames: Annotated[int, typer.Option(min=1, max=100, help="Pairs of pictures to use; for a board 20 serve well.")] = 6,
    every: Annotated[float, typer.Option(min=0, help="Seconds between them, of videos and cameras.")] = 1.0,
    board: Annotated[BoardName, typer.Option(help="Kind of board.")] = BoardName.CHESSBOARD,
    pattern: Annotated[str, typer.Option(help="Inner corners, or circles: along x across.")] = "9x6",
    points: Annotated[Path | None, typer.Option(help="Points file, CSV or YAML; written by the page if it is not there.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page for clicking; 0: any.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Write the rig even where the method is not sure.")] = False,
) -> None:
    """Find how infrared lies in the visible picture. Refuses, with code 3, where it is not sure."""
    from streamfuse.align.pictures import save_proof
    from streamfuse.align.rig import save_rig
    from streamfuse.cli.outputs import check_output

    console = Console()
    if out.suffix.lower() == SUFFIX:
        raise ConfigError(f"--out {out}: that is where the picture of the result goes; name the rig with another ending, as rig.yaml")
    for path in (out, out.with_suffix(SUFFIX), *([points] if points and not points.is_file() else [])):
        check_output(path)
    found = _stills(infrared, visible, frames, every)
    chosen = model or (ModelName.AFFINE if method is Method.SCENE else ModelName.HOMOGRAPHY)
    if method is Method.SCENE:
        calibration = _from_scene(found, chosen)
    elif method is Method.BOARD:
        calibration = _from_board(found, chosen, board, pattern)
    else:
        calibration = _from_points(found, chosen, points, port, console, browser=browser)
    picture = out.with_suffix(SUFFIX)
    save_proof(calibration.rig, found.infrared[-1], found.visible[-1], picture)
    console.print(f"{calibration.told}; residual {calibration.rig.residual_px:.2f} px", highlight=False, soft_wrap=True)
    for doubt in calibration.doubts:
        console.print(f"[yellow]not sure:[/] {doubt}", highlight=False, soft_wrap=True)
    if calibration.doubts and not force:
        console.print(f"no rig was written; look at {picture}, then try again or use --force", highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_UNSURE)
    save_rig(calibration.rig, out)
    console.print(f"wrote {out}; look at {picture}", highlight=False, soft_wrap=True)


def _stills(infrared: str, visible: str, frames: int, every: float) -> "Stills":
    from rich.progress import Progress

    from streamfuse.cli.stills import stills
    from streamfuse.frames import Spectrum

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("taking pictures", total=frames)
        return stills(
            {Spectrum.INFRARED: infrared, Spectrum.VISIBLE: visible}, frames, every, lambda count: progress.update(task, completed=count)
        )


def _from_scene(found: "Stills", model: ModelName) -> "Calibration":
    from streamfuse.align.calibration import from_scene

    with Console(stderr=True).status(f"comparing {len(found.infrared)} pairs of pictures"):
        return from_scene(found.infrared, found.visible, model.value)


def _from_board(found: "Stills", model: ModelName, kind: BoardName, pattern: str) -> "Calibration":
    from streamfuse.align.board import Board, from_board

    columns, _, rows = pattern.lower().partition("x")
    if not (columns.isdigit() and rows.isdigit()):
        raise ConfigError(f"--pattern: want two numbers like 9x6, got {pattern!r}")
    with Console(stderr=True).status(f"looking for the board in {len(found.infrared)} pairs of pictures"):
        return from_board(Board(kind.value, int(columns), int(rows)), found.infrared, found.visible, model.value)


def _from_points(found: "Stills", model: ModelName, path: Path | None, port: int, console: Console, *, browser: bool) -> "Calibration":
    from streamfuse.align.click import ClickServer
    from streamfuse.align.points import from_points, load_points, save_points

    one, other = found.infrared[0], found.visible[0]
    if path is not None and path.is_file():
        points_N4 = load_points(path)
    else:
        with ClickServer(one, other, port) as server:
            console.print(f"click the same things in both pictures: {server.url}", highlight=False, soft_wrap=True)
            if browser:
                webbrowser.open(server.url)
            points_N4 = server.wait()
        if path is not None:
            save_points(points_N4, path)
            console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return from_points(points_N4, ((one.shape[0], one.shape[1]), (other.shape[0], other.shape[1])), model.value)
