"""The form of a special period, and what it would change, day by day (E14)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from appliance.policy.dates import Period
from appliance.policy.day_hours import DayHours, hours_on
from appliance.policy.local_time import day_words
from appliance.policy.office import Group, Office
from appliance.policy.refused import Refused
from appliance.policy.register.fields import Fields, Unfit
from appliance.policy.special import Special, Whose, in_force, office_with
from appliance.policy.week import ONE_DAY, Week
from appliance.policy.words import Words

CLOSED_ALL_WEEK: Final = Week(((),) * 7)
LONGEST_DAYS: Final = 366
FARTHEST_DAYS: Final = 5 * 365
"""So far holidays are known, however long the box has run."""
MOST_TOLD: Final = 14
"""Days told one by one; of more than these only those that were special already."""
CLOSED: Final = Words("chiuso", "closed")
NOTHING_CHANGES: Final = Words("Nessun giorno cambia.", "No day changes.")
ENDED: Final = (
    "questa voce non vale più: è stata corretta, revocata o è passata",
    "that entry holds no longer: it was corrected or revoked, or is past",
)


def entered(
    stored: Collection[Special],
    form: Mapping[str, Any],
    greetings: Collection[str],
    by: str,
    at: datetime,
) -> Special:
    """Read a form as the entry it makes, at a local moment; raises Unfit with every mistake.

    `ends` is the number of the entry that it corrects, 0 for none; `greetings` are the
    announcements there are.
    """
    fields, today = Fields(form, []), at.date()
    ends = fields.number("ends", 0) if form.get("ends") else 0
    first, last = _days(fields, today, _begun(stored, ends, today, fields))
    whose, reference = whose_of(fields), fields.text("reference", is_needed=True)
    reason, greeting = fields.text("reason", is_needed=True), fields.text("greeting")
    if greeting and greeting not in greetings:
        fields.wrong("greeting", "questo annuncio non c'è", "there is no such announcement")
    week = _week(fields, first, last)
    if fields.problems:
        raise Unfit(*fields.problems)
    name = Words(reason, fields.text("reason_en") or reason)
    period = Period(first, last, name, week, greeting)
    return Special(next_number(stored), whose, period, by, at, reference, ends)


def revoked(
    stored: Collection[Special], number: int, reference: str, by: str, at: datetime
) -> Special:
    """Return the entry that ends another from this moment; raises Refused, or Unfit for no reason.

    `at` is local.
    """
    old = _ending(stored, number, at.date())
    said = Fields({"reference": reference}, []).text("reference")
    if not said:
        raise Refused("manca il riferimento: chi l'ha detto e quando",
                      "the reference is missing: who said so, and when")  # fmt: skip
    return Special(next_number(stored), old.whose, None, by, at, said, number)


def next_number(stored: Collection[Special]) -> int:
    """Return the number of the next entry."""
    return max((each.number for each in stored), default=0) + 1


def changes(
    office: Office, stored: Collection[Special], new: Special, today: date
) -> tuple[Words, ...]:
    """Say which days to come are other than before, and how."""
    before, after = office_with(office, stored), office_with(office, (*stored, new))
    met = [e for e in (new, *stored) if e.period and e.number in {new.number, new.ends}]
    first = max(today, min(each.first for each in met))
    days = list(_each(first, max(each.last for each in met)))
    groups = [
        (a, b)
        for a, b in zip(_groups(before), _groups(after), strict=True)
        if any(each.is_about(a.name) for each in met)
    ]
    found = [pair for day in days for a, b in groups if (pair := _change(a, b, day))]
    told = [said for n, (said, special) in enumerate(found) if n < MOST_TOLD or special]
    rest = len(found) - len(told)
    return (*told, *([_more(rest)] if rest else [])) or (NOTHING_CHANGES,)


def _change(before: Group, after: Group, day: date) -> tuple[Words, bool] | None:
    """Say what changes on a day, and whether it was special before."""
    old, new = hours_on(before.schedule, day), hours_on(after.schedule, day)
    if old == new:
        return None
    label = before.label
    return (
        Words(
            f"{day_words(day, 'it')}, {label.it}: {_said(new).it} (prima {_said(old).it})",
            f"{day_words(day, 'en')}, {label.en}: {_said(new).en} (before: {_said(old).en})",
        ),
        old.is_special,
    )


def _said(hours: DayHours) -> Words:
    bands = " ".join(map(str, hours.bands))
    it, en = bands or CLOSED.it, bands or CLOSED.en
    return Words(_named(it, hours.name.it), _named(en, hours.name.en))


def _named(said: str, name: str) -> str:
    return f"{said}, «{name}»" if name else said


def _more(count: int) -> Words:
    return Words(f"e così altri {count} giorni.", f"and {count} more days likewise.")


def _groups(office: Office) -> Iterable[Group]:
    return (g for g in (office.switchboard, office.citizens_desk) if g is not None)


def _each(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _begun(stored: Collection[Special], ends: int, today: date, fields: Fields) -> date:
    """Return the first day that may be named: of what is corrected its own, else today."""
    if not ends:
        return today
    old = fields.attempt("ends", lambda: _ending(stored, ends, today))
    return min(today, old.first) if old else today


def _ending(stored: Collection[Special], number: int, today: date) -> Special:
    held = (e for e in in_force(stored) if e.period and e.last >= today)
    found = next((e for e in held if e.number == number), None)
    if found is None:
        raise Refused(*ENDED)
    return found


def _days(fields: Fields, today: date, earliest: date) -> tuple[date, date]:
    if not fields.text("first"):
        fields.text("first", is_needed=True)
    first = fields.day("first") or today
    last = fields.day("last") or first
    if first < earliest:
        fields.wrong("first", "è passato: indicare un giorno a venire",
                     "is past: name a day to come")  # fmt: skip
    if last < first or last < today:
        fields.wrong("last", "viene prima del primo giorno, o è passato",
                     "comes before the first day, or is past")  # fmt: skip
    if last - first > timedelta(LONGEST_DAYS):
        fields.wrong("last", "è troppo lontano: al massimo un anno",
                     "is too far off: a year at most")  # fmt: skip
    if first - today > timedelta(FARTHEST_DAYS):
        fields.wrong("first", "è troppo lontano: al massimo cinque anni",
                     "is too far off: five years at most")  # fmt: skip
    return first, max(first, last)


def whose_of(fields: Fields) -> Whose:
    """Read whose hours a form is about; the whole house's by default."""
    text = fields.text("whose") or Whose.HOUSE
    if text not in tuple(Whose):
        fields.wrong("whose", "va scelto dall'elenco", "choose it from the list")
        return Whose.HOUSE
    return Whose(text)


def _week(fields: Fields, first: date, last: date) -> Week:
    """Read the hours of the weekdays that are among the days."""
    if fields.text("kind") == "closed":
        return CLOSED_ALL_WEEK
    met = {first.weekday() + n for n in range(min(7, (last - first).days + 1))}
    written = fields.week("week")
    days = tuple(b if {n, n + 7} & met else () for n, b in enumerate(written.days))
    if not any(days) and not fields.problems:
        fields.wrong("week", "manca l'orario di almeno un giorno: «9-12», o scegliere Chiuso",
                     "needs the hours of one day at least (9-12), or choose Closed")  # fmt: skip
    return Week(days)
