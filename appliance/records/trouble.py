"""What the stores tell the people who must act: a stable code and one sentence a language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.policy.local_time import moment_phrase


@dataclass(frozen=True, slots=True)
class Trouble:
    """A degraded state of a store, for the fault LED, `STATUS=` and the console.

    `restart` asks the daemon for one restart when no call is going on: after a failed fsync the
    page cache cannot be trusted any more (reliability.md 4, "Errors").
    """

    code: str
    it: str
    en: str
    restart: bool = False


DATABASE_SET_ASIDE = Trouble(
    "records.set_aside",
    "Il registro delle chiamate era danneggiato: messo da parte in corrupt/, ne è iniziato uno "
    "nuovo; i messaggi in segreteria sono stati ripresi dai loro file.",
    "The call log was damaged: it was moved to corrupt/ and a new one was begun; messages were "
    "taken up again from their files.",
)
POLICY_NOT_COPIED = Trouble(
    "records.policy_not_copied",
    "La copia di sicurezza di rubrica uffici, schede e utenti non si può scrivere: controllare lo "
    "spazio e la scheda di memoria.",
    "The copy of the register of offices, the sheets and the users cannot be written: check free "
    "space and the memory card.",
)


def policy_restored(aside: Trouble | None, at: datetime) -> Trouble:
    """Say that register, sheets and users are the copy's, of `at`; what was set aside before."""
    before = aside or Trouble("", "", "")
    when = at.astimezone()
    return Trouble(
        "records.policy_restored",
        f"{before.it} Rubrica uffici, schede e utenti: ripristinati dalla copia "
        f"{moment_phrase('del', when, 'it')}; reinserire ciò che è più recente.".strip(),
        f"{before.en} Register of offices, sheets and users: restored from the copy "
        f"{moment_phrase('of', when, 'en')}; enter again what is newer.".strip(),
    )


DATABASE_FAILING = Trouble(
    "records.failing",
    "Il registro delle chiamate non si può scrivere: le chiamate proseguono; controllare lo "
    "spazio e la scheda di memoria.",
    "The call log cannot be written: calls go on; check free space and the memory card.",
)
DATABASE_UNSURE = Trouble(
    "records.unsure",
    "La scheda di memoria ha dato errori di scrittura ripetuti: il servizio va riavviato a linee "
    "libere; se si ripete, sostituire la scheda.",
    "The memory card failed to write repeatedly: the service must restart when the lines are "
    "idle; if it happens again, replace the card.",
    restart=True,
)
VOICEMAIL_UNSURE = Trouble(
    "voicemail.unsure",
    "La scheda di memoria ha rifiutato più volte i messaggi in segreteria: il servizio va "
    "riavviato a linee libere; se si ripete, sostituire la scheda.",
    "The memory card refused voicemail repeatedly: the service must restart when the lines are "
    "idle; if it happens again, replace the card.",
    restart=True,
)
DATABASE_OVERFLOW = Trouble(
    "records.overflow",
    "Il registro delle chiamate è fermo da troppo tempo: alcune chiamate non sono registrate.",
    "The call log has been stopped for too long: some calls are not recorded.",
)
RECORDS_ENDED = Trouble(
    "records.ended",
    "Il registro delle chiamate si è fermato per un errore del programma: le chiamate proseguono; "
    "il servizio va riavviato a linee libere.",
    "The call log stopped because of a fault in the programme: calls go on; the service must "
    "restart when the lines are idle.",
    restart=True,
)
