"""What is open of one number: messages and calls that somebody should call back (E17).

Whoever rings back after a call in vain finds it on the operator's screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from appliance.policy.messages import Care, MessageState
from appliance.policy.numbering import HOME, Plan
from appliance.policy.same_number import are_same
from appliance.records import care, messages, missed
from appliance.records.care import Kind

if TYPE_CHECKING:
    import sqlite3

_OPEN = (MessageState.NEW, MessageState.TAKEN)


@dataclass(frozen=True, slots=True)
class OpenCase:
    """One message or call, by its short number: since when, who has it, calls back in vain."""

    kind: Kind
    number: int
    at: datetime
    holder: str = ""
    failed: int = 0


def open_cases(
    connection: sqlite3.Connection, number: str, now: datetime, plan: Plan = HOME
) -> tuple[OpenCase, ...]:
    """List what is open of a number, newest first; none for ""."""
    found = (*_messages(connection, number, plan), *_calls(connection, number, now, plan))
    return tuple(sorted(found, key=lambda case: case.at, reverse=True))


def _messages(connection: sqlite3.Connection, number: str, plan: Plan) -> list[OpenCase]:
    cares = care.cares(connection, Kind.MESSAGE)
    return [
        OpenCase(
            Kind.MESSAGE,
            one.number,
            one.received_at,
            one.taken_by,
            len(cares.get(one.id, Care()).failed),
        )
        for state in _OPEN
        for one in messages.messages(connection, state)
        if are_same(one.caller.number, number, plan)
    ]


def _calls(
    connection: sqlite3.Connection, number: str, now: datetime, plan: Plan
) -> list[OpenCase]:
    since = now - timedelta(days=missed.DAYS)
    return [
        OpenCase(Kind.CALL, one.number, one.record.rang_at, one.care.holder, len(one.care.failed))
        for one in missed.missed(connection, since, plan)
        if one.is_open and are_same(one.record.caller.number, number, plan)
    ]
