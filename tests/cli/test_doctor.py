"""`streamfuse doctor`."""

import json

import torch

import streamfuse as package


def test_says_what_is_used(streamfuse):
    """The device is one on which a tensor was really computed."""
    facts = json.loads(streamfuse("doctor", "--json").out)
    assert facts["streamfuse"] == package.__version__
    assert facts["device"]["used"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert facts["device"]["works"] is True
    assert facts["packages"]["torch"] == torch.__version__.split("+")[0]
    assert facts["bus"]["curve"] in (True, False)


def test_people_read_it_too(streamfuse):
    """Without `--json` it is a table, with a word on what is missing."""
    said = streamfuse("doctor")
    assert said.code == 0
    assert "device used" in said.all
    assert "missing" in said.all or "not installed" in said.all
