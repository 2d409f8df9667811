"""Texts of the state in every language, from values: `centralino status`, phones, MQTT, messages.

Pure; printed by the command line and shown by the console.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.api.replies import PartRestarts, PhonePlace, RecoveryStep
from appliance.calls import commands
from appliance.calls.events import LineCondition
from appliance.calls.manual_states import WHAT
from appliance.calls.model import AutoAnswer, LineState
from appliance.calls.side_states import SideState
from appliance.calls.status import CallStatus, GroupStatus, LineStatus, OutgoingStatus, Status
from appliance.config.phones import StoredHandset
from appliance.fleet.mqtt import BrokerHealth
from appliance.policy.hours import moment_words
from appliance.policy.numbering import NumberClass
from appliance.policy.office import SET_AUTOMATICALLY
from appliance.policy.opening import ManualMark, ManualState, ServiceState
from appliance.policy.routing import GroupState
from appliance.store.alerts import NOTHING_OPEN, OpenCounts
from appliance.store.database import Trouble
from appliance.text import NOTHING, Words, _, by_language, in_context, joined

# A broker that is away for less was only restarted: nothing to report.
# Seconds without a connection before it is reported.
PATIENCE_S: Final = 60.0
TOLD_FOR: Final = timedelta(days=1)
"""Time after the last dropped event for which it is reported."""
ENDED: Final = Trouble(
    "mqtt.ended",
    _(
        "MQTT stopped because of a fault in the programme: events wait on the "
        "disk; the service must restart when the lines are idle."
    ),
    restart=True,
)


def broker_words(where: str, health: BrokerHealth) -> Words:
    """Return the broker's line in the status."""
    waiting = health.depth.waiting
    if health.connected:
        state = _("connected")
    else:
        state = health.why if health.why != NOTHING else _("not connected yet")
    line = _(
        "MQTT: broker {where}: {state}; events waiting: {waiting}",
        where=where,
        state=state,
        waiting=waiting,
    )
    dropped = health.depth.dropped
    return joined("; ", (line, _("dropped {dropped}", dropped=dropped))) if dropped else line


def row(where: str, health: BrokerHealth) -> dict[str, Any]:
    """Return the broker's state for `status --json`."""
    return {
        "broker": where,
        "connected": health.connected,
        "why": health.why,
        "waiting": health.depth.waiting,
        "dropped": health.depth.dropped,
        "dropped_at": health.depth.dropped_at,
    }


def trouble_of(where: str, health: BrokerHealth, away_s: float, now: datetime) -> Trouble | None:
    """Return the trouble for the technician; `away_s` is how long the broker is away."""
    depth = health.depth
    # A wrong configuration is reported at once: waiting does not mend it.
    is_told = health.why != NOTHING and (health.misset or away_s > PATIENCE_S)
    if not health.connected and is_told:
        code = "mqtt.misset" if health.misset else "mqtt.away"
        return Trouble(
            code,
            _(
                "The MQTT broker {where} {why}. Events wait on the disk; calls lack nothing.",
                where=where,
                why=health.why,
            ),
        )
    if depth.dropped_at and now - datetime.fromisoformat(depth.dropped_at) < TOLD_FOR:
        return Trouble(
            "mqtt.dropped",
            _(
                "The MQTT broker was away for too long: events dropped, the oldest ones: "
                "{dropped}. For a longer queue raise mqtt.queue.",
                dropped=depth.dropped,
            ),
        )
    return None


# Texts about phones, of `centralino phones` and of the console's page.

