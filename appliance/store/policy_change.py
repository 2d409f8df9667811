"""A change of the policy's tables: made by a command, written by call control."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import OfficeError
from appliance.policy.address_book import BookEntry
from appliance.policy.sheets import Sheet
from appliance.policy.text import SaidError
from appliance.store import address_book, backup, database, directory, managed_config, sheets
from appliance.store.database import Noted, transaction
from appliance.store.directory import Rows, Sealed, Who
from appliance.store.managed_config import InForce
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3

# Three thousand sheets, or a directory with five signed letters.
LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a change over the control socket."""
CHANGED_MEANWHILE: Final = _("Register or sheets have changed meanwhile: give the command again.")


class OvertakenError(SaidError):
    """Raised when the database has changed since the version that a change was made from."""

    def __init__(self) -> None:
        super().__init__(CHANGED_MEANWHILE)


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """Rows of a head office's bundle: the bundle in force, and the sheets and units it brings."""

    in_force: InForce
    sheets: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Rows to write in one transaction; `basis` is the policy's version they were made from.

    `gone` are codes of removed sheets, `struck` those of removed entries of the address book.
    """

    basis: int
    register: Rows | None = None
    sheets: tuple[Sheet, ...] = ()
    gone: tuple[str, ...] = ()
    noted: tuple[Noted, ...] = ()
    central: ManagedPolicy | None = None
    book: tuple[BookEntry, ...] = ()
    struck: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """True if there is nothing to write."""
        laid = (self.register, self.sheets, self.gone, self.noted, self.central)
        return not any((*laid, self.book, self.struck))


def basis(connection: sqlite3.Connection) -> int:
    """Return the policy's version for a new change; read it before anything else."""
    return backup.version(connection)


def write(connection: sqlite3.Connection, change: PolicyChange) -> None:
    """Write a change, all or nothing; raises OvertakenError, sqlite3.Error."""
    with transaction(connection):
        # A change that is repeated after an unknown outcome is overtaken by itself, unless it has
        # written to the audit log alone.
        # What the command has read must still hold: else nothing is written, and the command is to
        # make the change again.
        if basis(connection) != change.basis:
            raise OvertakenError
        if change.register is not None:
            directory.write(connection, change.register)
        sheets.lay(connection, change.sheets, change.gone)
        address_book.lay(connection, change.book, change.struck)
        if change.central is not None:
            managed_config.mark(connection, change.central.sheets, change.central.units)
            managed_config.put(connection, change.central.in_force)
        for each in change.noted:
            database.note(connection, each)


def to_json(change: PolicyChange) -> bytes:
    """Encode a change for the control socket."""

    def plain(value: object) -> object:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, (date, datetime)):
            return value.isoformat()
        if isinstance(value, Words):
            return value.by_language()
        raise TypeError(f"{type(value)} has no form on the control socket")

    return json.dumps(asdict(change), default=plain, ensure_ascii=False).encode()


def from_json(data: bytes) -> PolicyChange:
    """Decode a change; raises OfficeError for malformed data."""
    try:
        found = json.loads(data)
        rows, of_central = found["register"], found["central"]
        return PolicyChange(
            int(found["basis"]),
            _rows(rows) if rows else None,
            tuple(_sheet(each) for each in found["sheets"]),
            tuple(map(str, found["gone"])),
            tuple(_noted(each) for each in found["noted"]),
            _central(of_central) if of_central else None,
            tuple(address_book.entry_from(each) for each in found["book"]),
            tuple(map(str, found["struck"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OfficeError(f"this is no change of register and sheets ({error!r})") from error


def _rows(found: dict[str, Any]) -> Rows:
    who = found["who"]
    return Rows(
        Who(who["by"], datetime.fromisoformat(who["at"]), who["what"]),
        tuple(tuple(map(str, unit)) for unit in found["units"]),
        tuple(dict(entry) for entry in found["entries"]),
        tuple(
            Sealed(each["name"], each["sha256"], each["length"], base64.b64decode(each["sealed"]))
            for each in found["attached"]
        ),
        found["about"],
    )


def _sheet(found: dict[str, Any]) -> Sheet:
    lists = {name: tuple(found[name]) for name in ("needs", "keywords")}
    return Sheet(**found | lists | {"updated": date.fromisoformat(found["updated"])})


def _noted(found: dict[str, Any]) -> Noted:
    return Noted(**found | {"at": datetime.fromisoformat(found["at"])})


def _central(found: dict[str, Any]) -> ManagedPolicy:
    held = found["in_force"]
    in_force = InForce(**held | {"at": datetime.fromisoformat(held["at"])})
    return ManagedPolicy(in_force, tuple(found["sheets"]), tuple(found["units"]))
