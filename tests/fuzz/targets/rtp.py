"""RTP: packets of anybody, keys, the latch on one peer, and the jitter buffer behind it."""

from __future__ import annotations

from appliance.dsp.jitter import JitterBuffer
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.sip.rtp import EVENT_DIGITS, RtpReceiver, build, parse
from tests.fuzz.bounds import held
from tests.fuzz.program import Program

PEER = ("192.0.2.21", 7000)
OTHERS = (PEER, ("192.0.2.21", 7002), ("198.51.100.9", 7000))
TOKENS = (
    b"\x80\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x01", b"\x80\xe5", b"\x90", b"\xa0\x08",
    b"\x05\x0a\x03\x20", b"\x05\x8a\x03\x20", b"\xff\xff", b"\x00\x00\x00\xff",
)  # fmt: skip
PACKETS = 200
HELD = 24_000
"""200 ms of sound, eight keys, and the objects around them."""


def run(data: bytes) -> None:
    """Let packets come, one a tick, from the peer and others."""
    program = Program(data)
    receiver, jitter = RtpReceiver(PEER, (101,)), JitterBuffer(Law.ULAW)
    for source in program.steps(len(OTHERS), PACKETS):
        packet = program.take(program.number(192))
        _round_trip(packet)
        heard = receiver.receive(packet, OTHERS[source])
        assert heard is None or OTHERS[source][0] == PEER[0]
        if heard is not None:
            assert heard.digit == "" or heard.digit in EVENT_DIGITS
            jitter.put(heard.sequence, heard.timestamp, heard.payload, heard.ssrc)
        assert len(jitter.read(FRAME_SAMPLES)) == FRAME_SAMPLES
        assert 0 <= jitter.depth_ms <= 400
    assert held(receiver, jitter) < HELD


def _round_trip(data: bytes) -> None:
    """What was read is written and read again as the same."""
    packet = parse(data)
    assert packet is None or parse(build(packet)) == packet
