"""Directory of offices: rows of units and entries, excerpts, encrypted values (P4, P7).

The only module that imports cryptography.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from appliance.errors import StoreError
from appliance.files import create_once, make_private
from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    Declaration,
    Directory,
    DirectoryEntry,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    Unit,
    Variation,
)
from appliance.policy.directory_changes import DirectoryChange, Revocation
from appliance.policy.hours import WEEKDAYS, Band, Week
from appliance.policy.numbering import Purpose, SecretNumber
from appliance.policy.text import NotKept, Refused, os_error_words, technical_words
from appliance.store import database, managed_config
from appliance.store.database import Noted, transaction
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


# ---- excerpts ----------------------------------------------------------------------------------
# The words around a match of a search, for an operator's glance (P2). Cut here for the matches that
# are shown: SQLite would make an excerpt for every match that it sorts (sheets.py).

BEFORE, AFTER = 40, 100
"""Characters shown before a match and after its beginning, to whole words."""


class _WithoutDiacritics(dict[int, int]):
    """Translation table to small letters without diacritics, filled as characters are met."""

    # One character for one, so that a place in the folded text is the same place in the text.

    def __missing__(self, code: int) -> int:
        plain = unicodedata.normalize("NFD", chr(code))[0].lower()
        self[code] = ord(plain) if len(plain) == 1 else code
        return self[code]


_PLAIN: Final = _WithoutDiacritics()


def excerpt(text: str, stems: list[str]) -> str:
    """Return the words around the first match of a stem; a longer stem is looked for first."""
    at = _place(folded(text), sorted(stems, key=len, reverse=True))
    begin = text.rfind(" ", 0, at - BEFORE) + 1 if at > BEFORE else 0
    end = text.find(" ", at + AFTER)
    words = " ".join(text[begin : end if end >= 0 else len(text)].split())
    return f"{'…' if begin else ''}{words}{'…' if end >= 0 else ''}"


def folded(text: str) -> str:
    """Return a text in small letters without diacritics, of the same length."""
    return text.translate(_PLAIN)


def _place(plain: str, stems: list[str]) -> int:
    for stem in stems:
        found = re.search(rf"(?<![^\W_]){re.escape(folded(stem))}", plain)
        if found:
            return found.start()
    # The match was in the title alone: the excerpt is the text's beginning.
    return 0


# ---- vault -------------------------------------------------------------------------------------
# Encryption of what may not be in the database in clear: numbers, and attachments that may name
# some (P7). AES-256-GCM (NIST SP 800-38D) with a nonce of 96 random bits, stored before the
# ciphertext. The key is in a file of its own, 0600: a copy of the database alone tells no number.

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
# The length of a ciphertext is that of its text: a padded one says nothing about the number's.
LEAST_TEXT: Final = 32
"""Bytes to which a text is padded."""
FILL: Final = b"\0"
KEY: Final = "register.key"
SECRETS: Final = "secrets"
"""Folder for keys and passwords below the state folder."""


class Vault:
    """Cipher with one key; raises StoreError for data that this key did not encrypt.

    `about` names the owner of the data. It is authenticated with them, so that no ciphertext can
    take another's place.
    """

    def __init__(self, key: bytes, path: Path) -> None:
        self._key = key
        self._path = path
        self._cipher: AESGCM | None = None

    def seal(self, text: str, about: str) -> str:
        """Encrypt a short text, padded; returns Base64."""
        sealed = self.seal_bytes(text.encode().ljust(LEAST_TEXT, FILL), about)
        return base64.b64encode(sealed).decode("ascii")

    def open(self, sealed: str, about: str) -> str:
        """Decrypt a text of `seal`."""
        return self.open_bytes(base64.b64decode(sealed), about).rstrip(FILL).decode()

    def seal_bytes(self, data: bytes, about: str) -> bytes:
        """Encrypt bytes, without padding; returns nonce and ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._ready().encrypt(nonce, data, about.encode())

    def open_bytes(self, sealed: bytes, about: str) -> bytes:
        """Decrypt bytes of `seal_bytes`."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._ready().decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError) as error:
            raise NotKept(
                _(
                    "what is sealed for {about} cannot be read with {path}: put back the key "
                    "of the backup that the records come from",
                    about=about,
                    path=self._path,
                ),
            ) from error

    def _ready(self) -> AESGCM:
        """Return the cipher."""
        # The library takes 8 MB: without a directory it is never loaded.
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._key)
        return self._cipher


class Opener(Protocol):
    """Decryption of a text: a Vault, or a Willing one."""

    def open(self, sealed: str, about: str) -> str:
        """Return the text."""


class Willing:
    """Vault that returns "" for a text it cannot decrypt; `error` is the first reason."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.error: StoreError | None = None

    def open(self, sealed: str, about: str) -> str:
        """Return the text, "" if it cannot be decrypted."""
        try:
            return self._vault.open(sealed, about)
        except StoreError as error:
            self.error = self.error or error
            return ""


