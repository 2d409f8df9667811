"""Status of calls, lines and positions for LEDs, `centralino status` and console (E22, E23)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.calls import manual_states
from appliance.calls.conference import SupervisorStatus, supervisor_status
from appliance.calls.events import Caller, LineCondition
from appliance.calls.model import Call, Desk, LineSeat, LineState, ReturnCause, TransferStep
from appliance.calls.orders import CallRecord
from appliance.calls.outgoing import OutgoingCall, carries
from appliance.calls.queue import WANTED
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.policy.clock import ClockState, Doubt, Now
from appliance.policy.dialling import DIAL_REFUSAL_WORDS
from appliance.policy.directory import ReturnRule, duties_without_number
from appliance.policy.office import Group, Position, PositionState, position
from appliance.policy.opening import (
    REASON_OF_HOURS,
    ReasonCode,
    ServiceState,
    opening,
    reason_sentence,
)
from appliance.policy.routing import Destination, GroupState
from appliance.policy.sheets import OfficialInCharge, officials
from appliance.policy.text import NOTHING, Words

# ---- Words of a call's state; no modem, SIP or line word on an operator's screen (E22) -----------

_RINGS: Final = Words("Squilla", "Ringing")
_HELD: Final = Words("In attesa di un operatore", "Waiting for an operator")
_CALLBACK: Final = Words("Chiede di essere richiamato", "Asks to be called back")
_OFFICE_RINGS: Final = Words("Si chiama l'ufficio", "The office is being called")
_TALKS: Final = Words("In conversazione", "Talking")
_ASKS: Final = Words("L'operatore sceglie l'ufficio", "The operator chooses the office")
_VOICEMAIL: Final = Words("Ascolta la segreteria", "Hears the voicemail")
_MESSAGE: Final = Words("Lascia un messaggio", "Leaves a message")
_ENDS: Final = Words("Finisce", "Ending")

CALL_STATE_WORDS: Final[Mapping[State, Words]] = {
    State.ARRIVED: _RINGS,
    State.RINGING: _RINGS,
    State.ANSWERING: Words("Si risponde", "Being answered"),
    State.HOLDING: _HELD,
    State.QUEUED: _HELD,
    State.CALLBACK_OFFERED: _CALLBACK,
    State.CALLBACK_STORING: _CALLBACK,
    State.TALKING: _TALKS,
    State.PBX_PENDING: _RINGS,
    State.PBX_GREETING: _OFFICE_RINGS,
    State.PBX_CHECK: _OFFICE_RINGS,
    State.PBX_CALLING: _OFFICE_RINGS,
    State.PBX_OFFERING: _OFFICE_RINGS,
    State.PBX_AWAITING_KEY: _OFFICE_RINGS,
    State.PBX_RETURNING: _OFFICE_RINGS,
    State.TRANSFER_KEYS: _ASKS,
    State.TRANSFER_CHOICE: _ASKS,
    State.TRANSFER_RINGING: _OFFICE_RINGS,
    State.TRANSFER_CONSULT: Words("Operatore e ufficio parlano", "Operator and office talk"),
    State.TRANSFERRED: Words("Parla con l'ufficio", "Talks with the office"),
    State.TRANSFER_RETURNING: Words("Ritorno", "Return"),
    State.TRANSFER_OFFER: Words("Ritorno in attesa", "Return waiting"),
    State.GREETING_PENDING: _VOICEMAIL,
    State.GREETING: _VOICEMAIL,
    State.MENU: Words("Sceglie che cosa ascoltare", "Chooses what to hear"),
    State.SHEET: Words("Ascolta una scheda", "Hears a sheet"),
    State.TONE: _MESSAGE,
    State.RECORDING: _MESSAGE,
    State.STORING: _MESSAGE,
    State.SAVING: _MESSAGE,
    State.FAREWELL: _VOICEMAIL,
    State.CLEARING: _ENDS,
    State.ENDED: _ENDS,
}
"""Words of each state on a screen; for a transfer TransferStatus has more."""
WHY_RETURNED: Final[Mapping[ReturnCause, Words]] = {
    ReturnCause.NO_ANSWER: Words("non ha risposto", "did not answer"),
    ReturnCause.BUSY: Words("occupato", "busy"),
    ReturnCause.UNREACHABLE: Words("telefono non raggiungibile", "its phone cannot be reached"),
    ReturnCause.DECLINED: Words("ha rifiutato la chiamata", "declined the call"),
    ReturnCause.REFUSED: Words("non può prendere la chiamata", "cannot take the call"),
    ReturnCause.SENT_BACK: Words("ufficio non competente", "not the competent office"),
    ReturnCause.LOST: Words("la comunicazione è caduta", "the connection was lost"),
    ReturnCause.TAKEN_BACK: Words("ripresa dall'operatore", "taken back by the operator"),
}
"""Why a transferred call came back (P6)."""


# ---- Words while the clock cannot be trusted, with the remedy ------------------------------------

NOT_TRUSTED: Mapping[Doubt, Words] = {
    Doubt.OPEN: Words(
        "L'ora non è affidabile: l'orario non vale e i telefoni squillano. Confermarla o "
        "correggerla alla pagina «Ora», oppure controllare la rete.",
        "The clock cannot be trusted: the hours do not hold and the phones ring. Confirm or set it "
        "on the page “Time”, or see to the network.",
    ),
    Doubt.CLOSED: Words(
        "L'ora non è affidabile e nessuno risponde: le chiamate vanno alla segreteria, ogni "
        "mezz'ora una squilla. Alzare un telefono basta a riaprire; confermare l'ora alla pagina "
        "«Ora».",
        "The clock cannot be trusted and nobody answers: calls go to voicemail, one in half an "
        "hour rings. Lifting a handset is enough to open; confirm the time on the page “Time”.",
    ),
    Doubt.HOURS: Words(
        "L'ora non è affidabile: l'orario vale lo stesso, come configurato. Confermarla o "
        "correggerla alla pagina «Ora», oppure controllare la rete.",
        "The clock cannot be trusted: the hours hold all the same, as configured. Confirm or set "
        "it on the page “Time”, or see to the network.",
    ),
}
"""Sentence for each rule that replaces the hours meanwhile."""


def other_time(minutes: int) -> Words:
    """Return the sentence that the exchange's time differs from the box's by some minutes."""
    it, en = ("avanti", "ahead of") if minutes > 0 else ("indietro", "behind")
    return Words(
        f"Le ultime chiamate portano un'altra ora, {abs(minutes)} minuti {it} rispetto alla "
        "scatola: guardare un altro orologio, poi la pagina «Ora».",
        f"The last calls bear another time, {abs(minutes)} minutes {en} the box's: look at "
        "another clock, then at the page “Time”.",
    )


# ---- Words of a dictation's steps, for the person who asked for it (dictation.py) ----------------


class Went(enum.StrEnum):
    """Step of a dictation, or its end."""

    RINGS = "rings"
    SPEAKS = "speaks"  # hears what to do, then dictates
    UNHEARD = "unheard"  # nothing was said: it is asked for again
    REVIEWS = "reviews"  # hears what was said, and chooses by a key
    KEPT = "kept"
    NOT_KEPT = "not_kept"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    HUNG_UP = "hung_up"
    DISCARDED = "discarded"
    TOO_LONG = "too_long"
    SILENT = "silent"
    NEEDED = "needed"  # a caller goes before
    LOST = "lost"


DRAFT_KEPT: Final = timedelta(days=30)
"""Age at which a draft that was neither put into use nor deleted is removed."""
GOING_ON: Final = frozenset({Went.RINGS, Went.SPEAKS, Went.UNHEARD, Went.REVIEWS})
SAID: Final[Mapping[Went, Words]] = {
    Went.RINGS: Words("Il telefono squilla: sollevare.", "The phone rings: lift it."),
    Went.SPEAKS: Words(
        "Dettare al telefono dopo il segnale; cancelletto per finire.",
        "Say it at the phone after the tone; the hash key ends it.",
    ),
    Went.UNHEARD: Words(
        "Non si è sentito nulla: dettare di nuovo dopo il segnale.",
        "Nothing was heard: say it again after the tone.",
    ),
    Went.REVIEWS: Words(
        "Riascoltare al telefono: 1 tiene, 2 rifà, asterisco scarta.",
        "Listen at the phone: 1 keeps it, 2 says it again, star discards it.",
    ),
    Went.KEPT: Words(
        "La registrazione è pronta: ascoltarla qui sotto.",
        "The recording is ready: listen to it below.",
    ),
    Went.NOT_KEPT: Words(
        "La registrazione non si è potuta conservare: riprovare più tardi.",
        "The recording could not be kept: try again later.",
    ),
    Went.NO_ANSWER: Words("Nessuno ha sollevato il telefono.", "Nobody lifted the phone."),
    Went.BUSY: Words("Il telefono è impegnato.", "The phone is engaged."),
    Went.DECLINED: Words("La chiamata è stata rifiutata al telefono.", "The phone turned it down."),
    Went.UNREACHABLE: Words("Il telefono non è raggiungibile.", "The phone cannot be reached."),
    Went.HUNG_UP: Words(
        "Telefono riagganciato: la registrazione è scartata.",
        "The phone was put down: the recording is discarded.",
    ),
    Went.DISCARDED: Words("La registrazione è scartata.", "The recording is discarded."),
    Went.TOO_LONG: Words(
        "La registrazione era troppo lunga: al massimo 30 secondi.",
        "The recording was too long: 30 seconds at most.",
    ),
    Went.SILENT: Words(
        "Non si è sentito nulla: la registrazione è scartata.",
        "Nothing was heard: the recording is discarded.",
    ),
    Went.NEEDED: Words(
        "Il telefono serviva per un utente: la registrazione è scartata, riprovare.",
        "A caller needed the phone: the recording is discarded, try again.",
    ),
    Went.LOST: Words(
        "La registrazione si è interrotta: riprovare.", "The recording broke off: try again."
    ),
}


# ---- Words of what happened in a call, made from the codes of its trail (E22) --------------------
# Codes about lines, sound or SIP are the technician's: they have no words here.

Names = Mapping[str, str]
"""Names of offices by code, of their needs by "office.need"."""


@dataclass(frozen=True, slots=True)
class TrailStep:
    """Step of a call, and its time where the call's record has one."""

    words: Words
    at: datetime | None = None


