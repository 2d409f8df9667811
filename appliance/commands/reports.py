"""`office report` and `standards`: what the front desk did, what the service charter promises."""

from __future__ import annotations

import getpass
import re
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, TypedDict
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import ShowStatus
from appliance.api.technician_commands import MailSheet
from appliance.commands.answering import answering, lines_of, office_in_force
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    Real,
    config_option,
    language_of,
    load_settings,
    reading,
    send,
)
from appliance.config.build import contacts_of, service_targets
from appliance.config.schema import Settings
from appliance.files import READABLE, atomic_write
from appliance.paper import document
from appliance.paper.document import Document, make_pdf
from appliance.policy.hours import day_phrase, day_phrase_words, month_words, read_day
from appliance.policy.reports import (
    HOUR_MS,
    BusyHour,
    CallRow,
    LinesRow,
    MonthlyReport,
    PositionsRow,
    RequestRow,
    UnitFigures,
    WantedService,
    busiest_hour,
    capacity_of,
    capacity_table,
    offered_traffic,
    period_before,
    unit_figures,
)
from appliance.policy.reports import report_of as summed_up
from appliance.policy.standards import Quarter, StandardResult, read_quarter
from appliance.policy.text import Refused, words_of
from appliance.service import reports as proofs
from appliance.service.reports import DivertOutcome, Proof
from appliance.store import report_text, reports
from appliance.store import standards as sheet
from appliance.store.directory import load_masked
from appliance.store.listings import columns
from appliance.store.reports import uses_since
from appliance.text import Words, _, counted, in_context

# ---- report: a period; a unit's monthly sheet by mail --------------------------------------------

# Four of each weekday.
DAYS: Final = 28
"""Days of the box's own calls that are evaluated."""
SHARE: Final = Real(0.0, 100.0, min_open=True, max_open=True)


@click.command()
@config_option
@click.option("--calls", type=Real(0.0, 10_000.0, min_open=True), help="In an hour.")
@click.option("--seconds", type=Real(1.0, 36_000.0), help="A call's mean length.")
@click.option("--engaged", type=SHARE, default=1.0, show_default=True, help="% at most.")
@click.option("--answered", type=SHARE, default=80.0, show_default=True, help="% at least.")
@click.option("--within", type=Real(0.0, 3600.0), default=20.0, show_default=True, help="Seconds.")
@json_option
def capacity(
    config_path: Path,
    *,
    calls: float | None,
    seconds: float | None,
    engaged: float,
    answered: float,
    within: float,
    as_json: bool,
) -> None:
    """Say how many lines and positions are enough: of the busiest hour of the last four weeks, or
    of so many calls an hour of so many seconds.
    """
    wanted = WantedService(engaged / 100, answered / 100, within)
    with answering(config_path, as_json=as_json) as say:
        settings = load_settings(config_path)
        if calls is None and seconds is None:
            need = _of_the_box(settings)
        elif calls is None or seconds is None:
            raise Refused(
                _("both --calls (calls an hour) and --seconds (their mean length) are needed"),
            )
        else:
            need = _Need(calls * seconds / 3600, seconds)
        if as_json:
            say_json(_capacity_row(need, wanted))
            return
        table = capacity_table(need.traffic, need.length_s, wanted, need.lines)
        say(lines_of((_said(need), *table)))


@dataclass(frozen=True, slots=True)
class _Need:
    """A traffic (erlang) of calls of a mean length; of the box's busiest hour on its lines."""

    traffic: float
    length_s: float
    lines: int = 0
    hour: BusyHour | None = None


class CapacityHour(TypedDict):
    """The box's busiest hour of the day, on average of so many days."""

    hour: int
    days: int
    traffic_erlang: float


class CapacityWanted(TypedDict):
    """The service that is wanted."""

    engaged_percent: float
    answered_percent: float
    within_s: float


