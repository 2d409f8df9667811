"""Facts of analog lines, from the carrier (cf. calls.events)."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.calls.event_values import (
    Caller,
    DigitSource,
    Evidence,
    FarEnd,
    FaxSource,
    LineCondition,
    RecordingStop,
)


@dataclass(frozen=True, slots=True)
class LineRang:
    """A ring burst arrived on an idle or already ringing line; `count` starts at 1.

    `caller` is who calls where that is settled by then (exchanges that send it before the bell, a
    call that rang before a restart), else None: CallerIdentified follows. `dated` as there.
    """

    line: str
    count: int = 1
    caller: Caller | None = None
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CallerIdentified:
    """The caller's identity is settled: it arrived, or its time limit passed (then UNKNOWN).

    `dated` is the exchange's own time of the call, "MMDDHHMM", or "": no part of who calls.
    """

    line: str
    caller: Caller
    dated: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LineAnswered:
    """The line is off hook and its voice stream runs."""

    line: str


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The far end released, with the evidence and the time from its first sign to certainty."""

    line: str
    evidence: Evidence
    after_ms: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineIdle:
    """The line is on hook and its modem has proven itself idle."""

    line: str


@dataclass(frozen=True, slots=True)
class LineNeeded:
    """An emergency call needs the line and no other is free: whoever is on it gives way."""

    line: str


@dataclass(frozen=True, slots=True)
class LineTaken:
    """Another telephone on the line's pair was lifted: whoever lifted it has the caller now."""

    line: str


@dataclass(frozen=True, slots=True)
class LineProbed:
    """An idle line was measured and something has changed; a modem that cannot never says so."""

    line: str
    condition: LineCondition


@dataclass(frozen=True, slots=True)
class FarEndProgressed:
    """A call that the box makes over a line (Flash, DialLeg) got on, as told by its sound.

    `after_ms` counts the sound since the last digit, `rings` the ring-backs, `detail` says by what
    it was known. RINGING may follow ANSWERED and the other way round.
    """

    line: str
    progress: FarEnd
    after_ms: int = 0
    rings: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LineFlashed:
    """The hook was flashed: the caller on hold is back; not `done`: the modem refused."""

    line: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class DigitPressed:
    """A key was pressed by the caller (`line`) or on a phone (`leg`); the other one is empty."""

    digit: str
    source: DigitSource
    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class FaxCalled:
    """A fax machine calls on a line that is up: told once, `after_ms` from its first burst."""

    line: str
    source: FaxSource
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """An announcement ordered by `Play(play=...)` was played to its end, or was cut short."""

    play: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording ordered by `Record` ended; `trim_ms` at its end are tone or silence to drop."""

    recording: str
    stop: RecordingStop
    length_ms: int
    trim_ms: int = 0


@dataclass(frozen=True, slots=True)
class RecordingGap:
    """Recorded sound was lost between carrier and desk (credit ran out); never silently."""

    recording: str
    gap_ms: int


@dataclass(frozen=True, slots=True)
class LineLost:
    """A line is out; `reason` says what to do, `reason_it` in Italian (as it is, where empty).

    `missing`: there is no modem at its port.
    """

    line: str
    reason: str
    missing: bool = False
    reason_it: str = ""


@dataclass(frozen=True, slots=True)
class LineRestored:
    """A line is in service: its modem has been initialised and is idle on hook."""

    line: str
    modem: str = ""
    duplex: bool = True


@dataclass(frozen=True, slots=True)
class LineHalfDuplex:
    """The modem refuses sound both ways: the line carries no conversation from now on.

    `reason` says what to do, `reason_it` in Italian. A call for which that was found goes on.
    """

    line: str
    reason: str
    reason_it: str = ""


@dataclass(frozen=True, slots=True)
class CarrierLost:
    """The carrier process is gone; every line and every phone's sound with it."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class CarrierRestored:
    """The carrier is back and has its `Setup`; lines follow one by one as LineRestored."""
