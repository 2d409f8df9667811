"""Hearing the messages on a phone of the office: oldest first, those that nobody has closed.

Keys while a message plays or after it: 1 again, 2 the next one, 3 dealt with (called back), 4 no
call back needed, 5 take it (nobody else calls back, E16), 6 called back in vain, 7 call back now.
Without a key the next one follows (E5); nothing is closed by merely listening, but who heard it is
kept.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from appliance.calls import announcements, dialling, orders, sides
from appliance.calls.desk import Desk
from appliance.calls.events import (
    DigitPressed,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    PhoneDialled,
    PinChecked,
)
from appliance.calls.orders import Order
from appliance.calls.side_states import LISTENING_TABLE, SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.policy import users
from appliance.policy.clock import Now
from appliance.policy.voicemail import MessageStep

AGAIN, NEXT = "1", "2"
CLOSES = {"3": "called_back", "4": "not_needed"}
"""The outcome (policy.messages.Outcome) with which a key closes the message."""
CALL_BACK = "7"
"""The box dials the number of whom the message is from (E17); without one the key means nothing."""
MARKS = {"5": MessageStep.TAKE, "6": MessageStep.FAIL}
"""What else a key does about it; a tone says that it is kept."""
HELD = "message_held"


@dataclass(slots=True)
class Listening(Side):
    """A phone that hears messages; `at` is the one fetched last, `told` how many were heard.

    `callable_at` is the place, from 1, of the first one whose caller can be called back; 0: none.
    `whole`: what plays is the message itself, whose end makes it heard. `digits` of the code.
    """

    at: MessageFetched | None = None
    told: int = 0
    callable_at: int = 0
    closed: bool = False
    whole: bool = False
    digits: str = field(default="", repr=False)


def listen(desk: Desk, event: PhoneDialled, now: Now) -> Iterator[Order]:
    """Answer the phone; the first message is fetched once it is up."""
    sides.begin(desk, Listening(event.leg, event.phone, LISTENING_TABLE, DOINGS), now)
    yield orders.AcceptPhone(event.leg)


def _begin(desk: Desk, side: Listening, event: Any, now: Now) -> Iterator[Order]:
    """The phone is up: on one of the front desk's the first message is fetched, else a code asked.

    A phone that is locked out is told to try later, in the same words as any fault.
    """
    if not asks_pin(desk, side.phone):
        side.enter(SideState.FETCHING, now)
        yield from _fetch(desk, side, event, now)
    elif users.is_locked(desk.pin_tries, side.phone, now.monotonic):
        yield from _leave(desk, side, "messages_fault", now)
    else:
        yield from _ask(desk, side, now)


def asks_pin(desk: Desk, phone: str) -> bool:
    """Tell whether a phone must give the code before it hears messages."""
    always = desk.office.voicemail.pin is users.PinRule.ALWAYS
    return always or phone not in desk.office.phones


def _ask(desk: Desk, side: Listening, now: Now, *keys: str) -> Iterator[Order]:
    """Ask for the code; a wrong one is told before."""
    side.digits = ""
    side.enter(SideState.ASKING, now)
    words = announcements.staff_words(desk.office, (*keys, "pin_ask"))
    yield orders.Play(side.new_play(), words, leg=side.leg)


def _key_in(desk: Desk, side: Listening, event: DigitPressed, now: Now) -> Iterator[Order]:
    """A key of the code; the last one possible, or the hash, ends it."""
    if event.digit != users.END_KEY:
        side.digits += event.digit
    if event.digit == users.END_KEY or len(side.digits) >= users.LONGEST:
        side.enter(SideState.CHECKING, now)
        yield orders.CheckPin(side.leg, side.digits, side.phone)
        side.digits = ""
    else:
        side.enter(SideState.ASKING, now)


def _judge(desk: Desk, side: Listening, event: PinChecked, now: Now) -> Iterator[Order]:
    """The right code leads on; a wrong one is asked for again, the third locks the phone out."""
    if event.right:
        desk.pin_tries.pop(side.phone, None)
        side.enter(SideState.FETCHING, now)
        yield from _fetch(desk, side, event, now)
        return
    tries = users.after_wrong(desk.pin_tries.get(side.phone, users.Tries()), now.monotonic)
    desk.pin_tries[side.phone] = tries
    if users.is_locked(desk.pin_tries, side.phone, now.monotonic):
        yield from _leave(desk, side, "state_refused", now)
    else:
        yield from _ask(desk, side, now, "state_refused")


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
    held = (HELD,) if _held(side, side.at) else ()
    side.closed, side.whole = False, True
    words = announcements.message_words(
        desk.office, side.at, now, (*first, *held), _keys(side, side.at)
    )
    side.enter(SideState.PLAYING, now)
    yield orders.Play(side.new_play(), words, leg=side.leg)


def _keys(side: Listening, at: MessageFetched) -> tuple[str, ...]:
    """Tell the keys behind the first message; calling back behind the first where it can be."""
    if at.caller.number and not _held(side, at) and not side.callable_at:
        side.callable_at = side.told
    return (
        *(("message_keys",) if side.told == 1 else ()),
        *(("message_call",) if side.told == side.callable_at else ()),
    )


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
    elif event.digit == CALL_BACK and side.at.caller.number:
        yield from _call_back(desk, side, side.at, now)
    elif event.digit in MARKS:
        side.enter(SideState.CLOSING, now)
        yield orders.MarkMessage(side.leg, side.at.message, MARKS[event.digit], side.phone)


def _call_back(desk: Desk, side: Listening, at: MessageFetched, now: Now) -> Iterator[Order]:
    """Take the message and call back at once: the phone's leg goes on in that call."""
    if _held(side, at):
        yield from _say(desk, side, HELD, now)
        return
    side.state = SideState.ENDED
    yield orders.MarkMessage(side.leg, at.message, MessageStep.TAKE, side.phone)
    yield from dialling.begin_for(desk, side, at.caller.number, f"message:{at.number}", now)


