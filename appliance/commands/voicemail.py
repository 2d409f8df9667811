"""`centralino messages`: the voicemail; reading needs no running daemon, dealing with it does."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from appliance.api import protocol
from appliance.commands.answering import ask_secret
from appliance.commands.options import (
    config_option,
    desk_socket,
    language_of,
    load_settings,
    reading,
)
from appliance.config.schema import Settings
from appliance.files import write_private_json
from appliance.policy.text import Words
from appliance.policy.users import LONGEST_PIN, SHORTEST_PIN, check_new_pin
from appliance.policy.voicemail import MessageOutcome, MessageState, MessageStep, care_of
from appliance.service import housekeeping
from appliance.store import listings, voicemail
from appliance.store import retention as store_retention
from appliance.store.retention import RetentionDays, count_open_calls, deletions, due_for_deletion
from appliance.store.voicemail import CaseKind

# ---- call back ---------------------------------------------------------------------------------
# `centralino call-back`: a position's phone rings, then the box dials whom something is about.


@click.command("call-back")
@click.argument("case")
@config_option
@click.option("--position", required=True, help="The phone that is to call, as configured.")
@click.option("--urgent", is_flag=True, help="Outside the hours for calling back, too.")
@click.option("--by", default="", help="Who asks; the position where nobody is named.")
def call_back(case: str, config_path: Path, position: str, by: str, *, urgent: bool) -> None:
    """Have a position call back CASE: a message's number, message:12, request:7 or call:ID."""
    settings = load_settings(config_path)
    question = {
        "ask": "CallBack",
        "position": position,
        "case": f"message:{case}" if case.isdigit() else case,
        "urgent": urgent,
        "by": by or position,
    }
    answer = protocol.ask(desk_socket(settings), question)
    click.echo(answer["said"][language_of(settings)])


# ---- care --------------------------------------------------------------------------------------
# The sub-commands by which messages and missed calls are dealt with: one set for both.

_SIMPLE = {
    "take": (MessageStep.TAKE, "Take {} NAME (number or id): nobody else calls back meanwhile."),
    "release": (MessageStep.RELEASE, "Let {} NAME go, whoever has it."),
    "failed": (MessageStep.FAIL, "Note that calling back about {} NAME was in vain."),
    "reopen": (MessageStep.REOPEN, "Open {} NAME again, which was closed by mistake."),
}


def add_care_commands(group: click.Group, kind: str) -> None:
    """Add take, release, failed, note, close and reopen to a group for one kind."""
    for name, (step, help_text) in _SIMPLE.items():
        group.add_command(_simple(kind, name, step, help_text.format(kind)))
    group.add_command(_note(kind))
    group.add_command(_close(kind))


def _by(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--by", default=getpass.getuser, show_default="the user", help="Who does it."
    )(command)


def _simple(kind: str, name: str, step: MessageStep, help_text: str) -> click.Command:
    @click.command(name, help=help_text)
    @click.argument("name")
    @_by
    @click.option("--note", default="", help="A few words.")
    @click.pass_context
    def command(context: click.Context, name: str, by: str, note: str) -> None:
        _ask(context, {"kind": kind, "step": step, "name": name, "by": by, "note": note})

    return command


def _note(kind: str) -> click.Command:
    @click.command("note", help=f"Add WORDS to {kind} NAME.")
    @click.argument("name")
    @click.argument("words")
    @_by
    @click.pass_context
    def command(context: click.Context, name: str, words: str, by: str) -> None:
        _ask(
            context, {"kind": kind, "step": MessageStep.NOTE, "name": name, "by": by, "note": words}
        )

    return command


def _close(kind: str) -> click.Command:
    outcomes = ", ".join(MessageOutcome)

    @click.command("close", help=f"Close {kind} NAME with OUTCOME: {outcomes}.")
    @click.argument("name")
    @click.argument("outcome")
    @_by
    @click.option("--note", default="", help="A few words.")
    @click.pass_context
    def command(context: click.Context, name: str, outcome: str, by: str, note: str) -> None:
        asked = {"kind": kind, "step": MessageStep.CLOSE, "name": name, "by": by, "note": note}
        _ask(context, {**asked, "outcome": outcome})

    return command


def _ask(context: click.Context, question: dict[str, Any]) -> None:
    settings: Settings = context.obj
    asked = {"ask": "care", "at": datetime.now(UTC).isoformat(), **question}
    answer = protocol.ask(desk_socket(settings), asked)
    click.echo(answer["said"][language_of(settings)])


# ---- messages ----------------------------------------------------------------------------------

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
        found = voicemail.list_messages(connection, state)
        cares = voicemail.care_by_id(connection, CaseKind.MESSAGE)
    folder, language = Path(settings.folders.state) / "voicemail", language_of(settings)
    if as_json:
        click.echo(listings.messages_as_json(found, folder, cares))
    else:
        click.echo(
            listings.messages_as_text(found, folder, language, ZoneInfo(settings.site.zone), cares)
        )


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
        voicemail.find_case(connection, CaseKind.MESSAGE, name)
        message = voicemail.find_message(connection, name)
        assert message is not None
        entries = voicemail.list_entries(connection, CaseKind.MESSAGE, message.id)
        earlier = voicemail.possible_callers(connection, message)
    folder, language = Path(settings.folders.state) / "voicemail", language_of(settings)
    if as_json:
        row = listings.message_json_row(message, folder, care_of(entries))
        row["history"] = listings.history_rows(entries)
        row["earlier_calls"] = [record.call for record in earlier]
        click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(settings.site.zone)
    click.echo(listings.message_as_text(message, entries, earlier, folder, language, zone))


@messages.command("retention")
@click.option("--preview", is_flag=True, help="What would be deleted tonight, by its number.")
@click.pass_context
def retention(context: click.Context, preview: bool) -> None:
    """Say for how long messages, numbers and calls are kept, and what was deleted lately."""
    settings: Settings = context.obj
    kept, language = settings.retention, language_of(settings)
    keeping = RetentionDays(kept.messages_closed_days, kept.numbers_days, kept.calls_days)
    with reading(settings) as connection:
        if preview:
            found = due_for_deletion(connection, keeping, datetime.now(UTC))
            lines = store_retention.preview_lines(
                found, language, count_open_calls(connection, found)
            )
        else:
            lines = store_retention.retention_lines(keeping, deletions(connection), language)
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
    pin = ask_secret(f"PIN ({SHORTEST_PIN}-{LONGEST_PIN})", is_confirmed=True)
    check_new_pin(pin)
    write_private_json(path, housekeeping.hashed(pin))
    click.echo(PIN_SET.it if language_of(settings) == "it" else PIN_SET.en)


add_care_commands(messages, CaseKind.MESSAGE)