# A telephone's screen shows half of them.
LONGEST_LABEL: Final = 40
"""Characters of a phone's label."""
BAD_NAME: Final = _(
    "a user name has small letters, digits, - and _, 32 at most, and begins "
    "with a letter or a digit: op3 for example"
)
BAD_LABEL: Final = _(
    "a label has 1 to {longest_label} characters: “Operator 3” for example",
    longest_label=LONGEST_LABEL,
)
LABEL_TAKEN: Final = _("the label “{label}” is phone {other}'s already: choose another one")
BAD_MAC: Final = _(
    "this is no hardware address: it stands under the phone, for example 00:15:65:AA:BB:CC"
)
BAD_MAKE: Final = _("the maker is not known by the hardware address: choose it from the list")
NO_MAC: Final = _(
    "a phone of this make is known by its hardware address, which stands under "
    "it; to type everything by hand leave the make empty, too"
)
DECLARED: Final = _(
    "{office} has declared it: a call that is transferred there comes back, until the office "
    "declares another one."
)
LAST: Final = _("it is the switchboard's last phone: add another one first")
NOT_GOOD: Final = _(
    "the configuration's file was wrong at the last start: mend it first (page "
    "“Configuration in force”)"
)
PHONE_DONE: Final = {
    "phone_label": _("The label has been changed."),
    "phone_remove": _("The phone has been removed: its password is worth nothing any more."),
    "phone_back": _("The phone is in use again: make a new password for it."),
    "phones_serve": _("The phones can fetch their configuration."),
    "phones_serve_end": _("No configuration is given any more."),
}
"""Replies to changes of phones, by command."""
PHONE_WORDS = {
    "known": _("The running service knows the new password."),
    "later": _("The service does not answer: it will know the password at its next start."),
    "serve": _("The phone can fetch its configuration with `centralino phones serve`: {url}"),
    "protected": _(
        "The file changes the password of the phone's administrator, too: "
        "`centralino phones administrator` shows it."
    ),
    "administrator": _(
        "The phones' web pages: user admin, password {password} (Cisco MPP, "
        "Gigaset N6xx and N8xx, Poly: {strong}); code of the menu (Snom, Fanvil, "
        "Gigaset desk phones): {code}; PIN of Gigaset's bases: {pin}"
    ),
    "sheet": _("Sheet to be printed: {file}"),
    "kept": _("kept for {user}; the service knows it at its next start"),
    "at": _("at {address}"),
    "registers": _("registers"),
    "secret": _("has a secret"),
    "no_secret": _("no secret yet: centralino phones add"),
    "registered": _("registered at {address}"),
    "silent": _("does not answer"),
    "not_registered": _("not registered"),
    "fetched": _("file fetched {at} by {source}"),
    "no_desk": _("the service does not answer: which phones are registered is not known"),
}


class Teller:
    """Texts of phones in one language; times in the office's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language = language
        self._zone = zone

    def say(self, what: str, **values: str) -> str:
        """Return one sentence."""
        return PHONE_WORDS[what].filled(**values).text(self._language)

    def row(
        self,
        address: str,
        has_secret: bool,
        standing: PhonePlace | None,
        kept: StoredHandset,
    ) -> str:
        """Return a phone's line: address, password, registration, make, last fetch."""
        how = self.say("at", address=address) if address else self.say("registers")
        secret = self.say("secret" if has_secret else "no_secret")
        parts = [how, secret, *self._standing(standing), _made(kept), self._fetched(kept)]
        return ", ".join(part for part in parts if part)

    def _standing(self, row: PhonePlace | None) -> list[str]:
        if row is None:
            return []
        if not row.address:
            return [self.say("not_registered")]
        silent = [] if row.answers else [self.say("silent")]
        return [self.say("registered", address=row.address), *silent]

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
            _(
                "Messages not heard for half an hour: {unheard}. Hear them with *86.",
                unheard=watched.unheard,
            )
        )
    if watched.unclosed:
        said.append(
            _(
                "Messages not closed for a working day: {unclosed}. Call back and close "
                "them with their outcome.",
                unclosed=watched.unclosed,
            )
        )
    said += _late_calls(watched)
    if watched.overdue:
        said.append(
            _(
                "Overdue requests: {overdue}. See them with centralino requests list "
                "--overdue and ask the offices.",
                overdue=watched.overdue,
            )
        )
    return tuple(said)


def _late_calls(watched: OpenCounts) -> list[Words]:
    """Return the calls without a message that raised an alert (E16)."""
    said = []
    if watched.calls_unseen:
        said.append(
            _(
                "Missed calls nobody has looked at: {calls_unseen}. "
                "See centralino calls list --missed.",
                calls_unseen=watched.calls_unseen,
            )
        )
    if watched.calls_unclosed:
        said.append(
            _(
                "Missed calls not called back for a working day: {calls_unclosed}. "
                "See centralino calls list --missed, call back and close them with their outcome.",
                calls_unclosed=watched.calls_unclosed,
            )
        )
    return said


