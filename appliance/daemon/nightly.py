"""The quiet hour: what of the night's work is due, begun when no call is on, and what came of it.

The desk waits for nothing: the records' thread takes the write-ahead log in, a child looks through
the records and copies them (night_copies.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.api.status_text import CARD_FAILING, NOT_COPIED, RECORDS_DAMAGED
from appliance.daemon import backup_stick, card, heap
from appliance.daemon.caretaker import NIGHT
from appliance.daemon.night import Night, load
from appliance.daemon.run_files import Asked
from appliance.errors import CentralinoError
from appliance.policy.text import Refused

if TYPE_CHECKING:
    import sqlite3

    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.daemon.backup_stick import Stick
    from appliance.daemon.card import Card
    from appliance.daemon.chores import Chores, Ended
    from appliance.policy.clock import Now
    from appliance.store.database import Trouble
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

UNTIL: Final = time(6, 0)
"""The quiet hours begin after what is past its time was deleted, and end before anybody works."""
LONGEST_S: Final = 36 * 3600.0
"""After so long without it, it is done at the next moment without a call, whatever the hour is: a
box that is off by night, or whose clock cannot be trusted, is looked after as well."""
SETTLED_S: Final = 600.0
"""A box that is being set up by night is left alone for so long: it has no copy to lose yet."""
AGAIN_S: Final = 600.0
CARD_S: Final = 3600.0
STICK_S: Final = 60.0
COMMAND: Final = ("backup", "--nightly")
MOST_BYTES: Final = 1 << 40
"""The child itself looks whether there is room; a stick may take more than the card has."""
MINUTES: Final = 5
"""After deletion has begun, so that what was deleted is in no copy."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When the work is thought of: `day` is the last on which it was begun, `since_s` ago."""

    local: datetime
    trusted: bool
    day: date | None
    since_s: float


def is_due(moment: Moment) -> bool:
    """Tell whether the night's work is to be begun, were there no call."""
    if moment.since_s >= LONGEST_S:
        return True
    begins = NIGHT.replace(minute=MINUTES)
    is_quiet = begins <= moment.local.time() < UNTIL
    return moment.trusted and is_quiet and moment.day != moment.local.date()


def is_quiet(status: Status) -> bool:
    """Tell whether no call is on, in or out."""
    return not (status.calls or status.outgoing)


class Nightly:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(
        self,
        settings: Settings,
        records: Records,
        chores: Chores,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._state = Path(settings.folders.state)
        self._zone = ZoneInfo(settings.site.zone)
        self._records, self._chores, self._on_trouble = records, chores, on_trouble
        self._day: date | None = None
        self._since: float | None = None
        self._not_before = 0.0
        self._card_at = 0.0
        self._stick_at = 0.0
        self._run = Path(settings.folders.run)
        self._stick_trouble: Trouble | None = None
        self.stick: Stick | None = None
        """The backup stick that was set up, as it was at the last look."""
        self.last: Night | None = None
        """What came of the last night, also of one before this start."""
        self.card: Card | None = None
        """How the memory card was at the last look."""

    def start(self) -> None:
        """Read what came of the last night."""
        self._hear(load(self._state))
        if self.last is not None:
            self._day = self.last.at.astimezone(self._zone).date()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> None:
        """Look at the card once an hour; begin the work when it is due and no call is on."""
        if now.monotonic >= self._stick_at:
            self._stick_at = now.monotonic + STICK_S
            self._look_at_stick(now)
        if now.monotonic >= self._card_at:
            self._card_at = now.monotonic + CARD_S
            self._records.do(lambda _: card.look(self._state), self._seen)
        if self._since is None:
            self._since = now.monotonic
        local, trusted = now.wall.astimezone(self._zone), now.clock_state.is_trusted
        since_s = now.monotonic - self._since
        due = is_due(Moment(local, trusted, self._day, since_s)) and self._is_settled(since_s)
        if due and now.monotonic >= self._not_before and is_idle():
            self._begin(local.date(), now.monotonic)

    def _is_settled(self, since_s: float) -> bool:
        return self.last is not None or since_s >= SETTLED_S

    def _begin(self, day: date, monotonic: float) -> None:
        self._records.do(take_log_in)
        try:
            self._chores.begin(COMMAND, "", MOST_BYTES, self._ended)
        except (Refused, OSError) as error:
            log.info("the night's work waits: %s", error)
            self._not_before = monotonic + AGAIN_S
            return
        self._day, self._since = day, monotonic
        heap.give_back()  # of what a day's calls have left for reuse

    def _ended(self, ended: Ended) -> None:
        log.info("the night's work: %s", ended.said.en)
        night = load(self._state)
        self._hear(night)
        if self.stick is not None and night is not None and not night.damaged:
            self._ask_for_stick()
        if not ended.is_well and (night is None or night.well):  # it could not even say so
            self._on_trouble("night", NOT_COPIED)

    def _ask_for_stick(self) -> None:
        """Have root's helper write onto the backup stick: it mounts, which the desk may not."""
        try:
            backup_stick.ask(self._run, Asked())
        except OSError as error:
            log.warning("a backup on the stick could not be asked for: %s", error)

    def _look_at_stick(self, now: Now) -> None:
        """Read which stick is set up and when it last got a backup; say when that is too old."""
        self.stick = backup_stick.load(self._state)
        if now.clock_state.is_trusted or self.stick is None:
            trouble = backup_stick.trouble_of(self.stick, now.wall, self._zone)
            if trouble != self._stick_trouble:
                self._stick_trouble = trouble
                self._on_trouble("backup_stick", trouble)

    def _hear(self, night: Night | None) -> None:
        self.last = night
        if night is None or night.well:
            self._on_trouble("night", None)
        else:
            self._on_trouble("night", RECORDS_DAMAGED if night.damaged else NOT_COPIED)

    def _seen(self, seen: Card | CentralinoError) -> None:
        if isinstance(seen, CentralinoError):
            return  # whoever writes tells what is wrong with the disk
        self.card = seen
        self._on_trouble("card", CARD_FAILING if seen.errors else None)


def take_log_in(connection: sqlite3.Connection) -> None:
    """Take the write-ahead log into the records, and cut it: nothing that was erased stays in it.

    By day SQLite does so as rarely as possible (sqlite.org/wal.html).
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
