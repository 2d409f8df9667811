"""The operator is told something and may press a key, while the caller is held (P5, E8, E23).

Handlers of the table (states.py), as in ringing.py.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from typing import Any

from appliance.calls import orders
from appliance.calls.announcements import staff_words
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.ringing import Orders, go_on_talking
from appliance.calls.states import State
from appliance.calls.transfer_call import About, Act, Choices, Wish
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule

KEY_WAIT_MS = 10_000
"""So long after the announcement a key is waited for; then the caller is connected again."""
REASONS = {"1": Act.TOPIC, "2": Act.DEPTH, "3": Act.OTHER}
RULES = {"1": Act.APPOINTMENT, "2": Act.EMAIL}
TRY_KEY = "3"


def say(
    desk: Desk, call: Call, keys: tuple[str, ...], now: Now, offered: Choices | None = None
) -> Orders:
    """Hold the caller and tell the operator something; with no choice the caller is back then."""
    call.choices = offered or Choices()
    call.enter(State.TRANSFER_CHOICE, now)
    yield orders.Hold(call.line.name)
    yield orders.Play(call.new_leg_play(), staff_words(desk.office, keys), leg=call.leg)


def reasons(desk: Desk, call: Call, wish: Wish, code: str, now: Now) -> Orders:
    """Say the code again; a key says why the call goes on, and confirms (P3)."""
    keys = tuple(f"digit_{digit}" for digit in code)
    for key, act in REASONS.items():
        keys += (f"word_{act}", f"digit_{key}")
    yield from say(desk, call, keys, now, Choices(REASONS, wish))


def rules(
    desk: Desk,
    call: Call,
    about: About,
    before: tuple[str, ...],
    now: Now,
    wish: Wish | None = None,
) -> Orders:
    """Offer the office's rule by a key (P5, P6); with a wish also to try all the same (E8)."""
    acts = {key: act for key, act in RULES.items() if ReturnRule(act.value) in about.rules}
    if wish is not None:
        acts[TRY_KEY] = Act.TRY
    keys = before
    for key, act in acts.items():
        keys += (f"word_{act}", f"digit_{key}")
    call.about = about
    yield from say(desk, call, keys, now, Choices(acts, wish))


def heard(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The operator has heard it: a key now, else the caller again."""
    assert call.choices is not None, "choices are always set before their state is entered"
    if call.choices.keys:
        call.enter(State.TRANSFER_CHOICE, now, KEY_WAIT_MS)
    else:
        yield from back(desk, call, event, now)


def back(desk: Desk, call: Call, event: Any, now: Now) -> Orders:
    """The caller is connected with the operator again."""
    call.leg_play = ""
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(desk, call, State.TALKING, now)
    yield call.write()
