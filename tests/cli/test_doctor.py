"""`streamfuse doctor`."""

import json

import pytest
import torch

import streamfuse as package
from streamfuse.cli import doctor


def test_says_what_is_used(streamfuse):
    """The device is one on which a tensor was really computed."""
    facts = json.loads(streamfuse("doctor", "--json").out)
    assert facts["streamfuse"] == package.__version__
    assert facts["device"]["used"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert facts["device"]["works"] is True
    assert facts["packages"]["torch"] == torch.__version__.split("+")[0]
    assert facts["bus"]["curve"] in (True, False)


@pytest.mark.parametrize(
    ("optional", "told"),
    [({"no_such_package": "lamps"}, "not installed: no_such_package, for lamps"), ({"torch": "all"}, "nothing optional is missing")],
)
def test_people_read_it_too(streamfuse, monkeypatch, optional, told):
    """Without `--json` it is a table, with a word on what is missing."""
    monkeypatch.setattr(doctor, "OPTIONAL", optional)
    said = streamfuse("doctor")
    assert said.code == 0
    assert "device used" in said.all
    assert told in said.all