class CapacityRow(TypedDict):
    """How many lines and positions are enough; `lines_today` is null for figures of one's own."""

    traffic_erlang: float
    call_s: float
    busiest_hour: CapacityHour | None
    wanted: CapacityWanted
    lines_today: int | None
    lines_needed: int
    positions_needed: int
    lines: list[LinesRow]
    positions: list[PositionsRow]


def _capacity_row(need: _Need, wanted: WantedService) -> dict[str, Any]:
    hour = need.hour
    busiest = hour and {
        "hour": hour.hour,
        "days": hour.days,
        "traffic_erlang": round(hour.traffic, 2),
    }
    return {
        "traffic_erlang": round(need.traffic, 2),
        "call_s": round(need.length_s, 1),
        "busiest_hour": busiest,
        "wanted": {
            "engaged_percent": round(wanted.engaged * 100, 2),
            "answered_percent": round(wanted.within * 100, 2),
            "within_s": wanted.within_s,
        },
        "lines_today": need.lines or None,
        **asdict(capacity_of(need.traffic, need.length_s, wanted, need.lines)),
    }


def _of_the_box(settings: Settings) -> _Need:
    """Return the need of the box's busiest hour; raises Refused before the first call."""
    lines = tuple(line.name for line in settings.lines)
    now = datetime.now(UTC)
    with reading(settings) as connection:
        uses = list(uses_since(connection, lines, now - timedelta(days=DAYS)))
    hour = busiest_hour(uses, _hours(now, ZoneInfo(settings.site.zone)))
    if hour is None:
        raise Refused(
            _(
                "no line was engaged within the last {days} weeks: say --calls and --seconds",
                days=DAYS // 7,
            ),
        )
    came = offered_traffic(hour.traffic, len(lines))
    return _Need(came, hour.length_s, len(lines), hour)


def _said(need: _Need) -> Words:
    if (hour := need.hour) is None:
        return _("Traffic: {traffic:.2f} erlang", traffic=need.traffic)
    clock = f"{hour.hour}–{hour.hour + 1}"
    days = counted("measured on {number} day", "mean of {number} days", hour.days)
    return _(
        "Busiest hour: {clock}, {days}: {traffic:.2f} erlang on the "
        "lines, {came:.2f} with those who heard engaged; a call takes "
        "{length_s:.0f} s",
        clock=clock,
        days=days,
        traffic=hour.traffic,
        came=need.traffic,
        length_s=hour.length_s,
    )


def _hours(now: datetime, zone: ZoneInfo) -> dict[int, tuple[str, int]]:
    """Return day and local hour by hour since 1970, for the evaluated days."""
    last = int(now.timestamp() * 1000) // HOUR_MS + 1
    named = {}
    for number in range(last - (DAYS + 2) * 24, last + 1):
        at = datetime.fromtimestamp(number * HOUR_MS / 1000, zone)
        named[number] = (f"{at:%Y-%m-%d}", at.hour)
    return named


LOOK_S = 0.5
SEIZE = _(
    "Now seize every line: a call on each from other telephones, or the "
    "telephones beside them lifted. Still free:"
)
ONE_OF = _("say one of --rang-at, --busy, --no-divert, --show")
WHICH = _("say by --number which of them was called: {}")
CALL = _("All lines are seized. Now call {} from another telephone.")
ANY_NUMBER = _("the public number")
WHERE = _("Where did it ring? (empty: it was busy)")


