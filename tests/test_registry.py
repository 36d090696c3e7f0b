"""Tables of names, and settings that are checked strictly."""

import sys
import types
from typing import Any

import pytest
from pydantic import Field, field_validator

from streamfuse.align import ALIGNERS
from streamfuse.detect import DETECTORS, TRACKERS
from streamfuse.errors import ConfigError
from streamfuse.fuse import FUSERS
from streamfuse.publish import SINKS
from streamfuse.registry import Registry, Settings, checked, suggestion
from streamfuse.source import SOURCES
from streamfuse.sync import SYNCS

TABLES: list[Registry[Any]] = [ALIGNERS, DETECTORS, FUSERS, SINKS, SOURCES, SYNCS, TRACKERS]
ENTRIES = [pytest.param(table, name, id=f"{table.noun} {name}") for table in TABLES for name in table]


class Inner(Settings):
    """Settings in settings."""

    depth_px: int = 0


class LampSettings(Settings):
    """Settings of a lamp."""

    watts: float = Field(default=5.0, gt=0)
    colour: str
    inner: Inner = Inner()
    rows: tuple[Inner, ...] = ()

    @field_validator("colour")
    @classmethod
    def _is_a_colour(cls, value: str) -> str:
        if value == "loud":
            raise ValueError("that is no colour")
        return value


class Lamp:
    """Takes settings."""

    def __init__(self, settings: LampSettings) -> None:
        self.settings = settings


class Candle:
    """Takes none."""


def torch_on(settings: LampSettings) -> str:
    """A factory need not be a class."""
    return f"torch {settings.colour}"


@pytest.fixture
def lamps(monkeypatch) -> Registry[Any]:
    """A table over a module that is there while the test runs."""
    module = types.ModuleType("lamp_shop")
    vars(module).update(Lamp=Lamp, Candle=Candle, torch_on=torch_on)
    monkeypatch.setitem(sys.modules, "lamp_shop", module)
    table = {"lamp": "lamp_shop:Lamp", "candle": "lamp_shop:Candle", "torch": "lamp_shop:torch_on", "ghost": "lamp_shop:Ghost"}
    return Registry("lamp", {**table, "far": "no_such_package.lamps:Lamp"})


@pytest.mark.parametrize(("table", "name"), ENTRIES)
def test_every_entry_resolves(table, name):
    """Each name in each table leads to a factory, and what settings it takes can be told."""
    assert callable(table.factory(name))
    kind = table.settings_type(name)
    assert kind is None or issubclass(kind, Settings)


@pytest.mark.parametrize(("table", "name"), ENTRIES)
def test_every_setting_is_strict_and_told(table, name):
    """Settings of every entry are frozen and refuse unknown keys, and those of fixed meaning carry a type in the schema."""
    kind = table.settings_type(name)
    if kind is None:
        with pytest.raises(ConfigError, match="takes no settings, got no_such_key"):
            table.make(name, no_such_key=1)
        return
    assert kind.model_config["frozen"]
    with pytest.raises(ConfigError, match=r"no_such_key: unknown key"):
        checked(kind, {"no_such_key": 1})


def test_makes_with_settings_checked(lamps):
    """An entry is built from plain values, which its settings type has checked."""
    lamp = lamps.make("lamp", colour="red", watts=3)
    assert isinstance(lamp, Lamp)
    assert lamp.settings == LampSettings(colour="red", watts=3.0)
    assert lamps.make("torch", colour="blue") == "torch blue"
    assert isinstance(lamps.make("candle"), Candle)


def test_settings_type_is_read_from_the_factory(lamps):
    """The annotation of the factory's argument tells the settings; no annotation, no settings."""
    assert lamps.settings_type("lamp") is LampSettings
    assert lamps.settings_type("torch") is LampSettings
    assert lamps.settings_type("candle") is None


def test_behaves_like_a_table(lamps):
    """It lists its names in their order and resolves nothing before it is asked to."""
    assert list(lamps) == ["lamp", "candle", "torch", "ghost", "far"]
    assert len(lamps) == 5
    assert "far" in lamps
    assert "nearer" not in lamps
    assert lamps["far"] == "no_such_package.lamps:Lamp"


