"""The main job, end to end: each way a call can go, through all processes on the exchange."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import Result, Way
from appliance.exchange.call import CallPlan
from appliance.exchange.client import RunningCall
from appliance.media import g711
from appliance.prompts import OURS
from tests.detection import spandsp
from tests.helpers.box import Box
from tests.system.calls import end, in_call

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box with two lines, one operator, one counter position."""
    with Box(tmp_path, ring=8) as made:
        yield made


def test_an_operator_answers_and_both_are_heard(box: Box) -> None:
    """P1: the phone rings, the operator answers, sound goes both ways, the caller hangs up."""
    op1 = box.phone("op1")
    op1.answer_mode("auto", 300)
    op1.say(SPEECH, repeat=True)
    report = box.call(1, CallPlan(caller="0511234567", hang_up_after_ms=3000), (SPEECH,))
    record = box.last_record(1)

    assert report.answered
    assert (record.way, record.result, record.phone) == (Way.SWITCHBOARD, Result.ANSWERED, "op1")
    assert record.caller.number == "0511234567"
    assert record.evidence is not None
    assert op1.received().data.count(b"\xff") < len(op1.received().data) // 2


def test_nobody_answers_and_the_counter_does(box: Box) -> None:
    """P8: after the ring time the citizens' counter is rung."""
    op1, desk1 = box.phone("op1"), box.phone("desk1")
    op1.answer_mode("never")
    desk1.answer_mode("auto", 300)
    box.call(1, CallPlan(caller="withheld", hang_up_after_ms=1500))
    record = box.last_record(1)

    assert (record.way, record.result, record.phone) == (
        Way.CITIZENS_DESK,
        Result.ANSWERED,
        "desk1",
    )
    assert op1.wait_event("cancelled", 1.0)


def test_the_caller_hangs_up_early(box: Box) -> None:
    """The phones stop ringing; the call is kept as given up."""
    op1 = box.phone("op1")
    op1.answer_mode("never")
    report = box.call(1, CallPlan(caller="0511234567", rings=1))
    record = box.last_record(1)

    assert not report.answered
    assert record.result is Result.GAVE_UP


def test_closed_a_greeting_and_a_message(box: Box) -> None:
    """P9: the greeting is heard, the message is stored whole, the lamp's count rises."""
    box.ask("SetClosed", on=True, by="test", until=None)
    plan = CallPlan(caller="0511234567", digits="#", after_quiet_ms=900, start_delay_ms=1500)
    box.call(1, plan, (SPEECH,))
    record = box.last_record(1)

    assert (record.way, record.reason) == (Way.VOICEMAIL, "closed.manual")


def test_a_fax_is_hung_up_on_and_listed(box: Box) -> None:
    """E5: while the greeting plays a fax machine sends its tone: hung up on, no message, a fax."""
    box.ask("SetClosed", on=True, by="test", until=None)
    report = box.call(1, CallPlan(caller="0511234567", fax=True, hang_up_after_ms=60_000))
    record = box.last_record(1)

    assert report.ended_by == "host"
    assert (record.result, record.evidence, record.message) == (Result.FAX, Evidence.FAX, "")
    assert record.release_ms is not None
    assert 3000 <= record.release_ms <= 8000


def test_an_operator_s_keys_reach_the_far_end(box: Box) -> None:
    """P1: keys pressed on the phone are DTMF in the line's sound, told by a stranger."""
    op1 = box.phone("op1")
    call, _ = in_call(box, 1, op1)
    op1.press("059#")
    box.wait_until(lambda: keys_heard(call) == "059#", 20.0, "the keys were not heard")
    end(box, call)


def keys_heard(call: RunningCall) -> str:
    """Read what reached the caller so far, and the keys a stranger's decoder finds in it."""
    with contextlib.suppress(TimeoutError):
        call.wait_for("nothing", 0.2)
    return spandsp.digits_in(g711.ulaw_to_linear(bytes(call.heard)))


def test_the_button_of_the_phone_sends_calls_to_the_counter(box: Box) -> None:
    """*811 on a phone: Non presidiato; the next call rings the counter at once."""
    op1, desk1 = box.phone("op1"), box.phone("desk1")
    op1.answer_mode("never")
    desk1.answer_mode("auto", 300)
    op1.dial("*811")
    op1.wait_event("answered", 5.0)
    op1.wait_event("ended", 15.0)
    assert box.status()["service"]["unattended"]["by"] == "op1"

    box.call(2, CallPlan(hang_up_after_ms=1000))
    record = box.last_record(1)

    assert (record.way, record.reason) == (Way.CITIZENS_DESK, "overflow.unattended")