@click.command()
@config_option
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who says so.")
@click.option("--number", default="", help="The public number called; each in turn by default.")
@click.option("--rang-at", default="", help="Where the call rang; nothing is asked.")
@click.option("--busy", is_flag=True, help="The call heard busy; nothing is asked.")
@click.option("--no-divert", is_flag=True, help="The head's word: there is no divert-on-busy.")
@click.option("--show", is_flag=True, help="Show what was found last.")
@click.option(
    "--wait",
    type=Real(0.0, 86_400.0),
    default=600.0,
    show_default=True,
    help="Seconds to wait for all lines to be seized.",
)
def commission(
    config_path: Path,
    *,
    by: str,
    number: str,
    rang_at: str,
    busy: bool,
    no_divert: bool,
    show: bool,
    wait: float,
) -> None:
    """Prove the carrier's divert-on-busy: seize all lines, call each number, say where it rang."""
    settings = load_settings(config_path)
    language = language_of(settings)
    if bool(rang_at) + busy + no_divert + show > 1:
        raise click.UsageError(ONE_OF.text(language))
    numbers = (proofs.number_of(settings, number),) if number else proofs.numbers_of(settings)
    if show:
        _show(settings, numbers, language)
        return
    # A result given as an option belongs to one call, so to one number.
    if (rang_at or busy) and len(numbers) > 1:
        listed = ", ".join(numbers)
        raise click.UsageError(WHICH.filled(listed).text(language))
    # A statement that there is no divert needs no test call.
    if not no_divert:
        _seize(settings, language, wait)
    for each in numbers:
        outcome, where = DivertOutcome.NO_DIVERT, ""
        if not no_divert:
            where = rang_at if rang_at or busy else _ask(each, language)
            # A line that became free during the call may have taken it, and the test proves
            # nothing.
            _still_seized(settings)
            outcome = DivertOutcome.DIVERTED if where else DivertOutcome.BUSY
        at = datetime.now(UTC).astimezone(ZoneInfo(settings.site.zone))
        proof = Proof(outcome, by, at, proofs.lines_of(settings), where, each)
        proofs.save_proofs(settings, proof)
        click.echo(proofs.proof_words(proof).text(language))


def _show(settings: Settings, numbers: tuple[str, ...], language: str) -> None:
    """Print the proof of each number, then what is missing."""
    kept = proofs.load_proofs(settings)
    for number in numbers:
        if proof := proofs.proof_of(settings, number, kept):
            click.echo(proofs.proof_words(proof).text(language))
    if missing := proofs.wanted(settings, kept).text(language):
        click.echo(missing)


def _free(settings: Settings) -> tuple[str, ...]:
    status = send(settings, ShowStatus()).status
    return proofs.unseized(status.lines)


def _seize(settings: Settings, language: str, wait: float) -> None:
    """Wait until call control reports every line as busy."""
    told: tuple[str, ...] = ()
    never, looks = threading.Event(), max(1, round(wait / LOOK_S))
    for _unused in range(looks):
        free = _free(settings)
        if not free:
            return
        if free != told:
            told = free
            click.echo(f"{SEIZE.text(language)} {', '.join(free)}")
        never.wait(LOOK_S)
    raise Refused(
        _(
            "{lines} could still be reached after {wait:g} s: without all lines seized "
            "a call proves nothing; begin again",
            lines=", ".join(told),
            wait=wait,
        ),
    )


def _ask(number: str, language: str) -> str:
    click.echo(CALL.filled(number or ANY_NUMBER).text(language))
    answer: str = click.prompt(WHERE.text(language), default="", show_default=False)
    return answer.strip()


def _still_seized(settings: Settings) -> None:
    free = _free(settings)
    if free:
        raise Refused(
            _(
                "{free} became free meanwhile: the call may have rung there; begin again",
                free=", ".join(free),
            ),
        )


_MONTH = re.compile(r"(\d{4})-(\d{2})")


