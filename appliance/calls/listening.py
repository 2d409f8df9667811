"""Hearing the messages on a phone of the office: oldest first, those that nobody has closed.

Keys while a message plays or after it: 1 again, 2 the next one, 3 dealt with (called back), 4 no
call back needed. Without a key the next one follows (E5); nothing is closed by merely listening.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.calls import announcements, orders, sides
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed, MessageClosed, MessageFetched, PhoneDialled
from appliance.calls.orders import Order
from appliance.calls.side_states import LISTENING_TABLE, SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.policy.clock import Now

AGAIN, NEXT = "1", "2"
CLOSES = {"3": "called_back", "4": "not_needed"}
"""The outcome (records.messages.Outcome) with which a key closes the message."""


@dataclass(slots=True)
class Listening(Side):
    """A phone that hears messages; `at` is the one fetched last, `told` how many were heard."""

    at: MessageFetched | None = None
    told: int = 0
    closed: bool = False


def listen(desk: Desk, event: PhoneDialled, now: Now) -> Iterator[Order]:
    """Answer the phone; the first message is fetched once it is up."""
    sides.begin(desk, Listening(event.leg, event.phone, LISTENING_TABLE, DOINGS), now)
    yield orders.AcceptPhone(event.leg)


def _fetch(desk: Desk, side: Listening, event: Any, now: Now) -> Iterator[Order]:
    yield orders.FetchMessage(side.leg, side.at.number if side.at else 0)


def _tell(desk: Desk, side: Listening, event: MessageFetched, now: Now) -> Iterator[Order]:
    """Play the message, with who called and when before it and the keys behind it."""
    if event.reason or not event.message:
        key = (
            "messages_fault"
            if event.reason
            else "messages_no_more"
            if side.told
            else "messages_none"
        )
        yield from _leave(desk, side, key, now)
        return
    side.at, side.told = event, side.told + 1
    yield orders.LoadMessage(side.leg, event.message)
    yield from _play(desk, side, now)


def _play(desk: Desk, side: Listening, now: Now) -> Iterator[Order]:
    assert side.at is not None
    first = ("message_closed",) if side.closed else ()
    side.closed = False
    words = announcements.message_words(desk.office, side.at, now, first, keys=side.told == 1)
    side.enter(SideState.PLAYING, now)
    yield orders.Play(side.new_play(), words, leg=side.leg)


def _obey(desk: Desk, side: Listening, event: DigitPressed, now: Now) -> Iterator[Order]:
    assert side.at is not None
    if event.digit == AGAIN:
        yield from _play(desk, side, now)
    elif event.digit == NEXT:
        side.enter(SideState.FETCHING, now)
        yield from _fetch(desk, side, event, now)
    elif event.digit in CLOSES:
        side.enter(SideState.CLOSING, now)
        outcome = CLOSES[event.digit]
        yield orders.CloseMessage(side.leg, side.at.message, outcome, side.phone)


def _tell_closed(desk: Desk, side: Listening, event: MessageClosed, now: Now) -> Iterator[Order]:
    """Say that it is closed before the next one; say so if it is not."""
    if event.reason:
        yield from _leave(desk, side, "message_not_closed", now)
        return
    side.closed = True
    side.enter(SideState.FETCHING, now)
    yield from _fetch(desk, side, event, now)


def _tell_fault(desk: Desk, side: Listening, event: Any, now: Now) -> Iterator[Order]:
    yield from _leave(desk, side, "messages_fault", now)


def _leave(desk: Desk, side: Listening, key: str, now: Now) -> Iterator[Order]:
    keys = (("message_closed",) if side.closed else ()) + (key,)
    side.enter(SideState.LEAVING, now)
    words = tuple(word for each in keys for word in announcements.for_staff(desk.office, each))
    yield orders.Play(side.new_play(), words, leg=side.leg)


DOINGS: Doings = {
    **sides.COMMON,
    SideDo.FETCH: _fetch,
    SideDo.TELL: _tell,
    SideDo.WAIT: sides.forget,
    SideDo.OBEY: _obey,
    SideDo.GO_ON: _fetch,
    SideDo.TELL_CLOSED: _tell_closed,
    SideDo.TELL_FAULT: _tell_fault,
}
