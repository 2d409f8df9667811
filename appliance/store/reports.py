"""Monthly reports: rows of calls and requests, figures of the lines, text, CSV and JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import CallRecord, Result, Way
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import day_phrase, local_moment, month_words
from appliance.policy.mail import Mail
from appliance.policy.reports import (
    CallFigures,
    CallRow,
    Ending,
    MonthlyReport,
    Peak,
    RequestRow,
    StoredCounts,
    TransferAttempt,
    UnitFigures,
    peak_of,
    seconds_shown,
    unit_figures,
)
from appliance.policy.requests import Request, RequestState, is_overdue, next_month
from appliance.policy.text import Words, in_language
from appliance.policy.voicemail import MessageStep
from appliance.store import outbox, requests
from appliance.store.call_log import moment, to_ms, words_from
from appliance.store.database import transaction
from appliance.store.listings import columns

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from appliance.policy.directory import Directory, Unit
    from appliance.policy.hours import Schedule


# ---- figures of the box ------------------------------------------------------------------------
# Counts of waiting cases, for the monitoring of many boxes: a few short queries, no text.

_OPEN: Final = (
    "SELECT count(*), coalesce(sum(length_ms), 0) FROM messages WHERE state = 'new'"
)  # fmt: skip
# An open message may have been heard: the age of the oldest counts only those that nobody heard.
_UNHEARD: Final = """
    SELECT count(*), min(received_ms) FROM messages WHERE state = 'new' AND NOT EXISTS (
        SELECT 1 FROM care WHERE kind = 'message' AND subject = messages.id AND step = ?)
