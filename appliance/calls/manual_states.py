"""Manual states of the office and of each position: commands, ends, reminders, notices on phones.

A state that contradicts the written hours for an hour (closed though written open, opened though
written closed) is probably forgotten: the supervisor gets a mail, and every page and `centralino
status` say so, again in each later period that it contradicts. A state to which a person gave an
end of its own is not forgotten. A position is away by its key code or because it missed its calls
(E3); it may not be left with a caller held or a return open (E19).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from appliance.calls import announcements, model, orders
from appliance.calls.commands import (
    Request,
    SetAllAbsent,
    SetAway,
    SetClosed,
    SetOpened,
    SetUnattended,
)
from appliance.calls.model import Actions, Call, Side, SwitchboardState
from appliance.calls.orders import Order, QueueMail, SaveServiceState
from appliance.calls.side_states import NOTICE_TABLE, SideAction, SideState
from appliance.calls.states import State
from appliance.policy.clock import Now
from appliance.policy.hours import moment_words
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.office import MISSED_AFTER_MS, SET_AUTOMATICALLY, KeyCode, Office, StaffKey
from appliance.policy.opening import ManualMark, ManualState, ServiceState, opening
from appliance.policy.routing import GroupState, group_open
from appliance.text import Words, _, by_language

# ---- States of the whole office ------------------------------------------------------------------

# E4: all absent ends by itself, also when nobody has given an end.
ABSENT_AT_MOST = timedelta(minutes=60)
# A state against the written hours ends with them; within a day where they hardly ever change.
AT_MOST = timedelta(hours=24)
# Prefix of a manual state's name among `SwitchboardState.reminders`; other keys are phones.
STATE = "state:"
REMINDED: dict[ManualState, Words] = {
    ManualState.CLOSED: _(
        "“Closed” has held since {at} ({by}), {until}: callers hear the voicemail. "
        "End it if people are back."
    ),
    ManualState.UNATTENDED: _(
        "“Unattended” has held since {at} ({by}), {until}: calls go to the "
        "citizens' counter. End it if people are back."
    ),
    ManualState.OPENED: _(
        "“Opened by hand” has held since {at} ({by}), {until}, outside the written "
        "hours: phones ring. End it if nobody answers any more."
    ),
    ManualState.ABSENT: _(
        "“All absent” has held since {at} ({by}), {until}: no phone rings. End it "
        "if people are back."
    ),
}
LASTING = _("without an end")
UNTIL = _("until {moment}")
SUBJECT = _("A manual state still holds")

WHAT: dict[type, ManualState] = {
    SetUnattended: ManualState.UNATTENDED,
    SetClosed: ManualState.CLOSED,
    SetOpened: ManualState.OPENED,
    SetAllAbsent: ManualState.ABSENT,
}
REQUESTS: dict[ManualState, type[SetUnattended | SetClosed | SetOpened | SetAllAbsent]] = {
    ManualState.UNATTENDED: SetUnattended,
    ManualState.CLOSED: SetClosed,
    ManualState.OPENED: SetOpened,
    ManualState.ABSENT: SetAllAbsent,
}


def become(board: SwitchboardState, service: ServiceState) -> Iterator[Order]:
    """Put manual states into force and save them."""
    if service != board.service:
        board.service = service
        yield SaveServiceState(service)


def requested(office: Office, state: ServiceState, request: object, now: Now) -> ServiceState:
    """Return the manual states after a command; another object changes nothing."""
    if isinstance(request, SetAway):
        return _away(office, state, request, now)
    if not isinstance(request, SetUnattended | SetClosed | SetOpened | SetAllAbsent):
        return state
    what = WHAT[type(request)]
    if not request.on:
        return state.undo(what)
    end = _end(office, what, request, now)
    mark = ManualMark(request.by, now.wall, *end, shown=request.shown)
    # An end in the past ends it at once.
    return state.set(what, mark).expired(now.wall)


def _away(office: Office, state: ServiceState, request: SetAway, now: Now) -> ServiceState:
    if not request.on:
        return state.come_back(request.by)
    until = request.until
    # A time without a zone is the office's local time.
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=office.zone)
    return state.go_away(request.by, ManualMark(request.by, now.wall, until)).expired(now.wall)


def _end(
    office: Office,
    what: ManualState,
    request: SetUnattended | SetClosed | SetOpened | SetAllAbsent,
    now: Now,
) -> tuple[datetime | None, bool]:
    """Return when a state ends, and whether it ends with the written hours.

    A time without a zone is the office's local time.
    """
    until = request.until
    if until is not None:
        return (until if until.tzinfo else until.replace(tzinfo=office.zone)), False
    # "All absent" always has an end (E4).
    if request.lasts and what is not ManualState.ABSENT:
        return None, False
    change = _by_itself(office, what, now)
    if what is ManualState.ABSENT and not request.lasts:
        soon = now.wall + ABSENT_AT_MOST
        return (soon, False) if soon < change else (change, True)
    return change, True


def _by_itself(office: Office, what: ManualState, now: Now) -> datetime:
    """Return when a state ends by itself: at the next change of the hours, else within a day."""
    # Closed in the evening, it is open in the morning; where the hours never change a forgotten
    # state ends all the same.
    change = _next_change(office, now)
    return min(change, now.wall + AT_MOST) if contradicts(office, what, now) else change


def _next_change(office: Office, now: Now) -> datetime:
    flips_at = office.switchboard.schedule.at(now.wall).flips_at
    return flips_at if flips_at is not None else now.wall + AT_MOST


def with_hours(office: Office, state: ServiceState, now: Now) -> ServiceState:
    """Return the manual states with the ends that the changed written hours give them."""
    for name, mark in state.marks().items():
        if mark.by_hours and not mark.over(now.wall):
            until = _by_itself(office, ManualState(name), now)
            state = state.set(ManualState(name), replace(mark, until=until))
    return state


def _is_easily_forgotten(mark: ManualMark) -> bool:
    # A person who gave the state an end of its own has thought of it.
    return mark.by_hours or mark.until is None


def contradicts(office: Office, what: ManualState, now: Now) -> bool:
    """Tell whether a state contradicts the written hours at this moment."""
    # Opened by hand contradicts closed hours: it rings people who have gone home. Every other state
    # contradicts open hours.
    return office.switchboard.schedule.at(now.wall).open is not (what is ManualState.OPENED)


def _plan_state_reminders(board: SwitchboardState, now: Now) -> None:
    """Plan a reminder for each manual state; drop those of states that are over."""
    after = board.office.positions.remind_after_ms / 1000
    marks = board.service.marks()
    names = [name for name in board.reminders if name.startswith(STATE)]
    for name in names:
        if name.removeprefix(STATE) not in marks:
            del board.reminders[name]
    for name, mark in marks.items():
        if after and _is_easily_forgotten(mark) and STATE + name not in board.reminders:
            board.reminders[STATE + name] = now.monotonic + _wait(
                board, ManualState(name), mark, now
            )


def _wait(board: SwitchboardState, what: ManualState, mark: ManualMark, now: Now) -> float:
    """Return the seconds until a state will have contradicted the hours for the reminder's time."""
    after = board.office.positions.remind_after_ms / 1000
    if contradicts(board.office, what, now):
        return max(0.0, after - (now.wall - mark.since).total_seconds())
    # It agrees with the hours now, and contradicts them from their next change on.
    return (_next_change(board.office, now) - now.wall).total_seconds() + after


