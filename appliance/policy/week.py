"""Weekly opening bands: the ordinary hours of an office. Lunch is a gap like any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from appliance.errors import ConfigurationError
from appliance.policy.refused import Refused

MIDNIGHT = time(0, 0)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """An open stretch of one day, in local wall-clock time; an `end` of 00:00 is 24:00.

    Raises ConfigurationError when it ends before it starts or knows a time zone.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        if self.start.tzinfo or self.end.tzinfo:
            raise Refused(
                f"fascia {self}: scrivere ore locali, senza fuso orario",
                f"band {self}: write local times, without a time zone",
            )
        if self.end != MIDNIGHT and self.end <= self.start:
            raise Refused(
                f"fascia {self}: la fine viene dopo l'inizio",
                f"band {self}: the end must come after the start",
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
                f"«{text}» non è una fascia: si scrive 8:30-13:00",
                f"band {text!r}: write it as 08:30-13:00",
            )
        return cls(_clock(start, text), _clock(end, text, last=True))

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Return its naive local start and end on `day`."""
        ends_on = day + ONE_DAY if self.end == MIDNIGHT else day
        return datetime.combine(day, self.start), datetime.combine(ends_on, self.end)


def _clock(text: str, whole: str, *, last: bool = False) -> time:
    hours, _, minutes = text.strip().partition(":")
    try:
        if last and (int(hours), int(minutes or 0)) == (24, 0):
            return MIDNIGHT
        return time(int(hours), int(minutes or 0))
    except ValueError:
        raise Refused(
            f"«{whole}»: «{text.strip()}» non è un'ora; si scrive 8:30-13:00",
            f"band {whole!r}: {text.strip()!r} is no time of day; write it as 08:30-13:00",
        ) from None


Bands = tuple[Band, ...]
"""The bands of one day, in order, none touching another's inside."""


def check_bands(bands: Bands, where: str) -> None:
    """Raise ConfigurationError when bands of one day overlap or are out of order."""
    for before, after in pairwise(bands):
        if before.end == MIDNIGHT or after.start < before.end:
            raise Refused(
                f"la fascia {after} comincia prima che finisca {before}",
                f"{where}: {after} begins before {before} has ended",
            )


def _is_whole_day(bands: Bands) -> bool:
    ends = [MIDNIGHT, *(band.end for band in bands)]
    starts = [*(band.start for band in bands), MIDNIGHT]
    return bool(bands) and ends == starts


@dataclass(frozen=True, slots=True)
class Week:
    """The bands of the seven days, Monday first; raises ConfigurationError for any other number."""

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


def week(**days: str) -> Week:
    """Build a Week from texts: week(monday="8:30-13:00 14:30-18", thursday="8:30-18").

    A day that is not named is closed. Raises ConfigurationError for an unknown day or band.
    """
    unknown = sorted(set(days) - set(WEEKDAYS))
    if unknown:
        raise Refused(
            f"{unknown[0]!r} non è un giorno della settimana: scrivere {', '.join(WEEKDAYS)}",
            f"{unknown[0]!r} is no weekday; known are {', '.join(WEEKDAYS)}",
        )
    texts = [days.get(name, "").split() for name in WEEKDAYS]
    return Week(tuple(tuple(Band.parse(text) for text in day) for day in texts))


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