"""
_REQUESTS: Final = "SELECT state, count(*) FROM requests GROUP BY state"
_MAILS: Final = (
    "SELECT state, count(*), min(queued_at) FROM outbox WHERE state IN ('queued', 'dead') "
    "GROUP BY state"
)


def stored(connection: sqlite3.Connection, disk: tuple[int, int] = (0, 0)) -> StoredCounts:
    """Count waiting cases; `disk` is (free, total) in bytes. Raises sqlite3.Error."""
    number, length_ms = connection.execute(_OPEN).fetchone()
    unheard, since_ms = connection.execute(_UNHEARD, (MessageStep.HEAR,)).fetchone()
    counted = {str(state): int(count) for state, count in connection.execute(_REQUESTS)}
    mails = {row[0]: (int(row[1]), row[2]) for row in connection.execute(_MAILS)}
    queued, since = mails.get("queued", (0, None))
    return StoredCounts(
        int(number),
        int(length_ms),
        int(unheard),
        since_ms / 1000 if since_ms is not None else None,
        tuple((state.value, counted.get(state.value, 0)) for state in RequestState),
        queued,
        mails.get("dead", (0, None))[0],
        datetime.fromisoformat(since).timestamp() if since else None,
        *disk,
    )


# ---- line uses ---------------------------------------------------------------------------------
# When lines were engaged: written when a line is free again, read for the peak of a day (P8).

# A year and a month: this month can be compared with last year's.
DAYS_MS: Final = 400 * 86_400_000
"""Time (ms) for which line uses are kept."""


@dataclass(frozen=True, slots=True)
class LineUse:
    """A period in which a line was engaged, by a call or by a telephone beside the box."""

    line: str
    since: datetime
    until: datetime


def write(connection: sqlite3.Connection, uses: Iterable[LineUse]) -> None:
    """Store line uses; the same one twice is one. Deletes those older than DAYS_MS."""
    rows = [(use.line, to_ms(use.since), to_ms(use.until)) for use in uses]
    with transaction(connection):
        connection.executemany("INSERT OR REPLACE INTO line_uses VALUES (?, ?, ?)", rows)
        newest = max((row[2] for row in rows), default=0)
        connection.execute("DELETE FROM line_uses WHERE until_ms < ?", (newest - DAYS_MS,))


def uses_since(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime
) -> Iterator[tuple[int, int]]:
    """Yield the uses of these lines that began at `since` or later, as (from, to) in ms."""
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE since_ms >= ? ORDER BY since_ms",
        (to_ms(since),),
    )
    yield from ((int(row[1]), int(row[2])) for row in found if row[0] in names and row[1] < row[2])


def peak_between(
    connection: sqlite3.Connection, lines: Iterable[str], since: datetime, until: datetime
) -> Peak:
    """Return the peak of these lines between two instants."""
    # A use counts if any part of it lies between the two instants.
    names = set(lines)
    found = connection.execute(
        "SELECT line, since_ms, until_ms FROM line_uses WHERE until_ms > ? AND since_ms < ?",
        (to_ms(since), to_ms(until)),
    ).fetchall()
    uses = [(int(row[1]), int(row[2])) for row in found if row[0] in names]
    return peak_of(uses, len(names), to_ms(since), to_ms(until))


# ---- rows --------------------------------------------------------------------------------------
# Calls and requests as the report sums them up (policy/reports.py).

# Every result of a finished incoming call is here: none of them is left uncounted.
ENDING_OF_RESULT: Final[dict[str, Ending]] = {
    # Unless the call was transferred (call_row).
    Result.ANSWERED: Ending.FILTER,
    Result.INFORMED: Ending.INFORMED,
    Result.MESSAGE: Ending.VOICEMAIL,
    Result.NO_MESSAGE: Ending.LOST,
    Result.GAVE_UP: Ending.LOST,
    Result.NOT_STORED: Ending.LOST,
    Result.LOST: Ending.LOST,
    Result.STOPPED: Ending.LOST,
    Result.INTERRUPTED: Ending.LOST,
    Result.FAX: Ending.OTHER,
    Result.TAKEN: Ending.OTHER,
}
"""Ending as which a call counts; an open call does not count."""
UNFINISHED: Final = "unfinished"
"""Outcome of a transfer during which the call ended: neither put through nor returned."""
SOUGHT, FOUND = "return.", "return.answered."
"""Codes in the trail: an operator is sought for a returned call; an operator has taken it."""
MOST_REQUESTS: Final = 100_000
# Only the columns that a report needs: thousands of rows are read, and no caller is among them.
_CALLS: Final = (
    "SELECT call, line, rang_at, called, way, phone, answered_at, result, trail FROM calls "
    "WHERE rang_ms >= ? AND rang_ms < ? AND direction = 'in' ORDER BY rang_ms"
)
_TAKEN: Final = "SELECT number, unit, need, rule FROM requests WHERE at_ms >= ? AND at_ms < ?"


def call_rows(
    connection: sqlite3.Connection, start: datetime, end: datetime, zone: tzinfo
) -> tuple[CallRow, ...]:
    """Read the finished incoming calls from `start` to before `end`."""
    rows = connection.execute(_CALLS, (to_ms(start), to_ms(end)))
    return tuple(
        call_row(record, zone)
        for record in map(_record, rows)
        if record.result.value in ENDING_OF_RESULT
    )


def _record(row: sqlite3.Row) -> CallRecord:
    """Make a record of the columns of _CALLS; the rest has its default."""
    call, line, rang_at, called, way, phone, answered_at, result, trail = row
    return CallRecord(
        call,
        line,
        datetime.fromisoformat(rang_at),
        called=called,
        way=Way(way),
        phone=phone,
        answered_at=moment(answered_at),
        result=Result(result),
        trail=words_from(trail),
    )


def call_row(record: CallRecord, zone: tzinfo) -> CallRow:
    """Make a call's row; its result must be in ENDING_OF_RESULT."""
    sent = sent_of(record)
    ending = ENDING_OF_RESULT[record.result.value]
    if ending is Ending.FILTER and sent:
        ending = _after_transfer(record, sent[-1])
    # Voicemail answers at once: nobody waited for it.
    answered = record.result is Result.ANSWERED and record.answered_at is not None
    return CallRow(
        record.rang_at.astimezone(zone),
        record.called,
        ending,
        _wait_s(record) if answered else None,
        record.way is Way.CITIZENS_DESK,
        sent,
        record.phone if answered else "",
    )


