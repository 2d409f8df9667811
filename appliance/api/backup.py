"""A backup is put back by a technician in the browser, with nobody on the phone.

The desk cannot do it: it stands on the folders that are replaced. It looks whether it may be, keeps
who asked, and leaves it to root's helper (`centralino restore --asked`), which stops the services,
puts the backup in place by the command's own protocol, and starts them again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain, refusing
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.office import PositionState
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.service import backup
from appliance.service.backup import UPLOADED
from appliance.service.supervision import Asked, Went
from appliance.store import database
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.service.jobs import ChoreQuestions
    from appliance.service.loop import Stores

ASKED: Final = "backup.restore"
DONE: Final = "backup.restored"
NOT_DONE: Final = "backup.not_restored"
STICK: Final = "backup.stick"
STICK_FORGOTTEN: Final = "backup.stick_forgotten"
STICK_BEGUN: Final = Words(
    "Avviato: la copia viene scritta sulla chiavetta e riletta, qualche minuto. Non toglierla.",
    "Begun: the backup is written onto the stick and read back, some minutes. Leave it in.",
)
STICK_FORGOTTEN_SAID: Final = Words(
    "Da ora nessuna copia va su una chiavetta. Quelle che vi stanno restano sigillate.",
    "From now on no backup goes onto a stick. Those on it stay sealed.",
)
LOOKS_S: Final = 5.0
BEGUN: Final = Words(
    "Avviato: appena nessuno è al telefono il centralino si ferma, la copia prende il suo posto e "
    "tutto riparte. Riaprire questa pagina fra un minuto ed entrare di nuovo.",
    "Begun: as soon as nobody is on the phone the switchboard stops, the backup takes its place "
    "and all starts again. Open this page again in a minute, and log in anew.",
)
BUSY: Final = (
    "qualcuno è al telefono: riprovare quando nessuno lo è",
    "somebody is on the phone: try again when nobody is",
)
UNCHECKED: Final = (
    "il file caricato non è stato controllato, o non è integro: prima controllarlo",
    "the uploaded file has not been looked through, or is not whole: look through it first",
)
TAKEN: Final = (
    "un ripristino è già chiesto: attendere",
    "a restore has been asked for already: wait",
)


def is_idle(status: Status) -> bool:
    """Tell whether nobody is on the phone: no caller, nobody dialling out, no two phones."""
    is_engaged = any(one.state is PositionState.BUSY for one in status.positions)
    return not (status.calls or status.outgoing or is_engaged)


@dataclass(slots=True)
class RestoreQuestions:
    """Asked in the deciding thread; `status` tells it who is on the phone."""

    stores: Stores
    settings: Settings
    chores: ChoreQuestions
    status: Callable[[], Status]
    _looked_at: float = 0.0

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "backup_restore": self.asked,
            "restoring": self.told,
            "backup_stick": self.stick,
            "backup_stick_set_up": self.stick_set_up,
            "backup_stick_forget": self.stick_forget,
        }

    def stick(self, _: dict[str, Any]) -> Reply:
        """Say which stick gets a backup each night, how old its last is, what was asked last."""
        stick = backup.load_stick(self._state)
        last = backup.last(self._run)
        return {
            "waiting": backup.is_waiting(self._run),
            "last": _plain(last) if last else None,
            "stick": _stick(stick) if stick else None,
        }

    def stick_set_up(self, question: dict[str, Any]) -> DeferredReply:
        """Have the plugged stick set up, or, where one is, written now; raises OfficeError."""
        by, phrase = str(question.get("by", ""))[:64], question.get("passphrase")
        if not isinstance(phrase, str):
            raise OfficeError('a passphrase is needed, "" for the stick that is set up')
        if phrase or backup.load_stick(self._state) is None:
            checked_passphrase(phrase)
        at = self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK))
            backup.ask_for_stick(self._run, Asked(by, phrase))
            return {"said": plain(STICK_BEGUN)}

        return self._later(job)

    def stick_forget(self, question: dict[str, Any]) -> DeferredReply:
        """Write to no stick any more."""
        by, at = str(question.get("by", ""))[:64], self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK_FORGOTTEN))
            backup.forget(self._state)
            return {"said": plain(STICK_FORGOTTEN_SAID)}

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        return lambda tell: self.stores.records.do(
            refusing(job), lambda result: tell(_refused(result))
        )

    def told(self, _: dict[str, Any]) -> Reply:
        """Say whether a restore waits, whether it could be now, and what became of the last."""
        last = backup.went(self._run)
        return {
            "waiting": backup.restore_is_waiting(self._run),
            "idle": is_idle(self.status()),
            "last": _plain(last) if last else None,
        }

    def asked(self, question: dict[str, Any]) -> DeferredReply:
        """Have the uploaded backup put in the place of what is on the box; raises OfficeError."""
        by, phrase = str(question.get("by", ""))[:64], question.get("passphrase")
        if not isinstance(phrase, str) or question.get("sure") is not True:
            raise OfficeError("a passphrase is needed, and that one is sure")
        at = self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, ASKED))
            backup.ask(self._run, Asked(by, phrase))
            return {"said": plain(BEGUN)}

        def later(tell: SendReply) -> None:
            try:
                self._check()
            except Refused as refused:
                tell(_refused(refused))
                return
            self.stores.records.do(refusing(job), lambda result: tell(_refused(result)))

        return later

    def look(self) -> None:
        """Take a request away that nobody took."""
        if time.monotonic() >= self._looked_at + LOOKS_S:
            self._looked_at = time.monotonic()
            backup.restore_is_waiting(self._run)

    def start(self) -> None:
        """Keep in the audit what became of one: the records that it was asked in are put aside."""
        if (last := backup.went(self._run)) is not None:
            self.stores.records.do(lambda connection: _note(connection, last), lambda _: None)

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    @property
    def _run(self) -> Path:
        return Path(self.settings.folders.run)

    def _check(self) -> None:
        """Raise Refused where it cannot be: somebody talks, the file was not found whole."""
        self.chores.chores.check_free()
        if backup.restore_is_waiting(self._run):
            raise Refused(*TAKEN)
        if not is_idle(self.status()):
            raise Refused(*BUSY)
        ended = self.chores.last.get("backup_check")
        if ended is None or not ended[1].is_well or ended[0] < self._uploaded_at():
            raise Refused(*UNCHECKED)

    def _uploaded_at(self) -> datetime:
        """Return when the file that lies there was uploaded; the end of time where none does."""
        path = Path(self.settings.folders.console) / UPLOADED
        zone = self.status().at.tzinfo
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, zone)
        except OSError:
            return datetime.max.replace(tzinfo=zone)


def _note(connection: sqlite3.Connection, went: Went) -> None:
    """Note it once, however often the desk starts."""
    what = DONE if went.is_well else NOT_DONE
    if any(one.at == went.at for one in database.latest(connection, what)):
        return
    with transaction(connection):
        database.note(connection, Noted(went.at, went.by, what))


def _plain(went: Went) -> Reply:
    return {
        "at": went.at.isoformat(),
        "by": went.by,
        "well": went.is_well,
        "said": plain(went.said),
    }


def _stick(stick: backup.Stick) -> Reply:
    return {
        "name": stick.label or stick.uuid,
        "since": stick.since.isoformat(),
        "done": stick.done.isoformat() if stick.done else None,
        "well": stick.well,
        "said": plain(stick.words),
    }


def _refused(result: Reply | CentralinoError) -> Reply | CentralinoError:
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return result