def _remind_of_state(board: SwitchboardState, name: str, now: Now) -> Iterator[Order]:
    """Mail the supervisor about a state that may be forgotten, once in each period."""
    what = ManualState(name.removeprefix(STATE))
    mark = board.service.marks().get(what.value)
    if mark is None or name not in board.reminders:
        return
    # The hours may have changed since the reminder was planned.
    if not contradicts(board.office, what, now):
        board.reminders[name] = now.monotonic + _wait(board, what, mark, now)
        return
    then = Now(now.monotonic, _next_change(board.office, now), now.clock_state)
    rest = (then.wall - now.wall).total_seconds()
    board.reminders[name] = now.monotonic + rest + _wait(board, what, mark, then)
    yield QueueMail(_state_mail(board, what, mark, now))


def standing(board: SwitchboardState, now: Now) -> Iterator[Words]:
    """Yield a sentence for each state that has contradicted the written hours for long."""
    after = timedelta(milliseconds=board.office.positions.remind_after_ms)
    for name, mark in board.service.expired(now.wall).marks().items():
        what = ManualState(name)
        is_old = _is_easily_forgotten(mark) and now.wall - mark.since >= after
        if after and is_old and contradicts(board.office, what, now):
            yield _state_words(board.office, what, mark)


def _state_words(office: Office, what: ManualState, mark: ManualMark) -> Words:
    words, since = REMINDED[what], office.local(mark.since)
    until = UNTIL.filled(moment=_moment(office.local(mark.until))) if mark.until else LASTING
    return words.filled(at=_moment(since), by=mark.who, until=until)


