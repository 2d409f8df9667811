"""`centralino bring-in`: the head of the front desk joins an operator's conversation (E10)."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from appliance.api import control_socket
from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.commands.shell import language_of


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
    question = {"ask": "BringHead", "call": call, "by": by, "on": not stop}
    answer = control_socket.ask(desk_socket(settings), question)
    said = answer["said"][language_of(settings)]
    if not answer["done"]:
        raise click.ClickException(said)
    click.echo(said)
