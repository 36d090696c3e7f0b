"""4. Batch -> Batch on one pixel grid: infrared is warped onto the visible picture, on the device, in one sampling pass.

`rig` a calibration as a file · `grid` a rig as sampling positions · `warp` the aligner.
"""

from streamfuse.registry import Registry
from streamfuse.stages import Aligner

ALIGNERS: Registry[Aligner] = Registry("aligner", {"warp": "streamfuse.align.warp:Warp"})

__all__ = ["ALIGNERS"]
