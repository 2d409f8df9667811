"""How `centralino hours` asks the desk: by whom, on what ground, previewed or saved."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket, users
from appliance.commands.options import desk_socket, in_house
from appliance.commands.shell import language_of
from appliance.errors import OfficeError
from appliance.policy.hours import read_day
from appliance.policy.hours_changes import Whose
from appliance.policy.text import Words

if TYPE_CHECKING:
    from appliance.config.schema import Settings

BY = click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
REFERENCE = click.option("--reference", required=True, help='Who said so, when: "e-mail, 8:05".')
PREVIEW = click.option("--preview", is_flag=True, help="Only say what would change.")
WHOSE = click.option(
    "--whose",
    type=click.Choice([each.value for each in Whose]),
    default=Whose.HOUSE.value,
    show_default=True,
    help="Switchboard and counter, or one of them.",
)


NUMBERED = Words("Voce {number}: si toglie con {command}", "Entry {number}: ended by {command}")


def tell_number(settings: Settings, answer: dict[str, Any], command: str) -> None:
    """Say under which number an entry was saved, and how it is ended; of a preview nothing."""
    if answer.get("saved") is True:
        number = answer["number"]
        words = in_house(settings, NUMBERED)
        click.echo(words.format(number=number, command=f"{command} {number}"))


def iso_day(settings: Settings, text: str) -> str:
    """Write for the desk a day as people write it, "" for none; raises Refused."""
    today = datetime.now(ZoneInfo(settings.site.zone)).date()
    return read_day(text, today).isoformat() if text else ""


def ask_desk(settings: Settings, question: dict[str, Any]) -> dict[str, Any]:
    """Ask with the shell's proof, print what changes; raises OfficeError when it is refused."""
    language = language_of(settings)
    with users.proof(Path(settings.folders.state)) as word:
        answer = control_socket.ask(desk_socket(settings), {**question, "proof": word})
    if answer.get("done") is False:
        wrong = (f"{each['place']}: {each[language]}" for each in answer["problems"])
        raise OfficeError("\n".join((answer["said"][language], *wrong)))
    for said in answer["changes"]:
        click.echo(said[language])
    if "said" in answer:
        click.echo(answer["said"][language])
    return answer