def secret_place(state: Path, name: str) -> Path:
    """Return the path of a secret, in a folder that call control's account alone can enter."""
    # An older version kept secrets in the state folder itself: one is found there until it is moved
    # (config/state_folder.py).
    before, place = state / name, state / SECRETS / name
    is_left = before.is_file() and not before.is_symlink()
    return before if is_left else place


def key_path(database: Path) -> Path:
    """Return the path of the key, among the secrets beside the database."""
    return secret_place(database.parent, KEY)


def load_vault(path: Path) -> Vault:
    """Read the key; raises StoreError if it is missing or malformed."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        raise NotKept(
            _(
                "the key {path} is missing, so the register's numbers cannot be read: put "
                "it back from the backup, or begin the records anew and import the "
                "register's export",
                path=path,
            ),
        ) from error
    except (OSError, ValueError) as error:
        why = (
            technical_words(error.strerror, os_error_words(error))
            if isinstance(error, OSError)
            else _("it is not what was written there")
        )
        raise NotKept(
            _(
                "the key {path} cannot be read ({why}): put it back from the backup",
                path=path,
                why=why,
            ),
        ) from error
    if len(key) != KEY_BYTES:
        raise NotKept(
            _("the key {path} is cut short: put it back from the backup", path=path),
        )
    return Vault(key, path)


def make_vault(path: Path) -> Vault:
    """Create the key, durably and once, for the folder's owner, also when run by root.

    Raises OSError.
    """
    make_private(path.parent)
    # A key that another process has created meanwhile is taken, never replaced.
    with contextlib.suppress(FileExistsError):
        create_once(path, f"{secrets.token_hex(KEY_BYTES)}\n".encode("ascii"))
    return load_vault(path)


# ---- rows of entries ---------------------------------------------------------------------------
# The contents of an entry are JSON, with every number in it encrypted (P7).

Body = dict[str, Any]

KINDS = {
    Declaration: "declaration",
    Variation: "variation",
    Authorisation: "authorisation",
    Revocation: "revocation",
}
REVOCATION = KINDS[Revocation]


def entry_to_row(
    entered: DirectoryEntry | Revocation, unit: str, vault: Vault
) -> dict[str, object]:
    """Map an entry to its columns."""
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


def entry_from_row(row: sqlite3.Row, vault: Opener | None) -> DirectoryEntry | Revocation:
    """Make an entry of its columns; without a vault its numbers are empty.

    Raises StoreError, ValueError, KeyError, TypeError for a malformed row.
    """
    at = datetime.fromisoformat(row["entered_at"])
    entry = EntryStamp(row["number"], row["entered_by"], at, row["reference"], row["attachment"])
    body, unit = json.loads(row["body"]), str(row["unit"])
    match row["kind"]:
        case "declaration":
            return _declaration(entry, unit, body, vault)
        case "variation":
            return _variation(entry, unit, body)
        case "authorisation":
            return _authorisation(entry, unit, body, vault)
    return Revocation(int(body["of"]), entry)


def _body(entered: DirectoryEntry | Revocation, vault: Vault) -> Body:
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


def _target_to(target: TransferTarget, number: int, vault: Vault) -> Body:
    return {
        "reach": target.reach.value,
        "sealed": vault.seal(target.number.reveal(Purpose.STORE), _entry_label(number)),
        "label": target.label,
        "service_mobile": target.service_mobile,
    }


def _declaration(entry: EntryStamp, unit: str, body: Body, vault: Opener | None) -> Declaration:
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
        slots and AppointmentSlots(_week(slots["week"]), slots["minutes"], slots["places"]),
    )


def _variation(entry: EntryStamp, unit: str, body: Body) -> Variation:
    first, last = (date.fromisoformat(body[name]) for name in ("first", "last"))
    week = None if body["week"] is None else _week(body["week"])
    # A row of an older version has no notice.
    notice = str(body.get("notice", ""))
    return Variation(entry, unit, first, last, week, tuple(body["needs"]), notice)


def _authorisation(entry: EntryStamp, unit: str, body: Body, vault: Opener | None) -> Authorisation:
    told = _target(body["told"], entry.number, vault)
    return Authorisation(entry, unit, told, body["authorised_by"], last=_date(body["last"]))


def _need(body: Body, number: int, vault: Opener | None) -> Need:
    targets = tuple(_target(each, number, vault) for each in body["targets"])
    rules = tuple(map(ReturnRule, body["rules"]))
    return Need(body["code"], body["name"], targets, rules, body["code_keys"])


def _target(body: Body, number: int, vault: Opener | None) -> TransferTarget:
    digits = vault.open(body["sealed"], _entry_label(number)) if vault else ""
    reach, mobile = Reach(body["reach"]), bool(body["service_mobile"])
    return TransferTarget(reach, SecretNumber(digits), body["label"], mobile)


def _entry_label(number: int) -> str:
    """Return the owner of a number, authenticated with it: no row can take another's number."""
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


