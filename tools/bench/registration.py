"""Registration from the scene alone, on every pair there is: error against the authors' own registration, time, and refusals.

    python tools/bench/registration.py ../shared/data [--only roadscene starain aligned moved strangers many] [--model affine] [--json FILE]

`roadscene`: 22 pairs, homographies; `roadscene_hr`: the same against the larger visible pictures, errors also in infrared pixels.
`starain`: 5 pairs, affine. `aligned`: pairs that their authors call aligned; the error is against the identity, and `gain` says how much
better the edges agree where ours differs from it. `moved`: the recordings with infrared shifted or widened by a known amount, to see that
what is not aligned is not taken for it. `strangers`: infrared of one scene with the visible picture of another: all must be
refused. `many`: MSRS again, eight frames at a time, to tell errors of ours (they would scatter) from errors of the data (they repeat).
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.fit import Model
from streamfuse.align.scene import agreed, register
from streamfuse.errors import RigError

Picture = NDArray[Any]
Matrix = NDArray[np.float64]
ONE_BASED = np.array([[1, 0, -1], [0, 1, -1], [0, 0, 1]], np.float64)  # pixels counted from 1 -> from 0
ALIGNED_STEP, STRANGERS_APART, MANY = 24, (5, 9, 13), 8
MARGIN_PX = 20  # cut off all around, so that what is moved in is picture
MOVES = {"by 1.5 px": (1.0, 1.2, -0.9), "by 3 px": (1.0, 2.4, 1.8), "by 6 px": (1.0, -4.8, 3.6), "wider by 1.5 %": (1.015, 0.0, 0.0)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One pair of pictures, or several of one rig, and where infrared belongs."""

    set: str
    name: str
    infrareds: list[Picture]
    visibles: list[Picture]
    truth: Matrix | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came out."""

    set: str
    name: str
    error_px: float | None
    """Mean inside the shared view, visible pixels; None where there is no truth."""
    error_infrared_px: float | None
    sure: bool
    motion: str
    agreement: float
    gain: float
    """Agreement against that of the truth."""
    residual_px: float
    spread_px: float
    wall_s: float
    cpu_s: float


def grey(path: Path) -> Picture:
    """(H, W) of a picture file."""
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def roadscene(data: Path, key: str) -> Iterator[Case]:
    """Raw infrared against one of its two visible pictures."""
    root = data / "unaligned" / "roadscene_raw"
    for name, entry in json.loads((root / "homographies.json").read_text()).items():
        truth = np.array(entry[f"H_ir_to_{key}"])
        kind = "roadscene" if key == "vi" else "roadscene_hr"
        yield Case(set=kind, name=name, infrareds=[grey(root / entry["ir"])], visibles=[grey(root / entry[key])], truth=truth)


def starain(data: Path) -> Iterator[Case]:
    """Pairs 20 to 60 pixels apart."""
    root = data / "unaligned" / "starain"
    for name, entry in json.loads((root / "correspondences.json").read_text()).items():
        truth = ONE_BASED @ np.array(entry["H_ir_to_vi"]) @ np.linalg.inv(ONE_BASED)
        pictures = [grey(root / folder / f"{name}.png") for folder in ("ir", "vi")]
        yield Case(set="starain", name=name, infrareds=pictures[:1], visibles=pictures[1:], truth=truth)


def aligned(data: Path) -> Iterator[Case]:
    """MSRS, recordings and sequences: the identity, say their authors."""
    for path in sorted((data / "msrs_dev" / "vi").iterdir())[::ALIGNED_STEP]:
        yield Case(
            set="msrs", name=path.stem, infrareds=[grey(data / "msrs_dev" / "ir" / path.name)], visibles=[grey(path)], truth=np.eye(3)
        )
    yield from recordings(data)


def recordings(data: Path) -> Iterator[Case]:
    """One pair of each recording and sequence."""
    for folder in sorted(data.glob("replay/*/vi.mp4")):
        pictures = [frame(folder.with_name(name), 30) for name in ("ir.mp4", "vi.mp4")]
        yield Case(set="recording", name=folder.parent.name, infrareds=pictures[:1], visibles=pictures[1:], truth=np.eye(3))
    for folder in sorted([*data.glob("sequences/*"), *data.glob("replay/*png*")]):
        pictures = [grey(min((folder / name).iterdir())) for name in ("ir", "vi")]
        yield Case(set="recording", name=folder.name, infrareds=pictures[:1], visibles=pictures[1:], truth=np.eye(3))


def moved(data: Path) -> Iterator[Case]:
    """The recordings again, infrared shifted or widened about its centre."""
    for case in recordings(data):
        infrared, visible = case.infrareds[0], case.visibles[0]
        height, width = (side - 2 * MARGIN_PX for side in visible.shape)
        for name, (scale, x, y) in MOVES.items():
            move = np.array([[scale, 0, x + (1 - scale) * width / 2], [0, scale, y + (1 - scale) * height / 2], [0, 0, 1]])
            cut = np.array([[1, 0, -MARGIN_PX], [0, 1, -MARGIN_PX], [0, 0, 1]], np.float64)
            there = cv2.warpPerspective(infrared, move @ cut, (width, height), flags=cv2.INTER_CUBIC)
            here = visible[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
            yield Case(set=f"moved {name}", name=case.name, infrareds=[there], visibles=[here], truth=np.linalg.inv(move))


def frame(path: Path, number: int) -> Picture:
    """One frame of a video."""
    video = cv2.VideoCapture(str(path))
    for _ in range(number + 1):
        picture = video.read()[1]
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def strangers(data: Path) -> Iterator[Case]:
    """Infrared of one scene with the visible picture of another."""
    cases = list(roadscene(data, "vi"))
    for apart in STRANGERS_APART:
        for number, case in enumerate(cases):
            other = cases[(number + apart) % len(cases)]
            yield Case(set="strangers", name=f"{case.name} {other.name}", infrareds=case.infrareds, visibles=other.visibles, truth=None)


def many(data: Path) -> Iterator[Case]:
    """MSRS in groups: the same cameras in other streets."""
    paths = sorted((data / "msrs_dev" / "vi").iterdir())
    for start in range(0, ALIGNED_STEP, 6):
        chosen = paths[start::ALIGNED_STEP][:MANY]
        infrareds = [grey(data / "msrs_dev" / "ir" / path.name) for path in chosen]
        yield Case(
            set="many", name=f"{MANY} of MSRS from {start}", infrareds=infrareds, visibles=[grey(p) for p in chosen], truth=np.eye(3)
        )


SETS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "roadscene": lambda data: roadscene(data, "vi"),
    "roadscene_hr": lambda data: roadscene(data, "vi_hr"),
    "starain": starain,
    "aligned": aligned,
    "moved": moved,
    "strangers": strangers,
    "many": many,
}


def error_px(found: Matrix, truth: Matrix, infrared: Picture, visible: Picture) -> tuple[float, float]:
    """Mean distance over the shared view, in visible and in infrared pixels."""
    ys, xs = np.mgrid[0 : visible.shape[0] : 8, 0 : visible.shape[1] : 8].astype(np.float64)
    there = np.stack([xs.ravel(), ys.ravel()], -1)
    here = cv2.perspectiveTransform(there[None], np.linalg.inv(truth))[0]
    height, width = infrared.shape
    shared = (here >= 0).all(1) & (here[:, 0] <= width - 1) & (here[:, 1] <= height - 1)
    apart = np.linalg.norm(cv2.perspectiveTransform(here[None, shared], found)[0] - there[shared], axis=1).mean()
    back = np.linalg.norm(cv2.perspectiveTransform(there[None, shared], np.linalg.inv(found))[0] - here[shared], axis=1).mean()
    return float(apart), float(back)


def measured(case: Case, model: Model) -> Row:
    """Register one case."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    try:
        found = register(case.infrareds, case.visibles, model)
    except RigError:
        return Row(
            set=case.set,
            name=case.name,
            error_px=None,
            error_infrared_px=None,
            sure=False,
            motion="refused",
            agreement=0.0,
            gain=0.0,
            residual_px=0.0,
            spread_px=0.0,
            wall_s=time.perf_counter() - wall_s,
            cpu_s=time.process_time() - cpu_s,
        )
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    errors: tuple[float | None, float | None] = (None, None)
    gain = 0.0
    if case.truth is not None:
        errors = error_px(found.homography, case.truth, case.infrareds[0], case.visibles[0])
        gain = found.agreement / max(1e-9, agreed(case.infrareds, case.visibles, case.truth))
    return Row(
        set=case.set,
        name=case.name,
        error_px=errors[0],
        error_infrared_px=errors[1],
        sure=found.sure,
        motion=found.motion,
        agreement=found.agreement,
        gain=gain,
        residual_px=found.residual_px,
        spread_px=found.spread_px,
        wall_s=wall_s,
        cpu_s=cpu_s,
    )


