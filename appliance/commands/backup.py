"""`box backup` and `centralino box restore`: all of the box in one sealed file, and back."""

from __future__ import annotations

import contextlib
import errno
import getpass
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.api import protocol
from appliance.api.technician_commands import ShowRestore
from appliance.commands.answering import answering, ask_secret, both_option
from appliance.commands.options import config_option, in_language, load_settings
from appliance.config.office import state_folder_of
from appliance.errors import CentralinoError, ConfigurationError, OfficeError
from appliance.files import atomic_write, load_text
from appliance.policy.text import Refused, capitalized, words_of
from appliance.service import backup as service_backup
from appliance.service import card_values, helper_requests
from appliance.service import restore as service_restore
from appliance.service.backup import (
    UNPACKED,
    UPLOADED,
    BackupStick,
    PluggedStick,
    backup_pieces,
)
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.store.age import checked_passphrase
from appliance.store.backup import check_sealed
from appliance.text import NOTHING, Words, _, joined

if TYPE_CHECKING:
    from appliance.commands.options import Command
    from appliance.config.schema import Settings
    from appliance.service.backup import WrittenBackup
    from appliance.service.restore import RestorableBackup


# Restore on request, started by centralino-request@restore.path and at every boot: a restore that a
# power cut interrupted is finished first. It replaces only what the present configuration names: a
# console user who requests it is not the administrator.

# Seconds to wait until nobody is on the phone.
IDLE_S: Final = 600.0
LOOKS_S: Final = 0.5
STOP_S: Final = 60.0
UNITS: Final = ("centralino-console.service", "centralino.service")
# Deleted after a restore: users log in again, with the backup's passwords.
SESSIONS: Final = "sessions.db"
"""The console's sessions, in its folder."""
DONE: Final = _(
    "The backup is in place: what it held is in force, users and passwords "
    "too. What stood before is in {}: delete it when all is well, it holds "
    "callers' numbers."
)
ELSEWHERE: Final = _(
    "the backup names other folders or files than this box does: put it back "
    "by the command, as administrator"
)
NEVER_IDLE: Final = _("somebody was on the phone for ten minutes: nothing was changed, try again")
NO_FILE: Final = _("the uploaded file is gone: upload it again")


