"""Opening hours: the year's calendar, special hours, ordinary weeks (E14).

A change is a form (policy.hours_changes), previewed or saved in the database thread; the reply is
sent once it is in force.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.api import users
from appliance.api.permissions import FREE, CommandHandlers, check_may, command
from appliance.api.protocol import (
    WRONG_PROOF,
    Arguments,
    DeferredReply,
    Reply,
    SendReply,
    deferred,
    form_declined,
    form_of,
    moment_or_none,
    plain,
    required_user,
    whole_number,
)
from appliance.api.speech import OURS
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.hours import Bands, Week
from appliance.policy.hours_changes import (
    DayChange,
    DayHours,
    HoursEntry,
    SampleCall,
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
from appliance.policy.text import NOTHING, SaidError, Words
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key, keys
from appliance.store import hours
from appliance.store.users import SHELL

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.policy.office import Group, Office

# Holidays are known this far ahead, however long the box has run.
SHOWN_YEARS_AHEAD: Final = 5


@command("calendar", needs=FREE)
def calendar(
    stores: StoreAccess, office: Office, now: datetime, arguments: Arguments
) -> DeferredReply:
    """Return a year's hours of the switchboard and of the counter; raises OfficeError."""
    this = now.astimezone(office.zone).year
    year = arguments.get("year", this)
    if (
        # `bool` is a subclass of `int` in Python.
        isinstance(year, bool)
        or not isinstance(year, int)
        or not this <= year <= this + SHOWN_YEARS_AHEAD
    ):
        raise OfficeError(f"year is one from {this} to {this + SHOWN_YEARS_AHEAD}")
    groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

    def job(_: sqlite3.Connection) -> Reply:
        hours_of_groups = [_group_of_year(group, year) for group in groups]
        last = this + SHOWN_YEARS_AHEAD
        return {"year": year, "first": this, "last": last, "groups": hours_of_groups}

    # A year takes some milliseconds to compute: not in the deciding thread.
    return deferred(stores.records, job, lambda result: result)


def _group_of_year(group: Group, year: int) -> Reply:
    return {
        "label": plain(group.label),
        "weeks": [_week_since(group, day) for day in _turns(group, year)],
        "special": [_calendar_day(each) for each in special_days(group.schedule, year)],
    }


def _turns(group: Group, year: int) -> list[date]:
    """Return January 1st and the days of a year on which a new ordinary week begins."""
    first = date(year, 1, 1)
    return [first, *(w.since for w in group.schedule.weeks if w.since.year == year)]


def _week_since(group: Group, since: date) -> Reply:
    days = group.schedule.week_on(since).days
    return {"since": since.isoformat(), "days": [[str(band) for band in b] for b in days]}


def _calendar_day(each: DayHours) -> Reply:
    bands = [str(band) for band in each.bands]
    return {"day": each.day.isoformat(), "bands": bands, "why": each.why, "name": plain(each.name)}


HOURS_SAVED: Final = Words(
    "Salvato: vale da subito per le nuove chiamate.", "Saved: in force at once for new calls."
)
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggerlo: vale ciò che valeva prima; avvisare il "
    "tecnico.",
    "Saved, but the switchboard cannot read it again: what held before holds; tell the technician.",
)
Entries = tuple[HoursEntry, ...]
Make = Callable[[Entries], HoursEntry]
Compare = Callable[[Entries, HoursEntry], Reply]
"""Returns what an entry changes compared with the earlier ones."""


