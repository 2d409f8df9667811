"""Texts of the state in both languages, from values: `centralino status`, phones, MQTT, messages.

Pure; printed by the command line and shown by the console.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.calls import commands
from appliance.calls.events import LineCondition
from appliance.calls.manual_states import WHAT
from appliance.calls.model import LineState
from appliance.calls.side_states import SideState
from appliance.calls.status import CallStatus, GroupStatus, LineStatus, OutgoingStatus, Status
from appliance.config.phones import StoredHandset
from appliance.fleet.mqtt import BrokerHealth
from appliance.policy.hours import moment_words
from appliance.policy.numbering import NumberClass
from appliance.policy.office import SET_AUTOMATICALLY
from appliance.policy.opening import ManualMark, ManualState, ServiceState
from appliance.policy.routing import GroupState
from appliance.policy.text import NOTHING, Words
from appliance.store.alerts import NOTHING_OPEN, OpenCounts
from appliance.store.database import Trouble

if TYPE_CHECKING:
    pass


# A broker that is away for less was only restarted: nothing to report.
PATIENCE_S: Final = 60.0
"""Seconds without a connection before it is reported."""
TOLD_FOR: Final = timedelta(days=1)
"""Time after the last dropped event for which it is reported."""
ENDED: Final = Trouble(
    "mqtt.ended",
    "MQTT si è fermato per un errore del programma: gli eventi attendono sul disco; il servizio va "
    "riavviato a linee libere.",
    "MQTT stopped because of a fault in the programme: events wait on the disk; the service must "
    "restart when the lines are idle.",
    restart=True,
)


def broker_words(where: str, health: BrokerHealth) -> Words:
    """Return the broker's line in the status."""
    waiting = health.depth.waiting
    if health.connected:
        it, en = "collegato", "connected"
    elif health.why.en:
        it, en = health.why.it, health.why.en
    else:
        it, en = "non ancora collegato", "not connected yet"
    dropped = health.depth.dropped
    more = Words(f"; scartati {dropped}", f"; dropped {dropped}") if dropped else Words()
    return Words(
        f"MQTT: broker {where}: {it}; eventi in attesa: {waiting}{more.it}",
        f"MQTT: broker {where}: {en}; events waiting: {waiting}{more.en}",
    )


def row(where: str, health: BrokerHealth) -> dict[str, Any]:
    """Return the broker's state for `status --json`."""
    return {
        "broker": where,
        "connected": health.connected,
        "why": health.why.en,
        "waiting": health.depth.waiting,
        "dropped": health.depth.dropped,
        "dropped_at": health.depth.dropped_at,
    }


def trouble_of(where: str, health: BrokerHealth, away_s: float, now: datetime) -> Trouble | None:
    """Return the trouble for the technician; `away_s` is how long the broker is away."""
    depth = health.depth
    # A wrong configuration is reported at once: waiting does not mend it.
    if not health.connected and health.why.en and (health.misset or away_s > PATIENCE_S):
        code = "mqtt.misset" if health.misset else "mqtt.away"
        return Trouble(
            code,
            f"Il broker MQTT {where} {health.why.it}. Gli eventi attendono sul disco; alle "
            "chiamate non manca nulla.",
            f"The MQTT broker {where} {health.why.en}. Events wait on the disk; calls lack "
            "nothing.",
        )
    if depth.dropped_at and now - datetime.fromisoformat(depth.dropped_at) < TOLD_FOR:
        return Trouble(
            "mqtt.dropped",
            f"Il broker MQTT è mancato troppo a lungo: eventi scartati, i più vecchi: "
            f"{depth.dropped}. Per una coda più lunga alzare mqtt.queue.",
            f"The MQTT broker was away for too long: events dropped, the oldest ones: "
            f"{depth.dropped}. For a longer queue raise mqtt.queue.",
        )
    return None


# Texts about phones, of `centralino phones` and of the console's page.

