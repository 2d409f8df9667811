"""`office standards`: what the service charter promises beside what a quarter measured."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import office_in_force
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import config_option, language_of, load_settings, reading
from appliance.commands.reports import write_paper
from appliance.config.build import contacts_of, service_targets
from appliance.paper import document
from appliance.policy.standards import Quarter, StandardResult, read_quarter
from appliance.policy.text import Refused
from appliance.store import standards as sheet
from appliance.store.listings import columns
from appliance.text import _

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
