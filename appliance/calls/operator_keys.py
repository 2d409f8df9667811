"""Keys that an operator presses while the caller is on the line: for a transfer (P5), for the head.

`**`, the code of a need, `#`; `***` brings the head in (E10). A star alone, and every other key, is
for the far end, which may be a machine that asks for keys; of a code that was begun nothing reaches
it. Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import bring_in, choices, handing_over, orders, transfer
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import DigitPressed
from appliance.calls.ringing import Orders, go_on_talking
from appliance.calls.states import State
from appliance.policy.clock import Now

STAR, END = "*", "#"
BEGIN = STAR * 2
SECOND_STAR_MS = 1_000
"""A second star within this time begins a code; a star alone is passed on after it."""
NEXT_KEY_MS = 5_000
LONGEST_CODE = 4


def pass_on(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """The far end may be a machine that asks for keys; the caller's own concern nobody.

    Where there is neither a register nor a head's phone no code can be begun, and a star is a key
    like any other; so it is of whoever talks at another branch: nothing is begun from there.
    """
    if not event.leg or event.leg != call.leg:
        return
    known = bool(desk.register.units or desk.office.head)
    if event.digit == STAR and known and not handing_over.is_elsewhere(desk, call.leg_phone):
        call.keyed = STAR
        call.enter(State.TRANSFER_KEYS, now, SECOND_STAR_MS)
        return
    yield orders.PressKeys(call.line.name, event.digit)


def collect(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """One more key of a code."""
    if event.leg != call.leg:
        return
    if call.keyed == STAR and event.digit != STAR:
        yield orders.PressKeys(call.line.name, STAR + event.digit)
        go_on_talking(desk, call, State.TALKING, now)
    elif event.digit == END:
        yield from _ended(desk, call, now)
    elif event.digit == STAR and call.keyed == BEGIN:
        go_on_talking(desk, call, State.TALKING, now)
        yield from bring_in.by_key(desk, call, now)
    elif event.digit == STAR and call.keyed != STAR:
        go_on_talking(desk, call, State.TALKING, now)  # taken back
    else:
        yield from _go_on(desk, call, event.digit, now)


def _go_on(desk: Desk, call: Call, digit: str, now: Now) -> Orders:
    call.keyed += digit
    if len(call.keyed) > len(BEGIN) + LONGEST_CODE:
        yield from choices.say(desk, call, ("state_refused",), now)
    else:
        call.enter(State.TRANSFER_KEYS, now, NEXT_KEY_MS)


def _ended(desk: Desk, call: Call, now: Now) -> Orders:
    """`#`: a code, or none for the rule of the office that the call came back from."""
    code = call.keyed.removeprefix(BEGIN)
    if code:
        yield from transfer.by_code(desk, call, code, now)
    elif call.about is not None:
        yield from choices.rules(desk, call, call.about, (), now)
    else:
        yield from choices.say(desk, call, ("state_refused",), now)


def give_up(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """No further key came: a star alone is the far end's, of a code nothing is."""
    if call.keyed == STAR:
        yield orders.PressKeys(call.line.name, STAR)
        go_on_talking(desk, call, State.TALKING, now)
    else:
        yield from choices.say(desk, call, ("state_refused",), now)
