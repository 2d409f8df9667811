"""The form of a new ordinary week, which holds from its day on until the next one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from appliance.policy.dates import NewWeek
from appliance.policy.local_time import day_phrase
from appliance.policy.refused import Refused
from appliance.policy.register.fields import Fields, Unfit
from appliance.policy.special import Special, in_force
from appliance.policy.special_forms import FARTHEST_DAYS, next_number, whose_of
from appliance.policy.week import Week
from appliance.policy.words import Words

CONFIGURED: Final = "configured"
"""Kind of a form that brings the configuration's hours back."""


def week_entered(
    stored: Collection[Special], form: Mapping[str, Any], by: str, at: datetime
) -> Special:
    """Read a form as the entry it makes, at a local moment; raises Unfit with every mistake."""
    fields = Fields(form, [])
    since, whose = _since(fields, at.date()), whose_of(fields)
    week = None if fields.text("kind") == CONFIGURED else _week(fields)
    reference = fields.text("reference", is_needed=True)
    if fields.problems:
        raise Unfit(*fields.problems)
    number = next_number(stored)
    new = NewWeek(since, week, number)
    return Special(number, whose, None, by, at, reference, ordinary=new)


def week_revoked(
    stored: Collection[Special], number: int, reference: str, by: str, at: datetime
) -> Special:
    """Return the entry that takes back a week which has not begun; `at` is local.

    Raises Refused for one that has begun or is none, Unfit for no reference.
    """
    old = next((e for e in in_force(stored) if e.ordinary and e.number == number), None)
    if old is None:
        raise Refused("questa voce non vale più: è stata revocata",
                      "that entry holds no longer: it was revoked")  # fmt: skip
    if old.first <= at.date():
        raise Refused(
            "questo orario è già in vigore: inserirne uno nuovo, o tornare a quello configurato",
            "these hours are in force already: enter new ones, or go back to the configured ones",
        )
    fields = Fields({"reference": reference}, [])
    said = fields.text("reference", is_needed=True)
    if fields.problems:
        raise Unfit(*fields.problems)
    return Special(next_number(stored), old.whose, None, by, at, said, number)


def weeks_said(entries: Collection[Special], today: date) -> tuple[Words, ...]:
    """Say which ordinary weeks that were entered hold or are to come, by whom and since when."""
    held = [e for e in in_force(entries) if e.ordinary]
    past = [e for e in held if e.first <= today and not _is_followed(e, held, today)]
    return tuple(map(_said, [*past, *sorted((e for e in held if e.first > today), key=_order)]))


def _is_followed(entry: Special, held: Collection[Special], today: date) -> bool:
    """Tell whether a later week, or a newer one of the same day, has taken an entry's place."""
    after = (e for e in held if e.first <= today and _order(e) > _order(entry))
    return any(each.is_about(entry.whose) for each in after)


def _order(entry: Special) -> tuple[date, int]:
    return entry.first, entry.number


WHOSE: Final = {
    "house": Words("centralino e sportello", "switchboard and counter"),
    "switchboard": Words("centralino", "switchboard"),
    "citizens_desk": Words("sportello", "counter"),
}


def _said(entry: Special) -> Words:
    whose, first = WHOSE[entry.whose], entry.first
    is_new = entry.ordinary is not None and entry.ordinary.week is not None
    what = Words("inserito", "entered") if is_new else Words("quello configurato", "as configured")
    return Words(
        f"Orario di ogni settimana, {whose.it}: {what.it}, {day_phrase('dal', first, 'it')} "
        f"(voce {entry.number} di {entry.by})",
        f"Every week's hours, {whose.en}: {what.en}, {day_phrase('from', first, 'en')} "
        f"(entry {entry.number} by {entry.by})",
    )


def _since(fields: Fields, today: date) -> date:
    since = fields.day("since")
    if since is None:
        fields.text("since", is_needed=True)
        return today
    if since < today:
        fields.wrong("since", "è passato: indicare oggi o un giorno a venire",
                     "is past: name today or a day to come")  # fmt: skip
    if since - today > timedelta(FARTHEST_DAYS):
        fields.wrong("since", "è troppo lontano: al massimo cinque anni",
                     "is too far off: five years at most")  # fmt: skip
    return since


def _week(fields: Fields) -> Week:
    week = fields.week("week")
    if not week.ever_opens and not any(each.place.startswith("week") for each in fields.problems):
        fields.wrong("week", "manca l'orario di almeno un giorno: «9-12»",
                     "needs the hours of one day at least: 9-12")  # fmt: skip
    return week
