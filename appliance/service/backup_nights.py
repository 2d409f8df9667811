"""Backups to the network folder: sealed, written, read back, tried again until done."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from appliance.api.permissions import check_may
from appliance.api.protocol import (
    DeferredReply,
    Reply,
    declined,
    deferred,
    plain,
    refusing,
    user_of,
)
from appliance.config.state_folder import SECRETS
from appliance.config.values import BackupAddress, backup_address
from appliance.errors import CentralinoError, OfficeError
from appliance.files import acting_for, atomic_write, load_text, make_private, make_shared
from appliance.policy.text import Refused, Words, words_of
from appliance.policy.users import Permission
from appliance.service import backup, backup_target, nightly
from appliance.service.backup import MADE
from appliance.service.backup_target import NO_ANSWER, PASSWORD, PHRASE, BackupTarget
from appliance.store import database, outbox
from appliance.store.backup import checked_passphrase
from appliance.store.database import Noted, database_path, transaction
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.jobs import JobResult, Jobs
    from appliance.service.nightly import Night
    from appliance.service.stores import Stores
    from appliance.store.database import Trouble
    from appliance.store.writer import DatabaseWriter


# It is made on the card first, sent under a name that counts for nothing, read back whole and
# compared by its digest, and renamed: what bears a backup's name there is one. All of it is done
# with the service's own rights, by a child of call control's or a technician's command.

WORK: Final = "backups/target"
"""Below the state folder: where a backup lies until it has been sent."""
DRAFT: Final = ".part"
SEALED: Final = ".backup"
_BACKUP: Final = re.compile(r"centralino-\d{8}-\d{6}-[0-9a-f]{4}\.backup")
WRITTEN: Final = Words(
    "Copia di sicurezza {} scritta su {} e riletta per intero.",
    "Backup {} written to {} and read back whole.",
)
PREPARED: Final = Words(
    "Cartella di rete {} preparata. Qui non c'è ancora nulla da salvare.",
    "Network folder {} set up. There is nothing to back up here yet.",
)
FORGOTTEN: Final = Words(
    "Da ora nessuna copia va sulla cartella di rete. Quelle che vi stanno restano sigillate. "
    "Togliere anche backup.target dalla configurazione.",
    "From now on no backup goes to the network folder. Those on it stay sealed. Take backup.target "
    "out of the configuration too.",
)
NOT_GIVEN_BACK: Final = (
    "{} non restituisce ciò che vi è stato scritto: controllare i suoi dischi",
    "{} does not give back what was written there: look at its disks",
)
NO_ROOM: Final = (
    "sulla scheda di memoria non c'è spazio per preparare la copia: i messaggi vengono prima",
    "there is no room on the memory card to make the backup: messages come first",
)
BUSY: Final = (
    "una copia sulla cartella di rete è già in corso: attendere che finisca",
    "a backup to the network folder is being made already: wait for its end",
)


class TargetPlace(Protocol):
    """A folder of another machine; whatever fails is Refused in words."""

    def listed(self) -> dict[str, int]:
        """Return the files there and their sizes."""

    def put(self, file: Path, name: str) -> None:
        """Write a file there."""

    def get(self, name: str, to: Path, size: int, /) -> None:
        """Fetch a file of about that size."""

    def rename(self, old: str, new: str) -> None:
        """Give a file its name."""

    def remove(self, name: str) -> None:
        """Take a file away."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What somebody accepts who sets the target up: the server's key, or the account's password."""

    passphrase: str
    host_key: str = ""
    password: str = ""


def place_of(address: BackupAddress, state: Path, accepted: Accepted, work: Path) -> TargetPlace:
    """Make the folder that an address names; SMB's library is loaded where it is used."""
    if address.kind == "sftp":
        return backup_target.Sftp(address, accepted.host_key, state, work)
    from appliance.service.backup_smb import Smb

    return Smb(address, accepted.password)


Places = Callable[[BackupAddress, Path, Accepted, Path], TargetPlace]


