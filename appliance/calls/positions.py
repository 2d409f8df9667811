"""Operators' positions: away and back, missed calls, reminders (E3), what may not be left (E19)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.calls import announcements, manual_states, model, orders
from appliance.calls.commands import SetAway
from appliance.calls.manual_states import become
from appliance.calls.model import Actions, Call, Desk, Side
from appliance.calls.orders import Order
from appliance.calls.side_states import NOTICE_TABLE, SideAction, SideState
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.hours import moment_words
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.office import MISSED_AFTER_MS, SET_AUTOMATICALLY, StaffKey
from appliance.policy.opening import ManualMark, ServiceState, opening
from appliance.policy.routing import GroupState, group_open
from appliance.policy.text import Words

# ---- leaving -----------------------------------------------------------------------------------
# Leaving a desk with something open: a caller who is held, a return not yet taken (E19).
#
# A position is not a person: whoever goes away leaves it behind for nobody. Only who asks to be
# away is refused; a position that missed its calls is away whatever is open, for nobody sits there.

PROMPT: Final = "state_away_refused"
"""What the phone hears that dialled the code."""
RETURNS: Final = frozenset({State.TRANSFER_RETURNING, State.TRANSFER_OFFER})
HELD: Final = frozenset(
    {
        State.TRANSFER_CHOICE,
        State.TRANSFER_RINGING,
        State.TRANSFER_CONSULT,
        State.PBX_GREETING,
        State.PBX_CHECK,
        State.PBX_CALLING,
        State.PBX_OFFERING,
        State.PBX_AWAITING_KEY,
        State.PBX_RETURNING,
    }
)
"""A caller hears music for the operator's sake. Whoever merely talks may leave afterwards."""
CALLER_HELD: Final = Words(
    "{phone} ha un utente in attesa: prima riprenderlo, o passarlo; la postazione resta presente.",
    "{phone} has a caller on hold: take the caller back or pass them on first; the position stays "
    "present.",
)
RETURN_OPEN: Final = Words(
    "{phone} ha un Ritorno aperto ({office}): prima va preso, da questa postazione o da un'altra; "
    "la postazione resta presente.",
    "{phone} has a return open ({office}): it has to be taken first, here or at another position; "
    "the position stays present.",
)


def why_not(state: State, phone: str, office: str) -> Words | None:
    """Say why a phone may not be left with a call in that state; None: it may."""
    if state not in HELD | RETURNS:
        return None
    words = RETURN_OPEN if state in RETURNS else CALLER_HELD
    it, en = (text.format(phone=phone, office=office) for text in (words.it, words.en))
    return Words(it, en)


def open_call(desk: Desk, request: object) -> Call | None:
    """Return the call that a position which asks to be away would leave behind, or None."""
    if not isinstance(request, SetAway) or not request.on:
        return None
    calls = desk.calls.values()
    return next((call for call in calls if request.by and _operator(call) == request.by), None)


def _operator(call: Call) -> str:
    """Name the phone for whose sake the caller is held, or to whom the call comes back."""
    if call.state not in HELD | RETURNS:
        return ""
    if call.leg:
        return call.leg_phone
    return call.transfer.operator if call.transfer is not None else ""


def refusal(desk: Desk, request: object) -> Words | None:
    """Say why a position may not be away now; None: it may, or something else is asked."""
    call = open_call(desk, request)
    if call is None or not isinstance(request, SetAway):
        return None
    office = call.transfer.unit.name if call.transfer is not None else ""
    return why_not(call.state, request.by, office)


def refuse(call: Call, phone: str) -> Iterator[Order]:
    """Note it with the call that is open."""
    call.note(f"away_refused.{phone}")
    yield call.write()


# ---- notices -----------------------------------------------------------------------------------
# Short rings that tell a phone something: its display says what, whoever lifts hears it.
#
# A notice gives way at once: a phone that rings with one counts as free, and a call that rings it
# takes its place.

BACK = "state_away_off"
"""Heard by whoever lifts for a reminder: the position is back."""
ALL_BACK = "state_absent_off"
RING_MS = 10_000
"""Two rings: one second of tone, four of pause (ITU-T E.180 for Italy)."""


