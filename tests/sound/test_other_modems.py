"""Modems without a law, and half-duplex ones, through all processes, judged by their sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import Catalogue
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import read_clip
from tests.helpers import sound
from tests.helpers.announcements import brief
from tests.helpers.box import Box, wait
from tests.sound.signals import ulaw_file
from tests.sound.verdict import judge

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

LEAST_SNR_DB = 20.0
LENGTH_SAMPLES = 160
"""20 ms."""
HALF_DUPLEX = 'daytime = "message"'
SETTLED_MS = 2000
QUIET_MS = 1500
"""Longer than any pause within the greeting: the caller speaks after the tone."""


def _voice(seconds: float, begin: float) -> bytes:
    """Recorded voices at -20 dBm0, in mu-law, from a moment on."""
    return g711.encode(sound.speech(begin + seconds)[int(begin) * 16_000 :], Law.ULAW)


def _is_good(said: bytes, heard_pcm: bytes) -> None:
    verdict = judge(g711.decode(said, Law.ULAW), heard_pcm)
    assert verdict.snr_db >= LEAST_SNR_DB, verdict
    assert abs(verdict.stretch) <= LENGTH_SAMPLES, verdict
    assert verdict.length >= len(said) - LENGTH_SAMPLES, verdict


@pytest.mark.long  # exact sound takes a machine for itself; test_virtual.py on a virtual clock
def test_two_phones_on_modems_that_know_no_law(tmp_path: Path) -> None:
    """8-bit linear duplex modems, a PCMU and a PCMA phone, both ways at once: speech at -20 dBm0
    comes through at 20 dB, in its length.
    """
    says = [_voice(20.0, begin) for begin in (0, 25)]
    with Box(tmp_path, operators=("op1", "op2"), dialect="conexant-pcm") as box:
        phones = [box.phone("op1", codec="pcmu"), box.phone("op2", codec="pcma")]
        phones[1].answer_mode("never")
        calls = []
        for line, phone in enumerate(phones, 1):
            phone.answer_mode("auto", 200)
            plan = CallPlan(
                start_delay_ms=SETTLED_MS,
                hang_up_after_ms=SETTLED_MS + len(says[0]) // 8 + 1500,
                clips=(says[0],),
            )
            calls.append(box.place(line, plan))
            calls[-1].wait_for("answered", 15.0)
            wait(SETTLED_MS / 1000)
            phone.say(says[1])
            phone.answer_mode("never")
        reports = [call.wait(60) for call in calls]
        received = [phone.received() for phone in phones]

    assert all(report.answered for report in reports)
    assert [one.law for one in received] == ["ulaw", "alaw"]
    for call, one in zip(calls, received, strict=True):
        _is_good(says[0], g711.decode(one.data, Law(one.law)))
        _is_good(says[1], g711.decode(bytes(call.heard), Law.ULAW))


def test_greeting_and_message_on_a_half_duplex_modem(tmp_path: Path) -> None:
    """A USR5637 answers, the office is closed: the caller hears the greeting at 20 dB, and so is
    the message stored, whole.
    """
    said = _voice(12.0, 50)
    clip = ulaw_file(tmp_path / "said.wav", said)
    listen = tmp_path / "heard.wav"
    own = brief(tmp_path / "prompts", but="greeting_closed")
    with Box(tmp_path / "box", lines=1, dialect="usr5637", line=HALF_DUPLEX, extra=own) as box:
        box.ask("SetClosed", on=True, by="test", until=None)
        report = box.call(1, CallPlan(after_quiet_ms=QUIET_MS), (clip,), listen)
        box.last_record(1)
        (message,) = box.messages()
        stored = wav.read(box.recording(message.id))

    assert report.answered
    assert (message.gap_ms, message.interrupted) == (0, False)
    _is_good(said, g711.decode(stored.data, stored.law))
    greeting = Catalogue().load("it", "greeting_closed")
    heard = g711.decode(read_clip(listen), Law.ULAW)
    assert judge(greeting, heard).snr_db >= LEAST_SNR_DB
    assert abs(judge(greeting, heard).stretch) <= LENGTH_SAMPLES