def _moment(at: datetime) -> Words:
    return by_language(lambda language: moment_words(at, language))


def _state_mail(board: SwitchboardState, what: ManualState, mark: ManualMark, now: Now) -> Mail:
    language = board.office.languages[0]
    body = _state_words(board.office, what, mark).text(language)
    ident = f"state-{what.value}-{now.wall:%Y%m%dT%H%M%S}"
    return Mail(ident, TO_HEAD, SUBJECT.text(language), f"{body}\n")


def request_of(code: KeyCode, phone: str, now: Now) -> Request | None:
    """Return the state command of a key code dialled on a phone, or None."""
    if isinstance(code.what, StaffKey):
        return SetAway(code.on, phone) if code.what is StaffKey.AWAY else None
    until = now.wall + timedelta(minutes=code.minutes) if code.on and code.minutes else None
    return REQUESTS[code.what](code.on, phone, until)


# ---- Leaving a position with a held caller or an open return is refused (E19) --------------------
# A position is not a person: what is open there would be left to nobody. Only a request to be away
# is refused. A position that missed its calls is away whatever is open: nobody sits there.

REFUSAL_PROMPT: Final = "state_away_refused"
"""Prompt for the phone that dialled the code."""
RETURNS: Final = frozenset({State.TRANSFER_RETURNING, State.TRANSFER_OFFER})
# States in which the operator holds a caller; not TALKING: who talks may leave afterwards.
HELD: Final = frozenset(
    {
        State.ON_HOLD,
        State.TRANSFER_CHOICE,
        State.TRANSFER_RINGING,
        State.TRANSFER_CONSULT,
        State.OFFICE_WAITS,
        State.PBX_GREETING,
        State.PBX_CHECK,
        State.PBX_CALLING,
        State.PBX_OFFERING,
        State.PBX_AWAITING_KEY,
        State.PBX_RETURNING,
    }
)
CALLER_HELD: Final = _(
    "{phone} has a caller on hold: take the caller back or pass them on first; "
    "the position stays present."
)
RETURN_OPEN: Final = _(
    "{phone} has a return open ({office}): it has to be taken first, here or "
    "at another position; the position stays present."
)


def why_not_away(state: State, phone: str, office: str) -> Words | None:
    """Return why a position may not be left with a call in that state, or None."""
    if state not in HELD | RETURNS:
        return None
    words = RETURN_OPEN if state in RETURNS else CALLER_HELD
    return words.filled(phone=phone, office=office)


def open_call(board: SwitchboardState, request: object) -> Call | None:
    """Return the call that a request to be away would leave behind, or None."""
    if not isinstance(request, SetAway) or not request.on:
        return None
    calls = board.calls.values()
    return next((call for call in calls if request.by and _operator(call) == request.by), None)


def _operator(call: Call) -> str:
    """Return the phone that holds the caller, or to which the call returns; "" for none."""
    if call.state not in HELD | RETURNS:
        return ""
    if call.leg:
        return call.leg_phone
    return call.transfer.operator if call.transfer is not None else ""


def away_refusal(board: SwitchboardState, request: object) -> Words | None:
    """Return why a position may not be away now; None: it may, or the request is another."""
    call = open_call(board, request)
    if call is None or not isinstance(request, SetAway):
        return None
    office = call.transfer.unit.name if call.transfer is not None else ""
    return why_not_away(call.state, request.by, office)


def note_away_refusal(call: Call, phone: str) -> Iterator[Order]:
    """Note the refusal in the call that is open."""
    call.note(f"away_refused.{phone}")
    yield call.write()


# ---- Notices: short rings with a text on the display, and a prompt for the person who answers ----
# A notice gives way at once: a phone that rings with one counts as free, and a call that rings it
# takes its place.

# Prompt after a reminder is answered: the position is back.
BACK_PROMPT = "state_away_off"
ALL_BACK_PROMPT = "state_absent_off"
# Two rings, in ms: one second of tone, four of pause (ITU-T E.180 for Italy).
NOTICE_RING_MS = 10_000


@dataclass(slots=True)
class PhoneNotice(Side):
    """Notice that rings a phone; `prompt` is played to the person who answers."""

    prompt: str = ""

    @property
    def gives_way(self) -> bool:
        """True until the phone is answered."""
        return self.state is SideState.RINGING


