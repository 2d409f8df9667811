"""Waiting calls: handlers of their phones, limits and the call-back offered at the end.

A seam: the handlers need ringing.py, which itself needs queue.py.
"""

from __future__ import annotations

from collections.abc import Collection

from appliance.calls import orders, positions, queue, ringing
from appliance.calls.events import DigitPressed, LegEnded
from appliance.calls.model import Call, Desk
from appliance.calls.orders import Result
from appliance.calls.ringing import Orders
from appliance.calls.states import State
from appliance.calls.voicemail import say_farewell
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.routing import Destination, NotTaken


def line_up(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Play that all are busy, once the line is up."""
    call.up = True
    yield from queue.greet_waiting(desk, call, now)


def hold_waiting(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Play hold music after an announcement or a sheet."""
    # A sheet had put the next announcement off (voicemail.SHEET_S); it ended before that.
    if call.announced_at > now.monotonic:
        call.announced_at = now.monotonic
        queue.plan_deadline(desk, call, now)
    yield orders.Hold(call.line.name)


def leg_out(desk: Desk, call: Call, event: LegEnded, now: Now) -> Orders:
    """Note a phone that will not take this caller; the others ring on, the caller waits on."""
    outcome, phone = ringing.OUTCOMES[type(event)], call.legs.pop(event.leg)
    call.note(f"{outcome}.{phone}")
    queue.spare_phone(call, phone, now)
    # E3: a busy phone, or one that declined, has missed no call.
    if outcome is NotTaken.NO_ANSWER:
        yield from positions.missed(desk, (phone,), call.rung_since, now)
    yield call.write()


def waiting_due(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Carry out what is due: end of waiting or ringing, an announcement, a phone once more."""
    if queue.is_over(desk, call, now):
        yield from _leave(desk, call, now)
    elif not call.up and now.monotonic >= call.waiting_since + queue.UP_MS / 1000:
        yield from ringing.never_up(desk, call, event, now)
    elif call.legs and now.monotonic >= queue.ring_ends(desk, call):
        yield from _nobody_lifted(desk, call, now)
    elif call.up and now.monotonic >= call.announced_at + desk.office.waiting.every_ms / 1000:
        yield from queue.announce_again(desk, call, now)


def _nobody_lifted(desk: Desk, call: Call, now: Now) -> Orders:
    phones = tuple(call.legs.values())
    call.note(f"no_answer.{call.stage}")
    yield from _let_go(desk, call, phones, now)
    yield from positions.missed(desk, phones, call.rung_since, now)
    yield call.write()


def _let_go(desk: Desk, call: Call, phones: Collection[str], now: Now) -> Orders:
    for leg in [leg for leg, phone in call.legs.items() if phone in phones]:
        queue.spare_phone(call, call.legs.pop(leg), now)
        yield orders.StopRinging(leg)


def follow_states(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """End waiting when all are absent (E4); else stop phones whose positions went away (E3)."""
    decision = routing.if_absent(desk.office, desk.service, now)
    if decision is not None:
        yield from ringing.stop_ringing(call)
        yield from ringing.follow_decision(desk, call, decision, now)
        return
    away = [phone for phone in call.legs.values() if desk.service.is_away(phone, now.wall)]
    if away:
        call.note(*(f"away.{phone}" for phone in away))
        yield from _let_go(desk, call, away, now)
        yield call.write()


def _leave(desk: Desk, call: Call, now: Now) -> Orders:
    """Leave the queue: to the counter where it comes last, else to voicemail."""
    # From now on the call is not queued again, and may be offered a call back.
    call.waited = True
    call.note("waited")
    yield from ringing.stop_ringing(call)
    decision = routing.after_waiting(desk.office, desk.facts_for(call.line, now), now)
    # An announcement may be playing: the caller hears music while the counter rings.
    if call.up and decision.way is not Destination.VOICEMAIL:
        yield orders.Hold(call.line.name)
    yield from ringing.follow_decision(desk, call, decision, now)


def await_callback_key(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Wait for the call-back key after the offer; without one voicemail follows (E5)."""
    call.enter(State.CALLBACK_OFFERED, now, queue.KEY_MS)
    yield orders.Listen(call.line.name)


def obey_callback_key(desk: Desk, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Store a call-back by its key; ignore other keys."""
    if event.digit == queue.KEY:
        # Not confirmed yet: only what is stored is promised.
        call.note(queue.WANTED)
        call.enter(State.CALLBACK_STORING, now)
        yield orders.Listen(call.line.name)
        yield orders.StoreCallBack(call.record)


def callback_stored(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Promise the call back, which is stored among the missed calls now."""
    call.settle(Result.NO_MESSAGE)
    yield from say_farewell(desk, call, now, "callback_noted")


def callback_declined(desk: Desk, call: Call, event: object, now: Now) -> Orders:
    """Go on to voicemail: no key was pressed, or the call-back could not be stored."""
    assert call.decision is not None, "voicemail is always decided"
    yield from ringing.start_greeting(desk, call, call.decision, now)
