"""`centralino report`: what the front desk did in a while; a unit's monthly sheet by mail."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket
from appliance.commands.in_force import office_in_force
from appliance.commands.options import config_option, desk_socket, load_settings, reading
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.files import READABLE, atomic_write
from appliance.paper import child, report_tables
from appliance.paper.document import Document
from appliance.policy.hours import day_phrase, month_words, read_day
from appliance.policy.reports import CallRow, Report, RequestRow, UnitFigures, unit_figures
from appliance.policy.reports import report as summed_up
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from appliance.service.mailroom import contacts
from appliance.store import reports
from appliance.store.directory import load_masked

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
            "un foglio si invia per un'unità e un mese: indicare anche --unit e --month",
            "a sheet is mailed for a unit and a month: say --unit and --month, too",
        )
    if mail and end >= today:
        raise Refused(
            f"{month} non è finito: il suo foglio si può inviare dal giorno dopo",
            f"{month} is not over: its sheet can be mailed from the next day on",
        )
    if pdf and (unit or as_csv or as_json):
        raise Refused(
            "--pdf è dell'intero rapporto: togliere --unit, --csv e --json",
            "--pdf is of the whole report: leave --unit, --csv and --json out",
        )
    if unit:
        _sheet(settings, config_path, unit, begin, end, mail=mail)
        return
    found = _read(settings, config_path, begin, end)
    if as_json:
        click.echo(reports.as_json(found, begin, end))
    elif as_csv:
        click.echo(reports.as_csv(found), nl=False)
    else:
        language, reference = language_of(settings), settings.report.per_person_reference
        names = _names(settings)
        if pdf:
            told = reports.Teller(found, language, names, reference)
            head = contacts(settings.site, ())
            _filed(pdf, report_tables.document(settings.site.name, head, told, begin, end))
        text = reports.as_text(found, begin, end, language, names, reference)
        click.echo(f"{pdf}" if pdf else text)


def _filed(path: Path, document: Document) -> None:
    """Write the report as a PDF; raises OfficeError in a sentence."""
    try:
        atomic_write(path, child.made(document), mode=READABLE)
    except OSError as error:
        why = words_of(error)
        raise Refused(
            f"non si può scrivere il rapporto in {path}: {why.it}",
            f"the report cannot be written to {path}: {why.en}",
        ) from error


def _names(settings: Settings) -> dict[str, str]:
    """Return the units' names by code, those of their needs by "unit.need".

    An office that declared nothing has its service's needs (E13). A register that is not stored
    here names nobody.
    """
    with reading(settings) as connection:
        register = load_masked(connection)
    named = {unit.code: unit.name for unit in register.units}
    for unit in register.units:
        for code in (unit.service, unit.code):
            declared = (each for each in register.declarations if each.unit == code)
            needs = (need for each in declared for need in each.needs)
            named |= {f"{unit.code}.{need.code}": need.name for need in needs}
    return named


def _days(first: str, last: str, month: str, today: date) -> tuple[date, date]:
    """Return the first and the last day that are meant; raises OfficeError."""
    if month:
        if first or last:
            raise Refused(
                "indicare un mese oppure dei giorni, non entrambi",
                "say either a month or days, not both",
            )
        return _month(month)
    until = read_day(last, today) if last else today
    begin = read_day(first, today) if first else until.replace(day=1)
    end = until if last else max(begin, today)
    if end < begin:
        raise Refused(
            f"il rapporto finirebbe {day_phrase('il', end, 'it')}, prima di cominciare "
            f"{day_phrase('il', begin, 'it')}",
            f"the report would end {day_phrase('on', end, 'en')}, before it begins "
            f"{day_phrase('on', begin, 'en')}",
        )
    return begin, end


def _month(text: str) -> tuple[date, date]:
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 2000:
        raise Refused(
            f"{text!r} non è un mese: scrivere ad esempio 2026-10",
            f"{text!r} is no month: write e.g. 2026-10",
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


def _read(settings: Settings, config_path: Path, first: date, last: date) -> Report:
    calls, requests = _rows(settings, config_path, first, last)
    per_person = bool(settings.report.per_person_reference.strip())
    return summed_up(calls, requests, per_person=per_person)


def _sheet(
    settings: Settings, config_path: Path, unit: str, first: date, last: date, *, mail: bool
) -> None:
    """Show a unit's sheet, or have the running desk send it to the unit's address."""
    calls, requests = _rows(settings, config_path, first, last)
    told = unit_figures(calls, requests, unit)
    if told == UnitFigures():
        raise Refused(
            f"nulla riguarda l'unità {unit!r} {day_phrase('dal', first, 'it')} "
            f"{day_phrase('al', last, 'it')}: è questo il suo codice?",
            f"nothing concerned unit {unit!r} {day_phrase('from', first, 'en')} "
            f"{day_phrase('to', last, 'en')}: is that its code?",
        )
    language = language_of(settings)
    span = f"{day_phrase('', first, language)} – {day_phrase('', last, language)}"
    shown = month_words(first, language) if mail else span
    name = _names(settings).get(unit, unit)
    subject, body = reports.unit_sheet(told, name, shown, language)
    if not mail:
        click.echo(body, nl=False)
        return
    asked = {
        "ask": "mail_sheet",
        "unit": unit,
        "month": f"{first:%Y-%m}",
        "subject": subject,
        "body": body,
    }
    click.echo(control_socket.ask(desk_socket(settings), asked)["said"][language])
