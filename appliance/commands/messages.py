"""`centralino messages`: the voicemail, with or without a running daemon."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import door
from appliance.daemon.settings import Settings
from appliance.daemon.stores import database_path
from appliance.errors import OfficeError
from appliance.records.database import open_reader
from appliance.voicemail import listing


@click.group(invoke_without_command=True)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def messages(context: click.Context, config_path: Path, as_json: bool) -> None:
    """List the messages, newest first; `close` closes one with its outcome."""
    settings = load_settings(config_path)
    context.obj = settings
    if context.invoked_subcommand:
        return
    state = Path(settings.folders.state)
    if not database_path(state).exists():
        raise OfficeError(f"there are no records in {state} yet: has centralino run?")
    connection = open_reader(database_path(state))
    try:
        found = listing.list_messages(connection)
    finally:
        connection.close()
    folder = state / "voicemail"
    language = settings.site.languages[0]
    show = listing.as_json(found, folder) if as_json else listing.as_text(found, folder, language)
    click.echo(show)


@messages.command("close")
@click.argument("name")
@click.argument("outcome")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who closes it.")
@click.option("--note", default="", help="A few words.")
@click.pass_context
def close(context: click.Context, name: str, outcome: str, by: str, note: str) -> None:
    """Close message NAME (its number or id) with OUTCOME, e.g. called_back."""
    question = {
        "ask": "close_message",
        "name": name,
        "outcome": outcome,
        "by": by,
        "note": note,
        "at": datetime.now(UTC).isoformat(),
    }
    settings: Settings = context.obj
    answer = door.ask(desk_socket(settings), question)
    click.echo(answer["said"][settings.site.languages[0]])
