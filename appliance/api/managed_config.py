"""Managed configuration of the head office: what is in force, applying a file, reverting.

The database thread checks the permission; a child process does the work (service.jobs) and writes
the audit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.permissions import SHELL, CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    SendReply,
    declined,
    plain,
    user_of,
)
from appliance.errors import CentralinoError
from appliance.policy import managed_config
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.service.managed_config import MOST_BYTES, ManagedConfigFetcher
from appliance.store.managed_config import REVERT

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.service.technician_commands import JobCommands

UPLOADED: Final = "central/uploaded.settings"
"""Path of an uploaded file below the console's folder."""
JOBS: Final = {"central_show": "show", "central_apply": "apply", "central_revert": "revert"}
"""Sub-command of `centralino settings` for each job."""


@dataclass(slots=True)
class ManagedConfigCommands(CommandHandlers):
    """Commands of the deciding thread; `on_schedule` reads the configuration again."""

    stores: StoreAccess
    central: ManagedConfigFetcher
    jobs: JobCommands
    on_schedule: Callable[[], None] = lambda: None

    @command("central", needs=Permission.CENTRAL)
    def state(self, _: Arguments) -> Reply:
        """Return the version in force and the results of the last fetch and the last jobs."""
        told = self.jobs.told({})
        held = self.central.known.held
        return {
            "configured": bool(self.central.settings.central.certificate),
            "server": self.central.settings.central.server,
            "said": [plain(words) for words in self.central.words()],
            "version": held.version if held else 0,
            "can_revert": bool(held and held.digest and held.source != REVERT),
            "running": told["running"] == "settings",
            "last": {name: told["last"][name] for name in JOBS if name in told["last"]},
        }

    @command("central_changed", needs=SHELL)
    def changed(self, arguments: Arguments) -> DeferredReply:
        """Load what a command line has put in force; calls in progress go on."""
        # Only a changed schedule needs the configuration; sounds and directory are loaded in any
        # case.
        if arguments.get("schedule") is True:
            self.on_schedule()

        def deferred_reply(send: SendReply) -> None:
            self.stores.spoken.load()
            self.stores.register.load(lambda _: self.central.read_anew(lambda: send({})))

        return deferred_reply

    @command(*JOBS, needs=Permission.CENTRAL)
    def run_job(self, arguments: Arguments) -> DeferredReply:
        """Run `centralino settings show`, `apply` or `revert` in a child process."""
        name, by = str(arguments["ask"]), user_of(arguments)
        what = JOBS[name]
        file = Path(self.central.settings.folders.console) / UPLOADED
        given = () if what == "revert" else (str(file),)
        # `show` changes nothing, so it has no user.
        by_whom = () if what == "show" else ("--by", by)
        words = ("settings", what, *given, *by_whom)

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, Permission.CENTRAL)
            if given and not file.is_file():
                raise Refused(managed_config.NO_FILE.it, managed_config.NO_FILE.en)

        def deferred_reply(send: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                if result is not None:
                    send(declined(result))
                else:
                    self.jobs.hand_over(name, words, "", send, MOST_BYTES)

            self.stores.records.do(job, done)

        return deferred_reply
