"""`streamfuse.train.lesson`: the table of lessons, and the recipes that use it."""

from pathlib import Path

import pytest

from streamfuse.networks import NETWORKS
from streamfuse.train.detector_trainer import NETWORK as DETECTOR
from streamfuse.train.lesson import LESSONS
from streamfuse.train.recipe import load_recipe

RECIPES = sorted((Path(__file__).parents[2] / "configs/train").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_that_come_along_are_right(path):
    """Each can be read, and names a network, a lesson and settings that there are."""
    recipe = load_recipe(path)
    assert recipe.network.name in (*NETWORKS, DETECTOR)
    rest = dict(recipe.lesson)
    LESSONS.settings(str(rest.pop("kind")), rest, "lesson")


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_can_be_made_and_says_what_it_takes(name):
    """The table leads to classes with the methods of a lesson and a type of settings."""
    factory = LESSONS.factory(name)
    assert all(callable(getattr(factory, method)) for method in ("terms", "preview"))
    assert LESSONS.settings_type(name) is not None
