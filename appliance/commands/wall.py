"""`centralino office wall`: links of screens that show the wall, from a shell on the box."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import AddScreen, EndScreen
from appliance.commands.options import (
    config_option,
    language_of,
    load_settings,
    reading,
    send,
    send_and_say,
)
from appliance.policy.hours import moment_words
from appliance.policy.wall import SCREEN_PATH, ScreenLink
from appliance.store.wall import list_links
from appliance.text import _, in_context

if TYPE_CHECKING:
    from appliance.config.schema import Settings

NONE: Final = _("No screen has a link.")
ENDED: Final = in_context("wall", "ended")
ADDRESS: Final = _("Address: the console's, then {path}")


@click.group()
@config_option
@click.pass_context
def wall(context: click.Context, config_path: Path) -> None:
    """Say which screens show the wall without a login."""
    context.obj = load_settings(config_path)


@wall.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
@click.pass_obj
def list_screens(settings: Settings, *, as_json: bool) -> None:
    """List the links of screens: number, name, since when, whether ended."""
    with reading(settings) as connection:
        links = list_links(connection)
    if as_json:
        click.echo(json.dumps([_plain(link) for link in links], ensure_ascii=False, indent=2))
        return
    language = language_of(settings)
    zone = ZoneInfo(settings.site.zone)
    for link in links:
        click.echo(_row(link, language, zone))
    if not links:
        click.echo(NONE.text(language))


@wall.command()
@click.argument("name")
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
@click.pass_obj
def add(settings: Settings, name: str, by: str) -> None:
    """Make a link for the screen NAME and print it, once."""
    made = send(settings, AddScreen(name=name, by=by))
    language = language_of(settings)
    click.echo(made.said.text(language))
    click.echo(ADDRESS.filled(path=f"{SCREEN_PATH}{made.secret}").text(language))


@wall.command()
@click.argument("number", type=int)
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who does it.")
@click.pass_obj
def end(settings: Settings, number: int, by: str) -> None:
    """End the link NUMBER: its screens show nothing any more."""
    send_and_say(settings, EndScreen(number=number, by=by))


def _row(link: ScreenLink, language: str, zone: ZoneInfo) -> str:
    def at(moment: datetime) -> str:
        return moment_words(moment.astimezone(zone), language)

    ended = f" · {ENDED.text(language)} {at(link.ended_at)}" if link.ended_at else ""
    made = at(link.made_at)
    return f"{link.number:>3} {link.name:<32} {made} ({link.made_by}){ended}"


def _plain(link: ScreenLink) -> dict[str, object]:
    return {
        "number": link.number,
        "name": link.name,
        "made_at": link.made_at.isoformat(),
        "made_by": link.made_by,
        "ended_at": link.ended_at.isoformat() if link.ended_at else None,
        "ended_by": link.ended_by,
    }
