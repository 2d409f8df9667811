"""`centralino status`: what the running desk sees."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import door

STATES = {
    "in_use_outside": "in use by an ordinary telephone beside the box",
    "no_line": "no line: no voltage on the telephone cable, check it up to its socket",
}
"""States that the bare word does not explain."""


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
def status(config_path: Path, as_json: bool) -> None:
    """Show lines, phones, states and messages of the running desk."""
    answer = door.ask(desk_socket(load_settings(config_path)), {"ask": "status"})
    if as_json:
        click.echo(json.dumps(answer["status"], indent=2, ensure_ascii=False))
        return
    click.echo(answer["words"])
    for line in answer["status"]["lines"]:
        click.echo(f"  {line['name']:<10} {line_words(line)}")
        for tried in answer["status"]["recoveries"].get(line["name"], [])[-1:]:
            click.echo(f"  {'':<10} {tried_words(tried)}")


def line_words(line: dict[str, Any]) -> str:
    """Say what a line is, and why; of an idle one also whether its modem has measured the pair."""
    said = STATES.get(line["state"], line["state"])
    if line["state"] == "idle" and line["condition"] == "unknown":
        said = f"{said} (cable and parallel telephone: not known, this modem has not measured)"
    return f"{said}: {line['reason']}" if line.get("reason") else str(said)


def tried_words(tried: dict[str, Any]) -> str:
    """Say what was tried last for a line in trouble, and when."""
    at = datetime.fromisoformat(tried["at"]).astimezone()
    trouble = f" ({tried['trouble']['en']})" if tried["trouble"]["en"] else ""
    return f"{at:%d.%m. %H:%M:%S} {tried['tried']['en']}{trouble}"
