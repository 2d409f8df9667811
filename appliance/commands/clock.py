"""`centralino clock-set`: what sets the clock, run by centralino-helper@clock.service."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from appliance.commands.options import in_language
from appliance.policy.text import Refused, os_error_words, technical_words
from appliance.service import clock
from appliance.text import _

SET: Final = _("the clock is set")
SET_WITH_IT: Final = _("the battery clock is set with it")


@click.command("clock-set")
@click.option(
    "--run", type=click.Path(path_type=Path), required=True, help="The service's run folder."
)
def clock_set(run: Path) -> None:
    """Set the clock to the time that the service has asked for.

    A clock with a battery is set with it. Nothing else can be set by it, and no year that cannot
    be. Needs root, or CAP_SYS_TIME.
    """
    # `time.clock_settime` needs CAP_SYS_TIME, which only this helper has.
    set_clock(run, lambda wall: time.clock_settime(time.CLOCK_REALTIME, wall))
    click.echo(in_language(SET))
    try:
        if clock.set_battery(time.time()):
            click.echo(in_language(SET_WITH_IT))
    except OSError as error:
        why = technical_words(error, os_error_words(error))
        raise Refused(_("the battery clock cannot be set: {error}", error=why)) from error


def set_clock(run: Path, setter: Callable[[float], None]) -> None:
    """Set the clock to the requested time; raises TechnicianError if it may not be set."""
    wall = clock.take_time(clock.folder_of(run), time.monotonic())
    try:
        setter(wall)
    except OSError as error:
        why = technical_words(error, os_error_words(error))
        raise Refused(_("the clock cannot be set: {error}", error=why)) from error
