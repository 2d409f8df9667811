"""Why something about a request is refused, said to whoever asked for it; both languages."""

from __future__ import annotations

from appliance.policy.words import Words

NO_SUBJECT = Words(
    "Manca l'oggetto: dire in poche parole di che cosa si tratta.",
    "the request has no subject: say in a few words what it is about",
)
NO_TIME = Words(
    "Un appuntamento ha bisogno di giorno e ora; un'e-mail non ne ha.",
    "an appointment needs its time, and an e-mail has none",
)
NO_NEW_TIME = Words(
    "A che ora? Dare il nuovo orario dell'appuntamento.",
    "to which time? Give the appointment's new one",
)
NO_WORDS = Words(
    "Che cosa ha detto l'utente? Un sollecito aggiunge parole per l'ufficio.",
    "what did the citizen say? A reminder adds words for the office",
)
WHO_CLOSES = Words(
    "Chi ha detto che è evasa? Una richiesta non si chiude mai da sola.",
    "who said that it was done? A request is never closed by time alone",
)
WHO_CANCELS = Words(
    "Chi la annulla? Serve il nome di chi lo ha detto.",
    "who cancels it? Give the name of whoever said so",
)


def no_start(why: object) -> Words:
    """Say that an appointment has no time that can be read."""
    return Words(
        "Quando comincia l'appuntamento? Servono giorno e ora.",
        f"when does the appointment start? {why}",
    )


def no_request(number: int) -> Words:
    """Say that there is none of that number."""
    return Words(
        f"La richiesta {number} non c'è: cercarla nell'elenco.",
        f"there is no request {number}: list them with `centralino requests list`",
    )


def no_appointment(number: int) -> Words:
    """Say that there is nothing to move."""
    return Words(
        f"La richiesta {number} non ha un appuntamento da spostare.",
        f"request {number} has no appointment that could be moved",
    )


def over(number: int, state: str, step: str) -> Words:
    """Say that it has ended, and needs nothing more."""
    return Words(
        f"La richiesta è conclusa ({number}): non c'è altro da fare.",
        f"request {number} is {state}: it needs no {step} any more",
    )
