"""Key codes dialled on the office's own phones: obeyed at once, then said aloud to who dialled."""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from appliance.calls import announcements, orders
from appliance.calls.desk import Desk, KeyCall
from appliance.calls.events import PhoneDialled
from appliance.calls.orders import Order
from appliance.calls.states import KEY_LIMITS_MS, KEY_TABLE, KeyDo, KeyState
from appliance.policy.clock import Now
from appliance.policy.office import KeyCode

NOT_FOUND = 404
FORBIDDEN = 403
"""SIP answers (RFC 3261, 21.4) to an unknown code and to a phone that is not the office's."""


def refusal(desk: Desk, event: PhoneDialled) -> int | None:
    """Return the SIP answer when a dialled code must be refused, or None."""
    if event.phone not in desk.office.phones:
        return FORBIDDEN
    return None if desk.office.key_code(event.digits) else NOT_FOUND


def accept(desk: Desk, event: PhoneDialled, code: KeyCode, now: Now) -> Iterator[Order]:
    """Answer the phone; it will hear what its code did."""
    key = KeyCall(event.leg, event.phone, f"state_{code.what}_{'on' if code.on else 'off'}")
    desk.keys[key.leg] = key
    _enter(key, KeyState.ACCEPTING, now)
    yield orders.AcceptPhone(key.leg)


def handle(desk: Desk, key: KeyCall, event: Any, now: Now) -> Iterator[Order]:
    """Follow the key code's small table; an event without a row is not its own."""
    rule = KEY_TABLE[key.state].get(type(event))
    if rule is None:
        return
    do, state = rule
    yield from DOINGS[do](desk, key)
    _enter(key, state, now)
    if state is KeyState.ENDED:
        del desk.keys[key.leg]


def _enter(key: KeyCall, state: KeyState, now: Now) -> None:
    key.state = state
    key.deadline = now.monotonic + KEY_LIMITS_MS.get(state, 0) / 1000


def _speak(desk: Desk, key: KeyCall) -> Iterator[Order]:
    yield orders.Play(key.play, announcements.for_staff(desk.office, key.prompt), leg=key.leg)


def _hang_up(desk: Desk, key: KeyCall) -> Iterator[Order]:
    yield orders.HangUpPhone(key.leg)


def _forget(desk: Desk, key: KeyCall) -> Iterator[Order]:
    yield from ()


DOINGS: Mapping[KeyDo, Callable[[Desk, KeyCall], Iterator[Order]]] = {
    KeyDo.SPEAK: _speak,
    KeyDo.HANG_UP: _hang_up,
    KeyDo.FORGET: _forget,
}
