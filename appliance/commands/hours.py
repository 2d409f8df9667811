"""`centralino hours`: openings and closures for days to come, from the box's own shell (E14)."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import door, shell_proof
from appliance.errors import OfficeError
from appliance.policy.special import Whose

if TYPE_CHECKING:
    from appliance.daemon.settings import Settings

BY = click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
REFERENCE = click.option("--reference", required=True, help='Who said so, when: "e-mail, 8:05".')
PREVIEW = click.option("--preview", is_flag=True, help="Only say which days would change.")
CLOSED: Final = {"it": "chiuso", "en": "closed"}


@click.group()
@config_option
@click.pass_context
def hours(context: click.Context, config_path: Path) -> None:
    """Open or close on days to come; the running desk does it, and keeps it in the audit."""
    context.obj = load_settings(config_path)


@hours.command("list")
@click.option("--all", "every", is_flag=True, help="Those that hold no longer, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_hours(settings: Settings, *, every: bool, as_json: bool) -> None:
    """List what was entered, newest first."""
    told = door.ask(desk_socket(settings), {"ask": "hours_ahead"})["entries"]
    known = [each for each in told if every or each["holds"]]
    if as_json:
        click.echo(json.dumps(known, ensure_ascii=False, indent=2))
        return
    for each in known:
        click.echo(_row(each, settings.site.languages[0]))


@hours.command()
@click.argument("first")
@click.option("--last", default="", help="The last day; the first alone by default.")
@click.option("--closed", is_flag=True, help="Closed on these days.")
@click.option("--open", "bands", default="", help='Hours of every one of them: "9-12 14-17".')
@click.option(
    "--whose",
    type=click.Choice([each.value for each in Whose]),
    default=Whose.HOUSE.value,
    show_default=True,
    help="Switchboard and counter, or one of them.",
)
@click.option("--reason", required=True, help="What operators read.")
@click.option("--greeting", default="", help="An announcement of your own while closed.")
@click.option("--corrects", "ends", default=0, help="The number of the entry that this replaces.")
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def enter(settings: Settings, /, *, preview: bool, closed: bool, **given: Any) -> None:
    """Enter hours from FIRST (2026-12-06) on; they hold at once and end by themselves."""
    if closed is bool(given["bands"]):
        raise OfficeError("say either --closed or --open HOURS")
    by, bands = given.pop("by"), given.pop("bands")
    form = {**given, "kind": "closed" if closed else "hours", "week": [bands] * 7}
    _ask(settings, {"ask": "hours_enter", "form": form, "by": by, "preview": preview})


@hours.command()
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """End entry NUMBER from now on."""
    form = {"number": number, "reference": reference}
    _ask(settings, {"ask": "hours_revoke", "form": form, "by": by, "preview": preview})


def _ask(settings: Settings, question: dict[str, Any]) -> None:
    """Ask the desk, with the shell's proof; raises OfficeError when it refuses."""
    language = settings.site.languages[0]
    with shell_proof.proof(Path(settings.folders.state)) as word:
        answer = door.ask(desk_socket(settings), {**question, "proof": word})
    if answer.get("done") is False:
        wrong = (f"{each['place']}: {each[language]}" for each in answer["problems"])
        raise OfficeError("\n".join((answer["said"][language], *wrong)))
    for said in answer["changes"]:
        click.echo(said[language])
    if "said" in answer:
        click.echo(answer["said"][language])


def _row(each: dict[str, Any], language: str) -> str:
    if not each["first"]:
        return f"{each['number']:>4}  – {each['ends']}  ({each['by']}, {each['reference']})"
    days = each["first"] if each["first"] == each["last"] else f"{each['first']} – {each['last']}"
    bands = " · ".join(dict.fromkeys(text for text in each["week"] if text))
    what = CLOSED[language] if each["closed"] else bands
    said = (
        f"{each['number']:>4}  {days:<24} {each['whose']:<14} {what}, «{each['reason'][language]}»"
    )
    return f"{said} ({each['by']}, {each['reference']})"
