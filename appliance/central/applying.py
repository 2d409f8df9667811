"""Puts a bundle in force, or takes it back: whole or not at all, wherever the power is cut.

First all that is new is laid beside what holds: the bundle's folder, the sounds. Then one
transaction of the records writes register, sheets, the audit and which bundle holds: that is the
moment. What follows from it (the small file that the configuration's reader looks at, the menu of
spoken sheets) is made good by `settle` where the cut came just then.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.central import keeping
from appliance.central.bundle import unpack
from appliance.central.content import Content
from appliance.central.judging import Judged, Place, box_of, changes_of, check_office, content_in
from appliance.daemon import giving_voice, spoken
from appliance.daemon.central_place import PENDING
from appliance.daemon.policy_changes import basis_of
from appliance.errors import TechnicianError
from appliance.policy import managed_config as policy
from appliance.policy.managed_config import Changes
from appliance.policy.text import Refused
from appliance.store import directory, sheets
from appliance.store import managed_config as records
from appliance.store.database import Noted
from appliance.store.directory import Who, key_path
from appliance.store.managed_config import APPLIED, ENTERED, REVERTED, InForce
from appliance.store.policy_change import Central, PolicyChange

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.sheets import Menu, Sheet


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who does it, when, and where the bundle came from."""

    by: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class _Next:
    """What is to hold: a version, its bundle's digest ("" for none), what it goes back to."""

    version: int
    digest: str
    former_version: int
    former: str
    content: Content


def put_in_force(place: Place, given: Judged, stamp: Stamp) -> Changes:
    """Put a judged bundle in force; returns what changed. Raises Refused, StoreError, OSError."""
    with keeping.locked(place.state):
        settle(place)
        keeping.keep(place.state, given.digest, given.data, given.content)
        with place.reading() as connection:
            now = records.in_force(connection)
            policy.check_newer(given.version, given.digest, box_of(place, connection))
        is_same = now is not None and now.digest == given.digest
        former = (now.former_version, now.former) if now and is_same else _held(now)
        wanted = _Next(given.version, given.digest, *former, given.content)
        return _turn(place, wanted, stamp, APPLIED)


def revert(place: Place, stamp: Stamp) -> tuple[int, Changes]:
    """Go back to what held before; returns its version, 0 for none, and what changed.

    Raises Refused where there is nothing to go back to, or it cannot hold any more.
    """
    with keeping.locked(place.state):
        settle(place)
        with place.reading() as connection:
            now = records.in_force(connection)
        if now is None or not now.digest or now.source == records.REVERT:
            raise Refused(
                "non c'è nulla a cui tornare: applicare un file di impostazioni centrali",
                "there is nothing to go back to: apply a file of central settings",
            )
        content = Content()
        if now.former:
            # signed and judged when it came; it lies in a folder of our own
            kept = unpack(keeping.bundle_of(place.state, now.former), lambda *_: None)
            content = content_in(place.settings, kept)
        check_office(place, content)
        wanted = _Next(now.former_version, now.former, 0, "", content)
        return now.former_version, _turn(place, wanted, stamp, REVERTED)


def settle(place: Place) -> None:
    """Bring to its end what a cut has left half done; raises StoreError, OSError."""
    wanted = keeping.settle_folder(place.state, place.database)
    if not keeping.pending(place.state):
        return
    with place.reading() as connection:
        found, units = sheets.all_sheets(connection), directory.units(connection)
    folder, languages = spoken.folder_of(place.state), place.settings.site.languages
    giving_voice.publish(folder, giving_voice.render(folder, found, languages))
    with contextlib.suppress(TechnicianError, OSError):  # their codes are said
        giving_voice.name_units(folder, {unit.code: unit.name for unit in units}, languages[0])
    keeping.name(place.state, PENDING, "")
    if wanted is not None:
        keeping.forget_others(place.state, wanted)


def _held(now: InForce | None) -> tuple[int, str]:
    return (now.version, now.digest) if now else (0, "")


def _turn(place: Place, wanted: _Next, stamp: Stamp, code: str) -> Changes:
    """Prepare, have the records written, make good what follows."""

    def made(connection: sqlite3.Connection) -> tuple[Changes, PolicyChange]:
        basis = basis_of(connection)
        _voiced(place, connection, wanted.content)
        keeping.name(place.state, PENDING, wanted.digest or "none")
        changes = changes_of(place, connection, wanted.content)
        about = Noted(stamp.at, stamp.by, code, f"{wanted.version}: {changes.noted}")
        return changes, _change(place, connection, wanted, changes, stamp, basis, about)

    changes = place.change(made)
    settle(place)
    return changes


def _change(
    place: Place,
    connection: sqlite3.Connection,
    wanted: _Next,
    changes: Changes,
    stamp: Stamp,
    basis: int,
    about: Noted,
) -> PolicyChange:
    """Make the rows of sheets and register, and of what among them is the head office's."""
    content = wanted.content
    theirs, here = records.units(connection), records.entered_here(connection)
    rows = None
    if content.register.units:
        who = Who(stamp.by, stamp.at, ENTERED)
        _, rows = directory.rows_of(
            connection,
            key_path(place.database),
            who,
            lambda stored: policy.merged(stored, content.register, theirs, here),
            {},
        )
    held = InForce(
        wanted.version,
        wanted.digest,
        wanted.former_version,
        wanted.former,
        stamp.at,
        stamp.by,
        stamp.source,
    )
    sheet_codes = tuple(sheet.code for sheet in content.sheets)
    unit_codes = tuple(unit.code for unit in content.register.units)
    written, gone = tuple(changes.sheets.written), tuple(changes.sheets.gone)
    return PolicyChange(
        basis, rows, written, gone, (about,), Central(held, sheet_codes, unit_codes)
    )


def _voiced(place: Place, connection: sqlite3.Connection, content: Content) -> Menu:
    """Give every spoken sheet that will hold its sounds; raises BadConfiguration."""
    return giving_voice.render(
        spoken.folder_of(place.state),
        _sheets_after(connection, content),
        place.settings.site.languages,
    )


def _sheets_after(connection: sqlite3.Connection, content: Content) -> tuple[Sheet, ...]:
    known = sheets.all_sheets(connection)
    plan = policy.sheets_plan(known, content.sheets, records.sheets(connection))
    changed = {sheet.code for sheet in plan.written}
    stay = (s for s in known if s.code not in changed and s.code not in plan.gone)
    return (*stay, *plan.written)
