"""What `centralino messages` shows, and how a message is closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller, Presentation
from appliance.policy.hours import moment_words
from appliance.policy.text import Refused
from appliance.policy.voicemail import (
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
)
from appliance.store import voicemail
from appliance.store.voicemail import call_columns, history_lines, state_text, without_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, tzinfo
    from pathlib import Path

    from appliance.calls.orders import CallRecord
    from appliance.store.voicemail import Message

    Cares = Mapping[str, MessageCare]

Words = dict[str, str]
NO_CARES: Final[dict[str, MessageCare]] = {}

_WORDS: Final[dict[str, Words]] = {
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


def list_messages(
    connection: sqlite3.Connection, state: MessageState | None = None
) -> tuple[Message, ...]:
    """Read the messages, newest first, from a reader's connection (`records.open_reader`)."""
    return voicemail.list_messages(connection, state)


def close_message(
    connection: sqlite3.Connection, name: str, by: str, outcome: str, at: datetime, note: str = ""
) -> Message:
    """Close message `name` (its number or id) for `by` with one of the outcomes.

    Raises OfficeError. Whoever closes one tells the mailbox to `recount`, for the lamp.
    """
    if outcome not in set(MessageOutcome):
        raise Refused(
            f"{outcome!r} non è un esito: indicarne uno fra {', '.join(MessageOutcome)}",
            f"{outcome!r} is no outcome: say one of {', '.join(MessageOutcome)}",
        )
    if not by:
        raise Refused(
            "un messaggio lo chiude qualcuno: indicare chi",
            "a message is closed by somebody: say who",
        )
    return voicemail.close(connection, name, by, MessageOutcome(outcome), at, note)


def as_json(found: Iterable[Message], directory: Path, cares: Cares = NO_CARES) -> str:
    """Write the list for programmes; the keys are kept stable."""
    rows = [json_row(message, directory, _care(message, cares)) for message in found]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_text(
    found: Iterable[Message],
    directory: Path,
    language: str,
    zone: tzinfo,
    cares: Cares = NO_CARES,
) -> str:
    """Write the list for people, one line a message, in columns."""
    words = _WORDS[language]
    told = (_text_row(m, directory, language, zone, _care(m, cares)) for m in found)
    rows = [words["header"].split("|"), *told]
    return words["none"] if len(rows) == 1 else call_columns(rows)


def shown(
    message: Message,
    entries: tuple[MessageEntry, ...],
    earlier: tuple[CallRecord, ...],
    directory: Path,
    language: str,
    zone: tzinfo,
) -> str:
    """Write one message with what was done about it, and whose it may be where no number came."""
    lines = [as_text([message], directory, language, zone, {message.id: care_of(entries)}), ""]
    if without_number(message):
        lines += [*_hints(earlier, language, zone), ""]
    return "\n".join((*lines, *history_lines(entries, zone, language)))


def _hints(earlier: tuple[CallRecord, ...], language: str, zone: tzinfo) -> Iterator[str]:
    """Say that there is no number to call back, and who called shortly before."""
    words = _WORDS[language]
    yield words["no_number_to_call"] if earlier else words["no_hint"]
    for record in earlier:
        at = moment_words(record.rang_at.astimezone(zone), language)
        yield f"  {at}  {caller_text(record.caller, language)}"


def caller_text(caller: Caller, language: str = "it") -> str:
    """Say who called: the number and name, or in words why there is none."""
    if caller.presentation is Presentation.SHOWN:
        return " ".join(filter(None, (caller.number, caller.name)))
    return _WORDS[language][caller.presentation.value]


def _care(message: Message, cares: Cares) -> MessageCare:
    """Return how a message stands; of one without entries its own columns tell."""
    found = cares.get(message.id)
    if found is not None:
        return found
    closing = None
    if message.outcome is not None and message.closed_at is not None:
        at, by = message.closed_at, message.closed_by
        closing = MessageEntry(at, by, MessageStep.CLOSE, message.outcome, message.note)
    return MessageCare(message.state, message.taken_by, closing=closing)


def json_row(message: Message, directory: Path, care: MessageCare) -> dict[str, object]:
    """Spread a message for programmes; the keys are kept stable."""
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


def _text_row(
    message: Message, directory: Path, language: str, zone: tzinfo, care: MessageCare
) -> list[str]:
    words = _WORDS[language]
    flag = f" ({words['interrupted']})" if message.interrupted else ""
    return [
        str(message.number),
        moment_words(message.received_at.astimezone(zone), language),
        caller_text(message.caller, language),
        message.called or words["called"],
        f"{message.length_ms // 60_000}:{message.length_ms // 1000 % 60:02}",
        state_text(care, language) + flag,
        str(directory / message.path),
    ]
