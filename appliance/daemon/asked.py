"""How a question at the door is read, and how a refusal is written."""

from __future__ import annotations

import json
import typing
from datetime import datetime
from typing import Any, Final

from appliance.calls import commands
from appliance.errors import Bug, OfficeError
from appliance.policy.text import Words

YEARS = (2000, 9000)
"""Times that can be asked for."""
REQUESTS: dict[str, type] = {cls.__name__: cls for cls in typing.get_args(commands.Request)}

FAULT: Final = Words(
    "Operazione non riuscita per un errore del programma; il servizio prosegue. Controllare lo "
    "stato prima di riprovare; se si ripete, avvisare il tecnico.",
    "a fault in the programme kept this from being done; the service goes on: look at the state "
    "before trying again, and tell the technician if it happens again",
)

Answer = dict[str, Any]


def parse_request(question: dict[str, Any]) -> commands.Request:
    """Read a request of calls.requests; raises OfficeError with what is wrong in it."""
    name = question.get("ask")
    cls = REQUESTS.get(str(name))
    if cls is None:
        raise OfficeError(f"{name!r} cannot be asked; known are status, {', '.join(REQUESTS)}")
    try:
        until = question.get("until")
        lasts = {"lasts": _boolean(question["lasts"])} if "lasts" in question else {}
        return typing.cast(
            commands.Request,
            cls(
                on=_boolean(question["on"]),
                by=str(question["by"])[:64],
                until=moment(until) if until else None,
                **lasts,
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OfficeError(
            f"{name}: on, by and until (ISO time or null) are needed: {error}"
        ) from error


def moment(text: str) -> datetime:
    """Read an ISO time; raises ValueError for one without offset, TypeError for no text.

    Years at either end of the calendar have no local time everywhere (OverflowError).
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its offset, e.g. 2026-11-25T13:00:00+01:00")
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"the year {at.year} is none to wait for")
    return at


def read_question(line: bytes) -> dict[str, Any]:
    """Read a line; raises OfficeError for what is no question, or holds no text that can be kept.

    JSON can spell half a character ("\\ud800"), which no file and no database takes.
    """
    try:
        question = json.loads(line)
        json.dumps(question, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a question is one JSON object a line ({error})") from error
    if not isinstance(question, dict):
        raise OfficeError("a question is one JSON object a line")
    return question


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("on is true or false")
    return value


def refusal(error: Exception) -> Answer:
    """Write a refusal; what is said in both languages is told apart, for who shows it."""
    words = FAULT if isinstance(error, Bug) else getattr(error, "words", None)
    said = {"said": {"it": words.it, "en": words.en}} if isinstance(words, Words) else {}
    return {"ok": False, "error": str(error), **said}
