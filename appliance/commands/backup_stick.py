"""`centralino backup --stick`: a sealed backup on the USB stick that was set up for it; as root.

The stick is mounted in a name space of this process's own (PrivateMounts=yes in the unit), written,
unmounted, mounted again for reading, and read back whole: only what it gives again counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.commands.options import load_settings
from appliance.commands.sticks import KINDS, LIMIT_S, mounted
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Refused, Words
from appliance.service import backup, restore
from appliance.service.backup import Stick
from appliance.service.supervision import Asked, Went
from appliance.store.backup import checked_passphrase

if TYPE_CHECKING:
    from appliance.config.schema import Settings

SEALED: Final = "centralino-*.backup"
WRITTEN: Final = Words(
    "Copia di sicurezza {} scritta sulla chiavetta {} e riletta per intero.",
    "Backup {} written onto the stick {} and read back whole.",
)
NONE_PLUGGED: Final = (
    "nessuna chiavetta USB con un file system (FAT32, exFAT, ext4) è inserita: inserirne una sola",
    "no USB stick with a file system (FAT32, exFAT, ext4) is plugged in: plug in one",
)
SEVERAL: Final = (
    "sono inserite più chiavette ({}): lasciare soltanto quella per le copie",
    "several sticks are plugged in ({}): leave only the one for backups",
)
NOT_PLUGGED: Final = (
    "la chiavetta delle copie ({}) non è inserita",
    "the backup stick ({}) is not plugged in",
)
NOT_GIVEN_BACK: Final = (
    "la chiavetta non restituisce ciò che vi è stato scritto: sostituirla",
    "the stick does not give back what was written onto it: replace it",
)
NOT_SET_UP: Final = (
    "nessuna chiavetta preparata per le copie: pagina Copia, o centralino backup --stick",
    "no stick is set up for backups: page Backup and restore, or centralino backup --stick",
)


@dataclass(frozen=True, slots=True)
class Device:
    """A file system on a USB stick."""

    path: str
    uuid: str
    label: str


Devices = Callable[[], list[Device]]


def plugged() -> list[Device]:
    """List the file systems of USB sticks that are plugged in; raises Refused, OSError."""
    asked = ("lsblk", "--json", "--paths", "--output", "PATH,TRAN,FSTYPE,UUID,LABEL")
    done = subprocess.run(asked, capture_output=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        why = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise Refused(f"lsblk non risponde: {why}", f"lsblk does not answer: {why}")
    return devices_of(json.loads(done.stdout))


def devices_of(told: dict[str, list[dict[str, object]]]) -> list[Device]:
    """Find the file systems of USB sticks in what lsblk tells: of a stick, or of its partitions."""
    found: list[Device] = []
    for disk in told.get("blockdevices", []):
        if disk.get("tran") == "usb":
            found += _file_systems(disk)
    return found


def _file_systems(one: dict[str, object]) -> list[Device]:
    children = one.get("children")
    inner = [each for each in children if isinstance(each, dict)] if children else []  # type: ignore[attr-defined]  # a list, by lsblk(8)
    found = [device for each in inner for device in _file_systems(each)]
    if one.get("fstype") in KINDS and one.get("uuid"):
        texts = (str(one["path"]), str(one["uuid"]), str(one.get("label") or ""))
        found.append(Device(*texts))
    return found


@dataclass(frozen=True, slots=True)
class Helper:
    """One turn of the helper, on a box with this configuration; `run` is the desk's folder."""

    config: Path
    run: Path
    devices: Devices = plugged

    def turn(self) -> Words:
        """Do what is asked for, and answer; nothing where nothing was. Raises as it fails."""
        asked = backup.take(self.run)
        if asked is None:
            return NOTHING
        try:
            said = self.set_up(asked) if asked.passphrase else self.write()
        except (CentralinoError, OSError) as error:
            backup.tell(self.run, Went(self._now(), False, words_of(error)))
            raise
        backup.tell(self.run, Went(self._now(), True, said))
        return said

    def set_up(self, asked: Asked) -> Words:
        """Take the one stick that is plugged in for backups, once it has got a whole one."""
        settings = load_settings(self.config)
        state, phrase = Path(settings.folders.state), checked_passphrase(asked.passphrase)
        device = self._the_only_one()
        stick = Stick(device.uuid, device.label, asked.by, self._now())
        with _tried(state, stick, phrase):
            went = self._written(settings, device, phrase)
            backup.keep_stick(state, backup.heard(stick, went))
        return went.said

    def write(self) -> Words:
        """Write a backup onto the stick that was set up, and keep what came of it."""
        settings = load_settings(self.config)
        state = Path(settings.folders.state)
        stick = backup.load_stick(state)
        if stick is None:
            raise Refused(*NOT_SET_UP)
        try:
            phrase = load_text(state / backup.PHRASE)
            went = self._written(settings, self._plugged(stick), checked_passphrase(phrase))
        except (CentralinoError, OSError) as error:
            tried = Went(self._now(), False, words_of(error))
            backup.keep_stick(state, backup.heard(stick, tried))
            raise
        backup.keep_stick(state, backup.heard(stick, went))
        return went.said

    def _the_only_one(self) -> Device:
        found = self.devices()
        if not found:
            raise Refused(*NONE_PLUGGED)
        if len(found) > 1:
            names = ", ".join(f"{one.label or one.uuid} {one.path}" for one in found)
            raise Refused(SEVERAL[0].format(names), SEVERAL[1].format(names))
        return found[0]

    def _plugged(self, stick: Stick) -> Device:
        for device in self.devices():
            if device.uuid == stick.uuid:
                return device
        name = stick.label or stick.uuid
        raise Refused(NOT_PLUGGED[0].format(name), NOT_PLUGGED[1].format(name))

    def _written(self, settings: Settings, device: Device, phrase: str) -> Went:
        at = self._now()
        with mounted(device.path, is_written=True) as folder:
            make_room(folder, Path(settings.folders.state), settings.backup.keep)
            name = _free_name(folder, at)
            backup.write_backup(settings, self.config, folder / name, phrase, at)
        try:
            # mounted anew, so that nothing of it is left in memory
            with mounted(device.path, is_written=False) as folder:
                restore.read_whole(folder / name, phrase)
        except (Refused, OSError) as error:
            # it must not count among those that are kept
            with mounted(device.path, is_written=True) as folder:
                (folder / name).unlink(missing_ok=True)
            raise Refused(*NOT_GIVEN_BACK) from error
        called = device.label or device.uuid
        return Went(
            at, True, Words(WRITTEN.it.format(name, called), WRITTEN.en.format(name, called))
        )

    def _now(self) -> datetime:
        zone = ZoneInfo(load_settings(self.config).site.zone)
        return datetime.now(zone).replace(microsecond=0)


