"""Faults in words: `stall@10s:5s`, `gate-*/loss@1m:20s=0.1`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from streamfuse.errors import ConfigError
from streamfuse.registry import suggestion
from tools.faults.kinds import KINDS

UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
TIME: Final = r"(\d+(?:\.\d+)?)(ms|s|m|h|)"
FAULT: Final = re.compile(rf"(?:(?P<cameras>[^@]+)/)?(?P<kind>\w+)(?:@{TIME})?(?::{TIME})?(?:=(?P<value>[-+]?\d+(?:\.\d+)?))?$")
FORM: Final = "[CAMERA/]KIND@START[:DURATION][=VALUE], such as stall@10s:5s or gate-*/loss@1m:20s=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, with whom, when and for how long."""

    kind: str
    cameras: str = "*"
    """A name, or a pattern with `*` and `?`."""
    at_s: float = 0.0
    """From the start of the rig."""
    for_s: float | None = None
    """None: as long as the kind lasts by itself, which for most is for good."""
    value: float | None = None
    """None: that of the kind."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"no fault called {self.kind!r}{suggestion(self.kind, KINDS)} (known: {', '.join(KINDS)})")

    @property
    def until_s(self) -> float | None:
        """When it ends by itself, from the start of the rig; None: never."""
        for_s = KINDS[self.kind].for_s if self.for_s is None else self.for_s
        return None if for_s is None else self.at_s + for_s

    @property
    def strength(self) -> float:
        """Its value, or that of the kind."""
        return KINDS[self.kind].value if self.value is None else self.value

    def hits(self, camera: str) -> bool:
        """Whether it is one of those that it is meant for."""
        return fnmatchcase(camera, self.cameras)

    def __str__(self) -> str:
        lasting = "" if self.for_s is None else f":{self.for_s:g}s"
        return f"{self.cameras}/{self.kind}@{self.at_s:g}s{lasting}{'' if self.value is None else f'={self.value:g}'}"


def fault(text: str) -> Fault:
    """Read one fault."""
    found = FAULT.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"cannot read the fault {text!r}; want {FORM}")
    _, _, at, at_unit, lasting, lasting_unit, _ = found.groups()
    return Fault(
        kind=found["kind"],
        cameras=found["cameras"] or "*",
        at_s=_seconds(at, at_unit) or 0.0,
        for_s=_seconds(lasting, lasting_unit),
        value=None if found["value"] is None else float(found["value"]),
    )


def schedule(lines: Iterable[str]) -> list[Fault]:
    """Read many, one a line, in the order of their start; `#` begins a remark."""
    texts = (line.partition("#")[0].strip() for line in lines)
    return sorted((fault(text) for text in texts if text), key=lambda each: each.at_s)


def _seconds(number: str | None, unit: str | None) -> float | None:
    return None if number is None else float(number) * UNITS_S[unit or ""]
