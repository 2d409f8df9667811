"""Figures: the monthly report, peaks of the lines, and the capacity they call for (Erlang)."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from statistics import fmean
from typing import Final, TypeVar

from appliance.text import Words, _, decimal_words, unchanged


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """Work that waits for somebody, and space on the disk; moments in s since 1970.

    `requests` are those of each state, `oldest_*` is None where nothing waits; lengths in ms of
    sound, the disk in bytes.
    """

    open_messages: int = 0
    open_ms: int = 0
    unheard: int = 0
    oldest_unheard_at: float | None = None
    requests: tuple[tuple[str, int], ...] = ()
    mail_queued: int = 0
    mail_dead: int = 0
    oldest_mail_at: float | None = None
    disk_free: int = 0
    disk_size: int = 0


NOTHING_STORED = StoredCounts()


# A. K. Erlang's formulas (1917), for calls that come independently of each other. Traffic is in
# erlang: the calls of an hour times their mean length in hours. B holds where callers who find all
# lines engaged go away, C where they wait for a position. Checked against published tables and the
# simulated year.

# lines or positions: no site has more
MOST_SERVERS: Final = 500
PRECISION: Final = 1e-9


def engaged_share(traffic: float, lines: int) -> float:
    """Return the share of callers who find all of so many lines engaged (Erlang B)."""
    return next(islice(_engaged(traffic), lines, None))


def _engaged(traffic: float) -> Iterator[float]:
    """Yield Erlang B for 0, 1, 2 ... lines: B(n) = A B(n-1) / (n + A B(n-1))."""
    share, number = 1.0, 0
    while True:
        yield share
        number += 1
        share = traffic * share / (number + traffic * share)


def lines_for(traffic: float, most_engaged: float) -> int:
    """Return the fewest lines at which no more than a share of callers hear engaged."""
    shares = islice(_engaged(traffic), MOST_SERVERS + 1)
    return next((n for n, share in enumerate(shares) if share <= most_engaged), MOST_SERVERS)


def offered_traffic(carried: float, lines: int) -> float:
    """Return the offered traffic of which `lines` carried `carried` (erlang).

    With every line engaged nearly all the time it is the carried traffic.
    """
    # callers who heard the busy tone left no trace: near 100 % nobody can know how many there were
    if carried <= 0.0 or carried > lines * 0.99:
        return max(carried, 0.0)
    low, high = carried, carried
    # the carried traffic grows with the offered one, so halving finds it: double until above
    while high * (1 - engaged_share(high, lines)) < carried:
        high *= 2
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        if middle * (1 - engaged_share(middle, lines)) < carried:
            low = middle
        else:
            high = middle
    return high


def waiting_share(traffic: float, positions: int) -> float:
    """Return the share of callers who wait for one of so many positions (Erlang C)."""
    # with as much traffic as positions, or more, the queue grows without end: all wait
    if traffic >= positions:
        return 1.0
    # C = B / (1 - A/n (1 - B)), with A the traffic and n the positions
    share = engaged_share(traffic, positions)
    return share / (1 - traffic / positions * (1 - share))


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Service for callers: the share who wait at all, the share answered within the given time,
    the mean wait of all (s; infinite where the queue grows without end).
    """

    wait: float
    within: float
    mean_s: float


def service_level(traffic: float, positions: int, length_s: float, within_s: float) -> ServiceLevel:
    """Return how `positions` serve `traffic` (erlang) of calls of `length_s` on average."""
    spare = positions - traffic
    if spare <= 0:
        return ServiceLevel(1.0, 0.0, math.inf)
    wait = waiting_share(traffic, positions)
    return ServiceLevel(
        wait, 1 - wait * math.exp(-spare * within_s / length_s), wait * length_s / spare
    )


def positions_for(traffic: float, length_s: float, within_s: float, share: float) -> int:
    """Return the fewest positions that answer a share of callers within so many seconds."""
    for number in range(1, MOST_SERVERS):
        if service_level(traffic, number, length_s, within_s).within >= share:
            return number
    return MOST_SERVERS


