"""`centralino clock-set`: the small helper that sets the clock (centralino-clock.service)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from appliance.commands.options import in_language
from appliance.policy.text import Refused, Words, os_error_words
from appliance.service import clock

SET: Final = Words("l'orologio è regolato", "the clock is set")
SET_WITH_IT: Final = Words(
    "anche l'orologio a batteria è regolato", "the battery clock is set with it"
)


@click.command("clock-set")
@click.option(
    "--run", type=click.Path(path_type=Path), required=True, help="The desk's run folder."
)
def clock_set(run: Path) -> None:
    """Set the clock to the time that the desk has asked for.

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
        raise Refused(
            f"l'orologio a batteria non si può regolare: {os_error_words(error).it}",
            f"the battery clock cannot be set: {error}",
        ) from error


def set_clock(run: Path, setter: Callable[[float], None]) -> None:
    """Set the clock to the requested time; raises TechnicianError if it may not be set."""
    wall = clock.take(clock.folder_of(run), time.monotonic())
    try:
        setter(wall)
    except OSError as error:
        raise Refused(
            f"l'orologio non si può regolare: {os_error_words(error).it}",
            f"the clock cannot be set: {error}",
        ) from error
