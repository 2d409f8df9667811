"""`centralino hours`: openings, closures, ordinary weeks, from the box's own shell (E14)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from appliance.api import control_socket
from appliance.commands.hours_asking import (
    BY,
    PREVIEW,
    REFERENCE,
    WHOSE,
    ask_desk,
    iso_day,
    tell_number,
)
from appliance.commands.hours_week import week
from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.commands.shell import language_of
from appliance.policy.hours import day_words
from appliance.policy.hours_changes import WHOSE as WHOSE_OF
from appliance.policy.text import Refused
from appliance.policy.text import in_language as said_in

if TYPE_CHECKING:
    from appliance.config.schema import Settings

CLOSED: Final = {"it": "chiuso", "en": "closed"}


@click.group()
@config_option
@click.pass_context
def hours(context: click.Context, config_path: Path) -> None:
    """Open or close on days to come, or every week; the running desk does it, and audits it."""
    context.obj = load_settings(config_path)


hours.add_command(week)


@hours.command("list")
@click.option("--all", "every", is_flag=True, help="Those that hold no longer, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_hours(settings: Settings, *, every: bool, as_json: bool) -> None:
    """List what was entered, newest first."""
    told = control_socket.ask(desk_socket(settings), {"ask": "hours_ahead"})["entries"]
    known = [each for each in told if every or each["holds"]]
    if as_json:
        click.echo(json.dumps(known, ensure_ascii=False, indent=2))
        return
    for each in known:
        click.echo(_row(each, language_of(settings)))


@hours.command()
@click.argument("first")
@click.option("--last", default="", help="The last day; the first alone by default.")
@click.option("--closed", is_flag=True, help="Closed on these days.")
@click.option(
    "--open",
    "bands",
    multiple=True,
    help='Hours of every one of them: "9-12"; again, or "9-12 14-17", for more than one.',
)
@WHOSE
@click.option("--reason", required=True, help="What operators read.")
@click.option("--greeting", default="", help="An announcement of your own while closed.")
@click.option("--corrects", "ends", default=0, help="The number of the entry that this replaces.")
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def enter(settings: Settings, /, *, preview: bool, closed: bool, **given: Any) -> None:
    """Enter hours from FIRST (domani, 6/12/2026) on; they hold at once and end by themselves."""
    if closed is bool(given["bands"]):
        raise Refused(
            "indicare --closed oppure --open ORARIO", "say either --closed or --open HOURS"
        )
    for end in ("first", "last"):
        given[end] = iso_day(settings, given[end])
    by, bands = given.pop("by"), " ".join(given.pop("bands"))
    form = {**given, "kind": "closed" if closed else "hours", "week": [bands] * 7}
    question = {"ask": "hours_enter", "form": form, "by": by, "preview": preview}
    tell_number(settings, ask_desk(settings, question), "centralino hours revoke")


@hours.command()
@click.argument("number", type=int)
@REFERENCE
@BY
@PREVIEW
@click.pass_obj
def revoke(settings: Settings, number: int, reference: str, by: str, *, preview: bool) -> None:
    """End entry NUMBER from now on."""
    form = {"number": number, "reference": reference}
    ask_desk(settings, {"ask": "hours_revoke", "form": form, "by": by, "preview": preview})


def _row(each: dict[str, Any], language: str) -> str:
    if not each["first"]:
        return f"{each['number']:>4}  – {each['ends']}  ({each['by']}, {each['reference']})"
    first, last = (day_words(date.fromisoformat(each[end]), language) for end in ("first", "last"))
    days = first if first == last else f"{first} – {last}"
    whose = said_in(WHOSE_OF[each["whose"]], language)
    bands = " · ".join(dict.fromkeys(text for text in each["week"] if text))
    what = CLOSED[language] if each["closed"] else bands
    said = f"{each['number']:>4}  {days:<47} {whose:<22} {what}, «{each['reason'][language]}»"
    return f"{said} ({each['by']}, {each['reference']})"
