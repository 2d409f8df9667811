"""The register as the desk has it: read from the records at the start and whenever it changed.

A command tells the desk of a change; one that was killed before it could is found out by looking
at the records' last change (E12). A register that cannot be read leaves the last one in force, and
one whose numbers cannot be unsealed still gives the offices' rules; both are said (P5). With it go
the officials in charge whom the sheets make public: who reads a return reads both (E10).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.policy.directory import Register, all_known
from appliance.policy.directory_forms import in_force, remembered
from appliance.policy.directory_review import Attention, attention
from appliance.policy.hours import day_phrase
from appliance.policy.sheets import InCharge
from appliance.policy.text import Words, in_language
from appliance.store import directory as store
from appliance.store import sheets
from appliance.store.database import Trouble
from appliance.store.directory import Readable
from appliance.store.writer import Records

Told = Callable[[Register | CentralinoError], None]
Seen = tuple[int, tuple[int, int]]
"""The last change of the records, and which file the key was: whether both are as they were."""
NO_KEY = (0, 0)
WAITING: Final = (
    Words("senza comunicazione valida", "without a valid declaration"),
    Words("comunicazioni in scadenza", "declarations running out"),
    Words("autorizzazioni in scadenza", "authorisations running out"),
    Words("autorizzazioni scadute", "authorisations that ran out"),
)
"""What the head must look after, in the order of _listed."""


class RegisterKeeper:
    """Reads in the records' thread; `post` takes RegisterChanged, `on_trouble` what hinders it."""

    def __init__(
        self,
        records: Records,
        key: Path,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self.key = key
        self._post = post
        self._on_trouble = on_trouble
        self._seen: Seen | None = None
        self._officials: tuple[InCharge, ...] = ()
        self.register = Register()

    def load(self, told: Told = lambda _: None) -> None:
        """Read it; `told` hears the register, or why the last one stays, in the records' thread."""

        def done(result: Readable | CentralinoError) -> None:
            self._take(result)
            told(result.register if isinstance(result, Readable) else result)

        self._records.do(self._read, done)

    def look(self, connection: sqlite3.Connection) -> None:
        """Read it when another process has changed it; in the records' thread.

        Raises CentralinoError when it cannot be read, sqlite3.Error.
        """
        if self._seen == _seen(connection, self.key):
            return
        try:
            self._take(self._read(connection))
        except CentralinoError as error:
            self._take(error)
            raise

    def _read(self, connection: sqlite3.Connection) -> Readable:
        seen = _seen(connection, self.key)  # before: a change while it is read is found later
        read = store.load_readable(connection, self.key)
        register = in_force(read.register)
        found = remembered(register, self.register) if read.why else register
        self._seen, self._officials = seen, sheets.officials(connection)
        return Readable(found, read.why)

    def _take(self, result: Readable | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            self._on_trouble(unreadable(result))
            return
        self.register = result.register
        self._post(events.RegisterChanged(result.register, self._officials))
        self._on_trouble(numberless(result))


def _seen(connection: sqlite3.Connection, key: Path) -> Seen:
    try:
        found = key.stat()
    except OSError:
        return store.last_change(connection), NO_KEY
    return store.last_change(connection), (found.st_ino, found.st_mtime_ns)


def unreadable(error: CentralinoError) -> Trouble:
    """Say that the register cannot be read, and what holds meanwhile."""
    return Trouble(
        "register.unreadable",
        "La rubrica uffici non si può leggere: vale l'ultima letta; avvisare il tecnico "
        "(«centralino register show» dice perché).",
        f"The register of offices cannot be read, the one read last holds: {error}",
    )


def numberless(found: Readable) -> Trouble | None:
    """Say that the register's numbers cannot be unsealed, what still works, and what to do."""
    if found.why is None:
        return None
    if all_known(found.register):
        return Trouble(
            "register.key_missing",
            "La chiave della rubrica uffici (register.key) non si può leggere: i numeri restano "
            "noti solo finché il centralino non riparte. Il tecnico la rimetta al suo posto dal "
            "backup.",
            "The key of the register cannot be read, its numbers are known only until the desk "
            f"starts anew: {found.why}",
        )
    return Trouble(
        "register.numbers_unreadable",
        "I numeri della rubrica uffici non si possono leggere: nessun trasferimento verso di essi; "
        "valgono le regole degli uffici (appuntamento o e-mail). Il tecnico rimetta al suo posto "
        "la chiave register.key dal backup: vale da subito.",
        "The numbers of the register cannot be read, nothing is transferred to them; the offices' "
        f"rules (appointment or e-mail) hold, and the key's return mends it at once: {found.why}",
    )


def summary(register: Register, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return what `status --json` tells of the register: counts and codes, no number."""
    found = attention(register, at, zone)
    return {
        "units": len(register.units),
        "undeclared": [unit.code for unit in found.undeclared],
        "expiring": [{"unit": d.unit, "last": f"{d.last}"} for d in found.expiring],
        "authorisations_expiring": [each.entry.number for each in found.lapsing],
        "authorisations_expired": [each.entry.number for each in found.lapsed],
    }


def in_one_line(register: Register, at: datetime, zone: ZoneInfo) -> Words:
    """Say in one line how many units there are, and whether the head must look after any."""
    if not register.units:
        return Words("vuota: nessun trasferimento possibile", "empty: nothing can be transferred")
    found, count = attention(register, at, zone), len(register.units)
    it, en = [f"{count} tra servizi e uffici"], [f"{count} services and offices"]
    for parts, language in ((it, "it"), (en, "en")):
        parts += [f"{said}: {', '.join(names)}" for said, names in _listed(found, language)]
    return Words("; ".join(it), "; ".join(en))


def _listed(found: Attention, language: str) -> Iterator[tuple[str, list[str]]]:
    def until(name: object, last: date | None) -> str:
        return f"{name} ({day_phrase('', last, language)})" if last else f"{name}"

    lists = (
        [unit.code for unit in found.undeclared],
        [until(each.unit, each.last) for each in found.expiring],
        [until(each.entry.number, each.last) for each in found.lapsing],
        [str(each.entry.number) for each in found.lapsed],
    )
    for words, names in zip(WAITING, lists, strict=True):
        if names:
            yield in_language(words, language), names