@dataclass(frozen=True, slots=True)
class BusyHour:
    """A site's busiest hour of the day: which, and its traffic on average (erlang), of so many
    days; `length_s` is a call's mean length.
    """

    hour: int
    traffic: float
    days: int
    length_s: float


def busiest_hour(
    uses: list[tuple[int, int]], day_of: dict[int, tuple[str, int]]
) -> BusyHour | None:
    """Return the busiest hour of lines' uses (from, to; ms), None for no use.

    `day_of` names the day and the hour that each hour since 1970 is of, where the site stands; an
    hour that it does not name (the clock was wrong) counts for nothing.
    """
    engaged_ms: dict[tuple[str, int], int] = {}
    for began, ended in uses:
        # a use over full hours counts in each hour for its part
        edges = sorted({began, ended, *range(-(-began // HOUR_MS) * HOUR_MS, ended, HOUR_MS)})
        for start, end in pairwise(edges):
            place = day_of.get(start // HOUR_MS)
            if place is not None:
                engaged_ms[place] = engaged_ms.get(place, 0) + end - start
    # only days with traffic count: the mean is over days on which the lines were used
    days = len({day for day, _ in engaged_ms})
    if not days:
        return None
    # the mean over days: one day's peak is no busy hour
    by_hour: dict[int, int] = {}
    for (_unused, hour), busy_ms in engaged_ms.items():
        by_hour[hour] = by_hour.get(hour, 0) + busy_ms
    hour, most_ms = max(by_hour.items(), key=lambda item: item[1])
    length_ms = sum(end - start for start, end in uses) / len(uses)
    return BusyHour(hour, most_ms / days / HOUR_MS, days, length_ms / 1000)


HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class WantedService:
    """Targets: at most the share `engaged` of callers hears the busy tone, at least the share
    `within` is answered within `within_s`.
    """

    engaged: float = 0.01
    within: float = 0.8
    within_s: float = 20.0


@dataclass(frozen=True, slots=True)
class LinesRow:
    """Share of the callers (%) who hear engaged with so many lines."""

    lines: int
    engaged_percent: float


@dataclass(frozen=True, slots=True)
class PositionsRow:
    """What callers meet with so many positions; `mean_wait_s` is None for a wait without end."""

    positions: int
    wait_percent: float
    answered_percent: float
    mean_wait_s: float | None


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many lines and positions are enough, with those around that number."""

    lines_needed: int
    positions_needed: int
    lines: tuple[LinesRow, ...]
    positions: tuple[PositionsRow, ...]


def capacity_of(traffic: float, length_s: float, wanted: WantedService, lines: int = 0) -> Capacity:
    """Return the tables of `capacity_table` in figures."""
    enough = lines_for(traffic, wanted.engaged)
    persons = positions_for(traffic, length_s, wanted.within_s, wanted.within)
    served = [
        (number, service_level(traffic, number, length_s, wanted.within_s))
        for number in _positions_shown(traffic, persons)
    ]
    return Capacity(
        enough,
        persons,
        tuple(
            LinesRow(number, round(engaged_share(traffic, number) * 100, 2))
            for number in _lines_shown(enough, lines)
        ),
        tuple(
            PositionsRow(
                number,
                round(level.wait * 100, 1),
                round(level.within * 100, 1),
                None if math.isinf(level.mean_s) else round(level.mean_s, 1),
            )
            for number, level in served
        ),
    )


def _lines_shown(enough: int, lines: int) -> range:
    # the tables go to one more than is enough
    return range(1, max(enough, lines) + 2)


def _positions_shown(traffic: float, persons: int) -> range:
    # fewer positions than erlangs would let the queue grow without end
    return range(max(1, math.ceil(traffic)), persons + 2)


def capacity_table(
    traffic: float, length_s: float, wanted: WantedService, lines: int = 0
) -> Iterator[Words]:
    """Yield the two tables for a traffic (erlang) of calls of `length_s`, then what is enough.

    `lines` is how many the site has, 0 for not known: its row is marked.
    """
    enough = lines_for(traffic, wanted.engaged)
    persons = positions_for(traffic, length_s, wanted.within_s, wanted.within)
    yield _("lines   hear engaged")
    for number in _lines_shown(enough, lines):
        row = f"{number:5d} {engaged_share(traffic, number) * 100:13.2f} %"
        yield _("{row} today", row=row) if number == lines else unchanged(row)
    within = f"{wanted.within_s:.0f} s"
    yield _("positions    wait        answered within {within}  mean wait", within=within)
    for number in _positions_shown(traffic, persons):
        yield _row(number, traffic, length_s, wanted)
    yield _(
        "Lines: {enough} (at most {engaged} hear engaged). Positions: {persons} "
        "(at least {answered} answered within {within}).",
        enough=enough,
        engaged=_percent(wanted.engaged),
        persons=persons,
        answered=_percent(wanted.within),
        within=within,
    )


def _row(number: int, traffic: float, length_s: float, wanted: WantedService) -> Words:
    served = service_level(traffic, number, length_s, wanted.within_s)
    shares = f"{number:5d} {served.wait * 100:15.1f} % {served.within * 100:17.1f} %"
    if math.isinf(served.mean_s):
        return _("{shares}     without end", shares=shares)
    return _("{shares} {mean_s:11.1f} s", shares=shares, mean_s=served.mean_s)


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


# While every line is engaged a caller hears the busy tone and never reaches the appliance (P8):
# only the provider's divert-on-busy can catch that call. So we count how long all lines were
# engaged.

# Span in which a line was engaged: from, to (ms since 1970).
LineUse = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Peak:
    """The most `lines` engaged at once, first so at `at_ms` (None: never any), out of `of`;
    `all_ms` is for how long all of them were.
    """

    lines: int = 0
    of: int = 0
    at_ms: int | None = None
    all_ms: int = 0


def peak_of(uses: Iterable[LineUse], of: int, since_ms: int, until_ms: int) -> Peak:
    """Return the peak between two moments (ms since 1970)."""
    clipped = [(max(a, since_ms), min(b, until_ms)) for a, b in uses]
    # sorted, -1 comes before +1: a use that ends as another begins does not overlap it
    steps = sorted(step for a, b in clipped if a < b for step in ((a, 1), (b, -1)))
    engaged, most, at_ms, all_ms, before = 0, 0, None, 0, since_ms
    for moment, change in steps:
        if of and engaged >= of:
            all_ms += moment - before
        engaged, before = engaged + change, moment
        if engaged > most:
            most, at_ms = engaged, moment
    return Peak(most, of, at_ms, all_ms)


# Every call ends in exactly one way, so the endings add up to the calls. Figures are per number,
# unit and hour; per person only where an agreement says so (E21).

K = TypeVar("K", str, int)
# the answering time that service charters promise
WITHIN_S = 20.0
# in Italy a ring lasts 1 s and the pause 4 s: the fourth ring begins 15 s after the first
THIRD_RING_S = 15.0


class Ending(enum.StrEnum):
    """The one way in which a call ended, as P1 counts."""

    FILTER = "filter"  # answered by a person of the front desk, and not transferred
    INFORMED = "informed"  # a sheet read aloud answered it: the filter, too
    TRANSFERRED = "transferred"  # an office took it
    RETURNED = "returned"  # no office took it: back with an operator (P6)
    VOICEMAIL = "voicemail"
    LOST = "lost"  # gave up, was cut off, or left nothing
    OTHER = "other"  # a fax; or taken by a telephone beside the line, unseen by the appliance


FILTER_ENDINGS = (Ending.FILTER, Ending.INFORMED)
SERVED_ENDINGS = (*FILTER_ENDINGS, Ending.TRANSFERRED, Ending.RETURNED)


@dataclass(frozen=True, slots=True)
class TransferAttempt:
    """One transfer to a unit for a need: `returned` is why it came back, "" where it was taken."""

    unit: str
    returned: str = ""
    need: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call: when it rang (local, aware), the public number called, how it ended.

    `wait_s` is how long it rang until a person answered, None when nobody did. `overflow`: it went
    on to the citizens' counter (P8). `position` answered. `called_back`: a lost call whose caller
    was called back on the day of the call.
    """

    at: datetime
    called: str
    ending: Ending
    wait_s: float | None = None
    overflow: bool = False
    sent: tuple[TransferAttempt, ...] = ()
    position: str = ""
    called_back: bool = False


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request for a unit and a need: an appointment or an e-mail.

    `counted`: taken in the span of the report. `open` and `overdue` as of now, whenever taken.
    """

    unit: str
    appointment: bool
    counted: bool = True
    open: bool = False
    overdue: bool = False
    need: str = ""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Sums over calls; times in s, None where no person answered any.

    `called_back` are lost calls whose callers were called back the same day.
    """

    calls: int = 0
    endings: Mapping[Ending, int] = field(default_factory=dict)
    overflow: int = 0
    answered: int = 0
    within: int = 0
    third_ring: int = 0
    mean_wait_s: float | None = None
    longest_wait_s: float | None = None
    called_back: int = 0

    @property
    def lost(self) -> int:
        """Calls that were lost."""
        return self.endings.get(Ending.LOST, 0)

    @property
    def within_share(self) -> float | None:
        """Part of the answered calls that were answered within WITHIN_S; None without any."""
        return self.within / self.answered if self.answered else None

    @property
    def by_filter(self) -> int:
        """Calls answered by the filter without transfer: the headline (P1)."""
        return sum(self.endings.get(each, 0) for each in FILTER_ENDINGS)

    @property
    def served(self) -> int:
        """Calls in which somebody, or a sheet, answered."""
        return sum(self.endings.get(each, 0) for each in SERVED_ENDINGS)

    @property
    def filter_share(self) -> float | None:
        """Their part of the calls that were served, 0 to 1; None where none was."""
        # a lost call was not served, so it does not count against the filter (P1)
        return self.by_filter / self.served if self.served else None


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """Sums for a unit or one of its needs: transfers with their outcome, requests."""

    asked: int = 0
    accepted: int = 0
    returned: Mapping[str, int] = field(default_factory=dict)
    appointments: int = 0
    emails: int = 0
    open: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """All figures of a span; months as "2026-10", hours as 0 to 23, needs as "unit.need".

    Weekdays as 0 (Monday) to 6.
    """

    total: CallFigures
    numbers: Mapping[str, CallFigures]
    months: Mapping[str, CallFigures]
    hours: Mapping[int, CallFigures]
    units: Mapping[str, UnitFigures]
    every_unit: UnitFigures
    positions: Mapping[str, CallFigures] = field(default_factory=dict)
    needs: Mapping[str, UnitFigures] = field(default_factory=dict)
    weekdays: Mapping[int, CallFigures] = field(default_factory=dict)


def period_before(first: date, last: date) -> tuple[date, date]:
    """Return the period of the same length just before one, by which it is compared.

    Of whole months it is as many whole months, which differ in length.
    """
    end = first - timedelta(days=1)
    if first.day == 1 and (last + timedelta(days=1)).day == 1:
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        index = first.year * 12 + first.month - 1 - months
        return date(index // 12, index % 12 + 1, 1), end
    return end - (last - first), end


def hours_axis(*found: MonthlyReport) -> range:
    """Return the hours from the first to the last one with calls in any of the reports."""
    # with the hours without a call in between: left out, they would not show on an axis
    hours = [hour for each in found for hour in each.hours]
    return range(min(hours), max(hours) + 1) if hours else range(0)


def month_key(day: date) -> str:
    """Return the key of a day's month in a report."""
    return f"{day:%Y-%m}"


def months_axis(found: MonthlyReport) -> tuple[date, ...]:
    """Return the first days of the months from the first to the last one with calls."""
    # months without a call, too: without them a quiet office would look like a busy one
    if not found.months:
        return ()
    first, last = (_month_number(edge(found.months)) for edge in (min, max))
    return tuple(date(n // 12, n % 12 + 1, 1) for n in range(first, last + 1))


def _month_number(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:]) - 1


def seconds_shown(seconds: float | None, language: str) -> str:
    """Write a wait as everybody reads it, on the page, on paper and by command: one decimal."""
    if seconds is None:
        return "–"
    # 2.6 is neither 2 nor 3
    return f"{decimal_words(seconds, 1, language)} s"


def report_of(
    calls: Iterable[CallRow], requests: Iterable[RequestRow], *, per_person: bool = False
) -> MonthlyReport:
    """Sum up calls and requests; `per_person` only with the reference of an agreement (E21)."""
    calls, requests = tuple(calls), tuple(requests)
    answered = tuple(call for call in calls if call.position)
    named = {(sent.unit, sent.need) for call in calls for sent in call.sent}
    named |= {(each.unit, each.need) for each in requests}
    return MonthlyReport(
        call_figures(calls),
        _grouped(calls, lambda call: call.called),
        _grouped(calls, lambda call: month_key(call.at)),
        _grouped(calls, lambda call: call.at.hour),
        {unit: unit_figures(calls, requests, unit) for unit in sorted({u for u, _ in named})},
        unit_figures(calls, requests),
        # staff are not measured: by person only where an agreement says so (E21)
        _grouped(answered, lambda call: call.position) if per_person else {},
        {f"{u}.{n}": unit_figures(calls, requests, u, n) for u, n in sorted(named) if n},
        _grouped(calls, lambda call: call.at.weekday()),
    )


def call_figures(calls: Iterable[CallRow]) -> CallFigures:
    """Sum up some calls."""
    calls = tuple(calls)
    ended = Counter(call.ending for call in calls)
    waits = [call.wait_s for call in calls if call.wait_s is not None]
    return CallFigures(
        len(calls),
        {each: ended[each] for each in Ending},
        sum(call.overflow for call in calls),
        len(waits),
        # a charter's promise is kept at its very limit
        sum(wait <= WITHIN_S for wait in waits),
        sum(wait <= THIRD_RING_S for wait in waits),
        fmean(waits) if waits else None,
        max(waits, default=None),
        sum(call.called_back for call in calls),
    )


def unit_figures(
    calls: Iterable[CallRow], requests: Iterable[RequestRow], unit: str = "", need: str = ""
) -> UnitFigures:
    """Sum up what concerned a unit and one of its needs; "" stands for all of them."""

    def is_meant(each: TransferAttempt | RequestRow) -> bool:
        return unit in {"", each.unit} and need in {"", each.need}

    sent = [each for call in calls for each in call.sent if is_meant(each)]
    taken = [each for each in requests if is_meant(each)]
    reasons = sorted({each.returned for each in sent if each.returned})
    return UnitFigures(
        len(sent),
        sum(not each.returned for each in sent),
        {reason: sum(each.returned == reason for each in sent) for reason in reasons},
        sum(each.counted and each.appointment for each in taken),
        sum(each.counted and not each.appointment for each in taken),
        sum(each.open for each in taken),
        sum(each.overdue for each in taken),
    )


def _grouped(calls: tuple[CallRow, ...], key: Callable[[CallRow], K]) -> dict[K, CallFigures]:
    found: dict[K, list[CallRow]] = {}
    for call in calls:
        found.setdefault(key(call), []).append(call)
    return {each: call_figures(found[each]) for each in sorted(found)}
