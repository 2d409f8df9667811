"""Figures of calls and lines, monthly sheets, and proofs of each number's call divert."""

from __future__ import annotations

import contextlib
import enum
import json
import logging
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.calls import events, orders
from appliance.calls.model import LineState
from appliance.calls.status import Status
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, ConfigurationError
from appliance.files import atomic_write, make_private
from appliance.media.messages import Marked, Measured, MediaHealth
from appliance.policy.hours import day_phrase, moment_words
from appliance.policy.reports import Peak
from appliance.policy.requests import month_to_report
from appliance.policy.text import NOTHING, Refused, Words, os_error_words
from appliance.store.reports import LineUse, queue_sheets

if TYPE_CHECKING:
    from appliance.policy.clock import Now
    from appliance.policy.directory import Directory
    from appliance.policy.hours import Schedule
    from appliance.policy.office import Office
    from appliance.service.stores import Stores
    from appliance.store.writer import DatabaseWriter


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
        it, en = (
            (listed, listed)
            if listed
            else ("nessuno (scrivere `called` delle linee)", "none (write `called` of the lines)")
        )
        raise Refused(
            f"{written!r} non è un numero pubblico delle linee; i numeri noti sono {it}",
            f"{written!r} is no public number of the lines; known are {en}",
        )
    return number


def unseized(lines: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the lines that a caller could still reach."""
    return tuple(str(line["name"]) for line in lines if line["state"] in FREE)


def save(settings: Settings, *proofs: Proof) -> Path:
    """Store proofs beside those of other numbers; raises Refused if that fails."""
    path = Path(settings.folders.state) / FILE
    kept = {proof.number: proof for proof in (*load(settings), *proofs)}
    rows = [{**asdict(proof), "at": proof.at.isoformat()} for proof in kept.values()]
    text = json.dumps({"proofs": rows}, indent=2, ensure_ascii=False)
    try:
        make_private(path.parent)
        atomic_write(path, text + "\n")
    except OSError as error:
        raise Refused(
            f"{path} non si può scrivere ({os_error_words(error).it}): eseguire il comando come "
            "root o come utente del servizio",
            f"{path} cannot be written ({error.strerror}): run it as root or as the service's user",
        ) from error
    return path


def load(settings: Settings) -> tuple[Proof, ...]:
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
    return Words("; ".join(part.it for part in parts), "; ".join(part.en for part in parts))


def told(proof: Proof) -> Words:
    """Return a proof as a sentence."""
    of = f"{proof.number}: " if proof.number else ""
    it, en = (f"{moment_words(proof.at, tongue)}, {proof.by}" for tongue in ("it", "en"))
    match proof.outcome:
        case DivertOutcome.DIVERTED:
            return Words(
                f"{of}Con tutte le linee occupate la chiamata arriva a: {proof.where} ({it}).",
                f"{of}With all lines busy a call rings at: {proof.where} ({en}).",
            )
        case DivertOutcome.BUSY:
            return Words(
                f"{of}Con tutte le linee occupate chi chiama sente occupato ({it}): chiedere "
                "all'operatore telefonico la deviazione su occupato, o la ricerca automatica.",
                f"{of}With all lines busy a caller hears busy ({en}): ask the phone company for "
                "divert-on-busy, or for a hunting group.",
            )
    return Words(
        f"{of}Non c'è deviazione su occupato, per dichiarazione del responsabile ({it}).",
        f"{of}There is no divert-on-busy, by word of the head ({en}).",
    )


def _plain(written: str, settings: Settings) -> str:
    """Return a number as it is dialled in the country; unchanged if it is not valid there."""
    # Imported here: the running service never needs phonenumbers.
    from appliance.config import numbers

    with contextlib.suppress(ConfigurationError):
        return numbers.called(written, settings.site.country)
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
    it, en = (f" {named}", f" of {named}") if named else ("", "")
    return Words(
        f"Non è provato dove arriva chi chiama{it} con tutte le linee occupate (deviazione su "
        "occupato dell'operatore telefonico): provarlo con centralino commission",
        f"It is not proven where a caller{en} ends who finds all lines busy "
        "(the carrier's divert-on-busy): prove it with centralino commission",
    )


def _outdated(number: str, proof: Proof) -> Words:
    it, en = (f" per {number}", f" of {number}") if number else ("", "")
    return Words(
        f"La prova della deviazione su occupato{it} è {day_phrase('del', proof.at, 'it')}, prima "
        "che le linee cambiassero: ripeterla con centralino commission",
        f"The proof of divert-on-busy{en} is {day_phrase('of', proof.at, 'en')}, before the lines "
        "changed: repeat it with centralino commission",
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
    it = f"oggi al massimo {today.lines} di {today.of}, questo mese {month.lines} di {month.of}"
    en = f"today {today.lines} of {today.of} at most, this month {month.lines} of {month.of}"
    minutes = -(-month.all_ms // 60_000)
    if minutes:
        it += (
            f". Questo mese tutte le linee sono state impegnate per {minutes} min: chi ha chiamato "
            "in quel tempo non è arrivato alla scatola e lo prende solo la deviazione su occupato "
            "dell'operatore telefonico"
        )
        en += (
            f". This month all lines were engaged for {minutes} min: callers in that time never "
            "reached the box, only the carrier's divert-on-busy can catch them"
        )
    return Words(f"Linee impegnate insieme: {it}.", f"Lines engaged at once: {en}.")


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
        register: Callable[[], Directory],
        *,
        wanted: bool = True,
    ) -> None:
        self._wanted = wanted
        self._records = records
        self._calendar = calendar
        self._language = language
        self._register = register
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
        month, register = month_to_report(calendar, now.wall), self._register()
        if month is None or month == self._told or not register.units:
            return
        self._told = month
        language, at = self._language, now.wall
        domain = self._records.letters.domain
        self._records.do(
            lambda c: queue_sheets(c, register, calendar, month, language, at, domain), self._queued
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
        lambda: stores.register.register,
        wanted=bool(settings.report.monthly_sheets),
    )
