"""The main job, end to end: each way a call can go, through all processes on the exchange."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from appliance.calls.events import Evidence
from appliance.calls.orders import CallRecord, Result
from appliance.dsp import g711
from appliance.policy.routing import Destination
from appliance.prompts import OURS
from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.detection import spandsp
from tests.helpers.announcements import brief
from tests.helpers.box import Box
from tests.system.calls import IDLE_S, end, in_call, place

pytestmark = pytest.mark.system

SPEECH = OURS / "it" / "leave_message.wav"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with two lines, one operator, one counter position."""
    folder = tmp_path_factory.mktemp("whole")
    with Box(folder, ring=8, extra=brief(folder / "prompts")) as made:
        yield made


@pytest.fixture
def op1(box: Box) -> Iterator[TestPhone]:
    """The operator's phone, which has seen nothing yet."""
    with box.phone("op1") as made:
        yield made


@pytest.fixture
def desk1(box: Box) -> Iterator[TestPhone]:
    """The counter's phone, which has seen nothing yet."""
    with box.phone("desk1") as made:
        yield made


@pytest.fixture
def closed(box: Box) -> Iterator[None]:
    """The office is closed while a test lasts."""
    box.ask("SetClosed", on=True, by="test", until=None)
    yield
    box.ask("SetClosed", on=False, by="test", until=None)


@pytest.fixture
def attended_again(box: Box) -> Iterator[None]:
    """The switchboard is attended again after a test."""
    yield
    box.ask("SetUnattended", on=False, by="test", until=None)


def called(box: Box, plan: CallPlan, line: int = 1) -> tuple[CallReport, CallRecord]:
    """Place a call on the idle line and wait until it is over; returns its report and record."""
    known = len(box.records())
    box.wait_until(box.is_idle, IDLE_S, "the lines did not become idle")
    report = box.call(line, plan, (SPEECH,))
    return report, box.last_record(known + 1)


@pytest.mark.promise("P1")
def test_an_operator_answers_and_both_are_heard(box: Box, op1: TestPhone) -> None:
    """P1: the phone rings, the operator answers, sound goes both ways, the caller hangs up."""
    op1.answer_mode("auto", 4000)  # who calls is told after the first ring
    op1.say(SPEECH, repeat=True)
    report, record = called(box, CallPlan(caller="0511234567", hang_up_after_ms=3000))

    assert report.answered
    assert (record.way, record.result, record.phone) == (
        Destination.SWITCHBOARD,
        Result.ANSWERED,
        "op1",
    )
    assert record.caller.number == "0511234567"
    assert record.evidence is not None
    assert op1.received().data.count(b"\xff") < len(op1.received().data) // 2


@pytest.mark.promise("P8")
def test_nobody_answers_and_the_counter_does(box: Box, op1: TestPhone, desk1: TestPhone) -> None:
    """P8: after the ring time the citizens' counter is rung."""
    op1.answer_mode("never")
    desk1.answer_mode("auto", 300)
    _, record = called(box, CallPlan(caller="withheld", hang_up_after_ms=1500))

    assert (record.way, record.result, record.phone) == (
        Destination.CITIZENS_DESK,
        Result.ANSWERED,
        "desk1",
    )
    assert op1.wait_event("cancelled", 1.0)


@pytest.mark.long  # stories/test_baresip.py[p9_gives_up_while_ringing]
def test_the_caller_hangs_up_early(box: Box, op1: TestPhone) -> None:
    """The phones stop ringing; the call is kept as given up."""
    op1.answer_mode("never")
    report, record = called(box, CallPlan(caller="0511234567", rings=1))

    assert not report.answered
    assert record.result is Result.GAVE_UP


@pytest.mark.promise("P9")
@pytest.mark.usefixtures("closed")
def test_closed_a_greeting_and_a_message(box: Box) -> None:
    """P9: the greeting is heard, a message is stored, its count rises."""
    waiting = box.status()["waiting"]
    plan = CallPlan(caller="0511234567", digits="#", after_quiet_ms=900, start_delay_ms=1500)
    _, record = called(box, plan)

    assert (record.way, record.reason) == (Destination.VOICEMAIL, "closed.manual")
    assert record.result is Result.MESSAGE
    assert box.status()["waiting"] == waiting + 1


@pytest.mark.usefixtures("closed")
def test_a_fax_is_hung_up_on_and_listed(box: Box) -> None:
    """E5: while the greeting plays a fax machine sends its tone: hung up on, no message, a fax."""
    known = len(box.records())
    call = place(box, 1, caller="0511234567", fax=True, hang_up_after_ms=60_000)
    report = call.wait(60.0)
    record = box.last_record(known + 1)

    assert report.ended_by == "host"
    assert (record.result, record.evidence, record.message) == (Result.FAX, Evidence.FAX, "")
    assert record.release_ms is not None
    assert 3000 <= record.release_ms <= 8000


def test_an_operator_s_keys_reach_the_far_end(box: Box, op1: TestPhone) -> None:
    """P1: keys pressed on the phone are DTMF in the line's sound, told by a stranger."""
    call, _ = in_call(box, 1, op1)
    op1.press("059#")
    box.wait_until(lambda: keys_heard(call) == "059#", 20.0, "the keys were not heard")
    end(box, call)


def keys_heard(call: RunningCall) -> str:
    """Read what reached the caller so far, and the keys a stranger's decoder finds in it."""
    with contextlib.suppress(TimeoutError):
        call.wait_for("nothing", 0.2)
    return spandsp.digits_in(g711.ulaw_to_linear(bytes(call.heard)))


@pytest.mark.promise("P8")
@pytest.mark.usefixtures("attended_again")
def test_the_button_of_the_phone_sends_calls_to_the_counter(
    box: Box, op1: TestPhone, desk1: TestPhone
) -> None:
    """*811 on a phone: Non presidiato; the next call rings the counter at once."""
    op1.answer_mode("never")
    desk1.answer_mode("auto", 300)
    op1.dial("*811")
    op1.wait_event("answered", 15.0)
    op1.wait_event("ended", 20.0)
    assert box.status()["service"]["unattended"]["by"] == "op1"

    _, record = called(box, CallPlan(hang_up_after_ms=1000), line=2)

    assert (record.way, record.reason) == (Destination.CITIZENS_DESK, "overflow.unattended")
