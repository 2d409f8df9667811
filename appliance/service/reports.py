"""Reports: proofs of the divert and their commands, measured durations, monthly sheets."""

from __future__ import annotations

import contextlib
import enum
import json
import logging
import re
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    check_may,
    command,
    declined,
    deferred,
)
from appliance.api.replies import Said
from appliance.api.technician_commands import MailSheet, ProveDivert, ShowDivert
from appliance.api.technician_replies import DivertReply, ProvenNumber
from appliance.calls import events, orders
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus, Status
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, ConfigurationError
from appliance.files import atomic_write, make_private
from appliance.media.messages import Marked, Measured
from appliance.policy.hours import day_phrase_words, moment_words
from appliance.policy.mail import Mail
from appliance.policy.reports import Peak
from appliance.policy.requests import month_to_report
from appliance.policy.supervision import MediaHealth
from appliance.policy.text import Refused, SaidError, os_error_words, technical_words
from appliance.policy.users import Permission
from appliance.store import database, outbox
from appliance.store.database import Noted, transaction
from appliance.store.reports import LineUse, queue_sheets, sheet_key
from appliance.text import NOTHING, Words, _, by_language, in_context, joined, unchanged

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.policy.clock import Now
    from appliance.policy.directory import Directory
    from appliance.policy.hours import Schedule
    from appliance.policy.office import Office
    from appliance.service.stores import Stores
    from appliance.store.writer import DatabaseWriter


# ---- reports -----------------------------------------------------------------------------------
# Figures of calls and lines, monthly sheets, and proofs of each number's call divert.

# Proofs of divert-on-busy. A caller who finds every line engaged hears busy and never reaches the
# appliance (P8): only the telephone company can divert that call, and only a call placed at that
# moment proves it; for each public number by itself, as each is diverted by itself. Kept as
# commission.json in the state folder, each with the lines that it was made for.

FILE = "commission.json"
# States of a line, as `status --json` names them, in which it is not seized.
FREE = frozenset({"idle", "missing", "no_line", "out"})


