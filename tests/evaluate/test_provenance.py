"""Where a number comes from."""

import json
import re

import streamfuse
from streamfuse.evaluate.provenance import provenance


def test_says_all_that_is_needed_to_repeat_it():
    """Version, commit, time, packages, machine and settings, as JSON."""
    found = json.loads(json.dumps(provenance({"data": "msrs"})))
    assert found["streamfuse"] == streamfuse.__version__
    assert found["settings"] == {"data": "msrs"}
    assert found["commit"] is None or re.fullmatch(r"[0-9a-f]{40}\+?", found["commit"])
    assert {"torch", "numpy"} <= set(found["packages"])
    assert found["machine"]["cores"] >= 1
    assert re.match(r"\d{4}-\d\d-\d\dT.*\+00:00$", found["time"])
