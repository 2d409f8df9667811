"""The wall: figures of the front desk's day for its head and for a screen on the wall.

The sums are those of the report (policy/reports.py), so that both agree. No figure is a person's
(E21).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from appliance.policy.directory import Variation
from appliance.policy.hours import Bands
from appliance.policy.reports import CallFigures, CallRow, call_figures
from appliance.policy.text import Refused
from appliance.text import _

# A screen on the wall has nobody who logs in: its address holds the secret. It shows the wall and
# nothing else, until the head ends it.

# Path of the console's page; the secret follows it.
SCREEN_PATH: Final = "/screen/"
# 256 random bits, which nobody guesses
SCREEN_SECRET_BYTES: Final = 32
LONGEST_SCREEN_NAME: Final = 64
# an office has a few screens; more links are forgotten ones
MOST_SCREENS: Final = 20
_SECRET: Final = re.compile(re.escape(SCREEN_PATH) + r"[\w-]+")


@dataclass(frozen=True, slots=True)
class ScreenLink:
    """Link of a screen: its name, who made and who ended it; `ended_at` None while it is open."""

    number: int
    name: str
    made_at: datetime
    made_by: str
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def is_open(self) -> bool:
        """True until it was ended."""
        return self.ended_at is None


def screen_hash(secret: str) -> str:
    """Return the stored hash of a link's secret (SHA-256, hexadecimal)."""
    # no salt: nobody has a table of 256 random bits
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def without_screen_secrets(text: str) -> str:
    """Return a text without the secrets of screens' links, for a log."""
    return _SECRET.sub(f"{SCREEN_PATH}…", text)


def check_new_screen(name: str, links: Iterable[ScreenLink]) -> None:
    """Check the name of a new link; raises Refused."""
    names = [link.name.casefold() for link in links if link.is_open]
    if not 0 < len(name) <= LONGEST_SCREEN_NAME or not name.isprintable():
        raise Refused(
            _(
                "the screen has a name of 1 to {most} characters: say where it hangs",
                most=LONGEST_SCREEN_NAME,
            )
        )
    # the head ends a link by its name
    if name.casefold() in names:
        raise Refused(_("there is a screen {name} already: end its link first", name=name))
    if len(names) >= MOST_SCREENS:
        raise Refused(_("there are {most} screens already: end a link first", most=MOST_SCREENS))


# The day so far beside what is usual on such a day.

# weeks of which the usual figures are
USUAL_WEEKS: Final = 4
USUAL_DAYS: Final = 7 * USUAL_WEEKS
# offices listed by returns
MOST_UNITS: Final = 5
# hours shown on a day without opening hours
USUAL_HOURS: Final = (8, 18)
DAY_HOURS: Final = 24
# steps of the axis from zero to the top, at most
MOST_STEPS: Final = 5

OpenHours = tuple[tuple[float, float], ...]
"""Opening hours of a day, from and to in hours since midnight."""


@dataclass(frozen=True, slots=True)
class Returns:
    """Transfers to a unit, and how many of them came back."""

    asked: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class EarlierDays:
    """The four weeks before a day: its weekday's mean calls by hour, and each unit's returns.

    `usual` is empty where the weekday had no call: then nothing is known to be usual.
    """

    usual: Mapping[int, float] = field(default_factory=dict)
    returns: Mapping[str, Returns] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HourBar:
    """Calls of one hour; `usual` is the weekday's mean, None where it is not known."""

    hour: int
    figures: CallFigures
    usual: float | None
    is_running: bool

    @property
    def others(self) -> int:
        """Calls neither served nor lost: voicemail, fax, other telephones."""
        return self.figures.calls - self.figures.served - self.figures.lost


