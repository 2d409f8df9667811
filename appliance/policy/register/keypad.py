"""The short codes by which an operator asks for a need of an office on a phone's keys (P5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from appliance.policy.register.declarations import Need
from appliance.policy.register.register import Register


class Coded(NamedTuple):
    """What a code stands for; `unit` is whose declaration names it."""

    unit: str
    need: Need


def by_keys(register: Register, keys: str, day: date) -> Coded | None:
    """Return what a code stands for on a day; a declaration that has run out still says what."""
    begun = (register.own_declaration(unit.code, day) for unit in register.units)
    for declaration in filter(None, begun):
        found = next((need for need in declaration.needs if keys and need.code_keys == keys), None)
        if found is not None:
            return Coded(declaration.unit, found)
    return None


def codes_of(register: Register, day: date) -> Iterator[Coded]:
    """Return every need that can be asked for by a code on a day, in the register's order."""
    return (coded for coded in needs_of(register, day) if coded.need.code_keys)


def needs_of(register: Register, day: date) -> Iterator[Coded]:
    """Return every need that units have declared themselves on a day, in the register's order."""
    for unit in register.units:
        declaration = register.own_declaration(unit.code, day)
        for need in declaration.needs if declaration else ():
            yield Coded(unit.code, need)
