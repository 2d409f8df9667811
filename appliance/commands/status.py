"""`centralino status`: what the running desk sees."""

from __future__ import annotations

import json
from pathlib import Path

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import door


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="All of it, as JSON.")
@click.option("--language", type=click.Choice(["it", "en"]), help="The site's first by default.")
def status(config_path: Path, as_json: bool, language: str | None) -> None:
    """Show lines, phones, states, messages and troubles of the running desk."""
    settings = load_settings(config_path)
    answer = door.ask(desk_socket(settings), {"ask": "status"})
    if as_json:
        click.echo(json.dumps(answer["status"], indent=2, ensure_ascii=False))
    else:
        click.echo(answer["said"][language or settings.site.languages[0]])
