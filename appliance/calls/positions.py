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

# ---- Leaving a position with a held caller or an open return is refused (E19) --------------------
# A position is not a person: what is open there would be left to nobody. Only a request to be away
# is refused. A position that missed its calls is away whatever is open: nobody sits there.

PROMPT: Final = "state_away_refused"
"""Prompt for the phone that dialled the code."""
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
"""States in which the operator holds a caller; not TALKING: who talks may leave afterwards."""
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
    """Return why a position may not be left with a call in that state, or None."""
    if state not in HELD | RETURNS:
        return None
    words = RETURN_OPEN if state in RETURNS else CALLER_HELD
    it, en = (text.format(phone=phone, office=office) for text in (words.it, words.en))
    return Words(it, en)


def open_call(desk: Desk, request: object) -> Call | None:
    """Return the call that a request to be away would leave behind, or None."""
    if not isinstance(request, SetAway) or not request.on:
        return None
    calls = desk.calls.values()
    return next((call for call in calls if request.by and _operator(call) == request.by), None)


def _operator(call: Call) -> str:
    """Return the phone that holds the caller, or to which the call returns; "" for none."""
    if call.state not in HELD | RETURNS:
        return ""
    if call.leg:
        return call.leg_phone
    return call.transfer.operator if call.transfer is not None else ""


def refusal(desk: Desk, request: object) -> Words | None:
    """Return why a position may not be away now; None: it may, or the request is another."""
    call = open_call(desk, request)
    if call is None or not isinstance(request, SetAway):
        return None
    office = call.transfer.unit.name if call.transfer is not None else ""
    return why_not(call.state, request.by, office)


def refuse(call: Call, phone: str) -> Iterator[Order]:
    """Note the refusal in the call that is open."""
    call.note(f"away_refused.{phone}")
    yield call.write()


# ---- Notices: short rings with a text on the display, and a prompt for the person who answers ----
# A notice gives way at once: a phone that rings with one counts as free, and a call that rings it
# takes its place.

BACK = "state_away_off"
"""Prompt after a reminder is answered: the position is back."""
ALL_BACK = "state_absent_off"
# Two rings, in ms: one second of tone, four of pause (ITU-T E.180 for Italy).
RING_MS = 10_000


@dataclass(slots=True)
class PhoneNotice(Side):
    """Notice that rings a phone; `prompt` is played to the person who answers."""

    prompt: str = ""

    @property
    def gives_way(self) -> bool:
        """True until the phone is answered."""
        return self.state is SideState.RINGING


def tell_positions(desk: Desk, phone: str, display: str, prompt: str, now: Now) -> Iterator[Order]:
    """Ring a free phone twice with a notice."""
    if phone not in desk.reachable or phone in desk.engaged():
        return
    # One notice at a time: a phone that rings with one still counts as free.
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
    """Stop notices and dictations on phones that a call is about to ring."""
    for side in list(desk.sides.values()):
        if (side.gives_way or side.yields) and side.phone in phones:
            del desk.sides[side.leg]
            yield from side.make_way()


def _stop(desk: Desk, side: PhoneNotice, event: object, now: Now) -> Iterator[Order]:
    """Stop ringing; the text was on the display meanwhile."""
    yield orders.StopRinging(side.leg)


def _speak(desk: Desk, side: PhoneNotice, event: object, now: Now) -> Iterator[Order]:
    # E3: answering the reminder brings the position back.
    if side.prompt == BACK:
        yield from become(desk, desk.service.come_back(side.phone))
    words = announcements.for_staff(desk.office, side.prompt)
    yield orders.Play(side.new_play(), words, leg=side.leg)


NOTICE_ACTIONS: Actions = {**model.COMMON, SideAction.GIVE_UP: _stop, SideAction.SPEAK: _speak}


# ---- Away by missed calls, back by an answer, the reminder (E3) ----------------------------------

REMIND = "remind"
"""`what` of a reminder's deadline; its `call` is the phone of a position that is away, or a manual
state (manual_states.STATE)."""
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
"""Subject and text of the supervisor's mail when the last position has gone away (E3)."""
AGAIN_S = 600.0
"""Time until a reminder that cannot ring now (closed, engaged) is tried again, s."""


