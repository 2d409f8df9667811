"""What somebody has taken and can hand over, and the handing over itself (E19): entries only added.

In the records' thread, the only writer: what is looked at is still so when it is changed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy import handover
from appliance.policy.handover import TO_ALL, Item, Kind
from appliance.policy.messages import Care, Entry, MessageState, Step, care_of
from appliance.policy.numbering import HOME, Plan
from appliance.policy.requests import State
from appliance.policy.requests import Step as RequestStep
from appliance.records import audit, care, messages, missed, requests, users
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.request_rows import Happened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from appliance.policy.words import Words
    from appliance.records.messages import Message
    from appliance.records.missed import Missed
    from appliance.records.request_rows import Kept
    from appliance.records.requests import Letters

HANDOVER: Final = "handover"
"""The code in the audit."""
_OPEN: Final = (State.OPEN, State.SENT, State.TAKEN)
_NOTES: Final = """
    SELECT care.kind AS kind, care.subject AS subject, care.at AS at, care.by AS by,
        care.given_by AS given_by, care.note AS note, messages.number AS number
    FROM care LEFT JOIN messages ON care.kind = 'message' AND messages.id = care.subject
    WHERE care.note <> '' AND datetime(care.at) >= datetime(?) ORDER BY care.entry
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who hands over what to whom (`to` is TO_ALL for everybody), and when."""

    by: str
    position: str
    to: str
    at: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Words written about a message, or (`number` 0) about a call."""

    at: datetime
    by: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Mine:
    """What somebody has taken; requests that nobody follows; the notes since a moment, of all."""

    messages: tuple[Message, ...]
    calls: tuple[Missed, ...]
    requests: tuple[Kept, ...]
    nobodys: tuple[Kept, ...]
    notes: tuple[Note, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """Name all that can be handed over."""
        return (
            *(Item(Kind.MESSAGE, one.number) for one in self.messages),
            *(Item(Kind.CALL, one.number) for one in self.calls),
            *(Item(Kind.REQUEST, one.request.number) for one in self.requests),
        )


def mine(
    connection: sqlite3.Connection,
    names: Collection[str],
    calls_since: datetime,
    notes_since: datetime,
    plan: Plan = HOME,
) -> Mine:
    """Read what is in the names of a person and of their position, oldest first."""
    taken = messages.messages(connection, MessageState.TAKEN)
    calls = missed.missed(connection, calls_since, plan)
    open_ones = requests.listed(connection, *_OPEN)
    return Mine(
        tuple(one for one in reversed(taken) if one.taken_by in names),
        tuple(one for one in reversed(calls) if one.is_open and one.care.holder in names),
        tuple(one for one in reversed(open_ones) if one.request.follower in names),
        tuple(one for one in reversed(open_ones) if not one.request.follower),
        tuple(_note(row) for row in connection.execute(_NOTES, (notes_since.isoformat(),))),
    )


def give(connection: sqlite3.Connection, asked: Asked, letters: Letters) -> Words:
    """Hand over, each thing by an entry of its own, audited by how many; returns what was done.

    What is no more theirs stays where it is. Raises SaidError for what may not be handed over.
    """
    giver = users.find(connection, asked.by)
    taker = users.find(connection, asked.to) if asked.to else None
    handover.check(asked.items, giver, taker, asked.to)
    given = sum(_give(connection, item, asked, letters) for item in asked.items)
    if given:
        with transaction(connection):
            about = f"{given} -> {asked.to or '*'}"
            audit.note(connection, Noted(asked.at, asked.by, HANDOVER, about))
    return handover.done(given, len(asked.items) - given, taker.shown if taker else TO_ALL)


def _give(connection: sqlite3.Connection, item: Item, asked: Asked, letters: Letters) -> bool:
    """Hand one thing over; False where it is not theirs, or is over."""
    if item.kind is Kind.REQUEST:
        return _give_request(connection, item.number, asked, letters)
    kind = care.Kind(item.kind.value)
    subject, number = care.find(connection, kind, str(item.number))
    now: Care = care_of(care.history(connection, kind, subject))
    if now.state is not MessageState.TAKEN or not _is_theirs(item.kind, now.holder, asked):
        return False
    step = Step.GIVE if asked.to else Step.RELEASE
    care.add(connection, kind, str(number), Entry(asked.at, asked.by, step, to=asked.to))
    return True


def _give_request(
    connection: sqlite3.Connection, number: int, asked: Asked, letters: Letters
) -> bool:
    request = requests.required(connection, number).request
    if request.state is State.DONE or not _is_theirs(Kind.REQUEST, request.follower, asked):
        return False
    happened = Happened(uuid.uuid4().hex, RequestStep.GIVE, asked.at, asked.by, asked.to)
    requests.change(connection, number, happened, letters)
    return True


def _is_theirs(kind: Kind, holder: str, asked: Asked) -> bool:
    return handover.may_be_given(kind, holder, asked.by, asked.position, asked.to)


def _note(row: sqlite3.Row) -> Note:
    by = str(row["given_by"] or row["by"])
    at = datetime.fromisoformat(row["at"])
    return Note(at, by, str(row["note"]), int(row["number"] or 0))