def request_words(watched: OpenCounts) -> tuple[Words, ...]:
    """Return how many requests offices have not answered yet."""
    count = watched.requests
    if not count:
        return ()
    return (_("Open requests: {count}", count=count),)


def missed_words(watched: OpenCounts) -> tuple[Words, ...]:
    """Return the number of open calls without a message, and the most important ones."""
    if not watched.missed:
        return ()
    said = [_("Missed calls to be dealt with: {missed}", missed=watched.missed)]
    if watched.interrupted:
        said.append(_("interrupted {interrupted}", interrupted=watched.interrupted))
    if watched.wanted:
        said.append(_("ask to be called back {wanted}", wanted=watched.wanted))
    return (joined(", ", said),)


LINES: Mapping[str, Words] = {
    LineState.MISSING: _("modem missing"),
    LineState.IDLE: _("idle"),
    LineState.RINGING: _("ringing"),
    LineState.IN_USE: _("in use"),
    LineState.CLEARING: _("being released"),
    LineState.OUT: _("out of service"),
    LineState.IN_USE_OUTSIDE: _("in use by an ordinary telephone beside the box"),
    LineState.NO_LINE: _("no line: no voltage on the telephone cable, check it up to its socket"),
}
NOT_MEASURED = _("cable and parallel telephone: not known, this modem has not measured")
GROUPS: Mapping[str, Words] = {
    GroupState.FREE: in_context("status_text", "free"),
    GroupState.BUSY: in_context("status_text", "busy"),
    GroupState.UNATTENDED: _("unattended"),
    GroupState.CLOSED: _("closed"),
    GroupState.UNREACHABLE: _("phones unreachable"),
}
# Texts of the lasting states of an outgoing call; the others pass at once.
OUTGOING: Mapping[SideState, Words] = {
    SideState.SEEKING: _("a line is being freed"),
    SideState.DIALLING: _("dialling"),
    SideState.CONNECTED: _("on the line"),
    SideState.TALKING: _("talking"),
    SideState.ON_HOLD: in_context("status_text", "on hold"),
}
# What was seen of a phone that was told at the screen to pick up.
PICKS_UP: Mapping[AutoAnswer, Words] = {
    AutoAnswer.SEEN: _("answers by itself when asked at the screen"),
    AutoAnswer.RINGS: _("rings until it is lifted when asked at the screen"),
}
MARKS: Mapping[str, Words] = {
    ManualState.UNATTENDED: _("Unattended"),
    ManualState.CLOSED: _("Closed by hand"),
    ManualState.OPENED: _("Opened by hand"),
    ManualState.ABSENT: _("All absent"),
}
STATUS_WORDS = {
    "open": _("Open"),
    "closed": _("Closed"),
    "changes": _("changes"),
    "since": _("since"),
    "since_day": in_context("status_text", "since"),
    "until": _("until"),
    "until_day": in_context("status_text", "until"),
    "away": _("Away"),
    "lines": _("Lines"),
    "no_line": _("no line is configured"),
    "groups": _("Groups"),
    "switchboard": _("Switchboard"),
    "citizens_desk": _("Citizens' counter"),
    "free": in_context("phones", "free"),
    "engaged": _("engaged"),
    "away_phones": in_context("status_text", "away"),
    SET_AUTOMATICALLY: _("automatic: missed its calls"),
    "unreachable": in_context("status_text", "unreachable"),
    "queue": _("Waiting on the line"),
    "no_number": _("no number"),
    "phones": _("Phones"),
    "taken_over": _("another branch's caller"),
    "calls_out": _("calls out"),
    "help": _("CALLS FOR HELP"),
    "registered": _("registered at"),
    "silent": _("does not answer"),
    "not_registered": _("not registered"),
    "register": _("Register of offices"),
    "messages": in_context("status_text", "Messages to be dealt with"),
    "to_say": _("to say:"),
    "official": _("official in charge:"),
    "attention": _("Attention"),
    "no_end": _("without an end"),
    "restarted": _("Restarts since power-on"),
    "last_one": _("the last one"),
}


