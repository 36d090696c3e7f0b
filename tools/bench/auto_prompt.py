"""What `prompt: auto` finds: on pictures spoilt with each fault in four strengths, on the same ones clean, and on recordings.

Run: python tools/bench/auto_prompt.py [--part validation] [--every 1] [--json FILE]
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.fuse.ailments import AILMENTS
from streamfuse.fuse.auto_prompt import AutoPrompt
from streamfuse.fuse.picture_facts import facts
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.source.images import ImageSettings, ImageSource
from streamfuse.stages import Source
from streamfuse.train.data import PairRecord, find_pairs, load_all, part
from streamfuse.train.degradations import DIAL_OF, FAULTS, apply
from tools.bench.recording import DATA
from tools.bench.report import Report, options, progress

SETS = ("msrs_dev", "roadscene_dev")
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
TEXT = """Each picture of the part stands alone here: the limits without the smoothing over time. Each is spoilt with every fault of
`train` in four strengths, drawn by chance. `found`: share of the pictures whose dial `auto` turns; `also`: another dial of that camera
that it turns more often than on the clean pictures, at the worst strength. `clean day`, `clean night`: pictures as they are on which
that dial is turned (by night `visible_light` rightly). `dial`: median of where the dial stands when found at strengths 0.5 and 1."""


def found(picture: NDArray[np.uint8], spectrum: Spectrum) -> dict[str, float]:
    """Dials that would be turned for one picture."""
    seen = facts(Frame(image=picture, spectrum=spectrum, t_cap_ns=0, clock="media", seq=0, source="picture"))
    return {a.dial: a.amount(seen) for a in AILMENTS if a.camera == spectrum.value and a.excess(seen) >= 1}


def spoilt(picture: NDArray[np.uint8], fault: str, strength: float, draw: torch.Generator) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) with the fault."""
    deep = picture if picture.ndim == 3 else picture[..., None]
    whole = torch.from_numpy(deep.copy()).permute(2, 0, 1)[None].float() / 255
    worse = apply(fault, whole, torch.tensor([strength]), draw)[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    return np.ascontiguousarray(worse if picture.ndim == 3 else worse[..., 0])


def measured(records: list[PairRecord]) -> tuple[dict[str, list[dict[str, float]]], dict[tuple[str, float], list[dict[str, float]]]]:
    """Dials found on clean pictures by light, both cameras together, and on spoilt ones by fault and strength."""
    clean: dict[str, list[dict[str, float]]] = defaultdict(list)
    worse: dict[tuple[str, float], list[dict[str, float]]] = defaultdict(list)
    for number, (record, infrared, visible) in enumerate(load_all(records)):
        if number % 20 == 0:
            progress(f"picture {number} of {len(records)}")
        draw = torch.Generator().manual_seed(zlib.crc32(record.name.encode()))  # each its own chance, the same in every run
        pictures = {Spectrum.INFRARED: np.ascontiguousarray(infrared), Spectrum.VISIBLE: np.ascontiguousarray(visible)}
        clean[record.light].append({k: v for spectrum, picture in pictures.items() for k, v in found(picture, spectrum).items()})
        for fault in FAULTS:
            camera = Spectrum(fault.camera)
            for strength in STRENGTHS:
                worse[fault.name, strength].append(found(spoilt(pictures[camera], fault.name, strength, draw), camera))
    return clean, worse


def share(found_each: list[dict[str, float]], dial: str) -> float:
    """Of the pictures on which it was turned."""
    return sum(dial in dials for dials in found_each) / max(1, len(found_each))


def row(fault: str, clean: dict[str, list[dict[str, float]]], worse: dict[tuple[str, float], list[dict[str, float]]]) -> dict[str, object]:
    """One line of the table."""
    dial = DIAL_OF[fault]
    everything = [dials for light in clean.values() for dials in light]
    stands = [[dials[dial] for dials in worse[fault, strength] if dial in dials] for strength in (0.5, 1.0)]
    others = {
        a.dial: max(share(worse[fault, strength], a.dial) for strength in STRENGTHS) - share(everything, a.dial)
        for a in AILMENTS
        if a.dial != dial and fault.startswith(a.camera)
    }
    worst = max(others, key=lambda name: others[name])
    return {
        "fault": fault,
        **{f"found {strength:g}": f"{share(worse[fault, strength], dial):.0%}" for strength in STRENGTHS},
        "dial": " ".join(f"{np.median(values):.2f}" if values else "-" for values in stands),
        "clean day": _of(clean["day"], dial),
        "clean night": _of(clean["night"], dial),
        "also": f"{worst} +{others[worst]:.0%}" if others[worst] >= 0.01 else "-",
    }


def _of(found_each: list[dict[str, float]], dial: str) -> str:
    return f"{sum(dial in dials for dials in found_each)} of {len(found_each)}"


def story(folder: Path) -> tuple[str, list[Any]]:
    """What is said while a recording runs, in words and as figures."""
    auto, said, seconds = AutoPrompt(), [], 0.0
    began_ns: int | None = None
    for pair in pairs(folder):
        began_ns = pair.t_cap_ns if began_ns is None else began_ns
        seconds = (pair.t_cap_ns - began_ns) / 1e9
        if auto.due(pair) and auto.look(pair):
            said.append((round(seconds, 1), dict(auto.found.dials), list(auto.found.why)))
    told = [f"{at:.1f} s " + (", ".join(f"{dial} {amount:g}" for dial, amount in dials.items()) or "nothing") for at, dials, _ in said]
    return f"{folder.name}, {seconds:.1f} s: " + ("; ".join(told) or "nothing, all the time") + ".", said


def pairs(folder: Path) -> Iterator[Pair]:
    """Frame by frame: both cameras of the recordings go in step."""
    sources = {spectrum: _source(folder, spectrum) for spectrum in Spectrum}
    for source in sources.values():
        source.open()
    while all((frames := {spectrum: source.read() for spectrum, source in sources.items()}).values()):
        infrared, visible = frames[Spectrum.INFRARED], frames[Spectrum.VISIBLE]
        assert visible is not None
        yield Pair(infrared=infrared, visible=visible, infrared_state="fresh", visible_state="fresh", stream=folder.name, seq=visible.seq)
    for source in sources.values():
        source.close()


def _source(folder: Path, spectrum: Spectrum) -> Source:
    short = "ir" if spectrum is Spectrum.INFRARED else "vi"
    if (folder / short).is_dir():
        return ImageSource(ImageSettings(spectrum=spectrum, path=folder / short, fps=30))
    return AvSource(AvSettings(spectrum=spectrum, url=str(folder / f"{short}.mp4")))


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--part", choices=("train", "validation"), default="validation", help="of split 1")
    parser.add_argument("--every", type=int, default=1, help="one picture in so many")
    given = parser.parse_args()
    torch.set_num_threads(1)
    records = [record for name in SETS for record in part(find_pairs(DATA.parent / name), given.part)][:: given.every]
    if not records:
        raise SourceError(f"{DATA.parent}: no pictures of the part {given.part}; set STREAMFUSE_DATA")
    report = Report(title=f"What `prompt: auto` finds: {given.part} pictures", text=TEXT)
    clean, worse = measured(records)
    report.rows = [row(fault.name, clean, worse) for fault in FAULTS]
    everything = [dials for light in clean.values() for dials in light]
    wrong = [dials for light, each in clean.items() for dials in each if set(dials) - ({"visible_light"} if light == "night" else set())]
    report.notes.append(f"Clean pictures with any dial turned, darkness by night aside: {len(wrong)} of {len(everything)}.")
    stories = {folder.name: story(folder) for folder in sorted(DATA.iterdir()) if folder.is_dir()}
    report.notes += [f"Recording {told}" for told, _ in stories.values()]
    report.raw = {"clean": clean, "spoilt": {f"{fault} {s:g}": dials for (fault, s), dials in worse.items()}, "recordings": stories}
    report.show(given.json)


if __name__ == "__main__":
    main()
