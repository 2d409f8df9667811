"""The clock: whether it is trusted, confirming it, setting it; both changes are audited.

Call control has no right to set the system clock: a helper does (centralino-clock.path).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from appliance.api.permissions import FREE, CommandHandlers, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    deferred,
    plain,
    user_of,
)
from appliance.errors import CentralinoError
from appliance.policy.clock import EARLIEST_WALL, LATEST_WALL, ClockState
from appliance.policy.text import SaidError, Words
from appliance.policy.users import Permission
from appliance.service import clock
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.service.loop import CallControl

STATES: Final[Mapping[ClockState, Words]] = MappingProxyType({
    ClockState.SYNCED: Words(
        "confermata da un server dell'ora", "confirmed by a time server"
    ),
    ClockState.HOLDOVER: Words(
        "va avanti da sola; è stata confermata", "running by itself; it was confirmed"
    ),
    ClockState.STALE: Words(
        "non confermata da quando c'è corrente, o da troppo tempo",
        "not confirmed since the power came, or for too long",
    ),
    ClockState.UNSET: Words(
        "impossibile: l'orologio non è regolato", "it cannot be: the clock is not set"
    ),
})  # fmt: skip
JUMPED: Final = Words(
    "l'orologio è saltato di più di un giorno: finché qualcuno non conferma, non vale",
    "the clock has jumped by more than a day: until somebody confirms it, it does not count",
)
NO_HELPER: Final = Words(
    "nessuno ha regolato l'orologio: il tecnico deve abilitare centralino-clock.path",
    "nobody has set the clock: the technician has to enable centralino-clock.path",
)
CONFIRMED: Final = Words("L'ora è confermata.", "The time is confirmed.")
BEING_SET: Final = Words(
    "L'ora viene regolata: entro qualche secondo si vede qui.",
    "The clock is being set: within seconds it shows here.",
)
CANNOT_BE: Final = Words(
    "Quell'ora non può essere giusta: indicare la data e l'ora di adesso.",
    "That time cannot be right: give the date and time of now.",
)


@dataclass(frozen=True, slots=True)
class ClockCommands(CommandHandlers):
    """Commands of the deciding thread, the only one that uses the clock."""

    stores: StoreAccess
    desk: CallControl
    run: Path

    @command("clock", needs=FREE)
    def asked(self, _: Arguments) -> Reply:
        """Return the time, whether and since when it is trusted, and why it cannot be set."""
        now, trust = self.desk.now(), self.desk.clock.trust
        words = JUMPED if trust.jumped else STATES[now.clock_state]
        # A request that no helper has taken shows that its unit is not enabled.
        waits = clock.is_waiting(clock.folder_of(self.run))
        return {
            "at": now.wall.isoformat(),
            "state": now.clock_state.value,
            "trusted": now.clock_state.is_trusted,
            "words": plain(words),
            "by_itself_s": None if trust.since is None else now.monotonic - trust.since,
            "trouble": plain(NO_HELPER) if waits and trust.wanted is not None else None,
        }

    @command("clock_confirm", needs=frozenset({Permission.SET_STATES, Permission.TECHNICAL}))
    def confirm(self, arguments: Arguments) -> DeferredReply:
        """Trust the time: a user has compared it with another clock."""
        # An unset clock cannot be right: it must be set, not confirmed.
        if self.desk.clock.confirm() is ClockState.UNSET:
            raise SaidError(CANNOT_BE)
        return self._noted(arguments, "clock.confirm", self.desk.now().wall, CONFIRMED)

    @command("clock_set", needs=frozenset({Permission.SET_STATES, Permission.TECHNICAL}))
    def set(self, arguments: Arguments) -> DeferredReply:
        """Set the clock to `at`, an ISO time; without an offset it is the office's local time."""
        at, now = self._at(arguments), self.desk.now()
        clock.ask(clock.folder_of(self.run), at.timestamp(), now.monotonic)
        self.desk.clock.want(at.timestamp())
        return self._noted(arguments, "clock.set", at, BEING_SET)

    def _at(self, arguments: Arguments) -> datetime:
        try:
            at = datetime.fromisoformat(str(arguments.get("at")))
            at = at if at.tzinfo else at.replace(tzinfo=self.desk.office.zone)
            seconds = at.timestamp()
        except (ValueError, OverflowError) as error:
            raise SaidError(CANNOT_BE) from error
        if not EARLIEST_WALL <= seconds <= LATEST_WALL:
            raise SaidError(CANNOT_BE)
        return at.astimezone(UTC)

    def _noted(
        self, arguments: Arguments, code: str, about: datetime, words: Words
    ) -> DeferredReply:
        """Write the audit, then reply."""
        by, at = user_of(arguments), self.desk.now().wall

        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                database.note(connection, Noted(at, by, code, f"{about:%Y-%m-%dT%H:%M:%S%z}"))

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            return {"said": plain(words)} if result is None else result

        return deferred(self.stores.records, job, reply)