DONE_BY_COMMAND: Mapping[type, tuple[Words, Words]] = {
    commands.SetUnattended: (
        _("Switchboard attended."),
        _("Switchboard unattended."),
    ),
    commands.SetClosed: (
        _("No longer closed by hand."),
        _("Closed: voicemail answers."),
    ),
    commands.SetOpened: (
        _("No longer opened by hand."),
        _("Opened by hand."),
    ),
    commands.SetAllAbsent: (
        _("“All absent” is off: the phones ring."),
        _("All absent: no phone rings."),
    ),
    commands.SetAway: (
        _("The position is back."),
        _("The position is away: its phone does not ring."),
    ),
}
"""Replies to changes of a manual state, (off, on) by command."""
BY_HOURS = _("It holds until the next change of the written hours: {when}.")
UNTIL = _("It holds until {when}.")
LASTS = _("It holds until somebody ends it; the head is reminded.")
RENEWED = _("The passwords of the phones are known.")


def done(request: commands.Request, service: ServiceState, zone: ZoneInfo) -> Words:
    """Return the reply to a manual state and, for the whole switchboard, its end."""
    words = DONE_BY_COMMAND[type(request)][request.on]
    what = WHAT.get(type(request))
    mark = service.marks().get(what.value) if what and request.on else None
    if mark is None:
        return words
    if mark.until is None:
        return joined(" ", (words, LASTS))
    until, template = mark.until.astimezone(zone), BY_HOURS if mark.by_hours else UNTIL
    when = by_language(lambda language: moment_words(until, language, year=False))
    return joined(" ", (words, template.filled(when=when)))


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
    recoveries: Mapping[str, Sequence[RecoveryStep]] = field(default_factory=dict)
    phones: tuple[PhonePlace, ...] = ()
    register: Words = NOTHING
    weeks: tuple[Words, ...] = ()
    watched: OpenCounts = NOTHING_OPEN
    care: tuple[Words, ...] = ()
    restarted: tuple[PartRestarts, ...] = ()


def told(seen: Seen) -> Words:
    """Return the whole status in each language, one item a line."""
    return by_language(lambda language: "\n".join(_Teller(seen, language).lines()))


def tried_words(tried: RecoveryStep, language: str = "en", zone: ZoneInfo | None = None) -> str:
    """Return a recovery step of a line in trouble, and its time."""
    what, why = tried.tried.text(language), tried.trouble.text(language)
    at = moment_words(tried.at.astimezone(zone), language, year=False)
    return f"{at} {what}" + (f" ({why})" if why else "")


def line_words(line: LineStatus) -> Words:
    """Return a line's state; for an idle line also if its modem has not measured the voltage."""
    state, why = LINES[line.state], line.why
    if line.state is LineState.IDLE and line.condition is LineCondition.UNKNOWN:
        state = by_language(
            lambda language: f"{LINES[line.state].text(language)} ({NOT_MEASURED.text(language)})"
        )
    return joined(": ", (state, why)) if why != NOTHING else state


