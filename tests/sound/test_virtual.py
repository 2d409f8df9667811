"""Sound between a line and a phone on a virtual clock: every law, the canceller, planted faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from appliance.dsp import g711, wav
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.media.messages import LineSetup
from appliance.simulator.exchange.audio import Echo
from appliance.simulator.exchange.modem_protocol import CONEXANT, Format
from tests.helpers import sound
from tests.helpers.sound import Comparison
from tests.media.virtual import Hosted, Phone, World
from tests.sound.signals import spoken_ulaw
from tests.sound.verdict import judge

LINEAR_ONLY = dataclasses.replace(
    CONEXANT, formats={130: Format('130,"UNSIGNED PCM",8,0,8000,0,0', "unsigned8")}
)
"""A duplex modem that knows neither law, as some firmware does (v253.md 1.5)."""
LEAST_SNR_DB = 20.0
LENGTH_SAMPLES = 160
"""20 ms."""
QUIET_PHONE_MS = 400


class Joined:
    """A line and a phone that talk to each other on a virtual clock."""

    def __init__(self, one: Hosted, law: Law) -> None:
        self.one = one
        self.world = World(one)
        self.phone = Phone(law)
        self.world.parts.append(self.phone.step)
        self.world.bring_up()
        self.phone.agree(self.world.now)

    def talk(self, caller_says: bytes, phone_says: bytes) -> tuple[bytes, bytes]:
        """Both speak mu-law at once; returns what the phone heard, then the caller (mu-law)."""
        call = self.world.answer(self.one, start_delay_ms=1000, clips=(caller_says,), rings=9)
        self.one.line.connect(self.phone.leg, self.world.now)
        self.world.run(QUIET_PHONE_MS)
        self.phone.say(g711.translate(phone_says, Law.ULAW, self.phone.law))
        self.world.run(1500 + max(len(caller_says), len(phone_says)) // 8)
        return bytes(self.phone.heard), bytes(call.heard)


@pytest.fixture
def opened() -> Iterator[list[Joined]]:
    """Whatever a test puts in is closed afterwards."""
    made: list[Joined] = []
    yield made
    for joined in made:
        joined.phone.close()


def _joined(opened: list[Joined], one: Hosted | None = None, law: Law = Law.ULAW) -> Joined:
    opened.append(Joined(one or Hosted(), law))
    return opened[-1]


def _compared(joined: Joined, seconds: float = 8.0) -> tuple[Comparison, Comparison]:
    said = [spoken_ulaw(seconds, seed) for seed in (0, 1)]
    at_phone, at_caller = joined.talk(*said)
    return sound.compare_bytes(said[0], at_phone), sound.compare_bytes(said[1], at_caller)


def _is_good(said: bytes, heard: bytes) -> None:
    verdict = judge(said, heard)
    assert verdict.snr_db >= LEAST_SNR_DB, verdict
    assert abs(verdict.stretch) <= LENGTH_SAMPLES, verdict
    assert verdict.length >= len(said) // 2 - LENGTH_SAMPLES, verdict


def test_same_law_is_the_same_bytes(opened: list[Joined]) -> None:
    """Mu-law modem and PCMU phone: every byte, both ways."""
    to_phone, to_caller = _compared(_joined(opened))
    assert to_phone.is_exact, to_phone
    assert to_caller.is_exact, to_caller


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW])
def test_eight_bit_linear_modem(opened: list[Joined], law: Law) -> None:
    """A duplex modem with unsigned 8-bit samples only: 20 dB for speech at -20 dBm0, no drift."""
    joined = _joined(opened, Hosted(make=LINEAR_ONLY), law)
    assert joined.one.line.driver.law is Law.LINEAR8
    said = [sound.through(sound.speech(s), Law.ULAW) for s in (20.0, 27.0)]
    said[1] = said[1][7 * 16_000 :]
    at_phone, at_caller = joined.talk(*(g711.encode(pcm, Law.ULAW) for pcm in said))
    _is_good(said[0], g711.decode(at_phone, law))
    _is_good(said[1], g711.decode(at_caller, Law.ULAW))


def test_alaw_phone(opened: list[Joined]) -> None:
    """A PCMA phone on a mu-law modem: 20 dB, and the very bytes that G.711's tables give."""
    joined = _joined(opened, law=Law.ALAW)
    said = [spoken_ulaw(20.0, seed) for seed in (0, 1)]
    at_phone, at_caller = joined.talk(*said)
    in_alaw = [g711.translate(data, Law.ULAW, Law.ALAW) for data in said]
    assert sound.compare_bytes(in_alaw[0], at_phone).is_exact
    back = g711.translate(in_alaw[1], Law.ALAW, Law.ULAW)
    assert sound.compare_bytes(back, at_caller).is_exact
    _is_good(g711.decode(said[0], Law.ULAW), g711.decode(at_phone, Law.ALAW))
    _is_good(g711.decode(said[1], Law.ULAW), g711.decode(at_caller, Law.ULAW))


