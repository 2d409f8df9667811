"""Contents of the wall: call control's status, the day's figures, what is late, who may see it.

One reading serves every screen.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.api.commands import ListDueRequests, ShowCalendar
from appliance.api.replies import DueRequests, FullStatus, GroupYear
from appliance.calls.model import LineState
from appliance.calls.status import GroupStatus
from appliance.console.control_client import (
    ControlClient,
    ControlUnreachable,
    StatusSnapshot,
    StoreReader,
    unit_names,
)
from appliance.console.live import Banner, switchboard_summary
from appliance.errors import OfficeError, StoreError
from appliance.policy.hours import Band
from appliance.policy.office import PositionState
from appliance.policy.routing import GroupState
from appliance.policy.wall import (
    DayFigures,
    EndingVariation,
    OpenHours,
    ScreenLink,
    WaitingNow,
    ending_variations,
    next_edge,
    screen_hash,
    waiting_now,
)
from appliance.store import directory, wall
from appliance.store.wall import DayReader
from appliance.text import Words, sentence

# Seconds for which the day's figures, and the hours and late requests, are used again.
FIGURES_S: Final = 2.0
HOUSE_S: Final = 10.0
# Seconds within which a screen whose link was ended shows nothing any more.
LINK_FRESH_S: Final = 1.0
# Screens of one link at once; its address went round if there are more.
MOST_OF_A_LINK: Final = 10
# Requests shown one by one, and rows that the card has room for.
MOST_LATE: Final = 4
MOST_ROWS: Final = 5
MINUTES: Final = 60
# The switchboard and, where there is one, the citizens' counter.
GROUPS: Final = 2
_UNITS_OF: Final = (
    "SELECT number, unit FROM requests WHERE number IN (SELECT value FROM json_each(?))"
)


@dataclass(frozen=True, slots=True)
class LateRequest:
    """Request that is late, or due today; `office` is the name of its office."""

    number: int
    office: str
    due: date
    is_late: bool


@dataclass(frozen=True, slots=True)
class House:
    """Today's opening hours, what is late or due, names of offices, as asked last.

    `counter_hours` are those of the citizens' counter; `more` requests are late or due, too.
    """

    open_hours: OpenHours = ()
    counter_hours: OpenHours = ()
    requests: tuple[LateRequest, ...] = ()
    late: int = 0
    more: int = 0
    variations: tuple[EndingVariation, ...] = ()
    offices: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PositionCounts:
    """Positions by state, without whose they are (E21)."""

    present: int
    away: int
    unreachable: int


@dataclass(frozen=True, slots=True)
class NowView:
    """State of this moment: who waits, returns, positions, counter, lines, messages."""

    at: datetime
    is_open: bool
    changes_at: datetime | None
    banners: tuple[Banner, ...]
    waiting: WaitingNow
    returns: int
    returns_waiting: int
    positions: PositionCounts
    counter: GroupState | None
    lines: int
    lines_free: int
    messages: int
    messages_late: int
    doubt: bool


def now_view(status: FullStatus, at: datetime) -> NowView:
    """Make the view from call control's status at a moment."""
    seen = switchboard_summary(status)
    back = [call.transfer for call in status.calls if call.transfer and call.transfer.returned]
    lines = [line for line in status.lines if line.declared]
    return NowView(
        at,
        seen.is_open,
        seen.changes_at,
        seen.banners,
        waiting_now((call.since for call in seen.ringing), at),
        len(back),
        sum(one.waiting for one in back),
        position_counts(status),
        status.citizens_desk.state if status.citizens_desk else None,
        len(lines),
        sum(line.state is LineState.IDLE for line in lines),
        seen.messages,
        status.care.unheard + status.care.unclosed,
        not status.clock_state.is_trusted,
    )


def position_counts(status: FullStatus) -> PositionCounts:
    """Count the switchboard's positions by state."""
    of = phones_of(status.switchboard)
    states = Counter(one.state for one in status.positions if one.phone in of)
    there = states[PositionState.FREE] + states[PositionState.BUSY]
    return PositionCounts(there, states[PositionState.AWAY], states[PositionState.UNREACHABLE])


def phones_of(group: GroupStatus) -> frozenset[str]:
    """Return all phones of a group."""
    return frozenset((*group.free, *group.engaged, *group.unreachable, *group.away))


COUNTER_WORDS: Final[dict[GroupState, tuple[str, Words]]] = {
    GroupState.FREE: ("free", sentence("open")),
    GroupState.BUSY: ("busy", sentence("all engaged")),
    GroupState.UNATTENDED: ("bad", sentence("unattended")),
    GroupState.CLOSED: ("unk", sentence("closed")),
    GroupState.UNREACHABLE: ("bad", sentence("cannot be reached")),
}
"""Mark and words of the counter's state."""


