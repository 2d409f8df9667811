"""Option --json of commands that list or show, and how they print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.commands.options import Command


def json_option(command: Command) -> Command:
    """Add --json: stable keys, described by the command's schema in docs/schemas."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")(
        command
    )


def say_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