def _held(side: Listening, at: MessageFetched) -> bool:
    """Tell whether somebody else has taken a message."""
    return at.holder not in {"", side.phone}


def _heard(desk: Desk, side: Listening, event: Any, now: Now) -> Iterator[Order]:
    """What was heard to its end is kept, with whose phone it was."""
    assert side.at is not None
    if side.whole:
        yield orders.MarkMessage(side.leg, side.at.message, MessageStep.HEAR, side.phone)
    side.whole = False


def _tell_closed(desk: Desk, side: Listening, event: MessageClosed, now: Now) -> Iterator[Order]:
    """Say that it is closed before the next one; say so if it is not."""
    if event.held:
        yield from _say(desk, side, HELD, now)
        return
    if event.reason:
        yield from _leave(desk, side, "message_not_closed", now)
        return
    side.closed = True
    side.enter(SideState.FETCHING, now)
    yield from _fetch(desk, side, event, now)


def _tell_marked(desk: Desk, side: Listening, event: MessageMarked, now: Now) -> Iterator[Order]:
    """A tone says that it is kept, words that somebody else has the message; more keys may come."""
    if event.reason and not event.held:
        yield from _leave(desk, side, "messages_fault", now)
        return
    yield from _say(desk, side, HELD if event.held else announcements.TONE, now)


def _say(desk: Desk, side: Listening, key: str, now: Now) -> Iterator[Order]:
    side.enter(SideState.PLAYING, now)
    side.whole = False
    yield orders.Play(side.new_play(), announcements.for_staff(desk.office, key), leg=side.leg)


def _tell_fault(desk: Desk, side: Listening, event: Any, now: Now) -> Iterator[Order]:
    yield from _leave(desk, side, "messages_fault", now)


def _leave(desk: Desk, side: Listening, key: str, now: Now) -> Iterator[Order]:
    keys = (("message_closed",) if side.closed else ()) + (key,)
    side.enter(SideState.LEAVING, now)
    words = announcements.staff_words(desk.office, keys)
    yield orders.Play(side.new_play(), words, leg=side.leg)


DOINGS: Doings = {
    **sides.COMMON,
    SideDo.BEGIN: _begin,
    SideDo.KEY_IN: _key_in,
    SideDo.JUDGE: _judge,
    SideDo.TELL: _tell,
    SideDo.HEARD: _heard,
    SideDo.OBEY: _obey,
    SideDo.GO_ON: _fetch,
    SideDo.TELL_CLOSED: _tell_closed,
    SideDo.TELL_MARKED: _tell_marked,
    SideDo.TELL_FAULT: _tell_fault,
}
