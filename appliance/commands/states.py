"""`centralino unattended|closed|opened|absent on|off`: the manual states, from the command line."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket
from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.commands.shell import language_of
from appliance.policy.hours import read_moment
from appliance.policy.text import Refused

WORDS = {
    "SetUnattended": "Switchboard unattended (Non presidiato): calls go to the citizens' counter.",
    "SetClosed": "Closed (Chiuso - segreteria): voicemail answers at once.",
    "SetOpened": "Opened by hand, outside the written hours.",
    "SetAllAbsent": "All absent (Tutti assenti): no phone rings, callers hear why, then voicemail.",
}
ENDS = "Without an end given it ends at the next change of the written hours."


def _command(name: str, ask: str) -> click.Command:
    @click.command(name, help=f"{WORDS[ask]} {ENDS}")
    @click.argument("state", type=click.Choice(["on", "off"]))
    @click.option(
        "--minutes", type=click.IntRange(1, 7 * 24 * 60), help="Ends by itself after so long."
    )
    @click.option(
        "--until", default="", help='Ends by itself then: "14:30", "domani 8:00" or with any day.'
    )
    @click.option("--lasts", is_flag=True, help="Holds until somebody ends it.")
    @click.option("--by", default=getpass.getuser, show_default="the user", help="Who asks.")
    @config_option
    def command(
        state: str, minutes: int | None, until: str, by: str, config_path: Path, *, lasts: bool
    ) -> None:
        if sum((minutes is not None, bool(until), lasts)) > 1:
            raise Refused(
                "indicare una sola fine: --minutes, --until o --lasts",
                "say one end: --minutes, --until or --lasts",
            )
        settings = load_settings(config_path)
        now = datetime.now(ZoneInfo(settings.site.zone))
        end = read_moment(until, now) if until else None
        if minutes:
            end = now + timedelta(minutes=minutes)
        question = {
            "ask": ask,
            "on": state == "on",
            "by": by,
            "until": end.isoformat() if end else None,
            "lasts": lasts,
        }
        answer = control_socket.ask(desk_socket(settings), question)
        click.echo(answer["said"][language_of(settings)])

    return command


unattended = _command("unattended", "SetUnattended")
closed = _command("closed", "SetClosed")
opened = _command("opened", "SetOpened")
absent = _command("absent", "SetAllAbsent")
