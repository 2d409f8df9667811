"""Updates from the console, and the health report for the update helper.

The database thread checks the permission and writes the audit; root's helper does the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.backup import is_idle
from appliance.api.permissions import CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    declined,
    deferred,
    plain,
    refusing,
    user_of,
)
from appliance.calls.model import LineState
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import updates as policy_updates
from appliance.policy.text import Words
from appliance.policy.updates import UpdateState, may_take, refused, update_words
from appliance.policy.users import Permission
from appliance.service import updates
from appliance.service.updates import UPLOADED, UpdateRequest
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.service.updates import UpdateRunner

STEPS: Final = {
    "update_install": "upload",
    "update_start": "start",
    "update_back": "back",
    "update_give_up": "give-up",
}
"""The helper's step for each command."""
NOT_WORKING: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})
BEGUN: Final = Words("Avviato: il risultato appare qui.", "Begun: what comes of it shows here.")
TAKEN: Final = Words("qualcosa è già stato chiesto: attendere", "something is asked already: wait")
AT_ONCE: Final = Words(
    "L'apparecchio si riavvia appena nessuno è al telefono; riaprire questa pagina fra due minuti.",
    "The box starts anew as soon as nobody is on the phone; open this page again in two minutes.",
)


@dataclass(frozen=True, slots=True)
class OwnHealth:
    """Seconds that call control is ready; whether the media gateway is connected; its restarts."""

    ready_s: float
    carrier: bool
    restarts: int


@dataclass(frozen=True, slots=True)
class UpdateCommands(CommandHandlers):
    """Commands of the deciding thread."""

    stores: StoreAccess
    settings: Settings
    updates: UpdateRunner
    status: Callable[[], Status]
    myself: Callable[[], OwnHealth]

    @command("updates", needs=Permission.TECHNICAL)
    def state(self, _: Arguments) -> Reply:
        """Return the running version, the last update's state, and call control's health."""
        kept, run = self.updates.kept, self.updates.run
        return {
            "image": self.updates.is_image,
            "running": self.updates.running,
            "note": plain(self.updates.note),
            "state": kept.state.value,
            "version": kept.version,
            "stands": plain(update_words(kept.state, kept.version)),
            "said": plain(kept.said),
            "by": kept.by,
            "at": kept.at,
            "waiting": updates.update_is_waiting(run),
            "progress": updates.progress(run),
            "stick": plain(updates.stick_said(run)),
            "server": self.settings.updates.server,
            "past": [{**asdict(one), "said": plain(one.said)} for one in kept.past],
            "health": self._health(),
        }

    def _health(self) -> Reply:
        status, myself = self.status(), self.myself()
        out = [line.name for line in status.lines if line.state in NOT_WORKING or line.reason]
        return {
            "idle": is_idle(status),
            "ready_s": myself.ready_s,
            "carrier": myself.carrier,
            "restarts": myself.restarts,
            "working": [line.name for line in status.lines if line.name not in out],
            "out": out,
            "clock_trusted": status.clock_state.is_trusted,
        }

    @command(*STEPS, needs=Permission.TECHNICAL)
    def take_step(self, arguments: Arguments) -> DeferredReply:
        """Write the audit, then leave the step to root's helper; raises OfficeError."""
        what, by, at = STEPS[str(arguments["ask"])], user_of(arguments), self.status().at
        if arguments.get("sure") is not True:
            raise OfficeError("that one is sure is needed")

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            # In the job that writes the request, so that no two are written.
            self._check(what)
            with transaction(connection):
                database.note(connection, Noted(at, by, f"update.{what}"))
            # A restart waits until nobody is on the phone: call control decides when.
            if what != "start":
                updates.ask_for_update(self.updates.run, UpdateRequest(by, what))
            return {"said": plain(AT_ONCE if what == "start" else BEGUN)}

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if what == "start" and not isinstance(result, CentralinoError):
                self.updates.start_soon()
            return declined(result)

        return deferred(self.stores.records, refusing(job), reply)

    def _check(self, what: str) -> None:
        """Raise Refused if the step is not possible in the present state."""
        state = self.updates.kept.state
        if not self.updates.is_image:
            raise refused(policy_updates.BY_APT)
        if updates.update_is_waiting(self.updates.run):
            raise refused(TAKEN)
        if what == "upload":
            if not may_take(state):
                raise refused(policy_updates.WAITS)
            if not (Path(self.settings.folders.console) / UPLOADED).is_file():
                raise refused(policy_updates.NO_FILE)
        # A version that was written but not started is given up, not gone back from.
        if what == "back" and state is UpdateState.INSTALLED:
            raise refused(policy_updates.WAITS)
        if what == "start" and state is not UpdateState.INSTALLED:
            raise refused(policy_updates.NOT_READY)
        if what == "give-up" and state not in {UpdateState.INSTALLED, UpdateState.BACK}:
            raise refused(policy_updates.NOT_READY)
