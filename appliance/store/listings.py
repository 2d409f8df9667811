"""Lists of calls, messages, requests and mails as text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.calls.status import Names, transfers_of
from appliance.policy import requests as policy
from appliance.policy.hours import day_words, moment_words
from appliance.policy.mail import APPOINTMENT_FORM_WORDS, MAIL_STATE_WORDS
from appliance.policy.requests import Appointment, Request
from appliance.policy.text import Words, in_language
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
)
from appliance.store.call_log import call_to_row
from appliance.store.voicemail import CaseKind, Message, MissedCall, has_no_number

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.store.outbox import StoredMail
    from appliance.store.requests import StoredRequest, StoredStep


CallsBack = Mapping[str, Sequence[CallRecord]]
"""Calls placed for each case ("call:ID"), newest first."""

RESULTS: Final[Mapping[Result, Words]] = {
    Result.OPEN: Words("in corso", "going on"),
    Result.ANSWERED: Words("risposta", "answered"),
    Result.MESSAGE: Words("messaggio", "message"),
    Result.NO_MESSAGE: Words("senza messaggio", "no message"),
    Result.INFORMED: Words("ha sentito una scheda", "heard a sheet"),
    Result.GAVE_UP: Words("ha rinunciato", "gave up"),
    Result.NOT_STORED: Words("messaggio non registrato", "message not stored"),
    Result.FAX: Words("fax", "fax"),
    Result.TAKEN: Words("presa da un altro apparecchio", "taken by another telephone"),
    Result.NOT_REACHED: Words("non raggiunto", "not reached"),
    Result.REFUSED: Words("numero non consentito", "number not allowed"),
    Result.LOST: Words("linea persa", "line lost"),
    Result.STOPPED: Words("apparecchio fermato", "box stopped"),
    Result.INTERRUPTED: Words("interrotta", "interrupted"),
}
"""Results of a call, in the front desk's words."""

EVIDENCES: Final[Mapping[Evidence, Words]] = {
    Evidence.GAVE_UP: Words("non squillava più", "the ringing stopped"),
    Evidence.BUSY_TONE: Words("tono di occupato", "busy tone"),
    Evidence.CONGESTION_TONE: Words("tono di congestione", "congestion tone"),
    Evidence.DIAL_TONE: Words("tono di centrale", "dial tone"),
    Evidence.CHIP_BUSY: Words("occupato, dal modem", "busy, told by the modem"),
    Evidence.CHIP_DIAL: Words("tono di centrale, dal modem", "dial tone, told by the modem"),
    Evidence.LOOP: Words("corrente di linea interrotta", "the line's current was interrupted"),
    Evidence.PARALLEL_PHONE: Words("altro apparecchio sollevato", "another telephone was lifted"),
    Evidence.SILENCE: Words("silenzio", "silence"),
    Evidence.LIMIT: Words("durata massima", "longest duration"),
    Evidence.FAX: Words("segnale di fax", "fax tone"),
    Evidence.EMERGENCY: Words(
        "linea liberata per un'emergenza", "the line was freed for an emergency"
    ),
    Evidence.SIGNALLED: Words("detto dall'altra sede", "told by the other branch"),
    Evidence.OPERATOR: Words("ha chiuso l'operatore", "the operator hung up"),
    Evidence.OWN: Words("ha chiuso il centralino", "the box hung up"),
    Evidence.LOST: Words("linea persa", "the line was lost"),
    Evidence.STOPPED: Words("apparecchio fermato", "the box was stopped"),
}
"""Evidence of a call's end (B1)."""

_ABSENT: Final[Mapping[Presentation, Words]] = {
    Presentation.WITHHELD: Words("numero riservato", "number withheld"),
    Presentation.UNAVAILABLE: Words("numero non disponibile", "number unavailable"),
    Presentation.UNKNOWN: Words("numero sconosciuto", "number unknown"),
}
_ERASED: Final = Words("numero cancellato", "number erased")
"""Shown for a caller whose number was deleted by age (retention.py)."""
_NO_CALLS: Final = Words("Nessuna chiamata.", "No calls.")
_TO: Final = Words("a", "to")
_CALLED_BACK: Final = Words("richiamato alle {at} ({result})", "called back at {at} ({result})")
_CALLED: Final = Words("Chiamato", "Called")
_UNKNOWN: Final = Words("non noto", "not known")
_SHEETS: Final = Words("Schede", "Sheets")
_TRANSFERS: Final = Words("Trasferimenti", "Transfers")
_CALL_HEADER: Final = Words(
    "Ricevuta|Linea|Utente|Telefono|Esito|Fine", "Received|Line|Caller|Phone|Result|End"
)


