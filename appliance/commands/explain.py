"""`centralino explain`: what would happen to a call, why, until when; needs no daemon."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.commands.in_force import office_in_force
from appliance.commands.options import config_option, load_settings
from appliance.errors import OfficeError
from appliance.policy import explain as policy
from appliance.policy.explain import Explanation
from appliance.policy.office import Line, Office
from appliance.policy.routing import GroupState

SWITCHBOARD = click.Choice(["free", "busy", "unattended", "unreachable"])
MOMENT = click.DateTime(
    ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
)
CITIZENS_DESK = click.Choice(["free", "busy", "closed", "unreachable"])


@click.command()
@config_option
@click.option("--at", type=MOMENT, help="Local time of the call; now by default.")
@click.option("--line", "line_name", default="", help="The line it rings on; the first by default.")
@click.option("--switchboard", type=SWITCHBOARD, default="free", show_default=True)
@click.option("--citizens-desk", type=CITIZENS_DESK, help="By its own hours by default.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
def explain(
    config_path: Path,
    at: datetime | None,
    line_name: str,
    switchboard: str,
    citizens_desk: str | None,
    as_json: bool,
) -> None:
    """Say what would happen to a call, why (a code and a sentence), and when that changes next."""
    settings = load_settings(config_path)
    zone = ZoneInfo(settings.site.zone)
    moment = at.replace(tzinfo=zone) if at else datetime.now(zone)
    office = office_in_force(settings, moment.year, str(config_path))
    explanation = policy.explain(
        office,
        _line(office, line_name),
        moment,
        GroupState(switchboard),
        GroupState(citizens_desk) if citizens_desk else None,
    )
    if as_json:
        click.echo(json.dumps(explanation.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(in_words(explanation, settings.site.languages[0])))


def in_words(explanation: Explanation, language: str) -> list[str]:
    """Say the steps in the language of the site, one a line."""
    rows = []
    for number, step in enumerate(explanation.steps, 1):
        words = step.sentence.it if language == "it" else step.sentence.en
        phones = f" [{', '.join(step.phones)}, {step.ring_ms // 1000} s]" if step.phones else ""
        rows.append(f"{number}. {words} ({step.code}){phones}")
    if explanation.changes_at is not None:
        until = "Cambia" if language == "it" else "Changes"
        rows.append(f"{until}: {explanation.changes_at:%d.%m.%Y %H:%M}")
    return rows


def _line(office: Office, name: str) -> Line:
    names = [line.name for line in office.lines]
    if not names:
        raise OfficeError("the configuration has no line; add one under [[lines]]")
    if name and name not in names:
        raise OfficeError(f"there is no line {name!r}; known are {', '.join(names)}")
    return next(line for line in office.lines if line.name == (name or names[0]))
