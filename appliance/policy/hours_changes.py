"""Changes of opening hours: special days and new weeks, their forms and their preview (E14)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from appliance.policy.forms import FormFields, FormRefused
from appliance.policy.hours import (
    MIDNIGHT,
    ONE_DAY,
    Band,
    Bands,
    Closure,
    NewWeek,
    Period,
    Schedule,
    Week,
    Why,
    day_phrase_words,
    day_words,
    hours_of_office,
    local_moment,
    moment_phrase,
)
from appliance.policy.office import Group, Office
from appliance.policy.routing import RouteStep, explain
from appliance.policy.text import Refused
from appliance.policy.transfers import WEEKDAY_WORDS
from appliance.text import ENGLISH, NOTHING, Words, _, by_language, in_context, unchanged

# open day and night, so that only the site's own closures show (office_day)
_ALWAYS = Week(((Band(MIDNIGHT, MIDNIGHT),),) * 7)
_ORDINARY = frozenset({Why.HOURS, Why.CLOSED_HOURS})


@dataclass(frozen=True, slots=True)
class DayHours:
    """One day: the bands in which it is open, and `why` and `name` of what makes it special.

    `why` is HOURS or CLOSED_HOURS for an ordinary day.
    """

    day: date
    bands: Bands
    why: Why
    name: Words = NOTHING

    @property
    def is_special(self) -> bool:
        """Tell whether the day differs from its week."""
        return self.why not in _ORDINARY


def hours_on(schedule: Schedule, day: date) -> DayHours:
    """Return when a day is open, in local time, and why it is special."""
    pieces = schedule.pieces_on(day)
    ends = [*(piece.start.time() for piece in pieces[1:]), time()]
    bands: list[Band] = []
    for piece, end in zip(pieces, ends, strict=True):
        start = piece.start.time()
        # touching pieces of different reasons are one band for a reader
        if piece.open and bands and bands[-1].end == start:
            bands[-1] = Band(bands[-1].start, end)
        elif piece.open:
            bands.append(Band(start, end))
    special = next((piece for piece in pieces if piece.why not in _ORDINARY), None)
    if special is None:
        return DayHours(day, tuple(bands), Why.HOURS if bands else Why.CLOSED_HOURS)
    return DayHours(day, tuple(bands), special.why, special.name)


def special_days(schedule: Schedule, year: int) -> tuple[DayHours, ...]:
    """Return the days of a year that differ from their week, in order."""
    day, found = date(year, 1, 1), []
    while day.year == year:
        found.append(hours_on(schedule, day))
        day += ONE_DAY
    return tuple(each for each in found if each.is_special)


def office_day(hours: Schedule, day: date) -> DayHours:
    """Return a day as offices see it: closed with the whole site, else the switchboard's day."""
    # offices do not keep the switchboard's special hours, but people should know of them
    closed = hours_on(hours_of_office(hours, _ALWAYS), day)
    return closed if closed.is_special and not closed.bands else hours_on(hours, day)


# Entries are only ever added: a correction or revocation names the entry that it ends, so the
# history stays complete (E14).


class Whose(enum.StrEnum):
    """Group whose hours an entry changes, or the whole site."""

    HOUSE = "house"
    SWITCHBOARD = "switchboard"
    COUNTER = "citizens_desk"


@dataclass(frozen=True, slots=True)
class HoursEntry:
    """One entry: `number`, who, when, by which reference; `ends` is the number of the ended entry.

    It is a `period` or an `ordinary` week; a revocation is neither.
    """

    number: int
    whose: Whose
    period: Period | None
    by: str
    at: datetime
    reference: str
    ends: int = 0
    ordinary: NewWeek | None = None

    @property
    def first(self) -> date:
        """Its first day; that of a revocation is the day of its entry."""
        if self.ordinary:
            return self.ordinary.since
        return self.period.first if self.period else self.at.date()

    @property
    def last(self) -> date:
        """Its last day, likewise; date.max for an ordinary week, which has none."""
        if self.ordinary:
            return date.max
        return self.period.last if self.period else self.at.date()

    @property
    def is_revocation(self) -> bool:
        """Tell whether the entry only ends another."""
        return not (self.period or self.ordinary)

    def is_about(self, group: str) -> bool:
        """Tell whether the entry concerns a group's hours."""
        return self.whose in (Whose.HOUSE, group)