# A telephone's screen shows half of them.
LONGEST_LABEL: Final = 40
"""Characters of a phone's label."""
BAD_NAME: Final = Words(
    "il nome utente ha lettere minuscole, cifre, - e _, al massimo 32, e comincia con una lettera "
    "o una cifra: ad esempio op3",
    "a user name has small letters, digits, - and _, 32 at most, and begins with a letter or a "
    "digit: op3 for example",
)
BAD_LABEL: Final = Words(
    f"l'etichetta ha da 1 a {LONGEST_LABEL} caratteri: ad esempio «Operatore 3»",
    f"a label has 1 to {LONGEST_LABEL} characters: “Operator 3” for example",
)
BAD_MAC: Final = Words(
    "l'indirizzo fisico non è valido: è scritto sotto il telefono, ad esempio 00:15:65:AA:BB:CC",
    "this is no hardware address: it stands under the phone, for example 00:15:65:AA:BB:CC",
)
BAD_MAKE: Final = Words(
    "la marca non si riconosce dall'indirizzo fisico: sceglierla dall'elenco",
    "the maker is not known by the hardware address: choose it from the list",
)
NO_MAC: Final = Words(
    "di un telefono di questa marca serve l'indirizzo fisico, scritto sotto il telefono; per "
    "inserire i dati a mano lasciare vuota anche la marca",
    "a phone of this make is known by its hardware address, which stands under it; to type "
    "everything by hand leave the make empty, too",
)
LAST: Final = Words(
    "è l'ultimo telefono del centralino: aggiungerne prima un altro",
    "it is the switchboard's last phone: add another one first",
)
NOT_GOOD: Final = Words(
    "il file di configurazione non era valido all'ultimo avvio: correggerlo prima (pagina "
    "«Configurazione in vigore»)",
    "the configuration's file was wrong at the last start: mend it first (page “Configuration in "
    "force”)",
)
PHONE_DONE: Final = {
    "phone_label": Words("L'etichetta è cambiata.", "The label has been changed."),
    "phone_remove": Words(
        "Il telefono è tolto: la sua password non vale più.",
        "The phone has been removed: its password is worth nothing any more.",
    ),
    "phone_back": Words(
        "Il telefono è di nuovo in uso: creare una nuova password.",
        "The phone is in use again: make a new password for it.",
    ),
    "phones_serve": Words(
        "I telefoni possono prendere la loro configurazione.",
        "The phones can fetch their configuration.",
    ),
    "phones_serve_end": Words(
        "Nessuna configurazione viene più data.", "No configuration is given any more."
    ),
}
"""Replies to changes of phones, by command."""
PHONE_WORDS = {
    "known": Words(
        "Il servizio conosce la nuova password.", "The running daemon knows the new password."
    ),
    "later": Words(
        "Il servizio non risponde: conoscerà la password dal prossimo avvio.",
        "The daemon does not answer: it will know the password at its next start.",
    ),
    "serve": Words(
        "Il telefono può prendere la sua configurazione con `centralino phones serve`: {url}",
        "The phone can fetch its configuration with `centralino phones serve`: {url}",
    ),
    "protected": Words(
        "Il file cambia anche la password dell'amministratore del telefono: la mostra "
        "`centralino phones administrator`.",
        "The file changes the password of the phone's administrator, too: "
        "`centralino phones administrator` shows it.",
    ),
    "administrator": Words(
        "Pagine web dei telefoni: utente admin, password {password} (Cisco MPP, Gigaset N6xx e "
        "N8xx, Poly: {strong}); codice del menu (Snom, Fanvil, Gigaset da tavolo): {code}; PIN "
        "delle basi Gigaset: {pin}",
        "The phones' web pages: user admin, password {password} (Cisco MPP, Gigaset N6xx and "
        "N8xx, Poly: {strong}); code of the menu (Snom, Fanvil, Gigaset desk phones): {code}; PIN "
        "of Gigaset's bases: {pin}",
    ),
    "sheet": Words("Foglio da stampare: {file}", "Sheet to be printed: {file}"),
    "kept": Words(
        "conservata per {user}; il servizio la conosce dal prossimo avvio",
        "kept for {user}; the daemon knows it at its next start",
    ),
    "at": Words("a {address}", "at {address}"),
    "registers": Words("si registra", "registers"),
    "secret": Words("ha una password", "has a secret"),
    "no_secret": Words(
        "ancora senza password: centralino phones add", "no secret yet: centralino phones add"
    ),
    "registered": Words("registrato a {address}", "registered at {address}"),
    "silent": Words("non risponde", "does not answer"),
    "not_registered": Words("non registrato", "not registered"),
    "fetched": Words("file preso {at} da {source}", "file fetched {at} by {source}"),
    "no_desk": Words(
        "il servizio non risponde: non si sa quali telefoni siano registrati",
        "the daemon does not answer: which phones are registered is not known",
    ),
}