def open_hours_of(group: GroupYear, day: date) -> OpenHours:
    """Return a group's opening hours on a day, in hours since midnight."""
    special = next((each.bands for each in group.special if each.day == day), None)
    weeks = [week for week in group.weeks if week.since <= day]
    bands = special if special is not None else weeks[-1].days[day.weekday()] if weeks else ()
    return tuple(map(_hours, map(Band.parse, bands)))


def _hours(band: Band) -> tuple[float, float]:
    # An end of 00:00 stands for 24:00.
    ends = band.end.hour + band.end.minute / MINUTES
    return band.start.hour + band.start.minute / MINUTES, ends or 24.0


@dataclass(frozen=True, slots=True)
class WallView:
    """All that the wall shows; `day` and `now` are None before they are known.

    `is_fresh`: everything in it is as of now.
    """

    at: datetime
    now: NowView | None
    day: DayFigures | None
    house: House
    chart: Chart | None
    is_fresh: bool

    @property
    def variations(self) -> tuple[EndingVariation, ...]:
        """Return the variations that the card still has room for, below what is late."""
        taken = len(self.house.requests) + bool(self.now and self.now.messages_late)
        return self.house.variations[: MOST_ROWS - taken]

    @property
    def more(self) -> int:
        """Return how many are late or due today and not shown."""
        return self.house.more + len(self.house.variations) - len(self.variations)

    @property
    def counter_changes(self) -> str:
        """Return when the counter's hours change next today, "" for not any more."""
        edge = next_edge(self.house.counter_hours, self.at)
        return "" if edge is None else f"{int(edge):02}:{round(edge % 1 * MINUTES):02}"


class WallSource:
    """Reads the wall's contents for all screens, each part as seldom as it may."""

    def __init__(self, store: StoreReader, control: ControlClient, zone: ZoneInfo) -> None:
        self._store, self._control, self._zone = store, control, zone
        self._reader = DayReader(zone)
        self._turn = asyncio.Lock()
        self._house, self._house_at = House(), -HOUSE_S
        self._day: DayFigures | None = None
        self._day_at, self._has_failed = -FIGURES_S, False

    async def view(self, seen: StatusSnapshot) -> WallView:
        """Return the view of a state of call control and of the records as they are now."""
        at = datetime.now(UTC).astimezone(self._zone)
        # One at a time: the reader is used by one thread, and each screen gets what one has read.
        async with self._turn:
            await self._read(at)
        now = now_view(seen.status, at) if seen.status else None
        chart = chart_of(self._day) if self._day else None
        is_fresh = not (seen.away or self._has_failed) and now is not None
        return WallView(at, now, self._day, self._house, chart, is_fresh)

    async def _read(self, at: datetime) -> None:
        if time.monotonic() - self._house_at >= HOUSE_S:
            await self._read_house(at)
            self._house_at = time.monotonic()
        if time.monotonic() - self._day_at < FIGURES_S:
            return
        hours = self._house.open_hours
        try:
            self._day = await self._store.read(lambda c: self._reader.read(c, at, hours))
            self._has_failed = False
        except StoreError:
            # The figures before stay, and the screen says how old they are.
            self._has_failed = True
        self._day_at = time.monotonic()

    async def _read_house(self, at: datetime) -> None:
        """Ask for hours and due days; what was known stays where there is no answer."""
        house = self._house
        try:
            year = await self._control.send(ShowCalendar())
            due = await self._control.send(ListDueRequests())
            groups = [open_hours_of(group, at.date()) for group in year.groups[:GROUPS]]
            hours = [*groups, *[()] * (GROUPS - len(groups))]
            self._house = await self._store.read(lambda c: _house(c, hours, due, at))
        except (ControlUnreachable, OfficeError, StoreError):
            self._house = house


def _house(
    connection: sqlite3.Connection, hours: list[OpenHours], due: DueRequests, at: datetime
) -> House:
    late = frozenset(due.late)
    wanted = [number for number, day in due.due.items() if number in late or day == at.date()]
    wanted.sort(key=lambda number: (due.due[number], number))
    shown = wanted[:MOST_LATE]
    offices = unit_names(connection)
    rows = connection.execute(_UNITS_OF, (json.dumps(shown),))
    units = {int(row[0]): str(row[1]) for row in rows}
    found = tuple(
        LateRequest(
            number,
            offices.get(units.get(number, ""), units.get(number, "")),
            due.due[number],
            number in late,
        )
        for number in shown
    )
    varied = ending_variations(directory.load_masked(connection).variations, at)
    return House(hours[0], hours[1], found, len(late), len(wanted) - len(shown), varied, offices)