_PLAIN: Final[Mapping[str, Words]] = {
    "rang": Words("Squilla", "It rings"),
    "waiting": Words("Attende un operatore", "Waits for an operator"),
    "waited": Words("Ha atteso invano", "Has waited in vain"),
    "held": Words("In attesa", "Held"),
    "talking": Words("In conversazione", "Talking"),
    "rings_back": Words(
        "Era stato cercato da qui: richiama", "Had been called from here: rings back"
    ),
    "callback_offered": Words("Può farsi richiamare", "May ask to be called back"),
    WANTED: Words("Chiede di essere richiamato", "Asks to be called back"),
    "operator_left": Words("L'operatore ha chiuso", "The operator hung up"),
    "operator_lost": Words(
        "Il telefono dell'operatore non risponde più", "The operator's phone is gone"
    ),
    "transfer.attended": Words(
        "L'operatore parla con l'ufficio", "The operator talks with the office"
    ),
    "return.waiting": Words("Ritorno in attesa", "Return waiting"),
    "return.offer": Words(
        "Può attendere o lasciare un messaggio", "May wait or leave a message"
    ),
    "return.left_words": Words("Lascia un messaggio", "Leaves a message"),
    "head.no_answer": Words("Il responsabile non risponde", "The head does not answer"),
    "head.called_off": Words("Il responsabile non serve più", "The head is called off"),
    "greeting": Words("Ascolta la segreteria", "Hears the voicemail"),
    "recording": Words("Lascia un messaggio", "Leaves a message"),
    "stored": Words("Messaggio registrato", "Message stored"),
    "store.failed": Words("Messaggio non registrato", "Message not stored"),
    "store.full": Words(
        "Nessun messaggio: la memoria è piena", "No message: the memory card is full"
    ),
    "taken": Words("Presa da un altro apparecchio", "Taken by another telephone"),
    "interrupted": Words("Interrotta", "Interrupted"),
    "fault": Words("Errore interno del centralino", "Internal fault of the box"),
    "ended": Words("Finita", "Ended"),
}  # fmt: skip
_OUT: Final[Mapping[str, Words]] = {
    "no_answer": Words("{who}: non risponde", "{who}: no answer"),
    "busy": Words("{who}: occupato", "{who}: busy"),
    "declined": Words("{who}: non prende la chiamata", "{who}: does not take the call"),
    "redirected": Words("{who}: non prende la chiamata", "{who}: does not take the call"),
    "unreachable": Words("{who}: non raggiungibile", "{who}: unreachable"),
    "away": Words("{who}: assente", "{who}: away"),
}
"""Outcome of ringing a position or a whole group."""
_GROUPS: Final[Mapping[str, Words]] = {
    "switchboard": Words("Centralino", "Switchboard"),
    "citizens_desk": Words("Sportello Cittadini", "Citizens' counter"),
    "branch": Words("L'altra sede", "The other branch"),
}
_BRANCHES: Final[Mapping[str, Words]] = {
    "busy": Words("Tutti occupati: passa a {who}", "All are busy: goes on to {who}"),
    "no_answer": Words("Non risponde nessuno: passa a {who}", "Nobody answers: goes on to {who}"),
    "unattended": Words("Non presidiato: passa a {who}", "Unattended: goes on to {who}"),
    "unreachable": Words(
        "Nessuno è raggiungibile: passa a {who}", "Nobody can be reached: goes on to {who}"
    ),
    "closed": Words("Chiuso: passa a {who}", "Closed: goes on to {who}"),
}
"""Reason of an overflow to another branch."""
_FROM_BRANCH: Final = Words("Arriva da {who}", "Comes from {who}")
_PHONE_RINGS: Final = Words("Squilla: {who}", "Rings: {who}")
_ANSWERS: Final = Words("Risponde: {who}", "Answers: {who}")
_SHEET: Final = Words("Ascolta la scheda {who}", "Hears the sheet {who}")
_LANGUAGES: Final[Mapping[str, Words]] = {
    "it": Words("Sceglie l'italiano", "Chooses Italian"),
    "en": Words("Sceglie l'inglese", "Chooses English"),
}
_REQUEST: Final = Words("Presa in carico: richiesta {who}", "Taken over: request {who}")
_BY_PHONE: Final[Mapping[str, Words]] = {
    "ring": _PHONE_RINGS, "answered": _ANSWERS, "picked_up": _ANSWERS, "sheet": _SHEET,
}  # fmt: skip
_RETURNS_TO: Final = Words("Ritorno: risponde {who}", "Return: {who} answers")
_RETURN_RINGS: Final = Words("Ritorno: squilla {who}", "Return: {who} rings")
_HEAD_RINGS: Final = Words("Si chiama il responsabile", "The head is being called")
_HEAD_JOINS: Final = Words("Il responsabile partecipa", "The head joins in")
_HEAD_TAKES: Final = Words("Il responsabile prende la chiamata", "The head takes the call over")
_HEAD_LEFT: Final = Words("Il responsabile ha chiuso", "The head hung up")
_OF_THE_HEAD: Final[Mapping[str, Words]] = {
    "ring": _HEAD_RINGS, "answered": _HEAD_JOINS, "takes_over": _HEAD_TAKES, "left": _HEAD_LEFT,
}  # fmt: skip
_SENT: Final = Words("Trasferimento: {who}", "Transfer: {who}")
_TAKES: Final = Words("{who} ha preso la chiamata", "{who} has taken the call")
_BACK: Final = Words("Ritorno: {who}", "Return: {who}")
MOVES: Final = frozenset(("transfer", "transferred", "returned"))
"""First parts of the codes of a transfer and its return."""
_NOT_NOW: Final = Words("{who}: non trasferibile in quel momento", "{who}: no transfer just then")
_WARNED: Final = Words("{who}: da tempo non risponde", "{who}: has not answered of late")