def entries_in_force(entries: Iterable[HoursEntry]) -> tuple[HoursEntry, ...]:
    """Return the entries that no other has ended, oldest first; past ones too."""
    entries = tuple(entries)
    ended = {each.ends for each in entries}
    return tuple(e for e in entries if not e.is_revocation and e.number not in ended)


def laid_over(schedule: Schedule, group: str, entries: Iterable[HoursEntry]) -> Schedule:
    """Return a group's hours with `entries` as its only entered hours."""
    held = entries_in_force(entries)
    # entries are oldest first: a later one lies over an earlier, a revocation brings that back
    found = tuple(e.period for e in held if e.period and e.is_about(group))
    about = (e.ordinary for e in held if e.ordinary and e.is_about(group))
    weeks = tuple(sorted(about, key=lambda each: (each.since, each.number)))
    return replace(schedule, entered=found, weeks=weeks, shut=_closes_all_offices(held))


def _closes_all_offices(held: Iterable[HoursEntry]) -> tuple[Closure, ...]:
    """Return the closures of the whole site, the only entered hours that offices keep."""
    found: tuple[Closure, ...] = ()
    for each in held:
        period = each.period
        if period and each.whose is Whose.HOUSE:
            over = Closure.whole_days(period.first, period.last, period.name, period.greeting)
            # the newest entry decides: an opening entered later takes its days out of a closure
            found = tuple(part for closure in found for part in _outside(closure, over))
            found += () if period.week.ever_opens else (over,)
    return found


def _outside(closure: Closure, other: Closure) -> Iterator[Closure]:
    """Yield the parts of a closure that a newer one does not cover."""
    if closure.start < other.start:
        yield replace(closure, end=min(closure.end, other.start))
    if other.end < closure.end:
        yield replace(closure, start=max(closure.start, other.end))


def office_with(office: Office, entries: Iterable[HoursEntry]) -> Office:
    """Return the office with the entered hours of its groups."""
    entries = tuple(entries)
    counter = office.citizens_desk
    return replace(
        office,
        switchboard=_group_with(office.switchboard, entries),
        citizens_desk=_group_with(counter, entries) if counter else None,
    )


def _group_with(group: Group, entries: tuple[HoursEntry, ...]) -> Group:
    return replace(group, schedule=laid_over(group.schedule, group.name, entries))


CLOSED_ALL_WEEK: Final = Week(((),) * 7)
LONGEST_DAYS: Final = 366
# holidays are known this far ahead, however long the appliance has been running
FARTHEST_DAYS: Final = 5 * 365
# beyond these only days that were special already are listed one by one
MOST_DAYS_TOLD: Final = 14
_CLOSED: Final = _("closed")
NOTHING_CHANGES: Final = _("No day changes.")
NEW_HOLDS: Final = _(
    "Entry {number}, “{reason}”, is about {days} too ({whose}): there, what is entered now holds."
)
OLD_HOLDS: Final = _(
    "Entry {number}, “{reason}”, is about {days} ({whose}), a public holiday: it holds there, as "
    "it was entered for that day alone."
)
NO_ENTRY: Final = _("there is no entry {number}: look at the list")
ENTRY_ENDED: Final = _("that entry holds no longer: it was corrected or revoked, or is past")


def read_special_hours(
    stored: Collection[HoursEntry],
    form: Mapping[str, Any],
    greetings: Collection[str],
    by: str,
    at: datetime,
) -> HoursEntry:
    """Read the form of special hours as an entry; `at` is local. Raises FormRefused.

    `ends` is the number of the entry that it corrects, 0 for none; `greetings` are the
    announcements there are.
    """
    fields, today = FormFields(form, []), at.date()
    ends = fields.number("ends", 0) if form.get("ends") else 0
    first, last = _read_days(fields, today, _earliest_day(stored, ends, today, fields))
    whose, reference = whose_of(fields), fields.text("reference", is_needed=True)
    reason, greeting = fields.text("reason", is_needed=True), fields.text("greeting")
    if greeting and greeting not in greetings:
        fields.wrong("greeting", _("there is no such announcement"))
    week = _read_special_week(fields, first, last)
    if fields.problems:
        raise FormRefused(*fields.problems)
    # without a translation every language shows the reason as written
    english = fields.text("reason_en") or reason
    name = by_language(lambda language: english if language == ENGLISH else reason)
    period = Period(first, last, name, week, greeting)
    return HoursEntry(next_number(stored), whose, period, by, at, reference, ends)


