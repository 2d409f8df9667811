"""What is counted from a start on: calls as they end, busy lines, the carrier's faults.

Prometheus takes a counter that begins anew for a restart; all begin at 0, so that the first call of
a kind is seen as an increase. Used by the deciding thread alone; what it hands out is frozen.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.calls.incoming import UNSEEN_S
from appliance.calls.model import LineState
from appliance.calls.orders import Direction, Result

if TYPE_CHECKING:
    from datetime import datetime

    from appliance.calls.orders import CallRecord
    from appliance.calls.status import Status

BUSY: Final = frozenset(
    {LineState.RINGING, LineState.IN_USE, LineState.IN_USE_OUTSIDE, LineState.CLEARING}
)
"""A caller who dials the line now does not reach it (P8)."""
BOUNDS: Final = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)
"""Seconds until a person answered: what service levels are agreed in."""
KNOWN: Final = 500
"""Calls that were counted already, kept to count none twice."""
OUTCOMES: Final = tuple(
    (direction.value, result.value)
    for direction in Direction
    for result in Result
    if result is not Result.OPEN
)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many there were and their sum in s; `up_to` counts those within each of BOUNDS."""

    count: int = 0
    sum_s: float = 0.0
    up_to: tuple[int, ...] = (0,) * len(BOUNDS)

    def with_one(self, seconds: float) -> Spread:
        """Return the same with one more."""
        within = (seconds <= bound for bound in BOUNDS)
        up_to = tuple(n + more for n, more in zip(self.up_to, within, strict=True))
        return Spread(self.count + 1, self.sum_s + seconds, up_to)


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters at one moment: by (direction, result), by evidence, by line, by fault."""

    calls: Mapping[tuple[str, str], int]
    released: Mapping[str, int]
    answer: Spread
    talk: Spread
    release: Spread
    busy_s: Mapping[str, float]
    all_busy_s: float
    faults: Mapping[str, int]


class Counts:
    """Hears of calls, lines and faults; `tally` freezes the counters."""

    def __init__(self) -> None:
        self._calls = Counter(dict.fromkeys(OUTCOMES, 0))
        self._released: Counter[str] = Counter()
        self._answer = self._talk = self._release = Spread()
        self._busy_s: dict[str, float] = {}
        self._all_busy_s = 0.0
        self._faults: Counter[str] = Counter()
        self._ended: dict[str, tuple[float, CallRecord]] = {}
        self._known: deque[str] = deque(maxlen=KNOWN)
        self._looked: tuple[float, frozenset[str], bool] | None = None

    def call(self, record: CallRecord, now: float) -> None:
        """Hear a call's record (`now` in monotonic s); one that goes on is not counted."""
        if record.ended_at is not None and record.call not in self._known:
            first, _ = self._ended.get(record.call, (now, record))
            self._ended[record.call] = (first, record)

    def lines(self, status: Status, now: float) -> None:
        """Look which lines are busy; until the next look they are taken to be."""
        if self._looked is not None:
            before, busy, all_busy = self._looked
            for line in busy:
                self._busy_s[line] += now - before
            self._all_busy_s += (now - before) * all_busy
        names = {line.name for line in status.lines}
        busy = frozenset(line.name for line in status.lines if line.state in BUSY)
        for name in names:
            self._busy_s.setdefault(name, 0.0)
        self._looked = (now, busy, bool(names) and busy == names)

    def fault(self, found: Mapping[str, int]) -> None:
        """Add what went wrong in the carrier's last period, by name."""
        self._faults.update(found)

    def tally(self, now: float) -> Tally:
        """Return the counters.

        Whoever seems to have given up is counted late: a telephone beside the line may have taken
        the caller, which is seen some seconds after (`calls/incoming.py`).
        """
        for call, (ended, record) in list(self._ended.items()):
            if record.result is not Result.GAVE_UP or now - ended > UNSEEN_S:
                del self._ended[call]
                self._known.append(call)
                self._count(record)
        return Tally(
            dict(self._calls),
            dict(self._released),
            self._answer,
            self._talk,
            self._release,
            dict(self._busy_s),
            self._all_busy_s,
            dict(self._faults),
        )

    def _count(self, record: CallRecord) -> None:
        self._calls[record.direction.value, record.result.value] += 1
        if record.evidence is not None:
            self._released[record.evidence.value] += 1
        if record.release_ms is not None:
            self._release = self._release.with_one(record.release_ms / 1000)
        talked = record.result is Result.ANSWERED and record.answered_at is not None
        if talked and record.direction is Direction.IN:
            self._answer = _more(self._answer, record.rang_at, record.answered_at)
        if talked:
            self._talk = _more(self._talk, record.answered_at, record.ended_at)


def _more(spread: Spread, begin: datetime | None, end: datetime | None) -> Spread:
    """Add one stretch of time; a clock that was set back meanwhile tells nothing."""
    if begin is None or end is None or end < begin:
        return spread
    return spread.with_one((end - begin).total_seconds())
