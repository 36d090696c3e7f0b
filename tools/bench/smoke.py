"""Smoke that blinds the visible camera: is what infrared shows plain to see in the fused picture, and does it keep its colours?

Run: python tools/bench/smoke.py [--fuser nano] [--prompt "see through the smoke"] [--sheet FILE.png] [--json FILE]

Twelve frames of m3svd_0117_1605 (`STREAMFUSE_DATA`; not trained on), with masks of the people that infrared shows in `smoke_masks/`.
A fuser that reads words has a row without any and one with the prompt; its weights may be named, `nano=FILE`. Half a minute on one core.
Legend: H W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.colour import to_rgb
from streamfuse.evaluate.contender import Sight, contenders, grey_levels
from streamfuse.frames import Fused
from streamfuse.train.data import find_pairs, load_all
from tools.bench.recording import DATA, LONGEST
from tools.bench.report import Report, options, progress

MASKS = Path(__file__).with_name("smoke_masks")
PROMPT = "see through the smoke"
GAP_PX, RING_PX = 4, 20
"""Around a region lie this many pixels of neither, then the ring that it is compared with."""
LEAST_GREY = 1.0
"""Around black, a contrast would be infinite."""
SHEET_FRAMES, SHEET_SCALE = 4, 0.5

Mask = NDArray[np.bool_]


class Region(NamedTuple):
    """What is compared: a warm patch and its surroundings, without those that belong to another patch."""

    inside_HW: Mask
    around_HW: Mask


@dataclass(slots=True)
class Seen:
    """What one contender made of the frames, a number for each."""

    contrast: list[float]
    """Weber contrast."""
    chroma: list[float]
    """Mean distance to the visible camera's, grey levels."""


def regions(mask_HW: NDArray[np.uint8]) -> list[Region]:
    """The connected patches of a mask (above 127) that have any surroundings."""
    warm_HW = (mask_HW > 127).astype(np.uint8)
    free_HW = _grown(warm_HW, GAP_PX) == 0
    count, labels_HW = cv2.connectedComponents(warm_HW, connectivity=8)
    found = []
    for label in range(1, count):
        inside_HW = labels_HW == label
        around_HW = (_grown(inside_HW.astype(np.uint8), GAP_PX + RING_PX) > 0) & free_HW
        if around_HW.any():
            found.append(Region(inside_HW, around_HW))
    return found


def weber(luma_HW: NDArray[np.uint8], found: Sequence[Region]) -> float:
    """Mean over regions, weighted by area, of |L_in - L_around| / L_around, L mean luma as 8 bits hold it; not linear light.

    Weber's contrast as in Peli, "Contrast in complex images", JOSA A 7, 1990.
    """
    values = [abs(luma_HW[inside].mean() - (around := max(LEAST_GREY, luma_HW[ring].mean()))) / around for inside, ring in found]
    return float(np.average(values, weights=[region.inside_HW.sum() for region in found]))


def chroma_distance(fused: Fused) -> float:
    """Mean |difference| of Cb and Cr to the visible camera's, of 255 levels."""
    assert fused.batch.chroma_B2cc is not None  # a contender has both cameras
    return 255 * float((fused.chroma_B2cc - fused.batch.chroma_B2cc).abs().mean())


