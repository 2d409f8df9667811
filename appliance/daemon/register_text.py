"""The register written out as TOML, numbers unmasked (P7: the head's own file): what is read again.

The ONLY tomli_w import. `register_file.parse(text_for(register)) == register`.
"""

from __future__ import annotations

from typing import Any

import tomli_w

from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Entry,
    Need,
    Purpose,
    Register,
    Slots,
    Target,
    Unit,
    Variation,
)
from appliance.policy.hours import WEEKDAYS, Week

Table = dict[str, Any]


def text_for(register: Register) -> str:
    """Write a register; the same register always gives the same text."""
    services = [unit for unit in register.units if not unit.service]
    return tomli_w.dumps(
        {
            "services": [_service(register, unit) for unit in services],
            "declarations": [_declaration(each) for each in register.declarations],
            "variations": [_variation(each) for each in register.variations],
            "authorisations": [_authorisation(each) for each in register.authorisations],
        }
    )


def _service(register: Register, service: Unit) -> Table:
    offices = [_unit(unit) for unit in register.units if unit.service == service.code]
    return _unit(service) | _given(offices=offices)


def _unit(unit: Unit) -> Table:
    return {"code": unit.code, "name": unit.name, "email": unit.email} | _given(say=unit.say)


def _declaration(d: Declaration) -> Table:
    return (
        {"unit": d.unit, "declared_by": d.declared_by}
        | _entry(d.entry)
        | {"first": d.first}
        | _given(last=d.last)
        | {"returns": [rule.value for rule in d.rules], "bands": _week(d.week)}
        | _given(slots=d.slots and _slots(d.slots), needs=[_need(need) for need in d.needs])
    )


def _variation(v: Variation) -> Table:
    return (
        {"unit": v.unit}
        | _entry(v.entry)
        | {"first": v.first, "last": v.last}
        | _given(needs=list(v.needs), notice=v.notice)
        | ({} if v.week is None else {"bands": _week(v.week)})
    )


def _authorisation(a: Authorisation) -> Table:
    told = a.told.number.reveal(Purpose.EXPORT)
    return (
        {"unit": a.unit, "tell": told, "authorised_by": a.authorised_by}
        | _entry(a.entry)
        | _given(last=a.last, revoked=a.revoked and _entry(a.revoked))
    )


def _entry(entry: Entry) -> Table:
    return {
        "number": entry.number,
        "entered_by": entry.by,
        "entered_at": entry.at,
        "reference": entry.reference,
    } | _given(attachment=entry.attachment)


def _need(need: Need) -> Table:
    returns = [rule.value for rule in need.rules]
    numbers = [_number(target) for target in need.targets]
    return {"code": need.code, "name": need.name} | _given(
        code_keys=need.code_keys, returns=returns, numbers=numbers
    )


def _number(target: Target) -> Table:
    number = target.number.reveal(Purpose.EXPORT)
    return {"reach": target.reach.value, "number": number} | _given(
        label=target.label, service_mobile=target.service_mobile
    )


def _slots(slots: Slots) -> Table:
    return {"minutes": slots.minutes, "places": slots.places, "hours": _week(slots.week)}


def _week(week: Week) -> Table:
    """Write the days that have bands."""
    days = zip(WEEKDAYS, week.days, strict=True)
    return {name: [str(band) for band in bands] for name, bands in days if bands}


def _given(**values: Any) -> Table:
    """Leave out what would be read as absent anyway."""
    return {name: value for name, value in values.items() if value}
