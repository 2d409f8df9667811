"""Manual states of the whole office: how commands change them, when each ends, its reminder.

A state that contradicts the written hours for an hour (closed though written open, opened though
written closed) is probably forgotten: the supervisor gets a mail, and every page and `centralino
status` say so, again in each later period that it contradicts. A state to which a person gave an
end of its own is not forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.calls.commands import (
    Request,
    SetAllAbsent,
    SetAway,
    SetClosed,
    SetOpened,
    SetUnattended,
)
from appliance.calls.model import Desk
from appliance.calls.orders import Order, QueueMail, SaveServiceState
from appliance.policy.clock import Now
from appliance.policy.hours import moment_words
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.office import KeyCode, Office, StaffKey
from appliance.policy.opening import ManualMark, ManualState, ServiceState
from appliance.policy.text import Words, in_language

# E4: all absent ends by itself, also when nobody has given an end.
ABSENT_AT_MOST = timedelta(minutes=60)
# A state against the written hours ends with them; within a day where they hardly ever change.
AT_MOST = timedelta(hours=24)
STATE = "state:"
"""Prefix of a manual state's name among `Desk.reminders`, whose other keys are phones."""
REMINDED: dict[ManualState, Words] = {
    ManualState.CLOSED: Words(
        "«Chiuso – segreteria» vale da {at} ({by}), {until}: chi chiama sente la segreteria. "
        "Se le persone sono tornate, finirlo.",
        "“Closed” has held since {at} ({by}), {until}: callers hear the voicemail. End it if "
        "people are back.",
    ),
    ManualState.UNATTENDED: Words(
        "«Non presidiato» vale da {at} ({by}), {until}: le chiamate vanno allo Sportello "
        "Cittadini. Se le persone sono tornate, finirlo.",
        "“Unattended” has held since {at} ({by}), {until}: calls go to the citizens' counter. End "
        "it if people are back.",
    ),
    ManualState.OPENED: Words(
        "«Aperto a mano» vale da {at} ({by}), {until}, fuori dall'orario scritto: i telefoni "
        "squillano. Se non risponde più nessuno, finirlo.",
        "“Opened by hand” has held since {at} ({by}), {until}, outside the written hours: phones "
        "ring. End it if nobody answers any more.",
    ),
    ManualState.ABSENT: Words(
        "«Tutti assenti» vale da {at} ({by}), {until}: non squilla nessun telefono. Se le "
        "persone sono tornate, finirlo.",
        "“All absent” has held since {at} ({by}), {until}: no phone rings. End it if people are "
        "back.",
    ),
}
LASTING = Words("senza fine", "without an end")
UNTIL = Words("fino a {}", "until {}")
SUBJECT = Words("Centralino: uno stato a mano è ancora in vigore", "A manual state still holds")

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


def become(desk: Desk, service: ServiceState) -> Iterator[Order]:
    """Put manual states into force and save them."""
    if service != desk.service:
        desk.service = service
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
    mark = ManualMark(request.by, now.wall, *_end(office, what, request, now))
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


def plan_reminders(desk: Desk, now: Now) -> None:
    """Plan a reminder for each manual state; drop those of states that are over."""
    after = desk.office.positions.remind_after_ms / 1000
    marks = desk.service.marks()
    names = [name for name in desk.reminders if name.startswith(STATE)]
    for name in names:
        if name.removeprefix(STATE) not in marks:
            del desk.reminders[name]
    for name, mark in marks.items():
        if after and _is_easily_forgotten(mark) and STATE + name not in desk.reminders:
            desk.reminders[STATE + name] = now.monotonic + _wait(desk, ManualState(name), mark, now)


def _wait(desk: Desk, what: ManualState, mark: ManualMark, now: Now) -> float:
    """Return the seconds until a state will have contradicted the hours for the reminder's time."""
    after = desk.office.positions.remind_after_ms / 1000
    if contradicts(desk.office, what, now):
        return max(0.0, after - (now.wall - mark.since).total_seconds())
    # It agrees with the hours now, and contradicts them from their next change on.
    return (_next_change(desk.office, now) - now.wall).total_seconds() + after


def remind(desk: Desk, name: str, now: Now) -> Iterator[Order]:
    """Mail the supervisor about a state that may be forgotten, once in each period."""
    what = ManualState(name.removeprefix(STATE))
    mark = desk.service.marks().get(what.value)
    if mark is None or name not in desk.reminders:
        return
    # The hours may have changed since the reminder was planned.
    if not contradicts(desk.office, what, now):
        desk.reminders[name] = now.monotonic + _wait(desk, what, mark, now)
        return
    then = Now(now.monotonic, _next_change(desk.office, now), now.clock_state)
    rest = (then.wall - now.wall).total_seconds()
    desk.reminders[name] = now.monotonic + rest + _wait(desk, what, mark, then)
    yield QueueMail(_mail(desk, what, mark, now))


def standing(desk: Desk, now: Now) -> Iterator[Words]:
    """Yield a sentence for each state that has contradicted the written hours for long."""
    after = timedelta(milliseconds=desk.office.positions.remind_after_ms)
    for name, mark in desk.service.expired(now.wall).marks().items():
        what = ManualState(name)
        is_old = _is_easily_forgotten(mark) and now.wall - mark.since >= after
        if after and is_old and contradicts(desk.office, what, now):
            yield _said(desk.office, what, mark)


def _said(office: Office, what: ManualState, mark: ManualMark) -> Words:
    words, since = REMINDED[what], office.local(mark.since)
    until = office.local(mark.until) if mark.until else None
    it, en = (
        template.format(
            at=moment_words(since, language),
            by=mark.by,
            until=in_language(UNTIL, language).format(moment_words(until, language))
            if until
            else in_language(LASTING, language),
        )
        for language, template in (("it", words.it), ("en", words.en))
    )
    return Words(it, en)


def _mail(desk: Desk, what: ManualState, mark: ManualMark, now: Now) -> Mail:
    language = desk.office.languages[0]
    body = in_language(_said(desk.office, what, mark), language)
    ident = f"state-{what.value}-{now.wall:%Y%m%dT%H%M%S}"
    return Mail(ident, TO_HEAD, in_language(SUBJECT, language), f"{body}\n")


def request_of(code: KeyCode, phone: str, now: Now) -> Request | None:
    """Return the state command of a key code dialled on a phone, or None."""
    if isinstance(code.what, StaffKey):
        return SetAway(code.on, phone) if code.what is StaffKey.AWAY else None
    until = now.wall + timedelta(minutes=code.minutes) if code.on and code.minutes else None
    return REQUESTS[code.what](code.on, phone, until)