def revoke_special_hours(
    stored: Collection[HoursEntry], number: int, reference: str, by: str, at: datetime
) -> HoursEntry:
    """Return the entry that ends another from `at` (local) on; raises Refused."""
    old = _entry_to_end(stored, number, at.date())
    said = FormFields({"reference": reference}, []).text("reference")
    if not said:
        raise Refused(_("the reference is missing: who said so, and when"))
    return HoursEntry(next_number(stored), old.whose, None, by, at, said, number)


def next_number(stored: Collection[HoursEntry]) -> int:
    """Return the number of the next entry."""
    return max((each.number for each in stored), default=0) + 1


def special_changes(
    office: Office, stored: Collection[HoursEntry], new: HoursEntry, today: date
) -> tuple[Words, ...]:
    """Return a sentence for each coming day that an entry changes.

    Before them, one for each other entry in force that has some of its days.
    """
    before, after = office_with(office, stored), office_with(office, (*stored, new))
    met = [e for e in (new, *stored) if e.period and e.number in {new.number, new.ends}]
    # only days to come can change
    first = max(today, min(each.first for each in met))
    days = list(_days_between(first, max(each.last for each in met)))
    groups = [
        (a, b)
        for a, b in zip(_groups_of(before), _groups_of(after), strict=True)
        if any(each.is_about(a.name) for each in met)
    ]
    found = [pair for day in days for a, b in groups if (pair := _day_change_words(a, b, day))]
    # special days are always listed, ordinary ones beyond MOST_DAYS_TOLD only counted
    told = [said for n, (said, special) in enumerate(found) if n < MOST_DAYS_TOLD or special]
    rest = len(found) - len(told)
    days_told = (*told, *([_more_days(rest)] if rest else [])) or (NOTHING_CHANGES,)
    return (*_overlaps(office, stored, new, today), *days_told)


def _overlaps(
    office: Office, stored: Collection[HoursEntry], new: HoursEntry, today: date
) -> Iterator[Words]:
    """Yield a sentence for each entry in force that shares coming days with a new one."""
    holidays = {each.day for each in office.switchboard.schedule.holidays}
    others = (e for e in entries_in_force(stored) if e.period and e.number != new.ends)
    for each in others if new.period else ():
        about = new.whose if each.whose is Whose.HOUSE else each.whose
        first, last = max(today, each.first, new.first), min(each.last, new.last)
        shared = list(_days_between(first, last)) if new.whose in (Whose.HOUSE, about) else []
        # the newest entry decides; one of several days leaves the holidays among them alone
        won = [day for day in shared if new.first == new.last or day not in holidays]
        if won:
            yield _overlap_words(NEW_HOLDS, each, won, about)
        elif shared and each.first == each.last:
            yield _overlap_words(OLD_HOLDS, each, shared, about)


def _overlap_words(said: Words, other: HoursEntry, days: list[date], about: Whose) -> Words:
    return said.filled(
        number=other.number,
        reason=other.period.name if other.period else NOTHING,
        days=_days_words(days[0], days[-1]),
        whose=WHOSE_WORDS[about],
    )


def _days_words(first: date, last: date) -> Words:
    """Return a day, or the first and the last of some, in words."""
    days = (first,) if first == last else (first, last)
    return by_language(lambda language: " – ".join(day_words(day, language) for day in days))


def _day_change_words(before: Group, after: Group, day: date) -> tuple[Words, bool] | None:
    """Return a day's change in words, and whether the day was special before; None for none."""
    old, new = hours_on(before.schedule, day), hours_on(after.schedule, day)
    if old == new:
        return None
    label, now, earlier = before.label, _hours_words(new), _hours_words(old)
    return (
        _(
            "{day}, {label}: {now} (before: {earlier})",
            day=by_language(lambda language: day_words(day, language)),
            label=label,
            now=now,
            earlier=earlier,
        ),
        old.is_special,
    )


def _hours_words(hours: DayHours) -> Words:
    bands = " ".join(map(str, hours.bands))
    said = unchanged(bands) if bands else _CLOSED
    if hours.name == NOTHING:
        return said
    return by_language(lambda language: _with_name(said, hours.name, language))


