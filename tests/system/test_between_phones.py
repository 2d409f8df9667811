"""Between phones, through all processes: extension, pick-up, messages heard on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import FRAME_SAMPLES, Law
from appliance.simulator.exchange.call import CallPlan
from tests.helpers import sound
from tests.helpers.announcements import brief
from tests.helpers.box import Box
from tests.helpers.sound import compare_bytes
from tests.system.calls import end, place

pytestmark = pytest.mark.system

LATE_FRAMES = 10
"""Of the 200 that somebody says here."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with one line, two operators, a position of the counter."""
    own = brief(tmp_path / "prompts")
    with Box(tmp_path, lines=1, operators=("op1", "op2"), ring=20, extra=own) as made:
        yield made


def speech(path: Path, law: Law, seed: int) -> tuple[Path, bytes]:
    """Write 4 s of speech-like sound; returns the file and its bytes in `law`."""
    data = g711.encode(sound.babble(4.0, seed=seed), law)
    path.write_bytes(wav.build(data, law))
    return path, data


def test_two_phones_talk_and_either_hangs_up(box: Box, tmp_path: Path) -> None:
    """op1 dials op2's extension: sound both ways; a busy one is told as busy. On a busy machine a
    frame may come too late, and another stands for it; on a virtual clock each byte is the same
    (media/test_bridge_phones.py).
    """
    op1, op2, desk1 = box.phone("op1"), box.phone("op2"), box.phone("desk1")
    op2.answer_mode("auto", 200)
    one, said_by_one = speech(tmp_path / "one.wav", Law.ULAW, 11)
    two, said_by_two = speech(tmp_path / "two.wav", Law.ULAW, 12)
    op1.dial("12")
    op2.wait_event("ack", 10.0)
    op1.wait_event("answered", 10.0)
    op1.say(one)
    op2.say(two)
    desk1.dial("11")
    desk1.wait_event("ended", 10.0, cause="refused", status="486 Busy Here")
    box.wait_until(lambda: len(op2.received().data) > 48_000, 20.0, "nothing was heard")
    op1.hang_up()
    op2.wait_event("ended", 10.0)
    for said, hearer in ((said_by_one, op2), (said_by_two, op1)):
        heard = compare_bytes(said.strip(b"\xff"), hearer.received().data)
        assert heard.missing + heard.added + heard.changed <= LATE_FRAMES * FRAME_SAMPLES, heard
    assert box.status()["switchboard"]["state"] == "free"


@pytest.mark.long  # stories/picking_up_a_ringing_call.story
def test_a_ringing_call_is_picked_up(box: Box) -> None:
    """*85 on a phone that does not ring: it has the caller, the others stop ringing."""
    op1, desk1 = box.phone("op1"), box.phone("desk1")
    op1.answer_mode("never")
    call = place(box, 1, caller="0511234567")
    op1.wait_event("ringing", 20.0)
    desk1.dial("*85")
    call.wait_for("answered", 20.0)
    assert op1.wait_event("cancelled", 10.0)
    record = end(box, call)
    assert (record.phone, record.result) == ("desk1", Result.ANSWERED)
    assert "picked_up.desk1" in record.trail


@pytest.mark.promise("P9")
def test_a_message_is_heard_and_closed_on_a_phone(box: Box, tmp_path: Path) -> None:
    """P9: *86 plays what the caller said, key 3 closes it as called back; the lamp goes out."""
    op1 = box.phone("op1")
    spoken, _ = speech(tmp_path / "said.wav", Law.ULAW, 13)
    box.ask("SetClosed", on=True, by="test", until=None)
    plan = CallPlan(caller="0511234567", digits="#", after_quiet_ms=900, start_delay_ms=1500)
    box.call(1, plan, (spoken,))
    box.last_record(1)
    (message,) = box.messages()
    op1.dial("*86")
    op1.wait_event("answered", 10.0)
    stored = wav.read(box.recording(message.id))
    said = stored.data.strip(b"\xff")
    box.wait_until(lambda: said[-400:] in op1.received().data, 60.0, "it was not heard to its end")
    assert stored.law is Law.ULAW
    assert compare_bytes(said, op1.received().data).is_exact
    op1.press("3")
    box.wait_until(lambda: box.status()["waiting"] == 0, 10.0, "the message was not closed")
    op1.wait_event("ended", 20.0)
    (closed,) = box.messages()
    assert (closed.closed_by, closed.outcome) == ("op1", "called_back")
