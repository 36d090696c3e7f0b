"""Access units as RTP packets, and the sender reports that tie RTP time to a wall clock."""

import struct
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from streamfuse.clock import NS_PER_S

Codec: TypeAlias = Literal["h264", "hevc"]

PAYLOAD_TYPE = 96
RTP_CODECS: Final[dict[Codec, str]] = {"h264": "H264", "hevc": "H265"}
LARGEST = 1400  # bytes of payload: fits an Ethernet frame
NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970, RFC 5905
H264_FRAGMENT, HEVC_FRAGMENT = 28, 49
START, END = 0x80, 0x40


class RtpSender:
    """Numbers packets and counts what it sends, for one viewer."""

    def __init__(self, ssrc: int, first_sequence: int) -> None:
        self.ssrc = ssrc
        self._sequence = first_sequence
        self._packets = 0
        self._octets = 0

    def packets(self, nals: list[bytes], codec: Codec, timestamp: int) -> Iterator[bytes]:
        """The packets of one picture; the last one carries the marker."""
        payloads = [payload for nal in nals for payload in fragments(nal, codec)]
        for number, payload in enumerate(payloads, 1):
            marker = 0x80 if number == len(payloads) else 0
            head = struct.pack(">BBHII", 0x80, marker | PAYLOAD_TYPE, self._sequence % 2**16, timestamp, self.ssrc)
            self._sequence += 1
            self._packets += 1
            self._octets += len(payload)
            yield head + payload

    def report(self, wall_ns: int, timestamp: int, name: str) -> bytes:
        """RTCP that says: at `wall_ns` (UTC) the RTP clock showed `timestamp`. Sender report and name: RFC 3550, 6.4.1 and 6.5."""
        seconds, rest_ns = divmod(wall_ns, NS_PER_S)
        ntp = ((seconds + NTP_EPOCH_S) % 2**32, (rest_ns << 32) // NS_PER_S)
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, self.ssrc, *ntp, timestamp, self._packets % 2**32, self._octets % 2**32)
        item = struct.pack(">IBB", self.ssrc, 1, len(name)) + name.encode() + b"\0"
        item += bytes(-len(item) % 4)
        return report + struct.pack(">BBH", 0x81, 202, len(item) // 4) + item


def fragments(nal: bytes, codec: Codec) -> Iterator[bytes]:
    """RTP payloads of one NAL unit: as it is, or cut. RFC 6184, 5.8 (H.264); RFC 7798, 4.4.3 (H.265)."""
    if len(nal) <= LARGEST:
        yield nal
        return
    if codec == "h264":
        head, kind, body = bytes([nal[0] & 0xE0 | H264_FRAGMENT]), nal[0] & 0x1F, nal[1:]
    else:
        head, kind, body = bytes([nal[0] & 0x81 | HEVC_FRAGMENT << 1, nal[1]]), nal[0] >> 1 & 0x3F, nal[2:]
    for at in range(0, len(body), LARGEST):
        flags = (START if at == 0 else 0) | (END if at + LARGEST >= len(body) else 0)
        yield head + bytes([flags | kind]) + body[at : at + LARGEST]
