"""What `centralino messages` shows, and how a message is closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from appliance.calls.events import Caller, Presentation
from appliance.errors import OfficeError
from appliance.records import messages
from appliance.records.messages import Message, MessageState, Outcome

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

Words = dict[str, str]

_WORDS: Final[dict[str, Words]] = {
    "it": {
        "header": "N.|Ricevuto|Utente|Chiamato|Durata|Stato|File",
        "withheld": "numero riservato",
        "unavailable": "numero non disponibile",
        "unknown": "numero sconosciuto",
        "called": "non noto",
        "new": "da trattare",
        "interrupted": "interrotto",
        "none": "Nessun messaggio.",
        "called_back": "richiamato",
        "not_reachable": "non raggiungibile",
        "no_number": "senza numero",
        "not_needed": "non necessario",
        "passed_to_office": "passato a un ufficio",
    },
    "en": {
        "header": "No.|Received|Caller|Called|Length|State|File",
        "withheld": "number withheld",
        "unavailable": "number unavailable",
        "unknown": "number unknown",
        "called": "not known",
        "new": "to be dealt with",
        "interrupted": "interrupted",
        "none": "No messages.",
        "called_back": "called back",
        "not_reachable": "not reachable",
        "no_number": "no number",
        "not_needed": "not needed",
        "passed_to_office": "passed to an office",
    },
}


def list_messages(
    connection: sqlite3.Connection, state: MessageState | None = None
) -> tuple[Message, ...]:
    """Read the messages, newest first, from a reader's connection (`records.open_reader`)."""
    return messages.messages(connection, state)


def close_message(
    connection: sqlite3.Connection, name: str, by: str, outcome: str, at: datetime, note: str = ""
) -> Message:
    """Close message `name` (its number or id) for `by` with one of the outcomes.

    Raises OfficeError. Whoever closes one tells the mailbox to `recount`, for the lamp.
    """
    if outcome not in set(Outcome):
        raise OfficeError(f"{outcome!r} is no outcome: say one of {', '.join(Outcome)}")
    if not by:
        raise OfficeError("a message is closed by somebody: say who")
    return messages.close(connection, name, by, Outcome(outcome), at, note)


def as_json(found: Iterable[Message], directory: Path) -> str:
    """Write the list for programmes; the keys are kept stable."""
    return json.dumps(
        [_json_row(message, directory) for message in found], ensure_ascii=False, indent=2
    )


def as_text(found: Iterable[Message], directory: Path, language: str = "it") -> str:
    """Write the list for people, one line a message, in columns."""
    words = _WORDS[language]
    rows = [words["header"].split("|"), *(_text_row(m, directory, words) for m in found)]
    if len(rows) == 1:
        return words["none"]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def outcome_text(outcome: Outcome, language: str = "it") -> str:
    """Return an outcome in words."""
    return _WORDS[language][outcome.value]


def caller_text(caller: Caller, language: str = "it") -> str:
    """Say who called: the number and name, or in words why there is none."""
    if caller.presentation is Presentation.SHOWN:
        return " ".join(filter(None, (caller.number, caller.name)))
    return _WORDS[language][caller.presentation.value]


def _json_row(message: Message, directory: Path) -> dict[str, object]:
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
        "path": str(directory / message.path),
        "sha256": message.sha256,
    }


def _text_row(message: Message, directory: Path, words: Words) -> list[str]:
    language = next(name for name, known in _WORDS.items() if known is words)
    state = words[message.outcome.value if message.outcome else "new"]
    flag = f" ({words['interrupted']})" if message.interrupted else ""
    return [
        str(message.number),
        message.received_at.strftime("%d/%m/%Y %H:%M"),
        caller_text(message.caller, language),
        message.called or words["called"],
        f"{message.length_ms // 60_000}:{message.length_ms // 1000 % 60:02}",
        state + flag,
        str(directory / message.path),
    ]