# The drawing, in units of its own; every figure in it is in its description, too.

CHART_LEFT: Final = 52
CHART_RIGHT: Final = 1090
CHART_TOP: Final = 32
CHART_ZERO: Final = 450
BAR_SHARE: Final = 0.7
"""Part of an hour's width that its bar has."""
MOST_SPANS: Final = 14
"""Hours above which each is named by its beginning alone, and none has words beside its bar."""


Coordinate = Callable[[float], float]
"""Turns an hour, or a number of calls, into a place of the drawing."""


@dataclass(frozen=True, slots=True)
class ChartBar:
    """Rectangle of the chart; `kind` is "served", "other" or "lost"."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ChartHour:
    """Hour of the chart: its middle, its label, the top of its bar, its calls."""

    middle: float
    label: str
    top: float
    calls: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Drawing of a day's hours: lines of the axis (y, value), bars, closed hours, usual calls.

    `has_room`: for words beside a bar.
    """

    lines: tuple[tuple[float, int], ...]
    has_room: bool
    pieces: tuple[ChartBar, ...]
    hours: tuple[ChartHour, ...]
    closed: tuple[tuple[float, float], ...]
    usual: str


def chart_of(day: DayFigures) -> Chart:
    """Draw a day."""
    first, count = day.bars[0].hour, len(day.bars)
    width = (CHART_RIGHT - CHART_LEFT) / count

    def x(hour: float) -> float:
        return round(CHART_LEFT + (hour - first) * width, 1)

    def y(value: float) -> float:
        return round(CHART_ZERO - value / day.axis.top * (CHART_ZERO - CHART_TOP), 1)

    pieces: list[ChartBar] = []
    for bar in day.bars:
        at = 0
        for kind, value in (
            ("served", bar.figures.served),
            ("other", bar.others),
            ("lost", bar.figures.lost),
        ):
            if value:
                top = y(at + value)
                left, wide = x(bar.hour + (1 - BAR_SHARE) / 2), round(width * BAR_SHARE, 1)
                pieces.append(ChartBar(kind, left, top, wide, round(y(at) - top, 1)))
            at += value
    return Chart(
        tuple((y(value), value) for value in range(0, day.axis.top + 1, day.axis.step)),
        count <= MOST_SPANS,
        tuple(pieces),
        tuple(
            ChartHour(
                x(bar.hour + 0.5),
                f"{bar.hour}" if count > MOST_SPANS else f"{bar.hour}–{bar.hour + 1}",
                y(bar.figures.calls),
                bar.figures.calls,
                bar.is_running,
            )
            for bar in day.bars
        ),
        tuple((x(begins), round(x(ends) - x(begins), 1)) for begins, ends in day.closed),
        _steps(day, x, y),
    )


def _steps(day: DayFigures, x: Coordinate, y: Coordinate) -> str:
    """Draw the usual calls as steps, broken where none are usual."""
    drawn, is_begun = [], False
    for bar in day.bars:
        if bar.usual:
            begins = "V" if is_begun else f"M{x(bar.hour)} "
            drawn.append(f"{begins}{y(bar.usual)}H{x(bar.hour + 1)}")
        is_begun = bool(bar.usual)
    return "".join(drawn)


class Screens:
    """Links of screens, as the records have them, and how many screens each shows now."""

    def __init__(self, store: StoreReader) -> None:
        self._store = store
        self._known: dict[str, tuple[float, ScreenLink]] = {}
        self.shown: Counter[int] = Counter()

    async def find(self, secret: str) -> ScreenLink | None:
        """Return the link of a secret, ended ones included; raises StoreError."""
        digest = screen_hash(secret)
        at, known = self._known.get(digest, (-LINK_FRESH_S, None))
        if known is not None and time.monotonic() - at < LINK_FRESH_S:
            return known
        try:
            found = await self._store.read(lambda c: wall.find_link(c, secret))
        except StoreError:
            # While the records cannot be read no screen goes dark: its figures stand still.
            if known is None:
                raise
            found = known
        # Only links that there are are kept: guesses fill no memory.
        if found is not None:
            self._known[digest] = (time.monotonic(), found)
        return found

    def forget(self) -> None:
        """Read every link anew: one has just been made or ended."""
        self._known.clear()

    @contextmanager
    def showing(self, number: int) -> Iterator[None]:
        """Count a screen of a link inside the context."""
        self.shown[number] += 1
        try:
            yield
        finally:
            self.shown[number] -= 1
