"""The backup target in the desk: written after each night's work, tried again each hour until done.

A child writes it, of which only one runs: a server that hangs holds up no other work. What is wrong
is on the page, the LED and in the figures, and is mailed where somebody is named.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.api.control_socket import Answer, Later, Tell, refusing
from appliance.api.permissions import check_may
from appliance.api.status_text import plain
from appliance.daemon import backup_target, night, target_sftp
from appliance.daemon.backup_target import NO_ANSWER, Target
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.store import database, requests
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.daemon.chores import Chores, Ended
    from appliance.daemon.night import Night
    from appliance.daemon.stores import Stores
    from appliance.policy.clock import Now
    from appliance.store.database import Trouble
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
AGAIN_S: Final = 3600.0
BUSY_S: Final = 600.0
LIMIT_S: Final = 6 * 3600.0
"""A child that takes longer is ended: the office's line to a server elsewhere may be slow."""
COMMAND: Final = ("backup-target", "now")
LOOK: Final = ("backup-target", "look")
SET_UP: Final = ("backup-target", "set-up", "--asked")
MOST_BYTES: Final = 1 << 40
"""The child itself looks whether there is room."""
ASKED: Final = "backup.target"
KEY_ASKED: Final = "backup.target_key"
SET_UP_ASKED: Final = "backup.target_set_up"
LONGEST: Final = 200
BEGUN: Final = Words(
    "Avviato: appena nessuno è al telefono la copia va sulla cartella di rete e viene riletta.",
    "Begun: the backup is written to the network folder and read back once nobody is on the phone.",
)
LOOKS: Final = Words(
    "Avviato: fra poco qui appare la chiave con cui il server si presenta.",
    "Begun: the key that the server presents shows here in a moment.",
)
NO_KEY_YET: Final = (
    "la chiave del server non è stata confrontata: chiederla prima al server",
    "the server's key has not been compared: ask the server for it first",
)
SETS_UP: Final = Words(
    "Avviato: appena nessuno è al telefono la prima copia viene scritta e riletta.",
    "Begun: the first backup is written and read back once nobody is on the phone.",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for on the page: a command, what it reads, whether it waits for calls."""

    words: tuple[str, ...] = COMMAND
    typed: str = ""
    waits: bool = True


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
        self._asked: Wish | None = None
        self._is_due = False
        self._trouble: Trouble | None = None
        self._mailed = ""
        self.target: Target | None = None
        """The target that was set up, as it was at the last look."""
        self.last: tuple[datetime, Ended] | None = None
        """What came of the last look at the server, or of the last set-up, since the start."""

    @property
    def is_waiting(self) -> bool:
        """Whether something is being done, or has been asked for."""
        return self._asked is not None or bool(self._chores.running)

    def ask(self, wish: Wish = Wish()) -> None:
        """Have a backup written at the next moment without a call, or something else done."""
        self._asked = wish

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
        wish = self._asked
        if wish is None and self._is_due and now.monotonic >= self._not_before:
            wish = Wish()
        if wish is not None and not self._chores.running and (not wish.waits or is_idle()):
            self._begin(now, wish)

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
            self._records.do(lambda connection: requests.queue(connection, mail, now, domain))

    def _begin(self, now: Now, wish: Wish) -> None:
        started = now.wall

        def ended(ended: Ended) -> None:
            if wish.words == COMMAND:
                self._ended(ended, started)
            else:
                self.last = (started, ended)
            self._look_at = 0.0

        try:
            self._chores.begin(wish.words, wish.typed, MOST_BYTES, ended)
        except (Refused, OSError) as error:
            log.info("the backup to the network folder waits: %s", error)
            self._not_before = now.monotonic + BUSY_S
        else:
            self._not_before = now.monotonic + AGAIN_S
        self._asked = None

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
        return {
            "backup_target": self.told,
            "backup_target_write": self.write,
            "backup_target_look": self.look,
            "backup_target_set_up": self.set_up,
        }

    def told(self, _: dict[str, Any]) -> Later:
        """Say which folder gets a backup each night and how old its last is, with our own key."""
        address = self.settings.backup.target
        state = Path(self.settings.folders.state)
        waiting, last = self.nights.is_waiting, self.nights.last

        def job(_: sqlite3.Connection) -> Answer:
            target = backup_target.load(state)
            wrong = backup_target.wanted(self.settings, target)
            key = target_sftp.made_key(state) if address.startswith("sftp:") else ""
            return {
                "address": address,
                "key": key,
                "waiting": waiting,
                "offered": backup_target.offered(state, address),
                "last": _ended(*last) if last else None,
                "wanted": plain(wrong) if wrong.en else None,
                "target": _told(target) if target and address and not wrong.en else None,
            }

        return self._later(job)

    def write(self, question: dict[str, Any]) -> Later:
        """Have a backup written there now."""
        return self._begun(question, ASKED, Wish(), BEGUN)

    def look(self, question: dict[str, Any]) -> Later:
        """Have the server asked for its key, which is then shown."""
        return self._begun(question, KEY_ASKED, Wish(LOOK, waits=False), LOOKS)

    def set_up(self, question: dict[str, Any]) -> Later:
        """Have the configured folder set up, by the key that was shown or the account's password.

        Raises OfficeError, Refused.
        """
        given = {name: question.get(name, "") for name in ("host_key", "passphrase", "password")}
        if not all(isinstance(text, str) and len(text) <= LONGEST for text in given.values()):
            raise OfficeError(f"key, passphrase and password are texts of at most {LONGEST}")
        checked_passphrase(given["passphrase"])
        if self.settings.backup.target.startswith("sftp:") and not given["host_key"]:
            raise Refused(*NO_KEY_YET)
        wish = Wish(SET_UP, json.dumps(given))
        return self._begun(question, SET_UP_ASKED, wish, SETS_UP)

    def _begun(self, question: dict[str, Any], code: str, wish: Wish, said: Words) -> Later:
        by, at = str(question.get("by", ""))[:64], self.now().wall

        def job(connection: sqlite3.Connection) -> Answer:
            check_may(connection, by, Permission.TECHNICAL)
            if wish.words == COMMAND:
                backup_target.in_force(self.settings)
            elif not self.settings.backup.target:
                raise Refused(*backup_target.NONE_CONFIGURED)
            with transaction(connection):
                database.note(connection, Noted(at, by, code))
            self.nights.ask(wish)
            return {"said": plain(said)}

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Answer]) -> Later:
        def later(tell: Tell) -> None:
            self.stores.records.do(refusing(job), lambda result: tell(_refused(result)))

        return later


def _ended(at: datetime, ended: Ended) -> Answer:
    return {"at": at.isoformat(), "well": ended.is_well, "said": plain(ended.said)}


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
