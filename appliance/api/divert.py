"""What is asked at the door about the carrier's divert-on-busy: what is proven, and a new proof.

A call proves something only if every line was seized from before it was placed until it was said
where it rang: since when that is so is watched here, and who says it names that moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import plain
from appliance.errors import CentralinoError
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.service import reports
from appliance.service.reports import Outcome, Proof
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.api.protocol import DeferredReply, Reply, SendReply
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.policy.office import Office
    from appliance.service.loop import Stores

LONGEST: Final = 100
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
class DivertQuestions:
    """Asked in the deciding thread, which sees the lines; kept by the records'."""

    settings: Settings
    office: Office
    stores: Stores
    now: Callable[[], Now]
    free: tuple[str, ...] = ()
    seized_at: datetime | None = None
    _lines: int = field(default=0)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {"divert": self.asked, "divert_prove": self.prove}

    def see(self, status: Status) -> None:
        """Look at a status: which lines a caller could reach, since when none."""
        self._lines = len(status.lines)
        self.free = tuple(
            line.label or line.name for line in status.lines if line.state in reports.FREE
        )
        if self.free or not self._lines:
            self.seized_at = None
        elif self.seized_at is None:
            self.seized_at = status.at

    def asked(self, _: dict[str, Any]) -> DeferredReply:
        """Tell of every public number what is proven, and which lines are still free."""
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

        return self._later(job)

    def prove(self, question: dict[str, Any]) -> DeferredReply:
        """Keep what a call has shown, or the head's word that there is no divert."""
        number, outcome = str(question.get("number", "")), question.get("outcome")
        where, who = _line(question, "where"), _line(question, "who")
        if number not in self._numbers():
            raise _refused(NO_NUMBER)
        if outcome not in tuple(Outcome):
            raise _refused(NO_OUTCOME)
        if outcome == Outcome.DIVERTED and not where:
            raise _refused(NO_WHERE)
        if outcome == Outcome.NO_DIVERT and not who:
            raise _refused(NO_NAME)
        if outcome != Outcome.NO_DIVERT:
            self._check_seized(str(question.get("asked", "")))
        by, at = str(question.get("by", ""))[:64], self.now().wall.astimezone(self.office.zone)
        where = where if outcome == Outcome.DIVERTED else ""
        lines = reports.lines_of(self.settings)
        proof = Proof(Outcome(outcome), who or by, at, lines, where, number)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            reports.save(self.settings, proof)
            with transaction(connection):
                database.note(connection, Noted(at, by, "divert.prove", proof.outcome.value))
            return {"said": plain(KEPT)}

        return self._later(job)

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
        if asked != self.seized_at.isoformat():
            raise _refused(BECAME_FREE)

    def _numbers(self) -> tuple[str, ...]:
        """List the public numbers that need a proof each; "" for the one that is not known."""
        if not self.settings.lines:
            return ()
        return tuple(dict.fromkeys(self.office.public_numbers)) or ("",)

    def _later(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        def later(tell: SendReply) -> None:
            def done(result: Reply | CentralinoError) -> None:
                if isinstance(result, Refused):
                    tell({"done": False, "said": plain(result.words)})
                else:
                    tell(result)

            self.stores.records.do(job, done)

        return later


def _refused(words: Words) -> Refused:
    return Refused(words.it, words.en)


def _line(question: dict[str, Any], key: str) -> str:
    text = " ".join(str(question.get(key) or "").split())[:LONGEST]
    return "".join(sign for sign in text if sign.isprintable())
