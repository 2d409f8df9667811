"""Pieces of a day: stretches of local time with one answer, from its bands and what closes them."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import NamedTuple

from appliance.policy.dates import Closure, Period
from appliance.policy.week import ONE_DAY, Band, Bands
from appliance.policy.words import NOTHING, Words


class Why(enum.StrEnum):
    """Why a group is open or closed, as a stable code."""

    HOURS = "open.hours"
    PERIOD = "open.period"
    OPENING = "open.special"
    CLOSED_HOURS = "closed.hours"
    CLOSED_PERIOD = "closed.period"
    HOLIDAY = "closed.holiday"
    CLOSURE = "closed.special"


class Rule(NamedTuple):
    """Which hours hold on a day and what the time outside them is called."""

    bands: Bands
    inside: Why
    outside: Why
    name: Words = NOTHING
    greeting: str = ""
    notice: Words = NOTHING
    is_whole: bool = False  # no closure lies over it


class Piece(NamedTuple):
    """A stretch of naive local time with one answer, from `start` to the next piece's.

    A named tuple because a year of them is made to find out that an office never opens.
    """

    start: datetime
    open: bool
    why: Why
    name: Words
    greeting: str
    notice: Words
    band: Band | None = None

    @property
    def answer(self) -> tuple[bool, Why, Words, str]:
        """What a caller could tell apart: two bands that touch are one."""
        return (self.open, self.why, self.name, self.greeting)


def rule_of(period: Period, day: date) -> Rule:
    """Return what holds on a day of a period that was entered."""
    outside = Why.CLOSED_PERIOD if period.week.ever_opens else Why.CLOSURE
    said = (period.name, period.greeting, period.notice)
    return Rule(period.week.bands_on(day), Why.PERIOD, outside, *said, is_whole=True)


def edges_on(midnight: datetime, bands: Bands, closures: tuple[Closure, ...]) -> list[datetime]:
    """Return where on a day the answer may change, its midnight first."""
    if _one_answer(midnight, bands, closures):
        return [midnight]
    edges = {midnight}
    for band in bands:
        edges.update(band.on(midnight.date()))
    for closure in closures:
        edges |= {max(closure.start, midnight), closure.end}
    return sorted(edge for edge in edges if edge < midnight + ONE_DAY)


def _one_answer(midnight: datetime, bands: Bands, closures: tuple[Closure, ...]) -> bool:
    """True when nothing, or one long closure, holds all day; a year of such days is searched."""
    if closures:
        only = closures[0]
        return len(closures) == 1 and only.start <= midnight and only.end >= midnight + ONE_DAY
    return not bands


def piece_at(at: datetime, rule: Rule, closures: tuple[Closure, ...]) -> Piece:
    """Return the piece that begins at a moment."""
    for closure in closures:
        if closure.start <= at < closure.end:
            reason, prompt = closure.reason, closure.greeting
            return Piece(at, False, Why.CLOSURE, reason, prompt, NOTHING)
    for band in rule.bands:
        start, end = band.on(at.date())
        if start <= at < end:
            return Piece(at, True, rule.inside, rule.name, "", rule.notice, band)
    name = NOTHING if rule.inside is Why.OPENING else rule.name
    return Piece(at, False, rule.outside, name, rule.greeting, rule.notice)