@dataclass(frozen=True, slots=True)
class TargetBackup:
    """The target of one box."""

    settings: Settings
    config: Path
    now: Callable[[], datetime]
    places: Places = place_of

    def set_up(self, accepted: Accepted) -> Words:
        """Take the configured folder for backups, once it has got a whole one; raises Refused."""
        address = backup_address(self.settings.backup.target)
        checked_passphrase(accepted.passphrase)
        before = backup_target.load(self._state)
        mark = before.mark if before else secrets.token_hex(2)
        target = BackupTarget(
            self.settings.backup.target, accepted.host_key, mark, getpass.getuser(), self.now()
        )
        with self._alone() as work:
            place = self.places(address, self._state, accepted, work)
            said = Words(*(text.format(address.host) for text in (PREPARED.it, PREPARED.en)))
            place.listed()
            with self._tried(target, accepted):
                if database_path(self._state).exists():
                    target, said = self._written(target, place, accepted, work)
                backup_target.keep(self._state, target)
        return said

    def write(self) -> Words:
        """Write a backup to the target that was set up, and keep what came of it."""
        target = backup_target.in_force(self.settings)
        try:
            with self._alone() as work:
                accepted = self._accepted(target)
                place = self.places(backup_address(target.address), self._state, accepted, work)
                target, said = self._written(target, place, accepted, work)
                backup_target.keep(self._state, target)
        except _Busy:
            raise
        except (CentralinoError, OSError) as error:
            failed = replace(target, tried=self.now(), well=False, words=words_of(error))
            with acting_for(self._state):
                backup_target.keep(self._state, failed)
            raise
        return said

    def names(self) -> list[str]:
        """List the backups there, also another box's, the oldest first; raises Refused."""
        with self._place() as place:
            return sorted(name for name in place.listed() if _BACKUP.fullmatch(name))

    def fetch(self, name: str, to: Path) -> Words:
        """Fetch a backup into a new file; raises Refused, OSError."""
        if to.exists():
            raise Refused(
                f"{to} esiste già: dare un altro nome", f"{to} is there already: name another"
            )
        to = to.absolute()
        folder = tempfile.TemporaryDirectory(prefix=".centralino-", dir=to.parent)
        with self._place() as place, folder as beside:
            size = place.listed().get(name)
            if size is None:
                raise Refused(f"{name} non c'è: centralino backup-target list", f"no {name} there")
            part = Path(beside) / "fetched"
            place.get(name, part, size)
            part.rename(to)
        return Words(
            f"{name} è in {to}: ripristinarla con centralino restore {to}",
            f"{name} is in {to}: put it back by centralino restore {to}",
        )

    def forget(self) -> Words:
        """Write there no more; raises OSError."""
        with acting_for(self._state):
            backup_target.forget(self._state)
            (self._state / backup_target.OFFERED).unlink(missing_ok=True)
        return FORGOTTEN

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    @contextlib.contextmanager
    def _place(self) -> Iterator[TargetPlace]:
        """Give the folder to look into; not with the service's rights: a file of root's may go
        anywhere. Nothing of ours is written but the server's key.
        """
        target = backup_target.in_force(self.settings)
        with tempfile.TemporaryDirectory(prefix="centralino-target-") as work:
            accepted = self._accepted(target)
            yield self.places(backup_address(target.address), self._state, accepted, Path(work))

    def _accepted(self, target: BackupTarget) -> Accepted:
        folder = self._state / SECRETS
        phrase, password = (load_text(folder / name) for name in (PHRASE, PASSWORD))
        return Accepted(checked_passphrase(phrase), target.host_key, password)

    @contextlib.contextmanager
    def _tried(self, target: BackupTarget, accepted: Accepted) -> Iterator[None]:
        """Keep what is accepted while the first backup is written: it is in that backup, and who
        puts it back goes on by itself. Where it fails, what stood before is put back.
        """
        folder = self._state / SECRETS
        make_private(folder)
        secret = {folder / PHRASE: accepted.passphrase, folder / PASSWORD: accepted.password}
        before = {path: path.read_bytes() for path in secret if path.exists()}
        stood = backup_target.load(self._state)
        for path, text in secret.items():
            atomic_write(path, text)
        backup_target.keep(self._state, target)
        try:
            yield
        except BaseException:
            backup_target.forget(self._state)
            for path, data in before.items():
                atomic_write(path, data)
            if stood is not None:
                backup_target.keep(self._state, stood)
            raise

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Path]:
        """Have the working folder to itself, empty, with the rights of the service; raises Refused.

        What a killed one has left is taken away.
        """
        with acting_for(self._state):
            make_shared((self._state / MADE).parent)
            work = self._state / WORK
            make_private(work)
            descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                _lock(descriptor)
                _empty(work)
                yield work
                _empty(work)
            finally:
                os.close(descriptor)

    def _written(
        self, target: BackupTarget, place: TargetPlace, accepted: Accepted, work: Path
    ) -> tuple[BackupTarget, Words]:
        """Write one, read it back, rename it, take the oldest away; raises Refused, OSError."""
        at = self.now()
        host = backup_address(target.address).host
        name = f"centralino-{at:%Y%m%d-%H%M%S}-{target.mark}"
        own = re.compile(rf"centralino-\d{{8}}-\d{{6}}-{target.mark}({SEALED}|{DRAFT})")
        for left in place.listed():
            if own.fullmatch(left) and left.endswith(DRAFT):
                place.remove(left)
        file = work / name
        if spare_bytes(self._state) < 2 * backup.size_of(self._state):
            raise Refused(*NO_ROOM)
        backup.write_backup(self.settings, self.config, file, accepted.passphrase, at)
        size, digest = file.stat().st_size, _digest(file)
        with _taken_away(place, f"{name}{DRAFT}"):
            place.put(file, f"{name}{DRAFT}")
            file.unlink()
            place.get(f"{name}{DRAFT}", file, size)
            if (file.stat().st_size, _digest(file)) != (size, digest):
                raise Refused(*(text.format(host) for text in NOT_GIVEN_BACK))
            place.rename(f"{name}{DRAFT}", f"{name}{SEALED}")
        found = place.listed()
        if found.get(f"{name}{SEALED}") != size:
            raise Refused(*(text.format(host) for text in NOT_GIVEN_BACK))
        kept = sorted(one for one in found if own.fullmatch(one) and one.endswith(SEALED))
        for old in kept[: -max(1, self.settings.backup.keep)]:
            place.remove(old)
        said = Words(*(t.format(f"{name}{SEALED}", host) for t in (WRITTEN.it, WRITTEN.en)))
        return replace(target, done=at, tried=at, well=True, words=said), said


