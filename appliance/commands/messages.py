"""`centralino messages`: the voicemail; reading needs no running daemon, dealing with it does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.commands.care import add_care_commands
from appliance.commands.options import config_option, load_settings, reading
from appliance.commands.secrets import ask_secret
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.policy.text import Words
from appliance.policy.users import LONGEST, SHORTEST, check_new
from appliance.policy.voicemail import MessageState, care_of
from appliance.service import housekeeping
from appliance.service.phones import write_whole
from appliance.store import care, voicemail
from appliance.store import retention as store_retention
from appliance.store.care import Kind
from appliance.store.retention import Keeping, deletions, due_for_deletion, still_open
from appliance.voicemail import listing

PIN_SET = Words("Il codice è cambiato, da subito.", "The code has changed, from now on.")
PIN_REMOVED = Words("Non c'è più un codice.", "There is no code any more.")


@click.group(invoke_without_command=True)
@config_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def messages(context: click.Context, config_path: Path, as_json: bool) -> None:
    """The voicemail's messages, newest first; take one, call back, close it with its outcome."""
    context.obj = load_settings(config_path)
    if not context.invoked_subcommand:
        _show_list(context.obj, None, as_json=as_json)


@messages.command("list")
@click.option("--state", type=click.Choice([each.value for each in MessageState]))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_them(context: click.Context, state: str | None, as_json: bool) -> None:
    """List the messages, newest first: all, or those of one state."""
    _show_list(context.obj, MessageState(state) if state else None, as_json=as_json)


def _show_list(settings: Settings, state: MessageState | None, *, as_json: bool) -> None:
    with reading(settings) as connection:
        found = listing.list_messages(connection, state)
        cares = care.cares(connection, Kind.MESSAGE)
    folder, language = Path(settings.folders.state) / "voicemail", language_of(settings)
    if as_json:
        click.echo(listing.as_json(found, folder, cares))
    else:
        click.echo(listing.as_text(found, folder, language, ZoneInfo(settings.site.zone), cares))


@messages.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show message NAME (number or id) with all that was done about it.

    For one without a number also who called in the ten minutes before.
    """
    settings: Settings = context.obj
    with reading(settings) as connection:
        care.find(connection, Kind.MESSAGE, name)
        message = voicemail.find(connection, name)
        assert message is not None
        entries = care.history(connection, Kind.MESSAGE, message.id)
        earlier = voicemail.hints(connection, message)
    folder, language = Path(settings.folders.state) / "voicemail", language_of(settings)
    if as_json:
        row = listing.json_row(message, folder, care_of(entries))
        row["history"] = voicemail.history_rows(entries)
        row["earlier_calls"] = [record.call for record in earlier]
        click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(settings.site.zone)
    click.echo(listing.shown(message, entries, earlier, folder, language, zone))


@messages.command("retention")
@click.option("--preview", is_flag=True, help="What would be deleted tonight, by its number.")
@click.pass_context
def retention(context: click.Context, preview: bool) -> None:
    """Say for how long messages, numbers and calls are kept, and what was deleted lately."""
    settings: Settings = context.obj
    kept, language = settings.retention, language_of(settings)
    keeping = Keeping(kept.messages_closed_days, kept.numbers_days, kept.calls_days)
    with reading(settings) as connection:
        if preview:
            found = due_for_deletion(connection, keeping, datetime.now(UTC))
            lines = store_retention.previewed(found, language, still_open(connection, found))
        else:
            lines = store_retention.told(keeping, deletions(connection), language)
    click.echo("\n".join(lines))


@messages.command("pin")
@click.option("--remove", is_flag=True, help="No code any more: other phones hear nothing.")
@click.pass_context
def set_pin(context: click.Context, remove: bool) -> None:
    """Set the code that is asked before messages are heard; it is kept as a hash alone."""
    settings: Settings = context.obj
    path = housekeeping.pin_path(Path(settings.folders.state))
    if remove:
        path.unlink(missing_ok=True)
        click.echo(PIN_REMOVED.it if language_of(settings) == "it" else PIN_REMOVED.en)
        return
    pin = ask_secret(f"PIN ({SHORTEST}-{LONGEST})", is_confirmed=True)
    check_new(pin)
    write_whole(path, housekeeping.hashed(pin))
    click.echo(PIN_SET.it if language_of(settings) == "it" else PIN_SET.en)


add_care_commands(messages, Kind.MESSAGE)
