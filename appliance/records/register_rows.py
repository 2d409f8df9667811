"""Entries of the register as rows: what they say as JSON, every number in it sealed (P7)."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from appliance.policy.register.declarations import (
    Declaration,
    Entry,
    Need,
    ReturnRule,
    Slots,
    Variation,
)
from appliance.policy.register.merge import Revoked
from appliance.policy.register.register import Authorisation, Entered
from appliance.policy.register.targets import Reach, Target
from appliance.policy.secret import Purpose, SecretNumber
from appliance.policy.week import WEEKDAYS, Band, Week

if TYPE_CHECKING:
    import sqlite3

    from appliance.records.vault import Opener, Vault

Body = dict[str, Any]

KINDS = {
    Declaration: "declaration",
    Variation: "variation",
    Authorisation: "authorisation",
    Revoked: "revocation",
}
REVOCATION = KINDS[Revoked]


def to_row(entered: Entered | Revoked, unit: str, vault: Vault) -> dict[str, object]:
    """Spread an entry over its columns."""
    entry = entered.entry
    return {
        "number": entry.number,
        "kind": KINDS[type(entered)],
        "unit": unit,
        "entered_by": entry.by,
        "entered_at": entry.at.isoformat(),
        "reference": entry.reference,
        "attachment": entry.attachment,
        "body": json.dumps(_body(entered, vault), ensure_ascii=False),
    }


def from_row(row: sqlite3.Row, vault: Opener | None) -> Entered | Revoked:
    """Gather an entry from its columns; without a vault its numbers are empty, and masked.

    Raises StoreError, ValueError, KeyError, TypeError for what none of us wrote.
    """
    at = datetime.fromisoformat(row["entered_at"])
    entry = Entry(row["number"], row["entered_by"], at, row["reference"], row["attachment"])
    body, unit = json.loads(row["body"]), str(row["unit"])
    match row["kind"]:
        case "declaration":
            return _declaration(entry, unit, body, vault)
        case "variation":
            return _variation(entry, unit, body)
        case "authorisation":
            return _authorisation(entry, unit, body, vault)
    return Revoked(int(body["of"]), entry)


def _body(entered: Entered | Revoked, vault: Vault) -> Body:
    match entered:
        case Declaration():
            return _declared(entered, vault)
        case Variation():
            week = None if entered.week is None else _days(entered.week)
            return _span(entered.first, entered.last) | {
                "week": week, "needs": list(entered.needs), "notice": entered.notice,
            }  # fmt: skip
        case Authorisation():
            return {
                "told": _target_to(entered.told, entered.entry.number, vault),
                "authorised_by": entered.authorised_by,
                "last": _day(entered.last),
            }
    return {"of": entered.number}


def _declared(d: Declaration, vault: Vault) -> Body:
    slots = d.slots and {
        "minutes": d.slots.minutes, "places": d.slots.places, "week": _days(d.slots.week),
    }  # fmt: skip
    return _span(d.first, d.last) | {
        "declared_by": d.declared_by,
        "week": _days(d.week),
        "rules": list(d.rules),
        "slots": slots,
        "needs": [_need_to(need, d.entry.number, vault) for need in d.needs],
    }


def _need_to(need: Need, number: int, vault: Vault) -> Body:
    return {
        "code": need.code,
        "name": need.name,
        "code_keys": need.code_keys,
        "rules": list(need.rules),
        "targets": [_target_to(target, number, vault) for target in need.targets],
    }


def _target_to(target: Target, number: int, vault: Vault) -> Body:
    return {
        "reach": target.reach.value,
        "sealed": vault.seal(target.number.reveal(Purpose.STORE), _about(number)),
        "label": target.label,
        "service_mobile": target.service_mobile,
    }


def _declaration(entry: Entry, unit: str, body: Body, vault: Opener | None) -> Declaration:
    slots = body["slots"]
    return Declaration(
        entry,
        unit,
        body["declared_by"],
        _week(body["week"]),
        tuple(map(ReturnRule, body["rules"])),
        tuple(_need(need, entry.number, vault) for need in body["needs"]),
        date.fromisoformat(body["first"]),
        _date(body["last"]),
        slots and Slots(_week(slots["week"]), slots["minutes"], slots["places"]),
    )


def _variation(entry: Entry, unit: str, body: Body) -> Variation:
    first, last = (date.fromisoformat(body[name]) for name in ("first", "last"))
    week = None if body["week"] is None else _week(body["week"])
    notice = str(body.get("notice", ""))  # of a programme before notices: none
    return Variation(entry, unit, first, last, week, tuple(body["needs"]), notice)


def _authorisation(entry: Entry, unit: str, body: Body, vault: Opener | None) -> Authorisation:
    told = _target(body["told"], entry.number, vault)
    return Authorisation(entry, unit, told, body["authorised_by"], last=_date(body["last"]))


def _need(body: Body, number: int, vault: Opener | None) -> Need:
    targets = tuple(_target(each, number, vault) for each in body["targets"])
    rules = tuple(map(ReturnRule, body["rules"]))
    return Need(body["code"], body["name"], targets, rules, body["code_keys"])


def _target(body: Body, number: int, vault: Opener | None) -> Target:
    digits = vault.open(body["sealed"], _about(number)) if vault else ""
    reach, mobile = Reach(body["reach"]), bool(body["service_mobile"])
    return Target(reach, SecretNumber(digits), body["label"], mobile)


def _about(number: int) -> str:
    """Say what a number belongs to; sealed with it, so that no row can take another's number."""
    return f"entry {number}"


def _days(week: Week) -> dict[str, list[str]]:
    days = zip(WEEKDAYS, week.days, strict=True)
    return {name: [str(band) for band in bands] for name, bands in days if bands}


def _week(days: dict[str, list[str]]) -> Week:
    return Week(tuple(tuple(map(Band.parse, days.get(name, ()))) for name in WEEKDAYS))


def _span(first: date, last: date | None) -> Body:
    return {"first": first.isoformat(), "last": _day(last)}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
