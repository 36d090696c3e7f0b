"""`streamfuse config` and `streamfuse run`."""

import json

import yaml

from streamfuse.config import shipped_config


def test_a_right_one(streamfuse):
    """A configuration that ships is right."""
    said = streamfuse("config", "check", shipped_config("demo"))
    assert (said.code, "is right" in said.out) == (0, True)


def test_an_unknown_key_names_the_nearest(streamfuse, tmp_path):
    """The full path of the key, the nearest right key and the file are told, without a traceback."""
    path = tmp_path / "gate.yaml"
    path.write_text("pairs:\n  - {stream: gate, visible: {kind: scene, sed: 3}}\n")
    said = streamfuse("config", "check", path)
    assert said.code == 2
    assert "pairs.0.visible.sed: unknown key; did you mean 'seed'?" in said.all
    assert f"in {path}" in said.all
    assert "Traceback" not in said.all


def test_a_value_out_of_range(streamfuse, tmp_path):
    """The key and what was given are told."""
    path = tmp_path / "gate.yaml"
    path.write_text("batch: {budget_ms: -5}\npairs:\n  - {stream: gate, visible: scene}\n")
    said = streamfuse("run", path)
    assert said.code == 2
    assert "batch.budget_ms" in said.all
    assert "-5" in said.all


def test_show_hides_credentials(streamfuse, tmp_path):
    """The whole configuration with defaults is YAML again, and no password is in it."""
    path = tmp_path / "gate.yaml"
    path.write_text("pairs:\n  - {stream: gate, visible: 'rtsp://admin:geheim@192.0.2.1/main'}\n")
    said = streamfuse("config", "show", path)
    assert "geheim" not in said.all
    assert yaml.safe_load(said.out)["batch"]["size"] == 16


def test_the_schema_knows_every_kind(streamfuse):
    """The JSON schema lists the entries of each plug point."""
    schema = json.loads(streamfuse("config", "schema").out)
    shown = json.dumps(schema["properties"]["fuse"])
    assert all(f'"title": "{kind}"' in shown for kind in ("average", "maximum", "laplacian"))


def test_no_such_file(streamfuse):
    """A missing configuration is named."""
    said = streamfuse("run", "nowhere.yaml")
    assert said.code == 2
    assert "nowhere.yaml" in said.all


def test_run_ends_with_its_streams(streamfuse, recording, tmp_path):
    """`run` does what the YAML says and exits with 0 when the recordings end."""
    path = tmp_path / "gate.yaml"
    pair = f"{{stream: gate, infrared: {recording[0]}, visible: {recording[1]}}}"
    path.write_text(f"policy: lossless\npairs: [{pair}]\npublish: [memory]\nfuse: average\n")
    said = streamfuse("run", path)
    assert said.code == 0
    assert "12 results (12 fused)" in said.all
