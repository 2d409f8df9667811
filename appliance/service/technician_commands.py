"""Commands of technicians: run a check or a backup, restart a line.

The database thread checks the permission and writes the audit; then the deciding thread acts.
"""

from __future__ import annotations

import queue
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import check_may
from appliance.api.protocol import (
    DeferredReply,
    Reply,
    SendReply,
    declined,
    deferred,
    plain,
    user_of,
)
from appliance.config.schema import sections
from appliance.errors import CentralinoError, OfficeError
from appliance.files import make_shared
from appliance.media.messages import (
    RestartLine,
)
from appliance.policy.privacy import mask_journal
from appliance.policy.text import Refused, Words, os_error_words
from appliance.policy.users import Permission
from appliance.service.backup import MADE, UPLOADED
from appliance.service.jobs import JobResult, Jobs
from appliance.store import database
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, transaction
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.loop import CallControl
    from appliance.service.media_link import MediaLink
    from appliance.service.stores import Stores

LONGEST_PHRASE: Final = 200
# A backup made in the browser is deleted after a day: it holds callers' numbers.
KEPT_S: Final = 24 * 3600.0
LOOKS_S: Final = 600.0
# Bytes of a small job's largest file: a spoken sheet takes a quarter of that.
SMALL: Final = 4_000_000
BEGUN: Final = Words("Avviato: il risultato appare qui.", "Begun: what comes of it shows here.")
GONE: Final = Words("Eliminato.", "Deleted.")
NO_ROOM: Final = (
    "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
    "there is not enough free space on the disk: messages come first",
)
NO_FILE: Final = (
    "non è stato caricato nessun file: caricarlo prima",
    "no file has been uploaded: upload it first",
)


@dataclass(frozen=True, slots=True)
class JobView:
    """One kind of job: its audit code and its command line."""

    code: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A permitted job that waits for its start, with the callback for the reply."""

    name: str
    words: tuple[str, ...]
    typed: str
    most_bytes: int
    tell: SendReply


@dataclass(slots=True)
class JobCommands:
    """Handlers for check and backup: permission in the database thread, start by `look`."""

    stores: Stores
    settings: Settings
    complaint: Words
    jobs: Jobs
    now: Callable[[], Now]
    last: dict[str, tuple[datetime, JobResult]] = field(default_factory=dict)
    _allowed: SimpleQueue[_Allowed] = field(default_factory=SimpleQueue)
    _looked_at: float = 0.0

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Handlers by command name."""
        return {
            "settings": self.shown,
            "chores": self.told,
            "config_check": lambda question: self._asked("config_check", question),
            "backup_make": lambda question: self._asked("backup_make", question),
            "backup_check": lambda question: self._asked("backup_check", question),
            "backup_fetch": lambda question: self._noted("backup.fetch", question),
            "backup_drop": lambda question: self._noted("backup.drop", question),
        }

    def shown(self, _: dict[str, Any]) -> Reply:
        """Return the configuration in force by section, numbers hidden (P7), and its mistakes."""
        wrong = Words(mask_journal(self.complaint.it), mask_journal(self.complaint.en))
        return {"sections": sections(self.settings), "complaint": plain(wrong)}

    def told(self, _: dict[str, Any]) -> Reply:
        """Return the running job, and the last result of each kind."""
        last = {
            name: {"at": at.isoformat(), "well": ended.is_well, "said": _shown(name, ended)}
            for name, (at, ended) in self.last.items()
        }
        return {"running": self.jobs.running, "last": last}

    def _noted(self, code: str, question: dict[str, Any]) -> DeferredReply:
        """Audit the download of the backup made here, or delete it."""
        by, at = user_of(question), self.now().wall

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, code))
            if code == "backup.drop":
                self._made.unlink(missing_ok=True)
            return {"said": plain(GONE)}

        return deferred(self.stores.records, job, declined)

    def hand_over(
        self,
        name: str,
        words: tuple[str, ...],
        typed: str,
        tell: SendReply,
        most_bytes: int = SMALL,
    ) -> None:
        """Queue a job that another handler has permitted; from any thread."""
        self._allowed.put(_Allowed(name, words, typed, most_bytes, tell))

    def look(self) -> None:
        """Report ended jobs, start permitted ones, delete an old backup."""
        self.jobs.look()
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(declined(self._begin(allowed)))
        if time.monotonic() >= self._looked_at + LOOKS_S:
            self._looked_at = time.monotonic()
            self.stores.records.do(lambda _: self._take_away_old(), lambda _: None)

    @property
    def _made(self) -> Path:
        return Path(self.settings.folders.state) / MADE

    @property
    def _uploaded(self) -> Path:
        return Path(self.settings.folders.console) / UPLOADED

    def _kinds(self) -> dict[str, JobView]:
        typed = ("--passphrase-file", "/dev/stdin")
        return {
            "config_check": JobView("config.check", ("check",)),
            "backup_make": JobView("backup.make", ("backup", str(self._made), *typed)),
            "backup_check": JobView(
                "backup.check", ("restore", str(self._uploaded), "--check", *typed)
            ),
        }

    def _asked(self, name: str, question: dict[str, Any]) -> DeferredReply:
        by, at, typed = user_of(question), self.now().wall, _phrase(question)

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            most = self._prepared(name, typed)
            with transaction(connection):
                database.note(connection, Noted(at, by, self._kinds()[name].code))
            return most

        def later(tell: SendReply) -> None:
            def done(result: int | CentralinoError) -> None:
                if isinstance(result, int):
                    self._allowed.put(
                        _Allowed(name, self._kinds()[name].words, typed, result, tell)
                    )
                else:
                    tell(declined(result))

            try:
                self.jobs.check_free()
            except Refused as refused:
                tell(declined(refused))
                return
            self.stores.records.do(job, done)

        return later

    def _prepared(self, name: str, typed: str) -> int:
        """Return the largest file (bytes) that a job may write; raises Refused without room."""
        # What messages need is not free (spare_bytes).
        free = spare_bytes(Path(self.settings.folders.state))
        if name == "backup_make":
            checked_passphrase(typed)
            # write_backup replaces no file: the former backup goes first.
            self._made.unlink(missing_ok=True)
            make_shared(self._made.parent)
        if name == "backup_check":
            if not self._uploaded.exists():
                raise Refused(*NO_FILE)
            free -= self._uploaded.stat().st_size
        if free <= 0:
            raise Refused(*NO_ROOM)
        # Half: a backup copies the database first, then writes the archive.
        return free // 2

    def _begin(self, allowed: _Allowed) -> Reply | CentralinoError:
        def then(ended: JobResult) -> None:
            self.last[allowed.name] = (self.now().wall, ended)

        try:
            self.jobs.begin(allowed.words, allowed.typed, allowed.most_bytes, then)
        except Refused as refused:
            return refused
        except OSError as error:
            why = os_error_words(error)
            return Refused(f"non è possibile: {why.it}", f"it cannot be done: {why.en}")
        self.last.pop(allowed.name, None)
        return {"said": plain(BEGUN)}

    def _take_away_old(self) -> None:
        made = self._made
        if made.exists() and made.stat().st_mtime + KEPT_S < self.now().wall.timestamp():
            made.unlink()


