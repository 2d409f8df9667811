"""`centralino calls`: the call log, and the calls without a message that somebody should answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.calls.orders import Result
from appliance.commands.care import add_care_commands
from appliance.commands.options import config_option, load_settings, reading
from appliance.commands.shell import language_of
from appliance.config import numbers
from appliance.config.schema import Settings
from appliance.policy.numbering import plan_of
from appliance.policy.text import Refused
from appliance.store import call_log, care, directory, voicemail
from appliance.store.care import Kind


@click.group(invoke_without_command=True)
@config_option
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--line", default="", help="Of this line only.")
@click.option("--called", default="", help="To this public number only, e.g. the toll-free one.")
@click.option("--result", type=click.Choice([each.value for each in Result]), help="e.g. fax")
@click.option(
    "--missed", is_flag=True, help="Calls without a message that nobody has dealt with yet."
)
@click.option("--all", "every", is_flag=True, help="With --missed: those dealt with, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def calls(
    context: click.Context,
    config_path: Path,
    *,
    last: int,
    line: str,
    called: str,
    result: str | None,
    missed: bool,
    every: bool,
    as_json: bool,
) -> None:
    """List the latest calls, newest first: who, how it ended, by what that was noticed."""
    context.obj = settings = load_settings(config_path)
    if context.invoked_subcommand:
        return
    if missed:
        _show_missed(settings, every=every, as_json=as_json)
        return
    _check_line(settings, line)
    number = numbers.called(called, settings.site.country) if called else ""
    with reading(settings) as connection:
        wanted = Result(result) if result else None
        found = call_log.calls(connection, line=line, called=number, result=wanted, limit=last)
        back = call_log.called_back(connection, (f"call:{record.call}" for record in found))
        names = directory.names_of(connection)
    language, zone = language_of(settings), ZoneInfo(settings.site.zone)
    if as_json:
        click.echo(voicemail.calls_as_json(found))
        return
    click.echo(voicemail.as_text(found, language, zone, back, names))


def _check_line(settings: Settings, line: str) -> None:
    """Raise Refused for a line that is neither configured nor in the call log."""
    known = {each.name for each in settings.lines}
    if not line or line in known:
        return
    with reading(settings) as connection:
        if call_log.calls(connection, line=line, limit=1):
            return  # of a line that was taken out
    names = ", ".join(sorted(known))
    raise Refused(
        f"la linea {line!r} non c'è: " + (f"ci sono {names}" if known else "nessuna è configurata"),
        f"there is no line {line!r}: " + (f"there are {names}" if known else "none is configured"),
    )


def _show_missed(settings: Settings, *, every: bool, as_json: bool) -> None:
    since = datetime.now(UTC) - timedelta(days=voicemail.DAYS)
    with reading(settings) as connection:
        found = voicemail.missed_calls(connection, since, plan_of(settings.site.country))
    shown = [each for each in found if every or each.is_open]
    if as_json:
        click.echo(voicemail.missed_as_json(shown))
        return
    zone = ZoneInfo(settings.site.zone)
    click.echo(voicemail.missed_text(shown, language_of(settings), zone))


@calls.command("show")
@click.argument("name")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Show call NAME (its number in the list of missed calls, or its id) and what was done."""
    settings: Settings = context.obj
    language, zone = language_of(settings), ZoneInfo(settings.site.zone)
    with reading(settings) as connection:
        call, _ = care.find(connection, Kind.CALL, name)
        record = call_log.find(connection, call)
        entries = care.history(connection, Kind.CALL, call)
        back = call_log.called_back(connection, (f"call:{call}",))
        names = directory.names_of(connection)
    assert record is not None
    click.echo(voicemail.as_text([record], language, zone, back, names))
    click.echo()
    for line in voicemail.history_lines(entries, zone, language):
        click.echo(line)


add_care_commands(calls, Kind.CALL)
