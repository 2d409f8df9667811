"""Who may call out, and how such a call begins: a phone dials, or is rung to call somebody back.

`begin_for` is for a phone that is up already (it has heard a message): its leg goes on in the
call. The call's life is dialled.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import dialled, emergency, orders, refusals, sides
from appliance.calls.desk import Desk
from appliance.calls.dialled_side import Dialled
from appliance.calls.events import CallBackAsked, Caller, Evidence, PhoneDialled, Presentation
from appliance.calls.orders import CallRecord, Direction, Order, Result
from appliance.calls.side_states import DIALLED_TABLE
from appliance.calls.sides import Side
from appliance.policy.clock import Now
from appliance.policy.dialling import (
    SENTENCES,
    Allowed,
    Asked,
    Placed,
    ReasonNeeded,
    Refused,
    Verdict,
    decide,
)
from appliance.policy.numbering import NumberClass
from appliance.policy.privacy import canonical
from appliance.policy.text import Words

Orders = Iterator[Order]

RING_MS = 25_000
"""How long a position's phone rings to call somebody back."""
NO_DUPLEX = "out.half_duplex"
TWICE = "out.twice"

NO_NUMBER = Words("Non c'è un numero da richiamare.", "There is no number to call back.")
NO_POSITION = Words(
    "Questa postazione non c'è, non è raggiungibile o è impegnata.",
    "This position is not there, cannot be reached, or is engaged.",
)
OUT_OF_BAND = Words(
    "Fuori dall'orario per richiamare: si richiama solo se è urgente.",
    "Outside the band for calling back: only what is urgent is called back.",
)
NO_LINE = Words("Nessuna linea può essere usata ora.", "No line can be used now.")
RINGS = Words("Il telefono squilla: sollevare per chiamare.", "The phone rings: lift it to call.")


def dial(desk: Desk, event: PhoneDialled, number: str, now: Now) -> Orders:
    """A phone dialled a number outside: it is answered, then hears the line, or why not."""
    asked = Asked(event.phone, number)
    side = _side(desk, event.leg, asked, _verdict(desk, asked, now), now)
    yield from _begin(desk, side, now)
    yield orders.AcceptPhone(side.leg)


def begin_for(desk: Desk, before: Side, number: str, case: str, now: Now) -> Orders:
    """Go on from another call of a phone that is up, `before`, which must end by itself (ENDED).

    `case` names what it is for: "message:12", "request:7", "call:ID".
    """
    number = canonical(number, desk.office.outgoing.plan)
    asked = Asked(before.phone, number, case)
    side = _side(desk, before.leg, asked, _verdict(desk, asked, now), now)
    side.plays = before.plays
    yield from _begin(desk, side, now)
    yield from dialled.begin(desk, side, None, now)


def call_back(desk: Desk, event: CallBackAsked, now: Now) -> Orders:
    """Ring the position's phone; when it is lifted the number is dialled."""
    number = canonical(event.number, desk.office.outgoing.plan)
    asked = Asked(event.phone, number, event.case, event.urgent)
    verdict = _verdict(desk, asked, now)
    hindrance = _hindrance(desk, asked, verdict)
    yield orders.AnswerAsked(event.ask, hindrance is None, hindrance or RINGS)
    if hindrance is not None:
        return
    leg = f"{desk.new_id()}.1"
    side = _side(desk, leg, asked, verdict, now, name=event.name)
    side.rung = True
    if event.urgent:
        side.note("urgent")
    yield from _begin(desk, side, now)
    side.deadline = now.monotonic + RING_MS / 1000
    shown = f"Richiamata: {event.name or side.record.caller.name or number}"
    ringing = (orders.Ringing(leg, event.phone),)
    yield orders.RingPhones(leg, ringing, shown, side.record.caller.number)


def _hindrance(desk: Desk, asked: Asked, verdict: Verdict) -> Words | None:
    """Say why nobody is rung, None when somebody is."""
    phone = asked.phone
    if not asked.number:
        return NO_NUMBER
    if phone not in desk.office.known_phones & desk.reachable or phone in desk.engaged():
        return NO_POSITION
    if isinstance(verdict, Refused):
        return SENTENCES[verdict.why]
    if other := _calls_already(desk, asked.case):
        return Words(f"La sta già richiamando {other}.", f"{other} is calling back already.")
    if isinstance(verdict, ReasonNeeded):
        return OUT_OF_BAND
    return None if emergency.is_possible(desk) else NO_LINE


def _calls_already(desk: Desk, case: str) -> str:
    """Name the position that calls back for a case now: two people never do at once (E16)."""
    dialled_now = (side for side in desk.sides.values() if isinstance(side, Dialled))
    return next((s.phone for s in dialled_now if case and s.record.case == case), "")


def _verdict(desk: Desk, asked: Asked, now: Now) -> Verdict:
    office = desk.office
    ledger = desk.ledger
    return decide(office.outgoing, asked, ledger, desk.register, office.calling_hours, now)


def _side(
    desk: Desk, leg: str, asked: Asked, verdict: Verdict, now: Now, name: str = ""
) -> Dialled:
    """Make the call by what was decided of it; an office's own number is masked (P7)."""
    unit = verdict.unit if isinstance(verdict, Allowed) else ""
    masked = Caller(Presentation.UNAVAILABLE, "", unit)
    caller = masked if unit else Caller(Presentation.SHOWN, asked.number, name)
    record = CallRecord(
        desk.new_id(),
        "",
        now.wall,
        now.clock_state.value,
        caller=caller,
        phone=asked.phone,
        trail=("dials",),
        direction=Direction.OUT,
        number_class=verdict.number_class.value,
        case=asked.case,
    )
    side = Dialled(
        leg,
        asked.phone,
        DIALLED_TABLE,
        dialled.DOINGS,
        record=record,
        number=asked.number,
        emergency=verdict.number_class is NumberClass.EMERGENCY,
        asks=isinstance(verdict, ReasonNeeded),
    )
    _refuse(desk, side, verdict)
    return side


def _refuse(desk: Desk, side: Dialled, verdict: Verdict) -> None:
    """Note what hinders the call from the start; the phone is told when it is up."""
    if isinstance(verdict, Refused):
        side.refused = refusals.SAID[verdict.why]
        side.settle(Result.REFUSED, verdict.why, Evidence.OWN)
        desk.refusal = (side.phone, verdict.why, side.record.rang_at)
    elif _calls_already(desk, side.record.case):
        side.refused = refusals.TWICE
        side.settle(Result.NOT_REACHED, TWICE, Evidence.OWN)
    elif not emergency.is_possible(desk):
        side.refused = refusals.no_line(emergency=side.emergency)
        side.settle(Result.NOT_REACHED, NO_DUPLEX, Evidence.OWN)


def _begin(desk: Desk, side: Dialled, now: Now) -> Orders:
    """Keep the call, count it, and write its record before anything else (E18)."""
    sides.begin(desk, side, now)
    if side.refused:
        return  # its one record is written when the phone has heard so
    record = side.record
    placed = Placed(record.call, side.phone, side.number, now.wall, record.case)
    desk.ledger = desk.ledger.without_old(now.wall, desk.office.outgoing.known_days).place(placed)
    yield orders.WriteCall(record)
