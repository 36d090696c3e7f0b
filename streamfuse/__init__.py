"""StreamFuse: infrared and visible camera streams in, one fused, text-guided, annotated stream out.

source -> sync -> batch -> align -> fuse -> detect -> publish; `flow` runs them, `cli` starts them.

Importing this package loads no heavy library: names are resolved when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from streamfuse.config import load_config, parse_config
    from streamfuse.flow.build import recipe_of
    from streamfuse.flow.pipeline import Pipeline
    from streamfuse.flow.recipe import CameraPair, Recipe
    from streamfuse.frames import Batch, Frame, Fused, Pair, Planes, Prompt, PromptState, Spectrum
    from streamfuse.publish.subscriber import Subscriber
    from streamfuse.results import Detections, Result

_HOMES = {
    "Batch": "frames",
    "CameraPair": "flow.recipe",
    "Detections": "results",
    "Frame": "frames",
    "Fused": "frames",
    "Pair": "frames",
    "Pipeline": "flow.pipeline",
    "Planes": "frames",
    "Prompt": "frames",
    "PromptState": "frames",
    "Recipe": "flow.recipe",
    "Result": "results",
    "Spectrum": "frames",
    "Subscriber": "publish.subscriber",
    "load_config": "config",
    "parse_config": "config",
    "recipe_of": "flow.build",
}

__all__ = [
    "Batch",
    "CameraPair",
    "Detections",
    "Frame",
    "Fused",
    "Pair",
    "Pipeline",
    "Planes",
    "Prompt",
    "PromptState",
    "Recipe",
    "Result",
    "Spectrum",
    "Subscriber",
    "__version__",
    "load_config",
    "parse_config",
    "recipe_of",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"streamfuse.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'streamfuse' has no attribute {name!r}")