def measure(frames: Mapping[int, Sight], masks: Mapping[int, NDArray[np.uint8]], fuser: str, prompt: str) -> tuple[Report, list[bytes]]:
    """The section of the report, and rows of a sheet of pictures (RGB, encoded by `row_of`)."""
    rows = contenders([fuser], ["", prompt])
    names = [_short(row.name) for row in rows]
    seen = {name: Seen([], []) for name in names}
    picked = list(frames)[:: max(1, len(frames) // SHEET_FRAMES)]
    sheet = []
    for number, sight in frames.items():
        progress(f"frame {number}")
        found = regions(masks[number])
        fused = [row.fuse(sight) for row in rows]
        for name, one in zip(names, fused, strict=True):
            seen[name].contrast.append(weber(grey_levels(one.luma_B1HW)[0].numpy(), found))
            seen[name].chroma.append(chroma_distance(one))
        if number in picked:
            sheet.append(row_of(names, fused))
    return _report(seen, len(frames), prompt), sheet


def row_of(names: Sequence[str], fused: Sequence[Fused]) -> bytes:
    """One frame by all contenders, side by side, as PNG."""
    tiles = []
    for name, one in zip(names, fused, strict=True):
        rgb_HW3 = (to_rgb(one.luma_B1HW, one.chroma_B2cc)[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        tile = cv2.resize(cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2BGR), None, fx=SHEET_SCALE, fy=SHEET_SCALE, interpolation=cv2.INTER_AREA)
        tiles.append(cv2.putText(tile, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 255), 1))
    return cv2.imencode(".png", np.hstack(tiles))[1].tobytes()


def main() -> None:
    """Read, measure, show."""
    parser = options(__doc__)
    parser.add_argument("--fuser", default="nano", help="NAME or NAME=FILE")
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--sheet", type=Path, help="write pictures of a few frames, side by side, to this file")
    chosen = parser.parse_args()
    masks = {int(path.stem): np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8) for path in sorted(MASKS.glob("*.png"))}
    recording = DATA / LONGEST
    if not recording.is_dir():
        raise SystemExit(f"there is no recording at {recording}: set STREAMFUSE_DATA to the folder that holds replay/{LONGEST}")
    records = [record for record in find_pairs(recording, every=1) if record.frame in masks]
    frames = {record.frame or 0: Sight(infrared, visible) for record, infrared, visible in load_all(records)}
    with torch.inference_mode():
        report, sheet = measure(frames, masks, chosen.fuser, chosen.prompt)
    report.show(chosen.json)
    if chosen.sheet:
        rows = [cv2.imdecode(np.frombuffer(row, np.uint8), cv2.IMREAD_COLOR) for row in sheet]
        cv2.imwrite(str(chosen.sheet), np.vstack([row for row in rows if row is not None]))


def _report(seen: Mapping[str, Seen], frames: int, prompt: str) -> Report:
    report = Report(title="Through smoke", text=TEXT.format(frames=frames, gap=GAP_PX, ring=RING_PX))
    means = {name: fmean(one.contrast) for name, one in seen.items()}
    for name, one in seen.items():
        report.rows.append(
            {
                "what": name,
                "Weber": means[name],
                "worst frame": min(one.contrast),
                "of infrared": means[name] / means["infrared"],
                "of average": means[name] / means["average"],
                "chroma": fmean(one.chroma),
                "worst chroma": max(one.chroma),
            }
        )
    report.raw = {name: {"contrast": one.contrast, "chroma": one.chroma} for name, one in seen.items()}
    neutral = next((name for name in seen if name.endswith(": neutral")), None)
    if neutral:
        asked = neutral.replace("neutral", prompt)
        wanted = f"{means['average']:.2f}"
        report.target(f"neutral, contrast at least `average`'s {wanted}", f"{means[neutral]:.2f}", holds=means[neutral] >= means["average"])
        half = means["infrared"] / 2
        report.target(f"told of the smoke, at least half of infrared's, {half:.2f}", f"{means[asked]:.2f}", holds=means[asked] >= half)
        chroma = fmean(seen[neutral].chroma)
        report.target("neutral, chroma within 2 grey levels of the visible camera's", f"{chroma:.2f}", holds=chroma <= 2)
    return report


def _short(name: str) -> str:
    """`nano=a/b.safetensors: neutral` -> `nano: neutral`."""
    who, colon, words = name.partition(": ")
    return who.partition("=")[0] + colon + words


def _grown(mask_HW: NDArray[np.uint8], by_px: int) -> NDArray[np.uint8]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    return np.asarray(cv2.dilate(mask_HW, kernel), np.uint8)


TEXT = """{frames} frames of m3svd_0117_1605, in which smoke blinds the visible camera; never trained on. Weber: |L_in - L_around| /
L_around (Peli 1990), L the mean of 8-bit luma in a region of people that infrared shows warm (`tools/bench/smoke_masks/`), and in a ring of
{ring} px around it that begins after a gap of {gap}; mean over regions by area, then over frames. `worst frame`: the least of a frame.
Chroma: mean |difference| of Cb and Cr to the visible camera's, grey levels."""


if __name__ == "__main__":
    main()
