"""The configuration from outside: files, the environment, what is shown, and the schema for editors."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamfuse.align import ALIGNERS
from streamfuse.config import json_schema, load_config, overridden, parse_config, shown
from streamfuse.detect import DETECTORS, TRACKERS
from streamfuse.errors import ConfigError
from streamfuse.fuse import FUSERS
from streamfuse.publish import SINKS
from streamfuse.registry import Registry
from streamfuse.source import SOURCES
from streamfuse.sync import SYNCS

CONFIGS = Path(__file__).parent.parent / "configs"
SECRET = "rtsp://admin:s3cret@192.0.2.1/ch1"
SCENE = {"stream": "street", "infrared": "scene", "visible": "scene"}


@pytest.fixture
def file(tmp_path):
    """`file(values or text)`: a configuration file."""

    def write(content: Any) -> Path:
        path: Path = tmp_path / "live.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


# --- files


def test_reads_a_file(file):
    """A file gives what the same values would."""
    assert load_config(file({"pairs": [SCENE], "speed": 2}), {}) == parse_config({"pairs": [SCENE], "speed": 2})


def test_error_names_the_file(file):
    """What is wrong in a file ends with its name."""
    path = file({"pairs": [SCENE], "sycn": {}})
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert str(caught.value) == f"sycn: unknown key; did you mean 'sync'?\nin {path}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("pairs: [", "live.yaml, line 1, column 9: not YAML", id="broken"),
        pytest.param("a: b: c", "live.yaml, line 1, column 5: not YAML", id="colon"),
        pytest.param("a: \x01", "live.yaml: not YAML, unreadable characters", id="control"),
        pytest.param("", "want a mapping of keys, got NoneType", id="empty"),
        pytest.param("- a", "want a mapping of keys, got list", id="list"),
    ],
)
def test_file_that_is_no_configuration(file, content, message):
    """Broken YAML is told by its place, anything else by what it is."""
    with pytest.raises(ConfigError, match=message):
        load_config(file(content), {})


def test_broken_file_shows_no_credentials(file):
    """The error of a broken file does not quote it."""
    with pytest.raises(ConfigError) as caught:
        load_config(file(f"pairs:\n  - infrared: [{SECRET}\n  visible: x: y"), {})
    assert "s3cret" not in str(caught.value)
    assert "line 3" in str(caught.value)


def test_file_that_is_not_there(tmp_path):
    """A missing file and a folder are named."""
    with pytest.raises(ConfigError, match=r"no such configuration file: .*gone\.yaml"):
        load_config(tmp_path / "gone.yaml", {})
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path, {})


# --- the environment


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("STREAMFUSE__SPEED", "2.5", lambda c: c.speed == 2.5),
        ("STREAMFUSE__LOOP", "true", lambda c: c.loop is True),
        ("STREAMFUSE__POLICY", "lossless", lambda c: c.policy == "lossless"),
        ("STREAMFUSE__BATCH__SIZE", "4", lambda c: c.batch.size == 4),
        ("STREAMFUSE__FUSE__KIND", "average", lambda c: c.fuse.kind == "average"),
        ("STREAMFUSE__DETECT", "hotspots", lambda c: c.detect.kind == "hotspots"),
        ("STREAMFUSE__PAIRS__1__STREAM", "yard", lambda c: [p.stream for p in c.pairs] == ["street", "yard"]),
        ("STREAMFUSE__PAIRS__0__INFRARED__URL", SECRET, lambda c: c.pairs[0].infrared.settings.url == SECRET),
        ("STREAMFUSE__PAIRS__0__PROMPT__NEGATIVE", "[lamps, smoke]", lambda c: c.pairs[0].prompt.negative == ("lamps", "smoke")),
        ("STREAMFUSE__PUBLISH", "[{kind: memory}]", lambda c: [s.kind for s in c.publish] == ["memory"]),
        ("STREAMFUSE__PAIRS__0__VISIBLE", "null", lambda c: c.pairs[0].visible is None),
    ],
)
def test_environment_overrides(name, text, found):
    """Any key can be set from outside, those in lists by their number; values are read as YAML."""
    values = {"pairs": [{"stream": "street", "infrared": {"url": "x"}, "visible": "scene"}, {"stream": "b", "visible": "scene"}]}
    assert found(parse_config(overridden(values, {name: text})))
    assert not found(parse_config(values))


def test_environment_leaves_the_values_alone():
    """Overriding makes a copy, and other variables are none of its business."""
    values = {"pairs": [dict(SCENE)]}
    changed = overridden(values, {"STREAMFUSE__PAIRS__0__STREAM": "yard", "STREAMFUSE_DATA": "/data", "PATH": "/bin"})
    assert changed == {"pairs": [{**SCENE, "stream": "yard"}]}
    assert values == {"pairs": [SCENE]}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("STREAMFUSE__PAIRS__7__STREAM", "x", "STREAMFUSE__PAIRS__7__STREAM: '7' is not the number of one of 1 entries"),
        ("STREAMFUSE__PAIRS__FIRST__STREAM", "x", "'first' is not the number of one of 1 entries"),
        ("STREAMFUSE__SPEED__UP", "x", "STREAMFUSE__SPEED__UP: 'up' has no place in '2'"),
        ("STREAMFUSE__SPEDE", "2", "spede: unknown key; did you mean 'speed'?"),
        ("STREAMFUSE__SPEED", "fast", "speed: Input should be a valid number"),
        ("STREAMFUSE__SPEED", "[1, s3cret", "STREAMFUSE__SPEED, line 1, column 11: not YAML"),
    ],
)
def test_wrong_environment_is_named(name, text, message):
    """An override that does not fit names its variable or its key, and does not show what it holds."""
    with pytest.raises(ConfigError) as caught:
        parse_config(overridden({"pairs": [SCENE], "speed": 2}, {name: text}))
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_environment_of_the_process_counts(file, monkeypatch):
    """Without being told otherwise a file is read with the environment of the process."""
    monkeypatch.setenv("STREAMFUSE__SPEED", "3")
    assert load_config(file({"pairs": [SCENE]})).speed == 3


def test_a_date_is_a_name(file):
    """What YAML takes for a date or a number of its own is what was written."""
    assert load_config(file("pairs:\n  - {stream: 2026-01-31, infrared: scene}"), {}).pairs[0].stream == "2026-01-31"


# --- shown


def test_shown_is_a_configuration_again():
    """What `config show` prints, defaults included, is the same configuration."""
    config = parse_config({"pairs": [SCENE], "fuse": {"runtime": "torch"}, "detect": "hotspots", "publish": [{"kind": "memory"}]})
    assert parse_config(yaml.safe_load(shown(config))) == config


@pytest.mark.parametrize("path", ["/ch1", "/" + "long" * 60, "/ü ä", "/ch1?token=s3cret&x=1"])
def test_shown_hides_credentials(path):
    """No user, password or token is printed, however long or foreign the address."""
    text = shown(parse_config({"pairs": [{"stream": "a", "infrared": f"rtsp://admin:s3cret@192.0.2.1{path}"}]}))
    assert "s3cret" not in text
    assert "admin" not in text
    assert "rtsp://***@192.0.2.1" in text


# --- the schema


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


class Schema:
    """As much of JSON schema as the configuration uses."""

    def __init__(self) -> None:
        self.root = json_schema()

    def at(self, shape: dict[str, Any]) -> dict[str, Any]:
        """`shape`, with what it refers to."""
        while "$ref" in shape:
            name = shape["$ref"].removeprefix("#/$defs/")
            shape = {**self.root["$defs"][name], **{key: value for key, value in shape.items() if key != "$ref"}}
        return shape

    def fits(self, value: Any, shape: dict[str, Any]) -> bool:
        """Whether `value` is what `shape` says."""
        shape = self.at(shape)
        alternatives = shape.get("anyOf") or shape.get("oneOf")
        simple = (
            "const" not in shape or value == shape["const"],
            "enum" not in shape or value in shape["enum"],
            "pattern" not in shape or re.search(shape["pattern"], str(value)),
            "type" not in shape or isinstance(value, TYPES[shape["type"]]),
            not alternatives or any(self.fits(value, alternative) for alternative in alternatives),
        )
        if not all(simple):
            return False
        if isinstance(value, list):
            return all(self.fits(item, shape.get("items", {})) for item in value)
        return not isinstance(value, dict) or self._fits_mapping(value, shape)

    def _fits_mapping(self, value: dict[str, Any], shape: dict[str, Any]) -> bool:
        known = shape.get("properties", {})
        if shape.get("additionalProperties") is False and not set(value) <= set(known):
            return False
        complete = set(shape.get("required", [])) <= set(value)
        return complete and all(self.fits(inner, known.get(key, {})) for key, inner in value.items())


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_schema_takes_what_ships(schema, path):
    """What ships, and what `config show` prints of it, fits the schema that editors get."""
    assert schema.fits(yaml.safe_load(path.read_text()), schema.root)
    assert schema.fits(yaml.safe_load(shown(load_config(path, {}))), schema.root)


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"pairs": [SCENE]}, True),
        ({"pairs": [{"stream": "a", "infrared": {"url": "x"}}]}, True),
        ({"pairs": [{**SCENE, "prompt": "people"}]}, True),
        ({"pairs": [SCENE], "fuse": {"runtime": "torch"}}, True),
        ({"pairs": [SCENE], "fuse": "my.module:Fuser"}, True),
        ({"pairs": [SCENE], "fuse": {"kind": "average"}}, True),
        ({}, False),
        ({"pairs": {}}, False),
        ({"pairs": [SCENE], "sycn": {}}, False),
        ({"pairs": [{**SCENE, "rigg": "x"}]}, False),
        ({"pairs": [SCENE], "fuse": {"runtme": "torch"}}, False),
        ({"pairs": [SCENE], "policy": "lossles"}, False),
        ({"pairs": [SCENE], "sync": {"freeze": {"enabeld": True}}}, False),
        ({"pairs": [{"stream": "a", "infrared": {"kind": "scene", "spectrum": "visible"}}]}, False),
    ],
)
def test_schema_takes_what_the_loader_takes(schema, values, fits):
    """Short forms fit the schema as they fit the loader, and a misspelt key fits neither."""
    assert schema.fits(values, schema.root) is fits
    if "my.module:Fuser" not in str(values):
        if fits:
            parse_config(values)
        else:
            with pytest.raises(ConfigError):
                parse_config(values)


@pytest.mark.parametrize(
    ("key", "table"),
    [("fuse", FUSERS), ("detect", DETECTORS), ("track", TRACKERS), ("align", ALIGNERS), ("sync", SYNCS), ("publish", SINKS)],
)
def test_schema_lists_every_entry(schema, key, table):
    """An editor can offer each entry of each table, with its settings."""
    shape = schema.at(schema.root["properties"][key])
    assert kinds_in(shape.get("items", shape), table)


@pytest.mark.parametrize("camera", ["infrared", "visible"])
def test_schema_lists_every_source(schema, camera):
    """So it can for each camera of a pair."""
    pair = schema.at(schema.root["properties"]["pairs"]["items"])
    shape = pair["properties"][camera]
    assert kinds_in(shape, SOURCES)
    assert {a["properties"]["spectrum"]["const"] for a in shape["anyOf"] if "spectrum" in a.get("properties", {})} == {camera}


def kinds_in(shape: dict[str, Any], table: Registry[Any]) -> bool:
    """Whether every entry of `table` is an alternative, with all its settings."""
    found = {a["properties"]["kind"]["const"]: a for a in shape["anyOf"] if "const" in a.get("properties", {}).get("kind", {})}
    assert list(found) == list(table)
    settings = {name: table.settings_type(name) for name in table}
    return all(kind is None or set(kind.model_fields) <= set(found[name]["properties"]) for name, kind in settings.items())