@dataclass(frozen=True, slots=True)
class _Teller:
    seen: Seen
    language: str

    def lines(self) -> Iterator[str]:
        """Yield the lines of the status, the most important first."""
        status = self.seen.status
        yield self._heading(status)
        yield from (words.text(self.language) for words in self.seen.weeks)
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
        if self.seen.register != NOTHING:
            yield f"{self._say('register')}: {self.seen.register.text(self.language)}"
        yield from self._restarted()
        yield f"{self._say('messages')}: {status.waiting}"
        waiting = (*missed_words(self.seen.watched), *request_words(self.seen.watched))
        yield from (words.text(self.language) for words in (*waiting, *self.seen.care))

    def _say(self, what: str) -> str:
        return STATUS_WORDS[what].text(self.language)

    def _heading(self, status: Status) -> str:
        state = self._say("open" if status.open else "closed")
        changes = ""
        if status.changes_at is not None:
            changes = f" ({self._say('changes')} {self._moment(status.changes_at)})"
        why = "" if status.open else f". {status.sentence.text(self.language)}"
        return f"{state}{changes}{why}"

    def _marks(self, status: Status) -> Iterator[str]:
        """Yield the manual states that are on, and who is away."""
        for what, words in MARKS.items():
            mark = status.service.marks().get(what)
            if mark is not None:
                yield f"{words.text(self.language)}: {self._mark(mark, whole=True)}"
        away = [f"{phone} {self._mark(mark)}" for phone, mark in status.service.away]
        if away:
            yield f"{self._say('away')}: {'; '.join(away)}"

    def _returns(self, status: Status) -> Iterator[str]:
        """Yield the returns that wait for their operator (E6)."""
        for call in status.calls:
            if call.transfer is not None and call.transfer.waiting:
                words = call.transfer.words.text(self.language)
                say = f"{self._say('to_say')} «{call.transfer.say}»" if call.transfer.say else ""
                names = ", ".join(call.transfer.officials)
                charge = f"{self._say('official')} {names}" if names else ""
                yield " ".join(filter(None, (f"{words} ({call.transfer.operator})", say, charge)))

    def _heads(self, status: Status) -> Iterator[str]:
        """Yield the conversations that the supervisor has joined (E10)."""
        for call in status.calls:
            if call.head is not None:
                words = call.head.words.text(self.language)
                yield f"{call.line} {call.phone}: {words} ({', '.join(call.head.phones)})"

    def _mark(self, mark: ManualMark, *, whole: bool = False) -> str:
        by = self._say(SET_AUTOMATICALLY) if mark.by == SET_AUTOMATICALLY else mark.who
        parts = [f"{self._say_at('since', mark.since)} ({by})"]
        if mark.until is not None:
            parts.append(self._say_at("until", mark.until))
        elif whole:
            parts.append(self._say("no_end"))
        return ", ".join(parts)

    def _attention(self, status: Status) -> Iterator[str]:
        """Yield the troubles; every sentence ends with what to do."""
        late = watched_words(self.seen.watched)
        told_of = (*self.seen.troubles, *status.degraded, *late)
        wrong = [words.text(self.language) for words in told_of]
        if wrong:
            yield f"{self._say('attention')}:"
            # Stores and switchboard may report the same trouble: once is enough.
            yield from (f"  {sentence}" for sentence in dict.fromkeys(wrong))

    def _line(self, line: LineStatus) -> Iterator[str]:
        label = "" if line.label == line.name else f"{line.label}: "
        yield f"  {line.name:<10} {label}{line_words(line).text(self.language)}"
        for tried in list(self.seen.recoveries.get(line.name, ()))[-1:]:
            yield f"  {'':<10} {tried_words(tried, self.language, self.seen.zone)}"

    def _outgoing(self, call: OutgoingStatus) -> str:
        what = "help" if call.number_class == NumberClass.EMERGENCY else "calls_out"
        words = OUTGOING.get(call.state, NOTHING).text(self.language)
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
        state = GROUPS[group.state].text(self.language)
        return "; ".join([f"  {self._say(name)}: {state}", *rows])

    def _taken_over(self, call: CallStatus) -> str:
        """Return the progress of another branch's call, and its phones (B9)."""
        who = call.phone or ", ".join(call.ringing)
        words = call.transfer.words if call.transfer else call.words
        told = f"{words.text(self.language)} {who}".rstrip()
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
            if phone.address:
                silent = "" if phone.answers else f", {self._say('silent')}"
                seen = self._picks_up(phone.name)
                where = f"{self._say('registered')} {phone.address}{silent}{seen}"
            yield f"  {phone.name:<16} {where}"

    def _picks_up(self, phone: str) -> str:
        """Return what was seen of a phone that was told to pick up; "" as long as nothing was."""
        controls = {control.phone: control for control in self.seen.status.controls}
        if phone not in controls:
            return ""
        said = PICKS_UP.get(controls[phone].auto_answer)
        return f", {said.text(self.language)}" if said else ""

    def _restarted(self) -> Iterator[str]:
        """Yield the parts restarted since the box was powered on."""
        again = [self._again(row, row.last) for row in self.seen.restarted if row.last]
        if again:
            yield f"{self._say('restarted')}: {', '.join(again)}"

    def _again(self, row: PartRestarts, last: datetime) -> str:
        limit = f"; {row.limit.text(self.language)}" if row.limit else ""
        how = f"{self._say('last_one')} {self._moment(last)}{limit}"
        return f"{row.said.text(self.language)} {row.restarts} ({how})"

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