@click.command()
@config_option
@click.option("--from", "first", default="", help="First day (30/11/2026); else the month's first.")
@click.option("--to", "last", default="", help="Last day, included; by default today.")
@click.option("--month", default="", help="A whole month instead, e.g. 2026-10.")
@click.option("--unit", default="", help="The sheet of this unit alone (its code).")
@click.option("--mail", is_flag=True, help="With --unit and --month: send the sheet to the unit.")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report into this file, to be printed or filed.",
)
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, with semicolons.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def report(
    config_path: Path,
    *,
    first: str,
    last: str,
    month: str,
    unit: str,
    mail: bool,
    pdf: Path | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Sum up calls and requests: answered by the filter, transferred, returned, lost, and so on.

    Nothing is told per person, unless report.per_person_reference names the agreement.
    """
    settings = load_settings(config_path)
    today = datetime.now(ZoneInfo(settings.site.zone)).date()
    begin, end = _days(first, last, month, today)
    if mail and not (unit and month):
        raise Refused(
            _("a sheet is mailed for a unit and a month: say --unit and --month, too"),
        )
    if mail and end >= today:
        raise Refused(
            _("{month} is not over: its sheet can be mailed from the next day on", month=month),
        )
    if pdf and (unit or as_csv or as_json):
        raise Refused(
            _("--pdf is of the whole report: leave --unit, --csv and --json out"),
        )
    if unit:
        _sheet(settings, config_path, unit, begin, end, mail=mail)
        return
    found = _read(settings, config_path, begin, end)
    days_before = period_before(begin, end)
    if as_json:
        click.echo(report_text.as_json(found, begin, end))
    elif as_csv:
        click.echo(report_text.as_csv(found), nl=False)
    else:
        language, reference = language_of(settings), settings.report.per_person_reference
        before = _read(settings, config_path, *days_before)
        told = report_text.ReportText(
            found, language, _names(settings), reference, before, days_before
        )
        if pdf:
            head = contacts_of(settings)
            write_paper(pdf, document.report_document(settings.site.name, head, told, begin, end))
        click.echo(f"{pdf}" if pdf else "\n".join(told.lines(begin, end)))


def write_paper(path: Path, document: Document) -> None:
    """Write the report as a PDF; raises OfficeError."""
    try:
        atomic_write(path, make_pdf(document), mode=READABLE)
    except OSError as error:
        why = words_of(error)
        raise Refused(
            _("the report cannot be written to {path}: {why}", path=path, why=why),
        ) from error


def _names(settings: Settings) -> dict[str, str]:
    """Return the units' names by code, those of their needs by "unit.need".

    An office without a declaration has its service's needs (E13); without a directory there are no
    names.
    """
    with reading(settings) as connection:
        directory = load_masked(connection)
    named = {unit.code: unit.name for unit in directory.units}
    for unit in directory.units:
        for code in (unit.service, unit.code):
            declared = (each for each in directory.declarations if each.unit == code)
            needs = (need for each in declared for need in each.needs)
            named |= {f"{unit.code}.{need.code}": need.name for need in needs}
    return named


def _days(first: str, last: str, month: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of the options; raises OfficeError."""
    if month:
        if first or last:
            raise Refused(
                _("say either a month or days, not both"),
            )
        return _month(month)
    until = read_day(last, today) if last else today
    begin = read_day(first, today) if first else until.replace(day=1)
    end = until if last else max(begin, today)
    if end < begin:
        raise Refused(
            _(
                "the report would end {last}, before it begins {first}",
                last=day_phrase_words(in_context("day", "on"), end),
                first=day_phrase_words(in_context("day", "on"), begin),
            ),
        )
    return begin, end


def _month(text: str) -> tuple[date, date]:
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 2000:
        raise Refused(
            _("{text!r} is no month: write e.g. 2026-10", text=text),
        )
    first = date(int(match[1]), int(match[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _rows(
    settings: Settings, config_path: Path, first: date, last: date
) -> tuple[tuple[CallRow, ...], tuple[RequestRow, ...]]:
    zone = ZoneInfo(settings.site.zone)
    start = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    calendar = office_in_force(settings, first.year, str(config_path)).switchboard.schedule
    with reading(settings) as connection:
        return (
            reports.call_rows(connection, start, end, zone),
            reports.request_rows(connection, start, end, calendar, datetime.now(UTC)),
        )


def _read(settings: Settings, config_path: Path, first: date, last: date) -> MonthlyReport:
    calls, requests = _rows(settings, config_path, first, last)
    per_person = bool(settings.report.per_person_reference.strip())
    return summed_up(calls, requests, per_person=per_person)


def _sheet(
    settings: Settings, config_path: Path, unit: str, first: date, last: date, *, mail: bool
) -> None:
    """Show a unit's sheet, or have the running service send it to the unit's address."""
    calls, requests = _rows(settings, config_path, first, last)
    told = unit_figures(calls, requests, unit)
    if told == UnitFigures():
        raise Refused(
            _(
                "nothing concerned unit {unit!r} {since} {until}: is that its code?",
                unit=unit,
                since=day_phrase_words(in_context("day", "from"), first),
                until=day_phrase_words(in_context("day", "to"), last),
            ),
        )
    language = language_of(settings)
    span = f"{day_phrase('', first, language)} – {day_phrase('', last, language)}"
    shown = month_words(first, language) if mail else span
    name = _names(settings).get(unit, unit)
    subject, body = report_text.unit_sheet(told, name, shown, language)
    if not mail:
        click.echo(body, nl=False)
        return
    wish = MailSheet(unit=unit, month=f"{first:%Y-%m}", subject=subject, body=body)
    click.echo(send(settings, wish).said.text(language))


# ---- standards: promised beside measured ---------------------------------------------------------

ONE_FORM: Final = _("say one of --pdf, --csv and --json")


class StandardRow(TypedDict):
    """A promise: shares in %, `promised` 0 for none, `measured` and `met` null where unknown."""

    standard: str
    promised: int
    measured: float | None
    cases: int
    met: bool | None


class QuarterRow(TypedDict):
    """Measured quarter; `is_over` false while its days go on."""

    first: str
    last: str
    is_over: bool
    standards: list[StandardRow]


def _quarter_row(asked: Quarter, results: tuple[StandardResult, ...], today: date) -> QuarterRow:
    rows: list[StandardRow] = [
        {
            "standard": each.standard.value,
            "promised": each.promised,
            "measured": each.measured,
            "cases": each.cases,
            "met": each.is_met,
        }
        for each in results
    ]
    return {
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "is_over": asked.last < today,
        "standards": rows,
    }


@click.command()
@config_option
@click.option("--quarter", default="", help="For example 2026-3; by default the last one over.")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the sheet into this file, to be published.",
)
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, with semicolons.")
@json_option
def standards(
    config_path: Path, *, quarter: str, pdf: Path | None, as_csv: bool, as_json: bool
) -> None:
    """Measure a quarter against the promises of the service charter ([standards])."""
    settings = load_settings(config_path)
    zone, now = ZoneInfo(settings.site.zone), datetime.now(UTC)
    today = now.astimezone(zone).date()
    asked = read_quarter(quarter, today)
    if sum((bool(pdf), as_csv, as_json)) > 1:
        raise Refused(ONE_FORM)
    calendar = office_in_force(settings, asked.year, str(config_path)).switchboard.schedule
    with reading(settings) as connection:
        settled = sheet.in_time(connection, asked, calendar, now)
        results = sheet.results_of(connection, asked, service_targets(settings), settled, zone)
    if as_csv:
        click.echo(sheet.as_csv(results, asked), nl=False)
        return
    if as_json:
        say_json(_quarter_row(asked, results, today))
        return
    language, is_over = language_of(settings), asked.last < today
    if pdf:
        head = contacts_of(settings)
        name = settings.site.name
        paper = document.standards_document(name, head, asked, results, language, is_over=is_over)
        write_paper(pdf, paper)
        click.echo(f"{pdf}")
        return
    click.echo(sheet.title(asked).text(language))
    if not is_over:
        click.echo(sheet.RUNNING.text(language))
    header = [each.text(language) for each in sheet.HEADER]
    click.echo(columns([header, *map(list, sheet.rows_of(results, language))]))
    for note in sheet.NOTES:
        click.echo(note.text(language))