def path_of(record: CallRecord, names: Names) -> tuple[TrailStep, ...]:
    """Return the steps of a call, oldest first; equal words in a row once."""
    times = _times(record)
    found: list[TrailStep] = []
    for number, code in enumerate(record.trail):
        words, at = _code_said(code, names), times.get(number)
        if words is None:
            continue
        if found and found[-1].words == words:
            found[-1] = TrailStep(words, found[-1].at or at)
        else:
            found.append(TrailStep(words, at))
    return tuple(found)


def transfers_of(record: CallRecord, names: Names) -> tuple[Words, ...]:
    """Return the words of a call's transfers: where to, who took it, what came back, in order."""
    codes = (code for code in record.trail if code.partition(".")[0] in MOVES)
    return tuple(words for code in codes for words in _transfer(code, names))


def _times(record: CallRecord) -> dict[int, datetime]:
    """Return the record's three moments by the index of the trail code noted with each."""
    placed = {0: record.rang_at}
    answers = [n for n, code in enumerate(record.trail) if _is_answer(code)]
    # The last one: each answer overwrites `answered_at`.
    if answers and record.answered_at:
        placed[answers[-1]] = record.answered_at
    if record.ended_at and "ended" in record.trail:
        placed[record.trail.index("ended")] = record.ended_at
    return placed


