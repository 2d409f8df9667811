"""Opening hours: bands, weeks and special days of a group; local times written and read."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from appliance.errors import ConfigurationError
from appliance.policy.text import Refused
from appliance.text import ENGLISH, NOTHING, Words, _, by_language, in_context

# One format everywhere: "lun 30 novembre 2026, 14:30" in Italian, "Mo, 30. November 2026, 14:30" in
# German, "Mon 30 November 2026, 14:30" in English, without the year where it is obvious. Within a
# sentence, behind an article or preposition: "del 30 novembre 2026 alle 14:30", "dall'8 novembre
# 2026", "all'01:30", "vom 30. November 2026 um 14:30 Uhr".


@dataclass(frozen=True, slots=True)
class _DateForms:
    """How a language writes dates: names, the first of a month, words before a day or an hour.

    `article` and `of` are "" where the language has no such word there. One that `elides` writes
    an article and a vowel as one word. `comma` and `dot` follow a weekday and a day's number,
    `oclock` a time of day within a sentence.
    """

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    first: str = "1"
    at: str = "at"
    article: str = ""
    of: str = ""
    elides: bool = False
    comma: str = ""
    dot: str = ""
    oclock: str = ""


_FORMS: Final = {
    "it": _DateForms(
        ("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
        (
            "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto",
            "settembre", "ottobre", "novembre", "dicembre",
        ),
        first="1°", at="alle", article="il", of="del", elides=True,
    ),
    "de": _DateForms(
        ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        (
            "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
            "Oktober", "November", "Dezember",
        ),
        at="um", article="der", of="vom", comma=",", dot=".", oclock=" Uhr",
    ),
    ENGLISH: _DateForms(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        (
            "January", "February", "March", "April", "May", "June", "July", "August", "September",
            "October", "November", "December",
        ),
    ),
}  # fmt: skip
"""Forms by language, English for others."""


def _forms(language: str) -> _DateForms:
    return _FORMS.get(language, _FORMS[ENGLISH])


WITH_ARTICLE: Final = by_language(lambda language: _forms(language).article)
# Words before a day that only some languages have.
WITH_OF: Final = by_language(lambda language: _forms(language).of)
# "otto" and "undici" begin with a vowel: the Italian article before them is elided
_VOWEL_DAYS: Final = (8, 11)
_TIME: Final = re.compile(r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?::\d{2})?")
_DAY: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})[/.](?P<month2>\d{1,2})[/.](?P<year2>\d{4})"
)
_NEAR: Final = {"oggi": 0, "heute": 0, "today": 0, "domani": 1, "morgen": 1, "tomorrow": 1}


def weekday_words(number: int, language: str) -> str:
    """Write a weekday (Monday is 0) in short: "lun"."""
    return _forms(language).weekdays[number]


def day_words(day: date, language: str, *, year: bool = True) -> str:
    """Write a day as people read it: "lun 30 novembre 2026"."""
    forms = _forms(language)
    number = f"{day.day}{forms.dot} {forms.months[day.month - 1]}"
    words = f"{weekday_words(day.weekday(), language)}{forms.comma} {number}"
    return f"{words} {day.year}" if year else words


def date_words(day: date, language: str, *, year: bool = True) -> str:
    """Write a day as a letter does: "30 novembre 2026", "1° dicembre 2026"."""
    forms = _forms(language)
    number = forms.first if day.day == 1 else str(day.day)
    words = f"{number}{forms.dot} {forms.months[day.month - 1]}"
    return f"{words} {day.year}" if year else words


def moment_words(at: datetime, language: str, *, year: bool = True) -> str:
    """Write a local time as people read it: "lun 30 novembre 2026, 14:30"."""
    return f"{day_words(at.date(), language, year=year)}, {at:%H:%M}"


def day_phrase(word: str, day: date, language: str, *, year: bool = True) -> str:
    """Write a day behind a word of a sentence: "il 1° dicembre 2026", "dall'8 novembre 2026".

    `word` ends in "il", "al", "dal", "del" in Italian; "" where none stands before the day.
    """
    said = date_words(day, language, year=year)
    if _forms(language).elides and word and day.day in _VOWEL_DAYS:
        # il, dal, del become l', dall', dell'
        return f"{word.removesuffix('il')}l'{said}"
    return f"{word} {said}".lstrip()


def clock_phrase(word: str, at: datetime | time, language: str) -> str:
    """Write a time of day behind a word: "alle 14:30", "dall'01:30", "at 14:30"."""
    forms = _forms(language)
    if forms.elides and at.hour == 1:
        # read "l'una": alle, dalle become all', dall'
        return f"{word[:-1]}'{at:%H:%M}"
    return f"{word} {at:%H:%M}{forms.oclock}"


def moment_phrase(word: str, at: datetime, language: str, *, year: bool = True) -> str:
    """Write a local time behind a word of a sentence: "del 30 novembre 2026 alle 14:30"."""
    clock = clock_phrase(_forms(language).at, at, language)
    return f"{day_phrase(word, at.date(), language, year=year)} {clock}"


def month_words(day: date, language: str) -> str:
    """Write the month of a day: "novembre 2026"."""
    return f"{_forms(language).months[day.month - 1]} {day.year}"


def read_day(text: str, today: date) -> date:
    """Read a day as people write it: oggi, domani, 2026-11-30, 30/11/2026, 30.11.2026.

    Raises Refused.
    """
    plain = text.strip().lower()
    if plain in _NEAR:
        return today + timedelta(days=_NEAR[plain])
    found = _DAY.fullmatch(plain)
    try:
        if found is not None:
            numbers = found.groupdict()
            return date(
                *(int(numbers[name] or numbers[f"{name}2"]) for name in ("year", "month", "day"))
            )
    # a day such as 31/02 is refused like any other text
    except ValueError:
        pass
    raise Refused(
        _("{text!r} is no day: write today, tomorrow, 30/11/2026 or 2026-11-30", text=text),
    )


def read_moment(text: str, now: datetime) -> datetime:
    """Read a time in the zone of `now` as people write it: "14:30", "domani 8:00", with any day.

    A time alone is today's. Raises Refused.
    """
    zone = now.tzinfo
    # a fixed offset cannot tell when the clock is changed
    if not isinstance(zone, ZoneInfo):
        raise TypeError("the present is given in the site's zone")
    # ISO 8601 puts a T between day and time
    day, _unused, clock = text.strip().replace("T", " ").rpartition(" ")
    found = _TIME.fullmatch(clock)
    if found is None or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        raise Refused(
            _("{text!r} is no time: write 14:30, tomorrow 8:00 or 30/11/2026 14:30", text=text),
        )
    # moment_words puts a comma behind the day
    on = read_day(day.rstrip(","), now.date()) if day else now.date()
    return local_moment(datetime.combine(on, time(int(found["hour"]), int(found["minute"]))), zone)


def local_moment(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware moment of a naive local time in `zone`.

    A time that comes twice is the first one; one that is skipped is the moment after the gap.
    """
    # fold is 0: of a time that comes twice the first is meant
    moment = naive.replace(tzinfo=zone)
    # a skipped time does not survive the way to UTC and back
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
        return moment
    return _end_of_gap(naive, zone)


