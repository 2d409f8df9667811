"""What the terminal says of each event, in Italian and English; an event not here says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.testphone.phone import Event

LANGUAGES = ("it", "en")
SENTENCES: dict[str, tuple[str, str]] = {
    "on": ("acceso ({address})", "on ({address})"),
    "off": ("spento", "off"),
    "registered": ("registrato al centralino", "registered with the switchboard"),
    "registration_failed": ("registrazione non riuscita: {status}", "not registered: {status}"),
    "unregistered": ("registrazione tolta", "no longer registered"),
    "ringing": ("squilla (utente {caller})", "rings (caller {caller})"),
    "caller": ("mostra {caller}", "shows {caller}"),
    "answered": ("risponde", "answered"),
    "dialing": ("chiama {called}", "dials {called}"),
    "cancelled": ("smette di squillare {reason}", "stops ringing {reason}"),
    "second_call": ("occupato per una seconda chiamata", "busy for a second call"),
    "digit": ("sente il tasto {digit}", "hears key {digit}"),
    "hold": ("mette in attesa", "puts on hold"),
    "resume": ("riprende", "takes back from hold"),
    "held": ("è in attesa", "is held"),
    "released": ("non è più in attesa", "is no longer held"),
    "said": ("ha finito di parlare", "has finished speaking"),
    "bad_ack": ("ERRORE, ACK sbagliato: {reason}", "FAULT, wrong ACK: {reason}"),
    "no_ack": (
        "ERRORE: nessun ACK in 32 s, la chiamata cade",
        "FAULT: no ACK within 32 s, the call is dropped",
    ),
    "ended": ("fine della chiamata: {cause}", "call ended: {cause}"),
}
CAUSES: dict[str, tuple[str, str]] = {
    "us": ("riaggancia", "hung up here"),
    "far_end": ("l'altro ha riagganciato", "the other end hung up"),
    "cancelled": ("chiamata ritirata", "taken back"),
    "refused": ("rifiutata", "refused"),
    "unreachable": ("non raggiungibile", "not reachable"),
    "no_ack": ("manca l'ACK", "no ACK"),
    "off": ("telefono spento", "phone switched off"),
}


def sentence(name: str, event: Event, language: str) -> str:
    """Return the line about an event ("op1: rings (caller 051234567)"); "" for one without."""
    index = LANGUAGES.index(language)
    if event.kind not in SENTENCES:
        return ""
    details = dict(event.details)
    if "cause" in details:
        details["cause"] = CAUSES[details["cause"]][index]
    if details.get("caller") == "":
        details["caller"] = ("sconosciuto", "unknown")[index]
    return f"{name}: {SENTENCES[event.kind][index].format_map(details).rstrip()}"