def tell_positions(
    board: SwitchboardState, phone: str, display: str, prompt: str, now: Now
) -> Iterator[Order]:
    """Ring a free phone twice with a notice."""
    if phone not in board.reachable or phone in board.engaged():
        return
    # One notice at a time: a phone that rings with one still counts as free.
    if any(side.gives_way and side.phone == phone for side in board.sides.values()):
        return
    side = PhoneNotice(
        f"{board.new_id()}.notice",
        phone,
        NOTICE_TABLE,
        NOTICE_ACTIONS,
        SideState.RINGING,
        prompt=prompt,
    )
    board.add_side(side, now)
    side.deadline = now.monotonic + NOTICE_RING_MS / 1000
    yield orders.RingPhones(side.leg, (orders.Ringing(side.leg, phone),), display)


# What rings to be heard, and what is heard by whoever lifts it.
TRY_DISPLAY: Final = _("Test ring")
TRY_PROMPT: Final = "welcome"
NOT_REGISTERED: Final = _("that phone is not registered: see that it is on and has its password")
IN_USE: Final = _("that phone is in use: try again when its call is over")


def why_no_ring(board: SwitchboardState, phone: str) -> Words | None:
    """Return why a phone cannot ring for a try now, None if it can."""
    if phone not in board.reachable:
        return NOT_REGISTERED
    return IN_USE if phone in board.engaged() else None


def try_ring(board: SwitchboardState, phone: str, now: Now) -> Iterator[Order]:
    """Have a phone ring twice, so that a technician hears it; calls go before."""
    display = TRY_DISPLAY.text(board.office.languages[0])
    yield from tell_positions(board, phone, display, TRY_PROMPT, now)


def make_way(board: SwitchboardState, phones: Collection[str]) -> Iterator[Order]:
    """Stop notices and dictations on phones that a call is about to ring."""
    for side in list(board.sides.values()):
        if (side.gives_way or side.yields) and side.phone in phones:
            del board.sides[side.leg]
            yield from side.make_way()


def _stop_notice(
    board: SwitchboardState, side: PhoneNotice, event: object, now: Now
) -> Iterator[Order]:
    """Stop ringing; the text was on the display meanwhile."""
    yield orders.StopRinging(side.leg)


def _speak_notice(
    board: SwitchboardState, side: PhoneNotice, event: object, now: Now
) -> Iterator[Order]:
    # E3: answering the reminder brings the position back.
    if side.prompt == BACK_PROMPT:
        yield from become(board, board.service.come_back(side.phone))
    words = announcements.for_staff(board.office, side.prompt)
    yield orders.Play(side.new_play(), words, leg=side.leg)


NOTICE_ACTIONS: Actions = {
    **model.COMMON,
    SideAction.GIVE_UP: _stop_notice,
    SideAction.SPEAK: _speak_notice,
}


# ---- Away by missed calls, back by an answer, the reminder (E3) ----------------------------------

# `what` of a reminder's deadline; its `call` is the phone of a position that is away, or a manual
# state (manual_states.STATE).
REMIND = "remind"
# Subject and text of the supervisor's mail when the last position has gone away (E3).
LEFT_ALONE = (
    _("The switchboard has been unattended since {at}"),
    _(
        "Since {at} no position of the switchboard has been attended.\n"
        "Away: {names} ((*) automatic: missed its calls).\n"
        "Calls go to the citizens' counter, else to voicemail. A position that "
        "went away by itself is back when its handset is lifted, one that asked "
        "for it by its key code.\n"
    ),
)
# Time until a reminder that cannot ring now (closed, engaged) is tried again, s.
AGAIN_S = 600.0


def count_missed(
    board: SwitchboardState, phones: Collection[str], rang_since: float, now: Now
) -> Iterator[Order]:
    """Count a call that rang unanswered at these phones; after two in a row one is away (E3).

    `rang_since` is when they began to ring, monotonic s.
    """
    # While the time is not known it may be the middle of the night: then nobody is set away. A ring
    # shorter than MISSED_AFTER_MS was no chance to answer.
    if not now.by_hours or (now.monotonic - rang_since) * 1000 < MISSED_AFTER_MS:
        return
    service = board.service
    # Positions only: the supervisor's own telephone misses nothing.
    for phone in [phone for phone in phones if phone in board.office.phones]:
        board.missed[phone] = board.missed.get(phone, 0) + 1
        if board.office.positions.goes_away(board.missed[phone]):
            board.missed.pop(phone)
            service = service.go_away(phone, ManualMark(SET_AUTOMATICALLY, now.wall))
    yield from become(board, service)


