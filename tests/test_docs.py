"""What the documentation shows is what the program takes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamfuse.config import Config, json_schema, load_config, parse_config

ROOT = Path(__file__).parent.parent
SCENE = {"stream": "street", "infrared": "scene", "visible": "scene"}
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
BLOCKS = [(page.name, block) for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]


def configurations() -> list[Any]:
    """The blocks that stand at the top of a configuration, but for those that name a module of the reader's own."""
    found = []
    for name, block in BLOCKS:
        values = yaml.safe_load(block)
        if isinstance(values, dict) and set(values) <= set(Config.model_fields) and "my_fusers" not in block:
            found.append(pytest.param(values, id=f"{name}:{'+'.join(values)}"))
    return found


@pytest.mark.parametrize("values", configurations())
def test_shown_configurations_are_right(values):
    """Every YAML of the documentation loads; what it leaves out of a pair is put in."""
    parse_config(values | {"pairs": [SCENE | pair for pair in values.get("pairs", [{}])]})


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_are_right(path):
    """Every configuration that ships loads."""
    load_config(path, {})


def test_every_key_can_be_written():
    """No key is a word that YAML takes for something else, as it does `on` and `no`."""

    def keys(schema: Any) -> set[str]:
        inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        here = set(schema["properties"]) if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) else set()
        return here.union(*(keys(value) for value in inner))

    found = keys(json_schema())
    assert {"pairs", "monitor", "alarm_px"} <= found
    assert [key for key in sorted(found) if yaml.safe_load(key) != key] == []