class Teller:
    """Texts of phones in one language; times in the office's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language = language
        self._zone = zone

    def say(self, what: str, **values: str) -> str:
        """Return one sentence."""
        words = PHONE_WORDS[what]
        return (words.it if self._language == "it" else words.en).format(**values)

    def row(
        self,
        address: str,
        has_secret: bool,
        standing: Mapping[str, Any] | None,
        kept: StoredHandset,
    ) -> str:
        """Return a phone's line: address, password, registration, make, last fetch."""
        how = self.say("at", address=address) if address else self.say("registers")
        secret = self.say("secret" if has_secret else "no_secret")
        parts = [how, secret, *self._standing(standing), _made(kept), self._fetched(kept)]
        return ", ".join(part for part in parts if part)

    def _standing(self, row: Mapping[str, Any] | None) -> list[str]:
        if row is None:
            return []
        if not row["address"]:
            return [self.say("not_registered")]
        silent = [] if row["answers"] else [self.say("silent")]
        return [self.say("registered", address=row["address"]), *silent]

    def _fetched(self, kept: StoredHandset) -> str:
        if not kept.fetched:
            return ""
        at = datetime.fromisoformat(kept.fetched).astimezone(self._zone)
        return self.say("fetched", at=moment_words(at, self._language), source=kept.source)


def _made(kept: StoredHandset) -> str:
    return f"{kept.make} {_colons(kept.mac)}".strip()


def _colons(mac: str) -> str:
    return ":".join(mac[n : n + 2] for n in range(0, len(mac), 2))


def watched_words(watched: OpenCounts) -> tuple[Words, ...]:
    """Return the waiting messages and missed calls, each with what to do."""
    said = []
    if watched.unheard:
        said.append(
            Words(
                f"Messaggi non ascoltati da mezz'ora: {watched.unheard}. Ascoltarli con *86.",
                f"Messages not heard for half an hour: {watched.unheard}. Hear them with *86.",
            )
        )
    if watched.unclosed:
        said.append(
            Words(
                f"Messaggi non chiusi da un giorno lavorativo: {watched.unclosed}. Richiamare e "
                "chiuderli con il loro esito.",
                f"Messages not closed for a working day: {watched.unclosed}. Call back and close "
                "them with their outcome.",
            )
        )
    said += _late_calls(watched)
    if watched.overdue:
        said.append(
            Words(
                f"Richieste in ritardo: {watched.overdue}. Vederle con centralino requests list "
                "--overdue e sentire gli uffici.",
                f"Overdue requests: {watched.overdue}. See them with centralino requests list "
                "--overdue and ask the offices.",
            )
        )
    return tuple(said)


def _late_calls(watched: OpenCounts) -> list[Words]:
    """Return the calls without a message that raised an alert (E16)."""
    how_it, how_en = "Vederle con centralino calls --missed", "See centralino calls --missed"
    said = []
    if watched.calls_unseen:
        said.append(
            Words(
                f"Chiamate senza messaggio mai guardate: {watched.calls_unseen}. {how_it}.",
                f"Missed calls nobody has looked at: {watched.calls_unseen}. {how_en}.",
            )
        )
    if watched.calls_unclosed:
        said.append(
            Words(
                f"Chiamate senza messaggio non richiamate da un giorno lavorativo: "
                f"{watched.calls_unclosed}. {how_it}, richiamare e chiuderle con il loro esito.",
                f"Missed calls not called back for a working day: {watched.calls_unclosed}. "
                f"{how_en}, call back and close them with their outcome.",
            )
        )
    return said


def request_words(watched: OpenCounts) -> tuple[Words, ...]:
    """Return how many requests offices have not answered yet."""
    count = watched.requests
    if not count:
        return ()
    return (Words(f"Richieste aperte presso gli uffici: {count}", f"Open requests: {count}"),)


