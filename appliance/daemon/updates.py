"""The desk's part in updates: looks for one in the quiet hour, and has the box start from it.

It writes no slot itself: root's helper does, asked by a small file. Here stands when: never while
anybody is on the phone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.daemon import update_box, update_files
from appliance.daemon.update_files import BOX, Asked, Kept
from appliance.errors import CentralinoError
from appliance.policy.text import Refused
from appliance.policy.updates import Moment, State, is_quiet, may_start, standing
from appliance.store import database
from appliance.store.database import Noted, Trouble, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.daemon.chores import Chores, Ended
    from appliance.policy.clock import Now
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

LOOKS_S: Final = 10.0
AGAIN_S: Final = 300.0
"""So long a request to the helper is waited for before it is asked again."""
FETCH: Final = ("update", "--fetch")
MOST_BYTES: Final = 2_000_000_000


class Updates:
    """Looks and asks; all of it in the deciding thread, the disk in the records'.

    `boot` names this start of the machine: what an earlier one has installed is over, and root's
    helper (centralino-good) is about to find what became of it.
    """

    def __init__(
        self,
        settings: Settings,
        records: Records,
        chores: Chores,
        on_trouble: Callable[[str, Trouble | None], None],
        is_image: Callable[[], bool] = update_box.is_image,
        boot: str = "",
    ) -> None:
        self._settings, self._records, self._chores = settings, records, chores
        self._on_trouble = on_trouble
        self._zone = ZoneInfo(settings.site.zone)
        self._boot = boot
        self.run = Path(settings.folders.run)
        self.is_image = is_image()
        self.kept = Kept()
        """What root's helper keeps, as it was read last."""
        self.running, self.note = update_box.running(), update_box.note()
        self.at_once = False
        """A person has asked that the box start from the new version now."""
        self._has_changed = False
        self._looked_at = self._asked_at = float("-inf")
        self._day: date | None = None
        self._fetched = False

    def start_soon(self) -> None:
        """Have the box start from the new version as soon as nobody is on the phone."""
        self.at_once = True
        self._asked_at = float("-inf")

    def look(self, now: Now, is_idle: Callable[[], bool]) -> bool:
        """Do what is due, never waiting; returns True when people should be shown something new."""
        if self.is_image and now.monotonic >= self._looked_at + LOOKS_S:
            self._looked_at = now.monotonic
            self._do(now, is_idle)
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def _do(self, now: Now, is_idle: Callable[[], bool]) -> None:
        self._records.do(self._read, self._seen)
        idle = is_idle()
        if self.kept.state is State.INSTALLED:
            if self.kept.boot == self._boot:
                self._start(now, idle)
        elif self._fetched:
            self._fetched = not self._ask(Asked(BOX, "server"), now)
        elif idle and self._is_due(now):
            self._fetch(now)

    def _read(self, connection: sqlite3.Connection) -> Kept:
        """Read what the helper keeps; what became of an update is noted once, by who wanted it."""
        kept = update_files.load(update_files.folder_of(Path(self._settings.folders.state)))
        if kept != self.kept:
            _note(connection, kept)
        return kept

    def _seen(self, kept: Kept | CentralinoError) -> None:
        if isinstance(kept, CentralinoError) or kept == self.kept:
            return
        self.kept = kept
        self.at_once = self.at_once and kept.state is State.INSTALLED
        self._on_trouble("update", trouble_of(kept))
        self._has_changed = True

    def _start(self, now: Now, idle: bool) -> None:
        local, trusted = now.wall.astimezone(self._zone).time(), now.clock_state.is_trusted
        since_s = now.monotonic - self.kept.installed
        if may_start(Moment(local, trusted, since_s, idle, self.at_once)):
            self._ask(Asked(self.kept.by, "start"), now)

    def _ask(self, asked: Asked, now: Now) -> bool:
        """Ask the helper, unless it was asked a moment ago; tells whether it was."""
        if now.monotonic < self._asked_at + AGAIN_S:
            return False
        if update_files.is_waiting(self.run):
            return False
        self._asked_at = now.monotonic
        try:
            update_files.ask(self.run, asked)
        except OSError as error:
            log.error("the update waits: %s", error)
            return False
        return True

    def _is_due(self, now: Now) -> bool:
        local = now.wall.astimezone(self._zone)
        is_time = now.clock_state.is_trusted and is_quiet(local.time())
        return bool(self._settings.updates.server) and is_time and self._day != local.date()

    def _fetch(self, now: Now) -> None:
        try:
            self._chores.begin(FETCH, "", MOST_BYTES, self._ended)
        except (Refused, OSError) as error:  # the night's copies go first
            log.info("looking for an update waits: %s", error)
            return
        self._day = now.wall.astimezone(self._zone).date()

    def _ended(self, ended: Ended) -> None:
        """Have what was fetched installed; why there is nothing is for the journal."""
        log.info("the server's update: %s", ended.said.en)
        target = Path(self._settings.folders.state) / update_files.FETCHED

        def seen(is_there: bool | CentralinoError) -> None:
            self._fetched = is_there is True

        if ended.is_well:
            self._records.do(lambda _: target.exists(), seen)


def trouble_of(kept: Kept) -> Trouble | None:
    """Return what people are told until a technician has taken note of it."""
    if kept.state is not State.BACK:
        return None
    said = standing(kept.state, kept.version)
    why = kept.said
    return Trouble("update.back", f"{said.it} {why.it}".strip(), f"{said.en} {why.en}".strip())


def _note(connection: sqlite3.Connection, kept: Kept) -> None:
    """Keep in the audit what became of the last update, however often it is read."""
    if not kept.past:
        return
    last, at = kept.past[0], update_files.at_of(kept.past[0])
    what = f"update.{last.outcome}"
    if at is None or any(one.at == at for one in database.latest(connection, what)):
        return
    with transaction(connection):
        database.note(
            connection, Noted(at, last.by, what, f"{last.before or '?'} -> {last.version or '?'}")
        )
