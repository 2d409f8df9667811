"""The sub-commands by which messages and missed calls are dealt with: one set for both."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from appliance.api import control_socket
from appliance.commands.options import desk_socket
from appliance.commands.shell import language_of
from appliance.policy.voicemail import MessageStep, Outcome

if TYPE_CHECKING:
    from appliance.config.schema import Settings

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
    outcomes = ", ".join(Outcome)

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
    answer = control_socket.ask(desk_socket(settings), asked)
    click.echo(answer["said"][language_of(settings)])
