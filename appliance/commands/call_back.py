"""`centralino call-back`: a position's phone rings, then the box dials whom something is about."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.api import control_socket
from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.commands.shell import language_of


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
    answer = control_socket.ask(desk_socket(settings), question)
    click.echo(answer["said"][language_of(settings)])
