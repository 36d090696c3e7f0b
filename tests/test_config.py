"""The configuration: what it takes, and how it says what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from streamfuse.config import Config, load_config, parse_config, shipped_config
from streamfuse.errors import ConfigError, RigError
from streamfuse.flow.build import recipe_of
from streamfuse.frames import Prompt, Spectrum
from streamfuse.source.scene import SceneSource

CONFIGS = Path(__file__).parent.parent / "configs"
SECRET = "rtsp://admin:s3cret@192.0.2.1/ch1"
SCENE = {"stream": "street", "infrared": "scene", "visible": "scene"}


def parsed(**values: Any) -> Config:
    return parse_config({"pairs": [SCENE], **values})


def complaint(**values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parsed(**values)
    return str(caught.value)


# --- what ships


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_right(path):
    """Each configuration that ships loads, and every stage in it can be made."""
    config = load_config(path, {})
    recipe = recipe_of(config)
    assert [pair.stream for pair in recipe.pairs] == [pair.stream for pair in config.pairs]


def test_shipped_configuration_is_found_by_name():
    """The demo's configuration is there in a checkout and when installed."""
    assert shipped_config("demo").name == "demo.yaml"
    with pytest.raises(ConfigError, match="no configuration called 'demoo' ships with this installation"):
        shipped_config("demoo")


def test_defaults_are_enough():
    """A pair is all that has to be said."""
    config = parsed()
    assert (config.policy, config.device, config.speed) == ("live", "auto", 1.0)
    kinds = [config.sync.kind, config.align.kind, config.fuse.kind, config.detect.kind, config.track.kind, config.publish[0].kind]
    assert kinds == ["nearest", "warp", "nano", "none", "bytetrack", "bus"]


# --- short forms


def test_address_as_a_string(tmp_path):
    """A camera is an address: a file or URL is played, a folder is a folder of pictures, `scene` is drawn."""
    pair = parse_config({"pairs": [{"stream": "a", "infrared": str(tmp_path), "visible": "rtsp://192.0.2.1/x"}]}).pairs[0]
    assert pair.infrared is not None
    assert pair.visible is not None
    assert pair.infrared.kind == "images"
    assert pair.infrared.dump()["path"] == str(tmp_path)
    assert (pair.visible.kind, pair.visible.dump()["url"]) == ("av", "rtsp://192.0.2.1/x")
    drawn = parsed().pairs[0].infrared
    assert drawn is not None
    assert drawn.kind == "scene"


def test_camera_without_kind_is_a_video():
    """`{url: ...}` needs no `kind`."""
    pair = parse_config({"pairs": [{"stream": "a", "visible": {"url": "clip.mp4"}}]}).pairs[0]
    assert pair.visible is not None
    assert pair.visible.kind == "av"


@pytest.mark.parametrize(
    ("key", "name"), [("fuse", "average"), ("detect", "hotspots"), ("track", "none"), ("align", "warp"), ("sync", "nearest")]
)
def test_kind_as_a_string(key, name):
    """A stage without settings is its name."""
    assert getattr(parsed(**{key: name}), key) == getattr(parsed(**{key: {"kind": name}}), key)


def test_prompt_as_a_string():
    """A prompt is words, or words with what goes with them."""
    assert parsed(pairs=[{**SCENE, "prompt": "people"}]).pairs[0].prompt.prompt() == Prompt(text="people")
    full = {"text": "people", "negative": ["lamps"], "strength": 0.5, "dials": {"texture": -0.5}}
    noun = Prompt(text="people", negative=("lamps",), strength=0.5, dials={"texture": -0.5})
    assert parsed(pairs=[{**SCENE, "prompt": full}]).pairs[0].prompt.prompt() == noun


def test_each_camera_is_told_which_one_it_is():
    """A source knows its spectrum from its place; saying otherwise is an error."""
    recipe = recipe_of(parsed())
    infrared = recipe.pairs[0].infrared
    assert isinstance(infrared, SceneSource)
    assert infrared.spectrum is Spectrum.INFRARED
    same = {"stream": "a", "infrared": {"kind": "scene", "spectrum": "infrared"}}
    assert parsed(pairs=[same]).pairs[0] == parsed(pairs=[{"stream": "a", "infrared": "scene"}]).pairs[0]
    wrong = {"stream": "a", "infrared": {"kind": "scene", "spectrum": "visible"}}
    assert complaint(pairs=[wrong]) == "pairs.0.infrared.spectrum: can only be 'infrared' here, got 'visible'"


