"""What is announced and what is stored, byte by byte, through all processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls.events import Evidence
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import Catalogue
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import read_clip
from tests.helpers import sound
from tests.helpers.box import Box
from tests.sound.signals import spoken_ulaw, ulaw_file

# Exact sound takes a machine for itself: beside other tests frames come too late, and others stand
# for them. The same code on a virtual clock is exact in each run: media/test_line.py.
pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(180)]

QUIET_MS = 1500
"""Longer than any pause within the greeting: the caller speaks after the tone."""
PAUSE_MS = 300
"""From the end of what was announced, heard by the caller, to the next announcement."""
GREETED = ("it/greeting_closed", "it/leave_message", "it/tone_record")


def _announced(heard: bytes, first: str) -> list[str]:
    """Read what was heard, from `first` on, as catalogue prompts in mu-law, one after another.

    Two announcements may lie PAUSE_MS of silence apart; anything else ends the list.
    """
    catalogue = Catalogue()
    prompts = {
        f"{language}/{key}": g711.encode(catalogue.load(language, key), Law.ULAW)
        for language in catalogue.languages()
        for key in catalogue.keys(language)
    }
    by_length = sorted(prompts, key=lambda name: -len(prompts[name]))
    at, found = heard.index(prompts[first]), []
    pause = 0
    while pause < 8 * PAUSE_MS:
        name = next((n for n in by_length if heard.startswith(prompts[n], at)), "")
        if name:
            found.append(name)
            at += len(prompts[name])
        elif heard[at : at + 1] != b"\xff":
            break
        pause = 0 if name else pause + 1
        at += not name
    return found


def test_greeting_and_message_byte_by_byte(tmp_path: Path) -> None:
    """P9: the caller hears the prompts' own bytes in the line's law, and the stored message holds
    every byte the caller said; only its end is trimmed.
    """
    said = spoken_ulaw(12.0, 2)
    clip = ulaw_file(tmp_path / "said.wav", said)
    listen = tmp_path / "heard.wav"
    with Box(tmp_path / "box", lines=1) as box:
        box.ask("SetClosed", on=True, by="test", until=None)
        report = box.call(1, CallPlan(after_quiet_ms=QUIET_MS), (clip,), listen)
        record = box.last_record(1)
        (message,) = box.messages()
        stored = wav.read(box.recording(message.id))

    assert report.answered
    announced = _announced(read_clip(listen), GREETED[0])
    assert [name for name in announced if name in GREETED] == list(GREETED)
    compared = sound.compare_bytes(said, stored.data)
    assert stored.law is Law.ULAW
    assert compared.is_exact, compared
    assert (message.gap_ms, message.interrupted) == (0, False)
    assert message.length_ms == stored.duration_ms
    assert record.evidence in {Evidence.BUSY_TONE, Evidence.CHIP_BUSY}
    # The tone that told of the release lies beyond the trimmed end (B1).
    assert len(stored.data) - compared.lag - len(said) <= 8 * 1100
