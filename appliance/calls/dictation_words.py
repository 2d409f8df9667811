"""How far a dictation is, in words for whoever asked for it (dictation.py)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from appliance.policy.text import Words


class Went(enum.StrEnum):
    """A step of a dictation, or how it ended."""

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
"""So long a recording stays that nobody lets callers hear, and nobody throws away."""
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