def request_rows(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    calendar: Schedule,
    now: datetime,
) -> tuple[RequestRow, ...]:
    """Read the requests taken from `start` to before `end`, and those that are open now."""
    return request_rows_of(connection, start, end, lambda each: is_overdue(each, calendar, now))


def request_rows_of(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    is_late: Callable[[Request], bool],
) -> tuple[RequestRow, ...]:
    """Read requests as `request_rows` does, with `is_late` for callers without a calendar."""
    # Open requests count whenever they were taken.
    still = {
        kept.request.number: kept.request
        for kept in requests.list_requests(
            connection,
            RequestState.OPEN,
            RequestState.SENT,
            RequestState.TAKEN,
            limit=MOST_REQUESTS,
        )
    }
    taken = connection.execute(_TAKEN, (to_ms(start), to_ms(end))).fetchall()
    counted = {int(row["number"]): row for row in taken}
    done = [
        RequestRow(str(row["unit"]), row["rule"] == ReturnRule.APPOINTMENT, need=str(row["need"]))
        for number, row in counted.items()
        if number not in still
    ]
    return (
        *done,
        *(_open(each, is_late(each), counted=each.number in counted) for each in still.values()),
    )


def _open(request: Request, overdue: bool, *, counted: bool) -> RequestRow:
    appointment = request.rule is ReturnRule.APPOINTMENT
    return RequestRow(request.unit, appointment, counted, True, overdue, request.need)


def sent_of(record: CallRecord) -> tuple[TransferAttempt, ...]:
    """Return the transfers that began, each with its last outcome in the trail.

    `transfer.no_line` begins none.
    """
    # The last outcome counts, as an office that took a call may still send it back (E7).
    begun: list[TransferAttempt] = []
    for code in record.trail:
        match code.split("."):
            case ["transfer", unit, need, _why, _way]:
                begun.append(TransferAttempt(unit, UNFINISHED, need))
            case ["transferred", _] if begun:
                begun[-1] = replace(begun[-1], returned="")
            case ["returned", _, reason] if begun:
                begun[-1] = replace(begun[-1], returned=reason)
    return tuple(begun)


def _after_transfer(record: CallRecord, last: TransferAttempt) -> Ending:
    """Return a call's ending by its last transfer; lost if the caller gave up meanwhile."""
    if not last.returned:
        return Ending.TRANSFERRED
    # A caller who hung up during the transfer was not served.
    if last.returned == UNFINISHED or _gave_up_coming_back(record.trail):
        return Ending.LOST
    return Ending.RETURNED


def _gave_up_coming_back(trail: tuple[str, ...]) -> bool:
    """Tell whether operators were sought for the last return and none took it."""
    at = max(n for n, code in enumerate(trail) if code.startswith("returned."))
    sought = [code for code in trail[at:] if code.startswith(SOUGHT)]
    return bool(sought) and not any(code.startswith(FOUND) for code in sought)


def _wait_s(record: CallRecord) -> float | None:
    """Return how long a call rang (s), None if that is not known."""
    if record.answered_at is None:
        return None
    # Negative: the clock was set back meanwhile, and tells nothing.
    wait = (record.answered_at - record.rang_at).total_seconds()
    return wait if wait >= 0 else None


# ---- text --------------------------------------------------------------------------------------
# The report as text, CSV and JSON, and the monthly sheet of one unit.

