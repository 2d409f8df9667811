"""What may be asked at the door of special hours: those to come, one more, an end of one (E14).

A change is a form (policy/hours_changes.py), previewed or saved (daemon/hours_entering.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.hours_entering import Entering, Entries, ended_by, form_of
from appliance.daemon.spoken import OURS
from appliance.daemon.status_words import plain
from appliance.policy.hours_changes import Special, changes, entered, revoked, special_in_force
from appliance.policy.opening import GREETINGS
from appliance.policy.text import NOTHING
from appliance.prompts import Catalogue, is_key, keys
from appliance.store import hours

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores

MOST: Final = 200
"""Entries that are told, the newest: years of them."""


class HoursQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, desk: Desk) -> None:
        self._stores, self._desk = stores, desk
        self._entering = Entering(stores, desk)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {
            "hours_ahead": lambda _: self.ahead,
            "hours_enter": self.enter,
            "hours_revoke": self.revoke,
        }

    def ahead(self, tell: Tell) -> None:
        """List what was entered, newest first, and the announcements that an entry may name."""
        today = self._desk.office.today(self._desk.now().wall)

        def job(connection: sqlite3.Connection) -> Answer:
            entries = hours.load(connection)
            held = {each.number for each in special_in_force(entries) if each.last >= today}
            weeks = {each.number for each in entries if each.ordinary}
            found = (e for e in reversed(entries) if weeks.isdisjoint({e.number, e.ends}))
            told = [_entry(each, holds=each.number in held) for each in found]
            return {
                "today": today.isoformat(),
                "entries": told[:MOST],
                "greetings": list(self._own_greetings()),
            }

        self._stores.records.do(job, tell)

    def enter(self, question: dict[str, Any]) -> Later:
        """Enter special hours or correct some, or say which days that would change."""
        form, (by, at) = form_of(question), self._entering.who(question)

        def make(stored: Entries) -> Special:
            known = (*self._own_greetings(), *GREETINGS.values())
            return entered(stored, form, known, by, at)

        return self._entering.later(question, make, self._compared(at.date()))

    def revoke(self, question: dict[str, Any]) -> Later:
        """End an entry from this moment, or say which days that would change."""
        (number, reference), (by, at) = ended_by(form_of(question)), self._entering.who(question)

        def make(stored: Entries) -> Special:
            return revoked(stored, number, reference, by, at)

        return self._entering.later(question, make, self._compared(at.date()))

    def _compared(self, today: date) -> Callable[[Entries, Special], Answer]:
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


def _entry(each: Special, *, holds: bool) -> Answer:
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
