"""Outgoing calls: may a position dial a number, and why not (E17; toll fraud).

By default only numbers that have called, or that the directory, the address book or a request
contains, can be dialled; free dialling is granted per position and class of number. Emergency
numbers always pass.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appliance.policy.clock import Now
from appliance.policy.directory import Directory, Reach, TransferTarget
from appliance.policy.hours import Schedule, Week, week_of
from appliance.policy.numbering import PLANS, NumberClass, NumberingPlan, SecretNumber
from appliance.text import Words, _

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# E17: outside these hours, and on holidays, calling a citizen back needs a reason
CALL_BACK_WEEK = week_of(
    **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "8:00-19:00")
)
# one ring from an expensive number must not make the office call it back
ORDINARY_CLASSES = frozenset(
    {NumberClass.LOCAL, NumberClass.NATIONAL, NumberClass.MOBILE, NumberClass.TOLL_FREE}
)


class Identity(enum.StrEnum):
    """Caller id of outgoing calls: the line's public number, or none (E17, P7)."""

    PRESENTED = "presented"
    WITHHELD = "withheld"


class DialRefusal(enum.StrEnum):
    """Why a number is not dialled; stable codes of records and statistics."""

    NO_NUMBER = "dial.no_number"
    CLASS = "dial.class"
    NOT_KNOWN = "dial.not_known"
    NIGHT = "dial.night"
    NOT_READY = "dial.not_ready"
    CALLS = "dial.calls_limit"
    MINUTES = "dial.minutes_limit"


DIAL_REFUSAL_WORDS: Mapping[DialRefusal, Words] = {
    DialRefusal.NO_NUMBER: _("This is no number that can be called from here."),
    DialRefusal.CLASS: _("Numbers of this kind are not called from this position."),
    DialRefusal.NOT_KNOWN: _(
        "Only who has called, or stands in the register, the address book or a request, is called."
    ),
    DialRefusal.NIGHT: _(
        "Outside the band for calling back only who has called or is in the register is called."
    ),
    DialRefusal.NOT_READY: _("The call log has not been read yet: try again in a minute."),
    DialRefusal.CALLS: _("This position has reached its limit of calls in an hour."),
    DialRefusal.MINUTES: _("This position has reached its limit of minutes in a day."),
}


@dataclass(frozen=True, slots=True)
class DialRules:
    """Rules for calling out; `free` are the classes that each phone may dial freely.

    `prefix` is dialled before an outside number on a phone. `withhold` is the line's code for
    hiding its number, "" for the country's. `local` are area codes. A number that called within
    `known_days` may be called back. A position places at most `calls_per_hour` calls and talks for
    at most `minutes_per_day`.
    """

    plan: NumberingPlan = PLANS["it"]
    prefix: str = "0"
    identity: Identity = Identity.PRESENTED
    withhold: str = ""
    local: tuple[str, ...] = ()
    week: Week = CALL_BACK_WEEK
    known_days: int = 30
    # as delivered no position dials freely
    free: Mapping[str, frozenset[NumberClass]] = field(default_factory=dict)
    # against toll fraud: a line from which one can call is money (box.en.md)
    calls_per_hour: int = 20
    minutes_per_day: int = 240

    def dialled(self, digits: str, emergency: bool) -> str:
        """Return the digits for the line; an emergency call never hides its number (E17)."""
        hidden = self.identity is Identity.WITHHELD and not emergency
        # the code is the telephone company's own: the configured one counts before the country's
        return (self.withhold or self.plan.withhold) + digits if hidden else digits

    def outside(self, typed: str) -> str:
        """Return the outside number that a phone's digits mean, "" for none.

        An emergency number means itself, with the prefix or without.
        """
        # help can be called without knowing the prefix
        if typed in self.plan.emergency:
            return typed
        # with an empty prefix every number is an outside number
        return typed.removeprefix(self.prefix) if typed.startswith(self.prefix) else ""

    def is_emergency(self, digits: str) -> bool:
        """Tell whether these digits are an emergency number."""
        return digits in self.plan.emergency


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """One call that `phone` placed; `talked_s` is how long it lasted, None while it goes on.

    `case` is its subject: "message:12", "request:7", "call:ID", or "".
    """

    call: str
    phone: str
    number: str = field(repr=False)
    at: datetime
    case: str = ""
    talked_s: float | None = None

    def seconds(self, wall: datetime) -> float:
        """Return how long the call has lasted at a moment, in s."""
        return (
            max(0.0, (wall - self.at).total_seconds()) if self.talked_s is None else self.talked_s
        )