@pytest.mark.parametrize("camera", ["infrared", "visible"])
def test_one_camera_is_a_pair(camera):
    """A pair with one camera only is valid."""
    recipe = recipe_of(parsed(pairs=[{"stream": "a", camera: "scene"}]))
    assert set(recipe.pairs[0].sources) == {Spectrum(camera)}


# --- what is wrong, and where


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"sycn": {}}, "sycn: unknown key; did you mean 'sync'?", id="top"),
        pytest.param({"batch": {"siz": 4}}, "batch.siz: unknown key; did you mean 'size'?", id="stage"),
        pytest.param({"fuse": {"runtme": "torch"}}, "fuse.runtme: unknown key; did you mean 'runtime'?", id="plug point"),
        pytest.param({"publish": [{"kind": "bus", "endpont": "x"}]}, "publish.0.endpont: unknown key; did you mean 'endpoint'?", id="list"),
        pytest.param({"sync": {"freeze": {"enabeld": 1}}}, "sync.freeze.enabeld: unknown key; did you mean 'enabled'?", id="nested"),
        pytest.param({"pairs": [{**SCENE, "rigg": "x"}]}, "pairs.0.rigg: unknown key; did you mean 'rig'?", id="pair"),
        pytest.param(
            {"pairs": [{**SCENE, "infrared": {"urll": "x"}}]}, "pairs.0.infrared.urll: unknown key; did you mean 'url'?", id="camera"
        ),
        pytest.param(
            {"pairs": [SCENE, {**SCENE, "prompt": {"txt": "x"}}]}, "pairs.1.prompt.txt: unknown key; did you mean 'text'?", id="prompt"
        ),
        pytest.param({"detect": {"kind": "none", "x": 1}}, "detect.x: unknown key; detector 'none' takes no settings", id="takes none"),
        pytest.param({"fuse": {1: 2}}, "fuse.1: Keys should be strings, got 1", id="number"),
    ],
)
def test_unknown_key_is_named_with_the_nearest(values, message):
    """A key that does not exist is an error at every depth: its path, and the nearest right one."""
    assert complaint(**values) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param(
            {"fuse": "laplacain"},
            "fuse.kind: no fuser called 'laplacain'; did you mean 'laplacian'? (known: average, maximum, laplacian",
            id="name",
        ),
        pytest.param({"fuse": {"kind": 3}}, "fuse.kind: want a name, got 3 (known: average, maximum, laplacian", id="number"),
        pytest.param({"fuse": {"kind": ["x"]}}, "fuse.kind: want a name, got ['x'] (known: average, maximum, laplacian", id="list"),
        pytest.param({"fuse": 7}, "fuse.kind: want a mapping with `kind`, got 7", id="no mapping"),
        pytest.param(
            {"fuse": "no_such:Thing"}, "fuse.kind: fuser 'no_such:Thing' needs the package 'no_such', which is not installed", id="own"
        ),
        pytest.param(
            {"fuse": {"kind": "laplacian", "levels": 20}}, "fuse.levels: Input should be less than or equal to 8, got 20", id="range below"
        ),
        pytest.param({"speed": 0}, "speed: Input should be greater than 0, got 0", id="range"),
        pytest.param({"batch": {"size": 3}}, "batch.size: Input should be 1, 2, 4, 8 or 16, got 3", id="choice"),
        pytest.param({"policy": "lossles"}, "policy: Input should be 'live' or 'lossless', got 'lossles'", id="policy"),
        pytest.param({"device": "gpu"}, "device: String should match pattern", id="device"),
        pytest.param({"schema_version": 2}, "schema_version: Input should be 1, got 2", id="version"),
        pytest.param({"pairs": [{**SCENE, "prompt": {"strength": 2}}]}, "pairs.0.prompt.strength: Input should be less than", id="prompt"),
        pytest.param(
            {"pairs": [{**SCENE, "prompt": {"dials": {"texture": -2}}}]}, "pairs.0.prompt.dials.texture: Input should be", id="dial"
        ),
        pytest.param({"pairs": []}, "pairs: want at least one pair of cameras, got []", id="no pairs"),
        pytest.param({"pairs": [{"infrared": "scene"}]}, "pairs.0.stream: missing", id="no name"),
        pytest.param({"pairs": [SCENE | {"stream": "north gate"}]}, "pairs.0.stream: String should match pattern", id="name of no topic"),
        pytest.param(
            {"pairs": [{"stream": "a"}]},
            "pairs.0.infrared: missing, and so is `visible`; the pair 'a' needs one of them or both",
            id="no camera",
        ),
        pytest.param({"pairs": [SCENE, SCENE]}, "pairs.1.stream: two pairs are called 'street'", id="twice"),
        pytest.param({"publish": "bus"}, "publish: Input should be a valid tuple, got 'bus'", id="no list"),
    ],
)
def test_wrong_value_is_named(values, message):
    """A value that cannot be is named by its key, with what was wanted and what came."""
    assert complaint(**values).startswith(message)


