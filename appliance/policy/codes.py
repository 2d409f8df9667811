"""Why a call goes the way it goes: stable codes, and the sentence for each in both languages."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from appliance.policy.words import Words


class Code(enum.StrEnum):
    """The stable codes of routing; records, statistics and `explain` show them as they are."""

    FREE = "open.free"
    OPENED = "open.manual"
    CLOCK_UNSET = "open.clock_unset"
    CLOCK_ALONE = "closed.clock"
    UNATTENDED = "overflow.unattended"
    BUSY = "overflow.busy"
    NO_ANSWER = "overflow.no_answer"
    DECLINED = "overflow.declined"
    UNREACHABLE = "overflow.unreachable"
    DESK_NONE = "desk.none"
    DESK_CLOSED = "desk.closed"
    DESK_BUSY = "desk.busy"
    DESK_NO_ANSWER = "desk.no_answer"
    DESK_DECLINED = "desk.declined"
    DESK_UNREACHABLE = "desk.unreachable"
    NOBODY_REACHABLE = "nobody.reachable"
    WAITING = "waiting.queue"
    WAITED = "waiting.over"
    CLOSED_HOURS = "closed.hours"
    CLOSED_PERIOD = "closed.period"
    HOLIDAY = "closed.holiday"
    SPECIAL = "closed.special"
    CLOSED_MANUAL = "closed.manual"
    ABSENT = "absent"
    HALF_DUPLEX = "line.half_duplex"
    PARALLEL_PHONE = "line.parallel_phone"
    PARALLEL_UNANSWERED = "line.parallel_unanswered"
    PBX = "line.pbx_transfer"
    PBX_FAULT = "line.pbx_fault"
    FAULT = "fault"


SENTENCES: Mapping[Code, Words] = {
    Code.FREE: Words(
        "Il centralino è aperto e libero: squillano i suoi telefoni.",
        "The switchboard is open and free: its phones ring.",
    ),
    Code.OPENED: Words(
        "Il centralino è aperto a mano fuori orario: squillano i suoi telefoni.",
        "The switchboard was opened by hand outside its hours: its phones ring.",
    ),
    Code.CLOCK_UNSET: Words(
        "L'ora non è affidabile, quindi l'orario non vale: squillano i telefoni del centralino.",
        "The time cannot be relied on, so the hours do not hold: the switchboard's phones ring.",
    ),
    Code.CLOCK_ALONE: Words(
        "L'ora non è affidabile e poco fa non ha risposto nessuno: risponde la segreteria; entro "
        "mezz'ora i telefoni squillano di nuovo.",
        "The time cannot be relied on, and a while ago nobody answered: voicemail answers; within "
        "half an hour the phones ring again.",
    ),
    Code.UNATTENDED: Words(
        "Il centralino non è presidiato: la chiamata va allo Sportello Cittadini.",
        "The switchboard is unattended: the call goes to the citizens' counter.",
    ),
    Code.BUSY: Words(
        "Tutti gli operatori sono occupati: la chiamata va allo Sportello Cittadini.",
        "All operators are busy: the call goes to the citizens' counter.",
    ),
    Code.NO_ANSWER: Words(
        "Al centralino non risponde nessuno: la chiamata va allo Sportello Cittadini.",
        "Nobody answers at the switchboard: the call goes to the citizens' counter.",
    ),
    Code.DECLINED: Words(
        "Gli operatori hanno rifiutato la chiamata: va allo Sportello Cittadini.",
        "The operators declined the call: it goes to the citizens' counter.",
    ),
    Code.UNREACHABLE: Words(
        "Il centralino non è raggiungibile: la chiamata va allo Sportello Cittadini.",
        "The switchboard's phones cannot be reached: the call goes to the citizens' counter.",
    ),
    Code.DESK_NONE: Words(
        "Il centralino non può rispondere e non c'è uno Sportello: risponde la segreteria.",
        "The switchboard cannot answer and there is no citizens' counter: voicemail answers.",
    ),
    Code.DESK_CLOSED: Words(
        "Il centralino non può rispondere e lo Sportello è chiuso: risponde la segreteria.",
        "The switchboard cannot answer and the citizens' counter is closed: voicemail answers.",
    ),
    Code.DESK_BUSY: Words(
        "Anche lo Sportello Cittadini è occupato: risponde la segreteria.",
        "The citizens' counter is busy too: voicemail answers.",
    ),
    Code.DESK_NO_ANSWER: Words(
        "Anche allo Sportello Cittadini non risponde nessuno: risponde la segreteria.",
        "Nobody answers at the citizens' counter either: voicemail answers.",
    ),
    Code.DESK_DECLINED: Words(
        "Anche lo Sportello Cittadini ha rifiutato la chiamata: risponde la segreteria.",
        "The citizens' counter declined the call too: voicemail answers.",
    ),
    Code.DESK_UNREACHABLE: Words(
        "I telefoni dello Sportello Cittadini non sono raggiungibili: risponde la segreteria.",
        "The phones of the citizens' counter cannot be reached: voicemail answers.",
    ),
    Code.NOBODY_REACHABLE: Words(
        "Nessun telefono è raggiungibile: risponde la segreteria.",
        "No phone can be reached: voicemail answers.",
    ),
    Code.WAITING: Words(
        "Tutti occupati: l'utente attende in linea che qualcuno si liberi.",
        "All are busy: the caller waits on the line until somebody is free.",
    ),
    Code.WAITED: Words(
        "L'utente ha atteso invano: può farsi richiamare con un tasto, altrimenti risponde la "
        "segreteria.",
        "The caller has waited in vain: a key asks for a call back, else voicemail answers.",
    ),
    Code.CLOSED_HOURS: Words(
        "Fuori orario: risponde la segreteria.",
        "Outside opening hours: voicemail answers.",
    ),
    Code.CLOSED_PERIOD: Words(
        "Chiuso per l'orario speciale ({name}): risponde la segreteria.",
        "Closed by the special hours ({name}): voicemail answers.",
    ),
    Code.HOLIDAY: Words(
        "Giorno festivo ({name}): risponde la segreteria.",
        "Public holiday ({name}): voicemail answers.",
    ),
    Code.SPECIAL: Words(
        "Chiusura straordinaria ({name}): risponde la segreteria.",
        "Special closure ({name}): voicemail answers.",
    ),
    Code.CLOSED_MANUAL: Words(
        "Chiuso a mano: risponde la segreteria.",
        "Closed by hand: voicemail answers.",
    ),
    Code.ABSENT: Words(
        "Tutti assenti per un breve periodo: risponde la segreteria.",
        "All absent for a short while: voicemail answers.",
    ),
    Code.HALF_DUPLEX: Words(
        "La linea non può portare una conversazione: risponde la segreteria.",
        "The line cannot carry a conversation: voicemail answers.",
    ),
    Code.PARALLEL_PHONE: Words(
        "La linea non può portare una conversazione: squilla il telefono in parallelo.",
        "The line cannot carry a conversation: the ordinary phone beside it rings.",
    ),
    Code.PBX: Words(
        "La linea non può portare una conversazione: la scatola risponde e passa la chiamata agli "
        "interni del centralino.",
        "The line cannot carry a conversation: the box answers and passes the call to the "
        "switchboard's extensions.",
    ),
    Code.PBX_FAULT: Words(
        "Il centralino telefonico non accetta il passaggio della chiamata: risponde la segreteria.",
        "The telephone system does not take the call that is passed on: voicemail answers.",
    ),
    Code.FAULT: Words(
        "Errore interno del centralino: risponde la segreteria.",
        "An internal fault of the box: voicemail answers.",
    ),
    Code.PARALLEL_UNANSWERED: Words(
        "Al telefono in parallelo non risponde nessuno: risponde la segreteria.",
        "Nobody answers the ordinary phone: voicemail answers.",
    ),
}
"""Shown to people; `{name}` is the holiday, closure or period."""


def sentence(code: Code, name: Words) -> Words:
    """Return the sentence of a code with the name of what it speaks of, without "()" for none."""
    template = SENTENCES[code]
    return Words(_fill(template.it, name.it), _fill(template.en, name.en))


def _fill(template: str, name: str) -> str:
    return template.replace("{name}", name) if name else template.replace(" ({name})", "")
