"""`centralino check`: is the configuration usable, and what does it mean."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from appliance.commands.in_force import hours_entered, office_in_force
from appliance.commands.options import config_option, load_settings
from appliance.daemon import commission, first_user, register_keeper
from appliance.daemon.settings import Settings
from appliance.daemon.stores import database_path
from appliance.errors import ConfigurationError, StoreError
from appliance.policy.office import Daytime, Group, Line, Office
from appliance.policy.week_forms import weeks_said
from appliance.prompts import Catalogue
from appliance.records.database import open_reader
from appliance.records.register import load_readable
from appliance.records.vault import key_path


@click.command()
@config_option
def check(config_path: Path) -> None:
    """Check the configuration: every mistake at once, each with its place and remedy."""
    settings = load_settings(config_path)
    office = office_in_force(settings, datetime.now(UTC).year, str(config_path))
    problems = Catalogue(
        Path(settings.folders.prompts) if settings.folders.prompts else None
    ).problems()
    if problems:
        raise ConfigurationError("\n".join(problems))
    today = office.local(datetime.now(UTC)).date()
    weeks = (f"  {said.en}" for said in weeks_said(hours_entered(settings), today))
    for line in (*summary(settings, office), *weeks):
        click.echo(line)
    if missing := commission.wanted(settings, commission.load(settings)).en:
        click.echo(f"  {missing}")
    if nobody := first_user.wanted(Path(settings.folders.state)).en:
        click.echo(f"  {nobody}")
    if hindered := register_hindrance(settings):
        click.echo(f"  {hindered}")


def register_hindrance(settings: Settings) -> str:
    """Say why the stored register cannot be read as it should, "" where it can or is none.

    Nothing is said to whom the state folder is closed: its own user sees it.
    """
    path = database_path(Path(settings.folders.state))
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where the folder is closed
        return ""
    try:
        with closing(open_reader(path)) as connection:
            trouble = register_keeper.numberless(load_readable(connection, key_path(path)))
    except (StoreError, sqlite3.Error) as error:
        return f"the register of offices cannot be read: {error}"
    return trouble.en if trouble else ""


def summary(settings: Settings, office: Office) -> list[str]:
    """Say in a few lines what the configuration means today."""
    now = datetime.now(UTC)
    state = office.switchboard.schedule.at(now)
    changes = (
        office.local(state.changes_at).strftime("%A %d.%m. %H:%M") if state.changes_at else "-"
    )
    counter = _positions(office.citizens_desk) if office.citizens_desk else "none"
    patron = settings.site.patron.in_year(office.local(now).year)
    return [
        f"{office.name}: the configuration is good",
        *(f"  line {line.name} ({line.shown}): {_able(office, line)}" for line in office.lines),
        *(() if office.lines else ("  no line",)),
        f"  {_help(office)}",
        f"  switchboard: {_positions(office.switchboard)}",
        f"  citizens' counter: {counter}",
        f"  now {'open' if state.open else 'closed'} ({state.why}), changes {changes}",
        f"  patron saint's day this year: {patron:%d.%m.}; please confirm",
    ]


def _help(office: Office) -> str:
    """Say whether the phones can call for help, and with which numbers."""
    plan = office.outgoing.plan
    numbers = ", ".join(plan.emergency)
    lines = [line.name for line in office.lines if line.duplex is not False]
    if not lines:
        return (
            "emergency numbers cannot be called from the phones: no line carries a conversation; "
            "keep an ordinary telephone beside the line"
        )
    if plan.rehearsed:
        return f"a rehearsal: emergency numbers are fictitious ({numbers}), real ones are refused"
    return f"emergency numbers can be called from every phone ({numbers}) over {', '.join(lines)}"


def _positions(group: Group) -> str:
    """Say who is called for a group: its phones, and what else there is; no number (P7)."""
    others = (
        _extensions(group) + " of the PBX" if group.pbx_numbers else "",
        "an ordinary telephone over a second line" if group.outside else "",
    )
    return ", ".join((*group.phones, *filter(None, others))) or "no phone"


def _able(office: Office, line: Line) -> str:
    """Say what a line can do, and what it does by day where it cannot carry a conversation."""
    if line.duplex:
        return "duplex"
    daytime = line.daytime or Daytime.MESSAGE
    by_day = f"by day {daytime}"
    if daytime is Daytime.PBX_TRANSFER:
        by_day += f" to {_extensions(office.switchboard)}"
    if line.duplex is None:
        return f"known once its modem is asked; if half duplex, {by_day}"
    return f"half duplex, {by_day}"


def _extensions(group: Group) -> str:
    count = len(group.pbx_numbers)
    return f"{count} extension{'s' if count != 1 else ''}"
