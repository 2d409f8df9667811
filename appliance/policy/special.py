"""Hours that the head enters: an opening, a closure, other hours for days to come (E14), new weeks.

Entries are only ever added: a correction or a revocation names the entry that it ends. Each ends by
itself after its last day; an ordinary week holds from its day on, until the next one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from appliance.policy.dates import Closure, NewWeek, Period
from appliance.policy.hours import Schedule
from appliance.policy.office import Group, Office


class Whose(enum.StrEnum):
    """Whose hours it is about; those of one group by the group's name."""

    HOUSE = "house"
    SWITCHBOARD = "switchboard"
    COUNTER = "citizens_desk"


@dataclass(frozen=True, slots=True)
class Special:
    """One entry: its `number`, by whom, when, on what ground; `ends` is the entry that it ends.

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
        """Its last day, likewise; an ordinary week has none."""
        if self.ordinary:
            return date.max
        return self.period.last if self.period else self.at.date()

    @property
    def is_revocation(self) -> bool:
        """Tell whether all that it does is to end another."""
        return not (self.period or self.ordinary)

    def is_about(self, group: str) -> bool:
        """Tell whether a group's hours are meant."""
        return self.whose in (Whose.HOUSE, group)


def in_force(entries: Iterable[Special]) -> tuple[Special, ...]:
    """Return those that nothing has ended, oldest first; past ones too."""
    entries = tuple(entries)
    ended = {each.ends for each in entries}
    return tuple(e for e in entries if not e.is_revocation and e.number not in ended)


def laid_over(schedule: Schedule, group: str, entries: Iterable[Special]) -> Schedule:
    """Return a group's hours with all that was entered for it, whatever lay over them before."""
    held = in_force(entries)
    found = tuple(e.period for e in held if e.period and e.is_about(group))
    about = (e.ordinary for e in held if e.ordinary and e.is_about(group))
    weeks = tuple(sorted(about, key=lambda each: (each.since, each.number)))
    return replace(schedule, entered=found, weeks=weeks, shut=_shut(held))


def _shut(held: Iterable[Special]) -> tuple[Closure, ...]:
    """Return when the whole house is closed: offices keep that, and none of its other hours."""
    found: tuple[Closure, ...] = ()
    for each in held:
        period = each.period
        if period and each.whose is Whose.HOUSE:
            over = Closure.whole_days(period.first, period.last, period.name, period.greeting)
            found = tuple(part for closure in found for part in _outside(closure, over))
            found += () if period.week.ever_opens else (over,)
    return found


def _outside(closure: Closure, other: Closure) -> Iterator[Closure]:
    """Yield what is left of a closure where something newer holds."""
    if closure.start < other.start:
        yield replace(closure, end=min(closure.end, other.start))
    if other.end < closure.end:
        yield replace(closure, start=max(closure.start, other.end))


def office_with(office: Office, entries: Iterable[Special]) -> Office:
    """Return an office whose groups keep the hours that were entered."""
    entries = tuple(entries)
    counter = office.citizens_desk
    return replace(
        office,
        switchboard=_group_with(office.switchboard, entries),
        citizens_desk=_group_with(counter, entries) if counter else None,
    )


def _group_with(group: Group, entries: tuple[Special, ...]) -> Group:
    return replace(group, schedule=laid_over(group.schedule, group.name, entries))
