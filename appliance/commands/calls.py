"""Calls and messages: `calls`, `messages`, `call-back`, `transfer`, `bring-in`.

The lists are read from the database without a running service; the rest are commands to it.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

import click

from appliance.api.codec import command_of
from appliance.api.commands import BringSupervisor, CallCitizen, TakeCare, TransferCaller
from appliance.api.replies import DeclinedError
from appliance.calls.orders import Result
from appliance.commands.answering import ask_secret
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    config_option,
    in_site_language,
    language_of,
    load_settings,
    reading,
    require_state,
    send_and_say,
)
from appliance.config import office
from appliance.config.schema import Settings
from appliance.errors import CentralinoError
from appliance.files import write_private_json
from appliance.policy.numbering import plan_of
from appliance.policy.sheets import officials
from appliance.policy.text import Refused
from appliance.policy.transfers import TransferReason
from appliance.policy.users import LONGEST_PIN, SHORTEST_PIN, check_new_pin
from appliance.policy.voicemail import MessageOutcome, MessageState, MessageStep, care_of
from appliance.service import housekeeping
from appliance.store import call_log, directory, listings, sheets, voicemail
from appliance.store import retention as store_retention
from appliance.store.retention import RetentionDays, count_open_calls, deletions, due_for_deletion
from appliance.store.voicemail import CaseKind
from appliance.text import _


def _listing(*, hidden: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator with the options of the list of calls."""
    results = click.Choice([each.value for each in Result])
    made = (
        config_option,
        click.option(
            "--last", default=20, show_default=True, hidden=hidden,
            type=click.IntRange(1, 10_000), help="How many.",
        ),
        click.option("--line", default="", hidden=hidden, help="Of this line only."),
        click.option(
            "--called", default="", hidden=hidden,
            help="To this public number only, e.g. the toll-free one.",
        ),
        click.option("--result", type=results, hidden=hidden, help="e.g. fax"),
        click.option(
            "--missed", is_flag=True, hidden=hidden,
            help="Calls without a message that nobody has dealt with yet.",
        ),
        click.option(
            "--all", "every", is_flag=True, hidden=hidden,
            help="With --missed: those dealt with, too.",
        ),
        click.option("--json", "as_json", is_flag=True, hidden=hidden, help="As JSON."),
    )  # fmt: skip

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(made):
            command = option(command)
        return command

    return decorated


# `calls` alone lists too; its options are those of `calls list`, for scripts written before that.
@click.group(invoke_without_command=True)
@_listing(hidden=True)
@click.pass_context
def calls(context: click.Context, /, config_path: Path, **options: Any) -> None:
    """List the latest calls, newest first: who, how it ended, by what that was noticed."""
    context.obj = load_settings(config_path)
    # `calls show` and the other sub-commands need no list.
    if not context.invoked_subcommand:
        _show_calls(context.obj, **options)


@click.command("list")
@_listing(hidden=False)
def list_calls(config_path: Path, **options: Any) -> None:
    """List the latest calls, newest first: who, how it ended, by what that was noticed."""
    _show_calls(load_settings(config_path), **options)


def _show_calls(
    settings: Settings,
    *,
    last: int,
    line: str,
    called: str,
    result: str | None,
    missed: bool,
    every: bool,
    as_json: bool,
) -> None:
    if missed:
        _show_missed(settings, every=every, as_json=as_json)
        return
    _check_line(settings, line)
    number = office.dialled_form(called, settings.site.country) if called else ""
    with reading(settings) as connection:
        wanted = Result(result) if result else None
        found = call_log.list_calls(connection, line=line, called=number, result=wanted, limit=last)
        back = call_log.called_back(connection, (f"call:{record.call}" for record in found))
        names = directory.names_of(connection)
    language, zone = language_of(settings), ZoneInfo(settings.site.zone)
    if as_json:
        click.echo(listings.calls_as_json(found))
        return
    click.echo(listings.calls_as_text(found, language, zone, back, names))


