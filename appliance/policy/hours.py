"""Opening hours: is a group open at a moment, why, and when that changes (P9, E1, E2, E14).

Precedence, the first that applies decides: what was entered for the day > opening by date >
closure by date > holiday > the period's week > the ordinary week. An opening replaces the whole
day; of two periods that overlap the last one decides, as a short one is laid over a long one. What
was entered for several days leaves the holidays among them alone.

Times are local wall-clock times. On the night the clock is put back a time that comes twice means
the first one; on the night it is put forward a time that is skipped means the moment after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import chain
from zoneinfo import ZoneInfo

from appliance.policy.dates import Closure, Holiday, NewWeek, Opening, Period
from appliance.policy.local_time import local_moment
from appliance.policy.pieces import Piece, Rule, Why, edges_on, piece_at, rule_of
from appliance.policy.week import ONE_DAY, Band, Bands, Week
from appliance.policy.words import NOTHING, Words

HORIZON_DAYS = 400
"""How far ahead the next change is looked for: a year and the longest closure beside it."""


@dataclass(frozen=True, slots=True)
class OpenState:
    """The answer of a schedule for one moment.

    `name` is the holiday's, closure's, opening's or period's; `greeting` its own prompt or "";
    `band` the band that is open. `changes_at` is when any of `open`, `why`, `name` changes,
    `flips_at` when `open` does, `reopens_at` when it next opens (None while open); all aware,
    None when nothing changes within 400 days.
    """

    open: bool
    why: Why
    name: Words = NOTHING
    band: Band | None = None
    greeting: str = ""
    notice: Words = NOTHING
    changes_at: datetime | None = None
    flips_at: datetime | None = None

    @property
    def reopens_at(self) -> datetime | None:
        """When it next opens; None while open, or when it never does."""
        return None if self.open else self.flips_at


@dataclass(frozen=True, slots=True)
class Schedule:
    """All hours of one group, frozen: the file's, `entered` laid over them, newest last.

    `weeks` take the place of `weekly` from their days on, by their days. `elsewhere` are offices
    ("unit", "need") of other branches, whose holidays and closures are not this house's.
    """

    zone: ZoneInfo
    weekly: Week
    holidays: tuple[Holiday, ...] = ()
    closures: tuple[Closure, ...] = ()
    openings: tuple[Opening, ...] = ()
    periods: tuple[Period, ...] = ()
    entered: tuple[Period, ...] = ()
    weeks: tuple[NewWeek, ...] = ()
    shut: tuple[Closure, ...] = ()  # what of it closes the whole house, offices too
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    _holidays: dict[date, Holiday] = field(init=False, repr=False, compare=False)
    _openings: dict[date, Opening] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_holidays", {h.day: h for h in self.holidays})
        object.__setattr__(self, "_openings", {o.day: o for o in self.openings})

    def at(self, wall: datetime) -> OpenState:
        """Answer for an aware moment."""
        local = wall.astimezone(self.zone)
        here, ahead = self._here(local)
        change, flip = self._changes(here, ahead)
        return OpenState(
            here.open,
            here.why,
            here.name,
            here.band,
            here.greeting,
            here.notice,
            change and local_moment(change, self.zone),
            flip and local_moment(flip, self.zone),
        )

    def next_open(self, wall: datetime) -> datetime | None:
        """Return `wall` itself when open then, else when it next opens; None for never."""
        state = self.at(wall)
        return wall if state.open else state.reopens_at

    def bands_on(self, day: date) -> Bands:
        """Return the bands of a day, whatever closure may lie over them."""
        return self._rule(day).bands

    def week_on(self, day: date) -> Week:
        """Return the ordinary week that holds on a day."""
        held = self.new_week_on(day)
        return (held and held.week) or self.weekly

    def new_week_on(self, day: date) -> NewWeek | None:
        """Return what was entered of the ordinary week that holds on a day; None for nothing."""
        return next((each for each in reversed(self.weeks) if each.since <= day), None)

    def pieces_on(self, day: date) -> tuple[Piece, ...]:
        """Return a day's pieces in order, in naive local time, the first one from midnight on."""
        return tuple(self._day(day))

    def _here(self, local: datetime) -> tuple[Piece, Iterator[Piece]]:
        """Find the piece that holds at `local`, and those that follow it."""
        pieces = self._pieces(local.date())
        here, following = next(pieces), next(pieces)
        while local_moment(following.start, self.zone) <= local.astimezone(UTC):
            here, following = following, next(pieces)
        return here, chain((following,), pieces)

    def _changes(
        self, here: Piece, ahead: Iterator[Piece]
    ) -> tuple[datetime | None, datetime | None]:
        """Return the naive local times of the next change and of the next flip."""
        change = None
        for piece in ahead:
            if change is None and piece.answer != here.answer:
                change = piece.start
                if not here.open and not self._ever_opens:
                    return change, None
            if piece.open != here.open:
                return change, piece.start
        return change, None

    @property
    def _ever_opens(self) -> bool:
        periods = (each.week for each in (*self.periods, *self.entered))
        weeks = (self.weekly, *periods, *(each.week for each in self.weeks if each.week))
        return bool(self.openings) or any(week.ever_opens for week in weeks)

    def _pieces(self, first: date) -> Iterator[Piece]:
        """Yield the pieces of `first` and of the days after, up to the horizon.

        Days that are open from end to end follow one another without a change: of those only the
        first is made, and then the next day on which something else may hold.
        """
        day, last = first, first + ONE_DAY * (HORIZON_DAYS - 1)
        while day <= last:
            yield from self._day(day)
            following = day + ONE_DAY
            if self._is_like_the_next(day):
                following = max(following, min(self._next_special(day), last))
            day = following

    def _is_like_the_next(self, day: date) -> bool:
        """Tell whether a day is open from end to end and nothing but the week makes it so."""
        midnight = datetime.combine(day, time())
        return (
            self.week_on(day).never_closes
            and day not in self._holidays
            and day not in self._openings
            and not any(each.covers(day) for each in (*self.periods, *self.entered))
            and not self._closures_on(midnight)
        )

    def _next_special(self, day: date) -> date:
        """Return the next day on which something else than the week may begin."""
        begins = (
            *self._holidays,
            *self._openings,
            *(each.start.date() for each in self.closures),
            *(each.first for each in (*self.periods, *self.entered)),
            *(each.since for each in self.weeks),
        )
        return min((each for each in begins if each > day), default=date.max)

    def _day(self, day: date) -> Iterator[Piece]:
        """Yield a day's pieces, the first one from midnight on; empty ones may be among them."""
        rule = self._rule(day)
        midnight = datetime.combine(day, time())
        closures = () if rule.is_whole else self._closures_on(midnight)
        for edge in edges_on(midnight, rule.bands, closures):
            yield piece_at(edge, rule, closures)

    def _rule(self, day: date) -> Rule:
        opening, holiday = self._openings.get(day), self._holidays.get(day)
        for entered in reversed(self.entered):
            if entered.covers(day) and (entered.is_one_day or not holiday):
                return rule_of(entered, day)
        if opening:
            codes = (Why.OPENING, Why.CLOSED_HOURS)
            return Rule(opening.bands, *codes, opening.reason, is_whole=True)
        if holiday:
            return Rule((), Why.HOURS, Why.HOLIDAY, holiday.name, holiday.greeting)
        for period in reversed(self.periods):
            if period.covers(day):
                bands = period.week.bands_on(day)
                codes = (Why.PERIOD, Why.CLOSED_PERIOD)
                return Rule(bands, *codes, period.name, period.greeting, period.notice)
        return Rule(self.week_on(day).bands_on(day), Why.HOURS, Why.CLOSED_HOURS)

    def _closures_on(self, midnight: datetime) -> tuple[Closure, ...]:
        if not self.closures:
            return ()
        end = midnight + ONE_DAY
        return tuple(c for c in self.closures if c.start < end and c.end > midnight)
