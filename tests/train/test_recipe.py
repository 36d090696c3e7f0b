from pathlib import Path

import pytest

from streamfuse.errors import ConfigError
from streamfuse.train.recipe import load_recipe
from tests.train.schooling import recipe

SHIPPED = sorted((Path(__file__).parents[2] / "configs" / "train").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_load(path):
    """Each is checked key by key."""
    assert load_recipe(path).steps > 0


def test_stages_follow_each_other():
    """Each has its own crops; after the last step the last stage goes on."""
    stages = [{"steps": 3, "crop_px": 96, "batch": 4}, {"steps": 2, "crop_px": 160, "batch": 2}, {"steps": 1, "batch": 1}]
    found = recipe(stages=stages)
    assert found.steps == 6
    assert [found.stage_at(step).crop_px for step in range(7)] == [96, 96, 96, 160, 160, None, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("network: {nmae: nano}\ndata: {sets: [a]}\nstages: [{steps: 1, batch: 1}]", "name"),
        ("network: {name: nano}\ndata: {sets: [a]}\nstages: []", "stages"),
        ("network: {name: nano}\ndata: {sets: [a]}\nstages: [{steps: 0, batch: 1}]", r"stages\.0\.steps"),
        ("[1, 2]", "mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_broken_recipes_say_what_is_wrong(tmp_path, text, told):
    """By the key, with the nearest right one."""
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_recipe(path)


def test_missing_recipe_is_named(tmp_path):
    """By its path."""
    with pytest.raises(ConfigError, match=r"no recipe at .*none\.yaml"):
        load_recipe(tmp_path / "none.yaml")
