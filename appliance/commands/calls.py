"""`centralino calls`: the call log, with or without a running daemon."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.calls.orders import Result
from appliance.commands.options import config_option, load_settings
from appliance.daemon.stores import database_path
from appliance.errors import OfficeError
from appliance.records import call_log, listing
from appliance.records.database import open_reader


@click.command()
@config_option
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--line", default="", help="Of this line only.")
@click.option("--result", type=click.Choice([each.value for each in Result]), help="e.g. fax")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def calls(config_path: Path, *, last: int, line: str, result: str | None, as_json: bool) -> None:
    """List the latest calls, newest first: who, how it ended, by what that was noticed."""
    settings = load_settings(config_path)
    path = database_path(Path(settings.folders.state))
    if not path.exists():
        raise OfficeError(f"there are no records at {path} yet: has centralino run?")
    connection = open_reader(path)
    try:
        wanted = Result(result) if result else None
        found = call_log.calls(connection, line=line, result=wanted, limit=last)
    finally:
        connection.close()
    language = settings.site.languages[0]
    click.echo(listing.as_json(found) if as_json else listing.as_text(found, language))
