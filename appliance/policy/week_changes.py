"""What a new ordinary week changes: hours that open and close, and what a caller would hear."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from appliance.policy.day_hours import hours_on
from appliance.policy.explain import Step, explain
from appliance.policy.local_time import local_moment, moment_phrase
from appliance.policy.office import Group, Office
from appliance.policy.special import Special, office_with
from appliance.policy.transfer_words import WEEKDAYS
from appliance.policy.week import MIDNIGHT, ONE_DAY, Band, Bands
from appliance.policy.words import Words

DAY_MINUTES: Final = 24 * 60
DAYS_LOOKED: Final = 35
"""Days in which an example is looked for: holidays may lie on some."""
INTO_IT: Final = timedelta(minutes=5)
"""So long after a change of hours an example calls."""


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
class Heard:
    """What a call at a moment (local, aware) would meet before the change and after it."""

    at: datetime
    before: tuple[Words, ...]
    after: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class WeekChanges:
    """What an entry changes from `since` on; `until` is the day of the next week, None for none."""

    since: date
    until: date | None
    groups: tuple[GroupChange, ...]
    heard: tuple[Heard, ...]


def week_changes(
    office: Office, stored: Collection[Special], new: Special, asked: datetime | None = None
) -> WeekChanges:
    """Compare the weeks with and without an entry, or a revocation, from its day on.

    A call is followed at the first hours that open and that close, and at the `asked` moment.
    """
    before, after = office_with(office, stored), office_with(office, (*stored, new))
    since = _since(stored, new)
    pairs = [(a, b) for a, b in zip(_groups(before), _groups(after), strict=True)
             if new.is_about(a.name)]  # fmt: skip
    groups = tuple(_group(a, b, since) for a, b in pairs)
    moments = [*dict.fromkeys(_examples(pairs, since)), *([asked] if asked else [])]
    heard = tuple(h for at in moments if (h := _heard(before, after, at)))
    return WeekChanges(since, _until(pairs, since), groups, heard)


def _since(stored: Collection[Special], new: Special) -> date:
    """Return the day from which an entry changes anything: a revocation's is what it ends."""
    return next((each.first for each in stored if each.number == new.ends), new.first)


def _until(pairs: list[tuple[Group, Group]], since: date) -> date | None:
    days = {each.since for _, after in pairs for each in after.schedule.weeks}
    return min((day for day in days if day > since), default=None)


def _group(before: Group, after: Group, since: date) -> GroupChange:
    weeks = (before.schedule.week_on(since), after.schedule.week_on(since))
    days = (_day(a, b) for a, b in zip(*(week.days for week in weeks), strict=True))
    return GroupChange(before.label, tuple(days))


def _day(before: Bands, after: Bands) -> DayChange:
    return DayChange(before, after, without(after, before), without(before, after))


def without(bands: Bands, others: Bands) -> Bands:
    """Return what of some bands lies in none of the others."""
    left = [minutes(band) for band in bands]
    for start, end in map(minutes, others):
        parts = (part for a, b in left for part in ((a, min(b, start)), (max(a, end), b)))
        left = [(a, b) for a, b in parts if a < b]
    return tuple(Band(_clock(a), _clock(b)) for a, b in left)


def minutes(band: Band) -> tuple[int, int]:
    """Return a band's start and end as minutes of the day, 0 to 1440."""
    start, end = (each.hour * 60 + each.minute for each in (band.start, band.end))
    return start, DAY_MINUTES if band.end == MIDNIGHT else end


def _clock(minute: int) -> time:
    return time(*divmod(minute % DAY_MINUTES, 60))


def _examples(pairs: list[tuple[Group, Group]], since: date) -> Iterator[datetime]:
    """Yield the first moment that opens and the first that closes, of every group."""
    for before, after in pairs:
        found = tuple(_other_hours(before, after, since))
        for is_open in (True, False):
            yield from [at for at, opens in found if opens is is_open][:1]


def _other_hours(before: Group, after: Group, since: date) -> Iterator[tuple[datetime, bool]]:
    """Yield moments of the next weeks that open or close, with all that is special on a day."""
    for day in (since + number * ONE_DAY for number in range(DAYS_LOOKED)):
        old, new = (hours_on(each.schedule, day).bands for each in (before, after))
        for is_open, bands in ((True, without(new, old)), (False, without(old, new))):
            yield from ((_within(band, day, after), is_open) for band in bands)


def _within(band: Band, day: date, group: Group) -> datetime:
    """Return a moment shortly after a band has begun."""
    start, end = band.on(day)
    zone = group.schedule.zone
    return local_moment(min(start + INTO_IT, start + (end - start) / 2), zone).astimezone(zone)


def _heard(before: Office, after: Office, at: datetime) -> Heard | None:
    """Follow a call on the first line; None where there is none."""
    if not before.lines:
        return None
    then, now = (_steps(office, at) for office in (before, after))
    return Heard(at, then, now)


def _steps(office: Office, at: datetime) -> tuple[Words, ...]:
    return tuple(_said(office, step) for step in explain(office, office.lines[0], at).steps)


def _said(office: Office, step: Step) -> Words:
    """Say a step of the call, and when it opens again where it does."""
    if step.reopens_at is None:
        return step.sentence
    at = office.local(step.reopens_at)
    weekday = WEEKDAYS[at.weekday()]
    return Words(
        f"{step.sentence.it} Riapre {weekday.it} {moment_phrase('', at, 'it', year=False)}.",
        f"{step.sentence.en} It opens again on {weekday.en} "
        f"{moment_phrase('', at, 'en', year=False)}.",
    )


def _groups(office: Office) -> list[Group]:
    return [g for g in (office.switchboard, office.citizens_desk) if g is not None]
