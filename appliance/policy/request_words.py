"""What is said of requests and notices to whoever takes, changes or lists them; both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.policy.mail import HEAD
from appliance.policy.outbox import MailState
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.requests import Request, State, Step
from appliance.policy.transfer_words import OFFERS
from appliance.policy.words import Words

STATES: Mapping[State, Words] = {
    State.OPEN: Words("aperta, e-mail non ancora partita", "open, its mail has not left"),
    State.SENT: Words("inviata, in attesa dell'ufficio", "sent, waiting for the office"),
    State.TAKEN: Words("dell'ufficio", "with the office"),
    State.DONE: Words("evasa", "done"),
}
"""How far a request is; "sent" never reads as "answered" (E15)."""
CANCELLED = Words("annullata", "cancelled")
STEPS: Mapping[Step, Words] = {
    Step.MAILED: Words("e-mail presa dal server", "mail taken by the mail server"),
    Step.TAKE: Words("assegnata", "taken"),
    Step.REMIND: Words("sollecito", "reminder"),
    Step.CLOSE: Words("chiusa", "closed"),
    Step.MOVE: Words("appuntamento spostato", "appointment moved"),
    Step.GIVE: Words("consegnata", "handed over"),
    Step.CANCEL: Words("annullata", "cancelled"),
}
"""What happened to a request."""
MAILS: Mapping[MailState, Words] = {
    MailState.QUEUED: Words("in attesa", "waiting"),
    MailState.SENT: Words("presa dal server di posta", "taken by the mail server"),
    MailState.DEAD: Words("NON PARTITA", "NOT SENT"),
    MailState.DROPPED: Words("rinunciata", "given up"),
}
"""What became of a notice."""
_STEPPED: Mapping[Step, Words] = {
    Step.TAKE: Words("Richiesta {n}: ora è di {taken_by}.", "Request {n}: {taken_by} has it now."),
    Step.REMIND: Words(
        "Richiesta {n}: sollecito aggiunto, il {count}°.", "Request {n}: reminder {count} added."
    ),
    Step.CLOSE: Words("Richiesta {n}: chiusa.", "Request {n}: closed."),
    Step.MOVE: Words("Richiesta {n}: appuntamento spostato.", "Request {n}: appointment moved."),
    Step.CANCEL: Words("Richiesta {n}: annullata.", "Request {n}: cancelled."),
}


def taken(request: Request) -> Words:
    """Say that a request is stored, by its number."""
    n = request.number
    return Words(f"Presa in carico: richiesta {n}.", f"Taken over: request {n}.")


def stepped(request: Request, step: Step) -> Words:
    """Say what a step did."""
    told = {"n": request.number, "taken_by": request.taken_by, "count": len(request.reminders)}
    words = _STEPPED[step]
    return Words(words.it.format(**told), words.en.format(**told))


def state_of(request: Request) -> Words:
    """Say how far a request is."""
    if request.closing is not None and request.closing.cancelled:
        return CANCELLED
    return STATES[request.state]


def known_already(found: Sequence[Request]) -> Words:
    """Offer what is open of the same citizen before a second request is made (E9)."""
    listed = ", ".join(f"{each.number} ({each.unit}: {each.subject})" for each in found)
    first = found[0].number
    return Words(
        f"l'utente ha già richieste aperte: {listed}; sollecitare con "
        f"centralino requests remind {first}, o --anyway per una nuova",
        f"the citizen has open requests: {listed}; remind with "
        f"centralino requests remind {first}, or use --anyway for a new one",
    )


def not_its_rule(unit: str, allowed: Sequence[ReturnRule]) -> Words:
    """Say what an office has declared instead (P6, E13)."""
    offers = [OFFERS[rule] for rule in allowed]
    it, en = " o ".join(each.it for each in offers), " or ".join(each.en for each in offers)
    return Words(f"{unit} ha comunicato: {it}", f"{unit} has declared: {en}")


def retried(number: int) -> Words:
    """Say that a notice is tried again."""
    return Words(f"E-mail {number}: si riprova subito.", f"Mail {number}: tried again now.")


def sent_again(number: int, to: str) -> Words:
    """Say that a notice is sent once more, and to whom."""
    if to == HEAD:
        return Words(f"E-mail {number}: si invia di nuovo.", f"Mail {number}: sent again.")
    return Words(
        f"E-mail {number}: si invia di nuovo a {to}.", f"Mail {number}: sent again to {to}."
    )


def dropped(number: int) -> Words:
    """Say that a notice was given up."""
    return Words(
        f"E-mail {number}: rinunciata; resta in elenco.",
        f"Mail {number}: given up; it stays listed.",
    )
