"""May a position dial a number outside, and what is told when it may not (E17; toll fraud).

By default only numbers that called, stand in the register or in a request can be dialled; free
dialling is bound per position to classes of numbers. Emergency numbers are never asked about.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from appliance.policy.clock import Now
from appliance.policy.directory import Reach, Register, SecretNumber, Target
from appliance.policy.hours import Schedule, Week, week
from appliance.policy.numbering import PLANS, NumberClass, Plan
from appliance.policy.text import Words

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CIVIL = week(
    **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "8:00-19:00")
)
"""When citizens are called back without a reason (E17); holidays are none of it."""
ORDINARY = frozenset(
    {NumberClass.LOCAL, NumberClass.NATIONAL, NumberClass.MOBILE, NumberClass.TOLL_FREE}
)
"""What may be called back: one ring from a dear number must not make the office call it."""


class Identity(enum.StrEnum):
    """What the called person sees: the line's own public number, or nothing (E17, P7)."""

    PRESENTED = "presented"
    WITHHELD = "withheld"


class Denied(enum.StrEnum):
    """Why a number is not dialled; stable codes of records and statistics."""

    NO_NUMBER = "dial.no_number"
    CLASS = "dial.class"
    NOT_KNOWN = "dial.not_known"
    NIGHT = "dial.night"
    NOT_READY = "dial.not_ready"
    CALLS = "dial.calls_limit"
    MINUTES = "dial.minutes_limit"


SENTENCES: Mapping[Denied, Words] = {
    Denied.NO_NUMBER: Words(
        "Questo non è un numero che si può chiamare da qui.",
        "This is no number that can be called from here.",
    ),
    Denied.CLASS: Words(
        "Da questa postazione non si chiamano numeri di questo tipo.",
        "Numbers of this kind are not called from this position.",
    ),
    Denied.NOT_KNOWN: Words(
        "Si chiama soltanto chi ha chiamato, o sta in rubrica o in una richiesta.",
        "Only who has called, or stands in the register or in a request, is called.",
    ),
    Denied.NIGHT: Words(
        "Fuori dall'orario per richiamare si chiama solo chi ha chiamato o è in rubrica.",
        "Outside the band for calling back only who has called or is in the register is called.",
    ),
    Denied.NOT_READY: Words(
        "Il registro delle chiamate non è ancora stato letto: riprovare tra un minuto.",
        "The call log has not been read yet: try again in a minute.",
    ),
    Denied.CALLS: Words(
        "Questa postazione ha raggiunto il limite di chiamate in un'ora.",
        "This position has reached its limit of calls in an hour.",
    ),
    Denied.MINUTES: Words(
        "Questa postazione ha raggiunto il limite di minuti in un giorno.",
        "This position has reached its limit of minutes in a day.",
    ),
}
"""Shown to people."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How the office calls out; `free` are the classes that each phone may dial freely.

    `prefix` goes before an outside number on a phone. `withhold` is the line's own code for hiding
    its number, "" for the country's. `local` are area codes. Who called within `known_days` may be
    called back. A position places `calls_per_hour` at most and talks for `minutes_per_day`.
    """

    plan: Plan = PLANS["it"]
    prefix: str = "0"
    identity: Identity = Identity.PRESENTED
    withhold: str = ""
    local: tuple[str, ...] = ()
    week: Week = CIVIL
    known_days: int = 30
    free: Mapping[str, frozenset[NumberClass]] = field(default_factory=dict)
    calls_per_hour: int = 20
    minutes_per_day: int = 240

    def dialled(self, digits: str, emergency: bool) -> str:
        """Return what the line is given: an emergency call always shows its number (E17)."""
        hidden = self.identity is Identity.WITHHELD and not emergency
        return (self.withhold or self.plan.withhold) + digits if hidden else digits

    def outside(self, typed: str) -> str:
        """Return the outside number that a phone's digits mean, "" for none.

        An emergency number means itself, with the prefix or without.
        """
        if typed in self.plan.emergency:
            return typed
        return typed.removeprefix(self.prefix) if typed.startswith(self.prefix) else ""

    def is_emergency(self, digits: str) -> bool:
        """Tell whether these digits call for help."""
        return digits in self.plan.emergency


