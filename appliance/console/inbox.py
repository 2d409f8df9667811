"""The work to be followed: messages, calls, returns and requests in one list, by urgency.

What is written down is read from the database; returns of the moment come from call control.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.calls.orders import Result
from appliance.console.control_client import people_names, unit_names
from appliance.console.live import CallView
from appliance.policy.numbering import NumberingPlan
from appliance.policy.voicemail import MessageCare, MessageState, is_late
from appliance.store import requests, users, voicemail
from appliance.store.requests import StoredRequest
from appliance.store.voicemail import CaseKind, Message, MissedCall

MOST: Final = 200
"""Messages and requests that the list holds; nobody reads on."""


class WorkKind(enum.StrEnum):
    """Kind of a case in the list; the values stand in addresses."""

    MESSAGE = "message"
    CALL = "call"
    RETURN = "return"
    REQUEST = "request"


class WorkGroup(enum.StrEnum):
    """Part of the list."""

    NOW = "now"
    TODAY = "today"
    OFFICE = "office"


class Urgency(enum.IntEnum):
    """Order within the list, the most urgent first."""

    RETURN = 0
    LATE = 1
    MINE = 2
    WANTED = 3
    OPEN = 4
    WITH_OFFICE = 5


@dataclass(frozen=True, slots=True)
class Work:
    """One case: when it came, who has taken it ("" nobody); `about` is what it is made of."""

    kind: WorkKind
    number: int
    at: datetime
    urgency: Urgency
    about: Message | MissedCall | CallView | StoredRequest | HalfTyped
    holder: str = ""
    failed: int = 0
    is_heard: bool = True

    @property
    def path(self) -> str:
        """Address of the case; a return or half-typed form is finished on the operator's page."""
        is_there = isinstance(self.about, CallView | HalfTyped)
        return "/desk" if is_there else f"/inbox/{self.kind}/{self.number}"

    @property
    def group(self) -> WorkGroup:
        """Part of the list in which it stands."""
        if isinstance(self.about, StoredRequest):
            return WorkGroup.OFFICE
        return WorkGroup.NOW if self.urgency < Urgency.OPEN else WorkGroup.TODAY

    @property
    def is_late(self) -> bool:
        """Tell whether it should have been done by now."""
        return self.urgency is Urgency.LATE


@dataclass(frozen=True, slots=True)
class HalfTyped:
    """Form of the desk that a user has not sent yet: the caller's name and the office's code.

    `is_back`: the call had come back from the office.
    """

    name: str
    unit: str
    call: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class WorkReader:
    """Who reads the list: the user, `names` of user and position, and what they may see.

    `late` are the numbers of overdue requests, `going` the calls of the moment: only call control
    can tell.
    """

    user: str
    names: Collection[str]
    hears_messages: bool
    late: Collection[int]
    going: Collection[str]
    now: datetime
    plan: NumberingPlan


@dataclass(frozen=True, slots=True)
class WorkList:
    """The list, the most urgent first, with the names of people and offices."""

    work: tuple[Work, ...]
    people: Mapping[str, str]
    units: Mapping[str, str]

    def of(self, kind: WorkKind) -> tuple[Work, ...]:
        """Return the cases of one kind."""
        return tuple(one for one in self.work if one.kind is kind)

    def in_group(self, group: WorkGroup) -> tuple[Work, ...]:
        """Return the cases in one part of the list."""
        return tuple(one for one in self.work if one.group is group)

    def next_after(self, path: str, names: Collection[str]) -> Work | None:
        """Return the next case that no colleague has taken, from the beginning after the last."""
        free = [one for one in self.work if one.holder == "" or one.holder in names]
        opened = [one for one in free if not isinstance(one.about, CallView | HalfTyped)]
        places = [at for at, one in enumerate(opened) if one.path == path]
        following = opened[places[0] + 1 :] if places else opened
        others = [one for one in (*following, *opened) if one.path != path]
        return others[0] if others else None


