"""A request as the protocol office files it: what was taken over, and all that became of it (E15).

Every text that somebody typed goes through `hide`: no number that is not told may stand in it (P7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo

from appliance.policy import request_words
from appliance.policy.letters import contact, need_name
from appliance.policy.register.register import Register
from appliance.policy.words import Words
from appliance.records.request_listing import Due, said_in, step_line, when
from appliance.records.request_rows import Kept

TITLE = Words("Richiesta {n}", "Request {n}")
_LABELS = (
    Words("Presa in carico", "Taken over"),
    Words("Da", "By"),
    Words("Ufficio", "Office"),
    Words("Necessità", "Need"),
    Words("Utente", "Citizen"),
    Words("Oggetto", "Subject"),
    Words("Chiede", "Asked"),
    Words("Scheda", "Sheet"),
    Words("Appuntamento", "Appointment"),
    Words("Registrazione", "Recording"),
    Words("SHA-256", "SHA-256"),
    Words("Stato", "State"),
    Words("Entro", "Due"),
)
_HISTORY = Words("Storia", "History")


def title(kept: Kept, house: str, language: str) -> str:
    """Name the request and the house."""
    return f"{house} – {said_in(TITLE, language).format(n=kept.request.number)}"


def rows(
    kept: Kept,
    language: str,
    zone: tzinfo,
    due: Due,
    hide: Callable[[str], str],
    register: Register,
) -> tuple[str, ...]:
    """Write it for people, a paragraph a row; what is not known is left out."""
    told = zip(_LABELS, _values(kept, language, zone, due, register), strict=True)
    facts = [f"{said_in(label, language)}: {hide(value)}" for label, value in told if value]
    steps = [hide(step_line(each, language, zone)) for each in kept.steps]
    history = ["", f"{said_in(_HISTORY, language)}:", *steps] if steps else []
    return (*facts, *history)


def _values(kept: Kept, language: str, zone: tzinfo, due: Due, register: Register) -> Iterator[str]:
    """Yield what stands behind each label."""
    request = kept.request
    yield f"{request.at.astimezone(zone):%d/%m/%Y %H:%M}"
    yield request.by
    unit = register.unit(request.unit)
    yield unit.name if unit else request.unit
    yield need_name(register, zone, request)
    yield contact(request.citizen, language).replace("\n  ", ", ")
    yield request.subject
    yield request.asked
    yield request.sheet
    yield when(request.appointment, language, zone) if request.appointment else ""
    yield kept.sound.path
    yield kept.sound.sha256
    yield said_in(request_words.state_of(request), language)
    yield f"{due(request):%d/%m/%Y}"