def _shown(name: str, ended: JobResult) -> Reply:
    """Return a job's output for the page, without numbers for a check (P7)."""
    said = ended.said
    # Mistakes quote the configuration; a backup's output has a date, which masking would hide.
    return plain(
        Words(mask_journal(said.it), mask_journal(said.en)) if name == "config_check" else said
    )


def _phrase(question: dict[str, Any]) -> str:
    # The child reads the first line of its input: a newline would cut the passphrase.
    phrase = question.get("passphrase", "")
    if not isinstance(phrase, str) or len(phrase) > LONGEST_PHRASE or "\n" in phrase:
        raise OfficeError(f"a passphrase is a line of at most {LONGEST_PHRASE} characters")
    return phrase


LINE_RESTART: Final = "line.restart"
"""Audit code."""


@dataclass(frozen=True, slots=True)
class _AllowedRestart:
    """A permitted line restart, with the callback for the reply."""

    line: str
    even_in_call: bool
    tell: SendReply


@dataclass(frozen=True, slots=True)
class LineRestarts:
    """Handler for line restarts: permission in the database thread, order by `look`."""

    stores: Stores
    desk: CallControl
    carrier: MediaLink
    _allowed: queue.SimpleQueue[_AllowedRestart] = field(default_factory=queue.SimpleQueue)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Handlers by command name."""
        return {"line_restart": self.asked}

    def asked(self, question: dict[str, Any]) -> DeferredReply:
        """Restart a line: put it on hook, reopen its port; with a call only if `even_in_call`."""
        by, line = user_of(question), str(question.get("line", ""))[:64]
        even, at = question.get("even_in_call") is True, self.desk.now().wall

        def later(tell: SendReply) -> None:
            if refused := self._refusal(line, even_in_call=even):
                tell(declined(refused))
                return

            def job(connection: sqlite3.Connection) -> None:
                check_may(connection, by, Permission.TECHNICAL)
                with transaction(connection):
                    database.note(connection, Noted(at, by, LINE_RESTART, line))

            def done(result: CentralinoError | None) -> None:
                if result is None:
                    self._allowed.put(_AllowedRestart(line, even, tell))
                else:
                    tell(declined(result))

            self.stores.records.do(job, done)

        return later

    def look(self) -> None:
        """Send the permitted restarts; in the deciding thread."""
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(self._restart(allowed))

    def _restart(self, allowed: _AllowedRestart) -> Reply | CentralinoError:
        # Checked again: a call may have come while the database thread looked up the permission.
        if refused := self._refusal(allowed.line, even_in_call=allowed.even_in_call):
            return declined(refused)
        self.carrier.send(RestartLine(allowed.line))
        return {"said": plain(_restarted(allowed.line))}

    def _refusal(self, name: str, *, even_in_call: bool) -> Refused | None:
        """Return the reason not to restart the line now; None if none."""
        line = next((one for one in self.desk.status().lines if one.name == name), None)
        if line is None:
            return Refused(f"non c'è una linea {name!r}", f"there is no line {name!r}")
        if line.call and not even_in_call:
            return Refused(
                f"sulla linea {name} c'è una chiamata: attendere che finisca, o confermare "
                "che può cadere",
                f"there is a call on line {name}: wait for its end, or confirm that it may be cut",
            )
        if not self.carrier.connected:
            return Refused(
                "il processo delle linee si sta avviando: le linee ripartono con esso",
                "the lines' process is being started: the lines start with it",
            )
        return None


def _restarted(line: str) -> Words:
    return Words(
        f"La linea {line} viene riagganciata e la sua porta riaperta: lo stato si vede qui sopra.",
        f"Line {line} is put on hook and its port opened again: its state shows above.",
    )
