"""The register of offices in the database: rows are only ever added (P4), numbers sealed (P7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import StoreError
from appliance.policy.refused import NotKept, Refused
from appliance.policy.register.declarations import Declaration, Variation
from appliance.policy.register.merge import Merged, Revoked
from appliance.policy.register.register import Authorisation, Register, Unit
from appliance.policy.system_words import why_not
from appliance.records import audit, central
from appliance.records.audit import Noted
from appliance.records.database import transaction
from appliance.records.register_rows import REVOCATION, from_row, to_row
from appliance.records.vault import Opener, Vault, Willing, load_vault, make_vault

if TYPE_CHECKING:
    import sqlite3

ATTACHMENT_LIMIT: Final = 5_000_000
"""Bytes of one attachment: an e-mail with a signed page, not an archive."""
_UNITS: Final = """
    SELECT code, name, email, service, say FROM register_units
    WHERE change = (SELECT max(change) FROM register_units) ORDER BY position
"""
_ENTRY: Final = (
    "number", "kind", "unit", "entered_by", "entered_at", "reference", "attachment", "body",
)  # fmt: skip
_ADD_ENTRY: Final = (
    f"INSERT INTO register_entries (change, {', '.join(_ENTRY)}) "  # noqa: S608 - constant names
    f"VALUES (:change, :{', :'.join(_ENTRY)})"
)


@dataclass(frozen=True, slots=True)
class Who:
    """Who changes the register, when, and by which command ("import", "vary", ...)."""

    by: str
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that an entry names, sealed: its digest and length are those of the open one."""

    name: str
    sha256: str
    length: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """What one change writes: all units where they differ, else none; entries, files, audit."""

    who: Who
    units: tuple[tuple[str, ...], ...]
    entries: tuple[dict[str, object], ...]
    attached: tuple[Sealed, ...]
    about: str


def load(connection: sqlite3.Connection, key: Path) -> Register:
    """Read all of it; raises StoreError when it, or the key of its numbers, cannot be read."""
    return _register(connection, load_vault(key) if holds_numbers(connection) else None)


@dataclass(frozen=True, slots=True)
class Readable:
    """A register as far as it can be read; `why` says what its numbers lack, None for nothing."""

    register: Register
    why: StoreError | None = None


def load_readable(connection: sqlite3.Connection, key: Path) -> Readable:
    """Read all that can be read: a number that cannot be unsealed is empty, and its calls refused.

    Units, bands and rules are not sealed. Raises StoreError when those cannot be read either.
    """
    if not holds_numbers(connection):
        return Readable(_register(connection, None))
    try:
        opener = Willing(load_vault(key))
    except StoreError as error:
        return Readable(_register(connection, None), error)
    return Readable(_register(connection, opener), opener.error)


def last_change(connection: sqlite3.Connection) -> int:
    """Return the number of the last change of the register, 0 for none."""
    found = connection.execute("SELECT coalesce(max(number), 0) FROM register_changes")
    return int(found.fetchone()[0])