# ---- directory ---------------------------------------------------------------------------------
# Rows are only added (P4): triggers of the schema refuse anything else.

# An attachment is an e-mail with a signed page, not an archive.
ATTACHMENT_LIMIT: Final = 5_000_000
"""Bytes of one attachment."""
# A change of any unit stores the whole list: the last one is in force (schema/005).
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
    """Author of a change of the directory, its instant and command ("import", "vary", ...)."""

    by: str
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted attachment; digest and length are those of the file in clear."""

    name: str
    sha256: str
    length: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one change: all units if any differs, else none; entries, attachments, audit text."""

    who: Who
    units: tuple[tuple[str, ...], ...]
    entries: tuple[dict[str, object], ...]
    attached: tuple[Sealed, ...]
    about: str


def load(connection: sqlite3.Connection, key: Path) -> Directory:
    """Read the directory; raises StoreError if it, or the key of its numbers, cannot be read."""
    return _register(connection, load_vault(key) if holds_numbers(connection) else None)


@dataclass(frozen=True, slots=True)
class Readable:
    """A directory as far as it can be read; `why` is the reason for missing numbers, or None."""

    register: Directory
    why: StoreError | None = None


def load_readable(connection: sqlite3.Connection, key: Path) -> Readable:
    """Read the directory as far as it can be; a number that cannot be decrypted is empty.

    Raises StoreError when units, time windows and rules cannot be read either.
    """
    # Those are not encrypted, and hold without the key (P5, E12); calls to empty numbers are
    # refused.
    if not holds_numbers(connection):
        return Readable(_register(connection, None))
    try:
        opener = Willing(load_vault(key))
    except StoreError as error:
        return Readable(_register(connection, None), error)
    return Readable(_register(connection, opener), opener.error)


def last_change(connection: sqlite3.Connection) -> int:
    """Return the number of the directory's last change, 0 for none."""
    # By it call control finds a change of another process (E12).
    found = connection.execute("SELECT coalesce(max(number), 0) FROM register_changes")
    return int(found.fetchone()[0])


