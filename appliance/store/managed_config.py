"""Managed configuration: the head office's bundle in force, and the sheets and units it brought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.policy.text import Refused
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

APPLIED, REVERTED = "central.apply", "central.revert"
"""Codes in the audit log, about a version and its changes."""
REFUSED: Final = "central.refused"
"""Code in the audit log, about a file and why, in every language (managed_config/apply.py)."""
# No URL or file has such a name.
REVERT: Final = ":revert"
"""Source of a row that reverts to an earlier bundle."""
ENTERED: Final = "central"
"""Command of a directory change that a bundle brought."""
_LAST: Final = "SELECT * FROM central_settings ORDER BY number DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class InForce:
    """One row, the last one being in force; `source` is a URL, a file's name or REVERT.

    Version 0, `digest` "": no bundle, after the first was taken back. `former` is what a revert
    goes back to, "" for nothing.
    """

    version: int
    digest: str
    former_version: int
    former: str
    at: datetime
    by: str
    source: str

    @property
    def source_shown(self) -> str:
        """Return the URL or file it came from, "" for a revert."""
        return "" if self.source == REVERT else self.source


def in_force(connection: sqlite3.Connection) -> InForce | None:
    """Return the last row; None if there never was a bundle, or the schema is older."""
    if not _is_there(connection):
        return None
    row = connection.execute(_LAST).fetchone()
    return _from_row(row) if row else None


def highest(connection: sqlite3.Connection) -> int:
    """Return the highest version that was ever in force, 0 for none."""
    if not _is_there(connection):
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM central_settings").fetchone()
    return int(row[0])


def put(connection: sqlite3.Connection, given: InForce) -> None:
    """Add a row, inside the caller's transaction; raises sqlite3.Error."""
    # Rows are only added, a revert too: the last one is in force (schema/021).
    connection.execute(
        "INSERT INTO central_settings (version, digest, former_version, former, at, by_whom, "
        "source) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            given.version,
            given.digest,
            given.former_version,
            given.former,
            given.at.isoformat(),
            given.by,
            given.source,
        ),
    )


def sheets(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the codes of the head office's sheets; none in an older schema."""
    return _codes(connection, "SELECT code FROM central_sheets")


def units(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the codes of the head office's units; none in an older schema."""
    return _codes(connection, "SELECT code FROM central_units")


def mark(
    connection: sqlite3.Connection, sheet_codes: Iterable[str], unit_codes: Iterable[str]
) -> None:
    """Replace the codes of the head office's sheets and units, inside the caller's transaction."""
    connection.execute("DELETE FROM central_sheets")
    connection.execute("DELETE FROM central_units")
    connection.executemany("INSERT INTO central_sheets VALUES (?)", [(c,) for c in sheet_codes])
    connection.executemany("INSERT INTO central_units VALUES (?)", [(c,) for c in unit_codes])


def entered_here(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the units for which the branch itself has entered anything in the directory."""
    rows = connection.execute(
        "SELECT DISTINCT unit FROM register_entries JOIN register_changes ON "
        "register_changes.number = register_entries.change WHERE what <> ?",
        (ENTERED,),
    )
    return frozenset(row[0] for row in rows)


def brought(connection: sqlite3.Connection) -> frozenset[int]:
    """Return the numbers of the directory's entries that came with a bundle."""
    rows = connection.execute(
        "SELECT register_entries.number FROM register_entries JOIN register_changes ON "
        "register_changes.number = register_entries.change WHERE what = ?",
        (ENTERED,),
    )
    return frozenset(row[0] for row in rows)


def check_own_sheets(connection: sqlite3.Connection, codes: Collection[str]) -> None:
    """Raise Refused for sheets of the head office: only the head office changes them."""
    if found := sorted(sheets(connection).intersection(codes)):
        named = ", ".join(found)
        raise Refused(
            _("a sheet of the head office, to be changed there: {named}", named=named),
        )


def check_own_units(connection: sqlite3.Connection, codes: Collection[str]) -> None:
    """Raise Refused for units of the head office: only the head office changes them."""
    if found := sorted(units(connection).intersection(codes)):
        named = ", ".join(found)
        raise Refused(
            _("an office of the head office, to be changed there: {named}", named=named),
        )


def _codes(connection: sqlite3.Connection, query: str) -> frozenset[str]:
    if not _is_there(connection):
        return frozenset()
    return frozenset(row[0] for row in connection.execute(query))


def _is_there(connection: sqlite3.Connection) -> bool:
    # A reader may open a database of an older version, without the table.
    known = "SELECT 1 FROM sqlite_schema WHERE name = 'central_settings'"
    return connection.execute(known).fetchone() is not None


def _from_row(row: sqlite3.Row) -> InForce:
    return InForce(
        row["version"],
        row["digest"],
        row["former_version"],
        row["former"],
        datetime.fromisoformat(row["at"]),
        row["by_whom"],
        row["source"],
    )
