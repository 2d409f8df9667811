"""One phone's sound: what of its packets is taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from appliance.calls.events import MediaAgreed
from appliance.dsp import g711, wav
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import Law
from appliance.media.phone_leg import PhoneLeg, bind_port
from appliance.sip.rtp import RtpSender

HOST = "127.0.0.1"
SOUND = chord((1000,), 200, -16.0)


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    """The phone's RTP socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((HOST, 0))
        yield made


@pytest.fixture
def leg(phone: socket.socket) -> Iterator[PhoneLeg]:
    """A leg that has agreed on A-law with the phone."""
    made = PhoneLeg("leg", bind_port(HOST, (30_000, 30_998), 0))
    host, port = phone.getsockname()
    made.agree(MediaAgreed("leg", host, port, "alaw", 101), 0.0)
    yield made
    made.close()


@pytest.mark.parametrize(("payload_type", "law"), [(8, Law.ALAW), (0, Law.ULAW)])
def test_either_law_is_heard(
    phone: socket.socket, leg: PhoneLeg, payload_type: int, law: Law
) -> None:
    """RFC 3264 6.1: where both were agreed on, a phone may send the other law at any moment."""
    assert heard(phone, leg, payload_type, g711.encode(SOUND, law)) == pytest.approx(-16.0, abs=0.5)


def test_another_coding_is_not_played(phone: socket.socket, leg: PhoneLeg) -> None:
    """Comfort noise and whatever else was not agreed on is no sound; it is a sign of life."""
    assert heard(phone, leg, 13, g711.encode(SOUND, Law.ALAW)) < -60
    assert leg.last_heard == 5.0


def heard(phone: socket.socket, leg: PhoneLeg, payload_type: int, sound: bytes) -> float:
    """Let the phone send 200 ms; returns the level (dBm0) of what is read of the leg."""
    sender = RtpSender(1, 1, 1)
    leg.begin()
    for at in range(0, len(sound), 160):
        packet = sender.packet(payload_type, sound[at : at + 160])
        phone.sendto(packet, (HOST, leg.port))
        assert list(leg.receive(5.0)) == []
    return wav.level_dbm0(g711.decode(leg.read(1120, Law.ALAW), Law.ALAW))
