"""Writes a sealed backup onto the backup target, reads it back, and takes the oldest away.

It is made on the card first, sent under a name that counts for nothing, read back whole and
compared by its digest, and renamed: what bears a backup's name there is one. All of it is done with
the service's own rights, by a child of the desk's or a technician's command.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from appliance.daemon import backup, backup_target, target_sftp
from appliance.daemon.backup_places import MADE
from appliance.daemon.backup_target import PASSWORD, PHRASE, Address, Target, address_of
from appliance.daemon.secret_files import SECRETS
from appliance.daemon.stores import database_path
from appliance.errors import CentralinoError
from appliance.files import acting_for, atomic_write, load_text, make_private, make_shared
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused, Words
from appliance.store.backup import checked_passphrase
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings

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


class Place(Protocol):
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


def place_of(address: Address, state: Path, accepted: Accepted, work: Path) -> Place:
    """Make the folder that an address names; SMB's library is loaded where it is used."""
    if address.kind == "sftp":
        return target_sftp.Sftp(address, accepted.host_key, state, work)
    from appliance.daemon.target_smb import Smb

    return Smb(address, accepted.password)


Places = Callable[[Address, Path, Accepted, Path], Place]


@dataclass(frozen=True, slots=True)
class TargetBackup:
    """The target of one box."""

    settings: Settings
    config: Path
    now: Callable[[], datetime]
    places: Places = place_of

    def set_up(self, accepted: Accepted) -> Words:
        """Take the configured folder for backups, once it has got a whole one; raises Refused."""
        address = address_of(self.settings.backup.target)
        checked_passphrase(accepted.passphrase)
        before = backup_target.load(self._state)
        mark = before.mark if before else secrets.token_hex(2)
        target = Target(
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
                place = self.places(address_of(target.address), self._state, accepted, work)
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
    def _place(self) -> Iterator[Place]:
        """Give the folder to look into; not with the service's rights: a file of root's may go
        anywhere. Nothing of ours is written but the server's key.
        """
        target = backup_target.in_force(self.settings)
        with tempfile.TemporaryDirectory(prefix="centralino-target-") as work:
            accepted = self._accepted(target)
            yield self.places(address_of(target.address), self._state, accepted, Path(work))

    def _accepted(self, target: Target) -> Accepted:
        folder = self._state / SECRETS
        phrase, password = (load_text(folder / name) for name in (PHRASE, PASSWORD))
        return Accepted(checked_passphrase(phrase), target.host_key, password)

    @contextlib.contextmanager
    def _tried(self, target: Target, accepted: Accepted) -> Iterator[None]:
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
        self, target: Target, place: Place, accepted: Accepted, work: Path
    ) -> tuple[Target, Words]:
        """Write one, read it back, rename it, take the oldest away; raises Refused, OSError."""
        at = self.now()
        host = address_of(target.address).host
        name = f"centralino-{at:%Y%m%d-%H%M%S}-{target.mark}"
        own = re.compile(rf"centralino-\d{{8}}-\d{{6}}-{target.mark}({SEALED}|{DRAFT})")
        for left in place.listed():
            if own.fullmatch(left) and left.endswith(DRAFT):
                place.remove(left)
        file = work / name
        if spare_bytes(self._state) < 2 * backup.size_of(self._state):
            raise Refused(*NO_ROOM)
        backup.write(self.settings, self.config, file, accepted.passphrase, at)
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
def _taken_away(place: Place, name: str) -> Iterator[None]:
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
