"""`centralino outbox`: the notices that wait for the mail server, and those that did not leave."""

from __future__ import annotations

import getpass
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket
from appliance.commands.options import config_option, desk_socket, load_settings, reading
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.policy.requests import MailState
from appliance.store import requests


@click.group()
@config_option
@click.pass_context
def outbox(context: click.Context, config_path: Path) -> None:
    """E-mails that wait, left, or could not be sent."""
    context.obj = load_settings(config_path)


@outbox.command("list")
@click.option("--all", "all_", is_flag=True, help="Those that left, or were given up, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_(settings: Settings, *, all_: bool, as_json: bool) -> None:
    """List what waits and what could not be sent, oldest first."""
    states = tuple(MailState) if all_ else (MailState.QUEUED, MailState.DEAD)
    with reading(settings) as connection:
        found = requests.list_notices(connection, *states)
    if as_json:
        click.echo(requests.mails_as_json(found))
        return
    zone, language = ZoneInfo(settings.site.zone), language_of(settings)
    click.echo(requests.mails_as_text(found, language, zone))


@outbox.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides it.")
@click.pass_obj
def retry(settings: Settings, number: int, by: str) -> None:
    """Try mail NUMBER again, now; one that could not be sent, too."""
    question = {"ask": "outbox_retry", "number": number, "by": by}
    answer = control_socket.ask(desk_socket(settings), question)
    click.echo(answer["said"][language_of(settings)])


@outbox.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who decides it.")
@click.option("--reason", required=True, help="Why; e.g. the office was told by telephone.")
@click.pass_obj
def drop(settings: Settings, number: int, by: str, reason: str) -> None:
    """Give mail NUMBER up for a reason; it stays listed with --all."""
    question = {"ask": "outbox_drop", "number": number, "by": by, "reason": reason}
    answer = control_socket.ask(desk_socket(settings), question)
    click.echo(answer["said"][language_of(settings)])
