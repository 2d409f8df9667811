"""An operator brings the head into the conversation (E10): by a key, or by a person's command.

Caller and operator talk on while the head's phones ring; the operator hears a short sign. Handlers
of the table (states.py), as in ringing.py.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from appliance.calls import announcements, orders, positions
from appliance.calls import ringing as calls_ringing
from appliance.calls.commands import BringHead
from appliance.calls.events import HeadWished
from appliance.calls.model import Call, Desk, caller_words
from appliance.calls.ringing import Head, Orders
from appliance.calls.side_states import HEAD_TABLE, SideState
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.text import Words

RINGS, STOPPED = "tone_ok", announcements.TONE
"""The signs that the head is rung, and no longer."""
REFUSED = "state_refused"
ASKS = "Chiede aiuto {}: {}"
"""What the head's phone shows; phones of the office speak Italian."""


class Hindrance(enum.StrEnum):
    """Why the head cannot be brought in now."""

    NO_PHONE = "no_phone"
    OUTSIDE = "outside"
    CAME_OVER = "came_over"
    ALL_ABSENT = "all_absent"
    UNREACHABLE = "unreachable"
    AWAY = "away"
    BUSY = "busy"
    THERE = "there"
    NOT_RUNG = "not_rung"


SENTENCES: Mapping[Hindrance, Words] = {
    Hindrance.NO_PHONE: Words(
        "Il responsabile non ha un telefono: chiedere al tecnico di indicarlo.",
        "The head has no phone: ask the technician to name it.",
    ),
    Hindrance.OUTSIDE: Words(
        "Chi parla usa un telefono esterno: il responsabile non si può far entrare.",
        "Whoever talks does so on a telephone outside: the head cannot be brought in.",
    ),
    Hindrance.CAME_OVER: Words(
        "L'utente arriva da un'altra sede: il responsabile non si può far entrare.",
        "The caller comes from another branch: the head cannot be brought in.",
    ),
    Hindrance.ALL_ABSENT: Words(
        "Tutti assenti: non squilla nessun telefono.", "All absent: no phone rings."
    ),
    Hindrance.UNREACHABLE: Words(
        "Il telefono del responsabile non è raggiungibile.", "The head's phone is unreachable."
    ),
    Hindrance.AWAY: Words("Il responsabile è assente.", "The head is away."),
    Hindrance.BUSY: Words("Il responsabile è al telefono.", "The head is on the phone."),
    Hindrance.THERE: Words(
        "Il responsabile è già in conversazione.", "The head is in the conversation already."
    ),
    Hindrance.NOT_RUNG: Words(
        "Il responsabile non sta squillando.", "The head's phone is not ringing."
    ),
}
"""What a person is told who asks; no number is in it."""
HEARD: Mapping[Hindrance, str] = {
    Hindrance.NO_PHONE: REFUSED,
    Hindrance.OUTSIDE: REFUSED,
    Hindrance.CAME_OVER: REFUSED,
    Hindrance.THERE: REFUSED,
    Hindrance.NOT_RUNG: REFUSED,
}
"""What the operator hears who has pressed the key; of a head who cannot come, that nobody does."""


def hindrance(desk: Desk, call: Call, now: Now) -> Hindrance | None:
    """Say why the head's phones would not ring for a call now; None: they would."""
    phones = desk.office.head
    there = [phone for phone in phones if phone in desk.reachable]
    reasons = {
        Hindrance.THERE: calls_ringing.of(desk, call) is not None,
        Hindrance.NO_PHONE: not phones,
        Hindrance.OUTSIDE: call.leg in desk.outside,
        Hindrance.CAME_OVER: desk.came_over(call),
        Hindrance.ALL_ABSENT: routing.if_absent(desk.office, desk.service, now) is not None,
        Hindrance.UNREACHABLE: not there,
        Hindrance.AWAY: all(desk.service.is_away(phone, now.wall) for phone in there),
        Hindrance.BUSY: not desk.free_of(phones),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def by_key(desk: Desk, call: Call, now: Now) -> Orders:
    """The operator's key: the head is rung; once more while it rings: no longer."""
    side = calls_ringing.of(desk, call)
    if side is not None and side.state is SideState.RINGING:
        yield from _stop(desk, call, side)
        return
    why = hindrance(desk, call, now)
    if why is None:
        yield from _ring(desk, call, now)
        return
    call.note(f"head.refused.{why}")
    yield from calls_ringing.tell(desk, call, HEARD.get(why, calls_ringing.NOBODY))
    yield call.write()


def by_person(desk: Desk, call: Call, event: HeadWished, now: Now) -> Orders:
    """Console or command; who asks was told by `answer_to` what will come of it."""
    request, side = event.request, calls_ringing.of(desk, call)
    if not isinstance(request, BringHead) or answer_to(desk, call, request, now) is not None:
        return
    if side is None:
        yield from _ring(desk, call, now)
    else:
        yield from _stop(desk, call, side)


def answer_to(desk: Desk, call: Call, request: BringHead, now: Now) -> Words | None:
    """Say why a person's wish would not be carried out now; None: it would be."""
    side = calls_ringing.of(desk, call)
    if request.on:
        why = hindrance(desk, call, now)
    else:
        rings = side is not None and side.state is SideState.RINGING
        why = None if rings else Hindrance.NOT_RUNG
    return None if why is None else SENTENCES[why]


def _ring(desk: Desk, call: Call, now: Now) -> Orders:
    """Ring whichever phones of the head are free; the conversation goes on."""
    phones = desk.free_of(desk.office.head)
    rung = {call.new_leg_name(): phone for phone in phones}
    first = next(iter(rung))
    side = Head(
        first,
        rung[first],
        HEAD_TABLE,
        calls_ringing.DOINGS,
        SideState.RINGING,
        call=call.id,
        phones=rung,
    )
    yield from positions.make_way(desk, phones)
    desk.add_side(side, now)
    call.note(f"head.ring.{','.join(phones)}")
    ringing = tuple(orders.Ringing(leg, phone) for leg, phone in rung.items())
    own = desk.office.extension_of(call.leg_phone)
    asks = (own.label if own else "") or call.leg_phone
    display = ASKS.format(asks, caller_words(call.record.caller))
    yield orders.RingPhones(side.leg, ringing, display, call.record.caller.number)
    yield from calls_ringing.tell(desk, call, RINGS)
    yield call.write()


def _stop(desk: Desk, call: Call, side: Head) -> Orders:
    call.note("head.called_off")
    yield from calls_ringing.dismiss(desk, side)
    yield from calls_ringing.tell(desk, call, STOPPED)
    yield call.write()