@dataclass(slots=True)
class PhoneNotice(Side):
    """A phone that is told something; `prompt` is heard by whoever lifts."""

    prompt: str = ""

    @property
    def gives_way(self) -> bool:
        """True until somebody lifts."""
        return self.state is SideState.RINGING


def tell_positions(desk: Desk, phone: str, display: str, prompt: str, now: Now) -> Iterator[Order]:
    """Ring a phone that is there and free, twice."""
    if phone not in desk.reachable or phone in desk.engaged():
        return
    if any(side.gives_way and side.phone == phone for side in desk.sides.values()):
        return
    side = PhoneNotice(
        f"{desk.new_id()}.notice",
        phone,
        NOTICE_TABLE,
        NOTICE_ACTIONS,
        SideState.RINGING,
        prompt=prompt,
    )
    desk.add_side(side, now)
    side.deadline = now.monotonic + RING_MS / 1000
    yield orders.RingPhones(side.leg, (orders.Ringing(side.leg, phone),), display)


def make_way(desk: Desk, phones: Collection[str]) -> Iterator[Order]:
    """Stop what gives way on phones that a call is about to ring."""
    for side in list(desk.sides.values()):
        if (side.gives_way or side.yields) and side.phone in phones:
            del desk.sides[side.leg]
            yield from side.make_way()


def _stop(desk: Desk, side: PhoneNotice, event: object, now: Now) -> Iterator[Order]:
    """Nobody lifted: the display is what was to be seen."""
    yield orders.StopRinging(side.leg)


def _speak(desk: Desk, side: PhoneNotice, event: object, now: Now) -> Iterator[Order]:
    if side.prompt == BACK:
        yield from become(desk, desk.service.come_back(side.phone))
    words = announcements.for_staff(desk.office, side.prompt)
    yield orders.Play(side.new_play(), words, leg=side.leg)


NOTICE_ACTIONS: Actions = {**model.COMMON, SideAction.GIVE_UP: _stop, SideAction.SPEAK: _speak}


# ---- positions ---------------------------------------------------------------------------------
# Positions that forgot to set themselves away: missed calls, coming back, the reminder (E3).

REMIND = "remind"
"""`what` of the deadline of a reminder; `call` is the phone of a position that is away, or a
manual state (manual_states.STATE)."""
LEFT_ALONE = (
    Words(
        "Centralino non presidiato dalle {at}",
        "The switchboard has been unattended since {at}",
    ),
    Words(
        "Da {at} nessuna postazione del centralino è presente.\n"
        "Assenti: {names} ((*) automatico: chiamate senza risposta).\n"
        "Le chiamate vanno allo Sportello Cittadini, altrimenti alla segreteria. Chi era assente "
        "in automatico rientra sollevando il telefono, chi lo ha chiesto con il suo codice.\n",
        "Since {at} no position of the switchboard has been attended.\n"
        "Away: {names} ((*) automatic: missed its calls).\n"
        "Calls go to the citizens' counter, else to voicemail. A position that went away by itself "
        "is back when its handset is lifted, one that asked for it by its key code.\n",
    ),
)
"""Subject and text of what the head is told when the last position has gone (E3)."""
AGAIN_S = 600.0
"""A reminder that cannot ring now (closed, engaged) is tried again so much later."""


def missed(desk: Desk, phones: Collection[str], rang_since: float, now: Now) -> Iterator[Order]:
    """Count a call that rang at these phones and that nobody lifted for; two in a row are enough.

    `rang_since` is when they began to ring, monotonic.
    """
    # Without a time it may be the middle of the night: then nobody is away for not lifting.
    if not now.by_hours or (now.monotonic - rang_since) * 1000 < MISSED_AFTER_MS:
        return
    service = desk.service
    for phone in [phone for phone in phones if phone in desk.office.phones]:
        desk.missed[phone] = desk.missed.get(phone, 0) + 1
        if desk.office.positions.goes_away(desk.missed[phone]):
            desk.missed.pop(phone)
            service = service.go_away(phone, ManualMark(SET_AUTOMATICALLY, now.wall))
    yield from become(desk, service)


