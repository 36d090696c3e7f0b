"""What a network computes in: fp32, bf16 or fp16, and what `auto` means on a device."""

from typing import Literal, TypeAlias

import torch

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def chosen_precision(wanted: Literal["auto", "fp32", "bf16", "fp16"], device: torch.device, *, compiled: bool = False) -> Precision:
    """`auto` is bf16 where it is faster, else fp32.

    On a CPU torch gains by it with AMX alone; a compiler (`compiled`) does with the older AVX-512 instructions, too.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:  # there is no public way to ask
        fast = torch.cpu._is_amx_tile_supported() or (compiled and torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001
    return "bf16" if fast else "fp32"
