"""`centralino run` and `centralino carrier`: the two services."""

from __future__ import annotations

import logging
import os
import pwd
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.commands.options import config_option
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.policy.office import Office
    from appliance.policy.text import Words

FOR_US_ALONE = 0o077
"""Nothing the box writes can be read by others, whatever its unit says: callers stand in it."""
LISTEN_FDS_START = 3
"""First descriptor that systemd passes (sd_listen_fds(3))."""


@click.command()
@config_option
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    help="The carrier unit's socket; without it the carrier is started as a child.",
)
@click.option("--verbose", is_flag=True, help="Say more in the journal.")
def run(config_path: Path, link: Path | None, verbose: bool) -> None:
    """Run the desk; a configuration that is wrong leaves the last good one in force."""
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    os.umask(FOR_US_ALONE)
    # Imported here: the other service, which shares this file, needs none of it.
    from appliance.config import reload as apart

    reading = apart.begin(lambda: _in_force(config_path))
    from appliance.service import main as making  # meanwhile
    from appliance.service import main as service

    written, settings, office, complaint = reading()
    run = making.Run(settings, office, link, complaint, config_path.absolute(), written)
    service.Service(run).run()


def _in_force(config_path: Path) -> tuple[Settings, Settings, Office, Words]:
    """Read the configuration; in a child that alone imports what reads it."""
    from appliance.config import last_good
    from appliance.managed_config.apply import settle_folder
    from appliance.service import restore as putting_back
    from appliance.service.loop import database_path
    from appliance.service.secret_files import settle_secrets

    state = last_good.state_folder(config_path).absolute()
    putting_back.check_finished(state)
    settle_secrets(state)
    settle_folder(state, database_path(state))
    return last_good.with_written(config_path)


@click.command()
@click.option("--for", "account", help="The account of the service that may give orders.")
def carrier(account: str | None) -> None:
    """Run the carrier on the socket that systemd passes (centralino-link.socket)."""
    number = None if account is None else _number_of(account)
    if os.environ.get("LISTEN_FDS") != "1":
        raise Refused(
            "il processo delle linee è avviato da systemd con centralino-link.socket; su "
            "una postazione di lavoro lo avvia `centralino run`",
            "the carrier is started by systemd with centralino-link.socket; "
            "on a workstation `centralino run` starts its own",
        )
    # In this order: the nursery is forked while the process is small; the desk imports neither.
    from appliance.modem.port_server import Nursery

    nursery = Nursery.start()
    from appliance.media.process import main

    main(nursery, listening=socket.socket(fileno=LISTEN_FDS_START), account=number)


def _number_of(account: str) -> int:
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError as error:
        raise Refused(
            f"l'utente {account!r}, il cui servizio comanda le linee, non c'è: crearlo con "
            "systemd-sysusers",
            f"there is no account {account!r}, whose service gives orders to the lines: make it "
            "with systemd-sysusers",
        ) from error