@dataclass(frozen=True, slots=True)
class Placed:
    """One call that `phone` placed; it has lasted `talked_s` once it is over (None: it goes on).

    `case` is what it was for: "message:12", "request:7", "call:ID", or "".
    """

    call: str
    phone: str
    number: str = field(repr=False)
    at: datetime
    case: str = ""
    talked_s: float | None = None

    def seconds(self, wall: datetime) -> float:
        """Return how long it has lasted by a moment; never less than was talked."""
        return (
            max(0.0, (wall - self.at).total_seconds()) if self.talked_s is None else self.talked_s
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who called when, and what was placed in the last day; `loaded` once the log was read."""

    heard: Mapping[str, datetime] = field(default_factory=dict, repr=False)
    placed: tuple[Placed, ...] = ()
    loaded: bool = False

    def hear(self, number: str, at: datetime) -> Ledger:
        """Return the ledger after a call from a number."""
        return replace(self, heard={**self.heard, number: at})

    def place(self, placed: Placed) -> Ledger:
        """Return the ledger after a call began, or ended: the same call replaces itself."""
        others = (p for p in self.placed if p.call != placed.call)
        return replace(self, placed=(*others, placed))

    def with_newer(self, newer: Ledger) -> Ledger:
        """Return what was read from the log, with what is known since on top of it."""
        known = {p.call for p in newer.placed}
        older = tuple(p for p in self.placed if p.call not in known)
        return Ledger({**self.heard, **newer.heard}, (*older, *newer.placed), loaded=True)

    def forget(self, numbers: Iterable[str]) -> Ledger:
        """Return the ledger without numbers that were erased, before the log is read anew (E20).

        A call that is over stands in the log, and counts from there.
        """
        gone = set(numbers)
        heard = {number: at for number, at in self.heard.items() if number not in gone}
        placed = tuple(p for p in self.placed if p.talked_s is None or p.number not in gone)
        return replace(self, heard=heard, placed=placed)

    def without_old(self, wall: datetime, known_days: int) -> Ledger:
        """Return the ledger without what can decide nothing any more."""
        days = timedelta(days=known_days)
        heard = {number: at for number, at in self.heard.items() if wall - at <= days}
        placed = tuple(p for p in self.placed if wall - p.at <= max(days, DAY))
        return replace(self, heard=heard, placed=placed)

    def of(self, phone: str, wall: datetime, span: timedelta) -> Iterator[Placed]:
        """Yield what a phone placed within a span before a moment."""
        return (p for p in self.placed if p.phone == phone and wall - p.at < span)

    def case_of(self, number: str) -> str:
        """Return what a number was last called for, "" for nothing (E17: they ring back)."""
        cases = (p.case or f"call:{p.call}" for p in reversed(self.placed) if p.number == number)
        return next(cases, "") if number else ""


NO_LEDGER = Ledger()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a position wants to dial; `case` names the message, call or request it is for."""

    phone: str
    number: str = field(repr=False)
    case: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """It is dialled; `unit` is whose number it is in the register, "" for a citizen's."""

    number_class: NumberClass
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not, and why."""

    why: Denied
    number_class: NumberClass


@dataclass(frozen=True, slots=True)
class ReasonNeeded:
    """Outside the civil band: only who says that it is urgent goes on (E17)."""

    number_class: NumberClass


Verdict = Allowed | Refused | ReasonNeeded


def decide(
    rules: Outgoing, asked: Asked, ledger: Ledger, register: Register, hours: Schedule, now: Now
) -> Verdict:
    """Say whether a number is dialled; `hours` are the band in which citizens are called."""
    kind = rules.plan.classify(asked.number, rules.local)
    if kind is NumberClass.EMERGENCY:
        return Allowed(kind)
    unit = unit_of(register, asked.number, rules.plan)
    known = bool(asked.case or unit) or _called(rules, asked.number, ledger, now)
    in_band = now.by_hours and hours.at(now.wall).open
    why = _why_not(rules, asked, ledger, kind, known, in_band, now)
    if why is not None:
        return Refused(why, kind)
    return Allowed(kind, unit) if in_band or asked.urgent or unit else ReasonNeeded(kind)


def _why_not(
    rules: Outgoing,
    asked: Asked,
    ledger: Ledger,
    kind: NumberClass,
    known: bool,
    in_band: bool,
    now: Now,
) -> Denied | None:
    free = kind in rules.free.get(asked.phone, frozenset())
    if kind is NumberClass.NONE:
        return Denied.NO_NUMBER
    if not known and not free:
        return _unknown(kind, ledger)
    if kind not in ORDINARY and not free:
        return Denied.CLASS
    if not known and not in_band:
        return Denied.NIGHT
    return limit_reached(rules, asked.phone, ledger, now)


def _unknown(kind: NumberClass, ledger: Ledger) -> Denied:
    """Say why a number nobody knows is not dialled; with the log unread it may yet be known."""
    if kind not in ORDINARY:
        return Denied.CLASS
    return Denied.NOT_KNOWN if ledger.loaded else Denied.NOT_READY


def limit_reached(rules: Outgoing, phone: str, ledger: Ledger, now: Now) -> Denied | None:
    """Say which limit a position has reached; with the log unread nobody knows (conservative)."""
    if not ledger.loaded:
        return Denied.NOT_READY
    if sum(1 for _ in ledger.of(phone, now.wall, HOUR)) >= rules.calls_per_hour:
        return Denied.CALLS
    return Denied.MINUTES if left_ms(rules, phone, ledger, now) <= 0 else None


def left_ms(rules: Outgoing, phone: str, ledger: Ledger, now: Now) -> int:
    """Return how long a position may still talk today, in ms."""
    talked = sum(placed.seconds(now.wall) for placed in ledger.of(phone, now.wall, DAY))
    return int((rules.minutes_per_day * 60 - talked) * 1000)


def _called(rules: Outgoing, number: str, ledger: Ledger, now: Now) -> bool:
    at = ledger.heard.get(number)
    return at is not None and now.wall - at <= timedelta(days=rules.known_days)


def unit_of(register: Register, number: str, plan: Plan) -> str:
    """Name the unit (and label) in whose declarations a number stands, "" for none (P7)."""
    written = {SecretNumber(form) for form in _forms(number, plan)}
    for unit, target in _targets(register):
        if target.reach is Reach.OUTSIDE and target.number in written:
            return f"{unit}: {target.label}" if target.label else unit
    return ""


def _forms(number: str, plan: Plan) -> tuple[str, ...]:
    bare = number.removeprefix(plan.trunk)
    return number, f"+{plan.code}{bare}", f"00{plan.code}{bare}"


def _targets(register: Register) -> Iterator[tuple[str, Target]]:
    for declaration in register.declarations:
        unit = register.unit(declaration.unit)
        for need in declaration.needs:
            yield from ((unit.name if unit else declaration.unit, t) for t in need.targets)