def _is_answer(code: str) -> bool:
    return code in {"talking", "greeting"} or code.startswith("answered.")


def _code_said(code: str, names: Names) -> Words | None:
    """Return the words of one code; None for a technician's code."""
    if code in _PLAIN:
        return _PLAIN[code]
    first, _, rest = code.partition(".")
    if first == "route":
        return _route(rest)
    if first == "return":
        return _of_a_return(rest)
    if first == "head":
        return _of_the_head(rest)
    if first == "branch":
        return _of_a_branch(rest, names)
    if first in {"transfer", "transferred", "returned", "transfer_refused", "transfer_warned"}:
        return next(_transfer(code, names), None)
    return _of_a_phone(first, rest)


def _route(code: str) -> Words | None:
    """Return the words of a routing decision."""
    # What a line can do is not the front desk's matter (E22).
    if code.startswith("line.") or code not in set(ReasonCode):
        return None
    return reason_sentence(ReasonCode(code), NOTHING)


def _of_a_phone(first: str, who: str) -> Words | None:
    if first in _OUT and who:
        group = _GROUPS.get(who)
        return _both(_OUT[first], group or Words(who, who))
    if first == "language":
        return _LANGUAGES.get(who)
    if first == "request":
        stored = who.startswith("stored.")
        return _about(_REQUEST, who.removeprefix("stored.")) if stored else None
    return _about(_BY_PHONE[first], who.replace(",", ", ")) if first in _BY_PHONE else None


