"""Cases across messages, calls and requests: of a number, a call or a person (E17, E19)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from appliance.policy.numbering import HOME_PLAN, NumberingPlan, are_same_number
from appliance.policy.requests import RequestState, RequestStep
from appliance.policy.users import (
    HANDOVER_TO_ALL,
    HandoverItem,
    HandoverKind,
    check_handover,
    handover_words,
    may_hand_over,
)
from appliance.policy.voicemail import MessageCare, MessageEntry, MessageState, MessageStep, care_of
from appliance.store import call_log, database, requests, users, voicemail
from appliance.store.call_log import NumberedCall, call_from_row
from appliance.store.database import Noted, transaction
from appliance.store.requests import StoredStep
from appliance.store.voicemail import (
    MISSED_DAYS,
    CaseKind,
    Message,
    MissedCall,
    list_messages,
    missed_calls,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from appliance.calls.orders import CallRecord
    from appliance.policy.requests import Request
    from appliance.store.requests import RequestMails, StoredRequest
    from appliance.text import Words


_PARTY_OF_MESSAGE: Final = "SELECT caller_number, caller_name FROM messages WHERE number = ?"
_PARTY_OF_REQUEST: Final = "SELECT phone, name FROM requests WHERE number = ?"
_PARTY_OF_CALL: Final = "SELECT caller_number, caller_name FROM calls WHERE call = ? OR rowid = ?"


def party_of_case(connection: sqlite3.Connection, case: str) -> tuple[str, str]:
    """Return number and name of the person of a case: "message:12", "request:7" or "call:ID".

    Both are "" for an unknown case or number.
    """
    kind, _, name = case.partition(":")
    if kind == "call":
        # No row has rowid -1: an id that is no number is looked up as an id alone.
        row = connection.execute(
            _PARTY_OF_CALL, (name, int(name) if name.isdigit() else -1)
        ).fetchone()
    elif kind in {"message", "request"} and name.isdigit():
        sql = _PARTY_OF_MESSAGE if kind == "message" else _PARTY_OF_REQUEST
        row = connection.execute(sql, (int(name),)).fetchone()
    else:
        row = None
    return (str(row[0]), str(row[1])) if row else ("", "")


_CALL: Final = "SELECT rowid, * FROM calls WHERE call = ?"

_REQUESTS_OF_CALL: Final = "SELECT number FROM requests WHERE call = ? ORDER BY number"
_MESSAGE_OF_CALL: Final = "SELECT number FROM messages WHERE call = ?"


@dataclass(frozen=True, slots=True)
class CallHistory:
    """All stored data of one call; `back` are the calls back, newest first.

    `message` is the number of the call's message, 0 for none; `entries` are oldest first.
    """

    one: NumberedCall
    entries: tuple[MessageEntry, ...]
    requests: tuple[Request, ...]
    message: int
    back: tuple[CallRecord, ...]


def call_history(connection: sqlite3.Connection, call: str) -> CallHistory | None:
    """Read all stored data of a call; None for an unknown call."""
    row = connection.execute(_CALL, (call,)).fetchone()
    if row is None:
        return None
    message = connection.execute(_MESSAGE_OF_CALL, (call,)).fetchone()
    numbers = [int(found["number"]) for found in connection.execute(_REQUESTS_OF_CALL, (call,))]
    return CallHistory(
        NumberedCall(int(row["rowid"]), call_from_row(row)),
        voicemail.list_entries(connection, voicemail.CaseKind.CALL, call),
        tuple(requests.required_request(connection, number).request for number in numbers),
        int(message["number"]) if message else 0,
        call_log.called_back(connection, (f"call:{call}",)).get(f"call:{call}", ()),
    )


_OPEN_STATES = (MessageState.NEW, MessageState.TAKEN)


@dataclass(frozen=True, slots=True)
class OpenCase:
    """One open message or call by its short number: instant, holder, count of failed calls back."""

    kind: CaseKind
    number: int
    at: datetime
    holder: str = ""
    failed: int = 0


def open_cases(
    connection: sqlite3.Connection, number: str, now: datetime, plan: NumberingPlan = HOME_PLAN
) -> tuple[OpenCase, ...]:
    """List the open cases of a number, newest first; none for ""."""
    # The operator sees them when a caller rings back after a call in vain (E17).
    found = (*_open_messages(connection, number, plan), *_open_calls(connection, number, now, plan))
    return tuple(sorted(found, key=lambda case: case.at, reverse=True))


def _open_messages(
    connection: sqlite3.Connection, number: str, plan: NumberingPlan
) -> list[OpenCase]:
    cares = voicemail.care_by_id(connection, CaseKind.MESSAGE)
    return [
        OpenCase(
            CaseKind.MESSAGE,
            one.number,
            one.received_at,
            one.taken_by,
            len(cares.get(one.id, MessageCare()).failed),
        )
        for state in _OPEN_STATES
        for one in list_messages(connection, state)
        if are_same_number(one.caller.number, number, plan)
    ]


def _open_calls(
    connection: sqlite3.Connection, number: str, now: datetime, plan: NumberingPlan
) -> list[OpenCase]:
    since = now - timedelta(days=MISSED_DAYS)
    return [
        OpenCase(
            CaseKind.CALL, one.number, one.record.rang_at, one.care.holder, len(one.care.failed)
        )
        for one in missed_calls(connection, since, plan)
        if one.is_open and are_same_number(one.record.caller.number, number, plan)
    ]


_NEWEST: Final = """
    SELECT (SELECT max(entry) FROM care), (SELECT max(rowid) FROM request_steps),
        (SELECT max(number) FROM messages), (SELECT max(number) FROM requests)
