"""From records to the report: each result counts in one way, transfers are read from the trail."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.calls.model import ReturnCause
from appliance.calls.orders import CallRecord, Result
from appliance.policy.directory import ReturnRule
from appliance.policy.reports import CallRow, Ending, TransferAttempt, report_of
from appliance.policy.requests import Citizen, NewRequest
from appliance.policy.routing import Destination
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import call_log, report_text, reports, requests, voicemail
from appliance.store.database import open_database
from appliance.store.reports import ENDING_OF_RESULT, UNFINISHED, RowMemo, call_row
from appliance.store.voicemail import CaseKind
from tests.policy.small_directory import CALENDAR, EMAIL
from tests.store.samples import ROME, TEN

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
BUSY = "transfer.anagrafe.aire.topic.refer"
ANA, TRI = "transfer.ana.aire.topic.keys", "transfer.tri.imu.depth.person"
START, END = TEN.replace(day=1, hour=0), TEN.replace(day=1, month=12, hour=0)


def answered(call: str = "a-1", wait: float = 6, **changes: object) -> CallRecord:
    """Make a call that op1 answered."""
    made = CallRecord(
        call,
        "line1",
        TEN,
        called="051598111",
        way=Destination.SWITCHBOARD,
        phone="op1",
        answered_at=TEN + timedelta(seconds=wait),
        result=Result.ANSWERED,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def test_every_result_but_a_call_that_goes_on_counts_in_one_way() -> None:
    """No call is counted nowhere, whatever results there are."""
    dialled = {Result.NOT_REACHED, Result.REFUSED}  # the office called: no citizen did
    assert {each.value for each in Result} - set(ENDING_OF_RESULT) == {Result.OPEN, *dialled}


@pytest.mark.parametrize(
    ("trail", "ending", "sent"),
    [
        (("rang", "talking"), Ending.FILTER, ()),
        ((ANA, "transferred.ana"), Ending.TRANSFERRED, (TransferAttempt("ana", "", "aire"),)),
        ((ANA, "returned.ana.busy"), Ending.RETURNED, (TransferAttempt("ana", "busy", "aire"),)),
        (
            (ANA, "returned.ana.no_answer", TRI, "transferred.tri"),
            Ending.TRANSFERRED,
            (TransferAttempt("ana", "no_answer", "aire"), TransferAttempt("tri", "", "imu")),
        ),
        ((ANA, "transferred.ana", "returned.ana.sent_back"), Ending.RETURNED,
         (TransferAttempt("ana", "sent_back", "aire"),)),
        ((ANA, "transfer.no_line", "ring.ana.aire.1"), Ending.LOST,
         (TransferAttempt("ana", UNFINISHED, "aire"),)),
        ((ANA, "returned.ana.busy", "return.ring.op1"), Ending.LOST,
         (TransferAttempt("ana", "busy", "aire"),)),
        ((ANA, "returned.ana.busy", "return.ring.op1", "return.answered.op1"), Ending.RETURNED,
         (TransferAttempt("ana", "busy", "aire"),)),
        (("transferred.ana", "returned.ana.busy"), Ending.FILTER, ()),
    ],
)  # fmt: skip
def test_what_the_trail_tells(
    trail: tuple[str, ...], ending: Ending, sent: tuple[TransferAttempt, ...]
) -> None:
    """P6, E7: the last transfer decides what became of the call; each that began counts once."""
    row = call_row(answered(trail=trail), ROME)
    assert (row.ending, row.sent, row.wait_s) == (ending, sent, 6.0)


def test_every_reason_has_its_words() -> None:
    """The office reads why its calls came back, never a code."""
    assert set(report_text.REASONS) == {*(each.value for each in ReturnCause), UNFINISHED}


def test_only_a_person_who_answers_makes_a_wait() -> None:
    """Voicemail answers at once and nobody waited for it; a clock set back tells nothing."""
    voicemail = answered(result=Result.MESSAGE, way=Destination.VOICEMAIL)
    assert (call_row(voicemail, ROME).wait_s, call_row(voicemail, ROME).position) == (None, "")
    assert call_row(answered(wait=-3), ROME).wait_s is None
    assert call_row(answered(way=Destination.CITIZENS_DESK), ROME).overflow


def test_the_report_from_the_database(tmp_path: Path) -> None:
    """Calls and requests of the time, not those before or after; open requests whenever taken."""
    db = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    gave_up = answered("a-2", result=Result.GAVE_UP, called="", phone="", answered_at=None)
    calls = [
        answered(),
        gave_up,
        answered("a-3", trail=(BUSY, "returned.anagrafe.busy"), called="800011837"),
        answered("a-4", rang_at=TEN - timedelta(days=40)),
        answered("a-5", result=Result.OPEN),
    ]
    call_log.upsert_calls(db, calls, "b")
    for number, days in enumerate((2, 40)):
        new = NewRequest(
            ReturnRule(EMAIL), "anagrafe", "aire", Citizen("Anna Verdi", "3470000001"),
            "AIRE", "Chiede i tempi", TEN - timedelta(days=days), "op1",
        )  # fmt: skip
        requests.insert_request(db, requests.RequestToStore(f"r{number}", new, new.at))
    rows = reports.call_rows(db, START, END, ROME)
    asked = reports.request_rows(db, START, END, CALENDAR, TEN)
    found = report_of(rows, asked)
    assert (found.total.calls, found.total.by_filter) == (3, 1)
    assert set(found.numbers) == {"", "051598111", "800011837"}
    anagrafe = found.units["anagrafe"]
    assert (anagrafe.asked, dict(anagrafe.returned)) == (1, {"busy": 1})
    assert (anagrafe.appointments, anagrafe.emails, anagrafe.open, anagrafe.overdue) == (0, 1, 2, 1)
    text = report_text.as_text(found, FIRST, LAST, "it", {"anagrafe": "Anagrafe"})
    assert "Risposte del filtro senza trasferimento: 1 su 2 servite (50%)" in text
    assert "non noto" in text
    assert "Anagrafe" in text
    assert "postazione" not in text
    value = json.loads(report_text.as_json(found, FIRST, LAST))
    assert (value["total"]["by_filter"], value["positions"]) == (1, {})
    table = list(csv.reader(report_text.as_csv(found).splitlines(), delimiter=";"))
    assert table[1][:4] == ["total", "", "3", "1"]
    assert ["unit", "anagrafe", "1", "0", "1", "0", "1", "2", "1"] in table
    assert ["need", "anagrafe.aire", "1", "0", "1", "0", "1", "2", "1"] in table
    subject, body = report_text.unit_sheet(anagrafe, "Anagrafe", "2026-11", "it")
    assert subject == "Anagrafe: chiamate e richieste, 2026-11"
    assert "Ritornate (occupato): 1." in body
    db.close()


def test_positions_are_shown_with_the_agreement_that_allows_it() -> None:
    """E21: whoever reads figures per position reads on what ground."""
    found = report_of([call_row(answered(), ROME)], [], per_person=True)
    text = report_text.as_text(found, FIRST, LAST, "it", {}, "Accordo 3/2026")
    assert "Per postazione (Accordo 3/2026)" in text
    assert "op1" in text


def test_an_empty_time_is_no_error() -> None:
    """Nobody called: no share, no times."""
    text = report_text.as_text(report_of([], []), FIRST, LAST, "en", {})
    assert "0 of 0 served (–)" in text
    assert report_text.as_csv(report_of([], [])).startswith("group;key;calls;filter;")


def test_no_number_of_a_citizen_is_in_a_report() -> None:
    """Sums alone: whoever reads it learns nothing of a caller."""
    caller = Caller(Presentation.SHOWN, "0519876543", "ROSSI")
    found = report_of([call_row(answered(caller=caller), ROME)], [])
    told = report_text.as_text(found, FIRST, LAST, "it", {}) + report_text.as_csv(found)
    assert "0519876543" not in told + report_text.as_json(found, FIRST, LAST)


def care(step: MessageStep, hours: float, outcome: MessageOutcome | None = None) -> MessageEntry:
    """Make an entry about a call, so many hours after TEN."""
    return MessageEntry(TEN + timedelta(hours=hours), "op1", step, outcome)


@pytest.mark.parametrize(
    ("entries", "is_called_back"),
    [
        ((), False),
        ((care(MessageStep.CLOSE, 2, MessageOutcome.CALLED_BACK),), True),
        ((care(MessageStep.CLOSE, 24, MessageOutcome.CALLED_BACK),), False),
        ((care(MessageStep.CLOSE, 2, MessageOutcome.NOT_REACHABLE),), False),
        (
            (care(MessageStep.CLOSE, 1, MessageOutcome.CALLED_BACK), care(MessageStep.REOPEN, 2)),
            False,
        ),
    ],
)
def test_called_back_the_same_day(
    tmp_path: Path, entries: tuple[MessageEntry, ...], is_called_back: bool
) -> None:
    """Closed as called back on the local day of the call, and not reopened since."""
    db = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    lost = answered("a-2", result=Result.GAVE_UP, phone="", answered_at=None)
    call_log.upsert_calls(db, [answered(), lost], "b")
    for entry in entries:
        voicemail.add_entry(db, CaseKind.CALL, "a-2", entry)
    rows = reports.call_rows(db, START, END, ROME)
    assert [row.called_back for row in rows] == [False, is_called_back]


def test_what_was_read_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a memo only changed calls cost anything, and the rows are the same."""
    db = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    call_log.upsert_calls(db, [answered(f"a-{n}") for n in range(5)], "b")
    memo, decoded = RowMemo(), []
    make = reports.call_row

    def counting(record: CallRecord, *others: Any) -> CallRow:
        decoded.append(record.call)
        return make(record, *others)

    monkeypatch.setattr(reports, "call_row", counting)
    assert reports.call_rows(db, START, END, ROME, memo) == reports.call_rows(db, START, END, ROME)
    decoded.clear()
    call_log.upsert_calls(db, [answered("a-2", wait=9)], "b")
    again = reports.call_rows(db, START, END, ROME, memo)
    assert (decoded, again[2].wait_s, len(again)) == (["a-2"], 9.0, 5)
    assert reports.call_rows(db, END, END, ROME, memo) == ()
    assert memo.rows == {}