def _with_name(said: Words, name: Words, language: str) -> str:
    named = name.text(language)
    return f"{said.text(language)}, «{named}»" if named else said.text(language)


def _more_days(count: int) -> Words:
    return _("and {count} more days likewise.", count=count)


def _days_between(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _earliest_day(
    stored: Collection[HoursEntry], ends: int, today: date, fields: FormFields
) -> date:
    """Return the first day that may be named: today, or that of the corrected entry."""
    if not ends:
        return today
    old = fields.attempt("ends", lambda: _entry_to_end(stored, ends, today))
    # a correction may keep a first day that has passed meanwhile
    return min(today, old.first) if old else today


def _entry_to_end(stored: Collection[HoursEntry], number: int, today: date) -> HoursEntry:
    _check_entered(stored, number)
    held = (e for e in entries_in_force(stored) if e.period and e.last >= today)
    found = next((e for e in held if e.number == number), None)
    if found is None:
        raise Refused(ENTRY_ENDED)
    return found


def _check_entered(stored: Collection[HoursEntry], number: int) -> None:
    """Raise Refused for a number that no entry ever had."""
    if all(each.number != number for each in stored):
        raise Refused(NO_ENTRY.filled(number=number))


def _read_days(fields: FormFields, today: date, earliest: date) -> tuple[date, date]:
    if not fields.text("first"):
        fields.text("first", is_needed=True)
    first = fields.day("first") or today
    last = fields.day("last") or first
    if first < earliest:
        fields.wrong("first", _("is past: name a day to come"))
    if last < first or last < today:
        fields.wrong("last", _("comes before the first day, or is past"))
    if last - first > timedelta(LONGEST_DAYS):
        fields.wrong("last", _("is too far off: a year at most"))
    if first - today > timedelta(FARTHEST_DAYS):
        fields.wrong("first", _("is too far off: five years at most"))
    return first, max(first, last)


def whose_of(fields: FormFields) -> Whose:
    """Read whose hours a form is about; the whole site's by default."""
    text = fields.text("whose") or Whose.HOUSE
    if text not in tuple(Whose):
        fields.wrong("whose", _("choose it from the list"))
        return Whose.HOUSE
    return Whose(text)


def _read_special_week(fields: FormFields, first: date, last: date) -> Week:
    """Read the hours of the weekdays that are among the days."""
    if fields.text("kind") == "closed":
        return CLOSED_ALL_WEEK
    # up to 12: a span may run over Sunday, hence n + 7 below
    met = {first.weekday() + n for n in range(min(7, (last - first).days + 1))}
    written = fields.week("week")
    # of a Saturday to a Monday, Tuesday's hours mean nothing
    days = tuple(b if {n, n + 7} & met else () for n, b in enumerate(written.days))
    if not any(days) and not fields.problems:
        fields.wrong("week", _("needs the hours of one day at least (9-12), or choose Closed"))
    return Week(days)


DAY_MINUTES: Final = 24 * 60
# holidays may lie on some days, so an example is searched over five weeks
EXAMPLE_DAYS: Final = 35
EXAMPLE_DELAY: Final = timedelta(minutes=5)
"""Delay of an example call after the change of hours that it shows."""


@dataclass(frozen=True, slots=True)
class DayChange:
    """A weekday's bands before and after, in minutes of the day, and what opens and closes."""

    before: Bands
    after: Bands
    opens: Bands
    closes: Bands


@dataclass(frozen=True, slots=True)
class GroupChange:
    """The seven days of one group, Monday first."""

    label: Words
    days: tuple[DayChange, ...]


@dataclass(frozen=True, slots=True)
class SampleCall:
    """Route of a call at a local moment, before and after the change."""

    at: datetime
    before: tuple[Words, ...]
    after: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class WeekChanges:
    """Changes by an entry from `since` on; `until` is the next week's first day, None for none."""

    since: date
    until: date | None
    groups: tuple[GroupChange, ...]
    heard: tuple[SampleCall, ...]


def week_changes(
    office: Office, stored: Collection[HoursEntry], new: HoursEntry, asked: datetime | None = None
) -> WeekChanges:
    """Compare the weeks with and without an entry, or a revocation, from its day on.

    A call is followed at the first hours that open and that close, and at the `asked` moment.
    """
    before, after = office_with(office, stored), office_with(office, (*stored, new))
    since = _since_of(stored, new)
    pairs = [
        (a, b)
        for a, b in zip(_groups_of(before), _groups_of(after), strict=True)
        if new.is_about(a.name)
    ]
    groups = tuple(_group_change(a, b, since) for a, b in pairs)
    moments = [*dict.fromkeys(_examples(pairs, since)), *([asked] if asked else [])]
    heard = tuple(h for at in moments if (h := _sample_call(before, after, at)))
    return WeekChanges(since, _until(pairs, since), groups, heard)


def _since_of(stored: Collection[HoursEntry], new: HoursEntry) -> date:
    """Return the day from which an entry changes anything: a revocation's is what it ends."""
    return next((each.first for each in stored if each.number == new.ends), new.first)


def _until(pairs: list[tuple[Group, Group]], since: date) -> date | None:
    days = {each.since for _, after in pairs for each in after.schedule.weeks}
    return min((day for day in days if day > since), default=None)


def _group_change(before: Group, after: Group, since: date) -> GroupChange:
    weeks = (before.schedule.week_on(since), after.schedule.week_on(since))
    days = (_day_change(a, b) for a, b in zip(*(week.days for week in weeks), strict=True))
    return GroupChange(before.label, tuple(days))


def _day_change(before: Bands, after: Bands) -> DayChange:
    return DayChange(before, after, bands_without(after, before), bands_without(before, after))


def bands_without(bands: Bands, others: Bands) -> Bands:
    """Return the parts of bands that lie in none of the others."""
    left = [band_minutes(band) for band in bands]
    for start, end in map(band_minutes, others):
        parts = (part for a, b in left for part in ((a, min(b, start)), (max(a, end), b)))
        left = [(a, b) for a, b in parts if a < b]
    return tuple(Band(_time_at(a), _time_at(b)) for a, b in left)


def band_minutes(band: Band) -> tuple[int, int]:
    """Return a band's start and end as minutes of the day, 0 to 1440."""
    start, end = (each.hour * 60 + each.minute for each in (band.start, band.end))
    return start, DAY_MINUTES if band.end == MIDNIGHT else end


def _time_at(minute: int) -> time:
    return time(*divmod(minute % DAY_MINUTES, 60))


def _examples(pairs: list[tuple[Group, Group]], since: date) -> Iterator[datetime]:
    """Yield the first moment that opens and the first that closes, of every group."""
    for before, after in pairs:
        found = tuple(_other_hours(before, after, since))
        for is_open in (True, False):
            yield from [at for at, opens in found if opens is is_open][:1]


def _other_hours(before: Group, after: Group, since: date) -> Iterator[tuple[datetime, bool]]:
    """Yield moments of the next weeks that open or close, with all that is special on a day."""
    # compared with all that is special on a day, so that a holiday is no example
    for day in (since + number * ONE_DAY for number in range(EXAMPLE_DAYS)):
        old, new = (hours_on(each.schedule, day).bands for each in (before, after))
        for is_open, bands in ((True, bands_without(new, old)), (False, bands_without(old, new))):
            yield from ((_within(band, day, after), is_open) for band in bands)


def _within(band: Band, day: date, group: Group) -> datetime:
    """Return a moment shortly after a band has begun."""
    start, end = band.on(day)
    zone = group.schedule.zone
    # not beyond the middle, for a band shorter than ten minutes
    return local_moment(min(start + EXAMPLE_DELAY, start + (end - start) / 2), zone).astimezone(
        zone
    )


def _sample_call(before: Office, after: Office, at: datetime) -> SampleCall | None:
    """Follow a call on the first line; None where there is none."""
    if not before.lines:
        return None
    # followed by the functions that decide live calls
    then, now = (_route_words(office, at) for office in (before, after))
    return SampleCall(at, then, now)


def _route_words(office: Office, at: datetime) -> tuple[Words, ...]:
    return tuple(_step_words(office, step) for step in explain(office, office.lines[0], at).steps)


def _step_words(office: Office, step: RouteStep) -> Words:
    """Return a step of the call in words, with the reopening if there is one."""
    if step.reopens_at is None:
        return step.sentence
    at = office.local(step.reopens_at)
    weekday = WEEKDAY_WORDS[at.weekday()]
    return _(
        "{sentence} It opens again on {weekday} {moment}.",
        sentence=step.sentence,
        weekday=weekday,
        moment=by_language(lambda language: moment_phrase("", at, language, year=False)),
    )


def _groups_of(office: Office) -> list[Group]:
    return [g for g in (office.switchboard, office.citizens_desk) if g is not None]


CONFIGURED: Final = "configured"
"""Kind of a form that restores the configured hours."""


def read_new_week(
    stored: Collection[HoursEntry], form: Mapping[str, Any], by: str, at: datetime
) -> HoursEntry:
    """Read a form as the entry of a new ordinary week; `at` is local. Raises FormRefused."""
    fields = FormFields(form, [])
    since, whose = _read_since(fields, at.date()), whose_of(fields)
    week = None if fields.text("kind") == CONFIGURED else _read_week(fields)
    reference = fields.text("reference", is_needed=True)
    if fields.problems:
        raise FormRefused(*fields.problems)
    number = next_number(stored)
    new = NewWeek(since, week, number)
    return HoursEntry(number, whose, None, by, at, reference, ordinary=new)


def revoke_new_week(
    stored: Collection[HoursEntry], number: int, reference: str, by: str, at: datetime
) -> HoursEntry:
    """Return the entry that takes back a week which has not begun; `at` is local.

    Raises Refused for one that has begun or is none, FormRefused for no reference.
    """
    _check_entered(stored, number)
    old = next((e for e in entries_in_force(stored) if e.ordinary and e.number == number), None)
    if old is None:
        raise Refused(_("that entry holds no longer: it was revoked"))
    # hours in force are only followed by new ones, so that the history stays true
    if old.first <= at.date():
        raise Refused(
            _(
                "these hours are in force already: enter new ones, or go back to the "
                "configured ones"
            ),
        )
    fields = FormFields({"reference": reference}, [])
    said = fields.text("reference", is_needed=True)
    if fields.problems:
        raise FormRefused(*fields.problems)
    return HoursEntry(next_number(stored), old.whose, None, by, at, said, number)


def weeks_words(
    entries: Collection[HoursEntry], today: date, person: Callable[[str], str] = str
) -> tuple[Words, ...]:
    """Return a sentence for each entered week in force or to come: whose, since when, by whom.

    `person` tells a login's own name.
    """
    held = [e for e in entries_in_force(entries) if e.ordinary]
    past = [e for e in held if e.first <= today and not _is_followed(e, held, today)]
    to_come = sorted((e for e in held if e.first > today), key=_by_day)
    return tuple(_entry_words(each, person(each.by)) for each in (*past, *to_come))


def _is_followed(entry: HoursEntry, held: Collection[HoursEntry], today: date) -> bool:
    """Tell whether a later week, or a newer one of the same day, has taken an entry's place."""
    after = (e for e in held if e.first <= today and _by_day(e) > _by_day(entry))
    return any(each.is_about(entry.whose) for each in after)


def _by_day(entry: HoursEntry) -> tuple[date, int]:
    return entry.first, entry.number


WHOSE_WORDS: Final = {
    "house": in_context("hours_changes", "switchboard and counter"),
    "switchboard": _("switchboard"),
    "citizens_desk": _("counter"),
}


def _entry_words(entry: HoursEntry, by: str) -> Words:
    whose, first = WHOSE_WORDS[entry.whose], entry.first
    is_new = entry.ordinary is not None and entry.ordinary.week is not None
    what = _("entered") if is_new else in_context("hours_changes", "as configured")
    return _(
        "Every week's hours, {whose}: {hours}, {day} (entry {number} by {by})",
        whose=whose,
        hours=what,
        day=day_phrase_words(in_context("day", "from"), first),
        number=entry.number,
        by=by,
    )


def _read_since(fields: FormFields, today: date) -> date:
    since = fields.day("since")
    if since is None:
        fields.text("since", is_needed=True)
        return today
    if since < today:
        fields.wrong("since", _("is past: name today or a day to come"))
    if since - today > timedelta(FARTHEST_DAYS):
        fields.wrong("since", _("is too far off: five years at most"))
    return since


def _read_week(fields: FormFields) -> Week:
    week = fields.week("week")
    # after a mistake in a band the missing hours are its consequence, not one more mistake
    if not week.ever_opens and not any(each.place.startswith("week") for each in fields.problems):
        fields.wrong("week", _("needs the hours of one day at least: 9-12"))
    return week