def line(row: Row) -> str:
    """One case in words."""
    error = "     -" if row.error_px is None else f"{row.error_px:6.2f} px ({row.error_infrared_px:5.2f} of infrared)"
    return (
        f"{row.set:20} {row.name:32} {error}  {'sure  ' if row.sure else 'UNSURE'} {row.motion:10} "
        f"agreement {row.agreement:5.1f} gain {row.gain:4.2f} "
        f"residual {row.residual_px:4.2f} expected {row.spread_px:4.2f} px  {row.wall_s:4.1f} s ({row.cpu_s:3.1f} of CPU)"
    )


def summary(name: str, rows: list[Row]) -> str:
    """One set in words."""
    errors = [row.error_px for row in rows if row.error_px is not None]
    sure = [row for row in rows if row.sure]
    told = f"{name}: {len(rows)} pairs, {len(sure)} called sure, CPU median {np.median([row.cpu_s for row in rows]):.1f} s, "
    told += f"worst {max(row.cpu_s for row in rows):.1f} s, largest agreement {max(row.agreement for row in rows):.1f}"
    if not errors:
        return told
    within = {limit: sum(error <= limit for error in errors) for limit in (1, 3, 4, 5)}
    told += f"; error median {np.median(errors):.2f}, worst {max(errors):.2f} px; within 1/3/4/5 px: {list(within.values())} of {len(rows)}"
    good = sum(row.error_px is not None and row.error_px <= 4 for row in sure)
    return told + (f"; of the sure within 4 px: {good} of {len(sure)}" if sure else "")


def main() -> None:
    """Run the sets that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--model", choices=("affine", "homography"), default="affine")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.only:
        for case in SETS[name](options.data):
            rows.append(measured(case, options.model))
            print(line(rows[-1]), flush=True)
    for name in dict.fromkeys(row.set for row in rows):
        print(summary(name, [row for row in rows if row.set == name]))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
