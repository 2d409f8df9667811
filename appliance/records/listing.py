"""What `centralino calls` shows: each call in one line, and by what its end was noticed (B1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Final

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.calls.trail_words import Names, transfers_of
from appliance.policy.local_time import moment_words
from appliance.policy.words import Words, in_language
from appliance.records.call_log import to_row

Back = Mapping[str, Sequence[CallRecord]]
"""Calls that were placed for a case ("call:ID"), newest first."""

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
"""How a call ended, in the front desk's words."""

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
"""By what the end of a call was noticed."""

_ABSENT: Final[Mapping[Presentation, Words]] = {
    Presentation.WITHHELD: Words("numero riservato", "number withheld"),
    Presentation.UNAVAILABLE: Words("numero non disponibile", "number unavailable"),
    Presentation.UNKNOWN: Words("numero sconosciuto", "number unknown"),
}
_ERASED: Final = Words("numero cancellato", "number erased")
"""What is shown of a caller past the time for which numbers are kept (retention.py)."""
_NONE: Final = Words("Nessuna chiamata.", "No calls.")
_TO: Final = Words("a", "to")
_BACK: Final = Words("richiamato alle {at} ({result})", "called back at {at} ({result})")
_CALLED: Final = Words("Chiamato", "Called")
_UNKNOWN: Final = Words("non noto", "not known")
_SHEETS: Final = Words("Schede", "Sheets")
_TRANSFERS: Final = Words("Trasferimenti", "Transfers")
_HEADER: Final = Words(
    "Ricevuta|Linea|Utente|Telefono|Esito|Fine", "Received|Line|Caller|Phone|Result|End"
)


def as_json(found: Iterable[CallRecord]) -> str:
    """Write calls for programmes: the columns of the call log, the trail as a list."""
    rows = [
        {**to_row(record), "trail": list(record.trail), "sheets": list(record.sheets)}
        for record in found
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_text(
    found: Iterable[CallRecord],
    language: str,
    zone: tzinfo,
    back: Back | None = None,
    names: Names | None = None,
) -> str:
    """Write calls for people, one a line, in columns; `back` are the calls placed for each case.

    The number called has a column where several were (P1), the sheets where one was used (P2), and
    transfers with their returns where there was one (P3, P6); `names` are those of the offices.
    """
    records = tuple(found)
    rows = [_row(record, language, zone, back or {}) for record in records]
    rows = [one(_HEADER, language).split("|"), *rows]
    if not records:
        return one(_NONE, language)
    if len({record.called for record in records if record.direction is Direction.IN}) > 1:
        numbers = (one(_CALLED, language), *(_called(record, language) for record in records))
        rows = [[*row[:2], number, *row[2:]] for row, number in zip(rows, numbers, strict=True)]
    if any(record.sheets for record in records):
        sheets = (one(_SHEETS, language), *(" ".join(record.sheets) for record in records))
        rows = [[*row, codes] for row, codes in zip(rows, sheets, strict=True)]
    moves = [transfers_of(record, names or {}) for record in records]
    if any(moves):
        said = ("; ".join(one(words, language) for words in each) for each in moves)
        heads = (one(_TRANSFERS, language), *said)
        rows = [[*row, cell] for row, cell in zip(rows, heads, strict=True)]
    return columns(rows)


def _called(record: CallRecord, language: str) -> str:
    """Return the public number called, in words where it is not known, "" for a call out."""
    if record.direction is not Direction.IN:
        return ""
    return record.called or one(_UNKNOWN, language)


def columns(rows: list[list[str]]) -> str:
    """Write rows of cells, each column as wide as its widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def end_words(record: CallRecord, language: str) -> str:
    """Say by what the end was noticed, and how long that took from its first sign."""
    if record.evidence is None:
        return ""
    words = one(EVIDENCES[record.evidence], language)
    return f"{words}, {record.release_ms / 1000:.1f} s" if record.release_ms else words


def one(words: Words, language: str) -> str:
    """Return a text in one language."""
    return in_language(words, language)


def _row(record: CallRecord, language: str, zone: tzinfo, back: Back) -> list[str]:
    calls = back.get(f"call:{record.call}")
    ended = (end_words(record, language), back_words(calls, language, zone))
    return [
        moment_words(record.rang_at.astimezone(zone), language),
        record.line,
        _outside(record, language),
        record.phone,
        one(RESULTS[record.result], language),
        "; ".join(filter(None, ended)),
    ]


def _outside(record: CallRecord, language: str) -> str:
    """Say who called, or "to" whom the office did; an office's number is its unit's name (P7)."""
    if record.direction is Direction.IN:
        return caller_words(record.caller, language)
    caller = record.caller
    return f"{one(_TO, language)} {' '.join(filter(None, (caller.number, caller.name)))}"


def back_words(calls: Sequence[CallRecord] | None, language: str, zone: tzinfo) -> str:
    """Say when somebody was last called back and how that went, "" when nobody was (E17)."""
    if not calls:
        return ""
    last = calls[0]
    result = one(RESULTS[last.result], language)
    return one(_BACK, language).format(at=f"{last.rang_at.astimezone(zone):%H:%M}", result=result)


def caller_words(caller: Caller, language: str) -> str:
    """Say who called: number and name, or in words why there is none."""
    if caller.presentation is Presentation.SHOWN:
        shown = " ".join(filter(None, (caller.number, caller.name)))
        return shown or one(_ERASED, language)
    return one(_ABSENT[caller.presentation], language)