def test_a_key_given_twice_is_named(tmp_path):
    """The second one's line and column are told; a key that `<<` brings along may be given anew."""
    path = tmp_path / "twice.yaml"
    pair = "  - &pair\n    stream: a\n    visible: scene\n"
    path.write_text(f"fuse: average\npairs:\n{pair}fuse: nano\n")
    with pytest.raises(ConfigError, match=r"twice\.yaml, line 6, column 1: not YAML, the key 'fuse' is given twice"):
        load_config(path, {})
    path.write_text(f"pairs:\n{pair}  - <<: *pair\n    stream: b\n")
    assert [pair.stream for pair in load_config(path, {}).pairs] == ["a", "b"]


def test_pairs_are_the_one_thing_that_must_be_said():
    """An empty configuration says what is missing."""
    with pytest.raises(ConfigError, match=r"^pairs: missing$"):
        parse_config({})


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"pairs": {"a": {"infrared": SECRET}}}, id="no list"),
        pytest.param({"pairs": [{"stream": 1, "infrared": SECRET}]}, id="no name"),
        pytest.param({"pairs": [{"stream": "a", "infrared": SECRET}] * 2}, id="twice"),
        pytest.param({"pairs": [{"stream": "a", "infrared": {"url": [SECRET]}}]}, id="no address"),
        pytest.param({"pairs": [{"stream": "a", "infrared": {"kind": SECRET}}]}, id="as a kind"),
        pytest.param({"pairs": SECRET}, id="as pairs"),
    ],
)
def test_errors_hide_credentials(values):
    """Wherever a wrong value holds a password, the error does not, and neither do the errors it came from."""
    with pytest.raises(ConfigError) as caught:
        parse_config(values)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# --- what goes together


def test_lossless_needs_recordings():
    """A live camera cannot wait: lossless with one is refused, by name and without its password."""
    config = parse_config({"policy": "lossless", "pairs": [{"stream": "gate", "infrared": SECRET}]})
    with pytest.raises(ConfigError) as caught:
        recipe_of(config)
    assert str(caught.value) == "gate: rtsp://***@192.0.2.1/ch1 is live and cannot wait; policy must be live"


def test_missing_rig_file(tmp_path):
    """A rig that is not there is told before anything is opened."""
    with pytest.raises(RigError, match=r"no rig file .*mast\.yaml"):
        recipe_of(parsed(pairs=[{**SCENE, "rig": str(tmp_path / "mast.yaml")}]))


def test_rig_and_prompt_reach_their_pair():
    """A pair's calibration, words and time offset arrive in the recipe."""
    pair = {**SCENE, "rig": str(CONFIGS / "rigs" / "example.yaml"), "prompt": "people", "time_offset_ms": -40}
    made = recipe_of(parsed(pairs=[pair])).pairs[0]
    assert made.rig is not None
    assert made.rig.residual_px == 1.5
    assert made.prompt == Prompt(text="people")
