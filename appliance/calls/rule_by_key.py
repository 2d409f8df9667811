"""The office's rule, opened by a key of the operator's phone (P6): the caller speaks for it.

The words are recorded like a message and stored as a request of the office; only what is stored is
told to be (messages.py). A handler of the table (states.py), as in ringing.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import announcements, orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.calls.transfer_call import About
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import by_voice

SUBJECT = "Richiesta a voce, {}"
"""What the office reads of it; offices read Italian."""
TO_CALL_BACK = "Da richiamare, parole troppo brevi: {}"
"""What it reads where the caller's words are too short to say anything."""


def begin(desk: Desk, call: Call, rule: ReturnRule, about: About, now: Now) -> Iterator[Order]:
    """The operator is free; the caller is told to say name, number and what it is about."""
    call.request = by_voice(
        rule, about.unit.code, about.need, SUBJECT.format(about.unit.name),
        call.record.caller.number, call.id, now.wall, about.by,
    )  # fmt: skip
    call.note(f"request.{about.unit.code}.{about.need}.{rule}")
    yield orders.HangUpPhone(call.leg)
    call.forget_leg()
    call.enter(State.GREETING, now)
    words = announcements.in_languages(desk.office, "leave_message")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def is_to_call_back(call: Call) -> bool:
    """Make a request whose words are too short one to call back; False: nobody could be.

    The office has the number that was shown, and the words all the same.
    """
    request = call.request
    if request is None or not request.citizen.phone:
        return False
    call.note("request.brief")
    call.brief, call.request = True, replace(request, subject=TO_CALL_BACK.format(request.subject))
    return True