def _end_of_gap(naive: datetime, zone: ZoneInfo) -> datetime:
    """Find by halving, to the second, when the clock was put forward over `naive`."""
    # In a gap, fold 0 applies the offset before the change and fold 1 the one after it (PEP 495),
    # so the change lies between the two; zoneinfo does not name it, hence the search.
    late = naive.replace(tzinfo=zone).astimezone(UTC)
    early = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0).astimezone(zone)


MIDNIGHT = time(0, 0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """An open stretch of one day, in local wall-clock time; an `end` of 00:00 means 24:00.

    Raises ConfigurationError when it ends before it starts or knows a time zone.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        # with a time zone a band would mean two things on two days of the year
        if self.start.tzinfo or self.end.tzinfo:
            raise Refused(
                _("band {self_}: write local times, without a time zone", self_=self),
            )
        # `time` cannot hold 24:00, so midnight stands for it
        if self.end != MIDNIGHT and self.end <= self.start:
            raise Refused(
                _("band {self_}: the end must come after the start", self_=self),
            )

    def __str__(self) -> str:
        end = "24:00" if self.end == MIDNIGHT else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M}-{end}"

    @classmethod
    def parse(cls, text: str) -> Band:
        """Read "8:30-13:00" or "14-24:00"; raises ConfigurationError with what was expected."""
        start, dash, end = text.partition("-")
        if not dash:
            raise Refused(
                _("band {text!r}: write it as 08:30-13:00", text=text),
            )
        return cls(_time_of_day(start, text), _time_of_day(end, text, last=True))

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Return its naive local start and end on `day`."""
        ends_on = day + ONE_DAY if self.end == MIDNIGHT else day
        return datetime.combine(day, self.start), datetime.combine(ends_on, self.end)


def _time_of_day(text: str, whole: str, *, last: bool = False) -> time:
    hours, _unused, minutes = text.strip().partition(":")
    try:
        if last and (int(hours), int(minutes or 0)) == (24, 0):
            return MIDNIGHT
        return time(int(hours), int(minutes or 0))
    except ValueError:
        raise Refused(
            _(
                "band {whole!r}: {text!r} is no time of day; write it as 08:30-13:00",
                whole=whole,
                text=text.strip(),
            ),
        ) from None


Bands = tuple[Band, ...]
"""The bands of one day, in order, none touching another's inside."""


def check_bands(bands: Bands, where: str) -> None:
    """Raise ConfigurationError when bands of one day overlap or are out of order."""
    for before, after in pairwise(bands):
        if before.end == MIDNIGHT or after.start < before.end:
            raise Refused(
                _(
                    "{where}: {after} begins before {before} has ended",
                    where=where,
                    after=after,
                    before=before,
                ),
            )


def _is_whole_day(bands: Bands) -> bool:
    ends = [MIDNIGHT, *(band.end for band in bands)]
    starts = [*(band.start for band in bands), MIDNIGHT]
    return bool(bands) and ends == starts


@dataclass(frozen=True, slots=True)
class Week:
    """The bands of the seven days, Monday first; raises ConfigurationError for other than seven."""

    days: tuple[Bands, ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7:
            raise ConfigurationError(f"a week has seven days, not {len(self.days)}")
        for number, bands in enumerate(self.days, start=1):
            check_bands(bands, f"day {number} of the week")

    def bands_on(self, day: date) -> Bands:
        """Return the bands of the weekday that `day` is."""
        return self.days[day.weekday()]

    @property
    def ever_opens(self) -> bool:
        """True when at least one day has a band."""
        return any(self.days)

    @property
    def never_closes(self) -> bool:
        """True when the bands of every day reach from midnight to midnight."""
        return all(_is_whole_day(bands) for bands in self.days)


def week_of(**days: str) -> Week:
    """Build a Week from texts: week_of(monday="8:30-13:00 14:30-18", thursday="8:30-18").

    A day that is not named is closed. Raises ConfigurationError for an unknown day or band.
    """
    unknown = sorted(set(days) - set(WEEKDAYS))
    if unknown:
        raise Refused(
            _(
                "{unknown!r} is no weekday; known are {weekdays}",
                unknown=unknown[0],
                weekdays=", ".join(WEEKDAYS),
            ),
        )
    texts = [days.get(name, "").split() for name in WEEKDAYS]
    return Week(tuple(tuple(Band.parse(text) for text in day) for day in texts))


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday or the town's patron saint's day."""

    day: date
    name: Words
    greeting: str = ""


@dataclass(frozen=True, slots=True)
class Closure:
    """A special closure from `start` to `end` (exclusive), naive local times, with its reason.

    `greeting` names its own prompt ("" for the usual one). Raises ConfigurationError when it ends
    before it starts.
    """

    start: datetime
    end: datetime
    reason: Words = NOTHING
    greeting: str = ""

    def __post_init__(self) -> None:
        if self.start.tzinfo or self.end.tzinfo:
            raise Refused(
                _("a closure: write local times, without a time zone"),
            )
        if self.end <= self.start:
            raise Refused(
                _(
                    "the closure {moment} ends before it starts",
                    moment=moment_phrase_words(in_context("moment", "of"), self.start),
                ),
            )

    @classmethod
    def whole_days(
        cls, first: date, last: date, reason: Words = NOTHING, greeting: str = ""
    ) -> Closure:
        """Close from the first moment of `first` to the last of `last`."""
        # the end is exclusive: the midnight after the last day
        end = datetime.combine(last, time()) + ONE_DAY
        return cls(datetime.combine(first, time()), end, reason, greeting)


@dataclass(frozen=True, slots=True)
class SpecialOpening:
    """A special opening: `bands` are the whole hours of `day`, whatever else would hold.

    Raises ConfigurationError when it has no band or they overlap.
    """

    day: date
    bands: Bands
    reason: Words = NOTHING

    def __post_init__(self) -> None:
        if not self.bands:
            raise Refused(
                _(
                    "the opening {day} has no hours",
                    day=day_phrase_words(in_context("day", "of"), self.day),
                ),
            )
        check_bands(self.bands, f"the opening {day_phrase('of', self.day, ENGLISH)}")


@dataclass(frozen=True, slots=True)
class Period:
    """A special period, both days included, with its own week: summer, elections, strike.

    `greeting` names the prompt heard when it is closed within the period; `notice` is shown to
    people. Raises ConfigurationError when it ends before it starts.
    """

    first: date
    last: date
    name: Words
    week: Week
    greeting: str = ""
    notice: Words = NOTHING

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Refused(
                _(
                    "the period {day} ends before it starts",
                    day=day_phrase_words(in_context("day", "of"), self.first),
                ),
            )

    def covers(self, day: date) -> bool:
        """Tell whether a day lies within it."""
        return self.first <= day <= self.last

    @property
    def is_one_day(self) -> bool:
        """Tell whether it is about one day alone."""
        return self.first == self.last


@dataclass(frozen=True, slots=True)
class NewWeek:
    """Ordinary hours from `since` on, until the next; `week` None restores the configured week.

    `number` is the number of its entry.
    """

    since: date
    week: Week | None
    number: int = 0


class Why(enum.StrEnum):
    """Why a group is open or closed, as a stable code."""

    HOURS = "open.hours"
    PERIOD = "open.period"
    OPENING = "open.special"
    CLOSED_HOURS = "closed.hours"
    CLOSED_PERIOD = "closed.period"
    HOLIDAY = "closed.holiday"
    CLOSURE = "closed.special"


class DayRule(NamedTuple):
    """Hours in force on a day, with the reason codes inside and outside them."""

    bands: Bands
    inside: Why
    outside: Why
    name: Words = NOTHING
    greeting: str = ""
    notice: Words = NOTHING
    is_whole: bool = False  # no closure lies over it


class DayPiece(NamedTuple):
    """A stretch of naive local time with one answer, from `start` to the next piece's."""

    # a named tuple is cheap to make: a year of them shows that an office never opens

    start: datetime
    open: bool
    why: Why
    name: Words
    greeting: str
    notice: Words
    band: Band | None = None

    @property
    def answer(self) -> tuple[bool, Why, Words, str]:
        """The values by which callers tell pieces apart: touching bands are one."""
        return (self.open, self.why, self.name, self.greeting)


def period_rule(period: Period, day: date) -> DayRule:
    """Return the rule of a day within an entered period."""
    outside = Why.CLOSED_PERIOD if period.week.ever_opens else Why.CLOSURE
    said = (period.name, period.greeting, period.notice)
    return DayRule(period.week.bands_on(day), Why.PERIOD, outside, *said, is_whole=True)


def edges_of_day(midnight: datetime, bands: Bands, closures: tuple[Closure, ...]) -> list[datetime]:
    """Return the times of a day at which the answer may change, its midnight first."""
    # the search for the next change asks this for every day of a year
    if _has_one_answer(midnight, bands, closures):
        return [midnight]
    edges = {midnight}
    for band in bands:
        edges.update(band.on(midnight.date()))
    for closure in closures:
        edges |= {max(closure.start, midnight), closure.end}
    return sorted(edge for edge in edges if edge < midnight + ONE_DAY)


def _has_one_answer(midnight: datetime, bands: Bands, closures: tuple[Closure, ...]) -> bool:
    """Tell whether no band, or one closure, holds all day."""
    if closures:
        only = closures[0]
        return len(closures) == 1 and only.start <= midnight and only.end >= midnight + ONE_DAY
    return not bands


def piece_at(at: datetime, rule: DayRule, closures: tuple[Closure, ...]) -> DayPiece:
    """Return the piece that begins at a moment."""
    # a closure by date ranks above the bands
    for closure in closures:
        if closure.start <= at < closure.end:
            reason, prompt = closure.reason, closure.greeting
            return DayPiece(at, False, Why.CLOSURE, reason, prompt, NOTHING)
    for band in rule.bands:
        start, end = band.on(at.date())
        if start <= at < end:
            return DayPiece(at, True, rule.inside, rule.name, "", rule.notice, band)
    # an opening is no reason for being closed outside its bands
    name = NOTHING if rule.inside is Why.OPENING else rule.name
    return DayPiece(at, False, rule.outside, name, rule.greeting, rule.notice)


# Precedence, the first that applies decides: entered for the day > opening by date > closure by
# date > holiday > the period's week > the ordinary week. An opening replaces the whole day; of two
# overlapping periods the last one decides, since a short one is laid over a long one. A period
# entered for several days leaves the holidays among them alone.
#
# Times are local wall-clock times. In the night the clock is put back, a time that comes twice
# means the first one; in the night it is put forward, a skipped time means the moment after.

# the next change is searched this far ahead: a year and the longest closure beside it
HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True)
class OpenState:
    """State of a schedule at one moment.

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
        """Time of the next opening; None while open, or if it never opens."""
        return None if self.open else self.flips_at


@dataclass(frozen=True, slots=True)
class Schedule:
    """All hours of one group, frozen: the file's, `entered` laid over them, newest last.

    `weeks` take the place of `weekly` from their days on, by their days. `elsewhere` are offices
    ("unit", "need") of other branches, whose holidays and closures are not ours.
    """

    zone: ZoneInfo
    weekly: Week
    holidays: tuple[Holiday, ...] = ()
    closures: tuple[Closure, ...] = ()
    openings: tuple[SpecialOpening, ...] = ()
    periods: tuple[Period, ...] = ()
    entered: tuple[Period, ...] = ()
    weeks: tuple[NewWeek, ...] = ()
    shut: tuple[Closure, ...] = ()  # what of it closes the whole site, offices too
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    _holidays: dict[date, Holiday] = field(init=False, repr=False, compare=False)
    _openings: dict[date, SpecialOpening] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # the class is frozen; a search for the next change looks up a year of days here
        object.__setattr__(self, "_holidays", {h.day: h for h in self.holidays})
        object.__setattr__(self, "_openings", {o.day: o for o in self.openings})

    def at(self, wall: datetime) -> OpenState:
        """Return whether it is open at an aware moment, why, and when that changes."""
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
        """Return the bands of a day; closures by date do not count."""
        return self._rule(day).bands

    def week_on(self, day: date) -> Week:
        """Return the ordinary week that holds on a day."""
        held = self.new_week_on(day)
        return (held and held.week) or self.weekly

    def new_week_on(self, day: date) -> NewWeek | None:
        """Return the entered ordinary week that holds on a day, or None."""
        return next((each for each in reversed(self.weeks) if each.since <= day), None)

    def pieces_on(self, day: date) -> tuple[DayPiece, ...]:
        """Return a day's pieces in order, in naive local time, the first one from midnight on."""
        return tuple(self._day(day))

    def _here(self, local: datetime) -> tuple[DayPiece, Iterator[DayPiece]]:
        """Find the piece that holds at `local`, and those that follow it."""
        pieces = self._pieces(local.date())
        here, following = next(pieces), next(pieces)
        # in UTC: within one zone Python compares wall times, wrong in the nights the clock changes
        while local_moment(following.start, self.zone) <= local.astimezone(UTC):
            here, following = following, next(pieces)
        return here, chain((following,), pieces)

    def _changes(
        self, here: DayPiece, ahead: Iterator[DayPiece]
    ) -> tuple[datetime | None, datetime | None]:
        """Return the naive local times of the next change and of the next flip."""
        change = None
        for piece in self._lasting(ahead):
            if change is None and piece.answer != here.answer:
                change = piece.start
                # nothing will ever open: searching the rest of the horizon would find no flip
                if not here.open and not self._ever_opens:
                    return change, None
            if piece.open != here.open:
                return change, piece.start
        return change, None

    def _lasting(self, pieces: Iterator[DayPiece]) -> Iterator[DayPiece]:
        """Yield the pieces that last; one that lies in a skipped hour begins when it ends."""
        # the last piece has none after it, and holds
        for piece, following in pairwise(chain(pieces, (None,))):
            ends = following and local_moment(following.start, self.zone)
            if piece is not None and local_moment(piece.start, self.zone) != ends:
                yield piece

    @property
    def _ever_opens(self) -> bool:
        periods = (each.week for each in (*self.periods, *self.entered))
        weeks = (self.weekly, *periods, *(each.week for each in self.weeks if each.week))
        return bool(self.openings) or any(week.ever_opens for week in weeks)

    def _pieces(self, first: date) -> Iterator[DayPiece]:
        """Yield the pieces of `first` and of the days after, up to the horizon."""
        day, last = first, first + ONE_DAY * (HORIZON_DAYS - 1)
        while day <= last:
            yield from self._day(day)
            following = day + ONE_DAY
            # days open from end to end bring no change: skip to the next day that may bring one
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
        # `day` itself has nothing special, so only something that begins can change that
        return min((each for each in begins if each > day), default=date.max)

    def _day(self, day: date) -> Iterator[DayPiece]:
        """Yield a day's pieces, the first one from midnight on; empty ones may be among them."""
        rule = self._rule(day)
        midnight = datetime.combine(day, time())
        closures = () if rule.is_whole else self._closures_on(midnight)
        for edge in edges_of_day(midnight, rule.bands, closures):
            yield piece_at(edge, rule, closures)

    def _rule(self, day: date) -> DayRule:
        opening, holiday = self._openings.get(day), self._holidays.get(day)
        # the newest entry decides; one of several days leaves the holidays among them alone (E14)
        for entered in reversed(self.entered):
            if entered.covers(day) and (entered.is_one_day or not holiday):
                return period_rule(entered, day)
        if opening:
            codes = (Why.OPENING, Why.CLOSED_HOURS)
            return DayRule(opening.bands, *codes, opening.reason, is_whole=True)
        if holiday:
            # a holiday has no band, so HOURS is never the answer
            return DayRule((), Why.HOURS, Why.HOLIDAY, holiday.name, holiday.greeting)
        # of overlapping periods the last decides: a short one is laid over a long one
        for period in reversed(self.periods):
            if period.covers(day):
                bands = period.week.bands_on(day)
                codes = (Why.PERIOD, Why.CLOSED_PERIOD)
                return DayRule(bands, *codes, period.name, period.greeting, period.notice)
        return DayRule(self.week_on(day).bands_on(day), Why.HOURS, Why.CLOSED_HOURS)

    def _closures_on(self, midnight: datetime) -> tuple[Closure, ...]:
        if not self.closures:
            return ()
        end = midnight + ONE_DAY
        return tuple(c for c in self.closures if c.start < end and c.end > midnight)


def hours_of_office(calendar: Schedule, week: Week, periods: tuple[Period, ...] = ()) -> Schedule:
    """Return an office's hours: its week and periods with the site's holidays and closures."""
    # an office keeps none of the switchboard's own openings, entered periods and weeks
    closures = (*calendar.closures, *calendar.shut)
    none: dict[str, Any] = dict.fromkeys(("openings", "entered", "weeks", "shut"), ())
    return replace(calendar, weekly=week, closures=closures, periods=periods, **none)


def hours_elsewhere(calendar: Schedule, week: Week, periods: tuple[Period, ...] = ()) -> Schedule:
    """Return the hours of another branch's group: its declared bands and variations alone (B9)."""
    # another branch stands in another town, with another patron saint: nothing of ours closes it
    return hours_of_office(replace(calendar, holidays=(), closures=(), shut=()), week, periods)


def day_phrase_words(word: Words, day: date, **options: bool) -> Words:
    """Return a day behind its preposition, in each language; see `day_phrase`."""
    return by_language(lambda language: day_phrase(word.text(language), day, language, **options))


def moment_phrase_words(word: Words, at: datetime, **options: bool) -> Words:
    """Return a moment behind its preposition, in each language; see `moment_phrase`."""
    return by_language(lambda language: moment_phrase(word.text(language), at, language, **options))
