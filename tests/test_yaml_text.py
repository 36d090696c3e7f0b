"""YAML in which a key is given once."""

import pytest
import yaml

from streamfuse.align.rig import load_rig
from streamfuse.errors import RigError
from streamfuse.yaml_text import values_of


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: {b: 1, b: 2}", "- {a: 1, 'a': 1}", "a: &x {b: 1, b: 2}"])
def test_a_key_given_twice_is_an_error(text):
    """At every depth, and also where both say the same."""
    with pytest.raises(yaml.YAMLError, match=r"the key '[ab]' is given twice"):
        values_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\nb: {a: 2}",
        "[{a: 1}, {a: 2}]",
        "a: &x {b: 1}\nc: {<<: *x, b: 2}",
        "a: &x {b: 1}\nc: &y {<<: *x, b: 2}\nd: {<<: *y, b: 3}",
        "date: 2026-01-31",
    ],
)
def test_all_else_is_read_as_ever(text):
    """The same names elsewhere, and keys that stand instead of merged ones, are no repetition."""
    assert values_of(text) == yaml.safe_load(text)


def test_a_rig_says_where(tmp_path):
    """A rig with two homographies is refused, with the line of the second."""
    path = tmp_path / "rig.yaml"
    path.write_text("homography: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\ninfrared_size: [4, 4]\nhomography: [[2, 0, 0], [0, 2, 0], [0, 0, 1]]\n")
    with pytest.raises(RigError, match=r"(?s)'homography' is given twice.*line 3"):
        load_rig(path)
