"""A shown number is dialled from the screen: the phone picks up by itself, the far end is held."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.calls.orders import Result
from appliance.simulator.exchange import process
from appliance.store.database import database_path, latest, open_reader
from tests.helpers.box import Box
from tests.system.calls import in_state, place, record_of
from tests.system.dialled import ADA, ALWAYS, ada_has_called, control, loud, placed

pytestmark = pytest.mark.system

SIGN_BYTES = 800
"""Sound of the sign of a hold: 100 ms at least."""


def test_a_number_is_dialled_held_and_taken_back_at_the_screen(tmp_path: Path) -> None:
    """E17: nobody touches the phone. It picks up, hears Ada; on hold it hears a sign and she does
    not hear it; resumed and hung up. The number is in no log, who called out is in the audit.
    """
    with Box(tmp_path, lines=2, extra=ALWAYS, options=("--no-chip-tones",)) as box:
        op1 = box.phone("op1")
        op1.answer_mode("never")
        ada_has_called(box)
        op1.answer_mode("obeys")
        config = ["--config", str(box.config_path)]
        told = CliRunner().invoke(main, ["dial", "0541 704111", "--position", "op1", *config])
        assert told.exit_code == 0, told.output
        op1.wait_event("ack", 10.0)
        box.wait_until(lambda: control(box, "op1")["can_hold"], 30.0, "Ada has not answered")
        assert control(box, "op1")["auto_answer"] == "seen"
        box.wait_until(lambda: loud(op1.received().data) > 3200, 20.0, "Ada is not heard")

        assert box.ask("HoldCall", position="op1", by="anna")["done"] is True
        assert control(box, "op1")["can_resume"] is True
        assert box.ask("HangUpCall", position="op1", by="anna")["done"] is False
        before = loud(op1.received().data)
        box.wait_until(
            lambda: loud(op1.received().data) > before + SIGN_BYTES, 20.0, "no sign is heard"
        )
        assert box.ask("ResumeCall", position="op1", by="anna")["done"] is True
        assert control(box, "op1")["can_hold"] is True
        assert box.ask("HangUpCall", position="op1", by="anna")["done"] is True
        op1.wait_event("bye", 10.0)
        box.wait_until(lambda: placed(box) is not None, 20.0, "the call was not over")
        record = placed(box)
        box.wait_until(box.is_idle, 20.0, "the lines were not idle")
        refused = CliRunner().invoke(main, ["dial", "0519999999", "--position", "op1", *config])
        lines = process.ask_status(tmp_path / "lines")["lines"]
        log = box.log()
        with closing(open_reader(database_path(box.state))) as connection:
            noted = latest(connection, "phone.dial")
    assert [one.about for one in noted] == ["op1", "op1"]
    assert record is not None
    assert (record.result, record.phone, record.caller.number) == (Result.ANSWERED, "op1", ADA)
    assert {"on_hold", "resumed"} <= set(record.trail)
    assert refused.exit_code == 1
    assert isinstance(lines, list)
    assert [line["protocol_faults"] for line in lines] == [{}, {}], lines
    assert ADA not in log


def test_a_ringing_phone_is_told_to_talk(tmp_path: Path) -> None:
    """A phone that announces it answers at the screen's wish by the INVITE that it has: its one
    call goes on, and it is known to answer by itself.
    """
    with Box(tmp_path, lines=1) as box:
        op1 = box.phone("op1")
        op1.answer_mode("talks")
        caller = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
        op1.wait_event("ringing", 20.0)
        (known,) = box.status()["calls"]
        assert box.ask("AnswerCall", position="op1", by="anna")["done"] is True
        op1.wait_event("ack", 5.0)
        in_state(box, "talking")
        assert control(box, "op1")["auto_answer"] == "seen"
        rung = [event.kind for event in op1.events if event.kind in {"invite", "cancelled"}]
        assert rung == ["invite"]
        assert box.ask("HangUpCall", position="op1", by="anna")["done"] is True
        record = record_of(box, known["call"])
        caller.wait(20.0)
    assert (record.result, record.phone) == (Result.ANSWERED, "op1")
