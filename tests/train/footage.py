"""Recordings whose frames tell their number."""

from pathlib import Path

import numpy as np

from streamfuse.video import from_rgb, write_video


def save_recording(folder: Path, frames: int, prefix: str = "", visible_frames: int | None = None) -> None:
    """Grey levels are 20 times the number of the frame; limited range on the infrared side."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = [from_rgb(np.full((48, 64, 3), 20 * number, np.uint8)) for number in range(visible_frames or frames)]
    write_video(folder / f"{prefix}vi.mkv", seen, 30, "ffv1")
    coded = [np.full((48, 64), 16 + 219 * 20 * number // 255, np.uint8) for number in range(frames)]
    write_video(folder / f"{prefix}ir.mkv", coded, 30, "ffv1", tags=("bt601", "limited"))