def names_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Map codes to names: offices by code, needs by "office.need", also those of its service."""
    held = load_masked(connection)
    named = {unit.code: unit.name for unit in held.units}
    for unit in held.units:
        declared = [d for d in held.declarations if d.unit in (unit.service, unit.code)]
        named |= {f"{unit.code}.{need.code}": need.name for d in declared for need in d.needs}
    return named


def load_masked(connection: sqlite3.Connection) -> Directory:
    """Read the directory without the key: numbers are empty."""
    return _register(connection, None)


def holds_numbers(connection: sqlite3.Connection) -> bool:
    """Tell whether anything in the database is encrypted."""
    entries = "SELECT 1 FROM register_entries WHERE kind IN ('declaration', 'authorisation')"
    both = f"SELECT EXISTS ({entries}) OR EXISTS (SELECT 1 FROM register_attachments)"  # noqa: S608 - constant
    return bool(connection.execute(both).fetchone()[0])


def change(
    connection: sqlite3.Connection,
    key: Path,
    who: Who,
    make: Callable[[Directory], DirectoryChange],
    attached: Mapping[str, bytes],
) -> DirectoryChange:
    """Change the directory by what `make` makes of the stored one, all or nothing, audited.

    `attached` are the files that entries name, by name; a stored one is kept. A change of nothing
    adds no row. Raises what `make` raises, OfficeError, StoreError.
    """
    with transaction(connection):
        merged, rows = rows_of(connection, key, who, make, attached)
        if rows is not None:
            write(connection, rows)
    return merged


def attachment(connection: sqlite3.Connection, key: Path, name: str) -> bytes:
    """Return an attachment; raises OfficeError for an unknown name, StoreError."""
    row = connection.execute(
        "SELECT sealed, sha256 FROM register_attachments WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise Refused(
            _(
                "nothing named {name!r} is attached: see centralino office directory history",
                name=name,
            ),
        )
    return load_vault(key).open_bytes(row["sealed"], _attachment_label(name))


def _vault(connection: sqlite3.Connection, key: Path) -> Vault:
    """Return the key, created if there is none yet."""
    # A lost key is never replaced by a new one, but put back from the backup: numbers encrypted
    # with two keys would be lost with one of them.
    if key.exists() or holds_numbers(connection):
        return load_vault(key)
    try:
        return make_vault(key)
    except OSError as error:
        raise NotKept(
            _(
                "the key {key} cannot be made ({error}): check the disk",
                key=key,
                error=technical_words(error, os_error_words(error)),
            ),
        ) from error


def units(connection: sqlite3.Connection) -> tuple[Unit, ...]:
    """Return services and offices in their order, without reading any declaration."""
    return tuple(Unit(*row) for row in connection.execute(_UNITS))


def _register(connection: sqlite3.Connection, vault: Opener | None) -> Directory:
    rows = connection.execute("SELECT * FROM register_entries ORDER BY number").fetchall()
    found = [_entered(row, vault) for row in rows]
    ends = {each.number: each.entry for each in found if isinstance(each, Revocation)}
    return Directory(
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
) -> Declaration | Variation | Authorisation | Revocation:
    try:
        return entry_from_row(row, vault)
    except StoreError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise NotKept(
            _(
                "entry {number} of the register cannot be read ({error}): put the records "
                "back from the backup",
                number=row["number"],
                error=error,
            ),
        ) from error


def rows_of(
    connection: sqlite3.Connection,
    key: Path,
    who: Who,
    make: Callable[[Directory], DirectoryChange],
    attached: Mapping[str, bytes],
) -> tuple[DirectoryChange, Rows | None]:
    """Make the rows of a change of the stored directory; None if there is nothing to write.

    Raises what `make` raises, OfficeError, StoreError.
    """
    merged = make(load(connection, key))
    # Units of the head office are changed by its bundles alone.
    touched = (*merged.changed_units, *merged.gone_units)
    if who.what != managed_config.ENTERED:
        managed_config.check_own_units(connection, [unit.code for unit in touched])
    # Rows are only added (P4): an import of what is stored already adds none.
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
    database.note(connection, Noted(who.at, who.by, f"register.{who.what}", rows.about))


def _rows(
    connection: sqlite3.Connection,
    vault: Vault,
    who: Who,
    merged: DirectoryChange,
    attached: Mapping[str, bytes],
) -> Rows:
    units = {each.entry.number: each.unit for each in merged.directory.authorisations}
    entries = [entry_to_row(each, each.unit, vault) for each in merged.new]
    entries += [entry_to_row(each, units[each.number], vault) for each in merged.revoked]
    entries += [
        entry_to_row(Revocation(each.entry.number, each.revoked), each.unit, vault)
        for each in merged.new
        if isinstance(each, Authorisation) and each.revoked is not None
    ]
    named = merged.directory.units if merged.units_differ else ()
    return Rows(
        who,
        tuple((unit.code, unit.name, unit.email, unit.service, unit.say) for unit in named),
        tuple(entries),
        tuple(_sealed(connection, vault, entries, attached)),
        _about_of(entries, merged),
    )


def _about_of(entries: list[dict[str, object]], merged: DirectoryChange) -> str:
    """Write for the audit log what a change concerned, without any number (P7)."""
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
    """Encrypt the files that new entries name; raises Refused for a missing or different one."""
    # One file may belong to several entries, and is stored once.
    for name in dict.fromkeys(str(entry["attachment"]) for entry in entries):
        if not name:
            continue
        stored = connection.execute(
            "SELECT sha256 FROM register_attachments WHERE name = ?", (name,)
        ).fetchone()
        data = attached.get(name)
        if data is None and stored is None:
            raise Refused(
                _(
                    "the attachment {name!r} is not there: put the file beside the register",
                    name=name,
                ),
            )
        if data is None:
            continue
        digest = hashlib.sha256(data).hexdigest()
        # An attachment is never replaced, as nothing that was entered is ever changed (P4).
        if stored is not None and stored["sha256"] != digest:
            raise Refused(
                _(
                    "another file named {name!r} is attached already: give it another name",
                    name=name,
                ),
            )
        if len(data) > ATTACHMENT_LIMIT:
            raise Refused(
                _(
                    "the attachment {name!r} has {data} bytes: at most {attachment_limit}",
                    name=name,
                    data=len(data),
                    attachment_limit=ATTACHMENT_LIMIT,
                ),
            )
        if stored is None:
            yield Sealed(name, digest, len(data), vault.seal_bytes(data, _attachment_label(name)))


def _attachment_label(name: str) -> str:
    return f"attachment {name}"
