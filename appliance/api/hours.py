"""Opening hours: the year's calendar, special hours, ordinary weeks (E14).

A change is a form (policy.hours_changes), previewed or saved in the database thread; the reply is
sent once it is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.api import users
from appliance.api.codec import command_of
from appliance.api.commands import (
    EnterHours,
    EnterWeek,
    HoursForm,
    ListHours,
    ListWeeks,
    RevokeHours,
    RevokeWeek,
    ShowCalendar,
)
from appliance.api.protocol import (
    WRONG_PROOF,
    CommandHandlers,
    DeferredReply,
    Reply,
    SendReply,
    check_may,
    command,
    deferred,
    form_declined,
)
from appliance.api.replies import (
    CalendarReply,
    ChangedDay,
    ChangedGroup,
    EnteredHours,
    EnteredWeek,
    FormTaken,
    GroupWeek,
    GroupYear,
    HoursAhead,
    HoursChange,
    ShownBand,
    SpecialDay,
    WeekChange,
    Weeks,
    WeekSince,
)
from appliance.api.speech import OURS
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.forms import FormProblem, FormRefused
from appliance.policy.hours import Bands, Week
from appliance.policy.hours_changes import (
    DayChange,
    HoursEntry,
    WeekChanges,
    band_minutes,
    entries_in_force,
    read_new_week,
    read_special_hours,
    revoke_new_week,
    revoke_special_hours,
    special_changes,
    special_days,
    week_changes,
)
from appliance.policy.opening import CLOSED_GREETINGS
from appliance.policy.privacy import not_for_callers
from appliance.policy.text import SaidError
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key, keys
from appliance.store import hours
from appliance.store.users import SHELL
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.policy.office import Group, Office

# Holidays are known this far ahead, however long the box has run.
SHOWN_YEARS_AHEAD: Final = 5


def calendar(
    stores: StoreAccess, office: Office, now: datetime, wish: ShowCalendar
) -> DeferredReply:
    """Return a year's hours of the switchboard and of the counter; raises OfficeError."""
    this = now.astimezone(office.zone).year
    year = this if wish.year is None else wish.year
    if not this <= year <= this + SHOWN_YEARS_AHEAD:
        raise OfficeError(f"year is one from {this} to {this + SHOWN_YEARS_AHEAD}")
    groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

    def job(_: sqlite3.Connection) -> Reply:
        hours_of_groups = [_group_of_year(group, year) for group in groups]
        last = this + SHOWN_YEARS_AHEAD
        return CalendarReply(year, this, last, tuple(hours_of_groups))

    # A year takes some milliseconds to compute: not in the deciding thread.
    return deferred(stores.records, job, lambda result: result)


def _group_of_year(group: Group, year: int) -> GroupYear:
    weeks = tuple(_week_since(group, day) for day in _turns(group, year))
    special = (
        SpecialDay(each.day, tuple(map(str, each.bands)), each.why, each.name)
        for each in special_days(group.schedule, year)
    )
    return GroupYear(group.label, weeks, tuple(special))


def _turns(group: Group, year: int) -> list[date]:
    """Return January 1st and the days of a year on which a new ordinary week begins."""
    first = date(year, 1, 1)
    return [first, *(w.since for w in group.schedule.weeks if w.since.year == year)]


def _week_since(group: Group, since: date) -> WeekSince:
    days = group.schedule.week_on(since).days
    return WeekSince(since, tuple(tuple(map(str, bands)) for bands in days))


HOURS_SAVED: Final = _("Saved: in force at once for new calls.")
UNREAD: Final = _(
    "Saved, but the switchboard cannot read it again: what held before holds; tell the technician."
)
Entries = tuple[HoursEntry, ...]
Make = Callable[[Entries], HoursEntry]
Compare = Callable[[Entries, HoursEntry], HoursChange]
"""Returns what an entry changes compared with the earlier ones."""


