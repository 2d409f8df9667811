"""What the front desk did in a while: how many calls it answered itself, and what became of others.

Pure sums over frozen rows. Every call ends in exactly one way, so the ways add up to the calls.
Figures are per number, unit and hour; per person only where an agreement says so (E21).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean
from typing import TypeVar

K = TypeVar("K", str, int)

WITHIN_S = 20.0
"""The answering time that service charters promise."""
THIRD_RING_S = 15.0
"""In Italy a ring is 1 s and the pause 4 s: the fourth ring begins 15 s after the first."""
UNKNOWN = ""
"""The number called where a line is reached by several (P1): never guessed."""


class Ending(enum.StrEnum):
    """The one way in which a call ended, as P1 counts."""

    FILTER = "filter"  # answered by a person of the front desk, and not transferred
    INFORMED = "informed"  # a sheet read aloud answered it: the filter, too
    TRANSFERRED = "transferred"  # an office took it
    RETURNED = "returned"  # no office took it: back with an operator (P6)
    VOICEMAIL = "voicemail"
    LOST = "lost"  # gave up, was cut off, or left nothing
    OTHER = "other"  # a fax; or taken by a telephone beside the line, unseen by the box


BY_FILTER = (Ending.FILTER, Ending.INFORMED)
SERVED = (*BY_FILTER, Ending.TRANSFERRED, Ending.RETURNED)


@dataclass(frozen=True, slots=True)
class Sent:
    """One transfer to a unit for a need: `returned` is why it came back, "" where it was taken."""

    unit: str
    returned: str = ""
    need: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call: when it rang (local, aware), the public number called, how it ended.

    `wait_s` is how long it rang until a person answered, None when nobody did. `overflow`: it went
    on to the citizens' counter (P8). `position` answered.
    """

    at: datetime
    called: str
    ending: Ending
    wait_s: float | None = None
    overflow: bool = False
    sent: tuple[Sent, ...] = ()
    position: str = ""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request for a unit and a need: an appointment or an e-mail.

    `counted`: taken in the time of the report. `open` and `overdue` as of now, whenever taken.
    """

    unit: str
    appointment: bool
    counted: bool = True
    open: bool = False
    overdue: bool = False
    need: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What some calls sum up to; times in seconds, None where no person answered any."""

    calls: int = 0
    endings: Mapping[Ending, int] = field(default_factory=dict)
    overflow: int = 0
    answered: int = 0
    within: int = 0
    third_ring: int = 0
    mean_wait_s: float | None = None
    longest_wait_s: float | None = None

    @property
    def by_filter(self) -> int:
        """Calls answered by the filter without transfer: the headline (P1)."""
        return sum(self.endings.get(each, 0) for each in BY_FILTER)

    @property
    def served(self) -> int:
        """Calls in which somebody, or a sheet, answered."""
        return sum(self.endings.get(each, 0) for each in SERVED)

    @property
    def filter_share(self) -> float | None:
        """Their part of the calls that were served, 0 to 1; None where none was."""
        return self.by_filter / self.served if self.served else None


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """What concerned one unit, or one of its needs: transfers and what became of them, requests."""

    asked: int = 0
    accepted: int = 0
    returned: Mapping[str, int] = field(default_factory=dict)
    appointments: int = 0
    emails: int = 0
    open: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a time; months as "2026-10", hours as 0 to 23, needs as "unit.need"."""

    total: Figures
    numbers: Mapping[str, Figures]
    months: Mapping[str, Figures]
    hours: Mapping[int, Figures]
    units: Mapping[str, UnitFigures]
    every_unit: UnitFigures
    positions: Mapping[str, Figures] = field(default_factory=dict)
    needs: Mapping[str, UnitFigures] = field(default_factory=dict)


def seconds_shown(seconds: float | None, language: str) -> str:
    """Write a wait as everybody reads it, on the page, on paper and by command: one decimal."""
    if seconds is None:
        return "–"
    shown = f"{seconds:.1f}"
    return f"{shown.replace('.', ',') if language == 'it' else shown} s"


def report(
    calls: Iterable[CallRow], requests: Iterable[RequestRow], *, per_person: bool = False
) -> Report:
    """Sum up calls and requests; `per_person` only with the reference of an agreement (E21)."""
    calls, requests = tuple(calls), tuple(requests)
    answered = tuple(call for call in calls if call.position)
    named = {(sent.unit, sent.need) for call in calls for sent in call.sent}
    named |= {(each.unit, each.need) for each in requests}
    return Report(
        figures(calls),
        _grouped(calls, lambda call: call.called),
        _grouped(calls, lambda call: f"{call.at:%Y-%m}"),
        _grouped(calls, lambda call: call.at.hour),
        {unit: unit_figures(calls, requests, unit) for unit in sorted({u for u, _ in named})},
        unit_figures(calls, requests),
        _grouped(answered, lambda call: call.position) if per_person else {},
        {f"{u}.{n}": unit_figures(calls, requests, u, n) for u, n in sorted(named) if n},
    )


def figures(calls: Iterable[CallRow]) -> Figures:
    """Sum up some calls."""
    calls = tuple(calls)
    ended = Counter(call.ending for call in calls)
    waits = [call.wait_s for call in calls if call.wait_s is not None]
    return Figures(
        len(calls),
        {each: ended[each] for each in Ending},
        sum(call.overflow for call in calls),
        len(waits),
        sum(wait <= WITHIN_S for wait in waits),
        sum(wait <= THIRD_RING_S for wait in waits),
        fmean(waits) if waits else None,
        max(waits, default=None),
    )


def unit_figures(
    calls: Iterable[CallRow], requests: Iterable[RequestRow], unit: str = "", need: str = ""
) -> UnitFigures:
    """Sum up what concerned a unit and one of its needs; "" stands for all of them."""

    def is_meant(each: Sent | RequestRow) -> bool:
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


def _grouped(calls: tuple[CallRow, ...], key: Callable[[CallRow], K]) -> dict[K, Figures]:
    found: dict[K, list[CallRow]] = {}
    for call in calls:
        found.setdefault(key(call), []).append(call)
    return {each: figures(found[each]) for each in sorted(found)}