@dataclass(frozen=True, slots=True)
class DialLedger:
    """Numbers that called, with the time, and calls placed; `loaded` once the log was read."""

    heard: Mapping[str, datetime] = field(default_factory=dict, repr=False)
    placed: tuple[PlacedCall, ...] = ()
    loaded: bool = False

    def hear(self, number: str, at: datetime) -> DialLedger:
        """Return the ledger after a call from a number."""
        return replace(self, heard={**self.heard, number: at})

    def place(self, placed: PlacedCall) -> DialLedger:
        """Return the ledger after a call began or ended."""
        # entered when it begins and again when it ends: counted once
        others = (p for p in self.placed if p.call != placed.call)
        return replace(self, placed=(*others, placed))

    def with_newer(self, newer: DialLedger) -> DialLedger:
        """Return the ledger read from the log, with newer calls on top."""
        # calls placed while the log was being read may be in both
        known = {p.call for p in newer.placed}
        older = tuple(p for p in self.placed if p.call not in known)
        return DialLedger({**self.heard, **newer.heard}, (*older, *newer.placed), loaded=True)

    def forget(self, numbers: Iterable[str]) -> DialLedger:
        """Return the ledger without numbers that were erased, before the log is read anew (E20)."""
        gone = set(numbers)
        heard = {number: at for number, at in self.heard.items() if number not in gone}
        # a call that is over is counted again when the log is read; one that goes on is not there
        placed = tuple(p for p in self.placed if p.talked_s is None or p.number not in gone)
        return replace(self, heard=heard, placed=placed)

    def without_old(self, wall: datetime, known_days: int) -> DialLedger:
        """Return the ledger without entries too old to matter."""
        days = timedelta(days=known_days)
        heard = {number: at for number, at in self.heard.items() if wall - at <= days}
        # the limits look back a day, even where callers are remembered for less
        placed = tuple(p for p in self.placed if wall - p.at <= max(days, DAY))
        return replace(self, heard=heard, placed=placed)

    def of(self, phone: str, wall: datetime, span: timedelta) -> Iterator[PlacedCall]:
        """Yield what a phone placed within a span before a moment."""
        return (p for p in self.placed if p.phone == phone and wall - p.at < span)

    def case_of(self, number: str) -> str:
        """Return the case a number was last called for, "" for none: citizens ring back (E17)."""
        # the newest call first: a citizen rings back about that one
        cases = (p.case or f"call:{p.call}" for p in reversed(self.placed) if p.number == number)
        return next(cases, "") if number else ""


NO_LEDGER = DialLedger()


@dataclass(frozen=True, slots=True)
class DialRequest:
    """A number that a position wants to dial; `case` names its message, call or request.

    `in_book`: it stands in an entry of the house's address book that holds today.
    """

    phone: str
    number: str = field(repr=False)
    case: str = ""
    urgent: bool = False
    in_book: bool = False


@dataclass(frozen=True, slots=True)
class DialAllowed:
    """The number may be dialled; `unit` is the unit whose number it is, "" for a citizen's."""

    number_class: NumberClass
    unit: str = ""


@dataclass(frozen=True, slots=True)
class DialRefused:
    """The number may not be dialled; `why` is the reason."""

    why: DialRefusal
    number_class: NumberClass


@dataclass(frozen=True, slots=True)
class DialReasonNeeded:
    """The number may be dialled only as urgent: it is outside the civil band (E17)."""

    number_class: NumberClass


DialVerdict = DialAllowed | DialRefused | DialReasonNeeded