def _of_a_return(rest: str) -> Words | None:
    what, _, who = rest.partition(".")
    if what == "answered":
        return _about(_RETURNS_TO, who)
    if what == "ring":
        return _about(_RETURN_RINGS, who.replace(",", ", "))
    return _about(_OUT[what], who) if what in _OUT else None


def _of_a_branch(rest: str, names: Names) -> Words | None:
    match rest.split("."):
        case ["from", *origin]:
            return _about(_FROM_BRANCH, ".".join(origin))
        case [why, unit, need] if why in _BRANCHES:
            return _about(_BRANCHES[why], office_words(unit, need, names))
    return None


def _of_the_head(rest: str) -> Words | None:
    return _OF_THE_HEAD.get(rest.partition(".")[0])


def _transfer(code: str, names: Names) -> Iterator[Words]:
    match code.split("."):
        case ["transfer", unit, need, _why, _way]:
            yield _about(_SENT, office_words(unit, need, names))
        case ["transferred", unit]:
            yield _about(_TAKES, names.get(unit, unit))
        case ["returned", unit, cause]:
            office = names.get(unit, unit)
            yield _both(_BACK, _because(office, returned_words(cause)))
        case ["transfer_refused", unit, need, *_]:
            yield _about(_NOT_NOW, office_words(unit, need, names))
        case ["transfer_warned", unit, need]:
            yield _about(_WARNED, office_words(unit, need, names))


def office_words(unit: str, need: str, names: Names) -> str:
    """Return the name of an office and of its need."""
    shown = names.get(f"{unit}.{need}", need)
    return " · ".join(filter(None, (names.get(unit, unit), shown)))


def returned_words(cause: str) -> Words:
    """Return the words for why a transfer came back."""
    # Old records may hold a cause that this version does not know.
    return WHY_RETURNED[ReturnCause(cause)] if cause in set(ReturnCause) else NOTHING


def _because(office: str, why: Words) -> Words:
    return Words(*(", ".join(filter(None, (office, each))) for each in (why.it, why.en)))


def _about(template: Words, who: str) -> Words:
    return _both(template, Words(who, who))


def _both(template: Words, who: Words) -> Words:
    return Words(template.it.format(who=who.it), template.en.format(who=who.en))


