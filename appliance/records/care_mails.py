"""What is mailed about messages: a new one to the desk, a late one to desk and head (E16)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from appliance.policy.local_time import moment_words
from appliance.policy.mail import HEAD, Mail
from appliance.policy.message_alerts import CallAlerts
from appliance.policy.messages import Step
from appliance.policy.numbering import HOME, Plan
from appliance.policy.words import Words
from appliance.records.care_words import TAKEN
from appliance.records.listing import caller_words, one

if TYPE_CHECKING:
    from appliance.records.messages import Message


@dataclass(frozen=True, slots=True)
class Notices:
    """To whom notices go: `desk` is an address or "" for none; with the sound or without it.

    `head`: the head of the front desk has an address, too. `calls`: of which calls without a
    message they are told. `plan`: by which a caller's numbers are compared. `page` is the address
    of the console's page of messages, "" for none; `labels` are what positions are called.
    """

    desk: str = ""
    sound: bool = False
    language: str = "it"
    head: bool = True
    calls: CallAlerts = CallAlerts.ALL
    plan: Plan = HOME
    page: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def alerted(self) -> tuple[str, ...]:
        """The recipients of an alert: the head and the desk, those that have an address."""
        return tuple(to for to in (HEAD if self.head else "", self.desk) if to)


NEW: Final = Words("Segreteria: messaggio {} da {}", "Voicemail: message {} from {}")
NEW_BODY: Final = Words(
    "È arrivato un messaggio in segreteria.\n\n{line}\n\n{where}\n\nChi se ne occupa lo prende in "
    "carico, così nessun altro richiama.\n",
    "A message has come in.\n\n{line}\n\n{where}\n\nWhoever deals with it takes it, so that nobody "
    "else calls back.\n",
)
ON_A_PHONE: Final = Words(
    "Si ascolta da un telefono con *86. Poi: 1 riascoltare, 2 prossimo, 3 richiamato, "
    "4 non occorre, 5 prendere in carico, 6 chiamato a vuoto, 7 richiamare subito.",
    "It is heard on a phone with *86. Then: 1 again, 2 next, 3 called back, 4 not needed, 5 take "
    "it, 6 called in vain, 7 call back now.",
)
ON_THE_PAGE: Final = Words(
    "Si ascolta e si chiude nella pagina Messaggi: {}", "It is heard and closed on the page: {}"
)
LINE: Final = Words(
    "Messaggio {number}: {caller}, ricevuto {when}, durata {length}",
    "Message {number}: {caller}, received {when}, length {length}",
)
ALERTS: Final[Mapping[Step, tuple[Words, Words]]] = {
    Step.ALERT_UNHEARD: (
        Words("Segreteria: messaggi non ascoltati ({})", "Voicemail: messages not heard ({})"),
        Words(
            "Da trenta minuti l'ufficio è aperto e nessuno ha ancora ascoltato:\n\n{}\n\n"
            "Si ascoltano da un telefono con *86.\n",
            "The office has been open for thirty minutes and nobody has heard yet:\n\n{}\n\n"
            "They are heard on a phone with *86.\n",
        ),
    ),
    Step.ALERT_UNCLOSED: (
        Words("Segreteria: messaggi non chiusi ({})", "Voicemail: messages not closed ({})"),
        Words(
            "È passato un giorno lavorativo e nessuno ha chiuso:\n\n{}\n\n"
            "Ogni messaggio si chiude con il suo esito.\n",
            "A working day has passed and nobody has closed:\n\n{}\n\n"
            "Every message is closed with its outcome.\n",
        ),
    ),
}


def new_message_mail(message: Message, notices: Notices, zone: tzinfo) -> Mail:
    """Write the notice of a new message; the sound goes with it only where that is wanted."""
    language = notices.language
    caller = caller_words(message.caller, language)
    page = [one(ON_THE_PAGE, language).format(notices.page)] if notices.page else []
    where = "\n".join((*page, one(ON_A_PHONE, language)))
    return Mail(
        f"message:{message.id}",
        notices.desk,
        one(NEW, language).format(message.number, caller),
        one(NEW_BODY, language).format(line=_line(message, zone, notices), where=where),
        attachments=(f"voicemail/{message.path}",) if notices.sound else (),
    )


def alert_mails(
    step: Step, late: tuple[Message, ...], notices: Notices, zone: tzinfo
) -> Iterator[Mail]:
    """Write one alert of all messages that became late at once, for each who is to know."""
    subject, body = (one(words, notices.language) for words in ALERTS[step])
    lines = "\n".join(_line(message, zone, notices) for message in late)
    for to in notices.alerted:
        who = "head" if to == HEAD else "desk"
        key = f"{step}:{who}:{late[0].id}"
        yield Mail(key, to, subject.format(len(late)), body.format(lines))


def _line(message: Message, zone: tzinfo, notices: Notices) -> str:
    seconds, language = message.length_ms // 1000, notices.language
    holder = notices.labels.get(message.taken_by, message.taken_by)
    taken = f", {one(TAKEN, language).format(holder)}" if holder else ""
    said = one(LINE, language).format(
        number=message.number,
        caller=caller_words(message.caller, language),
        when=moment_words(message.received_at.astimezone(zone), language),
        length=f"{seconds // 60}:{seconds % 60:02}",
    )
    return said + taken
