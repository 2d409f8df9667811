"""`centralino unattended|closed|opened|absent on|off`: the manual states, from the command line."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import door

WORDS = {
    "SetUnattended": "Switchboard unattended (Non presidiato): calls go to the citizens' counter.",
    "SetClosed": "Closed (Chiuso - segreteria): voicemail answers at once.",
    "SetOpened": "Opened by hand, outside the written hours.",
    "SetAllAbsent": "All absent (Tutti assenti): no phone rings, callers hear why, then voicemail.",
}


def _command(name: str, ask: str) -> click.Command:
    @click.command(name, help=WORDS[ask])
    @click.argument("state", type=click.Choice(["on", "off"]))
    @click.option(
        "--minutes", type=click.IntRange(1, 7 * 24 * 60), help="Ends by itself after so long."
    )
    @click.option("--until", type=click.DateTime(), help="Ends by itself then (local time).")
    @click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
    @config_option
    def command(
        state: str, minutes: int | None, until: datetime | None, by: str, config_path: Path
    ) -> None:
        end = until.astimezone() if until else None
        if minutes:
            end = datetime.now(UTC) + timedelta(minutes=minutes)
        settings = load_settings(config_path)
        question = {
            "ask": ask,
            "on": state == "on",
            "by": by,
            "until": end.isoformat() if end else None,
        }
        answer = door.ask(desk_socket(settings), question)
        click.echo(answer["said"][settings.site.languages[0]])

    return command


unattended = _command("unattended", "SetUnattended")
closed = _command("closed", "SetClosed")
opened = _command("opened", "SetOpened")
absent = _command("absent", "SetAllAbsent")