# ---- Status of a call's transfer: its office, its progress, a return's rule (P6) -----------------

RINGS = Words("Squilla: {}", "Ringing: {}")
RETURN = Words("Ritorno: {}", "Return: {}")
WAITING = Words("Ritorno in attesa: {}", "Return waiting: {}")
TRANSFER_STATE_WORDS = {
    State.TRANSFER_RINGING: RINGS,
    State.PBX_GREETING: RINGS,
    State.PBX_CALLING: RINGS,
    State.PBX_OFFERING: RINGS,
    State.PBX_AWAITING_KEY: RINGS,
    State.TRANSFER_CONSULT: Words("Operatore e ufficio: {}", "Operator and office: {}"),
    State.TRANSFERRED: Words("In comunicazione: {}", "Put through: {}"),
    State.TRANSFER_OFFER: WAITING,
    State.TRANSFER_CHOICE: RETURN,
    State.TALKING: RETURN,
}


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """Transfer or return: `operator` sent it, `rules` may be opened once it is `returned`.

    `waiting`: held until an operator is free (E6). `say`: the office's sentence for a caller who is
    not put through; `officials`: those whom the sheets make public as in charge (E10); both of a
    return alone. Without numbers (P7).
    """

    unit: str
    office: str
    need: str
    operator: str
    rules: tuple[ReturnRule, ...]
    returned: str
    waiting: bool
    words: Words
    say: str = ""
    officials: tuple[str, ...] = ()


def transfer_status(call: Call, known: tuple[OfficialInCharge, ...] = ()) -> TransferStatus | None:
    """Return the status of the call's transfer; None where there is none (any more).

    `known` are the officials in charge that sheets name.
    """
    transfer, why = call.transfer, call.record.returned
    words = _words(call)
    if transfer is None or words is NOTHING:
        return None
    waiting = call.state is State.TRANSFER_RETURNING and transfer.step is TransferStep.WAIT
    name, need = transfer.unit.name, transfer.allowed.need.code
    return TransferStatus(
        transfer.unit.code,
        name,
        need,
        transfer.operator,
        transfer.allowed.rules,
        why,
        waiting or call.state is State.TRANSFER_OFFER,
        Words(words.it.format(name), words.en.format(name)),
        transfer.unit.say if why else "",
        officials(known, transfer.unit.code, need) if why else (),
    )


def _words(call: Call) -> Words:
    if call.state is State.TRANSFER_RETURNING:
        waits = call.transfer is not None and call.transfer.step is TransferStep.WAIT
        return WAITING if waits else RETURN
    return TRANSFER_STATE_WORDS.get(call.state, NOTHING)


# ---- Status of the whole switchboard at a moment -------------------------------------------------

CARRIER_GONE = Words(
    "Nessuna linea è servita: il processo delle linee si riavvia.",
    "No line is served: the lines' process is restarting.",
)