@dataclass(frozen=True, slots=True)
class Axis:
    """Axis from zero: its top and the distance of its lines."""

    top: int
    step: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The day so far: sums, bars by hour, closed hours within them, the units that return most."""

    total: CallFigures
    bars: tuple[HourBar, ...]
    closed: OpenHours
    axis: Axis
    units: tuple[tuple[str, Returns], ...]


@dataclass(frozen=True, slots=True)
class WaitingNow:
    """Callers who wait for an operator: how many, the longest wait (s; None for nobody)."""

    callers: int
    longest_s: float | None


def waiting_now(since: Iterable[datetime], now: datetime) -> WaitingNow:
    """Count the callers who have waited since these moments."""
    # negative: the clock was set back meanwhile
    waits = [max(0.0, (now - each).total_seconds()) for each in since]
    return WaitingNow(len(waits), max(waits, default=None))


def returns_of(calls: Iterable[CallRow]) -> dict[str, Returns]:
    """Count transfers and returns by unit, as the report does."""
    sent = [each for call in calls for each in call.sent]
    asked = Counter(each.unit for each in sent)
    returned = Counter(each.unit for each in sent if each.returned)
    return {unit: Returns(count, returned[unit]) for unit, count in asked.items()}


def earlier_days(calls: Iterable[CallRow], today: date) -> EarlierDays:
    """Sum up the calls of the USUAL_DAYS before a day."""
    calls = tuple(calls)
    same = [call.at for call in calls if call.at.weekday() == today.weekday()]
    # a day without any call was closed, or before the appliance was there
    days = len({at.date() for at in same})
    by_hour = Counter(at.hour for at in same)
    usual = {hour: by_hour[hour] / days for hour in range(DAY_HOURS)} if days else {}
    return EarlierDays(usual, returns_of(calls))


def day_figures(
    calls: Iterable[CallRow], earlier: EarlierDays, open_hours: OpenHours, now: datetime
) -> DayFigures:
    """Sum up the day of `now` (local)."""
    calls = tuple(calls)
    by_hour: dict[int, list[CallRow]] = {}
    for call in calls:
        by_hour.setdefault(call.at.hour, []).append(call)
    first, last = _shown_hours(by_hour, open_hours)
    bars = tuple(
        HourBar(
            hour,
            call_figures(by_hour.get(hour, ())),
            earlier.usual.get(hour),
            hour == now.hour,
        )
        for hour in range(first, last)
    )
    most = max((*(bar.figures.calls for bar in bars), *(bar.usual or 0 for bar in bars)))
    return DayFigures(
        call_figures(calls),
        bars,
        tuple(_closed(open_hours, first, last)),
        axis_for(most),
        _most_returned(earlier.returns, returns_of(calls)),
    )


def _shown_hours(by_hour: Iterable[int], open_hours: OpenHours) -> tuple[int, int]:
    """Return the first hour shown and the one after the last: of opening hours and calls."""
    firsts = [*by_hour, *(int(begins) for begins, _end in open_hours)]
    lasts = [*(hour + 1 for hour in by_hour), *(-int(-ends // 1) for _begin, ends in open_hours)]
    if not open_hours:
        firsts, lasts = [*firsts, USUAL_HOURS[0]], [*lasts, USUAL_HOURS[1]]
    return min(firsts), max(lasts)


def _closed(open_hours: OpenHours, first: int, last: int) -> Iterator[tuple[float, float]]:
    at = float(first)
    for begins, ends in sorted(open_hours):
        if begins > at:
            yield at, begins
        at = max(at, ends)
    if at < last:
        yield at, float(last)


def axis_for(most: float) -> Axis:
    """Return an axis of round numbers from zero for values up to `most`."""
    step = 1
    while step * MOST_STEPS < most:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return Axis(step * max(1, -int(-most // step)), step)


def _most_returned(*parts: Mapping[str, Returns]) -> tuple[tuple[str, Returns], ...]:
    """Return the units with returns, those with most first."""
    units = {unit for part in parts for unit in part}
    found = {
        unit: Returns(
            sum(part.get(unit, Returns()).asked for part in parts),
            sum(part.get(unit, Returns()).returned for part in parts),
        )
        for unit in units
    }
    ranked = sorted(found.items(), key=lambda item: (-item[1].returned, item[0]))
    return tuple(item for item in ranked if item[1].returned)[:MOST_UNITS]


def next_edge(open_hours: OpenHours, now: datetime) -> float | None:
    """Return when the hours next open or close on the day of `now`, None if not any more."""
    at = now.hour + now.minute / 60 + now.second / 3600
    edges = (edge for band in open_hours for edge in band)
    return min((edge for edge in edges if edge > at), default=None)


@dataclass(frozen=True, slots=True)
class EndingVariation:
    """A unit's variation on its last day; `ends` is its last band's end, None for the whole day."""

    unit: str
    ends: time | None


def ending_variations(
    variations: Iterable[Variation], now: datetime
) -> tuple[EndingVariation, ...]:
    """Return the variations that end on the day of `now` and are not over, the next one first."""
    day = now.date()
    deciding: dict[tuple[str, tuple[str, ...]], Variation] = {}
    for each in variations:
        if not each.first <= day <= each.last:
            continue
        # Of two variations of a day the last one decides; one of all needs replaces those of some.
        replaced = [key for key in deciding if key[0] == each.unit and not each.needs]
        for key in replaced:
            del deciding[key]
        deciding[each.unit, each.needs] = each
    ending = [
        EndingVariation(each.unit, _last_end(each.week.bands_on(day)))
        for each in deciding.values()
        # without a week it restores the declared bands: nothing varies any more
        if each.week is not None and each.last == day
    ]
    open_ones = {each for each in ending if each.ends is None or each.ends > now.time()}
    return tuple(sorted(open_ones, key=lambda one: (one.ends or time.max, one.unit)))


def _last_end(bands: Bands) -> time | None:
    last = max(bands, key=lambda band: band.start, default=None)
    # an end of 00:00 is the end of the day
    return None if last is None or last.end == time() else last.end


def usual_span(today: date) -> tuple[date, date]:
    """Return the first and the last day of the four weeks before a day."""
    return today - timedelta(days=USUAL_DAYS), today - timedelta(days=1)
