"""What call control refuses an operator is said in both languages: no English on Italian pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api import calls, sheets
from appliance.api.commands import UseSheet
from appliance.api.protocol import error_reply
from appliance.api.requests import RequestCommands
from appliance.calls.commands import TransferCall
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.policy.directory import Directory
from appliance.policy.requests import Citizen, Contact, take_slot
from appliance.policy.text import SaidError
from appliance.policy.transfers import TransferReason, may_transfer
from appliance.service.command_table import CommandTable
from appliance.store import call_log, database, requests, voicemail
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import CaseKind
from tests.calls.examples import up
from tests.console.call_control_calls import Mailroom
from tests.helpers.wire import wire, wish
from tests.policy.small_directory import CALENDAR, rome
from tests.store.test_requests import ASKED, AT, DIARY, WANTED
from tests.stories.offices import EXAMPLE

NEW = {
    "ask": "new_request", "rule": "email", "unit": "anagrafe", "need": "aire", "name": "Anna",
    "phone": "3470000001", "prefers": "phone", "subject": "AIRE", "by": "op1",
}  # fmt: skip
CARE = {"kind": "message", "name": "1", "by": "op1", "at": "2026-11-25T11:00:00+01:00"}
CALL = {"call": "op1", "unit": "anagrafe", "need": "", "by": "carla"}
STEP = {"ask": "request_step", "number": 1, "by": "op1"}
PAST = "2026-11-01T10:00:00+01:00"


class Stores:
    """Records whose jobs are done at once."""

    letters = requests.NO_MAILS

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def do(self, job: Callable[[sqlite3.Connection], Any], done: Callable[[Any], None]) -> None:
        """Do it, and tell what came of it."""
        try:
            result = job(self.connection)
        except CentralinoError as error:
            result = error
        done(result)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Records with one request, taken over by e-mail."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.row_factory = sqlite3.Row
        database.migrate(opened)
        requests.insert_request(opened, RequestToStore("r1", ASKED, AT))
        yield opened


def of_requests(connection: sqlite3.Connection, question: dict[str, Any]) -> dict[str, Any]:
    """Ask something about requests; raises what is refused."""
    stores: Any = Stores(connection)
    mailroom: Any = Mailroom()
    asked = RequestCommands(stores, mailroom, lambda: datetime.now(UTC)).known
    told: list[Any] = []
    later: Any = asked[question["ask"]](question)
    later(lambda reply: told.append(wire(reply)))
    if isinstance(told[0], CentralinoError):
        raise told[0]
    answer: dict[str, Any] = told[0]
    return answer


def said(why: SaidError) -> None:
    """The control socket tells both, each its own."""
    told = error_reply(why)["said"]
    assert told["it"]
    assert told["en"]
    assert told["it"] != told["en"]


@pytest.mark.parametrize(
    "question",
    [
        NEW | {"name": ""},
        NEW | {"phone": ""},
        NEW | {"phone": "abc"},
        NEW | {"email": "anna"},
        NEW | {"email": "a@example.it", "phone": ""},
        NEW | {"prefers": "email"},
        NEW | {"subject": " ", "anyway": True},
        NEW | {"rule": "appointment", "form": "in_person"},
        NEW | {"phone": ASKED.citizen.phone},
        STEP | {"step": "remind"},
        STEP | {"step": "close"},
        STEP | {"step": "cancel"},
        STEP | {"step": "move", "starts": "2027-01-01T10:00:00+01:00"},
        STEP | {"step": "move", "starts": "domani"},
        STEP | {"step": "take", "number": 99},
    ],
)
def test_about_requests(connection: sqlite3.Connection, question: dict[str, Any]) -> None:
    """What is missing, who must say so, what is not there."""
    with pytest.raises(SaidError) as refused:
        of_requests(connection, question)
    said(refused.value)


def test_about_an_office_that_takes_no_appointments(connection: sqlite3.Connection) -> None:
    """What it has declared instead, by name (P6)."""
    stores: Any = Stores(connection)
    mailroom: Any = Mailroom()
    mailroom.rules = lambda *_: (WANTED.rule,)
    with pytest.raises(SaidError) as refused:
        RequestCommands(stores, mailroom, lambda: AT).take(wish(NEW))
    said(refused.value)


def test_about_an_hour_that_the_office_does_not_give() -> None:
    """Not one of its times, or one just taken."""
    start = rome("2026-11-30 15:00")
    for booked, at in (({}, start - timedelta(hours=5)), ({start: 2}, start)):
        with pytest.raises(SaidError) as refused:
            take_slot(DIARY.slots, CALENDAR, booked, at, AT)
        said(refused.value)


@pytest.mark.parametrize(
    "question", [CARE | {"step": "note"}, CARE | {"step": "close"}, CARE | {"step": "give"}]
)
def test_about_messages(question: dict[str, Any]) -> None:
    """A note without words, a closing without its outcome; giving has its own question."""
    if question["step"] == "give":
        with pytest.raises(CentralinoError, match="cannot be asked"):
            calls.read_step(wish(question, "care"))
        return
    with pytest.raises(SaidError) as refused:
        calls.read_step(wish(question, "care"))
    said(refused.value)


def test_about_what_is_not_there(connection: sqlite3.Connection) -> None:
    """A message, a call, an office, a sheet."""
    note = sheets.read_note(UseSheet(sheet="imu", position="op1"))
    asked: tuple[Callable[[], object], ...] = (
        lambda: voicemail.find_case(connection, CaseKind.MESSAGE, "9"),
        lambda: voicemail.find_case(connection, CaseKind.CALL, "9"),
        lambda: call_log.note_sheet(connection, "c-9", "imu"),
        lambda: may_transfer(Directory(), CALENDAR, "lavori", "", Now(0.0, AT)),
        lambda: sheets._note(connection, note, "", AT),
        lambda: sheets.last_call(connection, "op1", AT),
        lambda: sheets.read_note(UseSheet()),
        lambda: sheets.read_note(UseSheet(sheet="imu")),
        lambda: wish(CALL, "TransferCall"),
        lambda: wish(CALL | {"reason": "boredom"}, "TransferCall"),
        lambda: up().call_for(TransferCall("op1", "anagrafe", "", TransferReason.TOPIC, "carla")),
        lambda: replace(Citizen("Anna", "347"), phone="", email="a@b.it", prefers=Contact.PHONE),
    )
    for ask in asked:
        with pytest.raises(SaidError) as refused:
            ask()
        said(refused.value)


def test_about_a_state_that_would_have_ended_already() -> None:
    """Until a time that is past."""
    now = SimpleNamespace(wall=datetime.now(UTC))
    half: Any = SimpleNamespace(_call_control=SimpleNamespace(now=lambda: now), _zone=EXAMPLE.zone)
    half._rights = SimpleNamespace(shown=str)
    question = wish({"ask": "SetClosed", "on": True, "by": "carla", "until": PAST})
    with pytest.raises(SaidError) as refused:
        CommandTable.change(half, question)
    said(refused.value)