def missed_words(watched: OpenCounts) -> tuple[Words, ...]:
    """Return the number of open calls without a message, and the most important ones."""
    if not watched.missed:
        return ()
    it, en = "", ""
    if watched.interrupted:
        it, en = f", interrotte {watched.interrupted}", f", interrupted {watched.interrupted}"
    if watched.wanted:
        it += f", chiedono di essere richiamati {watched.wanted}"
        en += f", ask to be called back {watched.wanted}"
    return (
        Words(
            f"Chiamate senza messaggio da trattare: {watched.missed}{it}",
            f"Missed calls to be dealt with: {watched.missed}{en}",
        ),
    )


LINES: Mapping[str, Words] = {
    LineState.MISSING: Words("modem assente", "modem missing"),
    LineState.IDLE: Words("libera", "idle"),
    LineState.RINGING: Words("squilla", "ringing"),
    LineState.IN_USE: Words("in uso", "in use"),
    LineState.CLEARING: Words("si sta liberando", "being released"),
    LineState.OUT: Words("fuori servizio", "out of service"),
    LineState.IN_USE_OUTSIDE: Words(
        "in uso da un telefono normale accanto alla scatola",
        "in use by an ordinary telephone beside the box",
    ),
    LineState.NO_LINE: Words(
        "nessuna linea: manca la tensione sul cavo telefonico, controllarlo fino alla presa",
        "no line: no voltage on the telephone cable, check it up to its socket",
    ),
}
NOT_MEASURED = Words(
    "cavo e telefono in parallelo: non noto, questo modem non ha misurato",
    "cable and parallel telephone: not known, this modem has not measured",
)
GROUPS: Mapping[str, Words] = {
    GroupState.FREE: Words("libero", "free"),
    GroupState.BUSY: Words("occupato", "busy"),
    GroupState.UNATTENDED: Words("non presidiato", "unattended"),
    GroupState.CLOSED: Words("chiuso", "closed"),
    GroupState.UNREACHABLE: Words("telefoni irraggiungibili", "phones unreachable"),
}
OUTGOING: Mapping[SideState, Words] = {
    SideState.SEEKING: Words("si libera una linea", "a line is being freed"),
    SideState.DIALLING: Words("compone", "dialling"),
    SideState.CONNECTED: Words("in linea", "on the line"),
    SideState.TALKING: Words("in conversazione", "talking"),
}
"""Texts of the lasting states of an outgoing call; the others pass at once."""
MARKS: Mapping[str, Words] = {
    ManualState.UNATTENDED: Words("Non presidiato", "Unattended"),
    ManualState.CLOSED: Words("Chiuso a mano", "Closed by hand"),
    ManualState.OPENED: Words("Aperto a mano", "Opened by hand"),
    ManualState.ABSENT: Words("Tutti assenti", "All absent"),
}
STATUS_WORDS = {
    "open": Words("Aperto", "Open"),
    "closed": Words("Chiuso", "Closed"),
    "changes": Words("cambia", "changes"),
    "since": Words("dalle", "since"),
    "since_day": Words("da", "since"),
    "until": Words("fino alle", "until"),
    "until_day": Words("fino a", "until"),
    "away": Words("Assenti", "Away"),
    "lines": Words("Linee", "Lines"),
    "no_line": Words("nessuna linea configurata", "no line is configured"),
    "groups": Words("Gruppi", "Groups"),
    "switchboard": Words("Centralino", "Switchboard"),
    "citizens_desk": Words("Sportello Cittadini", "Citizens' counter"),
    "free": Words("liberi", "free"),
    "engaged": Words("impegnati", "engaged"),
    "away_phones": Words("assenti", "away"),
    SET_AUTOMATICALLY: Words("automatico: chiamate senza risposta", "automatic: missed its calls"),
    "unreachable": Words("irraggiungibili", "unreachable"),
    "queue": Words("Attendono in linea", "Waiting on the line"),
    "no_number": Words("senza numero", "no number"),
    "phones": Words("Telefoni", "Phones"),
    "taken_over": Words("utente di un'altra sede", "another branch's caller"),
    "calls_out": Words("chiama fuori", "calls out"),
    "help": Words("CHIAMA I SOCCORSI", "CALLS FOR HELP"),
    "registered": Words("registrato a", "registered at"),
    "silent": Words("non risponde", "does not answer"),
    "not_registered": Words("non registrato", "not registered"),
    "register": Words("Rubrica uffici", "Register of offices"),
    "messages": Words("Messaggi da chiudere", "Messages to be dealt with"),
    "to_say": Words("da dire:", "to say:"),
    "official": Words("responsabile del procedimento:", "official in charge:"),
    "attention": Words("Attenzione", "Attention"),
    "no_end": Words("senza fine", "without an end"),
    "restarted": Words("Riavvii dall'accensione", "Restarts since power-on"),
    "last_one": Words("l'ultimo", "the last one"),
}


