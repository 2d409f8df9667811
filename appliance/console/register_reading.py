"""What the register's pages show of it: read from the records with every number masked (P7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from appliance.console.desk import DeskAway
from appliance.errors import OfficeError
from appliance.policy.directory import Authorisation, Declaration, Register, Unit, Variation
from appliance.policy.directory_forms import in_force
from appliance.policy.text import Words
from appliance.store import directory as store


@dataclass(frozen=True, slots=True)
class NeedState:
    """How one need of a unit stands, as the desk says."""

    need: str
    name: str
    allowed: bool
    words: Words
    until: datetime | None
    resumes: datetime | None


@dataclass(frozen=True, slots=True)
class UnitState:
    """How a unit stands; `undeclared` where it has no valid declaration."""

    unit: str
    open: bool
    undeclared: bool
    declared_by: str
    needs: tuple[NeedState, ...]

    @property
    def until(self) -> datetime | None:
        """When the last band that is open now ends."""
        return max((n.until for n in self.needs if n.allowed and n.until), default=None)

    @property
    def resumes(self) -> datetime | None:
        """When the next band begins."""
        return min((n.resumes for n in self.needs if n.resumes), default=None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How all units stand and what must be looked after; `known` False while the desk is away."""

    known: bool
    units: Mapping[str, UnitState]
    attention: tuple[Words, ...] = ()


async def read_register(request: Request) -> Register:
    """Read all that was ever entered; raises StoreError."""
    found: Register = await request.app.state.reading.do(store.load_masked)
    return found


def unit_of(request: Request, register: Register) -> Unit:
    """Return the unit that the address names; raises HTTPException for none."""
    unit = register.unit(request.path_params["unit"])
    if unit is None:
        raise HTTPException(404)
    return unit


async def read_standing(request: Request) -> Standing:
    """Ask the desk how units stand; a page without it shows what is on record."""
    try:
        answer = await request.app.state.desk.ask({"ask": "register_state"})
    except (DeskAway, OfficeError):
        request.state.desk_away = True
        return Standing(False, {})
    units = {each["unit"]: _unit(each) for each in answer["units"]}
    return Standing(True, units, tuple(Words(**each) for each in answer["attention"]))


def _unit(each: Mapping[str, Any]) -> UnitState:
    needs = tuple(
        NeedState(
            n["need"], n["name"], n["allowed"], Words(**n["words"]), _at(n["until"]),
            _at(n["resumes"]),
        )
        for n in each["needs"]
    )  # fmt: skip
    return UnitState(
        each["unit"], each["open"], not each["declared_by"], each["declared_by"], needs
    )


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Service:
    """A service and those of its offices that are to be shown."""

    unit: Unit
    offices: tuple[Unit, ...]


def services(register: Register, search: str = "") -> tuple[Service, ...]:
    """Group units by service; a search keeps those in whose name, code or needs it stands."""
    held = in_force(register)
    kept = {u.code for u in held.units if _has(held, u, search.casefold().split())}
    return tuple(
        Service(unit, offices)
        for unit in held.units
        if not unit.service and ((offices := _offices(held, unit, kept)) or unit.code in kept)
    )


def _offices(register: Register, service: Unit, kept: set[str]) -> tuple[Unit, ...]:
    return tuple(u for u in register.units if u.service == service.code and u.code in kept)


def _has(register: Register, unit: Unit, words: Iterable[str]) -> bool:
    needs = (n.name for d in register.declarations if d.unit == unit.code for n in d.needs)
    text = " ".join((unit.name, unit.code, *needs)).casefold()
    return all(word in text for word in words)


def held_by(register: Register, unit: Unit, day: date) -> Declaration | None:
    """Return the declaration in force for a unit."""
    return in_force(register).valid_declaration(unit, day)


def variations_from(register: Register, unit: Unit, day: date) -> tuple[Variation, ...]:
    """List a unit's variations of today and later, its service's among them."""
    codes = {unit.code, unit.service}
    found = (v for v in register.variations if v.unit in codes and v.last >= day)
    return tuple(sorted(found, key=lambda v: (v.first, v.entry.number)))


@dataclass(frozen=True, slots=True)
class Leave:
    """An authorisation and how it stands: "valid", "over" or "revoked"."""

    authorisation: Authorisation
    state: str


def leaves(register: Register, unit: Unit, day: date) -> tuple[Leave, ...]:
    """List a unit's authorisations, the last one first."""
    found = [a for a in register.authorisations if a.unit == unit.code]
    return tuple(Leave(a, _state(a, day)) for a in reversed(found))


def _state(authorisation: Authorisation, day: date) -> str:
    if authorisation.revoked:
        return "revoked"
    is_over = authorisation.last is not None and authorisation.last < day
    return "over" if is_over else "valid"
