"""What is asked at the door about the time: how far it is trusted; that it is right; to set it.

Both are audited. The clock itself is set by a helper of its own (clock_setting): the desk may not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.errors import CentralinoError
from appliance.policy.clock import BUILT, LAST, ClockState
from appliance.policy.text import SaidError, Words
from appliance.service import clock
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.service.loop import Desk, Stores

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
class ClockQuestions:
    """Answers in the deciding thread, which alone looks at the clock."""

    stores: Stores
    desk: Desk
    run: Path

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {"clock": self.asked, "clock_confirm": self.confirm, "clock_set": self.set}

    def asked(self, _: dict[str, Any]) -> Reply:
        """Tell the time, how far it is trusted, since when, and what stands in the way."""
        now, trust = self.desk.now(), self.desk.clock.trust
        words = JUMPED if trust.jumped else STATES[now.clock_state]
        waits = clock.is_waiting(clock.folder_of(self.run))
        return {
            "at": now.wall.isoformat(),
            "state": now.clock_state.value,
            "trusted": now.clock_state.is_trusted,
            "words": plain(words),
            "by_itself_s": None if trust.since is None else now.monotonic - trust.since,
            "trouble": plain(NO_HELPER) if waits and trust.wanted is not None else None,
        }

    def confirm(self, question: dict[str, Any]) -> DeferredReply:
        """Take the time for right: somebody has looked at another clock."""
        if self.desk.clock.confirm() is ClockState.UNSET:
            raise SaidError(CANNOT_BE)
        return self._noted(question, "clock.confirm", self.desk.now().wall, CONFIRMED)

    def set(self, question: dict[str, Any]) -> DeferredReply:
        """Have the clock set to `at`: an ISO time, the office's own where it has no offset."""
        at, now = self._at(question), self.desk.now()
        clock.ask(clock.folder_of(self.run), at.timestamp(), now.monotonic)
        self.desk.clock.want(at.timestamp())
        return self._noted(question, "clock.set", at, BEING_SET)

    def _at(self, question: dict[str, Any]) -> datetime:
        try:
            at = datetime.fromisoformat(str(question.get("at")))
            at = at if at.tzinfo else at.replace(tzinfo=self.desk.office.zone)
            seconds = at.timestamp()
        except (ValueError, OverflowError) as error:
            raise SaidError(CANNOT_BE) from error
        if not BUILT <= seconds <= LAST:
            raise SaidError(CANNOT_BE)
        return at.astimezone(UTC)

    def _noted(
        self, question: dict[str, Any], code: str, about: datetime, words: Words
    ) -> DeferredReply:
        """Keep who it was, then say so."""
        by, at = str(question.get("by", ""))[:64], self.desk.now().wall

        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                database.note(connection, Noted(at, by, code, f"{about:%Y-%m-%dT%H:%M:%S%z}"))

        def later(tell: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                tell({"said": plain(words)} if result is None else result)

            self.stores.records.do(job, done)

        return later