def _check_line(settings: Settings, line: str) -> None:
    """Raise Refused for a line that is neither configured nor in the call log."""
    known = {each.name for each in settings.lines}
    if not line or line in known:
        return
    with reading(settings) as connection:
        if call_log.list_calls(connection, line=line, limit=1):
            # A line that was removed from the configuration.
            return
    names = ", ".join(sorted(known))
    raise Refused(
        _("there is no line {line!r}: there are {names}", line=line, names=names)
        if known
        else _("there is no line {line!r}: none is configured", line=line),
    )


def _show_missed(settings: Settings, *, every: bool, as_json: bool) -> None:
    since = datetime.now(UTC) - timedelta(days=voicemail.MISSED_DAYS)
    with reading(settings) as connection:
        found = voicemail.missed_calls(connection, since, plan_of(settings.site.country))
    shown = [each for each in found if every or each.is_open]
    if as_json:
        click.echo(listings.missed_as_json(shown))
        return
    zone = ZoneInfo(settings.site.zone)
    click.echo(listings.missed_as_text(shown, language_of(settings), zone))


@calls.command("show")
@click.argument("name")
@json_option
@click.pass_context
def show_call(context: click.Context, name: str, *, as_json: bool) -> None:
    """Show call NAME (its number in the list of missed calls, or its id) and what was done."""
    settings: Settings = context.obj
    language, zone = language_of(settings), ZoneInfo(settings.site.zone)
    with reading(settings) as connection:
        call, _ = voicemail.find_case(connection, CaseKind.CALL, name)
        record = call_log.find_call(connection, call)
        entries = voicemail.list_entries(connection, CaseKind.CALL, call)
        back = call_log.called_back(connection, (f"call:{call}",))
        names = directory.names_of(connection)
    assert record is not None
    if as_json:
        placed = [each.call for each in back.get(f"call:{call}", ())]
        history = listings.history_rows(entries)
        say_json({**listings.call_json_row(record), "history": history, "called_back": placed})
        return
    click.echo(listings.calls_as_text([record], language, zone, back, names))
    click.echo()
    for line in listings.history_lines(entries, zone, language):
        click.echo(line)


PIN_SET = _("The code has changed, from now on.")
PIN_REMOVED = _("There is no code any more.")


@click.group(invoke_without_command=True)
@config_option
@click.option("--json", "as_json", is_flag=True, hidden=True, help="As JSON.")
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
def list_messages(context: click.Context, state: str | None, as_json: bool) -> None:
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
def show_message(context: click.Context, name: str, as_json: bool) -> None:
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
        # A caller without a number may have called before with it.
        row["earlier_calls"] = [record.call for record in earlier]
        click.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    zone = ZoneInfo(settings.site.zone)
    click.echo(listings.message_as_text(message, entries, earlier, folder, language, zone))


@messages.command("retention")
@click.option("--preview", is_flag=True, help="What would be deleted tonight, by its number.")
@json_option
@click.pass_context
def retention(context: click.Context, *, preview: bool, as_json: bool) -> None:
    """Say for how long messages, numbers and calls are kept, and what was deleted lately."""
    settings: Settings = context.obj
    kept, language = settings.retention, language_of(settings)
    keeping = RetentionDays(kept.messages_closed_days, kept.numbers_days, kept.calls_days)
    with reading(settings) as connection:
        if as_json:
            say_json(_retention_row(connection, keeping, is_preview=preview))
            return
        if preview:
            found = due_for_deletion(connection, keeping, datetime.now(UTC))
            lines = store_retention.preview_lines(
                found, language, count_open_calls(connection, found)
            )
        else:
            lines = store_retention.retention_lines(keeping, deletions(connection), language)
    click.echo("\n".join(lines))


