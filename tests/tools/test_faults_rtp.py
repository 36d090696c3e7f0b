"""RTP packets and sender reports, by the standards."""

import struct

import pytest

from tools.faults.rtp import LARGEST, NTP_EPOCH_S, RtpSender, fragments


def test_a_small_unit_is_one_packet():
    """Version 2, our payload type, growing sequence, the marker on the last packet of the picture."""
    sender = RtpSender(ssrc=7, first_sequence=2**16 - 1)
    first, second = sender.packets([b"\x67abc", b"\x65def"], "h264", 9000)
    assert struct.unpack(">BBHII", first[:12]) == (0x80, 96, 2**16 - 1, 9000, 7)
    assert struct.unpack(">BBHII", second[:12]) == (0x80, 96 | 0x80, 0, 9000, 7)
    assert (first[12:], second[12:]) == (b"\x67abc", b"\x65def")


@pytest.mark.parametrize(("codec", "head", "size"), [("h264", b"\x65", 1), ("hevc", b"\x26\x01", 2)])
def test_a_large_unit_is_cut_and_can_be_put_together(codec, head, size):
    """Start and end are marked on the first and the last piece, and nothing is lost."""
    nal = head + bytes(range(256)) * 17
    pieces = list(fragments(nal, codec))
    flags = [piece[size] for piece in pieces]
    assert [bool(flag & 0x80) for flag in flags] == [True] + [False] * (len(pieces) - 1)
    assert [bool(flag & 0x40) for flag in flags] == [False] * (len(pieces) - 1) + [True]
    assert all(len(piece) <= LARGEST + size + 1 for piece in pieces)
    assert b"".join(piece[size + 1 :] for piece in pieces) == nal[size:]
    if codec == "h264":
        assert {(piece[0] & 0x1F, piece[1] & 0x1F) for piece in pieces} == {(28, 5)}
    else:
        assert {(piece[0] >> 1, piece[2] & 0x3F) for piece in pieces} == {(49, 0x26 >> 1)}


def test_a_sender_report_ties_rtp_time_to_the_wall_clock():
    """NTP time from 1900, the RTP time of that instant, and how much was sent."""
    sender = RtpSender(ssrc=7, first_sequence=0)
    list(sender.packets([b"\x65" * 100, b"\x65" * 20], "h264", 0))
    report = sender.report(1_700_000_000_500_000_000, 4711, "gate")
    version, kind, words, ssrc, seconds, fraction, rtp, packets, octets = struct.unpack(">BBHIIIIII", report[:28])
    assert (version, kind, words, ssrc) == (0x80, 200, 6, 7)
    assert (seconds - NTP_EPOCH_S, fraction) == (1_700_000_000, 2**31)
    assert (rtp, packets, octets) == (4711, 2, 120)
    rest = report[28:]
    assert struct.unpack(">BBH", rest[:4]) == (0x81, 202, len(rest) // 4 - 1)
    assert len(rest) % 4 == 0
