"""Rows of `office directory … --json`; no number is shown (P7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Directory,
    DirectoryEntry,
    NeedInForce,
    Unit,
    need_in_force,
)
from appliance.policy.directory_review import (
    TimeAhead,
    ahead_of_units,
    entered_words,
    times_ahead,
    what_holds,
)
from appliance.policy.hours import ONE_DAY, Schedule
from appliance.text import LANGUAGES

if TYPE_CHECKING:
    from appliance.store.database import Noted

SOON_DAYS: Final = 60
"""Days ahead for which a unit's entries are listed."""
Texts = dict[str, str]
"""A sentence by language."""


class TargetRow(TypedDict):
    """Number of a need; operators see the label instead of it."""

    label: str
    reach: str


class NeedRow(TypedDict):
    """Need of a unit with its hours on the day."""

    code: str
    name: str
    keys: str
    hours: list[str]
    targets: list[TargetRow]


class AheadRow(TypedDict):
    """Special time ahead; `unit` is "" for the whole office, `last` null for no end."""

    first: str
    last: str | None
    unit: str
    said: Texts


class UnitRow(TypedDict):
    """Unit as it is on a day; `declaration` is the number of the entry, null for none."""

    code: str
    name: str
    email: str
    service: str
    day: str
    declaration: int | None
    returns: list[str]
    needs: list[NeedRow]
    ahead: list[AheadRow]


class RevokedRow(TypedDict):
    """End of an authorisation."""

    at: str
    by: str
    reference: str


class EntryRow(TypedDict):
    """Entry of a unit: declaration, variation or authorisation, with its written ground."""

    kind: str
    number: int
    unit: str
    at: str
    by: str
    reference: str
    attachment: str
    first: str | None
    last: str | None
    revoked: RevokedRow | None
    said: Texts


class CheckedFile(TypedDict):
    """A register's file without mistakes; attention as in `attention`."""

    units: int
    declarations: int
    attention: list[Texts]


class AuditRow(TypedDict):
    """Row of the audit log; `what` is a stable code, `about` the object."""

    at: str
    by: str
    what: str
    about: str


def unit_row(found: Directory, calendar: Schedule, unit: Unit, day: date) -> UnitRow:
    """Return a unit as it is on a day, variations laid over, with what is ahead."""
    declaration = found.valid_declaration(unit, day)
    coming = times_ahead(found, calendar, day + ONE_DAY, day + timedelta(days=SOON_DAYS))
    return {
        "code": unit.code,
        "name": unit.name,
        "email": unit.email,
        "service": unit.service,
        "day": day.isoformat(),
        "declaration": declaration.entry.number if declaration else None,
        "returns": [rule.value for rule in declaration.rules] if declaration else [],
        "needs": _needs(found, calendar, unit, declaration, day),
        "ahead": time_rows(ahead_of_units(coming, unit.code)),
    }


def _needs(
    found: Directory, calendar: Schedule, unit: Unit, declaration: Declaration | None, day: date
) -> list[NeedRow]:
    rows: list[NeedRow] = []
    for need in declaration.needs if declaration else ():
        held = need_in_force(found, calendar, unit, need.code, day)
        bands = held.schedule.bands_on(day) if isinstance(held, NeedInForce) else ()
        targets: list[TargetRow] = [
            {"label": target.label, "reach": target.reach.value} for target in need.targets
        ]
        rows.append(
            {
                "code": need.code,
                "name": need.name,
                "keys": need.code_keys,
                "hours": [str(band) for band in bands],
                "targets": targets,
            }
        )
    return rows


def time_rows(found: Iterable[TimeAhead]) -> list[AheadRow]:
    """Return special times ahead."""
    return [
        {
            "first": each.first.isoformat(),
            "last": each.last.isoformat() if each.last else None,
            "unit": each.unit,
            "said": {language: what_holds(each, language) for language in LANGUAGES},
        }
        for each in found
    ]


def entry_row(entered: DirectoryEntry) -> EntryRow:
    """Return one entry of a unit's history."""
    stamp, last = entered.entry, entered.last
    first = None if isinstance(entered, Authorisation) else entered.first.isoformat()
    ended = entered.revoked if isinstance(entered, Authorisation) else None
    revoked: RevokedRow | None = None
    if ended is not None:
        revoked = {"at": ended.at.isoformat(), "by": ended.by, "reference": ended.reference}
    return {
        "kind": type(entered).__name__.lower(),
        "number": stamp.number,
        "unit": entered.unit,
        "at": stamp.at.isoformat(),
        "by": stamp.by,
        "reference": stamp.reference,
        "attachment": stamp.attachment,
        "first": first,
        "last": last.isoformat() if last else None,
        "revoked": revoked,
        "said": {language: entered_words(entered, language) for language in LANGUAGES},
    }


def audit_row(noted: Noted) -> AuditRow:
    """Return one row of the audit log."""
    return {
        "at": noted.at.isoformat(),
        "by": noted.by,
        "what": noted.what,
        "about": noted.about,
    }
