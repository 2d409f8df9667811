"""`office standards`: what the service charter promises beside what a quarter measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import office_in_force
from appliance.commands.options import config_option, language_of, load_settings, reading
from appliance.commands.reports import write_paper
from appliance.config.build import contacts_of, service_targets
from appliance.paper import document
from appliance.policy.standards import read_quarter
from appliance.policy.text import Refused
from appliance.store import standards as sheet
from appliance.store.listings import columns
from appliance.text import _

ONE_FORM: Final = _("say either --pdf or --csv, not both")


@click.command()
@config_option
@click.option("--quarter", default="", help="For example 2026-3; by default the last one over.")
@click.option(
    "--pdf",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the sheet into this file, to be published.",
)
@click.option("--csv", "as_csv", is_flag=True, help="For a spreadsheet, with semicolons.")
def standards(config_path: Path, *, quarter: str, pdf: Path | None, as_csv: bool) -> None:
    """Measure a quarter against the promises of the service charter ([standards])."""
    settings = load_settings(config_path)
    zone, now = ZoneInfo(settings.site.zone), datetime.now(UTC)
    today = now.astimezone(zone).date()
    asked = read_quarter(quarter, today)
    if pdf and as_csv:
        raise Refused(ONE_FORM)
    calendar = office_in_force(settings, asked.year, str(config_path)).switchboard.schedule
    with reading(settings) as connection:
        settled = sheet.in_time(connection, asked, calendar, now)
        results = sheet.results_of(connection, asked, service_targets(settings), settled, zone)
    if as_csv:
        click.echo(sheet.as_csv(results, asked), nl=False)
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
