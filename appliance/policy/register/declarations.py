"""What offices declare in writing (P4), and the variations that lie over it for a while (E12)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import date, datetime

from appliance.errors import ConfigurationError
from appliance.policy.dates import Period
from appliance.policy.refused import Refused
from appliance.policy.register.targets import Target
from appliance.policy.week import Week
from appliance.policy.words import Words

CODE_KEYS = re.compile(r"[0-9]{1,4}")
"""What can be keyed between `**` and `#`."""


class ReturnRule(enum.StrEnum):
    """What becomes of a transferred call that comes back (P6)."""

    APPOINTMENT = "appointment"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Slots:
    """When an office offers appointments: `minutes` each, `places` at a time."""

    week: Week
    minutes: int
    places: int = 1

    def __post_init__(self) -> None:
        if not 5 <= self.minutes <= 240:
            raise Refused(
                f"appuntamenti di {self.minutes} minuti: da 5 a 240",
                f"slots of {self.minutes} minutes: give 5 to 240",
            )
        if not 1 <= self.places <= 50:
            raise Refused(
                f"{self.places} appuntamenti insieme: da 1 a 50",
                f"{self.places} places in a slot: give 1 to 50",
            )


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller may want of a unit: `targets` in the order they are tried.

    `rules` are the unit's own unless given. `code_keys` is what an operator presses for it, 1 to 4
    digits, "" for none. Raises Refused without a target, or for another code.
    """

    code: str
    name: str
    targets: tuple[Target, ...]
    rules: tuple[ReturnRule, ...] = ()
    code_keys: str = ""

    def __post_init__(self) -> None:
        if self.code_keys and not CODE_KEYS.fullmatch(self.code_keys):
            raise Refused(
                f"{self.name}: «{self.code_keys}» non è un codice per i tasti: da 1 a 4 cifre",
                f"need {self.code}: {self.code_keys!r} is no code for a phone's keys: write 1 to 4 "
                "digits",
            )
        if not self.targets:
            raise Refused(
                f"{self.name}: manca il numero, indicarne almeno uno",
                f"need {self.code} has no number: give at least one",
            )


@dataclass(frozen=True, slots=True)
class Entry:
    """Who entered something, when, and on what written ground; `number` is the order of entry."""

    number: int
    by: str
    at: datetime
    reference: str
    attachment: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ConfigurationError(f"entry {self.number}: its time needs an offset from UTC")
        if not self.reference.strip():
            raise Refused(
                "manca il riferimento scritto: l'e-mail (mittente e ora) o il protocollo",
                f"entry {self.number} has no reference: name the e-mail or protocol number",
            )
        if "/" in self.attachment or self.attachment in {".", ".."}:
            raise ConfigurationError(
                f"entry {self.number}: an attachment is named without its folder"
            )


@dataclass(frozen=True, slots=True)
class Declaration:
    """A unit's declaration; without needs it withdraws what was declared before.

    In force from `first` to `last` (None: until superseded), both days included.
    """

    entry: Entry
    unit: str
    declared_by: str
    week: Week
    rules: tuple[ReturnRule, ...]
    needs: tuple[Need, ...]
    first: date
    last: date | None = None
    slots: Slots | None = None

    def __post_init__(self) -> None:
        codes = [need.code for need in self.needs]
        where = f"declaration {self.entry.number} of {self.unit}"
        if len(set(codes)) != len(codes):
            raise Refused("una necessità è indicata due volte", f"{where} names a need twice")
        if not self.rules:
            raise Refused(
                "manca la regola del ritorno: appuntamento o e-mail",
                f"{where} says nothing of returns: appointment or email",
            )
        if self.last is not None and self.last < self.first:
            raise Refused("finisce prima di cominciare", f"{where} ends before it begins")

    def need(self, code: str) -> Need | None:
        """Return the need of that code."""
        return next((need for need in self.needs if need.code == code), None)

    def runs_on(self, day: date) -> bool:
        """Tell whether the day lies in its validity."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Variation:
    """Other bands for a while, today or prepared weeks ahead; it ends by itself (E12, E14).

    `week` None: as declared, after all. `needs` empty means all of them. `notice` is what operators
    read of it, "" for nothing: "Settimana elettorale".
    """

    entry: Entry
    unit: str
    first: date
    last: date
    week: Week | None = None
    needs: tuple[str, ...] = ()
    notice: str = ""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise Refused(
                "finisce prima di cominciare",
                f"variation {self.entry.number} of {self.unit} ends before it begins",
            )

    def concerns(self, unit: str, need: str) -> bool:
        """Tell whether it lies over a need of a unit."""
        return self.unit == unit and (not self.needs or need in self.needs)

    def over(self, declared: Week) -> Period:
        """Return it as a special period over the declared week."""
        week, notice = declared if self.week is None else self.week, self.notice
        return Period(self.first, self.last, Words(), week, notice=Words(notice, notice))
