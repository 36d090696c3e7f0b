"""The bytes of version 1.0, which every later version must still read.

A golden file holds one message: each of its parts after its length as 4 bytes, big-endian. Only a new major version of the wire
format may change them; then run `python tests/publish/test_golden.py`, which calls `regenerate`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from streamfuse.publish.wire import (
    VERSION,
    BothTimes,
    CameraTimes,
    EosHeader,
    Header,
    HelloHeader,
    Part,
    ResultHeader,
    RigReport,
    StatHeader,
    SyncReport,
    decode_message,
    encode_message,
)

GOLDEN = Path(__file__).parent.parent / "golden"
PIXELS = bytes(range(18))
MODEL = {"network": "laplacian", "detector": "none", "precision": "float32"}


def _start(kind: str) -> dict[str, Any]:
    pub = bytes.fromhex("00112233445566778899aabbccddeeff")
    return {"v": VERSION, "kind": kind, "stream": "cam1", "pub": pub, "seq": 300, "epoch": 2, "t_pub": 1_700_000_000_040_000_000}


def _result(kind: str, parts: list[Part]) -> ResultHeader:
    return ResultHeader(
        **_start(kind),
        ext={"site": "north"},
        fid=bytes.fromhex("018bcfe56800705cb4fc5bc8a66a7ab8"),
        t_cap=1_700_000_000_000_000_000,
        t_due=1_700_000_000_010_000_000,
        ts=BothTimes(
            infrared=CameraTimes(state="stale", pts=-3000, tb=(1, 90_000), clk="rtcp", unc=1_000_000, age=33_333_333),
            visible=CameraTimes(state="absent", pts=None, tb=None, clk=None, unc=None, age=None),
        ),
        dt=-4_000_000,
        sync=SyncReport(off=-2_000_000, drift=12.5, conf=0.75),
        mode="degraded",
        rig=RigReport(id="lamp-post", residual=0.5),
        prompt="people",
        model=MODEL,
        det=[(1.5, 2.0, 30.25, 40.0, 0.875, 0, 17), (5.0, 6.0, 7.0, 8.0, 0.5, 1, -1)],
        cls="a1b2c3d4",
        parts=parts,
        lat={"sync": 1200, "fuse": 900},
        drop={"sync.late": 1},
    )


def messages() -> dict[str, tuple[Header, list[bytes]]]:
    """One message of every kind in use, and the payloads."""
    raw = Part(name="fused", codec="raw", dtype="uint8", shape=(2, 3, 3), layout="hwc", bytes=18)
    classes = ["person", "car"]
    hello = HelloHeader(
        **_start("hello"),
        software="0.1.0",
        codec="raw",
        policy="live",
        size=(2, 3),
        cls="a1b2c3d4",
        classes=classes,
        prompt="people",
        model=MODEL,
    )
    return {
        "det": (_result("det", []), []),
        "img": (_result("img", [raw]), [PIXELS]),
        "hello": (hello, []),
        "stat": (StatHeader(**_start("stat"), stats={"fps": 29.97, "drops": {"sync.late": 3}}), []),
        "eos": (EosHeader(**_start("eos"), totals={"published": 151}), []),
    }


def packed(parts: Sequence[bytes | memoryview]) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def regenerate() -> None:
    """Write the golden files anew."""
    for kind, (header, payloads) in messages().items():
        (GOLDEN / f"wire_v1_{kind}.bin").write_bytes(packed(encode_message(header, payloads)))


@pytest.mark.parametrize("kind", list(messages()))
def test_the_bytes_of_version_1_are_fixed(kind):
    """Encoding gives the golden bytes, so that readers of other programs keep working."""
    header, payloads = messages()[kind]
    assert packed(encode_message(header, payloads)) == (GOLDEN / f"wire_v1_{kind}.bin").read_bytes()


@pytest.mark.parametrize(("kind", "number"), [(kind, number) for number, kind in enumerate(messages())])
def test_golden_bytes_are_read_in_full(golden, kind, number):
    """Decoding the golden bytes gives every field and payload."""
    header, payloads = messages()[kind]
    assert decode_message(golden[number]) == (header, tuple(payloads))


if __name__ == "__main__":
    regenerate()