class EntryCommands(CommandHandlers):
    """Base of the commands that enter hours."""

    def __init__(self, stores: StoreAccess, call_control: CallControlAccess) -> None:
        self._stores, self._call_control = stores, call_control

    def _author(self, wish: HoursForm[FormTaken]) -> tuple[str, datetime]:
        """Return an entry's user and time, in the office's time zone."""
        # The audit and the list show that a shell made the entry.
        by = f"{SHELL}{wish.by}" if wish.proof is not None else wish.by
        return by, self._call_control.office.local(self._call_control.now().wall)

    def _enter(
        self,
        wish: HoursForm[FormTaken],
        make: Make,
        compare: Compare,
        saved: Words = HOURS_SAVED,
    ) -> DeferredReply:
        """Enter what `make` returns, or preview what it would change (`compare`).

        `saved` is the reply's text once the entry is in force.
        """
        preview, (by, at) = wish.preview, self._author(wish)

        def job(connection: sqlite3.Connection) -> HoursChange:
            self._check(connection, wish)
            # A preview makes the entry without storing it.
            before = hours.load(connection)
            new = make(before) if preview else hours.add(connection, by, at, make)
            # A repeated command finds its own entry stored already.
            before = tuple(each for each in before if each.number != new.number)
            return replace(compare(before, new), number=new.number, saved=not preview)

        def deferred_reply(send: SendReply) -> None:
            def done(result: HoursChange | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    send(form_declined(result))
                elif preview:
                    send(result)
                else:
                    self._stores.hours.load(
                        lambda read: send(replace(result, said=_said(read, saved)))
                    )

            self._stores.records.do(job, done)

        return deferred_reply

    def _check(self, connection: sqlite3.Connection, wish: HoursForm[FormTaken]) -> None:
        """Check the user's permission, or the proof of a shell on the box."""
        if wish.proof is None:
            check_may(connection, wish.by, Permission.SCHEDULE)
        elif not users.proof_is_right(self._stores.spoken.folder.parent, wish.proof):
            raise SaidError(WRONG_PROOF)


@dataclass(frozen=True, slots=True)
class EntryEnded:
    """Form that revokes an entry."""

    number: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SampleAsked:
    """Field of a form that asks what a call at that time would hear."""

    asked: datetime | None = None


def _said(read: object, saved: Words) -> Words:
    """Return `saved`, or another text if the saved hours cannot be loaded."""
    return UNREAD if isinstance(read, CentralinoError) else saved


MOST_SHOWN: Final = 200
"""Entries in a reply, the newest first: enough for years."""


class HoursCommands(EntryCommands):
    """Special hours: listing, entering and revoking them."""

    @command(ListHours)
    def ahead(self, _: ListHours) -> DeferredReply:
        """Return the entries, newest first, and the announcements that an entry may use."""
        today = self._call_control.office.today(self._call_control.now().wall)

        def job(connection: sqlite3.Connection) -> Reply:
            entries = hours.load(connection)
            held = {each.number for each in entries_in_force(entries) if each.last >= today}
            # Ordinary weeks and their revocations have a list of their own.
            weeks = {each.number for each in entries if each.ordinary}
            found = (e for e in reversed(entries) if weeks.isdisjoint({e.number, e.ends}))
            told = [_hours_entry(each, holds=each.number in held) for each in found]
            return HoursAhead(today, tuple(told[:MOST_SHOWN]), self._own_greetings())

        return deferred(self._stores.records, job, lambda result: result)

    @command(EnterHours)
    def enter(self, wish: EnterHours) -> DeferredReply:
        """Enter or correct special hours, or preview the days that would change."""
        form, (by, at) = wish.form, self._author(wish)

        def make(stored: Entries) -> HoursEntry:
            self._check_disclosed(form)
            known = (*self._own_greetings(), *CLOSED_GREETINGS.values())
            return read_special_hours(stored, form, known, by, at)

        return self._enter(wish, make, self._compared(at.date()))

    @command(RevokeHours)
    def revoke(self, wish: RevokeHours) -> DeferredReply:
        """End an entry from now on, or preview the days that would change."""
        ended, (by, at) = command_of(EntryEnded, wish.form), self._author(wish)

        def make(stored: Entries) -> HoursEntry:
            return revoke_special_hours(stored, ended.number, ended.reference, by, at)

        return self._enter(wish, make, self._compared(at.date()))

    def _check_disclosed(self, form: Mapping[str, Any]) -> None:
        """Raise FormRefused for a reason with a number that callers may not be told (P7)."""
        known = self._stores.spoken.disclosure()
        # no announcement says the reason, but operators read it to callers: "closed today (strike)"
        texts = {field: str(form.get(field, "")) for field in ("reason", "reason_en")}
        problems = [
            FormProblem(field, not_for_callers(offices))
            for field, text in texts.items()
            if known is not None and (offices := known.kept_by(text))
        ]
        if problems:
            raise FormRefused(*problems)

    def _compared(self, today: date) -> Compare:
        office = self._call_control.office
        return lambda before, new: HoursChange(tuple(special_changes(office, before, new, today)))

    def _own_greetings(self) -> tuple[str, ...]:
        """Return the keys of the office's own announcements in its first language."""
        spoken, language = self._stores.spoken, self._call_control.office.languages[0]
        # Our recordings and the generated sounds are no greetings of the office's own.
        ours = set(keys(language))
        found = Catalogue(spoken.site, spoken.folder).keys(language)
        return tuple(k for k in found if k not in ours and is_key(k) and not k.startswith(OURS))


def _hours_entry(each: HoursEntry, *, holds: bool) -> EnteredHours:
    period = each.period
    return EnteredHours(
        number=each.number,
        whose=each.whose,
        first=period.first if period else None,
        last=period.last if period else None,
        reason=period.name if period else NOTHING,
        week=_week_bands(period.week) if period else (),
        closed=period is not None and not any(period.week.days),
        greeting=period.greeting if period else "",
        by=each.by,
        at=each.at,
        reference=each.reference,
        ends=each.ends,
        holds=holds,
    )


WEEK_SAVED: Final = _("Saved: it holds from the day that was named, for new calls.")


class WeekCommands(EntryCommands):
    """Ordinary weeks: listing, entering and revoking them."""

    @command(ListWeeks)
    def weeks(self, _: ListWeeks) -> DeferredReply:
        """Return each group's week in force today, its configured week, and all entries."""
        office = self._call_control.office
        today = office.today(self._call_control.now().wall)
        groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

        def job(connection: sqlite3.Connection) -> Reply:
            entries = hours.load(connection)
            held = tuple(_group_of_week(group, today) for group in groups)
            return Weeks(today, held, _entries(entries, today))

        return deferred(self._stores.records, job, lambda result: result)

    @command(EnterWeek)
    def enter(self, wish: EnterWeek) -> DeferredReply:
        """Enter an ordinary week from a day on, or preview what would change."""
        form, (by, at) = wish.form, self._author(wish)

        def make(stored: Entries) -> HoursEntry:
            return read_new_week(stored, form, by, at)

        return self._enter(wish, make, self._comparing(form), WEEK_SAVED)

    @command(RevokeWeek)
    def revoke(self, wish: RevokeWeek) -> DeferredReply:
        """Revoke a week that has not begun, or preview what would change."""
        form, (by, at) = wish.form, self._author(wish)
        ended = command_of(EntryEnded, form)

        def make(stored: Entries) -> HoursEntry:
            return revoke_new_week(stored, ended.number, ended.reference, by, at)

        return self._enter(wish, make, self._comparing(form), WEEK_SAVED)

    def _comparing(self, form: dict[str, Any]) -> Compare:
        office, asked = self._call_control.office, command_of(SampleAsked, form).asked
        local = office.local(asked) if asked else None
        return lambda before, new: _changes(week_changes(office, before, new, local))


def _group_of_week(group: Group, today: date) -> GroupWeek:
    schedule = group.schedule
    held = schedule.new_week_on(today)
    return GroupWeek(
        whose=group.name,
        label=group.label,
        week=_week_bands(schedule.week_on(today)),
        configured=_week_bands(schedule.weekly),
        entry=held.number if held else 0,
        since=held.since if held else None,
        is_configured=held is None or held.week is None,
    )


def _entries(entries: Entries, today: date) -> tuple[EnteredWeek, ...]:
    """Return entered weeks and their revocations, newest first."""
    weeks = {each.number for each in entries if each.ordinary}
    held = {each.number for each in entries_in_force(entries)}
    return tuple(
        _week_entry(each, each.number in held, today)
        for each in reversed(entries)
        if each.number in weeks or each.ends in weeks
    )


def _week_entry(each: HoursEntry, holds: bool, today: date) -> EnteredWeek:
    new = each.ordinary
    return EnteredWeek(
        number=each.number,
        whose=each.whose,
        since=new.since if new else None,
        week=_week_bands(new.week) if new and new.week else (),
        by=each.by,
        at=each.at,
        reference=each.reference,
        ends=each.ends,
        holds=holds,
        is_to_come=holds and each.first > today,
    )


def _week_bands(week: Week) -> tuple[str, ...]:
    return tuple(" ".join(map(str, bands)) for bands in week.days)


def _changes(found: WeekChanges) -> WeekChange:
    return WeekChange(
        since=found.since,
        until=found.until,
        groups=tuple(
            ChangedGroup(group.label, tuple(map(_changed_day, group.days)))
            for group in found.groups
        ),
        heard=found.heard,
    )


def _changed_day(day: DayChange) -> ChangedDay:
    return ChangedDay(_bands(day.before), _bands(day.after), _bands(day.opens), _bands(day.closes))


def _bands(bands: Bands) -> tuple[ShownBand, ...]:
    return tuple(ShownBand(str(band), band_minutes(band)) for band in bands)