def test_takes_an_entry_of_your_own(lamps):
    """`module:factory` is as good as a name."""
    assert isinstance(lamps.make("lamp_shop:Candle"), Candle)
    assert lamps.make("lamp_shop:Lamp", colour="red").settings.colour == "red"
    assert "lamp_shop:Lamp" not in lamps


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("lmap", r"no lamp called 'lmap'; did you mean 'lamp'\? \(known: lamp, candle, torch, ghost, far\)", id="near"),
        pytest.param("xyz", r"no lamp called 'xyz' \(known: ", id="nothing near"),
        pytest.param("ghost", "lamp 'ghost': lamp_shop has no 'Ghost'", id="attribute"),
        pytest.param("far", "lamp 'far' needs the package 'no_such_package', which is not installed", id="package"),
        pytest.param("lamp_shop:Nope", "lamp_shop has no 'Nope'", id="own attribute"),
        *(pytest.param(name, f"lamp '{name}': want package.module:factory", id=name) for name in (":", ":Lamp", "shop:", ".shop:Lamp")),
    ],
)
def test_says_what_is_wrong_with_a_name(lamps, name, message):
    """A wrong name is told with the nearest right one and all there are; a missing package by its name."""
    with pytest.raises(ConfigError, match=message):
        lamps.make(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("import sys\nsys.no_such_thing", "module 'sys' has no attribute 'no_such_thing'", id="its own mistake"),
        pytest.param("from sys import Nope", "'broken_lamps:Lamp': broken_lamps cannot be imported: .*'Nope'", id="its imports"),
    ],
)
def test_a_module_of_your_own_that_fails_says_why(lamps, tmp_path, monkeypatch, text, message):
    """What goes wrong inside of a module is told as it is, and not taken for a name that it lacks."""
    (tmp_path / "broken_lamps.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises((AttributeError, ConfigError), match=message):
        lamps.make("broken_lamps:Lamp")
    sys.modules.pop("broken_lamps", None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"colour": "red", "wats": 3}, "^wats: unknown key; did you mean 'watts'\\?$", id="unknown"),
        pytest.param({"watts": 3}, "^colour: missing$", id="missing"),
        pytest.param({"colour": "red", "watts": -1}, r"^watts: Input should be greater than 0, got -1$", id="range"),
        pytest.param({"colour": "loud"}, r"^colour: that is no colour, got 'loud'$", id="own check"),
        pytest.param({"colour": "red", "inner": {"dpth_px": 1}}, r"^inner.dpth_px: unknown key; did you mean 'depth_px'\?$", id="below"),
        pytest.param(
            {"colour": "red", "rows": [{}, {"dpth_px": 1}]}, r"^rows.1.dpth_px: unknown key; did you mean 'depth_px'\?$", id="list"
        ),
        pytest.param({"zzzzzz": 1, "colour": "red"}, "^zzzzzz: unknown key$", id="nothing near"),
        pytest.param({}, "^colour: missing$", id="nothing at all"),
    ],
)
def test_names_the_key(values, message):
    """Each wrong key is named by its path, with the nearest right one, or the value and what was wanted."""
    with pytest.raises(ConfigError, match=message):
        checked(LampSettings, values)


def test_names_every_wrong_key_at_once():
    """Two mistakes make two lines, each with its full path."""
    with pytest.raises(ConfigError) as caught:
        checked(LampSettings, {"watts": 0, "inner": {"depth_px": "deep"}, "colour": "red"}, where="shop.lamp")
    first, second = str(caught.value).splitlines()
    assert first.startswith("shop.lamp.watts: ")
    assert second.startswith("shop.lamp.inner.depth_px: ")


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("fuze", ["fuse", "sync"], "; did you mean 'fuse'?"),
        ("q", ["fuse", "sync"], ""),
        ("fuse", [], ""),
        ("aling", {"align": "x"}, "; did you mean 'align'?"),
    ],
)
def test_suggestion(name, known, said):
    """Only a name that is near is suggested."""
    assert suggestion(name, known) == said


def test_settings_are_frozen():
    """Nobody changes settings after they were checked."""
    lamp = LampSettings(colour="red")
    with pytest.raises(ValueError, match="frozen"):
        lamp.watts = 7  # type: ignore[misc]
