"""Queue of waiting callers: order, the phones rung for them, announcements, the call-back offer.

A seam: ringing.py sends calls here, so the handlers, which need ringing.py, are in waiting.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import announcements, orders, positions
from appliance.calls.events import Presentation
from appliance.calls.model import Call, Desk, off_hook
from appliance.calls.orders import Order
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.office import Group, share_phones
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import Decision, Destination, GroupState, group_open

KEY = "1"
KEY_MS = 5_000
"""Time for the key after the call-back offer, ms."""
WANTED = "callback_wanted"
"""Trail code of a call whose caller asked to be called back; store/ searches for it."""


def callback_is_offered(call: Call, decision: Decision) -> bool:
    """True for a caller who has waited in vain and whose number is shown."""
    shown = call.record.caller.presentation is Presentation.SHOWN
    # Not while all are absent (E4): the caller hears that reason, then voicemail.
    return call.waited and call.up and shown and decision.code is not ReasonCode.ABSENT


def offer_callback(desk: Desk, call: Call, now: Now) -> Iterator[Order]:
    """Offer a call back by one key."""
    call.enter(State.CALLBACK_OFFERED, now)
    call.note("callback_offered")
    prompts = announcements.in_languages(desk.office, "callback_offer")
    yield orders.Play(call.new_play(), prompts, line=call.line.name)
    yield call.write()


Orders = Iterator[Order]

UP_MS = 10_000
"""Longest time for a waiting call's line to come up, ms."""
SPARED_S = 15.0
"""Time in which a phone that did not take a waiting call is not rung for it again, s."""


def join_queue(desk: Desk, call: Call, now: Now) -> Orders:
    """Put a call into the queue: take its line off hook, then tell the caller why it waits."""
    call.stage, call.waiting_since = None, now.monotonic
    call.enter(State.QUEUED, now)
    call.note("waiting")
    if call.up:
        yield from greet_waiting(desk, call, now)
    elif not call.off_hook:
        yield from off_hook(desk, call, now)
    plan_deadline(desk, call, now)
    yield call.write()


def greet_waiting(desk: Desk, call: Call, now: Now) -> Orders:
    """Play that all are busy, which sheets can be heard meanwhile (P1), and to hold the line."""
    call.menu, call.announced_at = desk.menu, now.monotonic
    before = ("greeting_busy", *_place(desk, call))
    named = announcements.for_staff(desk.office, "welcome")
    prompts = announcements.with_menu(desk.office, before, call.menu, ("hold",))
    yield orders.Play(call.new_play(), (*named, *prompts), line=call.line.name)


def announce_again(desk: Desk, call: Call, now: Now) -> Orders:
    """Repeat the announcement to hold the line."""
    yield from _say(desk, call, now, *_place(desk, call), "hold")


def _say(desk: Desk, call: Call, now: Now, *keys: str) -> Orders:
    call.announced_at = now.monotonic
    prompts = announcements.in_languages(desk.office, *keys)
    yield orders.Play(call.new_play(), prompts, line=call.line.name)


def _place(desk: Desk, call: Call) -> tuple[str, ...]:
    # E22: the place in the queue is not announced by default.
    if not desk.office.waiting.announce_place:
        return ()
    return ("queue_place", f"digit_{desk.queue.index(call) + 1}")


def plan_deadline(desk: Desk, call: Call, now: Now) -> None:
    """Set a waiting call's deadline to the first of its limits, announcements and retries."""
    rules, times = desk.office.waiting, [_ends(desk, call)]
    if call.legs:
        times.append(ring_ends(desk, call))
    # A spared phone may be rung for it again then.
    times += [until for until in call.spared.values() if until > now.monotonic]
    if call.up:
        times.append(call.announced_at + rules.every_ms / 1000)
    else:
        times.append(call.waiting_since + UP_MS / 1000)
    # Nobody waits for nobody: the call leaves the queue at once.
    if not has_hope(desk, now):
        times.append(now.monotonic)
    call.deadline = max(min(times), now.monotonic)


def _ends(desk: Desk, call: Call) -> float:
    return call.waiting_since + desk.office.waiting.longest_ms / 1000


def ring_ends(desk: Desk, call: Call) -> float:
    """Return when a waiting call's phones have rung for the group's time (monotonic s)."""
    return call.rung_since + desk.group(call.stage or Destination.SWITCHBOARD).ring_ms / 1000


def is_over(desk: Desk, call: Call, now: Now) -> bool:
    """True for a call that has waited for the longest time, or when nobody can take it."""
    return now.monotonic >= _ends(desk, call) or not has_hope(desk, now)


def has_hope(desk: Desk, now: Now) -> bool:
    """True while a position that may serve a waiting call is attended."""
    able = {GroupState.FREE, GroupState.BUSY}
    return any(desk.group_state(group) in able for _, group in _groups(desk, now))


def _groups(desk: Desk, now: Now) -> Iterator[tuple[Destination, Group]]:
    """Yield the groups that may serve waiting calls, in the order of ringing."""
    # P8: an unattended switchboard does not ring, and (E2) nor does a closed counter.
    if desk.service.expired(now.wall).unattended is None:
        yield Destination.SWITCHBOARD, desk.office.switchboard
    counter = desk.office.citizens_desk
    if counter and group_open(counter, now) and not desk.office.waiting.before_counter:
        yield Destination.CITIZENS_DESK, counter


def serve(desk: Desk, now: Now) -> Orders:
    """Ring the free positions for the waiting calls, in the queue's order."""
    # A call for which phones ring already waits for their outcome.
    waiting = [call for call in desk.queue if not call.legs]
    for way, group in _groups(desk, now) if waiting else ():
        yield from _ring(desk, way, waiting, desk.free(group), now)
        waiting = [call for call in waiting if not call.legs]
    for call in desk.queue:
        plan_deadline(desk, call, now)


def _ring(
    desk: Desk, way: Destination, waiting: list[Call], free: tuple[str, ...], now: Now
) -> Orders:
    """Deal a group's free phones out to waiting calls, except those spared for a call."""
    for call, phones in zip(
        waiting, share_phones(free, len(waiting)) if waiting else (), strict=True
    ):
        ringing = [p for p in phones if call.spared.get(p, 0.0) <= now.monotonic]
        if not ringing:
            continue
        call.stage, call.rung_since = way, now.monotonic
        legs = tuple(call.new_leg(phone) for phone in ringing)
        yield from positions.make_way(desk, ringing)
        call.note(f"ring.{','.join(ringing)}", way=orders.Way(way.value))
        yield orders.RingPhones(call.id, legs, call.display, call.record.caller.number)
        yield call.write()


def spare_phone(call: Call, phone: str, now: Now) -> None:
    """Keep a phone from ringing for this call again for SPARED_S."""
    call.spared[phone] = now.monotonic + SPARED_S