def missed(desk: Desk, phones: Collection[str], rang_since: float, now: Now) -> Iterator[Order]:
    """Count a call that rang unanswered at these phones; after two in a row one is away (E3).

    `rang_since` is when they began to ring, monotonic s.
    """
    # While the time is not known it may be the middle of the night: then nobody is set away. A ring
    # shorter than MISSED_AFTER_MS was no chance to answer.
    if not now.by_hours or (now.monotonic - rang_since) * 1000 < MISSED_AFTER_MS:
        return
    service = desk.service
    # Positions only: the supervisor's own telephone misses nothing.
    for phone in [phone for phone in phones if phone in desk.office.phones]:
        desk.missed[phone] = desk.missed.get(phone, 0) + 1
        if desk.office.positions.goes_away(desk.missed[phone]):
            desk.missed.pop(phone)
            service = service.go_away(phone, ManualMark(SET_AUTOMATICALLY, now.wall))
    yield from become(desk, service)


def present(desk: Desk, phone: str) -> Iterator[Order]:
    """Reset a phone's missed calls, and end an automatic "away": somebody answered there."""
    desk.missed.pop(phone, None)
    mark = desk.service.away_mark(phone)
    # A position that asked to be away comes back by its key code only.
    if mark is not None and mark.by == SET_AUTOMATICALLY:
        yield from become(desk, desk.service.come_back(phone))


def heed(desk: Desk, before: ServiceState, now: Now) -> Iterator[Order]:
    """Plan reminders after a change of the manual states; mail when the last position has gone.

    `before` are the manual states until now.
    """
    manual_states.plan_reminders(desk, now)
    _plan_reminders(desk, now)
    gone = [phone for phone, _ in desk.service.away if before.away_mark(phone) is None]
    switchboard = desk.office.switchboard
    # E3: once, when the last one goes, and not by night.
    if set(gone) & set(switchboard.phones) and _left_alone(desk, now):
        yield orders.QueueMail(_unattended_mail(desk, now))


def _left_alone(desk: Desk, now: Now) -> bool:
    """True when the switchboard is open and its last position has gone away."""
    answer = opening(desk.office.switchboard.schedule, desk.service, now)
    # Not when a person has set "Non presidiato": E3 is about positions that have gone.
    by_hand = desk.service.expired(now.wall).unattended is not None
    alone = desk.group_state(desk.office.switchboard) is GroupState.UNATTENDED
    return answer.open and not by_hand and alone


def _unattended_mail(desk: Desk, now: Now) -> Mail:
    """Return the supervisor's mail that nobody is left at the switchboard, and what ends that."""
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
            # From the state's beginning, which a restart does not change.
            waited = (now.wall - mark.since).total_seconds()
            desk.reminders[phone] = now.monotonic + max(0.0, after - waited)


def remind(desk: Desk, phone: str, now: Now) -> Iterator[Order]:
    """Ring a phone whose position has been away for long; or remind of a manual state.

    A phone rings only while its group is open.
    """
    if phone.startswith(manual_states.STATE):
        yield from manual_states.remind(desk, phone, now)
        return
    mark = desk.service.away_mark(phone)
    # The deadline was due as the position came back.
    if mark is None or phone not in desk.reminders:
        return
    groups = [group for group in desk.groups if phone in group.phones]
    # Nobody is reminded while the office is closed: it is tried again later.
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    told: tuple[Order, ...] = ()
    if served and any(group_open(group, now) for group in groups):
        minutes = int((now.wall - mark.since).total_seconds()) // 60
        told = tuple(tell_positions(desk, phone, _reminder(desk, minutes), BACK, now))
    # Once; again later only where it could not ring now.
    desk.reminders[phone] = None if told else now.monotonic + AGAIN_S
    yield from told


def _reminder(desk: Desk, minutes: int) -> str:
    codes = (c.digits for c in desk.office.key_codes if c.what is StaffKey.AWAY and not c.on)
    code = next(codes, "")
    return f"Assente da {minutes} min{f', {code} per rientrare' if code else ''}"


def all_back(desk: Desk, now: Now) -> Iterator[Order]:
    """Ring every position: "all absent" has ended by itself (E4), people are expected back."""
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    for phone in desk.office.phones if served else ():
        yield from tell_positions(desk, phone, "Tutti assenti: finito", ALL_BACK, now)
