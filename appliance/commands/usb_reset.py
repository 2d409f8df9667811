"""`centralino usb-reset`: the small helper that runs as root (centralino-usb.service)."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click

from appliance.commands.options import config_option, load_settings
from appliance.commands.shell import in_language, words_said
from appliance.config.schema import Settings
from appliance.errors import TechnicianError
from appliance.policy.text import Refused, Words
from appliance.usb import reset
from appliance.usb.reset import Answer, Step

STEPS = click.Choice([step.value for step in Step])
NAME_A_LINE = Words(
    "indicare una LINE, o --asked per tutto ciò che il centralino richiede",
    "name a LINE, or --asked for all that the desk asks for",
)
TOO_SOON = Words(
    "{} della linea {}: già fatto meno di due minuti fa, aspettare",
    "{} of line {} was done less than two minutes ago",
)
PATH = click.Path(path_type=Path)


@click.command("usb-reset")
@config_option
@click.option("--step", type=STEPS, help="Instead of what the desk asks for.")
@click.option("--run", type=PATH, help="Where the desk asks, instead of folders.run.")
@click.option("--sysfs", type=PATH, default=reset.SYSFS, show_default=True)
@click.option("--asked", is_flag=True, help="All that the desk asks for, whatever line it names.")
@click.argument("line", required=False)
def usb_reset(
    config_path: Path,
    step: str | None,
    run: Path | None,
    sysfs: Path,
    asked: bool,
    line: str | None,
) -> None:
    """Reset the USB modem of a configured LINE, or switch its port off and on.

    Without --step it does what the desk has asked for, if that may be; done at most once in two
    minutes. Needs root.
    """
    if asked == bool(line) or (asked and step):
        raise click.UsageError(in_language(NAME_A_LINE))
    wanted = {line: Step(step)} if line and step else {}
    if run is not None:  # first of all: systemd starts us while a request lies there
        wanted = wanted or _asked(run, line)
    settings = load_settings(config_path)
    run = run or Path(settings.folders.run)
    wanted = wanted or _asked(run, line)
    if not wanted:
        raise Refused(
            f"per la linea {line} nulla è stato richiesto: indicare --step"
            if line
            else "nulla è stato richiesto",
            f"nothing was asked for line {line}; name a --step"
            if line
            else "nothing was asked for",
        )
    failed = [
        said for name, one in wanted.items() if (said := _done(settings, run, name, one, sysfs))
    ]
    if failed:
        raise TechnicianError("\n".join(failed))


def _asked(run: Path, line: str | None) -> dict[str, Step]:
    """Take what the desk asks for away: of one line, or of all."""
    folder = reset.requests_folder(run)
    if line is None:
        return reset.take_all(folder)
    step = reset.take(folder, line)
    return {line: step} if step else {}


def _done(settings: Settings, run: Path, line: str, step: Step, sysfs: Path) -> str:
    """Do a step for a line and answer the desk; returns why not, "" where it was done."""
    try:
        port = port_of(settings, line)
    except TechnicianError as error:
        return in_language(words_said(error))
    now = time.monotonic()
    if not reset.may_do(step, reset.answers(reset.answers_folder(run), line), now):
        return in_language(TOO_SOON).format(step, line)
    answer = attempt(step, port, sysfs, now)
    reset.tell(reset.answers_folder(run), line, answer)
    if answer.done:
        click.echo(answer.sentence)
    return "" if answer.done else answer.sentence


def attempt(step: Step, port: str, sysfs: Path, now: float) -> Answer:
    """Do a step to the device behind a port; says what became of it."""
    try:
        found = reset.find(port, sysfs)
        reset.carry_out(reset.plan(step, found, shutil.which("uhubctl"), sysfs))
    except TechnicianError as error:
        return Answer(step, False, str(error), now)
    return Answer(step, True, f"{step} done to USB device {found.name} ({port})", now)


def port_of(settings: Settings, line: str) -> str:
    """Return the port of a configured line: nothing else can be reset."""
    ports = {known.name: known.port for known in settings.lines}
    if line not in ports:
        raise Refused(
            f"la linea {line!r} non è configurata: {', '.join(ports) or 'nessuna lo è'}",
            f"line {line!r} is not configured: {', '.join(ports) or 'none is'}",
        )
    return ports[line]