class DueRow(TypedDict):
    """What would be deleted tonight: numbers of messages, ids of calls.

    `numbers` are the calls that lose their caller's number, `open_calls` how many of all these
    calls nobody has dealt with.
    """

    messages: list[int]
    numbers: list[str]
    calls: list[str]
    open_calls: int


class DeletionRow(TypedDict):
    """A recorded deletion: of what, after how many days, and how many."""

    at: str
    what: str
    days: int
    count: int


class RetentionRow(TypedDict):
    """Days for which each kind is kept (0: for ever), the latest deletions; due: with --preview."""

    days: dict[str, int]
    deletions: list[DeletionRow]
    due: DueRow | None


def _retention_row(
    connection: sqlite3.Connection, keeping: RetentionDays, *, is_preview: bool
) -> RetentionRow:
    due: DueRow | None = None
    if is_preview:
        found = due_for_deletion(connection, keeping, datetime.now(UTC))
        due = {
            "messages": [number for _, number, _ in found.messages],
            "numbers": list(found.numbers),
            "calls": list(found.calls),
            "open_calls": count_open_calls(connection, found),
        }
    return {
        "days": asdict(keeping),
        "deletions": [
            {
                "at": each.at.isoformat(),
                "what": each.what,
                "days": each.days,
                "count": len(each.ids),
            }
            for each in deletions(connection)
        ],
        "due": due,
    }


@messages.command("pin")
@click.option("--remove", is_flag=True, help="No code any more: other phones hear nothing.")
@click.pass_context
def set_pin(context: click.Context, remove: bool) -> None:
    """Set the code that is asked before messages are heard; it is kept as a hash alone."""
    settings: Settings = context.obj
    path = housekeeping.pin_path(Path(settings.folders.state))
    if remove:
        path.unlink(missing_ok=True)
        click.echo(in_site_language(settings, PIN_REMOVED))
        return
    require_state(settings)
    pin = ask_secret(f"PIN ({SHORTEST_PIN}-{LONGEST_PIN})", is_confirmed=True)
    check_new_pin(pin)
    # Only the hash is stored: nobody who reads the file hears messages.
    write_private_json(path, housekeeping.hashed(pin))
    click.echo(in_site_language(settings, PIN_SET))


@click.command("call-back")
@click.argument("case")
@config_option
@click.option("--position", required=True, help="The phone that is to call, as configured.")
@click.option("--urgent", is_flag=True, help="Outside the hours for calling back, too.")
@click.option("--by", default="", help="Who asks; the position where nobody is named.")
def call_back(case: str, config_path: Path, position: str, by: str, *, urgent: bool) -> None:
    """Have a position call back CASE: a message's number, message:12, request:7 or call:ID."""
    settings = load_settings(config_path)
    named = f"message:{case}" if case.isdigit() else case
    wish = CallCitizen(position=position, case=named, urgent=urgent, by=by or position)
    send_and_say(settings, wish)


IN_CHARGE = _("Official in charge: {}")