"""


def newest_marks(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Return numbers of which one grows whenever somebody does something about a case."""
    return tuple(int(mark or 0) for mark in connection.execute(_NEWEST).fetchone())


HANDOVER: Final = "handover"
"""Code in the audit log."""
_NOTES: Final = """
    SELECT care.kind AS kind, care.subject AS subject, care.at AS at, care.by AS by,
        care.given_by AS given_by, care.note AS note, messages.number AS number
    FROM care LEFT JOIN messages ON care.kind = 'message' AND messages.id = care.subject
    WHERE care.note <> '' AND datetime(care.at) >= datetime(?) ORDER BY care.entry
"""


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover (E19): by whom, from which position, to whom ("" for everybody), when, what."""

    by: str
    position: str
    to: str
    at: datetime
    items: tuple[HandoverItem, ...]


@dataclass(frozen=True, slots=True)
class CaseNote:
    """A note about a message, or (`number` 0) about a call."""

    at: datetime
    by: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class TakenCases:
    """Cases that one person has taken; requests without a follower; notes since an instant."""

    messages: tuple[Message, ...]
    calls: tuple[MissedCall, ...]
    requests: tuple[StoredRequest, ...]
    nobodys: tuple[StoredRequest, ...]
    notes: tuple[CaseNote, ...]

    @property
    def items(self) -> tuple[HandoverItem, ...]:
        """List all that can be handed over."""
        return (
            *(HandoverItem(HandoverKind.MESSAGE, one.number) for one in self.messages),
            *(HandoverItem(HandoverKind.CALL, one.number) for one in self.calls),
            *(HandoverItem(HandoverKind.REQUEST, one.request.number) for one in self.requests),
        )


def taken_cases(
    connection: sqlite3.Connection,
    names: Collection[str],
    calls_since: datetime,
    notes_since: datetime,
    plan: NumberingPlan = HOME_PLAN,
) -> TakenCases:
    """Read the cases held by a person or the person's position (`names`), oldest first."""
    # A position is not a person (E19): a case may be taken in the name of either.
    taken = voicemail.list_messages(connection, MessageState.TAKEN)
    calls = voicemail.missed_calls(connection, calls_since, plan)
    open_ones = requests.list_requests(connection, *requests.OPEN_STATES)
    return TakenCases(
        tuple(one for one in reversed(taken) if one.taken_by in names),
        tuple(one for one in reversed(calls) if one.is_open and one.care.holder in names),
        tuple(one for one in reversed(open_ones) if one.request.follower in names),
        tuple(one for one in reversed(open_ones) if not one.request.follower),
        tuple(_case_note(row) for row in connection.execute(_NOTES, (notes_since.isoformat(),))),
    )


def hand_over(
    connection: sqlite3.Connection,
    asked: Handover,
    letters: RequestMails,
    zone: tzinfo | None = None,
) -> Words:
    """Hand cases over, each by an entry of its own, audited by count; returns what was done.

    Cases that the giver no longer holds are left out. Raises SaidError for a refused handover;
    `zone` is the site's.
    """
    giver = users.find_user(connection, asked.by)
    taker = users.find_user(connection, asked.to) if asked.to else None
    check_handover(asked.items, giver, taker, asked.to)
    given = sum(_hand_over_case(connection, item, asked, letters, zone) for item in asked.items)
    if given:
        # The audit log has the count: each case has its own entry.
        with transaction(connection):
            about = f"{given} -> {asked.to or '*'}"
            database.note(connection, Noted(asked.at, asked.by, HANDOVER, about))
    return handover_words(
        given, len(asked.items) - given, taker.shown if taker else HANDOVER_TO_ALL
    )


def _hand_over_case(
    connection: sqlite3.Connection,
    item: HandoverItem,
    asked: Handover,
    letters: RequestMails,
    zone: tzinfo | None,
) -> bool:
    """Hand one case over; False if the giver does not hold it, or it is closed."""
    if item.kind is HandoverKind.REQUEST:
        return _hand_over_request(connection, item.number, asked, letters)
    kind = voicemail.CaseKind(item.kind.value)
    subject, number = voicemail.find_case(connection, kind, str(item.number))
    now: MessageCare = care_of(voicemail.list_entries(connection, kind, subject))
    # The writer thread is the only one that writes: what is read here still holds below.
    if now.state is not MessageState.TAKEN or not _is_theirs(item.kind, now.holder, asked):
        return False
    # Handed over to all, a case is free for anybody to take.
    step = MessageStep.GIVE if asked.to else MessageStep.RELEASE
    entry = MessageEntry(asked.at, asked.by, step, to=asked.to)
    voicemail.add_entry(connection, kind, str(number), entry, zone)
    return True


def _hand_over_request(
    connection: sqlite3.Connection, number: int, asked: Handover, letters: RequestMails
) -> bool:
    request = requests.required_request(connection, number).request
    if request.state is RequestState.DONE or not _is_theirs(
        HandoverKind.REQUEST, request.follower, asked
    ):
        return False
    happened = StoredStep(uuid.uuid4().hex, RequestStep.GIVE, asked.at, asked.by, asked.to)
    requests.apply_step(connection, number, happened, letters)
    return True


def _is_theirs(kind: HandoverKind, holder: str, asked: Handover) -> bool:
    return may_hand_over(kind, holder, asked.by, asked.position, asked.to)


def _case_note(row: sqlite3.Row) -> CaseNote:
    by = str(row["given_by"] or row["by"])
    at = datetime.fromisoformat(row["at"])
    return CaseNote(at, by, str(row["note"]), int(row["number"] or 0))