NO_VOLTAGE = Words(
    "nessuna tensione sulla linea: controllare il cavo telefonico fino alla presa, poi l'operatore "
    "telefonico",
    "no voltage on the line: check the telephone cable up to its socket, then the phone company",
)
LEFT_LIFTED = Words(
    "da più di un'ora l'apparecchio in parallelo è sollevato: controllare che sia riagganciato",
    "the ordinary telephone beside it has been off the hook for over an hour: see whether it was "
    "put down",
)
NO_HELP = Words(
    "Dai telefoni non si può chiamare il 112: nessuna linea porta una conversazione; usare "
    "l'apparecchio in parallelo alla linea o un cellulare.",
    "112 cannot be called from the phones: no line carries a conversation; use the ordinary "
    "telephone beside the line, or a mobile.",
)
REFUSED_FOR = timedelta(hours=1)
"""Time for which the status shows that a position was refused a number."""
LEFT_LIFTED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LineStatus:
    """Line: its state, since when, the call on it ("" for none), why it is out.

    `reason` is in English, `why` in both languages. `condition` is the last measurement of its idle
    modem: UNKNOWN where it cannot measure.
    """

    name: str
    label: str
    state: LineState
    since: datetime | None
    call: str = ""
    reason: str = ""
    modem: str = ""
    duplex: bool | None = None
    condition: LineCondition = LineCondition.UNKNOWN
    why: Words = NOTHING

    @property
    def declared(self) -> bool:
        """True once something is known of the line: it is up, or it is out for a reason."""
        return self.state is not LineState.MISSING or bool(self.reason)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Call that is going on; `words`: its state in the front desk's words (E22).

    `phone` has answered it last; `ringing`: phones that ring for it; `refused`: why it was not
    transferred to an office (E23); `head`: the supervisor's part in it (E10); `origin`: the branch
    that handed the caller over, "" for a caller on a line of ours (B9).
    """

    call: str
    line: str
    state: State
    caller: Caller
    record: CallRecord
    ringing: tuple[str, ...] = ()
    phone: str = ""
    transfer: TransferStatus | None = None
    refused: Words = NOTHING
    words: Words = NOTHING
    head: SupervisorStatus | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingStatus:
    """Call of a position to a number outside, which is not shown (P7)."""

    call: str
    line: str
    phone: str
    state: SideState
    number_class: str
    case: str = ""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """Group: what it can do now, and its phones by what they are doing.

    Each phone is in one list; away counts before unreachable and engaged.
    """

    name: str
    state: GroupState
    free: tuple[str, ...]
    engaged: tuple[str, ...]
    unreachable: tuple[str, ...]
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """Whole switchboard; `open`: people answer now; `changes_at`: when the hours change that.

    `citizens_desk` is None where there is no counter; `positions` are in the configuration's order;
    `queue`: calls that wait, the next one first; `waiting`: number of messages that nobody has
    closed; `degraded`: what is wrong, empty when all is well; `outgoing`: positions' calls outside.
    """

    at: datetime
    open: bool
    code: ReasonCode
    sentence: Words
    changes_at: datetime | None
    service: ServiceState
    lines: tuple[LineStatus, ...]
    calls: tuple[CallStatus, ...]
    queue: tuple[CallStatus, ...]
    switchboard: GroupStatus
    citizens_desk: GroupStatus | None
    positions: tuple[Position, ...]
    waiting: int
    degraded: tuple[Words, ...]
    clock_state: ClockState
    doubt: Doubt = Doubt.OPEN
    outgoing: tuple[OutgoingStatus, ...] = ()


def status(desk: Desk, now: Now) -> Status:
    """Return the status of the switchboard at a moment."""
    office, counter = desk.office, desk.office.citizens_desk
    answer = opening(office.switchboard.schedule, desk.service, now)
    switchboard = desk.group_state(office.switchboard)
    # What callers meet: hours and "unattended" come before what the phones could do.
    if not answer.open:
        switchboard = GroupState.CLOSED
    elif desk.service.expired(now.wall).unattended:
        switchboard = GroupState.UNATTENDED
    positions = _positions(desk, now)
    return Status(
        at=now.wall,
        open=answer.open,
        code=answer.code,
        sentence=reason_sentence(answer.code, answer.name),
        changes_at=answer.reopens_at
        if answer.code in REASON_OF_HOURS.values()
        else answer.changes_at,
        service=desk.service.expired(now.wall),
        lines=tuple(_line(seat) for seat in desk.seats.values()),
        calls=tuple(_call(desk, call) for call in desk.calls.values()),
        queue=tuple(_call(desk, call) for call in desk.queue),
        switchboard=_group(office.switchboard, switchboard, positions),
        citizens_desk=_group(counter, desk.desk_state(counter, now), positions)
        if counter
        else None,
        positions=positions,
        waiting=desk.waiting,
        degraded=tuple(_degraded(desk, now)),
        clock_state=now.clock_state,
        doubt=now.doubt,
        outgoing=tuple(_outgoing(s) for s in desk.sides.values() if isinstance(s, OutgoingCall)),
    )


def _outgoing(side: OutgoingCall) -> OutgoingStatus:
    number_class = side.record.number_class
    return OutgoingStatus(
        side.record.call, side.line, side.phone, side.state, number_class, side.record.case
    )


def _line(seat: LineSeat) -> LineStatus:
    line = seat.line
    return LineStatus(
        line.name, line.shown, seat.state, seat.since, seat.call, seat.reason.en, seat.modem,
        line.duplex, seat.condition, seat.reason,
    )  # fmt: skip


def _call(desk: Desk, call: Call) -> CallStatus:
    record, ringing = call.record, tuple(call.legs.values())
    return CallStatus(
        call.id,
        record.line,
        call.state,
        record.caller,
        record,
        ringing,
        record.phone,
        transfer_status(call, desk.officials),
        call.refused,
        CALL_STATE_WORDS[call.state],
        supervisor_status(desk, call),
        record.line if desk.came_over(call) else "",
    )


def _positions(desk: Desk, now: Now) -> tuple[Position, ...]:
    service, engaged = desk.service.expired(now.wall), desk.engaged()
    return tuple(
        position(
            phone,
            service.away_mark(phone),
            engaged=phone in engaged,
            reachable=phone in desk.reachable,
            gone=desk.gone.get(phone),
        )
        for phone in desk.office.phones
    )


def _group(group: Group, state: GroupState, positions: tuple[Position, ...]) -> GroupStatus:
    def those(state: PositionState) -> tuple[str, ...]:
        return tuple(p.phone for p in positions if p.state is state and p.phone in group.phones)

    return GroupStatus(
        group.name,
        state,
        those(PositionState.FREE),
        those(PositionState.BUSY),
        those(PositionState.UNREACHABLE),
        those(PositionState.AWAY),
    )


def _degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Yield what is wrong, the gravest first."""
    if not desk.carrier:
        yield CARRIER_GONE
    yield from manual_states.standing(desk, now)
    yield from _lines_degraded(desk, now)
    for way in (Destination.SWITCHBOARD, Destination.CITIZENS_DESK):
        group = desk.group(way)
        if desk.group_state(group) is GroupState.UNREACHABLE:
            yield Words(
                f"Nessun telefono raggiungibile: {group.label.it}",
                f"No phone can be reached: {group.label.en}",
            )
    yield from _untold(desk, now)
    yield from _outgoing_degraded(desk, now)
    if not now.clock_state.is_trusted:
        yield NOT_TRUSTED[now.doubt]
    if off := desk.exchange.minutes_off(now.wall, now.monotonic):
        yield other_time(off)


