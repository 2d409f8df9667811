"""What changes ordinary hours on given dates: holidays, closures, openings, periods (E14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from appliance.policy.local_time import day_phrase, moment_phrase
from appliance.policy.refused import Refused
from appliance.policy.week import ONE_DAY, Bands, Week, check_bands
from appliance.policy.words import NOTHING, Words


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday or the town's patron; made elsewhere, policy only reads them."""

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
                "una chiusura: scrivere ore locali, senza fuso orario",
                "a closure: write local times, without a time zone",
            )
        if self.end <= self.start:
            raise Refused(
                f"la chiusura {moment_phrase('del', self.start, 'it')} finisce prima di cominciare",
                f"the closure {moment_phrase('of', self.start, 'en')} ends before it starts",
            )

    @classmethod
    def whole_days(
        cls, first: date, last: date, reason: Words = NOTHING, greeting: str = ""
    ) -> Closure:
        """Close from the first moment of `first` to the last of `last`."""
        end = datetime.combine(last, time()) + ONE_DAY
        return cls(datetime.combine(first, time()), end, reason, greeting)


@dataclass(frozen=True, slots=True)
class Opening:
    """A special opening: `bands` are the whole hours of `day`, whatever else would hold.

    Raises ConfigurationError when it has no band or they overlap.
    """

    day: date
    bands: Bands
    reason: Words = NOTHING

    def __post_init__(self) -> None:
        if not self.bands:
            raise Refused(
                f"l'apertura {day_phrase('del', self.day, 'it')} non ha orario",
                f"the opening {day_phrase('of', self.day, 'en')} has no hours",
            )
        check_bands(self.bands, f"the opening {day_phrase('of', self.day, 'en')}")


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
                f"il periodo {day_phrase('del', self.first, 'it')} finisce prima di cominciare",
                f"the period {day_phrase('of', self.first, 'en')} ends before it starts",
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
    """Ordinary hours from `since` on, until the next; `week` None brings the file's back.

    `number` is that of the entry which says so.
    """

    since: date
    week: Week | None
    number: int = 0
