"""Telling the control socket which sheet answered (P2): the call a position is in, or has just
ended.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.sheets import note_sheet
from appliance.calls import events
from appliance.calls.switchboard import Switchboard
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.sheets import Sheet
from appliance.service.loop import CallControl
from appliance.service.stores import Stores
from appliance.store import call_log, sheets
from appliance.store.writer import DatabaseWriter
from tests.calls.examples import KNOWN, RANG, TEN, records, tell, up
from tests.helpers.wire import wire, wish
from tests.store.samples import a_call
from tests.stories.offices import ROME

IMU = Sheet("imu", "IMU", "tributi", "Delibera", date(2026, 5, 20), "Acconto a giugno.\n")


class Shelf:
    """Records with one sheet, call control, and what was posted to it."""

    def __init__(self, folder: Path) -> None:
        self.records = DatabaseWriter(folder / "centralino.db", "boot").start()
        self.records.ask(lambda c: sheets.store(c, (IMU,)))
        self.posted: list[events.Event] = []
        self.post = self.posted.append
        self.switchboard: Switchboard = up()

    def status(self) -> Any:
        """Say what people see."""
        return self.switchboard.status(TEN)

    def ask(self, **question: Any) -> Any:
        """Ask and wait for the answer; raises what was answered instead."""
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        control, stores = cast(CallControl, self), cast(Stores, self)
        note_sheet(control, stores, ROME, wish(question, "NoteSheet"))(told.put)
        answer = wire(told.get(timeout=10))
        if isinstance(answer, CentralinoError):
            raise answer
        return answer

    def kept(self, call: str) -> tuple[str, ...]:
        """Return the sheets that the records keep with a call."""
        found = self.records.ask(lambda c: call_log.find_call(c, call))
        assert found is not None
        return found.sheets


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A shelf."""
    made = Shelf(tmp_path)
    yield made
    made.records.stop(10)


def test_the_call_that_a_position_is_in(shelf: Shelf) -> None:
    """Its record keeps the sheet at once; call control is told, so later records have it too."""
    given = tell(shelf.switchboard, TEN, RANG, KNOWN)
    leg = next(leg for leg in shelf.switchboard._board.calls["boot7-1"].legs)
    given += tell(shelf.switchboard, TEN, events.OperatorAnswered(leg, "op1"))
    shelf.records.write_call(records(given)[-1])
    answer = shelf.ask(sheet="imu", position="op1")
    assert answer["said"] == {
        "it": "Scheda «IMU» annotata con la chiamata delle 10:00.",
        "de": "Infoblatt „IMU“ beim Anruf von 10:00 vermerkt.",
        "en": "Sheet “IMU” noted with the call of 10:00.",
    }
    assert shelf.posted == [events.SheetUsed("boot7-1", "imu")]
    assert shelf.kept("boot7-1") == ("imu",)


def test_the_call_that_a_position_has_just_ended(shelf: Shelf) -> None:
    """Within a quarter of an hour; of several the last one."""
    ended = replace(a_call(), phone="op1", ended_at=TEN.wall - timedelta(minutes=14))
    old = replace(
        ended, call="old", rang_at=ended.rang_at - timedelta(hours=1),
        ended_at=TEN.wall - timedelta(minutes=16),
    )  # fmt: skip
    for record in (ended, old):
        shelf.records.write_call(record)
    assert shelf.ask(sheet="imu", position="op1")["call"] == ended.call
    shelf.ask(sheet="imu", call="old")
    assert shelf.kept("old") == ("imu",)
    with pytest.raises(OfficeError, match="'op2' is in no call and ended none within 15 minutes"):
        shelf.ask(sheet="imu", position="op2")


def test_a_record_written_later_does_not_undo_it(shelf: Shelf) -> None:
    """Call control's last record of a call may not know of the sheet yet."""
    record = replace(a_call(), phone="op1")
    shelf.records.write_call(record)
    shelf.ask(sheet="imu", call=record.call)
    shelf.records.write_call(record)
    assert shelf.kept(record.call) == ("imu",)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"position": "op1"}, "the code of a sheet is needed"),
        ({"sheet": 7, "position": "op1"}, "sheet has to be a text"),
        ({"sheet": "imu"}, "one of the two"),
        ({"sheet": "imu", "position": "op1", "call": "c"}, "one of the two"),
        ({"sheet": "ici", "call": "c"}, "there is no sheet 'ici'"),
        ({"sheet": "imu", "call": "nobodys"}, "there is no call 'nobodys'"),
    ],
)
def test_what_cannot_be_noted(shelf: Shelf, question: dict[str, object], said: str) -> None:
    """One sentence, and nothing is told to call control."""
    with pytest.raises(OfficeError, match=said):
        shelf.ask(**question)
    assert shelf.posted == []