class DivertOutcome(enum.StrEnum):
    """Outcome of a test call while all lines are seized, or a supervisor's statement."""

    # The test call rang elsewhere.
    DIVERTED = "diverted"
    # The test call heard the busy tone.
    BUSY = "busy"
    # The supervisor has stated that there is no divert.
    NO_DIVERT = "no_divert"


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a call to one public number while all lines were seized."""

    outcome: DivertOutcome
    by: str
    at: datetime
    # Name and public number of each line then: a proof holds for these lines only.
    lines: tuple[str, ...]
    # Where the call rang.
    where: str = ""
    # The number called, "" if the appliance knows of none, or of one alone.
    number: str = ""


def lines_of(settings: Settings) -> tuple[str, ...]:
    """Return the lines as a proof names them; changed lines need a new proof."""
    return tuple(sorted(f"{line.name} {line.called}".strip() for line in settings.lines))


def numbers_of(settings: Settings) -> tuple[str, ...]:
    """Return the public numbers that need a proof each; "" stands for an unknown one."""
    if not settings.lines:
        return ()
    known = (_plain(line.called, settings) for line in settings.lines if line.called)
    return tuple(dict.fromkeys(known)) or ("",)


def number_of(settings: Settings, written: str) -> str:
    """Return a public number in the form of a proof; raises Refused if no line has it."""
    number, known = _plain(written, settings), numbers_of(settings)
    if number not in known:
        listed = ", ".join(filter(None, known))
        raise Refused(
            _(
                "{written!r} is no public number of the lines; known are {known}",
                written=written,
                known=listed or _("none (write `called` of the lines)"),
            ),
        )
    return number


def unseized(lines: Iterable[LineStatus]) -> tuple[str, ...]:
    """Return the names of the lines that a caller could still reach."""
    return tuple(line.name for line in lines if line.state in FREE)


def save_proofs(settings: Settings, *proofs: Proof) -> Path:
    """Store proofs beside those of other numbers; raises Refused if that fails."""
    path = Path(settings.folders.state) / FILE
    kept = {proof.number: proof for proof in (*load_proofs(settings), *proofs)}
    rows = [{**asdict(proof), "at": proof.at.isoformat()} for proof in kept.values()]
    text = json.dumps({"proofs": rows}, indent=2, ensure_ascii=False)
    try:
        make_private(path.parent)
        atomic_write(path, text + "\n")
    except OSError as error:
        raise Refused(
            _(
                "{path} cannot be written ({strerror}): run it as root or as the service's user",
                path=path,
                strerror=technical_words(error.strerror, os_error_words(error)),
            ),
        ) from error
    return path


def load_proofs(settings: Settings) -> tuple[Proof, ...]:
    """Read the stored proofs; () if absent or malformed."""
    try:
        text = (Path(settings.folders.state) / FILE).read_text(encoding="utf-8")
        data = json.loads(text)
        # An older programme kept a single proof, without its number.
        return tuple(map(_proof, data.get("proofs", [data])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def proof_of(settings: Settings, number: str, proofs: Iterable[Proof]) -> Proof | None:
    """Return the proof of a public number; one without a number counts if there is only one."""
    return proof_among(numbers_of(settings), number, proofs)


def proof_among(known: tuple[str, ...], number: str, proofs: Iterable[Proof]) -> Proof | None:
    """Return the proof of one of the `known` public numbers, as `proof_of`."""
    alone = len(known) == 1
    found = {proof.number: proof for proof in proofs}
    return found.get(number) or (found.get("") if alone else None)


def wanted(settings: Settings, proofs: Iterable[Proof]) -> Words:
    """Return a sentence on public numbers without a valid proof; NOTHING if all have one."""
    return wanted_of(settings, numbers_of(settings), proofs)


def wanted_of(settings: Settings, known: tuple[str, ...], proofs: Iterable[Proof]) -> Words:
    """Return that sentence for the `known` public numbers, as `wanted`."""
    lines, found = lines_of(settings), tuple(proofs)
    lacking, outdated = [], []
    for number in known:
        proof = proof_among(known, number, found)
        if proof is None:
            lacking.append(number)
        elif proof.lines != lines:
            outdated.append((number, proof))
    parts = [_unproven(lacking)] if lacking else []
    parts += [_outdated(number, proof) for number, proof in outdated]
    if not parts:
        return NOTHING
    return joined("; ", parts)


def proof_words(proof: Proof) -> Words:
    """Return a proof as a sentence."""
    words = _outcome_words(proof)
    return joined(": ", (unchanged(proof.number), words)) if proof.number else words


def _outcome_words(proof: Proof) -> Words:
    when = by_language(lambda language: moment_words(proof.at, language))
    match proof.outcome:
        case DivertOutcome.DIVERTED:
            return _(
                "With all lines busy a call rings at: {where} ({when}, {by}).",
                where=proof.where,
                when=when,
                by=proof.by,
            )
        case DivertOutcome.BUSY:
            return _(
                "With all lines busy a caller hears busy ({when}, {by}): ask the phone "
                "company for divert-on-busy, or for a hunting group.",
                when=when,
                by=proof.by,
            )
    return _(
        "There is no divert-on-busy, by word of the head ({when}, {by}).", when=when, by=proof.by
    )


def _plain(written: str, settings: Settings) -> str:
    """Return a number as it is dialled in the country; unchanged if it is not valid there."""
    # Imported here: the running service never needs phonenumbers.
    from appliance.config import office as numbers

    with contextlib.suppress(ConfigurationError):
        return numbers.dialled_form(written, settings.site.country)
    return written


def _proof(data: Mapping[str, Any]) -> Proof:
    return Proof(
        DivertOutcome(data["outcome"]),
        str(data["by"]),
        datetime.fromisoformat(data["at"]),
        tuple(map(str, data["lines"])),
        str(data["where"]),
        str(data.get("number", "")),
    )


def _unproven(lacking: list[str]) -> Words:
    named = ", ".join(filter(None, lacking))
    if not named:
        return _(
            "It is not proven where a caller ends who finds all lines busy (the "
            "carrier's divert-on-busy): prove it with centralino line commission"
        )
    return _(
        "It is not proven where a caller of {numbers} ends who finds all lines busy (the "
        "carrier's divert-on-busy): prove it with centralino line commission",
        numbers=named,
    )


def _outdated(number: str, proof: Proof) -> Words:
    of_day = day_phrase_words(in_context("day", "of"), proof.at)
    if not number:
        return _(
            "The proof of divert-on-busy is {of_day}, before the lines changed: repeat it with "
            "centralino line commission",
            of_day=of_day,
        )
    return _(
        "The proof of divert-on-busy of {number} is {of_day}, before the lines changed: repeat "
        "it with centralino line commission",
        number=number,
        of_day=of_day,
    )


# Figures of the running process, for `make bench` and the status.

KEPT = 500
OPEN_KEPT = 100
# A beginning without an answer for a minute gets none any more: a phone was lifted while its caller
# hung up.
OPEN_S = 60.0

# Event, its line or recording, its time (monotonic s).
Moment = tuple[str, str, float]


class Latest:
    """Ring of the latest KEPT values, the oldest first."""

    # Allocated at once: an appliance with few calls would fill a list for weeks and look as if it
    # leaked all that time.

    def __init__(self) -> None:
        self._room = array("d", bytes(8 * KEPT))
        self._count = 0

    def append(self, value: float) -> None:
        """Add a value, in place of the oldest if the ring is full."""
        self._room[self._count % KEPT] = value
        self._count += 1

    def __iter__(self) -> Iterator[float]:
        """Yield the values, the oldest first."""
        at = self._count % KEPT
        if self._count >= KEPT:
            yield from self._room[at:]
        yield from self._room[:at]


class LatestMoments:
    """Ring of the latest KEPT moments; each pair of event and line is stored once, by a number."""

    def __init__(self) -> None:
        self._at = Latest()
        self._which = Latest()
        self._names: dict[tuple[str, str], int] = {}

    def append(self, what: str, subject: str, at: float) -> None:
        """Add a moment (monotonic s)."""
        self._which.append(self._names.setdefault((what, subject), len(self._names)))
        self._at.append(at)

    def __iter__(self) -> Iterator[Moment]:
        """Yield the moments, the oldest first."""
        names = list(self._names)
        for which, at in zip(self._which, self._at, strict=True):
            yield *names[int(which)], at


@dataclass(slots=True)
class Figures:
    """Latest durations (ms) by name, and latest moments.

    Durations: rang_to_order (ring to the order to ring phones), identified_to_order (caller's
    number to the order to show it), answered_to_stream (phone answered to the line's sound),
    recorded_to_stored (recording's end to its message on disk), answer_to_off_hook (measured in
    the media gateway).
    """

    health: MediaHealth | None = None
    times: dict[str, Latest] = field(default_factory=dict)
    moments: LatestMoments = field(default_factory=LatestMoments)
    _began: dict[tuple[str, str], float] = field(default_factory=dict)
    _calls: dict[str, str] = field(default_factory=dict)

    def fact(self, event: events.Event, now: float) -> None:
        """Note the beginning, or the end, of a duration by an event at `now` (monotonic s)."""
        match event:
            case events.LineRang(line, 1):
                self._begin("rang", line, now)
            case events.CallerIdentified(line):
                self._begin("identified", line, now)
            case events.OperatorAnswered(leg):
                self._begin("answered", leg, now)
            case events.LineAnswered(line):
                self._end("answered_to_stream", ("connected", line), now)
            case events.RecordingEnded(recording):
                self._begin("recorded", recording, now)
            case events.MessageStored(call):
                self._end("recorded_to_stored", ("recorded", call), now)

    def order(self, order: orders.Order, now: float) -> None:
        """Note the end of a duration by an order at `now` (monotonic s)."""
        match order:
            case orders.WriteCall(record):
                self._calls[record.line] = record.call
            case orders.RingPhones(call):
                self._end("rang_to_order", ("rang", self._line_of(call)), now)
            case orders.ShowCaller((leg, *_)):
                line = self._line_of(leg.rpartition(".")[0])
                self._end("identified_to_order", ("identified", line), now)
            case orders.Connect(line, leg) if ("answered", leg) in self._began:
                self._begin("connected", line, self._began.pop(("answered", leg)))
            case orders.AnswerLine(line):
                self.moments.append("answer_ordered", line, now)

    def measured(self, measured: Measured | Marked) -> None:
        """Add a duration or a moment that the media gateway has measured."""
        if isinstance(measured, Marked):
            self.moments.append(measured.what, measured.subject, measured.at)
        else:
            self.add(measured.what, measured.ms)

    def add(self, what: str, ms: float) -> None:
        """Add one duration (ms)."""
        self.times.setdefault(what, Latest()).append(round(ms, 3))

    def to_json(self) -> dict[str, list[float]]:
        """Return all durations (ms) by name."""
        return {what: list(times) for what, times in self.times.items()}

    def moments_to_json(self) -> list[Moment]:
        """Return the latest moments, oldest first."""
        return list(self.moments)

    def _line_of(self, call: str) -> str:
        return next((name for name, known in self._calls.items() if known == call), "")

    def _begin(self, what: str, subject: str, at: float) -> None:
        """Note a beginning; drop those that are too old or too many."""
        self._began.pop((what, subject), None)
        self._began[what, subject] = at
        while len(self._began) > OPEN_KEPT or at - next(iter(self._began.values())) > OPEN_S:
            del self._began[next(iter(self._began))]

    def _end(self, what: str, beginning: tuple[str, str], now: float) -> None:
        began = self._began.pop(beginning, None)
        if began is not None:
            self.add(what, (now - began) * 1000)


# States in which a caller who dials the line finds it busy.
ENGAGED = {LineState.RINGING, LineState.IN_USE, LineState.IN_USE_OUTSIDE, LineState.CLEARING}


class LineUses:
    """Times since which lines are engaged."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def see(self, status: Status) -> Iterator[LineUse]:
        """Compare with a status; yield each use that has ended."""
        for line in status.lines:
            if line.state in ENGAGED:
                self._since.setdefault(line.name, status.at)
            elif line.name in self._since:
                yield LineUse(line.name, self._since.pop(line.name), status.at)


def peak_words(today: Peak, month: Peak) -> Words:
    """Return a sentence on the most lines engaged at once, and on calls lost to busy lines."""
    most = _(
        "Lines engaged at once: today {today} of {today_of} at most, this month {month} of "
        "{month_of}.",
        today=today.lines,
        today_of=today.of,
        month=month.lines,
        month_of=month.of,
    )
    minutes = -(-month.all_ms // 60_000)
    if not minutes:
        return most
    lost = _(
        "This month all lines were engaged for {minutes} min: callers in that time never "
        "reached the box, only the carrier's divert-on-busy can catch them.",
        minutes=minutes,
    )
    return joined(" ", (most, lost))


# Monthly sheets, if `report.monthly_sheets` is set. A sheet missed by an outage is made on any
# later day of that month; each unit gets one a month, whatever restarts. Not by an untrusted clock.

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0


class MonthlySheets:
    """Scheduler of the units' monthly sheets, if `wanted`; `look` never waits."""

    def __init__(
        self,
        records: DatabaseWriter,
        calendar: Schedule,
        language: str,
        directory: Callable[[], Directory],
        *,
        wanted: bool = True,
    ) -> None:
        self._wanted = wanted
        self._records = records
        self._calendar = calendar
        self._language = language
        self._directory = directory
        self.over: Callable[[Schedule], Schedule] = lambda hours: hours
        """Lays the special hours over the written ones (E14)."""
        self._look_at = 0.0
        self._told: date | None = None

    def look(self, now: Now) -> None:
        """Queue last month's sheets if they are due and were not queued since the start."""
        if not self._wanted or now.monotonic < self._look_at or not now.clock_state.is_trusted:
            return
        self._look_at = now.monotonic + LOOK_S
        calendar = self.over(self._calendar)
        month, directory = month_to_report(calendar, now.wall), self._directory()
        if month is None or month == self._told or not directory.units:
            return
        self._told = month
        language, at = self._language, now.wall
        domain = self._records.letters.domain
        self._records.do(
            lambda c: queue_sheets(c, directory, calendar, month, language, at, domain),
            self._queued,
        )

    def _queued(self, result: int | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            log.warning("the monthly sheets were not written, and are tried again: %s", result)
            self._told = None
        elif result:
            log.info("monthly sheets of %d units wait for the mail server", result)


def sheets_of(settings: Settings, office: Office, stores: Stores) -> MonthlySheets:
    """Make the scheduler from the configuration."""
    return MonthlySheets(
        stores.records,
        office.switchboard.schedule,
        office.languages[0],
        lambda: stores.directory.directory,
        wanted=bool(settings.report.monthly_sheets),
    )


# ---- reports -----------------------------------------------------------------------------------
# Reports: the proof of the provider's divert-on-busy, and units' monthly sheets by mail.
#
# A test call proves a divert only if every line was busy from before the call until its result was
# reported. `DivertCommands` records since when all lines are busy; the report must name that
# moment.

_MONTH = re.compile(r"\d{4}-\d{2}")
LONGEST_WHERE: Final = 100
PROOF_KEPT: Final = _("The proof is recorded.")
BECAME_FREE: Final = _(
    "a line became free meanwhile, and the call may have rung there: seize all "
    "lines again and repeat the call"
)
NO_WHERE: Final = _("write where the call rang, for example “Citizens' counter”")
NO_NAME: Final = _("write the name of the head who declares it")
NO_NUMBER: Final = _("that is none of the lines' public numbers")
NO_OUTCOME: Final = _("choose what the caller heard")


@dataclass(slots=True)
class DivertCommands(CommandHandlers):
    """Proofs of the divert: the deciding thread watches the lines, the database thread stores them.

    `free` are the lines that a caller could reach now, `seized_at` is since when there is none.
    """

    settings: Settings
    office: Office
    stores: StoreAccess
    now: Callable[[], Now]
    free: tuple[str, ...] = ()
    seized_at: datetime | None = None
    _lines: int = field(default=0)

    def see(self, status: Status) -> None:
        """Update which lines a caller could reach, and since when none."""
        self._lines = len(status.lines)
        self.free = tuple(line.label or line.name for line in status.lines if line.state in FREE)
        # Without lines there is nothing to seize.
        if self.free or not self._lines:
            self.seized_at = None
        elif self.seized_at is None:
            self.seized_at = status.at

    @command(ShowDivert)
    def asked(self, _: ShowDivert) -> DeferredReply:
        """Return the proof of every public number, and the lines still free."""
        free, seized = self.free, self.seized_at

        def job(_: sqlite3.Connection) -> Reply:
            proofs, lines = load_proofs(self.settings), lines_of(self.settings)
            known = self._numbers()
            found = [(each, proof_among(known, each, proofs)) for each in known]
            numbers = (
                ProvenNumber(
                    number,
                    proof.outcome.value if proof else "",
                    proof_words(proof) if proof else None,
                    proof is not None and proof.lines != lines,
                )
                for number, proof in found
            )
            return DivertReply(tuple(numbers), lines, free, seized)

        return deferred(self.stores.records, job, declined)

    @command(ProveDivert)
    def prove(self, wish: ProveDivert) -> DeferredReply:
        """Save a test call's result, or the supervisor's statement that there is no divert."""
        number, outcome = wish.number, wish.outcome
        where, who = _printable(wish.where), _printable(wish.who)
        if number not in self._numbers():
            raise Refused(NO_NUMBER)
        if outcome not in tuple(DivertOutcome):
            raise Refused(NO_OUTCOME)
        if outcome == DivertOutcome.DIVERTED and not where:
            raise Refused(NO_WHERE)
        if outcome == DivertOutcome.NO_DIVERT and not who:
            raise Refused(NO_NAME)
        # A statement without a test call needs no busy lines.
        if outcome != DivertOutcome.NO_DIVERT:
            self._check_seized(wish.asked)
        by, at = wish.by, self.now().wall.astimezone(self.office.zone)
        where = where if outcome == DivertOutcome.DIVERTED else ""
        lines = lines_of(self.settings)
        proof = Proof(DivertOutcome(outcome), who or by, at, lines, where, number)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            save_proofs(self.settings, proof)
            with transaction(connection):
                database.note(connection, Noted(at, by, "divert.prove", proof.outcome.value))
            return Said(PROOF_KEPT)

        return deferred(self.stores.records, job, declined)

    def _check_seized(self, asked: str) -> None:
        if self.seized_at is None:
            named = ", ".join(self.free)
            raise Refused(
                _(
                    "still free: {named}. With a line free a call proves nothing: seize all of "
                    "them, then repeat it",
                    named=named,
                )
            )
        # The lines were free in between: the call may have rung at one of them.
        if asked != self.seized_at.isoformat():
            raise Refused(BECAME_FREE)

    def _numbers(self) -> tuple[str, ...]:
        """Return the public numbers, each with its own proof; "" if none is configured."""
        if not self.settings.lines:
            return ()
        # Lines may share one public number.
        return tuple(dict.fromkeys(self.office.public_numbers)) or ("",)


def _printable(text: str) -> str:
    return "".join(sign for sign in text[:LONGEST_WHERE] if sign.isprintable())


def mail_sheet(stores: StoreAccess, directory: Directory, wish: MailSheet) -> DeferredReply:
    """Queue a unit's monthly sheet by mail; the same unit and month is sent only once."""
    code, month, subject, body = wish.unit, wish.month, wish.subject, wish.body
    unit = directory.unit(code)
    if unit is None or not unit.email:
        raise SaidError(_("the register has no unit {code!r} with an e-mail address", code=code))
    if not _MONTH.fullmatch(month) or not subject or not body:
        raise SaidError(_("a sheet needs its month (2026-10), a subject and a text"))
    # A line break in a subject would begin another header field (RFC 5322, 2.2).
    mail = Mail(sheet_key(code, month), unit.email, subject.replace("\n", " "), body)
    leaves = _(
        "The sheet of {unit} for {month} leaves as soon as the mail server takes it.",
        unit=unit.name,
        month=month,
    )

    def reply(error: CentralinoError | None) -> Reply | CentralinoError:
        return error if error is not None else Said(leaves)

    at, domain = datetime.now(UTC), stores.records.letters.domain
    return deferred(stores.records, lambda c: outbox.queue_mail(c, mail, at, domain), reply)
