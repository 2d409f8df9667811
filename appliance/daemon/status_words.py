"""The desk's state in words, in both languages: the one catalogue of `centralino status`.

Pure: values in, lines of text out. The command prints them, the console will.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance.calls import commands
from appliance.calls.events import LineCondition
from appliance.calls.model import WHAT, LineState
from appliance.calls.side_states import SideState
from appliance.calls.status import CallStatus, GroupStatus, LineStatus, OutgoingStatus, Status
from appliance.daemon.watched_words import missed_words, request_words, watched_words
from appliance.policy.hours import moment_words
from appliance.policy.numbering import NumberClass
from appliance.policy.office import AUTOMATIC, Manual, Mark, ServiceState
from appliance.policy.routing import GroupState
from appliance.policy.text import NOTHING, Words
from appliance.store.voicemail import NOTHING_WATCHED, Watched

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
"""How a position's call outside gets on; its other states pass at once."""
MARKS: Mapping[str, Words] = {
    Manual.UNATTENDED: Words("Non presidiato", "Unattended"),
    Manual.CLOSED: Words("Chiuso a mano", "Closed by hand"),
    Manual.OPENED: Words("Aperto a mano", "Opened by hand"),
    Manual.ABSENT: Words("Tutti assenti", "All absent"),
}
WORDS = {
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
    AUTOMATIC: Words("automatico: chiamate senza risposta", "automatic: missed its calls"),
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


DONE: Mapping[type, tuple[Words, Words]] = {
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
"""What is answered to a request, off and on."""
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
    """Say what was done and, of a state of the whole house, until when it holds."""
    words = DONE[type(request)][request.on]
    what = WHAT.get(type(request))
    mark = service.marks().get(what.value) if what and request.on else None
    if mark is None:
        return words
    if mark.until is None:
        return Words(f"{words.it} {LASTS.it}", f"{words.en} {LASTS.en}")
    until, template = mark.until.astimezone(zone), BY_HOURS if mark.by_hours else UNTIL
    it, en = moment_words(until, "it", year=False), moment_words(until, "en", year=False)
    return Words(f"{words.it} {template.it.format(it)}", f"{words.en} {template.en.format(en)}")


def plain(words: Words) -> dict[str, str]:
    """Return both languages as an answer at the door has them."""
    return {"it": words.it, "en": words.en}


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to tell beside the Switchboard's own status.

    `troubles` are the stores' and the configuration's, `recoveries` what was tried by line and
    `phones` where they stand, both as `status --json` gives them; `register` is its one line,
    `watched` waits for somebody; `weeks` are the
    ordinary hours that were entered, `care` is what the box does for itself and its memory card;
    `restarted` says of each part of the service how often it was started again.
    """

    status: Status
    zone: ZoneInfo
    troubles: tuple[Words, ...] = ()
    recoveries: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    phones: tuple[Mapping[str, Any], ...] = ()
    register: Words = NOTHING
    weeks: tuple[Words, ...] = ()
    watched: Watched = NOTHING_WATCHED
    care: tuple[Words, ...] = ()
    restarted: tuple[Mapping[str, Any], ...] = ()


def told(seen: Seen) -> Words:
    """Say all of it, one line for each thing, in both languages."""
    return Words("\n".join(_Teller(seen, "it").lines()), "\n".join(_Teller(seen, "en").lines()))


def said(words: Words, language: str) -> str:
    """Return a text in one language."""
    return words.it if language == "it" else words.en


def tried_words(
    tried: Mapping[str, Any], language: str = "en", zone: ZoneInfo | None = None
) -> str:
    """Say what was tried last for a line in trouble, and when."""
    at = datetime.fromisoformat(tried["at"]).astimezone(zone)
    trouble = f" ({tried['trouble'][language]})" if tried["trouble"][language] else ""
    return f"{moment_words(at, language, year=False)} {tried['tried'][language]}{trouble}"


def line_words(line: LineStatus) -> Words:
    """Say what a line is; of an idle one also whether its modem has measured the pair."""
    state, why = LINES[line.state], line.why
    if line.state is LineState.IDLE and line.condition is LineCondition.UNKNOWN:
        state = Words(f"{state.it} ({NOT_MEASURED.it})", f"{state.en} ({NOT_MEASURED.en})")
    return Words(f"{state.it}: {why.it}", f"{state.en}: {why.en}") if why.en else state


@dataclass(frozen=True, slots=True)
class _Teller:
    seen: Seen
    language: str

    def lines(self) -> Iterator[str]:
        """Yield the lines, what matters most first."""
        status = self.seen.status
        yield self._heading(status)
        yield from (said(words, self.language) for words in self.seen.weeks)
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
            yield f"{self._say('register')}: {said(self.seen.register, self.language)}"
        yield from self._restarted()
        yield f"{self._say('messages')}: {status.waiting}"
        waiting = (*missed_words(self.seen.watched), *request_words(self.seen.watched))
        yield from (said(words, self.language) for words in (*waiting, *self.seen.care))

    def _say(self, what: str) -> str:
        return said(WORDS[what], self.language)

    def _heading(self, status: Status) -> str:
        state = self._say("open" if status.open else "closed")
        changes = ""
        if status.changes_at is not None:
            changes = f" ({self._say('changes')} {self._moment(status.changes_at)})"
        why = "" if status.open else f". {said(status.sentence, self.language)}"
        return f"{state}{changes}{why}"

    def _marks(self, status: Status) -> Iterator[str]:
        """Yield the manual states that are on, and who is away."""
        for what, words in MARKS.items():
            mark = status.service.marks().get(what)
            if mark is not None:
                yield f"{said(words, self.language)}: {self._mark(mark, house=True)}"
        away = [f"{phone} {self._mark(mark)}" for phone, mark in status.service.away]
        if away:
            yield f"{self._say('away')}: {'; '.join(away)}"

    def _returns(self, status: Status) -> Iterator[str]:
        """Yield the returns that wait for their operator (E6)."""
        for call in status.calls:
            if call.transfer is not None and call.transfer.waiting:
                words = said(call.transfer.words, self.language)
                say = f"{self._say('to_say')} «{call.transfer.say}»" if call.transfer.say else ""
                names = ", ".join(call.transfer.officials)
                charge = f"{self._say('official')} {names}" if names else ""
                yield " ".join(filter(None, (f"{words} ({call.transfer.operator})", say, charge)))

    def _heads(self, status: Status) -> Iterator[str]:
        """Yield the conversations in which the head has a part (E10)."""
        for call in status.calls:
            if call.head is not None:
                words = said(call.head.words, self.language)
                yield f"{call.line} {call.phone}: {words} ({', '.join(call.head.phones)})"

    def _mark(self, mark: Mark, *, house: bool = False) -> str:
        by = self._say(AUTOMATIC) if mark.by == AUTOMATIC else mark.by
        parts = [f"{self._say_at('since', mark.since)} ({by})"]
        if mark.until is not None:
            parts.append(self._say_at("until", mark.until))
        elif house:
            parts.append(self._say("no_end"))
        return ", ".join(parts)

    def _attention(self, status: Status) -> Iterator[str]:
        """Yield what is not as it should be: every sentence ends in what to do."""
        late = watched_words(self.seen.watched)
        told_of = (*self.seen.troubles, *status.degraded, *late)
        wrong = [said(words, self.language) for words in told_of]
        if wrong:
            yield f"{self._say('attention')}:"
            yield from (f"  {sentence}" for sentence in dict.fromkeys(wrong))

    def _line(self, line: LineStatus) -> Iterator[str]:
        label = "" if line.label == line.name else f"{line.label}: "
        yield f"  {line.name:<10} {label}{said(line_words(line), self.language)}"
        for tried in list(self.seen.recoveries.get(line.name, ()))[-1:]:
            yield f"  {'':<10} {tried_words(tried, self.language, self.seen.zone)}"

    def _outgoing(self, call: OutgoingStatus) -> str:
        what = "help" if call.number_class == NumberClass.EMERGENCY else "calls_out"
        words = said(OUTGOING.get(call.state, NOTHING), self.language)
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
        state = said(GROUPS[group.state], self.language)
        return "; ".join([f"  {self._say(name)}: {state}", *rows])

    def _taken_over(self, call: CallStatus) -> str:
        """Say of a caller of another branch how the call gets on, and who has it (B9)."""
        who = call.phone or ", ".join(call.ringing)
        words = call.transfer.words if call.transfer else call.words
        told = f"{said(words, self.language)} {who}".rstrip()
        return f"  {call.origin:<10} {self._say('taken_over')}: {told}"

    def _queue(self, status: Status) -> Iterator[str]:
        """Yield who waits for a free position, the next one first."""
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
        """Yield what was started again since the box has power; nothing where nothing was."""
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
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return moment_words(local, self.language, year=local.year != today.year)