TEXTS: Final[Mapping[str, Words]] = {
    "headline": Words(
        "Risposte del filtro senza trasferimento: {} su {} servite ({})",
        "Answered by the filter without transfer: {} of {} served ({})",
    ),
    "calls": Words("Chiamate", "Calls"),
    "filter": Words("risposte dal filtro", "answered by the filter"),
    "informed": Words("risposte da una scheda", "answered by a sheet"),
    "transferred": Words("trasferite", "transferred"),
    "returned": Words("ritornate", "returned"),
    "voicemail": Words("segreteria", "voicemail"),
    "lost": Words("perse", "lost"),
    "other": Words("altro (fax, altri apparecchi)", "other (fax, other telephones)"),
    "overflow": Words("passate allo Sportello", "passed to the counter"),
    "within": Words("risposte entro 20 s", "answered within 20 s"),
    "third_ring": Words("entro il terzo squillo", "by the third ring"),
    "mean": Words("attesa media", "mean wait"),
    "longest": Words("attesa più lunga", "longest wait"),
    "by_number": Words("Per numero chiamato", "By number called"),
    "by_month": Words("Per mese", "By month"),
    "by_hour": Words("Per ora", "By hour"),
    "by_position": Words("Per postazione ({})", "By position ({})"),
    "by_unit": Words("Per ufficio", "By unit"),
    "unknown": Words("non noto", "not known"),
    "header": Words(
        "|Chiamate|Filtro|Trasf.|Ritorni|Segret.|Perse|Altro|Sportello|≤20 s|Attesa media",
        "|Calls|Filter|Transf.|Returned|Voicem.|Lost|Other|Counter|≤20 s|Mean wait",
    ),
    "units_header": Words(
        "Ufficio|Trasferite|Accettate|Ritornate|Appuntamenti|E-mail|Aperte|In ritardo",
        "Unit|Transfers|Accepted|Returned|Appointments|E-mails|Open|Overdue",
    ),
    "requests": Words(
        "Prese in carico: {} appuntamenti, {} e-mail; aperte ora {}, in ritardo {}",
        "Requests taken: {} appointments, {} e-mails; open now {}, overdue {}",
    ),
    "unit_title": Words("{}: chiamate e richieste, {}", "{}: calls and requests, {}"),
    "unit_sent": Words(
        "Chiamate trasferite: {}, accettate {}.", "Calls transferred: {}, accepted {}."
    ),
    "unit_returned": Words("Ritornate ({}): {}.", "Returned ({}): {}."),
    "unit_taken": Words(
        "Presi in carico dal centralino: {} appuntamenti, {} richieste per e-mail.",
        "Taken by the front desk: {} appointments, {} requests by e-mail.",
    ),
    "unit_open": Words(
        "Ancora aperte oggi: {}, in ritardo: {}.", "Still open today: {}, overdue: {}."
    ),
}
REASONS: Final[Mapping[str, Words]] = {
    "no_answer": Words("nessuna risposta", "no answer"),
    "busy": Words("occupato", "busy"),
    "unreachable": Words("irraggiungibile", "unreachable"),
    "declined": Words("non accettata", "declined"),
    "refused": Words("rifiutata a voce dall'ufficio", "refused by the clerk"),
    "sent_back": Words("rimandata dall'ufficio", "sent back by the office"),
    "lost": Words("telefono dell'ufficio caduto", "the office's phone was lost"),
    "taken_back": Words("ripresa dal centralino", "taken back by the front desk"),
    "unfinished": Words("finita prima del passaggio", "ended before it was put through"),
}
"""Reasons of a return; any other is shown as its code."""
ENDING_NAMES: Final = tuple(each.value for each in Ending)


def as_json(found: MonthlyReport, first: date, last: date) -> str:
    """Write all figures as JSON; the keys are stable."""
    value = {"from": first.isoformat(), "to": last.isoformat(), **dataclasses.asdict(found)}
    value["total"] |= {"by_filter": found.total.by_filter, "served": found.total.served}
    return json.dumps(value, ensure_ascii=False, indent=2)


def as_csv(found: MonthlyReport) -> str:
    """Write the figures as CSV, one row a group."""
    out = io.StringIO()
    # Italian spreadsheets expect semicolons.
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    head = (
        "group",
        "key",
        "calls",
        *ENDING_NAMES,
        "overflow",
        "answered",
        "within_20s",
        "third_ring",
    )
    writer.writerow((*head, "mean_wait_s", "longest_wait_s"))
    for group, key, figures in _groups(found):
        writer.writerow((group, key, *_cells(figures)))
    writer.writerow(())
    writer.writerow(
        ("group", "key", "transfers", "accepted", "returned", "appointments", "emails", "open",
         "overdue")
    )  # fmt: skip
    for unit, told in found.units.items():
        writer.writerow(("unit", unit, *_unit_cells(told)))
    for need, told in found.needs.items():
        writer.writerow(("need", need, *_unit_cells(told)))
    return out.getvalue()