@contextlib.contextmanager
def _tried(state: Path, stick: Stick, phrase: str) -> Iterator[None]:
    """Keep which stick it is while its first backup is written: it is in that backup, and who puts
    it back goes on by itself. Where it fails, what stood before is put back.
    """
    stood, before = backup.load_stick(state), load_text(state / backup.PHRASE)
    atomic_write(state / backup.PHRASE, phrase)
    backup.keep_stick(state, stick)
    try:
        yield
    except BaseException:
        backup.forget(state)
        if stood is not None:
            atomic_write(state / backup.PHRASE, before)
            backup.keep_stick(state, stood)
        raise


def make_room(folder: Path, state: Path, keep: int) -> None:
    """Take the oldest backups away: all beyond `keep`, and more where the next would not fit.

    The newest one always stays.
    """
    kept = sorted(folder.glob(SEALED))
    wanted = backup.size_of(state)
    while len(kept) > 1:
        usage = os.statvfs(folder)
        if len(kept) < max(1, keep) and usage.f_bavail * usage.f_frsize > wanted:
            return
        kept.pop(0).unlink()


def _free_name(folder: Path, at: datetime) -> str:
    """Name a backup by its time; a second one of the same second sorts after the first."""
    name = f"centralino-{at:%Y%m%d-%H%M%S}"
    while (folder / f"{name}.backup").exists():
        name += "_"
    return f"{name}.backup"
