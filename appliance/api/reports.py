"""Reports: the proof of the provider's divert-on-busy, and units' monthly sheets by mail.

A test call proves a divert only if every line was busy from before the call until its result was
reported. `DivertCommands` records since when all lines are busy; the report must name that moment.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from appliance.api.permissions import SHELL, CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    declined,
    deferred,
    one_line,
    plain,
    user_of,
)
from appliance.errors import CentralinoError
from appliance.policy.mail import Mail
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.service import reports
from appliance.service.reports import DivertOutcome, Proof
from appliance.store import database, outbox
from appliance.store.database import Noted, transaction
from appliance.store.reports import sheet_key

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.policy.directory import Directory
    from appliance.policy.office import Office

_MONTH = re.compile(r"\d{4}-\d{2}")
LONGEST_WHERE: Final = 100
KEPT: Final = Words("La prova è registrata.", "The proof is recorded.")
BECAME_FREE: Final = Words(
    "una linea si è liberata nel frattempo, e la chiamata può essere arrivata lì: occupare di "
    "nuovo tutte le linee e ripetere la chiamata",
    "a line became free meanwhile, and the call may have rung there: seize all lines again and "
    "repeat the call",
)
NO_WHERE: Final = Words(
    "scrivere dove ha squillato la chiamata, ad esempio «Sportello Cittadini»",
    "write where the call rang, for example “Citizens' counter”",
)
NO_NAME: Final = Words(
    "scrivere il nome del Responsabile che lo dichiara",
    "write the name of the head who declares it",
)
NO_NUMBER: Final = Words(
    "quel numero non è fra i numeri pubblici delle linee",
    "that is none of the lines' public numbers",
)
NO_OUTCOME: Final = Words(
    "scegliere che cosa ha sentito chi ha chiamato", "choose what the caller heard"
)


@dataclass(slots=True)
class DivertCommands(CommandHandlers):
    """Proofs of the divert: the deciding thread watches the lines, the database thread stores them.

    `free` are the lines that a caller could reach now, `seized_at` is since when there is none.
    """

    settings: Settings
    office: Office
    stores: StoreAccess
    now: Callable[[], Now]
    free: tuple[str, ...] = ()
    seized_at: datetime | None = None
    _lines: int = field(default=0)

    def see(self, status: Status) -> None:
        """Update which lines a caller could reach, and since when none."""
        self._lines = len(status.lines)
        self.free = tuple(
            line.label or line.name for line in status.lines if line.state in reports.FREE
        )
        # Without lines there is nothing to seize.
        if self.free or not self._lines:
            self.seized_at = None
        elif self.seized_at is None:
            self.seized_at = status.at

    @command("divert", needs=Permission.TECHNICAL)
    def asked(self, _: Arguments) -> DeferredReply:
        """Return the proof of every public number, and the lines still free."""
        free, seized = self.free, self.seized_at

        def job(_: sqlite3.Connection) -> Reply:
            proofs, lines = reports.load(self.settings), reports.lines_of(self.settings)
            known = self._numbers()
            found = [(each, reports.proof_among(known, each, proofs)) for each in known]
            return {
                "numbers": [
                    {
                        "number": number,
                        "outcome": proof.outcome.value if proof else "",
                        "words": plain(reports.told(proof)) if proof else None,
                        "outdated": proof is not None and proof.lines != lines,
                    }
                    for number, proof in found
                ],
                "lines": list(lines),
                "free": list(free),
                "seized_at": seized.isoformat() if seized else "",
            }

        return deferred(self.stores.records, job, declined)

    @command("divert_prove", needs=Permission.TECHNICAL)
    def prove(self, arguments: Arguments) -> DeferredReply:
        """Save a test call's result, or the supervisor's statement that there is no divert."""
        number, outcome = str(arguments.get("number", "")), arguments.get("outcome")
        where, who = _printable(arguments, "where"), _printable(arguments, "who")
        if number not in self._numbers():
            raise _refused(NO_NUMBER)
        if outcome not in tuple(DivertOutcome):
            raise _refused(NO_OUTCOME)
        if outcome == DivertOutcome.DIVERTED and not where:
            raise _refused(NO_WHERE)
        if outcome == DivertOutcome.NO_DIVERT and not who:
            raise _refused(NO_NAME)
        # A statement without a test call needs no busy lines.
        if outcome != DivertOutcome.NO_DIVERT:
            self._check_seized(str(arguments.get("asked", "")))
        by, at = user_of(arguments), self.now().wall.astimezone(self.office.zone)
        where = where if outcome == DivertOutcome.DIVERTED else ""
        lines = reports.lines_of(self.settings)
        proof = Proof(DivertOutcome(outcome), who or by, at, lines, where, number)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            reports.save(self.settings, proof)
            with transaction(connection):
                database.note(connection, Noted(at, by, "divert.prove", proof.outcome.value))
            return {"said": plain(KEPT)}

        return deferred(self.stores.records, job, declined)

    def _check_seized(self, asked: str) -> None:
        if self.seized_at is None:
            named = ", ".join(self.free)
            raise _refused(
                Words(
                    f"ancora libere: {named}. Con una linea libera la chiamata non prova nulla: "
                    "occuparle tutte, poi ripetere",
                    f"still free: {named}. With a line free a call proves nothing: seize all of "
                    "them, then repeat it",
                )
            )
        # The lines were free in between: the call may have rung at one of them.
        if asked != self.seized_at.isoformat():
            raise _refused(BECAME_FREE)

    def _numbers(self) -> tuple[str, ...]:
        """Return the public numbers, each with its own proof; "" if none is configured."""
        if not self.settings.lines:
            return ()
        # Lines may share one public number.
        return tuple(dict.fromkeys(self.office.public_numbers)) or ("",)


def _refused(words: Words) -> Refused:
    return Refused(words.it, words.en)


def _printable(arguments: Arguments, key: str) -> str:
    text = one_line(arguments, key, LONGEST_WHERE)
    return "".join(sign for sign in text if sign.isprintable())


@command("mail_sheet", needs=SHELL)
def mail_sheet(stores: StoreAccess, register: Directory, arguments: Arguments) -> DeferredReply:
    """Queue a unit's monthly sheet by mail; the same unit and month is sent only once."""
    code, month = str(arguments.get("unit", "")), str(arguments.get("month", ""))
    subject, body = str(arguments.get("subject", "")), str(arguments.get("body", ""))
    unit = register.unit(code)
    if unit is None or not unit.email:
        raise SaidError(
            Words(
                f"la rubrica non ha un'unità {code!r} con un indirizzo e-mail",
                f"the register has no unit {code!r} with an e-mail address",
            )
        )
    if not _MONTH.fullmatch(month) or not subject or not body:
        raise SaidError(
            Words(
                "a un foglio servono il mese (2026-10), l'oggetto e il testo",
                "a sheet needs its month (2026-10), a subject and a text",
            )
        )
    # A line break in a subject would begin another header field (RFC 5322, 2.2).
    mail = Mail(sheet_key(code, month), unit.email, subject.replace("\n", " "), body)
    it = f"La scheda di {unit.name} per {month} parte appena il server di posta la prende."
    en = f"The sheet of {unit.name} for {month} leaves as soon as the mail server takes it."

    def reply(error: CentralinoError | None) -> Reply | CentralinoError:
        return error if error is not None else {"said": {"it": it, "en": en}}

    at, domain = datetime.now(UTC), stores.records.letters.domain
    return deferred(stores.records, lambda c: outbox.queue_mail(c, mail, at, domain), reply)