def _groups(found: MonthlyReport) -> Iterator[tuple[str, str, CallFigures]]:
    yield "total", "", found.total
    for number, figures in found.numbers.items():
        yield "number", number, figures
    for month, figures in found.months.items():
        yield "month", month, figures
    for hour, figures in found.hours.items():
        yield "hour", str(hour), figures
    for position, figures in found.positions.items():
        yield "position", position, figures


def _cells(figures: CallFigures) -> tuple[object, ...]:
    return (
        figures.calls,
        *(figures.endings.get(each, 0) for each in Ending),
        figures.overflow,
        figures.answered,
        figures.within,
        figures.third_ring,
        _rounded(figures.mean_wait_s),
        _rounded(figures.longest_wait_s),
    )


def _rounded(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _unit_cells(told: UnitFigures) -> tuple[int, ...]:
    returned = sum(told.returned.values())
    taken = (told.appointments, told.emails, told.open, told.overdue)
    return (told.asked, told.accepted, returned, *taken)


def as_text(
    found: MonthlyReport,
    first: date,
    last: date,
    language: str,
    names: Mapping[str, str],
    reference: str = "",
) -> str:
    """Write the report as text.

    `names` are those of units and needs ("unit.need"), `reference` is the agreement of E21.
    """
    return "\n".join(ReportText(found, language, names, reference).lines(first, last))


@dataclasses.dataclass(frozen=True, slots=True)
class ReportText:
    """A report as text: line by line, or its parts for a PDF."""

    found: MonthlyReport
    language: str
    names: Mapping[str, str]
    reference: str

    def lines(self, first: date, last: date) -> Iterator[str]:
        """Yield the lines, the headline first."""
        yield self.title(first, last)
        yield self.headline()
        yield ""
        (calls, count), *counts = self.totals()
        yield f"{calls}: {count}"
        yield from (f"  {label}: {count}" for label, count in counts)
        yield self.requests()
        for heading, rows in self.tables():
            yield ""
            yield heading
            yield columns(rows)

    def title(self, first: date, last: date) -> str:
        """Return the title, with the days of the report."""
        return in_language(title(first, last), self.language)

    def headline(self) -> str:
        """Return the share of calls that the front desk answered without transfer."""
        total, share = self.found.total, self.found.total.filter_share
        percent = "–" if share is None else f"{share:.0%}"
        return self._say("headline").format(total.by_filter, total.served, percent)

    def requests(self) -> str:
        """Return the counts of requests."""
        every = self.found.every_unit
        counts = (every.appointments, every.emails, every.open, every.overdue)
        return self._say("requests").format(*counts)

    def tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Yield each table: heading, and rows with the columns' names first."""
        numbers = {key or self._say("unknown"): f for key, f in self.found.numbers.items()}
        yield self._table("by_number", numbers)
        yield self._table("by_month", self.found.months)
        yield self._table("by_hour", {f"{h:02}": f for h, f in self.found.hours.items()})
        # Figures per position come with the reference of the agreement that allows them (E21).
        if self.found.positions:
            yield self._table("by_position", self.found.positions, self.reference)
        if self.found.units:
            header = self._say("units_header").split("|")
            yield self._say("by_unit"), [header, *self._unit_rows()]

    def _say(self, what: str) -> str:
        return in_language(TEXTS[what], self.language)

    def totals(self) -> Iterator[tuple[str, str]]:
        """Yield the totals as (label, figure), all calls first."""
        total = self.found.total
        yield self._say("calls"), str(total.calls)
        counts = [(each, total.endings.get(Ending(each), 0)) for each in ENDING_NAMES]
        counts += [("overflow", total.overflow), ("within", total.within)]
        counts.append(("third_ring", total.third_ring))
        yield from ((self._say(what), str(count)) for what, count in counts)
        if total.mean_wait_s is not None and total.longest_wait_s is not None:
            yield self._say("mean"), seconds_shown(total.mean_wait_s, self.language)
            yield self._say("longest"), seconds_shown(total.longest_wait_s, self.language)

    def _table(
        self, what: str, rows: Mapping[str, CallFigures], told: str = ""
    ) -> tuple[str, list[list[str]]]:
        cells = [self._row(key, figures) for key, figures in rows.items()]
        return self._say(what).format(told), [self._say("header").split("|"), *cells]

    def _row(self, key: str, figures: CallFigures) -> list[str]:
        ways = figures.endings
        mean = seconds_shown(figures.mean_wait_s, self.language)
        counts = (
            figures.calls, figures.by_filter, ways.get(Ending.TRANSFERRED, 0),
            ways.get(Ending.RETURNED, 0), ways.get(Ending.VOICEMAIL, 0), ways.get(Ending.LOST, 0),
            ways.get(Ending.OTHER, 0), figures.overflow, figures.within,
        )  # fmt: skip
        return [key, *map(str, counts), mean]

    def _unit_rows(self) -> Iterator[list[str]]:
        """Yield each unit's row, and below it one for each of its needs."""
        for unit, told in self.found.units.items():
            yield [self.names.get(unit, unit), *map(str, _unit_cells(told))]
            for need, part in self.found.needs.items():
                if need.startswith(f"{unit}."):
                    name = self.names.get(need, need.removeprefix(f"{unit}."))
                    yield [f"- {name}", *map(str, _unit_cells(part))]


def title(first: date, last: date) -> Words:
    """Return the title of a report from one day to another."""
    return Words(
        f"Rapporto {day_phrase('dal', first, 'it')} {day_phrase('al', last, 'it')}",
        f"Report {day_phrase('from', first, 'en')} {day_phrase('to', last, 'en')}",
    )


def unit_sheet(told: UnitFigures, name: str, span: str, language: str) -> tuple[str, str]:
    """Write one unit's sheet of a time: subject and body of the mail to the unit."""
    head = in_language(TEXTS["unit_title"], language).format(name, span)
    lines = [head, "", in_language(TEXTS["unit_sent"], language).format(told.asked, told.accepted)]
    for reason, count in told.returned.items():
        words = in_language(REASONS[reason], language) if reason in REASONS else reason
        lines.append(in_language(TEXTS["unit_returned"], language).format(words, count))
    lines.append(in_language(TEXTS["unit_taken"], language).format(told.appointments, told.emails))
    lines.append(in_language(TEXTS["unit_open"], language).format(told.open, told.overdue))
    return head, "\n".join(lines) + "\n"


# ---- monthly sheets ----------------------------------------------------------------------------
# The sheets of all units for a month, queued by the box itself.


def sheet_key(unit: str, month: str) -> str:
    """Return the outbox key of a unit's sheet of a month ("2026-10")."""
    # `centralino report --mail` uses the same key: whichever is first, the unit gets one mail.
    return f"report:{unit}:{month}"


def queue_sheets(
    connection: sqlite3.Connection,
    register: Directory,
    calendar: Schedule,
    month: date,
    language: str,
    now: datetime,
    domain: str = outbox.NO_DOMAIN,
) -> int:
    """Queue the units' sheets of the month that begins on a day; returns their count.

    Units without any figure, or with their sheet queued before, get none. Raises sqlite3.Error.
    """
    named = f"{month:%Y-%m}"
    with transaction(connection):
        units = [u for u in register.units if not _has_it(connection, u, named)]
        start = local_moment(datetime.combine(month, time()), calendar.zone)
        end = local_moment(datetime.combine(next_month(month), time()), calendar.zone)
        calls = call_rows(connection, start, end, calendar.zone)
        taken = request_rows(connection, start, end, calendar, now)
        told = [(unit, unit_figures(calls, taken, unit.code)) for unit in units]
        concerned = [(unit, figures) for unit, figures in told if figures != UnitFigures()]
        for unit, figures in concerned:
            subject, body = unit_sheet(figures, unit.name, month_words(month, language), language)
            mail = Mail(sheet_key(unit.code, named), unit.email, subject, body)
            outbox.put_mail(connection, mail, now, domain)
    return len(concerned)


def _has_it(connection: sqlite3.Connection, unit: Unit, month: str) -> bool:
    return outbox.is_known(connection, sheet_key(unit.code, month))