def test_a_dropped_frame_fails_the_check(opened: list[Joined]) -> None:
    """Planted: 20 ms of what the modem sends are lost once; the comparison says so."""
    joined = _joined(opened)
    voice = g711.encode(sound.speech(8.0), Law.ULAW).replace(b"\x10", b"\x11")
    pieces = 0

    def lossy(data: bytes) -> bytes:
        nonlocal pieces
        pieces += len(data) == FRAME_SAMPLES // 2
        return b"" if pieces in {500, 501} and len(data) == FRAME_SAMPLES // 2 else data

    joined.one.to_host = lossy
    at_phone, _ = joined.talk(voice, voice)
    harmed = sound.compare_bytes(voice, at_phone)
    assert (harmed.is_exact, harmed.missing) == (False, FRAME_SAMPLES)


def test_an_unshielded_dle_fails_the_check(opened: list[Joined]) -> None:
    """Planted: one 0x10 of 50000 samples is written to the modem as it is: it takes the next
    sample with it; the comparison says so.
    """
    joined = _joined(opened)
    voice = g711.encode(sound.speech(8.0), Law.ULAW).replace(b"\x10", b"\x11")
    said = voice[:50_000] + b"\x10\x55" + voice[50_000:]
    joined.one.to_modem = lambda data: data.replace(b"\x10\x10", b"\x10")
    at_phone, at_caller = joined.talk(said, said)
    assert sound.compare_bytes(said, at_phone).is_exact
    harmed = sound.compare_bytes(said, at_caller)
    assert (harmed.is_exact, harmed.missing) == (False, 2)


@pytest.mark.parametrize("late_ms", [50, 100, 150])
def test_what_the_modem_sends_comes_late(opened: list[Joined], late_ms: int) -> None:
    """What the modem sends is handed on late now and then, by 150 ms at most: still every byte."""
    joined = _joined(opened)
    held = bytearray()

    def late(data: bytes) -> bytes:
        held.extend(data)
        if round(joined.world.now * 1000) % 2000 < late_ms:
            return b""
        out = bytes(held)
        held.clear()
        return out

    joined.one.to_host = late
    to_phone, to_caller = _compared(joined)
    assert joined.one.modem.underruns == 0
    assert to_caller.is_exact, to_caller
    assert to_phone.is_exact, to_phone


def _echoing(*, cancelled: bool) -> Hosted:
    """A line whose hybrid sends 12 dB less of our own sound back after 10 ms."""
    one = Hosted(LineSetup("line1", "", caller_id="none", echo=cancelled))
    one.station.line.wire.echo = Echo(12.0, 10)
    return one


@pytest.mark.parametrize("cancelled", [True, False])
def test_the_canceller_takes_the_echo_and_leaves_the_caller(
    opened: list[Joined], cancelled: bool
) -> None:
    """Canceller on: the phone's own voice comes back 20 dB weaker than the echo is, the caller
    alone comes through at 20 dB, and hears the phone's every byte. Off, the echo stays.
    """
    voice = g711.encode(sound.speech(40.0), Law.ULAW)
    phone_says, caller_says = voice[: 16 * 8000], voice[16 * 8000 :]
    joined = _joined(opened, _echoing(cancelled=cancelled))
    at_phone, at_caller = joined.talk(b"\xff" * len(phone_says) + caller_says, phone_says)

    assert sound.compare_bytes(phone_says, at_caller).is_exact
    learnt = slice(8 * 8000, 15 * 8000)
    back = _dbm0(at_phone[learnt]) - _dbm0(phone_says[learnt])
    assert (back <= -32.0) is cancelled, back
    heard = g711.decode(at_phone[len(phone_says) :], Law.ULAW)
    _is_good(g711.decode(caller_says, Law.ULAW), heard)


def _dbm0(ulaw: bytes) -> float:
    return wav.level_dbm0(g711.decode(ulaw, Law.ULAW))
