"""Whether infrared comes with the bits that were promised."""

from typing import Literal, TypeAlias

from streamfuse.errors import UnsupportedInputError

Bits: TypeAlias = Literal["auto", 8, 16]
"""What an infrared source must have, 16 standing for anything above 8; `auto` takes what comes."""


def check_depth(came: int, promised: Bits, name: str) -> None:
    """`UnsupportedInputError` where the depth is not the promised one."""
    if promised not in ("auto", came):
        raise UnsupportedInputError(f"{name}: infrared of {came} bits where `bits: {promised}` was promised; set bits to {came} or auto")