def calls_as_json(found: Iterable[CallRecord]) -> str:
    """Write calls as JSON: the columns of the call log, the trail as a list."""
    rows = [
        {**call_to_row(record), "trail": list(record.trail), "sheets": list(record.sheets)}
        for record in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def calls_as_text(
    found: Iterable[CallRecord],
    language: str,
    zone: tzinfo,
    back: CallsBack | None = None,
    names: Names | None = None,
) -> str:
    """Write calls as text, one a line, in columns; `back` are the calls placed for each case.

    `names` are those of the offices. Only if any call has them there are columns for the number
    called (P1, if they differ), sheets (P2), and transfers with their returns (P3, P6).
    """
    records = tuple(found)
    rows = [_call_row(record, language, zone, back or {}) for record in records]
    rows = [in_language(_CALL_HEADER, language).split("|"), *rows]
    if not records:
        return in_language(_NO_CALLS, language)
    if len({record.called for record in records if record.direction is Direction.IN}) > 1:
        numbers = (
            in_language(_CALLED, language),
            *(_number_called(record, language) for record in records),
        )
        rows = [[*row[:2], number, *row[2:]] for row, number in zip(rows, numbers, strict=True)]
    if any(record.sheets for record in records):
        sheets = (in_language(_SHEETS, language), *(" ".join(record.sheets) for record in records))
        rows = [[*row, codes] for row, codes in zip(rows, sheets, strict=True)]
    moves = [transfers_of(record, names or {}) for record in records]
    if any(moves):
        said = ("; ".join(in_language(words, language) for words in each) for each in moves)
        heads = (in_language(_TRANSFERS, language), *said)
        rows = [[*row, cell] for row, cell in zip(rows, heads, strict=True)]
    return columns(rows)


def _number_called(record: CallRecord, language: str) -> str:
    """Return the public number called, words if it is not known, "" for an outgoing call."""
    if record.direction is not Direction.IN:
        return ""
    # Where both public numbers arrive on one line that is said, never guessed (P1).
    return record.called or in_language(_UNKNOWN, language)


def columns(rows: list[list[str]]) -> str:
    """Write rows as text, each column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def end_words(record: CallRecord, language: str) -> str:
    """Write the evidence of a call's end, and the time (s) from its first sign (B1)."""
    if record.evidence is None:
        return ""
    words = in_language(EVIDENCES[record.evidence], language)
    return f"{words}, {record.release_ms / 1000:.1f} s" if record.release_ms else words


def _call_row(record: CallRecord, language: str, zone: tzinfo, back: CallsBack) -> list[str]:
    calls = back.get(f"call:{record.call}")
    ended = (end_words(record, language), called_back_words(calls, language, zone))
    return [
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        _other_party(record, language),
        record.phone,
        in_language(RESULTS[record.result], language),
        "; ".join(filter(None, ended)),
    ]


def _other_party(record: CallRecord, language: str) -> str:
    """Write the caller, or "to" and the party called."""
    # Of an office the record has the unit's name in place of the number (P7).
    if record.direction is Direction.IN:
        return caller_words(record.caller, language)
    caller = record.caller
    return f"{in_language(_TO, language)} {' '.join(filter(None, (caller.number, caller.name)))}"


def called_back_words(calls: Sequence[CallRecord] | None, language: str, zone: tzinfo) -> str:
    """Write time and result of the last call back, "" for none (E17)."""
    if not calls:
        return ""
    last = calls[0]
    result = in_language(RESULTS[last.result], language)
    return in_language(_CALLED_BACK, language).format(
        at=f"{last.rang_at.astimezone(zone):%H:%M}", result=result
    )


def caller_words(caller: Caller, language: str) -> str:
    """Write number and name of a caller, or why there is no number."""
    if caller.presentation is Presentation.SHOWN:
        shown = " ".join(filter(None, (caller.number, caller.name)))
        return shown or in_language(_ERASED, language)
    # Withheld, not available, not known: never an empty cell.
    return in_language(_ABSENT[caller.presentation], language)


def missed_rows(found: Iterable[MissedCall]) -> list[dict[str, object]]:
    """Map missed calls to JSON; the keys are stable."""
    return [_missed_json_row(one) for one in found]


def missed_as_json(found: Iterable[MissedCall]) -> str:
    """Write missed calls as JSON."""
    return json.dumps(missed_rows(found), ensure_ascii=False, indent=2)


def _missed_json_row(one: MissedCall) -> dict[str, object]:
    record, closing = one.record, one.care.closing
    # What is not known is null, never an empty string.
    return {
        "number": one.number,
        "call": record.call,
        "line": record.line,
        "rang": record.rang_at.isoformat(),
        "caller": record.caller.number or None,
        "caller_name": record.caller.name or None,
        "presentation": record.caller.presentation.value,
        "called": record.called or None,
        "phone": record.phone or None,
        "stage": record.trail[-1] if record.trail else None,
        "result": record.result.value,
        "callback_wanted": one.wanted,
        "state": one.care.state.value,
        "open": one.is_open,
        "taken_by": one.care.holder or None,
        "outcome": closing.outcome if closing else None,
        "failed": [at.isoformat() for at in one.care.failed],
        "served_later": one.again.rang_at.isoformat() if one.again else None,
    }


OUTCOMES: Final[Mapping[MessageOutcome, Words]] = {
    MessageOutcome.CALLED_BACK: Words("richiamato", "called back"),
    MessageOutcome.NOT_REACHABLE: Words("non raggiungibile", "not reachable"),
    MessageOutcome.NO_NUMBER: Words("senza numero", "no number"),
    MessageOutcome.NOT_NEEDED: Words("non necessario", "not needed"),
    MessageOutcome.PASSED_TO_OFFICE: Words("passato a un ufficio", "passed to an office"),
}
"""Outcomes of a case (P9)."""
STEPS: Final[Mapping[MessageStep, Words]] = {
    MessageStep.HEAR: Words("ascolto", "heard"),
    MessageStep.TAKE: Words("presa in carico", "taken"),
    MessageStep.RELEASE: Words("lasciato libero", "released"),
    MessageStep.GIVE: Words("consegna", "handed over"),
    MessageStep.FAIL: Words("richiamata a vuoto", "call-back in vain"),
    MessageStep.NOTE: Words("nota", "note"),
    MessageStep.CLOSE: Words("chiusura", "closed"),
    MessageStep.REOPEN: Words("riapertura", "reopened"),
    MessageStep.ALERT_UNHEARD: Words(
        "avviso: non ascoltato, non visto", "alert: not heard, not looked at"
    ),
    MessageStep.ALERT_UNCLOSED: Words("avviso: non chiuso", "alert: not closed"),
}
"""Steps in the history of a case."""
CASE_OPEN: Final = Words("da trattare", "to be dealt with")
CASE_TAKEN: Final = Words("in carico a {}", "taken by {}")
IN_VAIN: Final = Words("{} a vuoto", "{} in vain")
WANTED: Final = Words("chiede di essere richiamato", "asks to be called back")
CALLED_AGAIN: Final = Words("ha richiamato {}", "called again {}")
NO_HISTORY: Final = Words("Nessuno se n'è occupato.", "Nobody has dealt with it.")
NO_MISSED: Final = Words("Nessuna chiamata senza messaggio.", "No call without a message.")
MISSED_HEADER: Final = Words(
    "N.|Ricevuta|Linea|Utente|Telefono|Esito|Stato", "No.|Received|Line|Caller|Phone|Result|State"
)
_CASE_NAMES: Final[Mapping[CaseKind, Words]] = {
    CaseKind.MESSAGE: Words("Il messaggio {}", "Message {}"),
    CaseKind.CALL: Words("La chiamata {}", "Call {}"),
}
_DONE_STEPS: Final[Mapping[MessageStep, Words]] = {
    MessageStep.HEAR: Words("{what}: ascolto annotato.", "{what}: noted as heard."),
    MessageStep.TAKE: Words("{what} è in carico a {by}.", "{what} is taken by {by}."),
    MessageStep.RELEASE: Words("{what} è di nuovo liber{o}.", "{what} is free again."),
    MessageStep.FAIL: Words(
        "{what}: richiamata a vuoto annotata, {n} in tutto.",
        "{what}: call-back in vain noted, {n} in all.",
    ),
    MessageStep.NOTE: Words("Nota aggiunta.", "Note added."),
    MessageStep.CLOSE: Words("{what} è chius{o}: {outcome}.", "{what} is closed: {outcome}."),
    MessageStep.REOPEN: Words("{what} è di nuovo apert{o}.", "{what} is open again."),
}


def done_words(kind: CaseKind, number: int, step: MessageStep, care: MessageCare) -> Words:
    """Write the confirmation of a step just done."""
    return Words(
        _done_text(kind, number, step, care, "it"), _done_text(kind, number, step, care, "en")
    )


def _done_text(
    kind: CaseKind, number: int, step: MessageStep, care: MessageCare, language: str
) -> str:
    outcome = care.closing.outcome if care.closing else None
    return in_language(_DONE_STEPS[step], language).format(
        what=in_language(_CASE_NAMES[kind], language).format(number),
        by=care.holder,
        n=len(care.failed),
        o="o" if kind is CaseKind.MESSAGE else "a",
        outcome=in_language(OUTCOMES[outcome], language) if outcome else "",
    )


def care_text(care: MessageCare, language: str) -> str:
    """Write the state of a case: its outcome, its holder or none; call-backs in vain."""
    if care.closing is not None and care.closing.outcome is not None:
        words = in_language(OUTCOMES[care.closing.outcome], language)
    elif care.state is MessageState.TAKEN:
        words = in_language(CASE_TAKEN, language).format(care.holder)
    else:
        words = in_language(CASE_OPEN, language)
    tries = f", {in_language(IN_VAIN, language).format(len(care.failed))}" if care.failed else ""
    return words + tries


def history_lines(entries: Iterable[MessageEntry], zone: tzinfo, language: str) -> Iterator[str]:
    """Write the entries of a case, one a line: time, author, step, note."""
    empty = True
    for entry in entries:
        empty = False
        outcome = f": {in_language(OUTCOMES[entry.outcome], language)}" if entry.outcome else ""
        note = f" → {entry.to}" if entry.to else ""
        note += f" ({entry.note})" if entry.note else ""
        when = moment_words(entry.at.astimezone(zone), language)
        yield f"{when}  {entry.by}  {in_language(STEPS[entry.step], language)}{outcome}{note}"
    if empty:
        yield in_language(NO_HISTORY, language)


def history_rows(entries: Iterable[MessageEntry]) -> list[dict[str, str | None]]:
    """Map the entries of a case to JSON."""
    return [
        {
            "at": entry.at.isoformat(),
            "by": entry.by,
            "step": entry.step.value,
            "outcome": entry.outcome.value if entry.outcome else None,
            "note": entry.note,
            "to": entry.to or None,
        }
        for entry in entries
    ]


def missed_as_text(found: Iterable[MissedCall], language: str, zone: tzinfo) -> str:
    """Write missed calls as text, one a line, in columns."""
    rows = [_missed_row(each, language, zone) for each in found]
    return _table(MISSED_HEADER, rows, NO_MISSED, language)


def _missed_row(each: MissedCall, language: str, zone: tzinfo) -> list[str]:
    record = each.record
    result = in_language(RESULTS[record.result], language)
    wanted = f", {in_language(WANTED, language)}" if each.wanted else ""
    return [
        str(each.number),
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        caller_words(record.caller, language),
        record.phone,
        result + wanted,
        _missed_state(each, language, zone),
    ]


def _missed_state(each: MissedCall, language: str, zone: tzinfo) -> str:
    if each.again is not None and each.care.state is not MessageState.CLOSED:
        again = each.again.rang_at.astimezone(zone)
        return in_language(CALLED_AGAIN, language).format(moment_words(again, language, year=False))
    return care_text(each.care, language)


if TYPE_CHECKING:
    Cares = Mapping[str, MessageCare]

MessageWords = dict[str, str]
NO_CARES: Final[dict[str, MessageCare]] = {}

_MESSAGE_WORDS: Final[dict[str, MessageWords]] = {
    "it": {
        "header": "N.|Ricevuto|Utente|Chiamato|Durata|Stato|File",
        "withheld": "numero riservato",
        "unavailable": "numero non disponibile",
        "unknown": "numero sconosciuto",
        "called": "non noto",
        "interrupted": "interrotto",
        "none": "Nessun messaggio.",
        "no_number_to_call": "Senza numero da richiamare. Nei dieci minuti prima hanno chiamato:",
        "no_hint": "Senza numero da richiamare; nessuno ha chiamato nei dieci minuti prima.",
    },
    "en": {
        "header": "No.|Received|Caller|Called|Length|State|File",
        "withheld": "number withheld",
        "unavailable": "number unavailable",
        "unknown": "number unknown",
        "called": "not known",
        "interrupted": "interrupted",
        "none": "No messages.",
        "no_number_to_call": "No number to call back. In the ten minutes before there called:",
        "no_hint": "No number to call back; nobody called in the ten minutes before.",
    },
}


def messages_as_json(found: Iterable[Message], directory: Path, cares: Cares = NO_CARES) -> str:
    """Write messages as JSON; the keys are stable."""
    rows = [
        message_json_row(message, directory, _care_of_message(message, cares)) for message in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def messages_as_text(
    found: Iterable[Message],
    directory: Path,
    language: str,
    zone: tzinfo,
    cares: Cares = NO_CARES,
) -> str:
    """Write messages as text, one a line, in columns."""
    words = _MESSAGE_WORDS[language]
    told = (_message_row(m, directory, language, zone, _care_of_message(m, cares)) for m in found)
    rows = [words["header"].split("|"), *told]
    return words["none"] if len(rows) == 1 else columns(rows)


def message_as_text(
    message: Message,
    entries: tuple[MessageEntry, ...],
    earlier: tuple[CallRecord, ...],
    directory: Path,
    language: str,
    zone: tzinfo,
) -> str:
    """Write one message with its entries, and its possible callers if it has no number (E16)."""
    lines = [
        messages_as_text([message], directory, language, zone, {message.id: care_of(entries)}),
        "",
    ]
    if has_no_number(message):
        lines += [*_possible_caller_lines(earlier, language, zone), ""]
    return "\n".join((*lines, *history_lines(entries, zone, language)))


def _possible_caller_lines(
    earlier: tuple[CallRecord, ...], language: str, zone: tzinfo
) -> Iterator[str]:
    """Write that there is no number to call back, and who called shortly before."""
    words = _MESSAGE_WORDS[language]
    yield words["no_number_to_call"] if earlier else words["no_hint"]
    for record in earlier:
        at = moment_words(record.rang_at.astimezone(zone), language)
        yield f"  {at}  {caller_text(record.caller, language)}"


def caller_text(caller: Caller, language: str = "it") -> str:
    """Write number and name of a caller, or why there is no number."""
    if caller.presentation is Presentation.SHOWN:
        return " ".join(filter(None, (caller.number, caller.name)))
    return _MESSAGE_WORDS[language][caller.presentation.value]


def _care_of_message(message: Message, cares: Cares) -> MessageCare:
    """Return the care of a message."""
    found = cares.get(message.id)
    if found is not None:
        return found
    # A message without entries was dealt with by an older version, or not at all: its own columns
    # tell.
    closing = None
    if message.outcome is not None and message.closed_at is not None:
        at, by = message.closed_at, message.closed_by
        closing = MessageEntry(at, by, MessageStep.CLOSE, message.outcome, message.note)
    return MessageCare(message.state, message.taken_by, closing=closing)


def message_json_row(message: Message, directory: Path, care: MessageCare) -> dict[str, object]:
    """Map a message to JSON; the keys are stable."""
    # What is not known is null, never an empty string.
    return {
        "number": message.number,
        "id": message.id,
        "call": message.call,
        "line": message.line,
        "received": message.received_at.isoformat(),
        "clock_state": message.clock_state,
        "presentation": message.caller.presentation.value,
        "caller": message.caller.number or None,
        "caller_name": message.caller.name or None,
        "called": message.called or None,
        "length_ms": message.length_ms,
        "gap_ms": message.gap_ms,
        "interrupted": message.interrupted,
        "law": message.law,
        "state": message.state.value,
        "outcome": message.outcome.value if message.outcome else None,
        "closed_by": message.closed_by or None,
        "closed_at": message.closed_at.isoformat() if message.closed_at else None,
        "taken_by": message.taken_by or None,
        "failed": [at.isoformat() for at in care.failed],
        "heard": [{"by": by, "at": at.isoformat()} for by, at in care.heard],
        "note": message.note or None,
        "path": str(directory / message.path),
        "sha256": message.sha256,
    }


def _message_row(
    message: Message, directory: Path, language: str, zone: tzinfo, care: MessageCare
) -> list[str]:
    words = _MESSAGE_WORDS[language]
    flag = f" ({words['interrupted']})" if message.interrupted else ""
    return [
        str(message.number),
        moment_words(message.received_at.astimezone(zone), language),
        caller_text(message.caller, language),
        message.called or words["called"],
        f"{message.length_ms // 60_000}:{message.length_ms // 1000 % 60:02}",
        care_text(care, language) + flag,
        str(directory / message.path),
    ]


_REQUEST_HEADER: Final = Words(
    "N.|Presa|Ufficio|Utente|Oggetto|Stato|Entro", "No.|Taken|Office|Citizen|Subject|State|Due"
)
_MAIL_HEADER: Final = Words(
    "N.|In coda da|A|Oggetto|Stato|Tentativi|Risposta", "No.|Queued|To|Subject|State|Tries|Answer"
)
_NO_REQUESTS: Final = Words("Nessuna richiesta.", "No requests.")
_NO_MAIL: Final = Words("Nessuna e-mail.", "No e-mails.")
_LATE: Final = Words("IN RITARDO", "OVERDUE")

DueOf = Callable[[Request], date]
IsLate = Callable[[Request], bool]


def requests_as_text(
    found: Iterable[StoredRequest], language: str, zone: tzinfo, due: DueOf, late: IsLate
) -> str:
    """Write requests as text, one a line."""

    def row(kept: StoredRequest) -> list[str]:
        request = kept.request
        mark = f" {in_language(_LATE, language)}" if late(request) else ""
        return [
            str(request.number),
            moment_words(request.at.astimezone(zone), language),
            request.unit,
            " ".join(filter(None, (request.citizen.name, request.citizen.phone))),
            request.subject,
            in_language(policy.state_words(request), language) + mark,
            day_words(due(request), language),
        ]

    return _table(_REQUEST_HEADER, [row(kept) for kept in found], _NO_REQUESTS, language)


def request_as_text(
    kept: StoredRequest, language: str, zone: tzinfo, due: DueOf, late: IsLate
) -> str:
    """Write one request with all its data and steps."""
    request = kept.request
    it = language == "it"
    rows = [
        requests_as_text([kept], language, zone, due, late),
        "",
        f"{'Necessità' if it else 'Need'}: {request.need}",
        f"{'Contatti' if it else 'Contact'}: {contact_text(request)}",
    ]
    if request.appointment:
        told = appointment_text(request.appointment, language, zone)
        rows.append(f"{'Appuntamento' if it else 'Appointment'}: {told}")
    for label, value in (
        ("Chiede" if it else "Asked", request.asked),
        ("Scheda" if it else "Sheet", request.sheet),
        ("Chiamata" if it else "Call", request.call),
        ("Registrazione" if it else "Recording", kept.sound.path),
    ):
        if value:
            rows.append(f"{label}: {value}")
    return "\n".join(
        [*rows, "", *(step_line(each, language, zone) for each in kept.steps)]
    ).rstrip()


def request_to_json(kept: StoredRequest, due: date, late: bool) -> dict[str, Any]:
    """Map a request to JSON; the keys are stable."""
    request, citizen, appointment = kept.request, kept.request.citizen, kept.request.appointment
    return {
        "number": request.number,
        "state": request.state.value,
        "cancelled": bool(request.closing and request.closing.cancelled),
        "rule": request.rule.value,
        "unit": request.unit,
        "need": request.need,
        "subject": request.subject,
        "asked": request.asked,
        "at": request.at.isoformat(),
        "by": request.by,
        "call": request.call,
        "sheet": request.sheet,
        "name": citizen.name,
        "phone": citizen.phone,
        "email": citizen.email,
        "prefers": citizen.prefers.value,
        "language": citizen.language,
        "spoken": citizen.spoken,
        "starts": appointment.slot.start.isoformat() if appointment else None,
        "ends": appointment.slot.end.isoformat() if appointment else None,
        "form": appointment.form.value if appointment else None,
        "confirmed": appointment.confirmed if appointment else None,
        "taken_by": request.taken_by,
        "followed_by": request.follower,
        "recording": kept.sound.path,
        "due": due.isoformat(),
        "overdue": late,
        "steps": [_step_json(each) for each in kept.steps],
    }


def mails_as_text(found: Iterable[StoredMail], language: str, zone: tzinfo) -> str:
    """Write mails as text, one a line."""
    rows = [
        [
            str(kept.number),
            moment_words(kept.queued_at.astimezone(zone), language),
            kept.mail.to,
            " ".join(kept.mail.subject.split()),
            in_language(MAIL_STATE_WORDS[kept.state], language),
            str(kept.tries),
            f"{kept.settled_by}: {kept.reason}" if kept.reason else kept.said,
        ]
        for kept in found
    ]
    return _table(_MAIL_HEADER, rows, _NO_MAIL, language)


def mails_as_json(found: Iterable[StoredMail]) -> str:
    """Write mails as JSON, without their texts."""
    rows = [
        {
            "number": kept.number,
            "key": kept.mail.key,
            "message_id": kept.message_id,
            "to": kept.mail.to,
            "subject": kept.mail.subject,
            "request": kept.mail.request,
            "queued_at": kept.queued_at.isoformat(),
            "state": kept.state.value,
            "tries": kept.tries,
            "said": kept.said,
            "settled_at": kept.settled_at.isoformat() if kept.settled_at else None,
            "settled_by": kept.settled_by,
            "reason": kept.reason,
        }
        for kept in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _table(header: Words, rows: Sequence[list[str]], none: Words, language: str) -> str:
    if not rows:
        return in_language(none, language)
    return columns([in_language(header, language).split("|"), *rows])


def contact_text(request: Request) -> str:
    """Write name and contacts of a request's citizen."""
    citizen = request.citizen
    parts = (citizen.name, citizen.phone, citizen.email, f"[{citizen.prefers}, {citizen.language}]")
    return " ".join(filter(None, parts))


def appointment_text(appointment: Appointment, language: str, zone: tzinfo) -> str:
    """Write time and form of an appointment, and whether it is to be confirmed."""
    start = appointment.slot.start.astimezone(zone)
    form = in_language(APPOINTMENT_FORM_WORDS[appointment.form], language)
    told = f"{moment_words(start, language)}, {form}"
    if appointment.confirmed:
        return told
    return told + (", da confermare" if language == "it" else ", to be confirmed")


def step_line(happened: StoredStep, language: str, zone: tzinfo) -> str:
    """Write a step as one line: time, step, author, source, words."""
    at: datetime = happened.at.astimezone(zone)
    said = f" ({happened.said_by})" if happened.said_by else ""
    words = f": {happened.words}" if happened.words else ""
    what = in_language(policy.REQUEST_STEP_WORDS[happened.step], language)
    return f"{moment_words(at, language)}  {what}  {happened.by}{said}{words}"


def _step_json(happened: StoredStep) -> dict[str, str]:
    return {
        "step": happened.step.value,
        "at": happened.at.isoformat(),
        "by": happened.by,
        "said_by": happened.said_by,
        "words": happened.words,
    }
