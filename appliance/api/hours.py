"""Commands on opening hours and holidays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.api import users
from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, moment, plain
from appliance.api.speech import OURS
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.directory_forms import Unfit
from appliance.policy.hours import Bands, Week
from appliance.policy.hours_changes import (
    DayChange,
    DayHours,
    Heard,
    Special,
    WeekChanges,
    changes,
    entered,
    minutes,
    revoked,
    special_days,
    special_in_force,
    week_changes,
    week_entered,
    week_revoked,
)
from appliance.policy.opening import GREETINGS
from appliance.policy.text import NOTHING, Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key, keys
from appliance.store import hours
from appliance.store.users import SHELL

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.office import Group, Office
    from appliance.service.loop import Desk, Stores


# ---- calendar questions ------------------------------------------------------------------------
# What may be asked at the door of the year: ordinary weeks, and every day that is another (E14).
#
# A year takes some milliseconds: it is made in the records' thread.

SHOWN_YEARS_AHEAD: Final = 5
"""So far holidays are known, however long the box has run."""


def calendar(
    stores: Stores, office: Office, now: datetime, question: dict[str, Any]
) -> DeferredReply:
    """Tell a year of the switchboard and of the counter; raises OfficeError for one too far."""
    this = now.astimezone(office.zone).year
    year = question.get("year", this)
    if (
        isinstance(year, bool)
        or not isinstance(year, int)
        or not this <= year <= this + SHOWN_YEARS_AHEAD
    ):
        raise OfficeError(f"year is one from {this} to {this + SHOWN_YEARS_AHEAD}")
    groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

    def later(tell: SendReply) -> None:
        stores.records.do(lambda _: _told(groups, year, this), tell)

    return later


def _told(groups: list[Group], year: int, this: int) -> Reply:
    told = [_group_of_year(group, year) for group in groups]
    return {"year": year, "first": this, "last": this + SHOWN_YEARS_AHEAD, "groups": told}


def _group_of_year(group: Group, year: int) -> Reply:
    return {
        "label": plain(group.label),
        "weeks": [_week_since(group, day) for day in _turns(group, year)],
        "special": [_calendar_day(each) for each in special_days(group.schedule, year)],
    }


def _turns(group: Group, year: int) -> list[date]:
    """Return the days of a year from which another ordinary week holds, its first one first."""
    first = date(year, 1, 1)
    return [first, *(w.since for w in group.schedule.weeks if w.since.year == year)]


def _week_since(group: Group, since: date) -> Reply:
    days = group.schedule.week_on(since).days
    return {"since": since.isoformat(), "days": [[str(band) for band in b] for b in days]}


def _calendar_day(each: DayHours) -> Reply:
    bands = [str(band) for band in each.bands]
    return {"day": each.day.isoformat(), "bands": bands, "why": each.why, "name": plain(each.name)}


# ---- hours entering ----------------------------------------------------------------------------
# How hours are entered at the door: by whom, previewed or saved, in force when it is answered.
#
# Done in the records' thread; who asks needs the right to it.

HOURS_SAVED: Final = Words(
    "Salvato: vale da subito per le nuove chiamate.", "Saved: in force at once for new calls."
)
UNTAKEN: Final = Words("Il modulo va corretto.", "The form needs mending.")
UNREAD: Final = Words(
    "Salvato, ma il centralino non riesce a rileggerlo: vale ciò che valeva prima; avvisare il "
    "tecnico.",
    "Saved, but the switchboard cannot read it again: what held before holds; tell the technician.",
)
Entries = tuple[Special, ...]
Make = Callable[[Entries], Special]
Compare = Callable[[Entries, Special], Reply]
"""Says what an entry changes, of those that were there before it."""


class Entering:
    """Makes entries of hours; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk

    def who(self, question: dict[str, Any]) -> tuple[str, datetime]:
        """Return by whom an entry is made, and when, in the office's time."""
        by = _by(question)
        by = f"{SHELL}{by}" if question.get("proof") is not None else by
        return by, self._desk.office.local(self._desk.now().wall)

    def later(
        self, question: dict[str, Any], make: Make, compare: Compare, saved: Words = HOURS_SAVED
    ) -> DeferredReply:
        """Enter what `make` makes, or only say what `compare` finds that it would change.

        `saved` is said when it holds.
        """
        preview, (by, at) = question.get("preview") is True, self.who(question)

        def job(connection: sqlite3.Connection) -> Reply:
            self._check(connection, question)
            before = hours.load(connection)
            new = make(before) if preview else hours.add(connection, by, at, make)
            before = tuple(each for each in before if each.number != new.number)
            return {**compare(before, new), "number": new.number, "saved": not preview}

        def later(tell: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    tell(_refused(result))
                elif preview:
                    tell(result)
                else:
                    self._stores.hours.load(
                        lambda read: tell(result | {"said": _said(read, saved)})
                    )

            self._stores.records.do(job, done)

        return later

    def _check(self, connection: sqlite3.Connection, question: dict[str, Any]) -> None:
        """Ask for the right of who asks; the box's own shell has it."""
        word = question.get("proof")
        if word is None:
            check_may(connection, _by(question), Permission.SCHEDULE)
        elif not users.proof_is_right(self._stores.spoken.folder.parent, word):
            raise SaidError(
                Words(
                    "questa non è la prova della riga di comando: ripetere il comando",
                    "that is no proof of the box's shell: say the command again",
                )
            )


def form_of(question: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a question; raises OfficeError for none."""
    form = question.get("form")
    if not isinstance(form, dict):
        raise OfficeError("a form is needed: its fields by name")
    return form


def ended_by(form: dict[str, Any]) -> tuple[int, str]:
    """Return which entry a revocation ends, and its reference; raises OfficeError for no number."""
    number, reference = form.get("number"), str(form.get("reference") or "")
    if isinstance(number, bool) or not isinstance(number, int):
        raise OfficeError("number is a whole number")
    return number, reference


def _said(read: object, saved: Words) -> Reply:
    """Say that it holds; or not, where what was saved could not be read again."""
    return plain(UNREAD if isinstance(read, CentralinoError) else saved)


def _refused(error: CentralinoError) -> Reply | CentralinoError:
    """Let a refusal be said in both languages, each problem at its field."""
    if isinstance(error, Unfit):
        found = [{"place": each.place, **plain(each.words)} for each in error.problems]
        return {"done": False, "said": plain(UNTAKEN), "problems": found}
    if isinstance(error, Refused):
        return {"done": False, "said": plain(error.words), "problems": []}
    return error


def _by(question: dict[str, Any]) -> str:
    by = question.get("by")
    if not isinstance(by, str) or not by.strip():
        raise OfficeError("by is needed: the user who asks")
    return by[:64]


# ---- hours questions ---------------------------------------------------------------------------
# What may be asked at the door of special hours: those to come, one more, an end of one (E14).
#
# A change is a form (policy/hours_changes.py), previewed or saved (api/hours.py).

MOST: Final = 200
"""Entries that are told, the newest: years of them."""


class HoursQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk
        self._entering = Entering(stores, desk)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "hours_ahead": lambda _: self.ahead,
            "hours_enter": self.enter,
            "hours_revoke": self.revoke,
        }

    def ahead(self, tell: SendReply) -> None:
        """List what was entered, newest first, and the announcements that an entry may name."""
        today = self._desk.office.today(self._desk.now().wall)

        def job(connection: sqlite3.Connection) -> Reply:
            entries = hours.load(connection)
            held = {each.number for each in special_in_force(entries) if each.last >= today}
            weeks = {each.number for each in entries if each.ordinary}
            found = (e for e in reversed(entries) if weeks.isdisjoint({e.number, e.ends}))
            told = [_hours_entry(each, holds=each.number in held) for each in found]
            return {
                "today": today.isoformat(),
                "entries": told[:MOST],
                "greetings": list(self._own_greetings()),
            }

        self._stores.records.do(job, tell)

    def enter(self, question: dict[str, Any]) -> DeferredReply:
        """Enter special hours or correct some, or say which days that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)

        def make(stored: Entries) -> Special:
            known = (*self._own_greetings(), *GREETINGS.values())
            return entered(stored, form, known, by, at)

        return self._entering.later(question, make, self._compared(at.date()))

    def revoke(self, question: dict[str, Any]) -> DeferredReply:
        """End an entry from this moment, or say which days that would change."""
        (number, reference), (by, at) = ended_by(form_of(question)), self._entering.who(question)

        def make(stored: Entries) -> Special:
            return revoked(stored, number, reference, by, at)

        return self._entering.later(question, make, self._compared(at.date()))

    def _compared(self, today: date) -> Callable[[Entries, Special], Reply]:
        office = self._desk.office
        return lambda before, new: {
            "changes": [plain(each) for each in changes(office, before, new, today)]
        }

    def _own_greetings(self) -> tuple[str, ...]:
        """Name the site's own announcements in the office's first language."""
        spoken, language = self._stores.spoken, self._desk.office.languages[0]
        ours = set(keys(language))
        found = Catalogue(spoken.site, spoken.folder).keys(language)
        return tuple(k for k in found if k not in ours and is_key(k) and not k.startswith(OURS))


def _hours_entry(each: Special, *, holds: bool) -> Reply:
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


# ---- week questions ----------------------------------------------------------------------------
# What may be asked at the door of ordinary weeks: those that hold, a new one, one taken back.

WEEK_SAVED: Final = Words(
    "Salvato: vale dal giorno indicato, per le nuove chiamate.",
    "Saved: it holds from the day that was named, for new calls.",
)


class WeekQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk
        self._entering = Entering(stores, desk)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "weeks": lambda _: self.weeks,
            "week_enter": self.enter,
            "week_revoke": self.revoke,
        }

    def weeks(self, tell: SendReply) -> None:
        """Tell the week that holds today of each group, the configured one, and every entry."""
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

        self._stores.records.do(job, tell)

    def enter(self, question: dict[str, Any]) -> DeferredReply:
        """Enter an ordinary week from a day on, or say what that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)

        def make(stored: Entries) -> Special:
            return week_entered(stored, form, by, at)

        return self._entering.later(question, make, self._comparing(form), WEEK_SAVED)

    def revoke(self, question: dict[str, Any]) -> DeferredReply:
        """Take a week back that has not begun, or say what that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)
        number, reference = ended_by(form)

        def make(stored: Entries) -> Special:
            return week_revoked(stored, number, reference, by, at)

        return self._entering.later(question, make, self._comparing(form), WEEK_SAVED)

    def _comparing(self, form: dict[str, Any]) -> Callable[[Entries, Special], Reply]:
        office, asked = self._desk.office, _asked(form)
        local = office.local(asked) if asked else None
        return lambda before, new: _changes(week_changes(office, before, new, local))


def _asked(form: dict[str, Any]) -> datetime | None:
    """Return the moment at which an example calls, None for none; raises OfficeError."""
    text = form.get("asked")
    try:
        return moment(text) if text else None
    except (TypeError, ValueError) as error:
        raise OfficeError(f"asked is an ISO time with its offset, or left out: {error}") from error


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
    """Tell every week that was entered and what took one back, newest first."""
    weeks = {each.number for each in entries if each.ordinary}
    held = {each.number for each in special_in_force(entries)}
    return [
        _week_entry(each, each.number in held, today)
        for each in reversed(entries)
        if each.number in weeks or each.ends in weeks
    ]


def _week_entry(each: Special, holds: bool, today: date) -> Reply:
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
    return [{"said": str(band), "minutes": minutes(band)} for band in bands]


def _heard(each: Heard) -> Reply:
    return {
        "at": each.at.isoformat(),
        "before": [plain(words) for words in each.before],
        "after": [plain(words) for words in each.after],
    }
