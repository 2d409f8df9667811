"""`centralino transfer`: the caller of an operator goes on to an office, as it has declared."""

from __future__ import annotations

import contextlib
import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.api import control_socket
from appliance.commands.options import config_option, desk_socket, load_settings, reading
from appliance.commands.shell import language_of
from appliance.errors import CentralinoError
from appliance.policy.sheets import officials
from appliance.policy.text import Words
from appliance.policy.transfers import Reason
from appliance.store import sheets

if TYPE_CHECKING:
    from appliance.config.schema import Settings

IN_CHARGE = Words("Responsabile del procedimento: {}", "Official in charge: {}")


@click.command()
@click.argument("call")
@click.argument("office")
@click.argument("need")
@click.option(
    "--why",
    type=click.Choice([each.value for each in Reason]),
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
    question = {
        "ask": "TransferCall", "call": call, "unit": office, "need": need, "reason": why,
        "attended": not blind, "anyway": anyway, "by": by,
    }  # fmt: skip
    answer = control_socket.ask(desk_socket(settings), question)
    said = answer["said"][language_of(settings)]
    if not answer["done"]:
        click.echo("\n".join((said, *_in_charge(settings, office, need))))
        raise SystemExit(1)
    click.echo(said)


def _in_charge(settings: Settings, unit: str, need: str) -> list[str]:
    """Say who is the official in charge, where a sheet makes that public (E10)."""
    words = IN_CHARGE.it if language_of(settings) == "it" else IN_CHARGE.en
    with contextlib.suppress(CentralinoError), reading(settings) as connection:
        return [words.format(name) for name in officials(sheets.officials(connection), unit, need)]
    return []
