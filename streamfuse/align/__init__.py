"""4. Batch -> Batch on one pixel grid: infrared is warped onto the visible picture, on the device, in one sampling pass.

- `rig` a calibration as a file · `grid` a rig as sampling positions · `warp` the aligner
- `scene` registration without a board: `orientation` what both spectra agree on, `search` roughly, `blocks` and `fit` precisely
- `board`, `points`, `click` with a hand's help · `calibration` what all methods come to · `pictures` how it is shown
- `monitor` how far off it is while running
"""

from streamfuse.registry import Registry
from streamfuse.stages import Aligner

ALIGNERS: Registry[Aligner] = Registry("aligner", {"warp": "streamfuse.align.warp:Warp"})

__all__ = ["ALIGNERS"]
