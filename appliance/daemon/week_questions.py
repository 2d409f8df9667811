"""What may be asked at the door of ordinary weeks: those that hold, a new one, one taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell, moment
from appliance.daemon.hours_entering import Entering, Entries, ended_by, form_of
from appliance.daemon.status_words import plain
from appliance.errors import OfficeError
from appliance.policy.hours import Bands, Week
from appliance.policy.hours_changes import (
    DayChange,
    Heard,
    Special,
    WeekChanges,
    minutes,
    special_in_force,
    week_changes,
    week_entered,
    week_revoked,
)
from appliance.policy.text import Words
from appliance.store import hours

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores
    from appliance.policy.office import Group

SAVED: Final = Words(
    "Salvato: vale dal giorno indicato, per le nuove chiamate.",
    "Saved: it holds from the day that was named, for new calls.",
)


class WeekQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk
        self._entering = Entering(stores, desk)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {
            "weeks": lambda _: self.weeks,
            "week_enter": self.enter,
            "week_revoke": self.revoke,
        }

    def weeks(self, tell: Tell) -> None:
        """Tell the week that holds today of each group, the configured one, and every entry."""
        office = self._desk.office
        today = office.today(self._desk.now().wall)
        groups = [g for g in (office.switchboard, office.citizens_desk) if g is not None]

        def job(connection: sqlite3.Connection) -> Answer:
            entries = hours.load(connection)
            return {
                "today": today.isoformat(),
                "groups": [_group(group, today) for group in groups],
                "entries": _entries(entries, today),
            }

        self._stores.records.do(job, tell)

    def enter(self, question: dict[str, Any]) -> Later:
        """Enter an ordinary week from a day on, or say what that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)

        def make(stored: Entries) -> Special:
            return week_entered(stored, form, by, at)

        return self._entering.later(question, make, self._comparing(form), SAVED)

    def revoke(self, question: dict[str, Any]) -> Later:
        """Take a week back that has not begun, or say what that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)
        number, reference = ended_by(form)

        def make(stored: Entries) -> Special:
            return week_revoked(stored, number, reference, by, at)

        return self._entering.later(question, make, self._comparing(form), SAVED)

    def _comparing(self, form: dict[str, Any]) -> Callable[[Entries, Special], Answer]:
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


def _group(group: Group, today: date) -> Answer:
    schedule = group.schedule
    held = schedule.new_week_on(today)
    return {
        "whose": group.name,
        "label": plain(group.label),
        "week": _week(schedule.week_on(today)),
        "configured": _week(schedule.weekly),
        "entry": held.number if held else 0,
        "since": held.since.isoformat() if held else "",
        "is_configured": held is None or held.week is None,
    }


def _entries(entries: Entries, today: date) -> list[Answer]:
    """Tell every week that was entered and what took one back, newest first."""
    weeks = {each.number for each in entries if each.ordinary}
    held = {each.number for each in special_in_force(entries)}
    return [
        _entry(each, each.number in held, today)
        for each in reversed(entries)
        if each.number in weeks or each.ends in weeks
    ]


def _entry(each: Special, holds: bool, today: date) -> Answer:
    new = each.ordinary
    return {
        "number": each.number,
        "whose": each.whose.value,
        "since": new.since.isoformat() if new else "",
        "week": _week(new.week) if new and new.week else [],
        "by": each.by,
        "at": each.at.isoformat(),
        "reference": each.reference,
        "ends": each.ends,
        "holds": holds,
        "is_to_come": holds and each.first > today,
    }


def _week(week: Week) -> list[str]:
    return [" ".join(map(str, bands)) for bands in week.days]


def _changes(found: WeekChanges) -> Answer:
    return {
        "changes": [],
        "since": found.since.isoformat(),
        "until": found.until.isoformat() if found.until else "",
        "groups": [
            {"label": plain(group.label), "days": [_day(day) for day in group.days]}
            for group in found.groups
        ],
        "heard": [_heard(each) for each in found.heard],
    }


def _day(day: DayChange) -> Answer:
    return {
        "before": _bands(day.before),
        "after": _bands(day.after),
        "opens": _bands(day.opens),
        "closes": _bands(day.closes),
    }


def _bands(bands: Bands) -> list[Answer]:
    return [{"said": str(band), "minutes": minutes(band)} for band in bands]


def _heard(each: Heard) -> Answer:
    return {
        "at": each.at.isoformat(),
        "before": [plain(words) for words in each.before],
        "after": [plain(words) for words in each.after],
    }
