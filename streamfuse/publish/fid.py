"""Frame ids: they join `det`, `img` and the recording, and are the same again when the recording is replayed."""

import hashlib

from streamfuse.clock import NS_PER_MS

_LAST_MS = 2**48 - 1


def frame_id(t_cap_ns: int, recording: bytes, stream: str, epoch: int, number: int) -> bytes:
    """16 bytes in the layout of UUIDv7 (RFC 9562, 5.7): they sort by capture time, and the rest is a hash instead of random.

    `recording` names the recording, or the publisher where the cameras are live. Times before 1970 count as 1970.
    """
    ms = min(max(t_cap_ns // NS_PER_MS, 0), _LAST_MS)
    name = stream.encode()
    told = b"".join(len(field).to_bytes(4, "big") + field for field in (recording, name))
    told += epoch.to_bytes(8, "big", signed=True) + number.to_bytes(8, "big", signed=True)
    rest = bytearray(hashlib.blake2b(told, digest_size=10).digest())
    rest[0] = 0x70 | rest[0] & 0x0F  # version 7
    rest[2] = 0x80 | rest[2] & 0x3F  # variant 10
    return ms.to_bytes(6, "big") + bytes(rest)