@dataclass(frozen=True, slots=True)
class RestoreHelper:
    """Root's restore helper for a configuration; `run` is call control's run folder."""

    config: Path
    run: Path
    idle_s: float = IDLE_S

    def turn(self) -> Words:
        """Execute a pending restore and write the result; raises Refused, OSError."""
        # Taken first: systemd starts this helper again as long as the request exists.
        asked = helper_requests.take_restore(self.run)
        plan = service_restore.plan_path(state_folder_of(self.config).absolute())
        if asked is None and not plan.exists():
            return NOTHING
        try:
            if plan.exists():
                kept, lacking = service_restore.finish(plan), NOTHING
            else:
                kept, lacking = self._put_back(asked)
        except (CentralinoError, OSError) as error:
            self._answer(asked, words_of(error), is_well=False)
            raise
        done = DONE.filled(", ".join(map(str, kept)))
        more = (lacking,) if lacking != NOTHING else ()
        said = joined(" ", (done, *more, *_lacking_on_card(state_folder_of(self.config))))
        self._answer(asked, said, is_well=True)
        return said

    def _answer(self, asked: HelperRequest | None, said: Words, *, is_well: bool) -> None:
        at = datetime.now(UTC).replace(microsecond=0)
        helper_requests.tell_restore(
            self.run, HelperResult(at, is_well, said, asked.by if asked else "")
        )

    def _put_back(self, asked: HelperRequest | None) -> tuple[tuple[Path, ...], Words]:
        """Unpack and check while the services run; stop them only for the renames.

        Returns the replaced files, and what the backup lacks.
        """
        assert asked is not None
        settings = load_settings(self.config)
        file = Path(settings.folders.console) / UPLOADED
        # The console's folder is another account's: root follows no link in it.
        if not file.is_file() or file.is_symlink():
            raise Refused(NO_FILE)
        beside = service_restore.workplace(state_folder_of(self.config).absolute())
        # Left by a killed restore.
        for left in beside.glob(f"{UNPACKED}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=beside) as folder:
            config = self.config.absolute()
            checked = service_restore.unpack(file, Path(folder), asked.passphrase, config)
            _check_places(checked, settings, config)
            # Unpacking and checking took time: calls may have come in.
            self._wait_for_idle()
            _systemctl("stop", *UNITS)
            try:
                return self._exchange(checked, settings, file), checked.lacking
            finally:
                # Whatever happened, the services run again; --no-block does not wait for them.
                _systemctl("start", "--no-block", *UNITS)

    def _exchange(
        self, checked: RestorableBackup, settings: Settings, file: Path
    ) -> tuple[Path, ...]:
        service_restore.check_idle(self.run)
        stamp = f"{datetime.now(ZoneInfo(checked.settings.site.zone)):%Y%m%d-%H%M%S-%f}"
        kept = service_restore.finish(service_restore.stage_backup(checked, stamp))
        console = Path(settings.folders.console)
        for path in (file, *console.glob(f"{SESSIONS}*")):
            path.unlink(missing_ok=True)
        return kept

    def _wait_for_idle(self) -> None:
        """Wait until nobody is on the phone; at once if the service does not run."""
        until = time.monotonic() + self.idle_s
        while not self._is_idle():
            if time.monotonic() >= until:
                raise Refused(NEVER_IDLE)
            time.sleep(LOOKS_S)

    def _is_idle(self) -> bool:
        try:
            socket = self.run / "desk.sock"
            return protocol.send(socket, ShowRestore()).idle
        except OfficeError:
            # Without a socket no service runs, so nobody is on the phone.
            return not (self.run / "desk.sock").exists()


def _check_places(checked: RestorableBackup, settings: Settings, config: Path) -> None:
    """Raise Refused for a backup whose paths differ from this box's."""
    own = {piece.name: piece.path for piece in backup_pieces(settings, config)}
    are_own = all(own.get(piece.name) == piece.path for piece in checked.pieces)
    # A console user may replace the box's data, not write to other places as root.
    if not are_own or checked.settings.folders != settings.folders:
        raise Refused(ELSEWHERE)


def _systemctl(*words: str) -> None:
    """Run systemctl; raises OSError, Refused."""
    done = subprocess.run(
        ("systemctl", *words), capture_output=True, timeout=STOP_S, check=False, text=True
    )
    if done.returncode:
        why = " ".join(done.stderr.split())[:200]
        raise Refused(
            _("systemd has not done it ({why}): see the journal", why=why),
        )


# USB sticks, mounted in this process's own mount namespace (PrivateMounts=yes in the units).

KINDS: Final = ("vfat", "exfat", "ext4")
GB: Final = 1_000_000_000
LIMIT_S: Final = 120.0
WRITES_S: Final = 1200.0
"""Seconds that a slow stick may need to write everything."""


@contextlib.contextmanager
def mounted(device: str, *, is_written: bool) -> Iterator[Path]:
    """Mount a stick; on exit everything is written and unmounted. Raises Refused, OSError."""
    with tempfile.TemporaryDirectory(prefix="centralino-stick-") as name:
        how = "rw" if is_written else "ro"
        options = f"{how},nosuid,nodev,noexec,noatime"
        done = subprocess.run(
            ("mount", "-t", ",".join(KINDS), "-o", options, device, name),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            why = " ".join(done.stderr.split())[:200]
            raise Refused(
                _(
                    "the stick cannot be used ({why}): format it as FAT32 or exFAT on a computer",
                    why=why,
                ),
            )
        try:
            yield Path(name)
        finally:
            if is_written:
                sync = ("sync", "--file-system", name)
                subprocess.run(sync, timeout=WRITES_S, check=False)
            # A stick that is only read may be pulled out at any time: its umount may fail.
            subprocess.run(("umount", name), timeout=WRITES_S, check=is_written)


# Backups to a stick: written, unmounted, mounted again read-only and read back whole. Only a backup
# that can be read back counts.

SEALED: Final = "centralino-*.backup"
WRITTEN: Final = _("Backup {name} written onto the stick {stick} and read back whole.")
NONE_PLUGGED: Final = _(
    "no USB stick with a file system (FAT32, exFAT, ext4) is plugged in: plug in one"
)
PLUGGED_IN: Final = _("Plugged in: {sticks}.")
GONE: Final = _("the chosen stick is not plugged in any more: look again which ones are")
OTHER_KIND: Final = _(
    "the stick that is plugged in ({sticks}) has no file system that the box can write: format it "
    "as FAT32 or exFAT on a computer, which deletes what lies on it"
)
SEVERAL: Final = _("several sticks are plugged in ({}): leave only the one for backups")
NOT_PLUGGED: Final = _("the backup stick ({}) is not plugged in")
OTHER_PLUGGED: Final = _(
    "the backup stick ({stick}) is not plugged in, another one is ({sticks}): change them, or stop "
    "the backups on the stick and set this one up"
)
FULL: Final = _("the stick {stick} is full: delete what else lies on it, or set a larger one up")
WRITE_PROTECTED: Final = _(
    "the stick {stick} cannot be written: open its write lock if it has one, else set another "
    "one up"
)
NOT_GIVEN_BACK: Final = _("the stick does not give back what was written onto it: replace it")
NOT_SET_UP: Final = _(
    "no stick is set up for backups: page Backup and restore, or centralino box backup --stick"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A file system on a USB stick, or the whole stick without one; `size` in bytes."""

    path: str
    uuid: str
    label: str
    kind: str = KINDS[0]
    size: int = 0

    @property
    def is_usable(self) -> bool:
        """Tell whether the box can write it, and find it again."""
        return self.kind in KINDS and bool(self.uuid)

    @property
    def name(self) -> str:
        """Its label, else its number, with the size, as a person tells it from another."""
        name = self.label or self.uuid or self.kind.upper() or self.path
        # Whole numbers, as they stand on the stick: no decimal sign, which differs by language.
        size = f"{self.size / 1e9:.0f} GB" if self.size >= GB else f"{self.size / 1e6:.0f} MB"
        return f"{name}, {size}" if self.size else name


Devices = Callable[[], list[Device]]


def plugged() -> list[Device]:
    """Return the file systems of plugged-in USB sticks; raises Refused, OSError."""
    asked = ("lsblk", "--json", "--paths", "--bytes", "--output", COLUMNS)
    done = subprocess.run(asked, capture_output=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        why = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise Refused(_("lsblk does not answer: {why}", why=why))
    return devices_of(json.loads(done.stdout))


COLUMNS: Final = "PATH,TRAN,FSTYPE,UUID,LABEL,SIZE"


def devices_of(told: dict[str, list[dict[str, object]]]) -> list[Device]:
    """Return the file systems of USB sticks, or of their partitions, from lsblk's output."""
    found: list[Device] = []
    for disk in told.get("blockdevices", []):
        if disk.get("tran") == "usb":
            found += _file_systems(disk)
    return found


def _file_systems(one: dict[str, object]) -> list[Device]:
    children = one.get("children")
    inner = [each for each in children if isinstance(each, dict)] if children else []  # type: ignore[attr-defined]  # a list, by lsblk(8)
    if inner:
        return [device for each in inner for device in _file_systems(each)]
    keys = ("path", "uuid", "label", "fstype")
    path, uuid, label, kind = (str(one.get(key) or "") for key in keys)
    size = int(str(one.get("size") or 0))
    # A reader without a card is no stick.
    return [Device(path, uuid, label, kind, size)] if kind or size else []


@dataclass(frozen=True, slots=True)
class StickHelper:
    """Root's stick helper for a configuration; `run` is call control's run folder."""

    config: Path
    run: Path
    devices: Devices = plugged

    def turn(self) -> Words:
        """Execute call control's request, if any, and write the result; raises Refused, OSError."""
        asked = service_backup.take(self.run)
        if asked is None:
            return NOTHING
        try:
            said = self._done(asked)
        except (CentralinoError, OSError) as error:
            service_backup.tell(self.run, HelperResult(self._now(), False, words_of(error)))
            raise
        service_backup.tell(self.run, HelperResult(self._now(), True, said))
        return said

    def _done(self, asked: HelperRequest) -> Words:
        if asked.looks:
            return self.look()
        return self.set_up(asked) if asked.passphrase else self.write()

    def look(self) -> Words:
        """List the plugged-in sticks for the page; raises Refused for none."""
        there = self.devices()
        service_backup.tell_sticks(
            self.run, [PluggedStick(one.uuid, one.name, one.is_usable) for one in there]
        )
        if not there:
            raise Refused(NONE_PLUGGED)
        return PLUGGED_IN.filled(sticks=_names(there))

    def set_up(self, asked: HelperRequest) -> Words:
        """Set up the chosen stick for backups, once a whole one was written to it."""
        settings = load_settings(self.config)
        state, phrase = Path(settings.folders.state), checked_passphrase(asked.passphrase)
        device = self._chosen(asked.uuid) if asked.uuid else self._the_only_one()
        stick = BackupStick(device.uuid, device.label, asked.by, self._now())
        with _tried(state, stick, phrase):
            went = self._written(settings, device, phrase)
            service_backup.keep_stick(state, service_backup.heard(stick, went))
        return went.said

    def write(self) -> Words:
        """Write a backup to the configured stick and store the result."""
        settings = load_settings(self.config)
        state = Path(settings.folders.state)
        stick = service_backup.load_stick(state)
        if stick is None:
            raise Refused(NOT_SET_UP)
        try:
            phrase = load_text(state / service_backup.PHRASE)
            went = self._written(settings, self._plugged(stick), checked_passphrase(phrase))
        except (CentralinoError, OSError) as error:
            tried = HelperResult(self._now(), False, words_of(error))
            service_backup.keep_stick(state, service_backup.heard(stick, tried))
            raise
        service_backup.keep_stick(state, service_backup.heard(stick, went))
        return went.said

    def _chosen(self, uuid: str) -> Device:
        for device in self.devices():
            if device.uuid == uuid and device.is_usable:
                return device
        raise Refused(GONE)

    def _the_only_one(self) -> Device:
        there = self.devices()
        found = [device for device in there if device.is_usable]
        if not found and there:
            raise Refused(OTHER_KIND.filled(sticks=_names(there)))
        if not found:
            raise Refused(NONE_PLUGGED)
        if len(found) > 1:
            raise Refused(SEVERAL.filled(_names(found)))
        return found[0]

    def _plugged(self, stick: BackupStick) -> Device:
        there, name = self.devices(), stick.label or stick.uuid
        for device in there:
            if device.uuid == stick.uuid:
                return device
        if there:
            raise Refused(OTHER_PLUGGED.filled(stick=name, sticks=_names(there)))
        raise Refused(NOT_PLUGGED.filled(name))

    def _written(self, settings: Settings, device: Device, phrase: str) -> HelperResult:
        at = self._now()
        # A write lock: mount(8) says it in words that lead nowhere.
        if load_text(SYSFS / Path(device.path).name / "ro").strip() == "1":
            raise Refused(WRITE_PROTECTED.filled(stick=device.name))
        with mounted(device.path, is_written=True) as folder:
            make_room(folder, Path(settings.folders.state), settings.backup.keep)
            name = _free_name(folder, at)
            with _about_stick(device):
                service_backup.write_backup(settings, self.config, folder / name, phrase, at)
        try:
            # Mounted again, so that it is read from the stick, not from the page cache.
            with mounted(device.path, is_written=False) as folder:
                service_restore.read_whole(folder / name, phrase)
        except (Refused, OSError) as error:
            # It must not count as one of the `keep` backups, for which older ones are deleted.
            with mounted(device.path, is_written=True) as folder:
                (folder / name).unlink(missing_ok=True)
            raise Refused(NOT_GIVEN_BACK) from error
        return HelperResult(at, True, WRITTEN.filled(name=name, stick=device.label or device.uuid))

    def _now(self) -> datetime:
        zone = ZoneInfo(load_settings(self.config).site.zone)
        return datetime.now(zone).replace(microsecond=0)


SYSFS: Final = Path("/sys/class/block")
_OF_STICK: Final = {errno.ENOSPC: FULL, errno.EROFS: WRITE_PROTECTED}


def _names(sticks: list[Device]) -> str:
    return "; ".join(device.name for device in sticks)


@contextlib.contextmanager
def _about_stick(device: Device) -> Iterator[None]:
    """Say a failed write's reason about the stick; the system's words mean the memory card."""
    try:
        yield
    except Refused as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _OF_STICK:
            raise Refused(_OF_STICK[cause.errno].filled(stick=device.name)) from error
        raise


@contextlib.contextmanager
def _tried(state: Path, stick: BackupStick, phrase: str) -> Iterator[None]:
    """Store the stick's identity during its first backup; restore the old one on error."""
    # The identity is part of that backup: a box restored from it goes on writing to this stick.
    stood, before = service_backup.load_stick(state), load_text(state / service_backup.PHRASE)
    atomic_write(state / service_backup.PHRASE, phrase)
    service_backup.keep_stick(state, stick)
    try:
        yield
    except BaseException:
        service_backup.forget(state)
        if stood is not None:
            atomic_write(state / service_backup.PHRASE, before)
            service_backup.keep_stick(state, stood)
        raise


def make_room(folder: Path, state: Path, keep: int) -> None:
    """Delete the oldest backups beyond `keep`, and more if the next one would not fit.

    The newest one always stays.
    """
    kept = sorted(folder.glob(SEALED))
    wanted = service_backup.size_of(state)
    while len(kept) > 1:
        usage = os.statvfs(folder)
        # Fewer than `keep`, as the next backup makes one more.
        if len(kept) < max(1, keep) and usage.f_bavail * usage.f_frsize > wanted:
            return
        kept.pop(0).unlink()


def _free_name(folder: Path, at: datetime) -> str:
    """Return a backup's name by its time; a second one in the same second sorts after the first."""
    name = f"centralino-{at:%Y%m%d-%H%M%S}"
    while (folder / f"{name}.backup").exists():
        name += "_"
    return f"{name}.backup"


FILE = click.Path(path_type=Path, dir_okay=False)
OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
STDOUT = Path("-")
PHRASE = "Passphrase"
NAME_ONE = _("name the backup's FILE, or --nightly, --stick, or --stick-asked --run without one")
NAME_RESTORED = _("name the backup's FILE, or --nightly, --finish or --asked --run without one")
NO_TEXT = _("it is not UTF-8 text")


def _passphrase_option(command: Command) -> Command:
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Its first line is the passphrase; without it, it is asked for.",
    )(command)


@click.command()
@click.argument("file", type=OUTPUT, required=False)
@config_option
@_passphrase_option
@click.option("--nightly", is_flag=True, help="What the box does each night, now; without FILE.")
@click.option(
    "--stick",
    is_flag=True,
    help="Onto the backup stick, as root; the plugged one is set up where none is yet.",
)
@click.option(
    "--stick-asked", is_flag=True, hidden=True, help="What the service asks for (systemd, root)."
)
@click.option(
    "--run", type=click.Path(path_type=Path), hidden=True, help="Where it asks, with --stick-asked."
)
@both_option
def backup(
    file: Path | None,
    config_path: Path,
    passphrase_file: Path | None,
    *,
    nightly: bool,
    stick: bool,
    stick_asked: bool,
    run: Path | None,
    as_json: bool,
) -> None:
    """Write records, messages, configuration, keys and prompts into FILE, sealed.

    FILE may be - for standard output, to fetch a backup over ssh; what is said goes to standard
    error then.
    """
    which = [file is not None, nightly, stick, stick_asked]
    if which.count(True) != 1 or stick_asked is not (run is not None):
        raise click.UsageError(in_language(NAME_ONE))
    if stick or run is not None:
        with answering(config_path, as_json=as_json) as say:
            _onto_stick(config_path, passphrase_file, run, say)
        return
    if file == STDOUT:
        _piped(config_path, passphrase_file, as_json=as_json)
        return
    with answering(config_path, as_json=as_json) as say:
        if file is None:
            say(night_copies(config_path))
        else:
            say(_backup(file, config_path, passphrase_file))


def _onto_stick(
    config: Path, passphrase_file: Path | None, run: Path | None, say: Callable[[Words], None]
) -> None:
    """Write to the backup stick; set one up first if there is none (by hand only)."""
    from appliance.service import backup as backup_stick

    if run is not None:
        if (said := StickHelper(config, run).turn()) != NOTHING:
            say(said)
        return
    folders = load_settings(config).folders
    helper = StickHelper(config, Path(folders.run))
    if backup_stick.load_stick(Path(folders.state)) is not None:
        say(helper.write())
        return
    phrase = _passphrase(passphrase_file, is_new=True)
    say(helper.set_up(HelperRequest(getpass.getuser(), phrase)))


def night_copies(config_path: Path) -> Words:
    """Check the database and copy it, on the card and elsewhere; raises Refused."""
    from appliance.service import nightly as service_nightly

    settings = load_settings(config_path)
    at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
    try:
        night = service_nightly.do_night_work(settings, config_path, at)
    except OSError as error:
        why = words_of(error)
        raise Refused(
            _("the night's work cannot be done: {why}", why=why),
        ) from error
    if not night.well:
        raise Refused(night.words)
    return night.words


def _piped(config_path: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """Write the backup to standard output, messages to standard error."""
    from appliance.service import backup as writing
    from appliance.store.age import checked_passphrase

    out = click.get_binary_stream("stdout")
    with answering(config_path, as_json=as_json, is_beside=True) as say:
        if out.isatty():
            raise Refused(
                _("a backup is not written to a terminal: send it to a file (... backup - > FILE)"),
            )
        settings = load_settings(config_path)
        passphrase = checked_passphrase(_passphrase(passphrase_file, is_new=True))
        at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
        say(_written(STDOUT, writing.to_stream(settings, config_path, out, passphrase, at)))


def _backup(file: Path, config_path: Path, passphrase_file: Path | None) -> Words:
    from appliance.service import backup as writing
    from appliance.store.age import checked_passphrase

    settings = load_settings(config_path)
    # Before the passphrase is typed twice.
    _check_writable(file)
    passphrase = checked_passphrase(_passphrase(passphrase_file, is_new=True))
    at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
    return _written(file, writing.write_backup(settings, config_path, file, passphrase, at))


@click.command()
@click.argument("file", type=FILE, required=False)
@config_option
@_passphrase_option
@click.option("--nightly", metavar="DAY", help="The records of that night (2026-11-25), no FILE.")
@click.option("--check", is_flag=True, help="Only read the backup whole and say what it is.")
@click.option("--finish", is_flag=True, help="Go on with a restore that was interrupted.")
@click.option(
    "--asked", is_flag=True, hidden=True, help="What was asked for in the browser (systemd, root)."
)
@click.option(
    "--run", type=click.Path(path_type=Path), hidden=True, help="Where it is asked, with --asked."
)
@both_option
def restore(
    file: Path | None,
    config_path: Path,
    passphrase_file: Path | None,
    *,
    nightly: str | None,
    check: bool,
    finish: bool,
    asked: bool,
    run: Path | None,
    as_json: bool,
) -> None:
    """Put the backup FILE in the place of what is on this box, which is kept beside it."""
    which = [file is not None, nightly is not None, finish, asked]
    if which.count(True) != 1 or asked is not (run is not None):
        raise click.UsageError(in_language(NAME_RESTORED))
    with answering(config_path, as_json=as_json) as say:
        try:
            if run is not None:
                _asked(config_path, run, say)
                return
            if nightly is not None:
                say(_restore_night(nightly, config_path, check=check))
            elif file is not None:
                _check_readable(file)
                say(_restore(file, config_path, _passphrase(passphrase_file), check=check))
            else:
                say(_finish(config_path))
        except OSError as error:
            why = words_of(error)
            raise Refused(_("the restore did not succeed: {why}", why=why)) from error


def _check_readable(file: Path) -> None:
    """Raise OSError, Refused for a file that is no backup, before a passphrase is asked for."""
    if not file.exists():
        raise FileNotFoundError(errno.ENOENT, "it is not there", str(file))
    if not os.access(file, os.R_OK):
        raise PermissionError(errno.EACCES, "it is closed", str(file))
    check_sealed(file)


def _check_writable(file: Path) -> None:
    """Raise Refused if a backup cannot be written, before a passphrase is asked for."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise Refused(
            _("there is no folder {folder}: make it, or name another", folder=folder),
        )
    if not os.access(folder, os.W_OK):
        raise Refused(
            _("{folder} cannot be written: use sudo, or name another folder", folder=folder),
        )


def _restore(file: Path, config: Path, passphrase: str, *, check: bool) -> Words:
    from appliance.config.office import state_folder_of as state_folder
    from appliance.service import restore
    from appliance.service import restore as putting_back
    from appliance.service.backup import UNPACKED

    state = state_folder(config).absolute()
    putting_back.check_finished(state)
    # A check by the service's own account, which may not write beside its folder, unpacks inside.
    beside = putting_back.workplace(state)
    if check and not os.access(beside, os.W_OK):
        beside = state
    # Left by a killed restore.
    for left in beside.glob(f"{UNPACKED}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=beside) as folder:
        checked = restore.unpack(file, Path(folder), passphrase, config.absolute())
        if check:
            return _about(checked)
        _check_idle(checked, config)
        stamp = f"{datetime.now(ZoneInfo(checked.settings.site.zone)):%Y%m%d-%H%M%S-%f}"
        plan = restore.stage_backup(checked, stamp)
        lacking = checked.lacking
    return _done(putting_back.finish(plan), config, lacking)


def _restore_night(day: str, config: Path, *, check: bool) -> Words:
    """Restore the database of a night from the copy on the card."""
    from appliance.service import restore as night_restore
    from appliance.service import restore as putting_back

    settings = load_settings(config)
    state = Path(settings.folders.state).absolute()
    putting_back.check_finished(state)
    copy = night_restore.copy_of(state, day)
    if check:
        return _("The copy of the night of {day} is whole. Nothing was changed.", day=day)
    putting_back.check_idle(Path(settings.folders.run))
    stamp = f"{datetime.now(ZoneInfo(settings.site.zone)):%Y%m%d-%H%M%S-%f}"
    return _done(putting_back.finish(night_restore.stage_night_copy(state, copy, stamp)), config)


def _check_idle(checked: RestorableBackup, config: Path) -> None:
    """Raise Refused while the service runs, by this box's or the backup's configuration."""
    from appliance.service import restore as putting_back

    putting_back.check_finished(Path(checked.settings.folders.state))
    putting_back.check_idle(Path(checked.settings.folders.run))
    try:
        putting_back.check_idle(Path(load_settings(config).folders.run))
    except Refused:
        raise
    # A new box, or one whose configuration is to be repaired by this restore.
    except ConfigurationError:
        pass


def _finish(config: Path) -> Words:
    from appliance.config.office import state_folder_of as state_folder
    from appliance.service import restore as putting_back

    plan = putting_back.plan_path(state_folder(config).absolute())
    if not plan.exists():
        raise Refused(_("no restore was interrupted"))
    return _done(putting_back.finish(plan), config)


def _asked(config: Path, run: Path, say: Callable[[Words], None]) -> None:
    """Execute a restore requested in the browser; print nothing if there is none, as at a boot."""
    if (said := RestoreHelper(config, run).turn()) != NOTHING:
        say(said)


def _about(checked: RestorableBackup) -> Words:
    about = checked.about
    said = _(
        "The backup is whole: {site}, {made}, centralino {centralino}, {files} "
        "files. Nothing was changed.",
        site=about["site"],
        made=about["made"],
        centralino=about["centralino"],
        files=len(about["files"]),
    )
    return said if checked.lacking == NOTHING else joined(" ", (said, checked.lacking))


def _done(kept: tuple[Path, ...], config: Path, lacks: Words = NOTHING) -> Words:
    said = [_("The backup is in place: start the switchboard.")]
    if kept:
        places = ", ".join(map(str, kept))
        said.append(_("What stood before is in {places}.", places=places))
    said += [words for words in (lacks, _lacking(config)) if words != NOTHING]
    return joined(" ", (*said, *_lacking_on_card(state_folder_of(config))))


def _lacking_on_card(state: Path) -> Iterator[Words]:
    """Yield a sentence for each value of the card's file that the box had before."""
    for words in card_values.missing(state):
        yield service_backup.with_full_stop(capitalized(words))


def _lacking(config: Path) -> Words:
    """Return the configured files that the backup does not contain."""
    from appliance.service import backup as backup_places

    try:
        found = backup_places.missing(load_settings(config))
    except ConfigurationError:
        # `check` and the service's start report it.
        return NOTHING
    if not found:
        return NOTHING
    files = ", ".join(f"{piece.path} ({piece.key})" for piece in found)
    return _("Still missing, to be copied by hand: {files}.", files=files)


def _written(file: Path, written: WrittenBackup) -> Words:
    where = _("to standard output")
    if file != STDOUT:
        where = _("into {file}", file=file)
    said = _(
        "Backup written {where}: {files} files. Without the passphrase nobody can read it.",
        where=where,
        files=written.files,
    )
    if not written.closed:
        return said
    closed = ", ".join(written.closed)
    left_out = _("Not readable by this user, and so left out: {closed}.", closed=closed)
    return joined(" ", (said, left_out))


def _passphrase(file: Path | None, *, is_new: bool = False) -> str:
    return ask_secret(PHRASE, is_confirmed=is_new, err=True) if file is None else first_line(file)


def first_line(file: Path) -> str:
    """Return a secret, the first line of a file; raises Refused."""
    try:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        why = NO_TEXT if isinstance(error, UnicodeDecodeError) else words_of(error)
        raise Refused(
            _("the passphrase cannot be read from {file}: {why}", file=file, why=why),
        ) from error
