"""What an erasure by the head says, before and after (E20)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from appliance.policy.local_time import moment_words
from appliance.policy.words import Words

PREVIEW: Final = Words(
    "Sparirebbero (nulla è stato toccato): {}.", "This would go (nothing was touched): {}."
)
DONE: Final = Words("Cancellato: {}.", "Erased: {}.")
COUNTS: Final = Words(
    "chiamate {calls} (restano senza persona), messaggi {messages}, prese in carico {requests}, "
    "e-mail in coda o tenute {mails}, testi che citano il numero {texts}, file trovati {files}",
    "{calls} calls (they stay without the person), {messages} messages, {requests} requests, "
    "{mails} e-mails queued or kept, {texts} texts that name the number, {files} stray files",
)
OPEN: Final = Words(
    "Prese in carico non chiuse: {}. Vanno chiuse prima, o insieme alla cancellazione.",
    "Requests not closed: {}. They are closed before, or with the erasure.",
)
CANCELLING: Final = Words(
    "Chiudendole insieme l'ufficio riceve l'annullamento dell'appuntamento, senza i dati "
    "dell'utente: presa in carico {}.",
    "Closed with it, the office is sent the appointment's cancellation, without the "
    "citizen's data: request {}.",
)
CANCELLED: Final = Words(
    "All'ufficio parte l'annullamento dell'appuntamento, senza i dati dell'utente: presa in carico "
    "{}.",
    "The office is sent the appointment's cancellation, without the citizen's data: request {}.",
)
LETTER_SUBJECT: Final = Words(
    "Appuntamento annullato: [Richiesta {}]", "Appointment cancelled: [Request {}]"
)
LETTER: Final = Words(
    "L'appuntamento della richiesta {number}, {at}, è annullato: non c'è altro da fare.\n"
    "I dati dell'utente sono stati cancellati: eliminare anche l'e-mail e l'invito ricevuti.\n",
    "The appointment of request {number}, {at}, is cancelled: nothing more is to be done.\n"
    "The citizen's data were erased: delete the e-mail and the invitation you received, too.\n",
)
MAILED: Final = Words(
    "Già spedite, e non richiamabili (chi le ha ricevute va avvertito):",
    "Mailed already, and not to be called back (tell who has them):",
)
MAIL: Final = Words("  {at}  {to}  presa in carico {request}", "  {at}  {to}  request {request}")
OTHER_MAIL: Final = Words("  {at}  {to}", "  {at}  {to}")
NO_ADDRESS: Final = Words("(destinatario già scaduto)", "(recipient past its time)")
SET_ASIDE: Final = Words(
    "In {} stanno archivi guasti messi da parte, che possono contenerlo ancora: eliminarli.",
    "Damaged records that were set aside lie in {} and may still hold it: delete them.",
)
NOT_CUT: Final = Words(
    "Qualcuno sta leggendo gli archivi e il loro registro non si è potuto accorciare: chiudere gli "
    "altri comandi e ripetere questo, che lo accorcia.",
    "Somebody reads the records and their log could not be cut: end the other commands and say "
    "this again, which cuts it.",
)
BACKUPS: Final = Words(
    "Nelle copie di sicurezza resta fino alla loro prossima rotazione.",
    "In backups it stays until their next rotation.",
)


def both(*texts: Words) -> Words:
    """Put texts one below the other."""
    return Words("\n".join(t.it for t in texts), "\n".join(t.en for t in texts))


def filled(words: Words, *values: object, **named: object) -> Words:
    """Put values, Words among them, into a text of both languages."""
    return Words(
        words.it.format(*_of(values, "it"), **named), words.en.format(*_of(values, "en"), **named)
    )


def mail(at: datetime, to: str, request: int) -> Words:
    """Say of one e-mail when (local time) it left, to whom and for which request (0: for none)."""
    words = MAIL if request else OTHER_MAIL
    it, en = (to or NO_ADDRESS.it), (to or NO_ADDRESS.en)
    return Words(
        words.it.format(at=moment_words(at, "it"), to=it, request=request),
        words.en.format(at=moment_words(at, "en"), to=en, request=request),
    )


def _of(values: tuple[object, ...], language: str) -> list[object]:
    return [getattr(value, language) if isinstance(value, Words) else value for value in values]
