"""The configuration: one YAML, one typed field per stage, loaded strictly. The values live in `configs/`.

Every key may be overridden by an environment variable: STREAMFUSE__PAIRS__0__INFRARED__URL sets pairs[0].infrared.url.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, field_validator, model_validator
from pydantic_core import CoreSchema, core_schema

from streamfuse.align import ALIGNERS
from streamfuse.align.monitor import MonitorSettings
from streamfuse.batch.collector import BatchSettings
from streamfuse.detect import DETECTORS, TRACKERS
from streamfuse.errors import ConfigError
from streamfuse.frames import Prompt, Spectrum
from streamfuse.fuse import FUSERS, WITH_DIALS
from streamfuse.fuse.steady import SteadySettings
from streamfuse.publish import SINKS
from streamfuse.publish.topic import STREAM_NAME
from streamfuse.redaction import redacted
from streamfuse.registry import Registry, Settings, checked
from streamfuse.source import SOURCES
from streamfuse.source.tone import ToneSettings
from streamfuse.sync import SYNCS
from streamfuse.yaml_text import values_of

ENV_PREFIX = "STREAMFUSE__"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a plug point with its settings, checked."""

    kind: str
    settings: Settings | None

    def dump(self) -> dict[str, Any]:
        """As in the YAML."""
        return {"kind": self.kind, **(self.settings.model_dump(mode="json") if self.settings else {})}