def read_work(
    connection: sqlite3.Connection, reader: WorkReader, returns: Collection[CallView] = ()
) -> WorkList:
    """Read the whole list; `returns` are the calls that came back and are still there."""
    people = people_names(connection)
    found = [
        *(Work(WorkKind.RETURN, 0, one.since, Urgency.RETURN, one) for one in returns),
        *_half_typed(connection, reader),
        *_requests(connection, reader),
    ]
    if reader.hears_messages:
        found += (*_messages(connection, reader), *_calls(connection, reader))
    order = list(WorkGroup)
    found.sort(key=lambda one: (order.index(one.group), one.urgency, one.at))
    return WorkList(tuple(found), people, unit_names(connection))


def _half_typed(connection: sqlite3.Connection, reader: WorkReader) -> Iterator[Work]:
    """Yield the forms that the user has begun on the desk, but those of calls that go on."""
    body = users.find_draft(connection, reader.user, "desk", reader.now)
    try:
        draft = json.loads(body or "null")
        forms = _forms(draft) if isinstance(draft, dict) else []
    # The browser has written it: whatever it holds, the page opens.
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    for form in forms:
        if form.call not in reader.going:
            kind = WorkKind.RETURN if form.is_back else WorkKind.REQUEST
            yield Work(kind, 0, reader.now, Urgency.RETURN, form)


def _forms(draft: Mapping[str, Any]) -> list[HalfTyped]:
    every = [draft.get("form"), *(one.get("form") for one in draft.get("pending") or ())]
    return [
        HalfTyped(
            str(dict(form["values"]).get("name") or _caption(draft, form["about"])),
            str(form["about"]["unit"]),
            str(form["about"].get("call") or ""),
            bool(dict(form["values"]).get("back")),
        )
        for form in every
        if form
    ]


def _caption(draft: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return how the page named the call, "" if it did not."""
    return str((draft.get("captions") or {}).get(about.get("call")) or "")


def _messages(connection: sqlite3.Connection, reader: WorkReader) -> Iterator[Work]:
    cares = voicemail.care_by_id(connection, CaseKind.MESSAGE)
    for state in (MessageState.NEW, MessageState.TAKEN):
        for one in voicemail.list_messages(connection, state, MOST):
            care = cares.get(one.id, MessageCare())
            yield Work(
                WorkKind.MESSAGE,
                one.number,
                one.received_at,
                _urgency(care, reader),
                one,
                one.taken_by,
                len(care.failed),
                bool(care.heard),
            )


def _calls(connection: sqlite3.Connection, reader: WorkReader) -> Iterator[Work]:
    since = reader.now - timedelta(days=voicemail.MISSED_DAYS)
    for one in voicemail.missed_calls(connection, since, reader.plan):
        if not one.is_open:
            continue
        urgency = _urgency(one.care, reader)
        # A call that a restart cut off, or whose caller asked to be called back (E18, E16).
        if one.wanted or one.record.result is Result.INTERRUPTED:
            urgency = min(urgency, Urgency.WANTED)
        yield Work(
            WorkKind.CALL,
            one.number,
            one.record.rang_at,
            urgency,
            one,
            one.care.holder,
            len(one.care.failed),
        )


def _urgency(care: MessageCare, reader: WorkReader) -> Urgency:
    if is_late(care):
        return Urgency.LATE
    return Urgency.MINE if care.holder and care.holder in reader.names else Urgency.OPEN


def _requests(connection: sqlite3.Connection, reader: WorkReader) -> Iterator[Work]:
    for kept in requests.list_requests(connection, *requests.OPEN_STATES, limit=MOST):
        one = kept.request
        late = one.number in reader.late
        yield Work(
            WorkKind.REQUEST,
            one.number,
            one.at,
            Urgency.LATE if late else Urgency.WITH_OFFICE,
            kept,
        )