class EntryCommands(CommandHandlers):
    """Base of the commands that enter hours; raises OfficeError for wrong arguments."""

    def __init__(self, stores: StoreAccess, desk: CallControlAccess) -> None:
        self._stores, self._desk = stores, desk

    def _author(self, arguments: Arguments) -> tuple[str, datetime]:
        """Return an entry's user and time, in the office's time zone."""
        by = required_user(arguments)
        # The audit and the list show that a shell made the entry.
        by = f"{SHELL}{by}" if arguments.get("proof") is not None else by
        return by, self._desk.office.local(self._desk.now().wall)

    def _enter(
        self, arguments: Arguments, make: Make, compare: Compare, saved: Words = HOURS_SAVED
    ) -> DeferredReply:
        """Enter what `make` returns, or preview what it would change (`compare`).

        `saved` is the reply's text once the entry is in force.
        """
        preview, (by, at) = arguments.get("preview") is True, self._author(arguments)

        def job(connection: sqlite3.Connection) -> Reply:
            self._check(connection, arguments)
            # A preview makes the entry without storing it.
            before = hours.load(connection)
            new = make(before) if preview else hours.add(connection, by, at, make)
            # A repeated command finds its own entry stored already.
            before = tuple(each for each in before if each.number != new.number)
            return {**compare(before, new), "number": new.number, "saved": not preview}

        def deferred_reply(send: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    send(form_declined(result))
                elif preview:
                    send(result)
                else:
                    self._stores.hours.load(
                        lambda read: send(result | {"said": _said(read, saved)})
                    )

            self._stores.records.do(job, done)

        return deferred_reply

    def _check(self, connection: sqlite3.Connection, arguments: Arguments) -> None:
        """Check the user's permission, or the proof of a shell on the box."""
        word = arguments.get("proof")
        if word is None:
            check_may(connection, required_user(arguments), Permission.SCHEDULE)
        elif not users.proof_is_right(self._stores.spoken.folder.parent, word):
            raise SaidError(WRONG_PROOF)


def _ended_by(form: dict[str, Any]) -> tuple[int, str]:
    """Return number and reference of a revoked entry; raises OfficeError without a number."""
    return whole_number(form, "number", default=None), str(form.get("reference") or "")


def _said(read: object, saved: Words) -> Reply:
    """Return `saved`, or another text if the saved hours cannot be loaded."""
    return plain(UNREAD if isinstance(read, CentralinoError) else saved)


MOST_SHOWN: Final = 200
"""Entries in a reply, the newest first: enough for years."""


class HoursCommands(EntryCommands):
    """Special hours: listing, entering and revoking them."""

    @command("hours_ahead", needs=FREE)
    def ahead(self, _: Arguments) -> DeferredReply:
        """Return the entries, newest first, and the announcements that an entry may use."""
        today = self._desk.office.today(self._desk.now().wall)

        def job(connection: sqlite3.Connection) -> Reply:
            entries = hours.load(connection)
            held = {each.number for each in entries_in_force(entries) if each.last >= today}
            # Ordinary weeks and their revocations have a list of their own.
            weeks = {each.number for each in entries if each.ordinary}
            found = (e for e in reversed(entries) if weeks.isdisjoint({e.number, e.ends}))
            told = [_hours_entry(each, holds=each.number in held) for each in found]
            return {
                "today": today.isoformat(),
                "entries": told[:MOST_SHOWN],
                "greetings": list(self._own_greetings()),
            }

        return deferred(self._stores.records, job, lambda result: result)

    @command("hours_enter", needs=Permission.SCHEDULE)
    def enter(self, arguments: Arguments) -> DeferredReply:
        """Enter or correct special hours, or preview the days that would change."""
        form, (by, at) = form_of(arguments), self._author(arguments)

        def make(stored: Entries) -> HoursEntry:
            known = (*self._own_greetings(), *CLOSED_GREETINGS.values())
            return read_special_hours(stored, form, known, by, at)

        return self._enter(arguments, make, self._compared(at.date()))

    @command("hours_revoke", needs=Permission.SCHEDULE)
    def revoke(self, arguments: Arguments) -> DeferredReply:
        """End an entry from now on, or preview the days that would change."""
        (number, reference), (by, at) = _ended_by(form_of(arguments)), self._author(arguments)

        def make(stored: Entries) -> HoursEntry:
            return revoke_special_hours(stored, number, reference, by, at)

        return self._enter(arguments, make, self._compared(at.date()))

    def _compared(self, today: date) -> Callable[[Entries, HoursEntry], Reply]:
        office = self._desk.office
        return lambda before, new: {
            "changes": [plain(each) for each in special_changes(office, before, new, today)]
        }

    def _own_greetings(self) -> tuple[str, ...]:
        """Return the keys of the office's own announcements in its first language."""
        spoken, language = self._stores.spoken, self._desk.office.languages[0]
        # Our recordings and the generated sounds are no greetings of the office's own.
        ours = set(keys(language))
        found = Catalogue(spoken.site, spoken.folder).keys(language)
        return tuple(k for k in found if k not in ours and is_key(k) and not k.startswith(OURS))


def _hours_entry(each: HoursEntry, *, holds: bool) -> Reply:
    period = each.period
    week = period.week.days if period else ()
    return {
        "number": each.number,
        "whose": each.whose.value,
        "first": period.first.isoformat() if period else "",
        "last": period.last.isoformat() if period else "",
        "reason": plain(period.name if period else NOTHING),
        "week": [" ".join(map(str, bands)) for bands in week],
        "closed": bool(period) and not any(week),
        "greeting": period.greeting if period else "",
        "by": each.by,
        "at": each.at.isoformat(),
        "reference": each.reference,
        "ends": each.ends,
        "holds": holds,
    }


WEEK_SAVED: Final = Words(
    "Salvato: vale dal giorno indicato, per le nuove chiamate.",
    "Saved: it holds from the day that was named, for new calls.",
)


class WeekCommands(EntryCommands):
    """Ordinary weeks: listing, entering and revoking them."""

    @command("weeks", needs=FREE)
    def weeks(self, _: Arguments) -> DeferredReply:
        """Return each group's week in force today, its configured week, and all entries."""
        office = self._desk.office
        today = office.today(self._desk.now().wall)
        groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

        def job(connection: sqlite3.Connection) -> Reply:
            entries = hours.load(connection)
            return {
                "today": today.isoformat(),
                "groups": [_group_of_week(group, today) for group in groups],
                "entries": _entries(entries, today),
            }

        return deferred(self._stores.records, job, lambda result: result)

    @command("week_enter", needs=Permission.SCHEDULE)
    def enter(self, arguments: Arguments) -> DeferredReply:
        """Enter an ordinary week from a day on, or preview what would change."""
        form, (by, at) = form_of(arguments), self._author(arguments)

        def make(stored: Entries) -> HoursEntry:
            return read_new_week(stored, form, by, at)

        return self._enter(arguments, make, self._comparing(form), WEEK_SAVED)

    @command("week_revoke", needs=Permission.SCHEDULE)
    def revoke(self, arguments: Arguments) -> DeferredReply:
        """Revoke a week that has not begun, or preview what would change."""
        form, (by, at) = form_of(arguments), self._author(arguments)
        number, reference = _ended_by(form)

        def make(stored: Entries) -> HoursEntry:
            return revoke_new_week(stored, number, reference, by, at)

        return self._enter(arguments, make, self._comparing(form), WEEK_SAVED)

    def _comparing(self, form: dict[str, Any]) -> Callable[[Entries, HoursEntry], Reply]:
        office, asked = self._desk.office, moment_or_none(form, "asked")
        local = office.local(asked) if asked else None
        return lambda before, new: _changes(week_changes(office, before, new, local))


def _group_of_week(group: Group, today: date) -> Reply:
    schedule = group.schedule
    held = schedule.new_week_on(today)
    return {
        "whose": group.name,
        "label": plain(group.label),
        "week": _week_bands(schedule.week_on(today)),
        "configured": _week_bands(schedule.weekly),
        "entry": held.number if held else 0,
        "since": held.since.isoformat() if held else "",
        "is_configured": held is None or held.week is None,
    }


def _entries(entries: Entries, today: date) -> list[Reply]:
    """Return entered weeks and their revocations, newest first."""
    weeks = {each.number for each in entries if each.ordinary}
    held = {each.number for each in entries_in_force(entries)}
    return [
        _week_entry(each, each.number in held, today)
        for each in reversed(entries)
        if each.number in weeks or each.ends in weeks
    ]


def _week_entry(each: HoursEntry, holds: bool, today: date) -> Reply:
    new = each.ordinary
    return {
        "number": each.number,
        "whose": each.whose.value,
        "since": new.since.isoformat() if new else "",
        "week": _week_bands(new.week) if new and new.week else [],
        "by": each.by,
        "at": each.at.isoformat(),
        "reference": each.reference,
        "ends": each.ends,
        "holds": holds,
        "is_to_come": holds and each.first > today,
    }


def _week_bands(week: Week) -> list[str]:
    return [" ".join(map(str, bands)) for bands in week.days]


def _changes(found: WeekChanges) -> Reply:
    return {
        "changes": [],
        "since": found.since.isoformat(),
        "until": found.until.isoformat() if found.until else "",
        "groups": [
            {"label": plain(group.label), "days": [_changed_day(day) for day in group.days]}
            for group in found.groups
        ],
        "heard": [_heard(each) for each in found.heard],
    }


def _changed_day(day: DayChange) -> Reply:
    return {
        "before": _bands(day.before),
        "after": _bands(day.after),
        "opens": _bands(day.opens),
        "closes": _bands(day.closes),
    }


def _bands(bands: Bands) -> list[Reply]:
    return [{"said": str(band), "minutes": band_minutes(band)} for band in bands]


def _heard(each: SampleCall) -> Reply:
    return {
        "at": each.at.isoformat(),
        "before": [plain(words) for words in each.before],
        "after": [plain(words) for words in each.after],
    }