DONE_BY_COMMAND: Mapping[type, tuple[Words, Words]] = {
    commands.SetUnattended: (
        Words("Centralino presidiato.", "Switchboard attended."),
        Words("Centralino non presidiato.", "Switchboard unattended."),
    ),
    commands.SetClosed: (
        Words("Non più chiuso a mano.", "No longer closed by hand."),
        Words("Chiuso: risponde la segreteria.", "Closed: voicemail answers."),
    ),
    commands.SetOpened: (
        Words("Non più aperto a mano.", "No longer opened by hand."),
        Words("Aperto a mano.", "Opened by hand."),
    ),
    commands.SetAllAbsent: (
        Words("Fine di «Tutti assenti».", "“All absent” has ended."),
        Words("Tutti assenti: non squilla nessun telefono.", "All absent: no phone rings."),
    ),
    commands.SetAway: (
        Words("La postazione è di nuovo presente.", "The position is back."),
        Words(
            "La postazione è assente: il suo telefono non squilla.",
            "The position is away: its phone does not ring.",
        ),
    ),
}
"""Replies to changes of a manual state, (off, on) by command."""
BY_HOURS = Words(
    "Vale fino al prossimo cambio dell'orario: {}.",
    "It holds until the next change of the written hours: {}.",
)
UNTIL = Words("Vale fino a {}.", "It holds until {}.")
LASTS = Words(
    "Vale finché qualcuno non lo finisce; il responsabile riceve un promemoria.",
    "It holds until somebody ends it; the head is reminded.",
)
RENEWED = Words(
    "Le password dei telefoni sono conosciute.", "The passwords of the phones are known."
)


def done(request: commands.Request, service: ServiceState, zone: ZoneInfo) -> Words:
    """Return the reply to a manual state and, for the whole switchboard, its end."""
    words = DONE_BY_COMMAND[type(request)][request.on]
    what = WHAT.get(type(request))
    mark = service.marks().get(what.value) if what and request.on else None
    if mark is None:
        return words
    if mark.until is None:
        return Words(f"{words.it} {LASTS.it}", f"{words.en} {LASTS.en}")
    until, template = mark.until.astimezone(zone), BY_HOURS if mark.by_hours else UNTIL
    it, en = moment_words(until, "it", year=False), moment_words(until, "en", year=False)
    return Words(f"{words.it} {template.it.format(it)}", f"{words.en} {template.en.format(en)}")


@dataclass(frozen=True, slots=True)
class Seen:
    """The Switchboard's status and the other inputs of `centralino status`.

    `troubles` are those of stores and configuration; `recoveries` (by line) and `phones` are as in
    `status --json`; `register` is the directory's line; `watched` counts open messages, calls and
    requests; `weeks` are the entered ordinary hours; `care` is the nightly work and the memory
    card; `restarted` has the number of restarts of each part of the service.
    """

    status: Status
    zone: ZoneInfo
    troubles: tuple[Words, ...] = ()
    recoveries: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    phones: tuple[Mapping[str, Any], ...] = ()
    register: Words = NOTHING
    weeks: tuple[Words, ...] = ()
    watched: OpenCounts = NOTHING_OPEN
    care: tuple[Words, ...] = ()
    restarted: tuple[Mapping[str, Any], ...] = ()


def told(seen: Seen) -> Words:
    """Return the whole status in both languages, one item a line."""
    return Words("\n".join(_Teller(seen, "it").lines()), "\n".join(_Teller(seen, "en").lines()))


def in_one_language(words: Words, language: str) -> str:
    """Return a text in one language."""
    return words.it if language == "it" else words.en