def _lines_degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Yield what is wrong with the lines."""
    for seat in desk.seats.values():
        if seat.state in {LineState.MISSING, LineState.OUT}:
            it, en = (f": {one}" if one else "" for one in (seat.reason.it, seat.reason.en))
            yield Words(f"{seat.line.shown} fuori servizio{it}", f"{seat.line.shown} is out{en}")
        # B1: idle, in use outside, no line and out of service are different sentences.
        elif seat.state is LineState.NO_LINE:
            yield _line_said(seat, NO_VOLTAGE)
        # A handset that was not put down keeps every caller out of the line.
        elif seat.state is LineState.IN_USE_OUTSIDE and _long_since(seat, now):
            yield _line_said(seat, LEFT_LIFTED)
        elif seat.reason.en:
            yield _line_said(seat, seat.reason)
        if seat.half.en:
            yield _line_said(seat, seat.half)


def _outgoing_degraded(desk: Desk, now: Now) -> Iterator[Words]:
    """Yield that no emergency call is possible, and which position was refused a number."""
    if desk.seats and not any(carries(seat.line) for seat in desk.seats.values()):
        yield NO_HELP
    if desk.refusal is not None and now.wall - desk.refusal[2] <= REFUSED_FOR:
        phone, why, _ = desk.refusal
        yield Words(
            f"{phone}: {DIAL_REFUSAL_WORDS[why].it}", f"{phone}: {DIAL_REFUSAL_WORDS[why].en}"
        )


def _untold(desk: Desk, now: Now) -> Iterator[Words]:
    """Yield the duty numbers that the closed greeting leaves out (E11)."""
    units, zone = desk.office.after_hours.duty, desk.office.zone
    # P7: the office's name only, no number.
    for duty in duties_without_number(desk.register, units, now.wall, zone):
        yield Words(
            f"Numero di turno non autorizzato, non viene detto a ufficio chiuso: {duty.name}",
            f"Duty number not authorised, not told while we are closed: {duty.name}",
        )


def _line_said(seat: LineSeat, words: Words) -> Words:
    return Words(f"{seat.line.shown}: {words.it}", f"{seat.line.shown}: {words.en}")


def _long_since(seat: LineSeat, now: Now) -> bool:
    return seat.since is not None and now.wall - seat.since > LEFT_LIFTED_AFTER
