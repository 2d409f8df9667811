"""Restore of an uploaded backup, and the USB stick for nightly backups.

Call control cannot restore a backup itself, as its own files are replaced. It checks that a restore
is possible, writes the audit, and leaves the work to root's helper (`centralino restore --asked`),
which stops the services, installs the backup and starts them again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.permissions import CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    SendReply,
    declined,
    deferred,
    plain,
    refusing,
    user_of,
)
from appliance.errors import OfficeError
from appliance.policy.office import PositionState
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission
from appliance.service import backup, helper_requests
from appliance.service.backup import UPLOADED
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.store import database
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.service.technician_commands import JobCommands

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
    """True if nobody is on the phone: no caller, no outgoing call, no internal call."""
    is_engaged = any(one.state is PositionState.BUSY for one in status.positions)
    return not (status.calls or status.outgoing or is_engaged)


@dataclass(slots=True)
class RestoreCommands(CommandHandlers):
    """Commands of the deciding thread; `status` tells whether anybody is on the phone."""

    stores: StoreAccess
    settings: Settings
    jobs: JobCommands
    status: Callable[[], Status]
    _looked_at: float = 0.0

    @command("backup_stick", needs=Permission.TECHNICAL)
    def stick(self, _: Arguments) -> Reply:
        """Return the backup stick, its last backup, and the last result."""
        stick = backup.load_stick(self._state)
        last = backup.last(self._run)
        return {
            "waiting": backup.is_waiting(self._run),
            "last": _plain(last) if last else None,
            "stick": _stick(stick) if stick else None,
        }

    @command("backup_stick_set_up", needs=Permission.TECHNICAL)
    def stick_set_up(self, arguments: Arguments) -> DeferredReply:
        """Set up the plugged-in stick, or write to the one set up; raises OfficeError."""
        by, phrase = user_of(arguments), arguments.get("passphrase")
        if not isinstance(phrase, str):
            raise OfficeError('a passphrase is needed, "" for the stick that is set up')
        # "" is allowed only for a stick that is set up: its passphrase is stored.
        if phrase or backup.load_stick(self._state) is None:
            checked_passphrase(phrase)
        at = self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK))
            backup.ask_for_stick(self._run, HelperRequest(by, phrase))
            return {"said": plain(STICK_BEGUN)}

        return deferred(self.stores.records, refusing(job), declined)

    @command("backup_stick_forget", needs=Permission.TECHNICAL)
    def stick_forget(self, arguments: Arguments) -> DeferredReply:
        """Stop writing backups to the stick."""
        by, at = user_of(arguments), self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK_FORGOTTEN))
            backup.forget(self._state)
            return {"said": plain(STICK_FORGOTTEN_SAID)}

        return deferred(self.stores.records, refusing(job), declined)

    @command("restoring", needs=Permission.TECHNICAL)
    def restoring(self, _: Arguments) -> Reply:
        """Return whether a restore is pending, whether one is possible now, and the last result."""
        last = helper_requests.restore_result(self._run)
        return {
            "waiting": helper_requests.restore_is_waiting(self._run),
            "idle": is_idle(self.status()),
            "last": _plain(last) if last else None,
        }

    @command("backup_restore", needs=Permission.TECHNICAL)
    def restore(self, arguments: Arguments) -> DeferredReply:
        """Request the restore of the uploaded backup; raises OfficeError."""
        by, phrase = user_of(arguments), arguments.get("passphrase")
        # A restore replaces everything: `sure` confirms it.
        if not isinstance(phrase, str) or arguments.get("sure") is not True:
            raise OfficeError("a passphrase is needed, and that one is sure")
        at = self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, ASKED))
            helper_requests.ask_for_restore(self._run, HelperRequest(by, phrase))
            return {"said": plain(BEGUN)}

        def deferred_reply(send: SendReply) -> None:
            try:
                # In the deciding thread, which knows the calls.
                self._check()
            except Refused as refused:
                send(declined(refused))
                return
            deferred(self.stores.records, refusing(job), declined)(send)

        return deferred_reply

    def look(self) -> None:
        """Drop a request that the helper has not taken in time."""
        if time.monotonic() >= self._looked_at + LOOKS_S:
            self._looked_at = time.monotonic()
            helper_requests.restore_is_waiting(self._run)

    def start(self) -> None:
        """Write a restore's result to the audit."""
        # Only now: the database that holds the request was replaced by the restore.
        if (last := helper_requests.restore_result(self._run)) is not None:
            self.stores.records.do(lambda connection: _note(connection, last), lambda _: None)

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    @property
    def _run(self) -> Path:
        return Path(self.settings.folders.run)

    def _check(self) -> None:
        """Raise Refused during a call, or if the file was not checked since its upload."""
        self.jobs.jobs.check_free()
        if helper_requests.restore_is_waiting(self._run):
            raise Refused(*TAKEN)
        if not is_idle(self.status()):
            raise Refused(*BUSY)
        # A file that was replaced after its check is unchecked.
        ended = self.jobs.last.get("backup_check")
        if ended is None or not ended[1].is_well or ended[0] < self._uploaded_at():
            raise Refused(*UNCHECKED)

    def _uploaded_at(self) -> datetime:
        """Return the upload's time; the latest possible time if there is no file."""
        path = Path(self.settings.folders.console) / UPLOADED
        zone = self.status().at.tzinfo
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, zone)
        except OSError:
            return datetime.max.replace(tzinfo=zone)


def _note(connection: sqlite3.Connection, went: HelperResult) -> None:
    """Write a result to the audit once, however often the service starts."""
    # The result stays in /run, and each start of the service reads it.
    what = DONE if went.is_well else NOT_DONE
    if any(one.at == went.at for one in database.latest(connection, what)):
        return
    with transaction(connection):
        database.note(connection, Noted(went.at, went.by, what))


def _plain(went: HelperResult) -> Reply:
    return {
        "at": went.at.isoformat(),
        "by": went.by,
        "well": went.is_well,
        "said": plain(went.said),
    }


def _stick(stick: backup.BackupStick) -> Reply:
    return {
        "name": stick.label or stick.uuid,
        "since": stick.since.isoformat(),
        "done": stick.done.isoformat() if stick.done else None,
        "well": stick.well,
        "said": plain(stick.words),
    }
