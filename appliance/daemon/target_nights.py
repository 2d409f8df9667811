"""The backup target in the desk: written after each night's work, tried again each hour until done.

A child writes it, of which only one runs: a server that hangs holds up no other work. What is wrong
is on the page, the LED and in the figures, and is mailed where somebody is named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.daemon import backup_target, night, target_sftp
from appliance.daemon.backup_target import NO_ANSWER, Target
from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.refusing import refusing
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError
from appliance.policy.refused import Refused
from appliance.policy.roles import Permission
from appliance.policy.words import Words
from appliance.records import audit, outbox
from appliance.records.audit import Noted
from appliance.records.database import transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.chores import Chores, Ended
    from appliance.daemon.night import Night
    from appliance.daemon.settings import Settings
    from appliance.daemon.stores import Stores
    from appliance.policy.clock import Now
    from appliance.records.trouble import Trouble
    from appliance.records.worker import Records

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
AGAIN_S: Final = 3600.0
BUSY_S: Final = 600.0
COMMAND: Final = ("backup-target", "now")
MOST_BYTES: Final = 1 << 40
"""The child itself looks whether there is room."""
ASKED: Final = "backup.target"
BEGUN: Final = Words(
    "Avviato: appena nessuno è al telefono la copia va sulla cartella di rete e viene riletta.",
    "Begun: the backup is written to the network folder and read back once nobody is on the phone.",
)


class TargetNights:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(
        self,
        settings: Settings,
        records: Records,
        chores: Chores,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._settings, self._records, self._chores = settings, records, chores
        self._on_trouble = on_trouble
        self._state, self._zone = Path(settings.folders.state), ZoneInfo(settings.site.zone)
        self._look_at, self._not_before = 0.0, 0.0
        self._is_asked, self._is_due = False, False
        self._trouble: Trouble | None = None
        self._mailed = ""
        self.target: Target | None = None
        """The target that was set up, as it was at the last look."""

    @property
    def is_waiting(self) -> bool:
        """Whether a backup is being written, or has been asked for."""
        return self._is_asked or bool(self._chores.running)

    def ask(self) -> None:
        """Have one written at the next moment without a call."""
        self._is_asked = True

    def stop(self) -> None:
        """End what is running."""
        self._chores.stop()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> None:
        """Look once a minute how it stands; begin one that is due, or asked for, without a call."""
        if not self._settings.backup.target:
            return
        self._chores.look()
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + LOOK_S
            self._look(now)
        is_due = self._is_due and now.monotonic >= self._not_before
        if (self._is_asked or is_due) and not self._chores.running and is_idle():
            self._begin(now)

    def _look(self, now: Now) -> None:
        self.target = backup_target.load(self._state)
        last = night.load(self._state)
        self._is_due = _is_due(self._settings, self.target, last)
        if not (now.clock_state.is_trusted or self.target is None):
            return
        trouble = backup_target.trouble_of(self._settings, self.target, now.wall, self._zone)
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_trouble("backup_target", trouble)
        if trouble is not None and now.clock_state.is_trusted:
            self._mail(trouble, now.wall)

    def _mail(self, trouble: Trouble, now: datetime) -> None:
        """Write to whom the configuration names; a letter of the same week is one (outbox.put)."""
        mail = backup_target.mail_of(self._settings, trouble, self.target, now)
        if mail is not None and mail.key != self._mailed:
            self._mailed = mail.key
            domain = self._records.letters.domain
            self._records.do(lambda connection: outbox.queue(connection, mail, now, domain))

    def _begin(self, now: Now) -> None:
        started = now.wall

        def ended(ended: Ended) -> None:
            self._ended(ended, started)

        try:
            self._chores.begin(COMMAND, "", MOST_BYTES, ended)
        except (Refused, OSError) as error:
            log.info("the backup to the network folder waits: %s", error)
            self._not_before = now.monotonic + BUSY_S
        else:
            self._not_before = now.monotonic + AGAIN_S
        self._is_asked = False

    def _ended(self, ended: Ended, started: datetime) -> None:
        """Keep what a child could not say itself: it was ended for its time, or fell over."""
        log.info("the backup to the network folder: %s", ended.said.en)
        target = backup_target.load(self._state)
        is_silent = target is not None and (target.tried is None or target.tried < _whole(started))
        if not ended.is_well and is_silent and target is not None:
            words = ended.said if ended.said.en else NO_ANSWER
            try:
                backup_target.keep(
                    self._state, replace(target, tried=started, well=False, words=words)
                )
            except OSError as error:
                log.warning("what came of the backup could not be kept: %s", error)
        self._look_at = 0.0


def _is_due(settings: Settings, target: Target | None, last: Night | None) -> bool:
    """Tell whether the last night's work is not on the target yet; of damaged records none is."""
    if target is None or last is None or last.damaged or backup_target.wanted(settings, target).en:
        return False
    return target.done is None or target.done < last.at


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class TargetQuestions:
    """What the technician's page asks of it."""

    stores: Stores
    settings: Settings
    nights: TargetNights
    now: Callable[[], Now]

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Answer | Later]]:
        """Name what may be asked."""
        return {"backup_target": self.told, "backup_target_write": self.write}

    def told(self, _: dict[str, Any]) -> Later:
        """Say which folder gets a backup each night and how old its last is, with our own key."""
        address = self.settings.backup.target
        state = Path(self.settings.folders.state)
        waiting = self.nights.is_waiting

        def job(_: sqlite3.Connection) -> Answer:
            target = backup_target.load(state)
            wrong = backup_target.wanted(self.settings, target)
            key = target_sftp.made_key(state) if address.startswith("sftp:") else ""
            return {
                "address": address,
                "key": key,
                "waiting": waiting,
                "wanted": plain(wrong) if wrong.en else None,
                "target": _told(target) if target and address and not wrong.en else None,
            }

        return self._later(job)

    def write(self, question: dict[str, Any]) -> Later:
        """Have a backup written there now."""
        by, at = str(question.get("by", ""))[:64], self.now().wall

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, by, Permission.TECHNICAL)
            backup_target.in_force(self.settings)
            with transaction(connection):
                audit.note(connection, Noted(at, by, ASKED))
            self.nights.ask()
            return {"said": plain(BEGUN)}

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Answer]) -> Later:
        def later(tell: Tell) -> None:
            self.stores.records.do(refusing(job), lambda result: tell(_refused(result)))

        return later


def _told(target: Target) -> Answer:
    return {
        "since": target.since.isoformat(),
        "fingerprint": backup_target.fingerprint(target.host_key) if target.host_key else "",
        "done": target.done.isoformat() if target.done else None,
        "tried": target.tried.isoformat() if target.tried else None,
        "well": target.well,
        "said": plain(target.words),
    }


def _refused(result: Answer | CentralinoError) -> Answer | CentralinoError:
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result
