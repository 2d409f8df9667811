"""Prometheus metrics: counters, the box's figures, and the HTTP server for scrapes."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from appliance.calls.incoming import UNSEEN_S
from appliance.calls.model import LineState
from appliance.calls.orders import Direction, Result
from appliance.http_server import HttpLimits, HttpRequest, HttpResponse, HttpServer, listen
from appliance.policy.text import os_error_words
from appliance.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from appliance.calls.orders import CallRecord
    from appliance.calls.status import Status
    from appliance.policy.reports import StoredCounts
    from appliance.text import Words


# Counters since the start: ended calls, busy lines, the media gateway's faults. Prometheus takes a
# counter that restarts at 0 for a restart of the process; all begin at 0, so that the first call of
# a kind is an increase. Used by the deciding thread only; its results are frozen.

# States in which a caller does not reach the line (P8).
BUSY_STATES: Final = frozenset(
    {LineState.RINGING, LineState.IN_USE, LineState.IN_USE_OUTSIDE, LineState.CLEARING}
)
# Service levels are agreed in these times.
# Histogram bounds: seconds until a person answered.
ANSWER_BOUNDS_S: Final = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0)
# A call's record may be written again after its end: it must not count twice.
CALLS_REMEMBERED: Final = 500
"""Number of counted calls that are remembered."""
CALL_OUTCOMES: Final = tuple(
    (direction.value, result.value)
    for direction in Direction
    for result in Result
    if result is not Result.OPEN
)


@dataclass(frozen=True, slots=True)
class Spread:
    """Histogram: count, sum (s), and counts up to each of ANSWER_BOUNDS_S."""

    count: int = 0
    sum_s: float = 0.0
    up_to: tuple[int, ...] = (0,) * len(ANSWER_BOUNDS_S)

    def with_one(self, seconds: float) -> Spread:
        """Return the histogram with one more value."""
        within = (seconds <= bound for bound in ANSWER_BOUNDS_S)
        up_to = tuple(n + more for n, more in zip(self.up_to, within, strict=True))
        return Spread(self.count + 1, self.sum_s + seconds, up_to)


@dataclass(frozen=True, slots=True)
class CounterTally:
    """The counters at one moment: by (direction, result), by evidence, by line, by fault."""

    calls: Mapping[tuple[str, str], int]
    released: Mapping[str, int]
    answer: Spread
    talk: Spread
    release: Spread
    busy_s: Mapping[str, float]
    all_busy_s: float
    faults: Mapping[str, int]


class MetricCounters:
    """Counts calls, busy lines and faults; `tally` returns the counters frozen."""

    def __init__(self) -> None:
        self._calls = Counter(dict.fromkeys(CALL_OUTCOMES, 0))
        self._released: Counter[str] = Counter()
        self._answer = self._talk = self._release = Spread()
        self._busy_s: dict[str, float] = {}
        self._all_busy_s = 0.0
        self._faults: Counter[str] = Counter()
        self._ended: dict[str, tuple[float, CallRecord]] = {}
        self._known: deque[str] = deque(maxlen=CALLS_REMEMBERED)
        self._looked: tuple[float, frozenset[str], bool] | None = None

    def call(self, record: CallRecord, now: float) -> None:
        """Take a call's record (`now` in monotonic s); only ended calls count."""
        if record.ended_at is not None and record.call not in self._known:
            # The first end counts for the delay; the last record counts for its content.
            first, _ = self._ended.get(record.call, (now, record))
            self._ended[record.call] = (first, record)

    def lines(self, status: Status, now: float) -> None:
        """Sample the busy lines; each counts as busy until the next sample."""
        if self._looked is not None:
            before, busy, all_busy = self._looked
            for line in busy:
                self._busy_s[line] += now - before
            # `all_busy` is True or False, so it adds all of the time or none.
            self._all_busy_s += (now - before) * all_busy
        names = {line.name for line in status.lines}
        busy = frozenset(line.name for line in status.lines if line.state in BUSY_STATES)
        for name in names:
            self._busy_s.setdefault(name, 0.0)
        self._looked = (now, busy, bool(names) and busy == names)

    def fault(self, found: Mapping[str, int]) -> None:
        """Add the media gateway's faults of its last period, by name."""
        self._faults.update(found)

    def tally(self, now: float) -> CounterTally:
        """Return the counters."""
        # A caller who seems to have given up is counted late: a telephone beside the line may have
        # taken the call, which shows some seconds later (calls/incoming.py).
        for call, (ended, record) in list(self._ended.items()):
            if record.result is not Result.GAVE_UP or now - ended > UNSEEN_S:
                del self._ended[call]
                self._known.append(call)
                self._count(record)
        return CounterTally(
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
            self._answer = _spread_with(self._answer, record.rang_at, record.answered_at)
        if talked:
            self._talk = _spread_with(self._talk, record.answered_at, record.ended_at)


def _spread_with(spread: Spread, begin: datetime | None, end: datetime | None) -> Spread:
    """Return the histogram with one duration more."""
    # A clock that was set back meanwhile gives no duration.
    if begin is None or end is None or end < begin:
        return spread
    return spread.with_one((end - begin).total_seconds())


# The figures of one box at one moment: frozen, passed from thread to thread.


@dataclass(frozen=True, slots=True)
class PhoneFigures:
    """Numbers of configured, registered (or fixed) and answering phones."""

    # Numbers only: a phone is a person's position, and staff are not measured (E21).

    listening: bool = False
    configured: int = 0
    registered: int = 0
    answering: int = 0


@dataclass(frozen=True, slots=True)
class GatewayFigures:
    """The media gateway's last period: lateness of its ticks, least lead in the modems (s)."""

    late_p50_s: float
    late_p99_s: float
    late_max_s: float
    lead_min_s: float


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """All figures of a scrape. Times in s since 1970; `carrier` is None before its first report.

    `troubles` are stable codes; `complaints` counts configuration values that are not used as
    written; `restarts` are those of each part since power-on; `overdue` are late requests, `missed`
    open missed calls, `late` messages not heard or closed in time; `backup_at` is the time of the
    last whole backup away from the memory card, 0 for never; `update` is state and version of the
    last update.
    """

    at: float
    started_at: float
    version: str
    image: str
    ready: bool
    status: Status
    tally: CounterTally
    stored: StoredCounts
    phones: PhoneFigures = PhoneFigures()
    carrier: GatewayFigures | None = None
    troubles: tuple[str, ...] = ()
    complaints: int = 0
    restarts: tuple[tuple[str, int], ...] = ()
    missed: int = 0
    late: int = 0
    overdue: int = 0
    backup_at: float = 0.0
    update: tuple[str, str] = ("none", "")


# Answers Prometheus in a thread of its own. The deciding thread leaves a frozen value once a second
# and never waits, however slowly or often it is scraped. A page is rendered once for all scrapes of
# the same value.

PATH: Final = "/metrics"
# Concurrent connections; one more is refused.
VISITORS: Final = 8
# Slow clients then keep others out for a short time only.
PATIENCE_S: Final = 5.0
"""Seconds for a client's request and response together."""
RATE: Final = 40
"""Connections a second in total."""
TURN_S: Final = 1.0
RETRY_S: Final = 10.0
"""Seconds before an address is tried again that the box does not have yet."""

# Prometheus's text format, unchanged since 2014.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

AllowedNetwork = IPv4Network | IPv6Network


class MetricsServer:
    """Serves `latest` (None: no figures yet) at `address` to `allowed` networks, () for all.

    `load` returns the renderer and is called in this thread. `on_trouble` is called in this thread
    with the reason why the address cannot be bound, None once it is.
    """

    # Not prometheus_client's WSGI application: it has no server of its own, and wsgiref's server
    # has none of the limits below.

    def __init__(
        self,
        address: tuple[str, int],
        allowed: tuple[AllowedNetwork, ...],
        load: Callable[[], Callable[[BoxFigures], bytes]],
        on_trouble: Callable[[Words | None], None],
        on_failure: Callable[[BaseException], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.latest: BoxFigures | None = None
        self.port = 0
        """The bound port, 0 before."""
        self._address, self._allowed = address, allowed
        self._load, self._on_trouble, self._clock = load, on_trouble, clock
        self._worker = Worker("metrics", self._turn, on_failure, end=self._close)
        self._written: tuple[BoxFigures | None, bytes] = (None, b"")
        self._page: Callable[[BoxFigures], bytes] | None = None
        self._server: HttpServer | None = None
        self._told: Words | None = None

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def stop(self, limit: float) -> None:
        """Stop the thread; raises Bug if it outlives `limit` s."""
        self._worker.stop(limit)

    @property
    def beat_at(self) -> float:
        """Time of the loop's last turn (monotonic s)."""
        return self._worker.beat_at

    def _turn(self) -> None:
        if self._server is None:
            self._listen()
        else:
            self._server.turn(TURN_S)

    def _listen(self) -> None:
        """Bind the address as soon as the box has it."""
        try:
            listening = listen(self._address, VISITORS)
        except OSError as error:
            if self._told != os_error_words(error):
                self._told = os_error_words(error)
                self._on_trouble(self._told)
            # A stop ends this wait at once.
            self._worker.stopping.wait(RETRY_S)
            return
        self.port = listening.getsockname()[1]
        limits = HttpLimits(VISITORS, PATIENCE_S, RATE)
        self._server = HttpServer(listening, limits, self._respond, self._clock, self._admits)
        self._on_trouble(None)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    def _admits(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        return not self._allowed or any(address in network for network in self._allowed)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        code = request.code if request.code != 200 or request.path == PATH else 404
        figures = self.latest
        if code == 200 and figures is None:
            code = 503
        if code != 200 or figures is None:
            return HttpResponse(code, f"{HTTPStatus(code).phrase}\n".encode())
        # Loaded at the first scrape: a box that nobody scrapes needs no prometheus_client.
        if self._page is None:
            self._page = self._load()
        # One page for all scrapes of the same value.
        if self._written[0] is not figures:
            self._written = (figures, self._page(figures))
        return HttpResponse(200, self._written[1], CONTENT_TYPE)