def names_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Name offices by code, their needs by "office.need", an office's own by its service's too."""
    held = load_masked(connection)
    named = {unit.code: unit.name for unit in held.units}
    for unit in held.units:
        declared = [d for d in held.declarations if d.unit in (unit.service, unit.code)]
        named |= {f"{unit.code}.{need.code}": need.name for d in declared for need in d.needs}
    return named


def load_masked(connection: sqlite3.Connection) -> Register:
    """Read all but the numbers, which are empty: what can be shown without the key."""
    return _register(connection, None)


def holds_numbers(connection: sqlite3.Connection) -> bool:
    """Tell whether anything is sealed in the database."""
    entries = "SELECT 1 FROM register_entries WHERE kind IN ('declaration', 'authorisation')"
    both = f"SELECT EXISTS ({entries}) OR EXISTS (SELECT 1 FROM register_attachments)"  # noqa: S608 - constant
    return bool(connection.execute(both).fetchone()[0])


def change(
    connection: sqlite3.Connection,
    key: Path,
    who: Who,
    make: Callable[[Register], Merged],
    attached: Mapping[str, bytes],
) -> Merged:
    """Change the register by what `make` makes of the stored one, all or nothing, audited.

    `attached` are the files that entries name, by name; one that stands there already is kept.
    What changes nothing adds no row. Raises what `make` raises, OfficeError, StoreError.
    """
    with transaction(connection):
        merged, rows = rows_of(connection, key, who, make, attached)
        if rows is not None:
            write(connection, rows)
    return merged


def attachment(connection: sqlite3.Connection, key: Path, name: str) -> bytes:
    """Return an attached file; raises OfficeError when there is none of that name, StoreError."""
    row = connection.execute(
        "SELECT sealed, sha256 FROM register_attachments WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise Refused(
            f"nessun allegato si chiama {name!r}: vedere centralino register history",
            f"nothing named {name!r} is attached: see centralino register history",
        )
    return load_vault(key).open_bytes(row["sealed"], _about(name))


def _vault(connection: sqlite3.Connection, key: Path) -> Vault:
    """Return the key, made when nothing was ever sealed; a lost one is never made anew."""
    if key.exists() or holds_numbers(connection):
        return load_vault(key)
    try:
        return make_vault(key)
    except OSError as error:
        raise NotKept(
            f"la chiave {key} non si può creare ({why_not(error).it}): controllare la memoria",
            f"the key {key} cannot be made ({error}): check the disk",
        ) from error


def units(connection: sqlite3.Connection) -> tuple[Unit, ...]:
    """Return the services and offices alone, in their order: no declaration is read for a name."""
    return tuple(Unit(*row) for row in connection.execute(_UNITS))


def _register(connection: sqlite3.Connection, vault: Opener | None) -> Register:
    rows = connection.execute("SELECT * FROM register_entries ORDER BY number").fetchall()
    found = [_entered(row, vault) for row in rows]
    ends = {each.number: each.entry for each in found if isinstance(each, Revoked)}
    return Register(
        units(connection),
        tuple(each for each in found if isinstance(each, Declaration)),
        tuple(each for each in found if isinstance(each, Variation)),
        tuple(
            replace(each, revoked=ends.get(each.entry.number))
            for each in found
            if isinstance(each, Authorisation)
        ),
    )


def _entered(
    row: sqlite3.Row, vault: Opener | None
) -> Declaration | Variation | Authorisation | Revoked:
    try:
        return from_row(row, vault)
    except StoreError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise NotKept(
            f"la voce {row['number']} della rubrica non si può leggere ({error}): "
            "ripristinare gli archivi dalla copia di sicurezza",
            f"entry {row['number']} of the register cannot be read ({error}): put the records back "
            "from the backup",
        ) from error


def rows_of(
    connection: sqlite3.Connection,
    key: Path,
    who: Who,
    make: Callable[[Register], Merged],
    attached: Mapping[str, bytes],
) -> tuple[Merged, Rows | None]:
    """Make the rows of a change of the stored register; None for nothing to write.

    Raises what `make` raises, OfficeError, StoreError.
    """
    merged = make(load(connection, key))
    touched = (*merged.changed_units, *merged.gone_units)
    if who.what != central.ENTERED:
        central.check_own_units(connection, [unit.code for unit in touched])
    if merged.is_nothing:
        return merged, None
    return merged, _rows(connection, _vault(connection, key), who, merged, attached)


def write(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write the rows of a change and its audit, inside the caller's transaction."""
    who = rows.who
    insert = "INSERT INTO register_changes (at, by_whom, what) VALUES (?, ?, ?)"
    number = connection.execute(insert, (who.at.isoformat(), who.by, who.what)).lastrowid
    connection.executemany(
        "INSERT INTO register_units VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, place, *unit) for place, unit in enumerate(rows.units)],
    )
    connection.executemany(_ADD_ENTRY, [{"change": number, **entry} for entry in rows.entries])
    connection.executemany(
        "INSERT INTO register_attachments VALUES (?, ?, ?, ?, ?)",
        [(each.name, number, each.sha256, each.length, each.sealed) for each in rows.attached],
    )
    audit.note(connection, Noted(who.at, who.by, f"register.{who.what}", rows.about))


def _rows(
    connection: sqlite3.Connection,
    vault: Vault,
    who: Who,
    merged: Merged,
    attached: Mapping[str, bytes],
) -> Rows:
    units = {each.entry.number: each.unit for each in merged.register.authorisations}
    entries = [to_row(each, each.unit, vault) for each in merged.new]
    entries += [to_row(each, units[each.number], vault) for each in merged.revoked]
    entries += [
        to_row(Revoked(each.entry.number, each.revoked), each.unit, vault)
        for each in merged.new
        if isinstance(each, Authorisation) and each.revoked is not None
    ]
    named = merged.register.units if merged.units_differ else ()
    return Rows(
        who,
        tuple((unit.code, unit.name, unit.email, unit.service, unit.say) for unit in named),
        tuple(entries),
        tuple(_sealed(connection, vault, entries, attached)),
        _about_of(entries, merged),
    )


def _about_of(entries: list[dict[str, object]], merged: Merged) -> str:
    """Say what a change concerned, without a number that may not be told."""
    said = [
        f"{'ends' if e['kind'] == REVOCATION else e['kind']} {e['number']} of {e['unit']}"
        for e in entries
    ]
    units = (
        ("new", merged.new_units), ("changed", merged.changed_units), ("gone", merged.gone_units),
    )  # fmt: skip
    said += [f"{what} unit {unit.code}" for what, found in units for unit in found]
    return ", ".join(said) or "order of the units"


def _sealed(
    connection: sqlite3.Connection,
    vault: Vault,
    entries: list[dict[str, object]],
    attached: Mapping[str, bytes],
) -> Iterator[Sealed]:
    """Seal the files that new entries name: every one of them, and the same under the same name."""
    for name in dict.fromkeys(str(entry["attachment"]) for entry in entries):
        if not name:
            continue
        stored = connection.execute(
            "SELECT sha256 FROM register_attachments WHERE name = ?", (name,)
        ).fetchone()
        data = attached.get(name)
        if data is None and stored is None:
            raise Refused(
                f"manca l'allegato «{name}»: mettere il file accanto alla rubrica",
                f"the attachment {name!r} is not there: put the file beside the register",
            )
        if data is None:
            continue
        digest = hashlib.sha256(data).hexdigest()
        if stored is not None and stored["sha256"] != digest:
            raise Refused(
                f"un altro file «{name}» è già allegato: dargli un altro nome",
                f"another file named {name!r} is attached already: give it another name",
            )
        if len(data) > ATTACHMENT_LIMIT:
            raise Refused(
                f"l'allegato «{name}» ha {len(data)} byte: al massimo {ATTACHMENT_LIMIT}",
                f"the attachment {name!r} has {len(data)} bytes: at most {ATTACHMENT_LIMIT}",
            )
        if stored is None:
            yield Sealed(name, digest, len(data), vault.seal_bytes(data, _about(name)))


def _about(name: str) -> str:
    return f"attachment {name}"