class _Busy(Refused):
    """Raised where another one is being made: that one keeps what comes of it."""


@contextlib.contextmanager
def _taken_away(place: TargetPlace, name: str) -> Iterator[None]:
    """Leave no piece there of one that failed, as far as the server lets us."""
    try:
        yield
    except (CentralinoError, OSError):
        with contextlib.suppress(CentralinoError, OSError):
            place.remove(name)
        raise


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _Busy(*BUSY) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# A child writes it, of which only one runs: a server that hangs holds up no other work. What is
# wrong is on the page, the LED and in the figures, and is mailed where somebody is named.

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
class TargetJob:
    """What somebody asks for on the page: a command, what it reads, whether it waits for calls."""

    words: tuple[str, ...] = COMMAND
    typed: str = ""
    waits: bool = True


class TargetNights:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(
        self,
        settings: Settings,
        records: DatabaseWriter,
        jobs: Jobs,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._settings, self._records, self._jobs = settings, records, jobs
        self._on_trouble = on_trouble
        self._state, self._zone = Path(settings.folders.state), ZoneInfo(settings.site.zone)
        self._look_at, self._not_before = 0.0, 0.0
        self._asked: TargetJob | None = None
        self._is_due = False
        self._trouble: Trouble | None = None
        self._mailed = ""
        self.target: BackupTarget | None = None
        """The target that was set up, as it was at the last look."""
        self.last: tuple[datetime, JobResult] | None = None
        """What came of the last look at the server, or of the last set-up, since the start."""

    @property
    def is_waiting(self) -> bool:
        """Whether something is being done, or has been asked for."""
        return self._asked is not None or bool(self._jobs.running)

    def ask(self, wish: TargetJob = TargetJob()) -> None:
        """Have a backup written at the next moment without a call, or something else done."""
        self._asked = wish

    def stop(self) -> None:
        """End what is running."""
        self._jobs.stop()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> None:
        """Look once a minute how it stands; begin one that is due, or asked for, without a call."""
        if not self._settings.backup.target:
            return
        self._jobs.look()
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + LOOK_S
            self._look(now)
        wish = self._asked
        if wish is None and self._is_due and now.monotonic >= self._not_before:
            wish = TargetJob()
        if wish is not None and not self._jobs.running and (not wish.waits or is_idle()):
            self._begin(now, wish)

    def _look(self, now: Now) -> None:
        self.target = backup_target.load(self._state)
        last = nightly.load_night(self._state)
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
            self._records.do(lambda connection: outbox.queue_mail(connection, mail, now, domain))

    def _begin(self, now: Now, wish: TargetJob) -> None:
        started = now.wall

        def ended(ended: JobResult) -> None:
            if wish.words == COMMAND:
                self._ended(ended, started)
            else:
                self.last = (started, ended)
            self._look_at = 0.0

        try:
            self._jobs.begin(wish.words, wish.typed, MOST_BYTES, ended)
        except (Refused, OSError) as error:
            log.info("the backup to the network folder waits: %s", error)
            self._not_before = now.monotonic + BUSY_S
        else:
            self._not_before = now.monotonic + AGAIN_S
        self._asked = None

    def _ended(self, ended: JobResult, started: datetime) -> None:
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


def _is_due(settings: Settings, target: BackupTarget | None, last: Night | None) -> bool:
    """Tell whether the last night's work is not on the target yet; of damaged records none is."""
    if target is None or last is None or last.damaged or backup_target.wanted(settings, target).en:
        return False
    return target.done is None or target.done < last.at


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class TargetCommands:
    """What the technician's page asks of it."""

    stores: Stores
    settings: Settings
    nights: TargetNights
    now: Callable[[], Now]

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "backup_target": self.told,
            "backup_target_write": self.write,
            "backup_target_look": self.look,
            "backup_target_set_up": self.set_up,
        }

    def told(self, _: dict[str, Any]) -> DeferredReply:
        """Say which folder gets a backup each night and how old its last is, with our own key."""
        address = self.settings.backup.target
        state = Path(self.settings.folders.state)
        waiting, last = self.nights.is_waiting, self.nights.last

        def job(_: sqlite3.Connection) -> Reply:
            target = backup_target.load(state)
            wrong = backup_target.wanted(self.settings, target)
            key = backup_target.made_key(state) if address.startswith("sftp:") else ""
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

    def write(self, question: dict[str, Any]) -> DeferredReply:
        """Have a backup written there now."""
        return self._begun(question, ASKED, TargetJob(), BEGUN)

    def look(self, question: dict[str, Any]) -> DeferredReply:
        """Have the server asked for its key, which is then shown."""
        return self._begun(question, KEY_ASKED, TargetJob(LOOK, waits=False), LOOKS)

    def set_up(self, question: dict[str, Any]) -> DeferredReply:
        """Have the configured folder set up, by the key that was shown or the account's password.

        Raises OfficeError, Refused.
        """
        given = {name: question.get(name, "") for name in ("host_key", "passphrase", "password")}
        if not all(isinstance(text, str) and len(text) <= LONGEST for text in given.values()):
            raise OfficeError(f"key, passphrase and password are texts of at most {LONGEST}")
        checked_passphrase(given["passphrase"])
        if self.settings.backup.target.startswith("sftp:") and not given["host_key"]:
            raise Refused(*NO_KEY_YET)
        wish = TargetJob(SET_UP, json.dumps(given))
        return self._begun(question, SET_UP_ASKED, wish, SETS_UP)

    def _begun(
        self, question: dict[str, Any], code: str, wish: TargetJob, said: Words
    ) -> DeferredReply:
        by, at = user_of(question), self.now().wall

        def job(connection: sqlite3.Connection) -> Reply:
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

    def _later(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        return deferred(self.stores.records, refusing(job), declined)


def _ended(at: datetime, ended: JobResult) -> Reply:
    return {"at": at.isoformat(), "well": ended.is_well, "said": plain(ended.said)}


def _told(target: BackupTarget) -> Reply:
    return {
        "since": target.since.isoformat(),
        "fingerprint": backup_target.fingerprint(target.host_key) if target.host_key else "",
        "done": target.done.isoformat() if target.done else None,
        "tried": target.tried.isoformat() if target.tried else None,
        "well": target.well,
        "said": plain(target.words),
    }