class Plug:
    """Reads `{kind: NAME, ...}` against a registry. A string is a kind; for cameras it is an address."""

    def __init__(self, registry: Registry[Any], default: str | None = None, **fixed: Any) -> None:
        self._registry = registry
        self._default = default
        self._fixed = fixed

    def choose(self, value: Any) -> Choice:
        """Check one entry; errors name the key below this one."""
        if isinstance(value, Choice):
            return value
        if isinstance(value, str):
            value = _address(value) if self._registry is SOURCES else {"kind": value}
        if not isinstance(value, Mapping):
            raise ConfigError(f"kind: want a mapping with `kind`, got {value!r}")
        values = dict(value)
        kind = values.pop("kind", self._default)
        if not isinstance(kind, str):
            raise ConfigError(f"kind: want a name, got {kind!r} (known: {', '.join(self._registry)})")
        try:
            takes_settings = self._registry.settings_type(kind) is not None
        except ConfigError as exc:
            raise ConfigError(f"kind: {exc}") from exc
        if values and not takes_settings:
            raise ConfigError(f"{next(iter(values))}: unknown key; {self._registry.noun} {kind!r} takes no settings")
        for key, value in self._fixed.items():
            if values.setdefault(key, value) != value:
                raise ConfigError(f"{key}: can only be {str(value)!r} here, got {values[key]!r}")
        return Choice(kind, self._registry.settings(kind, values, ""))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Plain: pydantic asks `choose`."""
        dump = core_schema.plain_serializer_function_ser_schema(Choice.dump)
        return core_schema.no_info_plain_validator_function(self.choose, serialization=dump)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One alternative per entry of the registry, a string, and anything for an entry of the user's own."""
        own = {"type": "object", "title": "package.module:factory", "properties": {"kind": {"pattern": ":"}}, "required": ["kind"]}
        return {"anyOf": [*(self._alternative(kind, handler) for kind in self._registry), {"type": "string"}, own]}

    def _alternative(self, kind: str, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        settings = self._registry.settings_type(kind)
        # by the handler, so that what the settings refer to is found in the whole schema
        shape: dict[str, Any] = handler.resolve_ref_schema(handler(settings.__pydantic_core_schema__)) if settings else {"type": "object"}
        fixed = {key: {"const": str(value)} for key, value in self._fixed.items()}
        required = [key for key in shape.get("required", []) if key not in self._fixed]
        return {
            **shape,
            "title": kind,
            "properties": {**shape.get("properties", {}), **fixed, "kind": {"const": kind}},
            "required": required if kind == self._default else ["kind", *required],
            "additionalProperties": False,
        }


def _address(text: str) -> dict[str, Any]:
    """`scene`, a folder of pictures, or anything that PyAV opens."""
    if text in SOURCES:
        return {"kind": text}
    return {"kind": "images", "path": text} if Path(text).is_dir() else {"kind": "av", "url": text}


class PromptConfig(Settings):
    """What to bring out, in words."""

    text: str = ""
    negative: tuple[str, ...] = ()
    """What not to bring out."""
    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """Of words and dials: 0 does nothing, 1 all of it."""
    dials: dict[str, Annotated[float, Field(ge=-1.0, le=1.0)]] = Field(default_factory=dict)
    """Set by hand, by name; each stands instead of what the words set."""
    auto: bool = False
    """Look for what ails the cameras, and turn the dials that help. Those set by hand stand."""

    def prompt(self) -> Prompt:
        """The same as the noun."""
        return Prompt(text=self.text, negative=self.negative, strength=self.strength, dials=self.dials)


class PairConfig(Settings):
    """One stream: an infrared and a visible camera, or one of them."""

    stream: str = Field(pattern=f"^{STREAM_NAME}$")
    """Its name on the bus."""
    infrared: Annotated[Choice, Plug(SOURCES, "av", spectrum=Spectrum.INFRARED)] | None = None
    visible: Annotated[Choice, Plug(SOURCES, "av", spectrum=Spectrum.VISIBLE)] | None = None
    rig: Path | None = None
    """A calibration file; none where both cameras share one pixel grid."""
    prompt: PromptConfig = PromptConfig()
    time_offset_ms: float | None = Field(default=None, ge=-10_000, le=10_000)
    """Added to infrared's capture times; none takes the one of `sync`."""

    @field_validator("prompt", mode="before", json_schema_input_type=PromptConfig | str)
    @classmethod
    def _words(cls, value: Any) -> Any:
        if value == "auto":
            return {"auto": True}
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_a_camera(self) -> "PairConfig":
        if self.infrared is None and self.visible is None:
            raise ConfigError(f"infrared: missing, and so is `visible`; the pair {self.stream!r} needs one of them or both")
        return self


class Config(Settings):
    """Everything that `streamfuse run` needs."""

    schema_version: Literal[1] = 1
    policy: Literal["live", "lossless"] = "live"
    """What a full hand-over does: drop, counted; or wait. Lossless reads recordings as fast as possible."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    threads: int = Field(default=0, ge=0, le=256)
    """Of the CPU for one operation on pixels; 0: two less than there are cores, from 1 to 8, so that decoding and encoding have theirs."""
    speed: float = Field(default=1.0, gt=0, le=1000)
    """Of recordings, in live policy."""
    loop: bool = False
    """Play recordings again and again."""
    frames: int = Field(default=0, ge=0)
    """Each stream ends after so many pairs; 0: never."""
    wait_subscribers: int = Field(default=0, ge=0)
    """Recordings start when so many readers have subscribed."""
    pairs: tuple[PairConfig, ...] = Field(json_schema_extra={"minItems": 1})
    sync: Annotated[Choice, Plug(SYNCS, "nearest")] = Field(default="nearest", validate_default=True)
    tone: ToneSettings = ToneSettings()
    """16-bit infrared to 8 bits."""
    batch: BatchSettings = BatchSettings()
    align: Annotated[Choice, Plug(ALIGNERS, "warp")] = Field(default="warp", validate_default=True)
    monitor: MonitorSettings = MonitorSettings()
    """Of what is left of misalignment while running."""
    fuse: Annotated[Choice, Plug(FUSERS, "nano")] = Field(default="nano", validate_default=True)
    steady: SteadySettings = SteadySettings()
    """Fused pictures over time."""
    detect: Annotated[Choice, Plug(DETECTORS, "none")] = Field(default="none", validate_default=True)
    track: Annotated[Choice, Plug(TRACKERS, "bytetrack")] = Field(default="bytetrack", validate_default=True)
    publish: tuple[Annotated[Choice, Plug(SINKS, "bus")], ...] = Field(default=("bus",), validate_default=True)

    @field_validator("pairs")
    @classmethod
    def _names_are_unique(cls, pairs: tuple[PairConfig, ...]) -> tuple[PairConfig, ...]:
        if not pairs:  # not by `min_length`: pydantic would complain of it beside every other error below `pairs`
            raise ValueError("want at least one pair of cameras")
        names = [pair.stream for pair in pairs]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ConfigError(f"{index}.stream: two pairs are called {name!r}")
        return pairs

    @model_validator(mode="after")
    def _auto_has_dials(self) -> "Config":
        for index, pair in enumerate(self.pairs):
            if pair.prompt.auto and self.fuse.kind in FUSERS and self.fuse.kind not in WITH_DIALS:
                known = ", ".join(WITH_DIALS)
                raise ConfigError(f"pairs.{index}.prompt: auto turns dials, and fuse.kind {self.fuse.kind} has none (with dials: {known})")
        return self


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read a YAML file and the environment's overrides. `ConfigError` names the file, the key and the nearest right key."""
    try:
        text = path.read_text()
    except FileNotFoundError as exc:
        raise ConfigError(f"no such configuration file: {path}") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read {path}: {exc}") from exc
    values = _parsed(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: want a mapping of keys, got {type(values).__name__}")
    try:
        return parse_config(overridden(values, os.environ if environment is None else environment))
    except ConfigError as exc:
        raise ConfigError(f"{exc}\nin {path}") from exc


def shipped_config(name: str) -> Path:
    """The path of a configuration that ships: beside the package when installed, in `configs/` in a checkout."""
    package = Path(__file__).parent
    found = [folder / f"{name}.yaml" for folder in (package / "configs", package.parent / "configs")]
    path = next((path for path in found if path.exists()), None)
    if path is None:
        raise ConfigError(f"no configuration called {name!r} ships with this installation (looked at {', '.join(map(str, found))})")
    return path


def parse_config(values: Mapping[str, Any]) -> Config:
    """Check values as they would stand in the YAML. No error shows a credential."""
    try:
        return checked(Config, values)
    except ConfigError as exc:
        raise ConfigError(redacted(str(exc))) from None  # its cause shows the values as they were given


def overridden(values: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """`values` with every STREAMFUSE__A__B=... of the environment set at a.b; values are read as YAML."""
    result: dict[str, Any] = _copied(values)
    for name, text in sorted(environment.items()):
        if name.startswith(ENV_PREFIX):
            _set(result, name.removeprefix(ENV_PREFIX).lower().split("__"), _parsed(text, name), name)
    return result


def _parsed(text: str, name: str) -> Any:
    """YAML -> values. An error tells the place but shows no text: it may hold credentials."""
    try:
        return values_of(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{place}: not YAML, {getattr(exc, 'problem', None) or 'unreadable characters'}") from None


def _copied(value: Any) -> Any:
    """Mappings and lists anew, and in words what YAML has taken for a date."""
    if isinstance(value, Mapping):
        return {str(key): _copied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_copied(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _set(target: Any, keys: list[str], value: Any, name: str) -> None:
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        index: Any = key
        if isinstance(target, list):
            if not key.isdigit() or int(key) >= len(target):
                raise ConfigError(f"{name}: {key!r} is not the number of one of {len(target)} entries")
            index = int(key)
        elif not isinstance(target, dict):
            raise ConfigError(f"{name}: {key!r} has no place in {redacted(str(target))!r}; write that as a mapping in the YAML first")
        if following is None:
            target[index] = value
        else:
            target = target[index] if isinstance(target, list) else target.setdefault(index, {})


def shown(config: Config) -> str:
    """The whole configuration as YAML, defaults included, credentials hidden."""
    # one line for each value: what is hidden must not be cut in two before
    return redacted(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=sys.maxsize))


def json_schema() -> dict[str, Any]:
    """JSON schema of the YAML, for editors."""
    return TypeAdapter(Config).json_schema()