def may_dial(
    rules: DialRules,
    asked: DialRequest,
    ledger: DialLedger,
    directory: Directory,
    hours: Schedule,
    now: Now,
) -> DialVerdict:
    """Decide whether a number may be dialled; `hours` are the civil band for calling citizens."""
    # no class, limit, hour or unread log stands before an emergency number
    kind = rules.plan.classify(asked.number, rules.local)
    if kind is NumberClass.EMERGENCY:
        return DialAllowed(kind)
    unit = unit_of(directory, asked.number, rules.plan)
    # Whoever may edit the address book answers for its numbers, as for the register's; class, hours
    # and limits hold for them all the same.
    known = bool(asked.case or unit or asked.in_book) or _called(rules, asked.number, ledger, now)
    # a clock that cannot be trusted keeps no band: then a reason is asked
    in_band = now.by_hours and hours.at(now.wall).open
    why = _refusal(rules, asked, ledger, kind, known, in_band, now)
    if why is not None:
        return DialRefused(why, kind)
    return DialAllowed(kind, unit) if in_band or asked.urgent or unit else DialReasonNeeded(kind)


def _refusal(
    rules: DialRules,
    asked: DialRequest,
    ledger: DialLedger,
    kind: NumberClass,
    known: bool,
    in_band: bool,
    now: Now,
) -> DialRefusal | None:
    free = kind in rules.free.get(asked.phone, frozenset())
    # modem commands and codes of the exchange hidden in a number never pass (docs/reliability.md,
    # F20)
    if kind is NumberClass.NONE:
        return DialRefusal.NO_NUMBER
    if not known and not free:
        return _unknown(kind, ledger)
    # known, but dear: a ring from such a number must not make the office call it back
    if kind not in ORDINARY_CLASSES and not free:
        return DialRefusal.CLASS
    # free dialling is for the civil band; at night only known numbers are called
    if not known and not in_band:
        return DialRefusal.NIGHT
    return limit_reached(rules, asked.phone, ledger, now)


def _unknown(kind: NumberClass, ledger: DialLedger) -> DialRefusal:
    """Return why an unknown number is refused; with the log unread it may yet be known."""
    if kind not in ORDINARY_CLASSES:
        return DialRefusal.CLASS
    return DialRefusal.NOT_KNOWN if ledger.loaded else DialRefusal.NOT_READY


def limit_reached(rules: DialRules, phone: str, ledger: DialLedger, now: Now) -> DialRefusal | None:
    """Return the limit that a position has reached; refuse while the log is unread."""
    # the limits hold over a restart: until the log is read nobody knows what was used up
    if not ledger.loaded:
        return DialRefusal.NOT_READY
    if sum(1 for _ in ledger.of(phone, now.wall, HOUR)) >= rules.calls_per_hour:
        return DialRefusal.CALLS
    return DialRefusal.MINUTES if left_ms(rules, phone, ledger, now) <= 0 else None


def left_ms(rules: DialRules, phone: str, ledger: DialLedger, now: Now) -> int:
    """Return how long a position may still talk today, in ms."""
    # a call that goes on counts up to now
    talked = sum(placed.seconds(now.wall) for placed in ledger.of(phone, now.wall, DAY))
    return int((rules.minutes_per_day * 60 - talked) * 1000)


def _called(rules: DialRules, number: str, ledger: DialLedger, now: Now) -> bool:
    at = ledger.heard.get(number)
    return at is not None and now.wall - at <= timedelta(days=rules.known_days)


def unit_of(directory: Directory, number: str, plan: NumberingPlan) -> str:
    """Return the unit (and label) that has declared a number, "" for none (P7)."""
    # the unit is named instead of the number, however that was written (P7)
    written = number_forms(number, plan)
    for unit, target in _targets(directory):
        if target.reach is Reach.OUTSIDE and target.number in written:
            return f"{unit}: {target.label}" if target.label else unit
    return ""


def number_forms(number: str, plan: NumberingPlan) -> frozenset[SecretNumber]:
    """Return each way in which a number of the country may have been entered, to compare with."""
    # a sealed number can only be compared: so try each way in which it may have been written
    bare = number.removeprefix(plan.trunk)
    forms = (number, f"+{plan.code}{bare}", f"00{plan.code}{bare}")
    return frozenset(map(SecretNumber, forms))


def _targets(directory: Directory) -> Iterator[tuple[str, TransferTarget]]:
    for declaration in directory.declarations:
        unit = directory.unit(declaration.unit)
        for need in declaration.needs:
            yield from ((unit.name if unit else declaration.unit, t) for t in need.targets)