def present(desk: Desk, phone: str) -> Iterator[Order]:
    """Somebody lifted there: nothing is missed any more, and "away (automatic)" is over."""
    desk.missed.pop(phone, None)
    mark = desk.service.away_mark(phone)
    if mark is not None and mark.by == SET_AUTOMATICALLY:
        yield from become(desk, desk.service.come_back(phone))


def heed(desk: Desk, before: ServiceState, now: Now) -> Iterator[Order]:
    """Follow a change of the manual states: reminders to come, and the head told of the last one.

    `before` is what held until now.
    """
    manual_states.plan_reminders(desk, now)
    _plan_reminders(desk, now)
    gone = [phone for phone, _ in desk.service.away if before.away_mark(phone) is None]
    switchboard = desk.office.switchboard
    if set(gone) & set(switchboard.phones) and _left_alone(desk, now):
        yield orders.QueueMail(_unattended_mail(desk, now))


def _left_alone(desk: Desk, now: Now) -> bool:
    """True when the switchboard is open and its last position has gone."""
    answer = opening(desk.office.switchboard.schedule, desk.service, now)
    by_hand = desk.service.expired(now.wall).unattended is not None
    alone = desk.group_state(desk.office.switchboard) is GroupState.UNATTENDED
    return answer.open and not by_hand and alone


def _unattended_mail(desk: Desk, now: Now) -> Mail:
    """Tell the head that nobody is left at the switchboard, and what ends that."""
    at, here = desk.office.local(now.wall), desk.office.switchboard.phones
    away = [
        (phone, mark.by == SET_AUTOMATICALLY) for phone, mark in desk.service.away if phone in here
    ]
    subject, body = (one.it if desk.office.languages[0] == "it" else one.en for one in LEFT_ALONE)
    names = ", ".join(f"{phone} (*)" if automatic else phone for phone, automatic in away)
    return Mail(
        f"unattended-{now.wall:%Y%m%dT%H%M%S}",
        TO_HEAD,
        subject.format(at=f"{at:%H:%M}"),
        body.format(at=moment_words(at, desk.office.languages[0]), names=names),
    )


def _plan_reminders(desk: Desk, now: Now) -> None:
    after = desk.office.positions.remind_after_ms / 1000
    away = dict(desk.service.away)
    phones = (name for name in desk.reminders if not name.startswith(manual_states.STATE))
    for phone in [phone for phone in phones if phone not in away]:
        del desk.reminders[phone]
    for phone, mark in away.items():
        if after and phone in desk.office.phones and phone not in desk.reminders:
            waited = (now.wall - mark.since).total_seconds()
            desk.reminders[phone] = now.monotonic + max(0.0, after - waited)


def remind(desk: Desk, phone: str, now: Now) -> Iterator[Order]:
    """Ring a phone whose position has been away for long, while its group is served by people.

    Or remind of a manual state.
    """
    if phone.startswith(manual_states.STATE):
        yield from manual_states.remind(desk, phone, now)
        return
    mark = desk.service.away_mark(phone)
    if mark is None or phone not in desk.reminders:
        return
    groups = [group for group in desk.groups if phone in group.phones]
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    told: tuple[Order, ...] = ()
    if served and any(group_open(group, now) for group in groups):
        minutes = int((now.wall - mark.since).total_seconds()) // 60
        told = tuple(tell_positions(desk, phone, _reminder(desk, minutes), BACK, now))
    desk.reminders[phone] = None if told else now.monotonic + AGAIN_S
    yield from told


def _reminder(desk: Desk, minutes: int) -> str:
    codes = (c.digits for c in desk.office.key_codes if c.what is StaffKey.AWAY and not c.on)
    code = next(codes, "")
    return f"Assente da {minutes} min{f', {code} per rientrare' if code else ''}"


def all_back(desk: Desk, now: Now) -> Iterator[Order]:
    """Sign on every desk: "all absent" has ended by itself (E4), and people are expected back."""
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    for phone in desk.office.phones if served else ():
        yield from tell_positions(desk, phone, "Tutti assenti: finito", ALL_BACK, now)
