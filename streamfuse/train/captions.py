"""Captions: a few plain sentences about a pair, from its boxes, the light, and what measurably ails the pictures.

They name clear cases only. What cannot be told from simple statistics (rain, blur, low resolution) is not guessed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamfuse.results import Detections
from streamfuse.train.data import PairRecord, grey
from streamfuse.train.measured import Measured, measure
from streamfuse.train.split import Light

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLURALS = {"person": "people", "bike": "bicycles", "car": "vehicles"}
SINGULARS = {"person": "person", "bike": "bicycle", "car": "vehicle"}

# Levels of `Measured` -> how severe. Set between what clear development pictures show and what the faults of `degradations` make.
DARK = ((20.0, 1.0, "almost black"), (45.0, 0.8, "very dark"), (60.0, 0.4, "rather dark"))
"""Mean luma below."""
GLARE_DAY, GLARE_NIGHT = ((0.2, 1.0), (0.06, 0.4)), ((0.03, 1.0), (0.006, 0.4))
"""Share of clipped pixels above: by day the sky, at night lamps."""
VEIL = ((0.6, 1.0), (0.3, 0.5))
"""Share of what infrared shows that is grey and empty in the visible picture. Clear pictures reach 0.3, smoke 0.5 to 0.9."""
NOISE = ((8.0, 1.0), (3.0, 0.4))
FLAT = ((30.0, 1.0), (50.0, 0.4))
"""Spread of infrared levels below."""
STRIPES = ((4.0, 1.0), (2.0, 0.4))
LOST_LEVEL, LOST_SPREAD = 30.0, 10.0
"""A box in the visible picture that is darker and flatter than this shows nothing."""
WARM_LEVELS = 15.0
"""So much brighter than its surroundings is warm."""


def caption(record: PairRecord, infrared_HW: NDArray[np.uint8], visible_HW3: NDArray[np.uint8], boxes: Detections | None) -> list[str]:
    """Sentences about one pair; `boxes` None where nobody looked for objects."""
    faults = named_faults(measure(infrared_HW, visible_HW3), record.light)
    sentences = [_scene(record.light, boxes, infrared_HW.shape[1])]
    if boxes is not None:
        sentences += _how_seen(boxes, infrared_HW, grey(visible_HW3))
    return [*sentences, *fault_sentences(faults, record.light)]


def named_faults(measured: Measured, light: Light) -> dict[str, float]:
    """What measurably ails the pictures: names as in the prompts that ship, and how severe, above 0 up to 1."""
    glare = GLARE_NIGHT if light == "night" else GLARE_DAY
    found = {
        "visible.darkness": _below(measured.visible_mean, [(limit, severity) for limit, severity, _ in DARK]),
        "visible.glare": _above(measured.visible_clipped, glare),
        "visible.haze": _above(measured.visible_veil, VEIL),
        "visible.noise": _above(measured.visible_noise, NOISE),
        "infrared.low_contrast": _below(measured.infrared_spread, FLAT),
        "infrared.stripes": _above(measured.infrared_stripes, STRIPES),
        "infrared.noise": _above(measured.infrared_noise, NOISE),
    }
    return {name: severity for name, severity in found.items() if severity}


def fault_sentences(faults: Mapping[str, float], light: Light) -> list[str]:
    """One sentence about each camera."""
    bright = "lights" if light == "night" else "parts"
    visible = {
        "visible.darkness": f"the visible picture is {_how_dark(faults.get('visible.darkness', 0))}",
        "visible.glare": f"bright {bright} in the visible picture are overexposed",
        "visible.haze": "haze or smoke hides part of the visible picture",
        "visible.noise": "the visible picture is noisy",
    }
    very = "very " if faults.get("infrared.low_contrast", 0) == FLAT[0][1] else ""
    infrared = {
        "infrared.low_contrast": f"the infrared picture has {very}low contrast",
        "infrared.stripes": "stripes cover the infrared picture",
        "infrared.noise": "the infrared picture is noisy",
    }
    return [
        _sentence([words for name, words in visible.items() if name in faults] or ["the visible picture is clear"]),
        _sentence([words for name, words in infrared.items() if name in faults] or ["the infrared picture is clear"]),
    ]


def _how_dark(severity: float) -> str:
    return next((words for _, at, words in DARK if severity >= at), DARK[-1][2])


def _scene(light: Light, boxes: Detections | None, width: int) -> str:
    when = {"day": " by day", "night": " at night", "unknown": ""}[light]
    if not boxes:  # nobody looked, or found nothing, which need not mean that there is nothing
        return _sentence([f"a scene{when}"])
    kinds = [(name, boxes.boxes_N4[boxes.classes_N == index]) for index, name in enumerate(boxes.names)]
    return _sentence([_joined([_counted(name, found, width) for name, found in kinds if len(found)]) + when])


def _counted(name: str, boxes_N4: NDArray[np.float32], width: int) -> str:
    """`two people on the left`; the place where all of them are in one third."""
    count = len(boxes_N4)
    words = COUNTS[count] if count < len(COUNTS) else "many"
    thirds = {int(3 * middle / width) for middle in boxes_N4[:, ::2].mean(axis=1)}
    place = (" on the left", " in the middle", " on the right", "")[min(thirds.pop(), 2) if len(thirds) == 1 else 3]
    return f"{words} {SINGULARS[name] if count == 1 else PLURALS[name]}{place}"


def _how_seen(boxes: Detections, infrared_HW: NDArray[np.uint8], luma_HW: NDArray[np.uint8]) -> list[str]:
    """Which camera shows the people, where that is clear for most of them."""
    people = boxes.boxes_N4[boxes.classes_N == boxes.names.index("person")]
    parts = [part for box in people if (part := _inside(box)) is not None]
    if not parts:
        return []
    warm = [_stands_out(infrared_HW, part) >= WARM_LEVELS for part in parts]
    lost = [luma_HW[part].mean() < LOST_LEVEL and luma_HW[part].std() < LOST_SPREAD for part in parts]
    who, verb = ("the person", "stands") if len(parts) == 1 else ("the people", "stand")
    sentences = [_sentence([f"{who} {verb} out warm in the infrared picture"])] if _most(warm) else []
    if _most(lost):
        sentences.append(_sentence([f"{who} can hardly be seen in the visible picture"]))
    return sentences


def _inside(box: NDArray[np.float32]) -> tuple[slice, slice] | None:
    x1, y1, x2, y2 = (int(edge) for edge in box)
    return (slice(y1, y2), slice(x1, x2)) if x2 - x1 >= 3 and y2 - y1 >= 3 else None


def _stands_out(picture_HW: NDArray[np.uint8], part: tuple[slice, slice]) -> float:
    """Brightest quarter inside, less the median of a frame around it half as wide again: a box holds more than its person."""
    rows, columns = part
    dy, dx = (rows.stop - rows.start) // 4 + 1, (columns.stop - columns.start) // 2 + 1
    around = picture_HW[max(0, rows.start - dy) : rows.stop + dy, max(0, columns.start - dx) : columns.stop + dx]
    return float(np.percentile(picture_HW[part], 75) - np.median(around))


def _most(answers: Sequence[bool | np.bool_]) -> bool:
    return 2 * sum(map(bool, answers)) > len(answers)


def _below(value: float, steps: Sequence[tuple[float, float]]) -> float:
    return next((severity for limit, severity in steps if value < limit), 0.0)


def _above(value: float, steps: Sequence[tuple[float, float]]) -> float:
    return next((severity for limit, severity in steps if value >= limit), 0.0)


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _sentence(clauses: Sequence[str]) -> str:
    text = _joined(clauses)
    return f"{text[0].upper()}{text[1:]}."
