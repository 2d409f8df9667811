"""Figures of the running desk: from one fact to one order, kept for `make bench` and status."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.calls import events, orders
from appliance.media.messages import Health, Marked, Measured

KEPT = 500
OPEN_KEPT = 100
OPEN_S = 60.0
"""What nothing has answered for so long, no order will: a phone that a caller's end has crossed."""

Moment = tuple[str, str, float]
"""What happened, to which line or recording, when (monotonic seconds)."""


class Latest:
    """The latest KEPT values, the oldest first, in room that is taken at once.

    A box of few calls would fill a list for weeks, and look as if it leaked all that time.
    """

    def __init__(self) -> None:
        self._room = array("d", bytes(8 * KEPT))
        self._count = 0

    def append(self, value: float) -> None:
        """Keep a value, in place of the oldest one where there is no room."""
        self._room[self._count % KEPT] = value
        self._count += 1

    def __iter__(self) -> Iterator[float]:
        """Yield all that are kept."""
        at = self._count % KEPT
        if self._count >= KEPT:
            yield from self._room[at:]
        yield from self._room[:at]


class LatestMoments:
    """The latest KEPT moments, in room that is taken at once; what happened to which line is
    named once: there are few.
    """

    def __init__(self) -> None:
        self._at = Latest()
        self._which = Latest()
        self._names: dict[tuple[str, str], int] = {}

    def append(self, what: str, subject: str, at: float) -> None:
        """Keep a moment."""
        self._which.append(self._names.setdefault((what, subject), len(self._names)))
        self._at.append(at)

    def __iter__(self) -> Iterator[Moment]:
        """Yield all that are kept, the oldest first."""
        names = list(self._names)
        for which, at in zip(self._which, self._at, strict=True):
            yield *names[int(which)], at


@dataclass(slots=True)
class Figures:
    """Keeps the latest times (ms) by name, and the latest moments, for who compares them.

    Times: rang_to_order (a fact heard to phones ordered to ring), identified_to_order (to phones
    that ring ordered to show it),
    answered_to_stream (a phone answered to the line's sound runs), recorded_to_stored (a message
    ended to its being on disk), answer_to_off_hook (measured in the carrier).
    """

    health: Health | None = None
    times: dict[str, Latest] = field(default_factory=dict)
    moments: LatestMoments = field(default_factory=LatestMoments)
    _began: dict[tuple[str, str], float] = field(default_factory=dict)
    _calls: dict[str, str] = field(default_factory=dict)

    def fact(self, event: events.Event, now: float) -> None:
        """Note when something began that an order or a later fact will answer."""
        match event:
            case events.LineRang(line, 1):
                self._begin("rang", line, now)
            case events.CallerIdentified(line):
                self._begin("identified", line, now)
            case events.OperatorAnswered(leg):
                self._begin("answered", leg, now)
            case events.LineAnswered(line):
                self._end("answered_to_stream", ("connected", line), now)
            case events.RecordingEnded(recording):
                self._begin("recorded", recording, now)
            case events.MessageStored(call):
                self._end("recorded_to_stored", ("recorded", call), now)

    def order(self, order: orders.Order, now: float) -> None:
        """Note how long the answer took."""
        match order:
            case orders.WriteCall(record):
                self._calls[record.line] = record.call
            case orders.RingPhones(call):
                self._end("rang_to_order", ("rang", self._line_of(call)), now)
            case orders.ShowCaller((leg, *_)):
                line = self._line_of(leg.rpartition(".")[0])
                self._end("identified_to_order", ("identified", line), now)
            case orders.Connect(line, leg) if ("answered", leg) in self._began:
                self._begin("connected", line, self._began.pop(("answered", leg)))
            case orders.AnswerLine(line):
                self.moments.append("answer_ordered", line, now)

    def measured(self, measured: Measured | Marked) -> None:
        """Keep a time or a moment taken elsewhere."""
        if isinstance(measured, Marked):
            self.moments.append(measured.what, measured.subject, measured.at)
        else:
            self.add(measured.what, measured.ms)

    def add(self, what: str, ms: float) -> None:
        """Keep one time."""
        self.times.setdefault(what, Latest()).append(round(ms, 3))

    def to_json(self) -> dict[str, list[float]]:
        """Return all times by name."""
        return {what: list(times) for what, times in self.times.items()}

    def moments_to_json(self) -> list[Moment]:
        """Return the latest moments, oldest first."""
        return list(self.moments)

    def _line_of(self, call: str) -> str:
        return next((name for name, known in self._calls.items() if known == call), "")

    def _begin(self, what: str, subject: str, at: float) -> None:
        """Note a beginning; those that nothing ever answered are forgotten."""
        self._began.pop((what, subject), None)
        self._began[what, subject] = at
        while len(self._began) > OPEN_KEPT or at - next(iter(self._began.values())) > OPEN_S:
            del self._began[next(iter(self._began))]

    def _end(self, what: str, beginning: tuple[str, str], now: float) -> None:
        began = self._began.pop(beginning, None)
        if began is not None:
            self.add(what, (now - began) * 1000)