def count_answer(board: SwitchboardState, phone: str) -> Iterator[Order]:
    """Reset a phone's missed calls, and end an automatic "away": somebody answered there."""
    board.missed.pop(phone, None)
    mark = board.service.away_mark(phone)
    # A position that asked to be away comes back by its key code only.
    if mark is not None and mark.by == SET_AUTOMATICALLY:
        yield from become(board, board.service.come_back(phone))


def heed(board: SwitchboardState, before: ServiceState, now: Now) -> Iterator[Order]:
    """Plan reminders after a change of the manual states; mail when the last position has gone.

    `before` are the manual states until now.
    """
    _plan_state_reminders(board, now)
    _plan_away_reminders(board, now)
    gone = [phone for phone, _ in board.service.away if before.away_mark(phone) is None]
    switchboard = board.office.switchboard
    # E3: once, when the last one goes, and not by night.
    if set(gone) & set(switchboard.phones) and _left_alone(board, now):
        yield orders.QueueMail(_unattended_mail(board, now))


def _left_alone(board: SwitchboardState, now: Now) -> bool:
    """True when the switchboard is open and its last position has gone away."""
    answer = opening(board.office.switchboard.schedule, board.service, now)
    # Not when a person has set "Non presidiato": E3 is about positions that have gone.
    by_hand = board.service.expired(now.wall).unattended is not None
    alone = board.group_state(board.office.switchboard) is GroupState.UNATTENDED
    return answer.open and not by_hand and alone


def _unattended_mail(board: SwitchboardState, now: Now) -> Mail:
    """Return the supervisor's mail that nobody is left at the switchboard, and what ends that."""
    at, here = board.office.local(now.wall), board.office.switchboard.phones
    away = [
        (phone, mark.by == SET_AUTOMATICALLY) for phone, mark in board.service.away if phone in here
    ]
    language = board.office.languages[0]
    names = ", ".join(f"{phone} (*)" if automatic else phone for phone, automatic in away)
    return Mail(
        f"unattended-{now.wall:%Y%m%dT%H%M%S}",
        TO_HEAD,
        LEFT_ALONE[0].filled(at=f"{at:%H:%M}").text(language),
        LEFT_ALONE[1].filled(at=_moment(at), names=names).text(language),
    )


def _plan_away_reminders(board: SwitchboardState, now: Now) -> None:
    after = board.office.positions.remind_after_ms / 1000
    away = dict(board.service.away)
    phones = (name for name in board.reminders if not name.startswith(STATE))
    for phone in [phone for phone in phones if phone not in away]:
        del board.reminders[phone]
    for phone, mark in away.items():
        if after and phone in board.office.phones and phone not in board.reminders:
            # From the state's beginning, which a restart does not change.
            waited = (now.wall - mark.since).total_seconds()
            board.reminders[phone] = now.monotonic + max(0.0, after - waited)


def remind(board: SwitchboardState, phone: str, now: Now) -> Iterator[Order]:
    """Ring a phone whose position has been away for long; or remind of a manual state.

    A phone rings only while its group is open.
    """
    if phone.startswith(STATE):
        yield from _remind_of_state(board, phone, now)
        return
    mark = board.service.away_mark(phone)
    # The deadline was due as the position came back.
    if mark is None or phone not in board.reminders:
        return
    groups = [group for group in board.groups if phone in group.phones]
    # Nobody is reminded while the office is closed: it is tried again later.
    served = opening(board.office.switchboard.schedule, board.service, now).open
    told: tuple[Order, ...] = ()
    if served and any(group_open(group, now) for group in groups):
        minutes = int((now.wall - mark.since).total_seconds()) // 60
        told = tuple(tell_positions(board, phone, _reminder(board, minutes), BACK_PROMPT, now))
    # Once; again later only where it could not ring now.
    board.reminders[phone] = None if told else now.monotonic + AGAIN_S
    yield from told


def _reminder(board: SwitchboardState, minutes: int) -> str:
    codes = (c.digits for c in board.office.key_codes if c.what is StaffKey.AWAY and not c.on)
    code = next(codes, "")
    if not code:
        return _("Away for {minutes} min", minutes=minutes).text(board.office.staff_language)
    words = _("Away for {minutes} min, {code} to be back", minutes=minutes, code=code)
    return words.text(board.office.staff_language)


def all_back(board: SwitchboardState, now: Now) -> Iterator[Order]:
    """Ring every position: "all absent" has ended by itself (E4), people are expected back."""
    served = opening(board.office.switchboard.schedule, board.service, now).open
    shown = _("All absent: ended").text(board.office.staff_language)
    for phone in board.office.phones if served else ():
        yield from tell_positions(board, phone, shown, ALL_BACK_PROMPT, now)