@click.command()
@click.argument("call")
@click.argument("office")
@click.argument("need")
@click.option(
    "--why",
    type=click.Choice([each.value for each in TransferReason]),
    required=True,
    help="What the front desk lacks (P3).",
)
@click.option("--blind", is_flag=True, help="The operator is free at once.")
@click.option("--anyway", is_flag=True, help="Though the office has not answered of late.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
@config_option
def transfer(
    call: str,
    office: str,
    need: str,
    why: str,
    blind: bool,
    anyway: bool,
    by: str,
    config_path: Path,
) -> None:
    """Have the caller of CALL, a phone that talks or a call, go on to OFFICE for NEED.

    Ends with status 1 when the office cannot be reached now; the sentence says when it can.
    """
    settings = load_settings(config_path)
    wish = TransferCaller(
        call=call,
        unit=office,
        need=need,
        reason=TransferReason(why),
        attended=not blind,
        anyway=anyway,
        by=by,
    )
    try:
        send_and_say(settings, wish)
    except DeclinedError as declined:
        said = declined.words.text(language_of(settings))
        click.echo("\n".join((said, *_in_charge(settings, office, need))))
        raise SystemExit(1) from declined


def _in_charge(settings: Settings, unit: str, need: str) -> list[str]:
    """Return the official in charge, if a sheet makes the name public (E10)."""
    with contextlib.suppress(CentralinoError), reading(settings) as connection:
        names = officials(sheets.officials(connection), unit, need)
        return [in_site_language(settings, IN_CHARGE.filled(name)) for name in names]
    return []


@click.command("bring-in")
@click.argument("call")
@click.option("--stop", is_flag=True, help="While the head's phone rings: let it ring no longer.")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
@config_option
def bring_in(call: str, config_path: Path, by: str, *, stop: bool) -> None:
    """Have the head join the conversation of CALL, a phone that talks or a call.

    Ends with status 1 when the head cannot come now; the sentence says why.
    """
    settings = load_settings(config_path)
    try:
        send_and_say(settings, BringSupervisor(call=call, by=by, on=not stop))
    except DeclinedError as declined:
        raise click.ClickException(declined.words.text(language_of(settings))) from declined


_SIMPLE = {
    "take": (MessageStep.TAKE, "Take {} NAME (number or id): nobody else calls back meanwhile."),
    "release": (MessageStep.RELEASE, "Let {} NAME go, whoever has it."),
    "failed": (MessageStep.FAIL, "Note that calling back about {} NAME was in vain."),
    "reopen": (MessageStep.REOPEN, "Open {} NAME again, which was closed by mistake."),
}


def add_step_commands(group: click.Group, kind: CaseKind) -> None:
    """Add the commands take, release, failed, note, close and reopen for one kind to a group."""
    for name, (step, help_text) in _SIMPLE.items():
        group.add_command(_simple(kind, name, step, help_text.format(kind)))
    group.add_command(_note(kind))
    group.add_command(_close(kind))


def _by(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--by", default=getpass.getuser, show_default="the user", help="Who does it."
    )(command)


def _simple(kind: CaseKind, name: str, step: MessageStep, help_text: str) -> click.Command:
    @click.command(name, help=help_text)
    @click.argument("name")
    @_by
    @click.option("--note", default="", help="A few words.")
    @click.pass_context
    def command(context: click.Context, name: str, by: str, note: str) -> None:
        _send_step(context, kind, name, step, by, note)

    return command


def _note(kind: CaseKind) -> click.Command:
    @click.command("note", help=f"Add WORDS to {kind} NAME.")
    @click.argument("name")
    @click.argument("words")
    @_by
    @click.pass_context
    def command(context: click.Context, name: str, words: str, by: str) -> None:
        _send_step(context, kind, name, MessageStep.NOTE, by, words)

    return command


def _close(kind: CaseKind) -> click.Command:
    outcomes = ", ".join(MessageOutcome)

    @click.command("close", help=f"Close {kind} NAME with OUTCOME: {outcomes}.")
    @click.argument("name")
    @click.argument("outcome")
    @_by
    @click.option("--note", default="", help="A few words.")
    @click.pass_context
    def command(context: click.Context, name: str, outcome: str, by: str, note: str) -> None:
        _send_step(context, kind, name, MessageStep.CLOSE, by, note, outcome)

    return command


def _send_step(
    context: click.Context,
    kind: CaseKind,
    name: str,
    step: MessageStep,
    by: str,
    note: str,
    outcome: str = "",
) -> None:
    fields = {"kind": kind, "name": name, "step": step, "by": by, "note": note}
    # OUTCOME is any word: call control's own reader says which there are.
    wish = command_of(TakeCare, {**fields, "outcome": outcome or None, "at": datetime.now(UTC)})
    send_and_say(context.obj, wish)


add_step_commands(calls, CaseKind.CALL)
add_step_commands(messages, CaseKind.MESSAGE)
