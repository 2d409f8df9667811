"""`centralino calls erase`: erase a person's data, by number or by one record (E20)."""

from __future__ import annotations

import json
from pathlib import Path

import click

from appliance.api import codec
from appliance.api.commands import Erase
from appliance.commands.options import (
    config_option,
    language_of,
    load_settings,
    send_with_proof,
)

# A slow card may need long to overwrite the erased data.
LIMIT_S = 60.0


@click.command()
@click.argument("number", default="")
@config_option
@click.option("--call", default="", help="A call, as `centralino calls list --json` has it.")
@click.option("--message", default="", help="A message's number, with its call.")
@click.option("--request", default="", help="A request's number.")
@click.option("--preview", is_flag=True, help="Show what would go, and what left; change nothing.")
@click.option("--close-requests", is_flag=True, help="Close open requests for the reason given.")
@click.option("--by", default="", help="Who has it erased; not with --preview.")
@click.option("--reason", default="", help="Why; never the number.")
@click.option("--json", "as_json", is_flag=True, help="As JSON with stable keys.")
def erase(
    number: str,
    config_path: Path,
    call: str,
    message: str,
    request: str,
    by: str,
    reason: str,
    *,
    preview: bool,
    close_requests: bool,
    as_json: bool,
) -> None:
    """Erase all that is kept of NUMBER, or one call, message or request: for the head."""
    settings = load_settings(config_path)
    wish = Erase(
        number=number,
        call=call,
        message=message,
        request=request,
        preview=preview,
        close_requests=close_requests,
        by=by,
        reason=reason,
    )
    reply = send_with_proof(settings, wish, LIMIT_S)
    if as_json:
        # Only the stable keys: no protocol, no sentences.
        told = codec.to_json(reply)
        del told["said"], told["done"]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        click.echo(reply.said.text(language_of(settings)))