def tried_words(
    tried: Mapping[str, Any], language: str = "en", zone: ZoneInfo | None = None
) -> str:
    """Return a recovery step of a line in trouble, and its time."""
    at = datetime.fromisoformat(tried["at"]).astimezone(zone)
    trouble = f" ({tried['trouble'][language]})" if tried["trouble"][language] else ""
    return f"{moment_words(at, language, year=False)} {tried['tried'][language]}{trouble}"


def line_words(line: LineStatus) -> Words:
    """Return a line's state; for an idle line also if its modem has not measured the voltage."""
    state, why = LINES[line.state], line.why
    if line.state is LineState.IDLE and line.condition is LineCondition.UNKNOWN:
        state = Words(f"{state.it} ({NOT_MEASURED.it})", f"{state.en} ({NOT_MEASURED.en})")
    return Words(f"{state.it}: {why.it}", f"{state.en}: {why.en}") if why.en else state


@dataclass(frozen=True, slots=True)
class _Teller:
    seen: Seen
    language: str

    def lines(self) -> Iterator[str]:
        """Yield the lines of the status, the most important first."""
        status = self.seen.status
        yield self._heading(status)
        yield from (in_one_language(words, self.language) for words in self.seen.weeks)
        yield from self._marks(status)
        yield from self._returns(status)
        yield from self._heads(status)
        yield from self._attention(status)
        yield f"{self._say('lines')}:"
        yield from (line for one in status.lines for line in self._line(one))
        if not status.lines:
            yield f"  {self._say('no_line')}"
        yield from (self._taken_over(one) for one in status.calls if one.origin)
        yield from (self._outgoing(one) for one in status.outgoing)
        yield f"{self._say('groups')}:"
        yield self._group("switchboard", status.switchboard)
        if status.citizens_desk is not None:
            yield self._group("citizens_desk", status.citizens_desk)
        yield from self._queue(status)
        yield from self._phones()
        if self.seen.register.en:
            yield f"{self._say('register')}: {in_one_language(self.seen.register, self.language)}"
        yield from self._restarted()
        yield f"{self._say('messages')}: {status.waiting}"
        waiting = (*missed_words(self.seen.watched), *request_words(self.seen.watched))
        yield from (in_one_language(words, self.language) for words in (*waiting, *self.seen.care))

    def _say(self, what: str) -> str:
        return in_one_language(STATUS_WORDS[what], self.language)

    def _heading(self, status: Status) -> str:
        state = self._say("open" if status.open else "closed")
        changes = ""
        if status.changes_at is not None:
            changes = f" ({self._say('changes')} {self._moment(status.changes_at)})"
        why = "" if status.open else f". {in_one_language(status.sentence, self.language)}"
        return f"{state}{changes}{why}"

    def _marks(self, status: Status) -> Iterator[str]:
        """Yield the manual states that are on, and who is away."""
        for what, words in MARKS.items():
            mark = status.service.marks().get(what)
            if mark is not None:
                yield f"{in_one_language(words, self.language)}: {self._mark(mark, house=True)}"
        away = [f"{phone} {self._mark(mark)}" for phone, mark in status.service.away]
        if away:
            yield f"{self._say('away')}: {'; '.join(away)}"

    def _returns(self, status: Status) -> Iterator[str]:
        """Yield the returns that wait for their operator (E6)."""
        for call in status.calls:
            if call.transfer is not None and call.transfer.waiting:
                words = in_one_language(call.transfer.words, self.language)
                say = f"{self._say('to_say')} «{call.transfer.say}»" if call.transfer.say else ""
                names = ", ".join(call.transfer.officials)
                charge = f"{self._say('official')} {names}" if names else ""
                yield " ".join(filter(None, (f"{words} ({call.transfer.operator})", say, charge)))

    def _heads(self, status: Status) -> Iterator[str]:
        """Yield the conversations that the supervisor has joined (E10)."""
        for call in status.calls:
            if call.head is not None:
                words = in_one_language(call.head.words, self.language)
                yield f"{call.line} {call.phone}: {words} ({', '.join(call.head.phones)})"

    def _mark(self, mark: ManualMark, *, house: bool = False) -> str:
        by = self._say(SET_AUTOMATICALLY) if mark.by == SET_AUTOMATICALLY else mark.by
        parts = [f"{self._say_at('since', mark.since)} ({by})"]
        if mark.until is not None:
            parts.append(self._say_at("until", mark.until))
        elif house:
            parts.append(self._say("no_end"))
        return ", ".join(parts)

    def _attention(self, status: Status) -> Iterator[str]:
        """Yield the troubles; every sentence ends with what to do."""
        late = watched_words(self.seen.watched)
        told_of = (*self.seen.troubles, *status.degraded, *late)
        wrong = [in_one_language(words, self.language) for words in told_of]
        if wrong:
            yield f"{self._say('attention')}:"
            # Stores and switchboard may report the same trouble: once is enough.
            yield from (f"  {sentence}" for sentence in dict.fromkeys(wrong))

    def _line(self, line: LineStatus) -> Iterator[str]:
        label = "" if line.label == line.name else f"{line.label}: "
        yield f"  {line.name:<10} {label}{in_one_language(line_words(line), self.language)}"
        for tried in list(self.seen.recoveries.get(line.name, ()))[-1:]:
            yield f"  {'':<10} {tried_words(tried, self.language, self.seen.zone)}"

    def _outgoing(self, call: OutgoingStatus) -> str:
        what = "help" if call.number_class == NumberClass.EMERGENCY else "calls_out"
        words = in_one_language(OUTGOING.get(call.state, NOTHING), self.language)
        return f"  {call.phone:<10} {self._say(what)}: {' '.join(filter(None, (call.line, words)))}"

    def _group(self, name: str, group: GroupStatus) -> str:
        lists = {
            "free": group.free,
            "engaged": group.engaged,
            "away_phones": group.away,
            "unreachable": group.unreachable,
        }
        rows = [
            f"{self._say(what)} {', '.join(phones)}" for what, phones in lists.items() if phones
        ]
        state = in_one_language(GROUPS[group.state], self.language)
        return "; ".join([f"  {self._say(name)}: {state}", *rows])

    def _taken_over(self, call: CallStatus) -> str:
        """Return the progress of another branch's call, and its phones (B9)."""
        who = call.phone or ", ".join(call.ringing)
        words = call.transfer.words if call.transfer else call.words
        told = f"{in_one_language(words, self.language)} {who}".rstrip()
        return f"  {call.origin:<10} {self._say('taken_over')}: {told}"

    def _queue(self, status: Status) -> Iterator[str]:
        """Yield the callers waiting for a free position, the next one first."""
        if status.queue:
            nameless = self._say("no_number")
            callers = (
                f"{call.line} {call.caller.name or call.caller.number or nameless}"
                for call in status.queue
            )
            yield f"{self._say('queue')}: {'; '.join(callers)}"

    def _phones(self) -> Iterator[str]:
        if self.seen.phones:
            yield f"{self._say('phones')}:"
        for phone in self.seen.phones:
            where = self._say("not_registered")
            if phone["address"]:
                silent = "" if phone["answers"] else f", {self._say('silent')}"
                where = f"{self._say('registered')} {phone['address']}{silent}"
            yield f"  {phone['name']:<16} {where}"

    def _restarted(self) -> Iterator[str]:
        """Yield the parts restarted since the box was powered on."""
        again = [row for row in self.seen.restarted if row["restarts"]]
        if again:
            yield f"{self._say('restarted')}: {', '.join(map(self._again, again))}"

    def _again(self, row: Mapping[str, Any]) -> str:
        last = self._moment(datetime.fromisoformat(row["last"]))
        limit = f"; {row['limit'][self.language]}" if row["limit"] else ""
        how = f"{self._say('last_one')} {last}{limit}"
        return f"{row['said'][self.language]} {row['restarts']} ({how})"

    def _say_at(self, what: str, at: datetime) -> str:
        """Say since or until when: "dalle 12:55", "da lun 30 novembre, 12:55"."""
        words = self._moment(at)
        return f"{self._say(what if words[0].isdigit() else f'{what}_day')} {words}"

    def _moment(self, at: datetime) -> str:
        local, today = at.astimezone(self.seen.zone), self.seen.status.at.astimezone(self.seen.zone)
        # Today's times need no date.
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return moment_words(local, self.language, year=local.year != today.year)
