"""The standards sheet: what the service charter promises beside what was measured in a quarter.

A figure tells on how many calls, messages or requests it rests; where there was none it is not
measured, which is not 0 %. No figure is a person's (E21).
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from appliance.policy.hours import ONE_DAY, Schedule, local_moment
from appliance.policy.reports import CallFigures
from appliance.policy.requests import Request, due_day
from appliance.policy.text import Refused
from appliance.policy.voicemail import unclosed_at
from appliance.text import Words, _, decimal_words, in_context, unchanged

# 0 where nothing is promised
NO_PROMISE: Final = 0
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class ServiceTargets:
    """Promises in %, 0 for none; `lost_at_most` is an upper bound, the others are lower ones."""

    answered_within_20s: int = 80
    lost_at_most: int = 10
    called_back_same_day: int = 90
    messages_in_a_day: int = 90
    requests_in_time: int = 90
    by_filter: int = NO_PROMISE

    def __post_init__(self) -> None:
        for standard in Standard:
            value = self.of(standard)
            if not 0 <= value <= WHOLE:
                raise Refused(
                    _(
                        "{key} = {value} is no percentage: write 0 to 100, 0 where nothing "
                        "is promised",
                        key=str(standard),
                        value=value,
                    )
                )

    def of(self, standard: Standard) -> int:
        """Return the promise of a standard."""
        promised: int = getattr(self, standard.value)
        return promised


class Standard(enum.StrEnum):
    """A promise of the charter, named as its key of the configuration."""

    ANSWERED_WITHIN_20S = "answered_within_20s"
    LOST = "lost_at_most"
    CALLED_BACK = "called_back_same_day"
    MESSAGES = "messages_in_a_day"
    REQUESTS = "requests_in_time"
    BY_FILTER = "by_filter"


STANDARD_WORDS: Final[Mapping[Standard, Words]] = {
    Standard.ANSWERED_WITHIN_20S: _("Calls answered within 20 seconds, of those answered"),
    Standard.LOST: _("Calls lost, of all calls"),
    Standard.CALLED_BACK: _("Lost calls called back the same day"),
    Standard.MESSAGES: _("Voicemail messages closed within one working day"),
    Standard.REQUESTS: _("Requests answered by their due day"),
    Standard.BY_FILTER: _("Calls answered by the front desk without a transfer, of those served"),
}
AT_MOST: Final = frozenset({Standard.LOST})
"""Standards whose promise is an upper bound."""


@dataclass(frozen=True, slots=True)
class InTime:
    """Cases that were settled in time, of those whose time is over or that are settled."""

    kept: int = 0
    cases: int = 0


@dataclass(frozen=True, slots=True)
class StandardResult:
    """One row of the sheet: `kept` of `cases` are the measured share."""

    standard: Standard
    promised: int
    kept: int
    cases: int

    @property
    def measured(self) -> float | None:
        """Measured share in %, None where nothing was measured."""
        return WHOLE * self.kept / self.cases if self.cases else None

    @property
    def is_met(self) -> bool | None:
        """Whether the promise was kept; None without a promise, or without a measurement."""
        if self.measured is None or self.promised == NO_PROMISE:
            return None
        if self.standard in AT_MOST:
            return self.measured <= self.promised
        return self.measured >= self.promised


KEPT_WORDS: Final[Mapping[bool | None, Words]] = {
    True: _("kept"),
    False: _("not kept"),
    None: unchanged("–"),
}
NOT_MEASURED: Final = in_context("standards", "not measured")
NOT_PROMISED: Final = _("nothing promised")


def promised_words(result: StandardResult) -> Words:
    """Return a promise in words."""
    if result.promised == NO_PROMISE:
        return NOT_PROMISED
    if result.standard in AT_MOST:
        return _("at most {share} %", share=result.promised)
    return _("at least {share} %", share=result.promised)


def measured_text(result: StandardResult, language: str) -> str:
    """Write what was measured, never rounded over its promise."""
    if result.measured is None:
        return NOT_MEASURED.text(language)
    # 79.96 % is not 80.0 %, and 10.04 % are not 10.0 %
    rounding = math.ceil if result.standard in AT_MOST else math.floor
    tenths = rounding(round(result.measured * 10, 6)) / 10
    return f"{decimal_words(tenths, 1, language)} %"


def standard_results(
    targets: ServiceTargets, calls: CallFigures, messages: InTime, requests: InTime
) -> tuple[StandardResult, ...]:
    """Return the rows of the sheet, in their order."""
    measured = {
        Standard.ANSWERED_WITHIN_20S: InTime(calls.within, calls.answered),
        Standard.LOST: InTime(calls.lost, calls.calls),
        Standard.CALLED_BACK: InTime(calls.called_back, calls.lost),
        Standard.MESSAGES: messages,
        Standard.REQUESTS: requests,
        Standard.BY_FILTER: InTime(calls.by_filter, calls.served),
    }
    return tuple(
        StandardResult(each, targets.of(each), measured[each].kept, measured[each].cases)
        for each in Standard
    )


def messages_in_time(
    messages: Iterable[tuple[datetime, datetime | None]], calendar: Schedule, now: datetime
) -> InTime:
    """Count messages, as (received, closed; None: open), against one working day (E16)."""
    return _counted(
        ((closed, unclosed_at(received, calendar)) for received, closed in messages), now
    )


def requests_in_time(requests: Iterable[Request], calendar: Schedule, now: datetime) -> InTime:
    """Count requests against their due day (E15); cancelled ones were not wanted any more."""
    wanted = (one for one in requests if one.closing is None or not one.closing.cancelled)
    return _counted(
        (
            (one.closing.at if one.closing else None, _end_of(due_day(one, calendar), calendar))
            for one in wanted
        ),
        now,
    )


def _end_of(day: date, calendar: Schedule) -> datetime:
    return local_moment(datetime.combine(day + ONE_DAY, time()), calendar.zone)


def _counted(cases: Iterable[tuple[datetime | None, datetime]], now: datetime) -> InTime:
    """Count cases, as (settled, due)."""
    # what is open and not yet due is neither in time nor late
    over = [(settled, due) for settled, due in cases if settled is not None or due <= now]
    return InTime(sum(settled is not None and settled <= due for settled, due in over), len(over))


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Quarter of a year, 1 to 4."""

    year: int
    number: int

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, self.number * 3 - 2, 1)

    @property
    def last(self) -> date:
        """Return its last day."""
        return self.after.first - ONE_DAY

    @property
    def after(self) -> Quarter:
        """Return the next quarter."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> Quarter:
        """Return the previous quarter."""
        return quarter_of(self.first - ONE_DAY)

    @property
    def words(self) -> Words:
        """Return its name."""
        return _("Quarter {number} of {year}", number=self.number, year=self.year)

    def __str__(self) -> str:
        return f"{self.year}-{self.number}"


def quarter_of(day: date) -> Quarter:
    """Return the quarter of a day."""
    return Quarter(day.year, (day.month + 2) // 3)


def read_quarter(text: str, today: date) -> Quarter:
    """Read "2026-3" or "2026-Q3"; "" is the last quarter that is over. Raises Refused."""
    if not text:
        return quarter_of(today).before
    found = _QUARTER.fullmatch(text.strip())
    if found is None:
        raise Refused(_("{text!r} is no quarter: write e.g. 2026-3", text=text))
    return Quarter(int(found[1]), int(found[2]))


# of this millennium: far from both ends of the calendar
_QUARTER: Final = re.compile(r"(2\d{3})-[Qq]?([1-4])", re.ASCII)
