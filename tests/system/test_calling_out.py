"""Calling out through all processes: a citizen is called back, an emergency call frees a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.calls.events import Evidence
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.helpers.announcements import brief
from tests.helpers.box import Box

pytestmark = pytest.mark.system

ADA = "0541704111"
HELP = "90112"
"""What stands for 112 on simulated lines: the real one cannot be dialled there."""
ALWAYS = """
[outgoing]
identity = "withheld"
band = "00:00-24:00"
days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""
SPOKEN_BYTES = 3200


def is_heard(sound: bytes) -> bool:
    """Tell whether there is more than silence in a phone's sound."""
    return len(sound) - sum(map(sound.count, (0xFF, 0x7F, 0xD5, 0x55))) > SPOKEN_BYTES


def outgoing(box: Box) -> list[CallRecord]:
    """Return the calls that the office placed, newest first."""
    return [record for record in box.records() if record.direction is Direction.OUT]


def over(box: Box) -> bool:
    """Tell whether the last call that the office placed is over."""
    placed = outgoing(box)
    return bool(placed) and placed[0].result is not Result.OPEN


@pytest.mark.promise("P7")
def test_a_citizen_who_gave_up_is_called_back(tmp_path: Path) -> None:
    """E17, P7: the position's phone rings, the line is dialled with the number withheld, both hear
    each other, the far end's hang-up ends it; the list says that the citizen was called back.
    """
    with Box(tmp_path, lines=2, extra=ALWAYS, options=("--no-chip-tones",)) as box:
        answers = {"outcome": "answer", "rings": 1, "says": True, "hang_up_after_ms": 5000}
        for line in (1, 2):
            process.set_line(tmp_path / "lines", line, extensions={f"*67#{ADA}": answers})
        op1 = box.phone("op1")
        op1.answer_mode("never")
        box.call(1, CallPlan(caller=ADA, rings=1))
        missed = box.last_record(1)
        op1.answer_mode("auto", 300)
        config = ["--config", str(box.config_path)]
        asked = ["call-back", f"call:{missed.call}", *config, "--position", "op1"]
        told = CliRunner().invoke(main, asked)
        assert told.exit_code == 0, told.output
        assert "squilla" in told.output
        op1.wait_event("ack", 10.0)
        box.wait_until(lambda: is_heard(op1.received().data), 20.0, "op1 hears nothing")
        op1.wait_event("bye", 30.0)
        box.wait_until(lambda: over(box), 20.0, "the call back was not over")
        box.wait_until(box.is_idle, 20.0, "the lines were not idle")
        (record,) = outgoing(box)
        listed = CliRunner().invoke(main, ["calls", *config]).output
        refused = CliRunner().invoke(
            main, ["call-back", "message:99", *config, "--position", "op1"]
        )
        lines = process.ask_status(tmp_path / "lines")["lines"]
        log = box.log()
    assert (record.result, record.evidence) == (Result.ANSWERED, Evidence.BUSY_TONE)
    assert (record.phone, record.case, record.line) == ("op1", f"call:{missed.call}", "line2")
    assert "richiamato alle" in listed
    assert refused.exit_code == 1
    assert "Non c'è un numero da richiamare." in refused.output
    assert isinstance(lines, list)
    assert [line["protocol_faults"] for line in lines] == [{}, {}], lines
    assert ADA not in log


def test_with_the_only_line_busy_an_emergency_call_frees_it(tmp_path: Path) -> None:
    """E17, P8: a conversation gives way, its caller is told, help is dialled on the same line
    within seconds; both records say so, and a real emergency number is nobody's here.
    """
    own = brief(tmp_path / "prompts")
    with Box(tmp_path, lines=1, options=("--no-chip-tones",), extra=own) as box:
        answers = {"outcome": "answer", "rings": 1, "says": True}
        process.set_line(tmp_path / "lines", 1, extensions={HELP: answers, "112": answers})
        op1, desk1 = box.phone("op1"), box.phone("desk1")
        op1.answer_mode("auto", 300)
        caller = box.place(1, CallPlan(caller=ADA, rings=20))
        op1.wait_event("ack", 15.0)
        desk1.dial("0112")
        desk1.wait_event("bye", 20.0)
        desk1.dial(HELP)
        op1.wait_event("bye", 20.0)
        caller.wait(30.0)
        box.wait_until(lambda: bool(outgoing(box)), 20.0, "nothing was dialled")

        def is_answered() -> bool:
            return outgoing(box)[0].answered_at is not None

        box.wait_until(is_answered, 30.0, "help did not answer")
        desk1.hang_up()
        box.wait_until(lambda: over(box), 20.0, "the emergency call was not over")
        box.wait_until(box.is_idle, 20.0, "the line was not idle")
        helped, refused = outgoing(box)
        freed = next(r for r in box.records() if r.direction is Direction.IN)
    assert (helped.result, helped.number_class) == (Result.ANSWERED, "emergency")
    assert f"freed.line1.{freed.call}" in helped.trail
    assert (freed.result, freed.evidence) == (Result.ANSWERED, Evidence.EMERGENCY)
    assert "freed.emergency" in freed.trail
    assert (refused.result, refused.reason) == (Result.REFUSED, "dial.no_number")
