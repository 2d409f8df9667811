"""`centralino helper NAME`: the one programme of root's that systemd starts for call control.

Each name is an instance of centralino-helper@.service, with rights of its own there.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from appliance.commands.options import config_option


@dataclass(frozen=True, slots=True)
class HelperCommand:
    """A helper's command; `limit_s` (s) ends it, 0 for systemd's own limit of the unit."""

    words: tuple[str, ...]
    limit_s: int = 0
    reads_config: bool = True


HELPERS: Final = {
    "backup-stick": HelperCommand(("box", "backup", "--stick-asked")),
    "clock": HelperCommand(("clock-set",), reads_config=False),
    "good": HelperCommand(("box", "update", "good")),
    "restore": HelperCommand(("box", "restore", "--asked"), 3600),
    "selftest": HelperCommand(("box", "selftest", "--asked")),
    # A technician waits for it in the browser.
    "settings": HelperCommand(("box", "settings", "set", "--asked"), 60),
    "update": HelperCommand(("box", "update", "--asked")),
    "usb": HelperCommand(("line", "usb-reset", "--asked")),
}


@click.command()
@click.argument("name", type=click.Choice(sorted(HELPERS)))
@config_option
@click.option(
    "--run", type=click.Path(path_type=Path), required=True, help="The service's run folder."
)
@click.pass_context
def helper(context: click.Context, name: str, config_path: Path, run: Path) -> None:
    """Do what the service asks for and may not do itself."""
    chosen = HELPERS[name]
    # By default the signal ends the process; systemd then ends what it has started.
    signal.alarm(chosen.limit_s)
    config = ("--config", str(config_path)) if chosen.reads_config else ()
    context.find_root().command.main(
        [*chosen.words, *config, "--run", str(run)], prog_name="centralino"
    )
