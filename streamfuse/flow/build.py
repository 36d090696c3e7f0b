"""A configuration -> a recipe: every stage made from its registry, nothing opened yet."""

from typing import Any

from streamfuse.align import ALIGNERS
from streamfuse.align.monitor import Monitor
from streamfuse.align.rig import Rig, load_rig
from streamfuse.config import Choice, Config, PairConfig
from streamfuse.detect import DETECTORS, TRACKERS
from streamfuse.errors import ConfigError
from streamfuse.flow.recipe import CameraPair, Recipe
from streamfuse.fuse import FUSERS
from streamfuse.fuse.auto_prompt import AutoPrompt
from streamfuse.fuse.steady import Steady
from streamfuse.publish import SINKS
from streamfuse.registry import Registry
from streamfuse.source import SOURCES
from streamfuse.source.tone import Tone
from streamfuse.sync import SYNCS
from streamfuse.sync.content import ContentCheck
from streamfuse.sync.content_edges import across_pictures
from streamfuse.sync.nearest import SyncSettings

MESSAGES_PER_RESULT = 2  # `det` and `img`


def recipe_of(config: Config) -> Recipe:
    """Make every stage. `ConfigError`, `RigError` say what does not go together."""
    batch_messages = MESSAGES_PER_RESULT * (config.batch.size if config.policy == "lossless" else max(1, len(config.pairs)))
    names = [pair.stream for pair in config.pairs]
    return Recipe(
        pairs=[camera_pair(pair, config) for pair in config.pairs],
        align=_made(ALIGNERS, config.align),
        fuse=_made(FUSERS, config.fuse),
        detect=_made(DETECTORS, config.detect),
        sinks=[_sink(choice, config, names, batch_messages) for choice in config.publish],
        batch=config.batch,
        steady=Steady(config.steady) if config.steady.enabled else None,
        policy=config.policy,
        device=config.device,
        threads=config.threads,
        speed=config.speed,
        loop=config.loop,
        frames=config.frames,
        wait_subscribers=config.wait_subscribers,
    )


def camera_pair(pair: PairConfig, config: Config) -> CameraPair:
    """The stages that a stream has for itself."""
    infrared = _made(SOURCES, pair.infrared) if pair.infrared else None
    visible = _made(SOURCES, pair.visible) if pair.visible else None
    for source in (infrared, visible):
        if source is not None and source.live and config.policy == "lossless":
            raise ConfigError(f"{pair.stream}: {source.name} is live and cannot wait; policy must be live")
    cameras = frozenset(source.spectrum for source in (infrared, visible) if source is not None)
    settings = config.sync.settings
    if pair.time_offset_ms is not None and settings is not None:
        settings = settings.model_copy(update={"time_offset_ms": pair.time_offset_ms})
    rig = load_rig(pair.rig) if pair.rig else None
    return CameraPair(
        stream=pair.stream,
        infrared=infrared,
        visible=visible,
        sync=SYNCS.factory(config.sync.kind)(settings, stream=pair.stream, policy=config.policy, cameras=cameras),
        tone=Tone(config.tone).tone,
        rig=rig,
        prompt=AutoPrompt(pair.prompt.prompt()) if pair.prompt.auto else pair.prompt.prompt(),
        tracker=None if config.detect.kind == "none" else _made(TRACKERS, config.track),
        monitor=Monitor(config.monitor, rig) if config.monitor.enabled and len(cameras) > 1 else None,
        content=_content_check(settings, rig) if len(cameras) > 1 else None,
    )


def _content_check(settings: Any, rig: Rig | None) -> ContentCheck | None:
    """Where the settings of the matcher ask for it."""
    if not isinstance(settings, SyncSettings) or not settings.content.enabled:
        return None
    to_visible_33 = None if rig is None else across_pictures(rig.matrix, rig.infrared_size, rig.visible_size)
    return ContentCheck(settings.content, to_visible_33, known_s=settings.time_offset_ms / 1000)


def _made(registry: Registry[Any], choice: Choice) -> Any:
    factory = registry.factory(choice.kind)
    return factory() if choice.settings is None else factory(choice.settings)


def _sink(choice: Choice, config: Config, streams: list[str], batch_messages: int) -> Any:
    if choice.kind != "bus":
        return _made(SINKS, choice)
    return SINKS.factory("bus")(choice.settings, policy=config.policy, batch_messages=batch_messages, streams=streams)
