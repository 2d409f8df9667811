"""Root's update helper: takes a bundle, checks it, writes it into the inactive slot.

It runs beside a working box and cuts off no call: it writes and reboots only with nobody on the
phone. Any failure leaves the running version as it is.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from appliance.api import protocol
from appliance.api.replies import reply_of
from appliance.api.technician_commands import ShowUpdates
from appliance.api.technician_replies import ControlHealth, HealthReply, UpdateEnded
from appliance.commands import release_place
from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.backup import mounted, night_copies
from appliance.commands.downloads import UpdateServer
from appliance.commands.options import (
    config_option,
    in_language,
    in_site_language,
    load_settings,
)
from appliance.config import office
from appliance.config import read as configuration
from appliance.config.rollout_file import rollout_in_force
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, ConfigurationError, OfficeError
from appliance.files import (
    READABLE,
    SHARED,
    atomic_write,
    make_shared,
    open_plain,
    replacing,
)
from appliance.policy import updates as policy_updates
from appliance.policy.rollout import hindrance, stage_words
from appliance.policy.text import Refused, words_of
from appliance.policy.updates import (
    OTHER_FORMAT,
    TRIAL_LIMIT_S,
    Trial,
    TrialHealth,
    TrialVerdict,
    UpdateState,
    UpdateStep,
    check_version,
    may_take,
    refused,
    update_state_after,
    version_order,
)
from appliance.service import notices, updates
from appliance.service.backup import UPLOADED as UPLOADED_BACKUP
from appliance.service.image_release import note_update
from appliance.service.updates import (
    BOX,
    BUNDLE,
    FETCHED,
    MOST_PAST,
    UPLOADED,
    UpdateRecord,
    UpdateRequest,
)
from appliance.store.backup import is_sealed
from appliance.store.users import SHELL
from appliance.text import NOTHING, Words, _, unchanged
from appliance.voicemail.storage import spare_bytes

# RAUC's slots; the ONLY place that runs RAUC. A bundle's signature covers its manifest and the hash
# of its contents; an incomplete payload fails only while it is written.

SLOTS_LIMIT_S: Final = 60.0
_PROGRESS: Final = re.compile(r"\s*(\d{1,3})% ")
_FORMAT: Final = re.compile(r"Bundle format '(\w+)' not allowed")
_LAST: Final = re.compile(r"LastError: (.*)")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's manifest, after its signature was verified."""

    version: str
    compatible: str


@dataclass(frozen=True, slots=True)
class Slots:
    """The running slot and the other one ("A", "B"), and the kind of box."""

    booted: str
    other: str
    compatible: str
    other_is_good: bool
    other_version: str = ""


@dataclass(frozen=True, slots=True)
class Rauc:
    """Runs RAUC; `conf` None for the box's own configuration."""

    conf: Path | None = None

    def look(self, path: Path) -> Bundle:
        """Verify a bundle's signature and read its manifest; raises Refused."""
        done = self._run("info", "--output-format=json", str(path))
        if done.returncode:
            why = _last_line(done.stderr)
            # RAUC checks the format only after the signature.
            if found := _FORMAT.fullmatch(why):
                raise refused(OTHER_FORMAT, format=found[1])
            raise Refused(
                _(
                    "it is no update signed for this box, or is not whole ({why}): fetch it "
                    "again from where it comes; nothing was changed",
                    why=why,
                ),
            )
        told = _json(done.stdout)
        return Bundle(str(told["version"] or ""), str(told["compatible"]))

    def install(self, path: Path, on_progress: Callable[[int], None]) -> None:
        """Write a bundle into the inactive slot, reporting percent; raises Refused."""
        last = ""
        with subprocess.Popen(
            self._command("install", str(path)), stdout=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if found := _PROGRESS.match(line):
                    on_progress(min(int(found[1]), 100))
                elif found := _LAST.match(line):
                    last = found[1][:200]
        if child.returncode:
            raise Refused(
                _(
                    "the update could not be written ({why}): the version in use goes on",
                    why=unchanged(last) if last else _("see the journal"),
                ),
            )

    def slots(self) -> Slots:
        """Return the slots; raises Refused."""
        told = _json(self._well("status", "--detailed", "--output-format=json"))
        found = [(str(name), slot) for one in told["slots"] for name, slot in one.items()]
        booted = [slot for _, slot in found if slot["state"] == "booted"]
        others = [slot for _, slot in found if slot["state"] != "booted"]
        if len(booted) != 1 or len(others) != 1:
            raise Refused(
                _("RAUC does not say from which of two slots the box has started: see rauc status"),
            )
        (other,) = others
        status = other.get("slot_status") or {}
        return Slots(
            str(booted[0]["bootname"]),
            str(other["bootname"]),
            str(told["compatible"]),
            other.get("boot_status") == "good",
            str((status.get("bundle") or {}).get("version") or ""),
        )

    def mark(self, what: str, slot: str) -> None:
        """Mark the booted or other slot good, bad or active; raises Refused."""
        self._well("status", f"mark-{what}", slot)

    def _well(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode:
            why = _last_line(done.stderr)
            raise Refused(
                _("RAUC does not answer as it should ({why}): see systemctl status rauc", why=why),
            )
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._command(*words),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SLOTS_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(
                _(
                    "RAUC is missing or does not answer ({error}): this image is incomplete",
                    error=error,
                ),
            ) from error

    def _command(self, *words: str) -> tuple[str, ...]:
        chosen = () if self.conf is None else (f"--conf={self.conf}",)
        return ("rauc", *chosen, *words)


def slots_reboot() -> None:
    """Reboot the machine; raises Refused."""
    done = subprocess.run(
        ("systemctl", "reboot"), capture_output=True, text=True, timeout=SLOTS_LIMIT_S, check=False
    )
    if done.returncode:
        why = _last_line(done.stderr)
        raise Refused(
            _("the restart did not succeed ({why}): switch the box off and on", why=why),
        )


def _json(text: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise Refused(
            _("RAUC does not answer in JSON: see rauc --version"),
        ) from error
    return told


def _last_line(said: str) -> str:
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "rauc"


IDLE_S: Final = 600.0
HELPER_LOOKS_S: Final = 1.0
COPIED_PIECE: Final = 1 << 20
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
# Nobody watches an update from these: a version that has failed here is not installed again.
BY_ITSELF: Final = frozenset({"server", "stick"})
"""Automatic sources."""


@dataclass(frozen=True, slots=True)
class Helper:
    """The helper; `run` is call control's run folder, `kept_in` the helper's own."""

    settings: Settings
    run: Path
    rauc: Rauc = field(default_factory=Rauc)
    reboot: Callable[[], None] = slots_reboot
    running: Callable[[], str] = updates.running_version
    idle_s: float = IDLE_S

    @property
    def kept_in(self) -> Path:
        """The folder with state and bundle."""
        return updates.folder_of_updates(Path(self.settings.folders.state).absolute())

    def turn(self) -> Words:
        """Execute call control's request, if any; raises Refused, OSError."""
        asked = updates.take(self.run)
        return NOTHING if asked is None else self.do(asked)

    def do(self, asked: UpdateRequest) -> Words:
        """Execute one request; raises Refused, OSError."""
        match asked.what:
            case "upload":
                source = Path(self.settings.folders.console) / UPLOADED
                return self.install(source, asked, is_ours=True)
            case "server":
                source = Path(self.settings.folders.state) / FETCHED
                return self.install(source, asked, is_ours=True)
            case "back":
                return self.back(asked.by)
            case "start":
                return self.start(asked.by)
            case _:
                return self.give_up(asked.by)

    def install(
        self, source: Path, asked: UpdateRequest, *, is_ours: bool = False, even_older: bool = False
    ) -> Words:
        """Copy, check and write a bundle; delete the source if `is_ours`. Raises Refused."""
        kept = updates.load_update(self.kept_in)
        if not may_take(kept.state):
            raise refused(policy_updates.WAITS)
        self.kept_in.mkdir(mode=0o755, exist_ok=True)
        kept = replace(
            kept, version="", before=self.running(), by=asked.by, source=asked.what, said=NOTHING
        )
        try:
            bundle = self._taken(source, is_ours=is_ours)
            kept = self._step(kept, UpdateStep.FETCHED)
            kept = self._step(self._checked(kept, bundle, even_older), UpdateStep.CHECKED)
            kept = self._written(kept, bundle)
        except (CentralinoError, OSError) as error:
            self._ended(self._step(kept, UpdateStep.REFUSED), "refused", words_of(error))
            raise
        finally:
            (self.kept_in / BUNDLE).unlink(missing_ok=True)
            self._tell(None)
        return policy_updates.WRITTEN.filled(version=kept.version)

    def back(self, by: str) -> Words:
        """Switch to the other slot, with a version that has worked."""
        kept, found = updates.load_update(self.kept_in), self.rauc.slots()
        if kept.state is UpdateState.TRIAL:
            said = _("asked for by {by}", by=by)
            self._step(replace(kept, said=said), None)
            self.rauc.mark("bad", "booted")
            self.wait_for_idle()
            self.reboot()
            return policy_updates.LEFT_AGAIN.filled(version=kept.version, why=by)
        if not may_take(kept.state):
            raise refused(policy_updates.WAITS)
        # Never offer a version that has failed its trial here.
        if not found.other_is_good or found.other_version in kept.failed:
            raise refused(policy_updates.NO_OTHER)
        version = found.other_version or f"slot {found.other}"
        self.rauc.mark("active", "other")
        kept = replace(kept, version=version, before=self.running(), by=by, source="back")
        self._installed(kept, found.other)
        return policy_updates.WRITTEN.filled(version=version)

    def start(self, by: str, copy_data: Callable[[], None] | None = None) -> Words:
        """Reboot into the written slot, with nobody on the phone.

        `copy_data` keeps the data as it is before the new version; call control's requests come
        without it, as call control has copied the data already (service/updates.py).
        """
        kept = updates.load_update(self.kept_in)
        if kept.state is not UpdateState.INSTALLED:
            raise refused(policy_updates.NOT_READY)
        if copy_data is not None:
            copy_data()
        self.wait_for_idle()
        self._step(replace(kept, worked=self._working(), by=kept.by or by), None)
        self.reboot()
        return policy_updates.STARTING.filled(version=kept.version)

    def give_up(self, by: str) -> Words:
        """Keep the running version; after a failed update acknowledge it."""
        kept = updates.load_update(self.kept_in)
        if kept.state is UpdateState.INSTALLED:
            self.rauc.mark("active", "booted")
            # "active" leaves the slot one try; "good" restores all of them.
            self.rauc.mark("good", "booted")
            self.rauc.mark("bad", "other")
            kept = replace(kept, by=by)
            self._ended(self._step(kept, UpdateStep.GIVEN_UP), "given_up", NOTHING)
        elif kept.state is UpdateState.BACK:
            self._step(kept, UpdateStep.GIVEN_UP)
        else:
            raise refused(policy_updates.NOT_READY)
        return policy_updates.GIVEN_UP

    def _taken(self, source: Path, *, is_ours: bool) -> Path:
        """Copy a bundle into the helper's own folder."""
        # Elsewhere others could change it after the check.
        target = self.kept_in / BUNDLE
        try:
            file = open_plain(source)
        except FileNotFoundError as error:
            raise refused(policy_updates.NO_FILE) from error
        with file:
            if os.fstat(file.fileno()).st_size > spare_bytes(self.kept_in):
                raise refused(policy_updates.NO_ROOM)
            with replacing(target) as copy:
                shutil.copyfileobj(file, copy, COPIED_PIECE)
        if is_ours:
            source.unlink(missing_ok=True)
        return target

    def _checked(self, kept: UpdateRecord, path: Path, even_older: bool) -> UpdateRecord:
        """Check that a bundle is signed, for this kind of box, and newer; raises Refused."""
        bundle, found = self.rauc.look(path), self.rauc.slots()
        if bundle.compatible != found.compatible:
            raise refused(policy_updates.OTHER_BOX, kind=bundle.compatible)
        check_version(bundle.version, kept.before, even_older=even_older)
        if bundle.version in kept.failed and kept.source in BY_ITSELF:
            raise refused(policy_updates.FAILED_BEFORE, version=bundle.version)
        return replace(kept, version=bundle.version, slot=found.other)

    def _written(self, kept: UpdateRecord, bundle: Path) -> UpdateRecord:
        self.wait_for_idle()
        self.rauc.install(bundle, self._tell)
        return self._installed(kept, kept.slot)

    def _installed(self, kept: UpdateRecord, slot: str) -> UpdateRecord:
        worked, boot = self._working(), boot_id()
        kept = replace(kept, slot=slot, worked=worked, boot=boot, installed=time.monotonic())
        return self._step(kept, UpdateStep.INSTALLED)

    def _step(self, kept: UpdateRecord, step: UpdateStep | None) -> UpdateRecord:
        """Store the next state; None if only details change."""
        state = kept.state if step is None else update_state_after(kept.state, step)
        changed = replace(kept, state=state, at=now())
        self.kept_in.mkdir(mode=0o755, exist_ok=True)
        updates.keep(self.kept_in, changed)
        return changed

    def _ended(self, kept: UpdateRecord, outcome: str, said: Words) -> UpdateRecord:
        """Store the end of an update and its outcome."""
        past = UpdateEnded(now(), kept.by, kept.before, kept.version, outcome, said)
        return self._step(replace(kept, said=said, past=(past, *kept.past)[:MOST_PAST]), None)

    def ended(
        self, kept: UpdateRecord, step: UpdateStep, outcome: str, said: Words
    ) -> UpdateRecord:
        """Store the outcome of a trial, or of a start without one."""
        return self._ended(self._step(kept, step), outcome, said)

    def stepped(self, kept: UpdateRecord, step: UpdateStep | None) -> UpdateRecord:
        """Store a step within an update."""
        return self._step(kept, step)

    def wait_for_idle(self) -> None:
        """Wait until nobody is on the phone; raises Refused after `idle_s`."""
        until = time.monotonic() + self.idle_s
        while not self._is_idle():
            if time.monotonic() >= until:
                raise refused(policy_updates.NEVER_IDLE)
            time.sleep(HELPER_LOOKS_S)

    def asked(self) -> ControlHealth | None:
        """Return call control's health; None if it does not answer."""
        socket = self.run / "desk.sock"
        try:
            # Its health alone: call control may be of another version, with another reply.
            return reply_of(HealthReply, protocol.ask(socket, ShowUpdates().arguments())).health
        except (OfficeError, ValueError):
            return None

    def _is_idle(self) -> bool:
        told = self.asked()
        if told is None:
            # Without a socket no service runs, so nobody is on the phone.
            return not (self.run / "desk.sock").exists()
        return told.idle

    def _working(self) -> tuple[str, ...]:
        told = self.asked()
        return () if told is None else told.working

    def _tell(self, percent: int | None) -> None:
        """Publish the progress in the run folder, if that exists."""
        path = updates.progress_path(self.run)
        if percent is None:
            path.unlink(missing_ok=True)
        elif path.parent.is_dir():
            atomic_write(path, str(percent), mode=READABLE, is_durable=False)


def helper_of(config: Path, run: Path | None = None) -> Helper:
    """Return the helper of a box."""
    # A box with a broken configuration must be updated too.
    settings = _settings(config)
    return Helper(settings, run or Path(settings.folders.run))


def _settings(config: Path) -> Settings:
    for path in (config, office.state_folder_of(config) / "last_good.toml"):
        with contextlib.suppress(ConfigurationError):
            return load_settings(path)
    return configuration.parse(office.EMPTY_CONFIGURATION)


def boot_id() -> str:
    """Return the id of this boot, "" if unknown."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def now() -> str:
    """Return the present time in the stored format."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


# Update from a USB stick, mounted read-only in this process's own mount namespace
# (PrivateMounts=yes). No login is required: whoever can plug in a stick can also take the card out.

MOST: Final = 20
NOTHING_NEW: Final = _("The stick holds no update that is newer than the version in use ({}).")
GONE: Final = _("The stick was pulled out before it was read: put it in again.")
LAID_READY: Final = _("The stick's backup {} is ready to be put back: page Backup and restore.")


@dataclass(frozen=True, slots=True)
class Stick:
    """A mounted stick."""

    folder: Path

    def bundles(self) -> list[Path]:
        """Return the bundles in the top folder."""
        return _files(self.folder.glob("*.raucb"))

    def backups(self) -> list[Path]:
        """Return the sealed backups in the top folder, the newest first."""
        found = _files(self.folder.glob("*.backup"))
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def brought(helper: Helper, device: Path) -> Words:
    """Process a plugged-in stick and publish the result; raises Refused, OSError."""
    wait_until_seen(helper)
    try:
        if not device.exists():
            raise policy_updates.refused(GONE)
        reading = updates.reading_stick(helper.run, device)
        with reading, mounted(str(device), is_written=False) as folder:
            said = turn(helper, Stick(folder))
    except (Refused, OSError) as error:
        updates.tell_stick(helper.run, words_of(error))
        raise
    updates.tell_stick(helper.run, said)
    return said


def turn(helper: Helper, stick: Stick) -> Words:
    """Copy a backup and install an update from a stick; raises Refused, OSError."""
    ready = lay_ready(helper, stick)
    bundle = newest(helper, stick.bundles())
    if bundle is not None:
        return helper.install(bundle, UpdateRequest(BOX, "stick"))
    return ready or NOTHING_NEW.filled(helper.running())


def wait_until_seen(helper: Helper) -> None:
    """Wait until `update good` has judged this boot, for a stick left plugged in across it."""
    # Only then is the stick's result final. It is not mounted meanwhile, so pulling it out does no
    # harm.
    until = time.monotonic() + helper.idle_s
    while _is_unseen(helper) and time.monotonic() < until:
        time.sleep(HELPER_LOOKS_S)


def _is_unseen(helper: Helper) -> bool:
    kept = updates.load_update(helper.kept_in)
    return kept.state in {UpdateState.INSTALLED, UpdateState.TRIAL} and kept.boot != boot_id()


def newest(helper: Helper, bundles: list[Path]) -> Path | None:
    """Return the newest signed bundle that is newer than the running version and has not failed.

    Raises Refused if no bundle is signed, or all newer ones have failed here.
    """
    found: dict[Path, str] = {}
    wrong: Refused | None = None
    for path in bundles:
        try:
            version = helper.rauc.look(path).version
            version_order(version)
            found[path] = version
        except Refused as refused:
            wrong = refused
    if wrong is not None and not found:
        raise wrong
    return _not_failed(
        helper,
        {p: v for p, v in found.items() if version_order(v) > version_order(helper.running())},
    )


def _not_failed(helper: Helper, newer: dict[Path, str]) -> Path | None:
    failed = updates.load_update(helper.kept_in).failed
    good = [path for path, version in newer.items() if version not in failed]
    if newer and not good:
        raise policy_updates.refused(
            policy_updates.FAILED_BEFORE, version=max(newer.values(), key=version_order)
        )
    return max(good, key=lambda path: version_order(newer[path]), default=None)


def lay_ready(helper: Helper, stick: Stick) -> Words | None:
    """Copy the newest backup to the place of uploaded backups, if that is free."""
    target = Path(helper.settings.folders.console) / UPLOADED_BACKUP
    backups = stick.backups()
    if not backups or target.exists() or not target.parent.parent.is_dir():
        return None
    source = backups[0]
    if 2 * source.stat().st_size > spare_bytes(target.parent.parent) or not _is_sealed(source):
        return None
    make_shared(target.parent)
    with open_plain(source) as file, replacing(target, mode=SHARED) as copy:
        shutil.copyfileobj(file, copy)
    return LAID_READY.filled(source.name)


def _files(found: Iterable[Path]) -> list[Path]:
    return sorted(path for path in found if path.is_file() and not path.is_symlink())[:MOST]


def _is_sealed(path: Path) -> bool:
    with open_plain(path) as file:
        return is_sealed(file)


# The trial of a slot at its first boot: it is marked good after two minutes of health, else the box
# reboots and the boot loader takes the other slot. A slot in which RAUC fails is left too, as it
# could never take another update; and, at once, a new slot that cannot open the data partition, as
# callers' messages would be lost. A slot that was good before is marked good again as soon as call
# control answers: the boot loader counts down at each boot, and an unplugged cable must not cost a
# box its version.

TRIAL_LOOKS_S: Final = 2.0
IN_MEMORY: Final = "data-in-memory"
"""Notice of the image's helper that the data partition could not be opened."""
NO_KEY: Final = "data-key"
"""Notice that the data partition is encrypted and its key is missing."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches one boot, `boot`, from the slot `booted`; `up_s` returns the uptime (s)."""

    helper: Helper
    up_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    boot: str = field(default_factory=boot_id)
    booted: Callable[[], str] = updates.booted
    is_last_try: Callable[[], bool] = updates.is_last_try

    def turn(self) -> Words:
        """Try the booted slot and return the result. Raises Refused, OSError."""
        try:
            return self._tried()
        except Refused as error:
            kept, why = updates.load_update(self.helper.kept_in), words_of(error)
            if not self._is_unproved(kept):
                raise
            if self.up_s() >= TRIAL_LIMIT_S:
                return self._leave(kept, why)
            self.helper.stepped(replace(kept, said=why), None)
            # It may be transient: the unit starts this process again.
            raise

    def _tried(self) -> Words:
        if self._is_locked():
            return policy_updates.NO_KEY
        if self._is_lost():
            return self._leave(UpdateRecord(version=self.helper.running()), policy_updates.NO_DATA)
        kept = self._started()
        if kept.state is not UpdateState.TRIAL:
            return self._as_before()
        trial = Trial(frozenset(kept.worked))
        while True:
            trial = trial.seen(health_of(self.helper.asked()), self.up_s())
            verdict = trial.verdict(self.up_s())
            if verdict is TrialVerdict.GOOD:
                return self._good(kept)
            if verdict is TrialVerdict.BACK:
                return self._leave(kept, _why(kept, trial))
            self.pause(TRIAL_LOOKS_S)

    def _is_lost(self) -> bool:
        """True on a new version's last try without the data, with a version to return to."""
        # Without the data partition no record says that this boot is a trial.
        told = notices.read_notices(notices.folder_of(self.helper.run))
        return self.is_last_try() and IN_MEMORY in told and self.helper.rauc.slots().other_is_good

    def _is_locked(self) -> bool:
        """True on a version's last try while the data partition waits for its key."""
        # Without the data nothing can be judged, good or bad.
        told = notices.read_notices(notices.folder_of(self.helper.run))
        return self.is_last_try() and NO_KEY in told

    def _is_unproved(self, kept: UpdateRecord) -> bool:
        """True, without asking RAUC, if the running slot is to be tried."""
        is_waited_for = kept.state in {UpdateState.INSTALLED, UpdateState.TRIAL}
        return is_waited_for and kept.slot == self.booted()

    def _started(self) -> UpdateRecord:
        """Store which slot has booted: the update's or the other one."""
        kept = updates.load_update(self.helper.kept_in)
        # Stored in this same boot: nothing has booted since.
        if kept.boot == self.boot:
            return kept
        booted = self.helper.rauc.slots().booted
        step = UpdateStep.STARTED_NEW if booted == kept.slot else UpdateStep.STARTED_OLD
        state = update_state_after(kept.state, step)
        if state is kept.state and state is not UpdateState.TRIAL:
            return kept
        kept = replace(kept, boot=self.boot)
        return (
            self._back(kept, step) if state is UpdateState.BACK else self.helper.stepped(kept, step)
        )

    def _back(self, kept: UpdateRecord, step: UpdateStep) -> UpdateRecord:
        """Store the return to the former version, and bar this one from automatic updates."""
        self.helper.rauc.mark("bad", "other")
        said = (
            kept.said
            if kept.said != NOTHING
            else policy_updates.WENT_BACK.filled(version=kept.version)
        )
        failed = tuple(dict.fromkeys((*kept.failed, kept.version)))
        return self.helper.ended(replace(kept, failed=failed), step, "back", said)

    def _as_before(self) -> Words:
        """Mark a slot that was good before as good again, once call control answers."""
        while self.helper.asked() is None:
            self.pause(TRIAL_LOOKS_S)
        self.helper.rauc.mark("good", "booted")
        return policy_updates.SLOT_GOOD

    def _good(self, kept: UpdateRecord) -> Words:
        self.helper.rauc.mark("good", "booted")
        said = policy_updates.PROVED.filled(version=kept.version)
        failed = tuple(one for one in kept.failed if one != kept.version)
        self.helper.ended(replace(kept, failed=failed), UpdateStep.PROVED, "good", said)
        return said

    def _leave(self, kept: UpdateRecord, missing: Words) -> Words:
        """Reboot into the former version, if possible with nobody on the phone."""
        said = policy_updates.LEFT_AGAIN.filled(version=kept.version, why=missing)
        # An unhealthy box serves its callers better by a reboot, whatever fails here.
        with contextlib.suppress(Refused, OSError):
            self.helper.stepped(replace(kept, said=missing), None)
        with contextlib.suppress(Refused):
            self.helper.rauc.mark("bad", "booted")
        with contextlib.suppress(Refused):
            self.helper.wait_for_idle()
        self.helper.reboot()
        return said


def _why(kept: UpdateRecord, trial: Trial) -> Words:
    """Return why a trial has failed: what is missing now, what was missing, or the time."""
    return next(w for w in (trial.missing, kept.said, policy_updates.NOT_LONG) if w != NOTHING)


def health_of(told: ControlHealth | None) -> TrialHealth | None:
    """Return call control's health for the trial, None where it did not answer."""
    if told is None:
        return None
    lines = frozenset(told.working), frozenset(told.out)
    return TrialHealth(told.ready_s, told.carrier, *lines, told.restarts)


PATH = click.Path(path_type=Path)
NAME_ONE: Final = _("name one of FILE, URL, status, start, back, give-up, --check, --fetch")
GOES_WITH: Final = _("{option} goes with one of these alone: {words}")
NOT_COPIED: Final = _(
    "The data could not be copied first ({}); the new version is started all the same."
)
WORDS: Final = ("status", "start", "back", "give-up", "good")


@click.command()
@click.argument("what", metavar="FILE|URL|status|start|back|give-up", required=False)
@config_option
@click.option("--older", is_flag=True, help="FILE or URL may be older than what runs.")
@click.option("--now", is_flag=True, help="Start from it at once, with nobody on the phone.")
@click.option("--check", is_flag=True, help="Show what updates.server publishes, then ask.")
@click.option("--yes", is_flag=True, help="With --check: download and install without asking.")
@click.option("--fetch", is_flag=True, help="Only fetch what updates.server offers, if newer.")
@click.option(
    "--asked", is_flag=True, hidden=True, help="What was asked for in the browser (systemd, root)."
)
@click.option(
    "--stick", type=PATH, hidden=True, help="What a USB stick's DEVICE brings (systemd, root)."
)
@click.option(
    "--run", type=PATH, hidden=True, help="The service's run folder, instead of folders.run."
)
@both_option
def update(
    what: str | None,
    config_path: Path,
    run: Path | None,
    stick: Path | None,
    *,
    older: bool,
    now: bool,
    check: bool,
    yes: bool,
    fetch: bool,
    asked: bool,
    as_json: bool,
) -> None:
    """Install a new version of the whole box from a signed FILE or URL, and try it.

    It is written into the slot that is not in use; the box starts from it in the quiet hour with
    nobody on the phone, or with --now. The data is copied first, as each night. The new version
    stays if all is well for two minutes, else the version of before comes back by itself.

    status tells how it stands, start starts from the version that waits, give-up keeps the one
    that runs, back returns to the one of before.
    """
    if [what is not None, check, fetch, asked, stick is not None].count(True) != 1:
        raise click.UsageError(in_language(NAME_ONE))
    is_source = what is not None and what not in WORDS
    for option, is_given, fits, words in (
        ("--now", now, is_source or check, "FILE, URL, --check"),
        ("--older", older, is_source, "FILE, URL"),
        ("--yes", yes, check, "--check"),
    ):
        if is_given and not fits:
            raise click.UsageError(in_language(GOES_WITH.filled(option=option, words=words)))
    with answering(config_path, as_json=as_json) as say:
        updates.check_image()
        helper = helper_of(config_path, run)
        try:
            start = functools.partial(_started, helper, config_path)
            # As JSON all that is said is one value, at the end.
            at_once = None if as_json else say
            if what == "start":
                say(start())
            elif what is not None and is_source:
                said = _installed(helper, what, older=older)
                say(_and_started(said, start if now else None, at_once))
            elif check:
                say(_checked(helper, at_once, start if now else None, is_sure=yes))
            elif (said := _done(helper, what, stick, fetch=fetch)) != NOTHING:
                say(said)
        except PermissionError as error:
            raise Refused(
                _("that takes the administrator: use sudo"),
            ) from error


def _done(helper: Helper, what: str | None, stick: Path | None, *, fetch: bool) -> Words:
    if fetch:
        return fetched(helper)
    if stick is not None:
        return brought(helper, stick)
    match what:
        case None:
            return helper.turn()
        case "status":
            return told(helper)
        case "back":
            return helper.back(_who())
        case "give-up":
            return helper.give_up(_who())
        case _:
            return Watch(helper).turn()


def _started(helper: Helper, config: Path) -> Words:
    """Copy the data as in the night, then start from the new version.

    A copy that fails is told and stops nothing: the update may be its cure.
    """
    told: list[Words] = []

    def copy_data() -> None:
        try:
            told.append(night_copies(config))
        except (CentralinoError, OSError) as error:
            told.append(NOT_COPIED.filled(words_of(error)))

    started = helper.start(_who(), copy_data)
    return lines_of((*told, started))


def _and_started(
    installed: Words, start: Callable[[], Words] | None, say: Callable[[Words], None] | None
) -> Words:
    """Start at once from what was installed, if wanted; `say` tells of the installation before."""
    if start is None:
        return installed
    if say is None:
        return lines_of((installed, start()))
    say(installed)
    return start()


def told(helper: Helper) -> Words:
    """Return the running version and the last update's state."""
    kept = updates.load_update(helper.kept_in)
    running = policy_updates.RUNNING.filled(version=helper.running())
    stands = policy_updates.update_words(kept.state, kept.version)
    rollout = rollout_in_force(helper.settings)
    stage = NOTHING if rollout is None else stage_words(rollout)
    more = (one for one in (note_update(), kept.said, stage) if one != NOTHING)
    return lines_of((running, stands, *more))


def fetched(helper: Helper) -> Words:
    """Download the server's offer if it is newer and has not failed here."""
    settings, server = helper.settings, _own_server(helper)
    offer, running = server.latest(), helper.running()
    kept = updates.load_update(helper.kept_in)
    if (
        version_order(offer.version or "0.0") <= version_order(running)
        or offer.version in kept.failed
    ):
        return policy_updates.NOTHING_OFFERED.filled(version=running)
    rollout, branch = rollout_in_force(settings), settings.central.branch
    if (waits := hindrance(rollout, branch, offer.version)) != NOTHING:
        return waits
    server.fetch(offer, Path(settings.folders.state) / updates.FETCHED, _room(settings))
    return policy_updates.FETCHED.filled(version=offer.version)


def _own_server(helper: Helper) -> UpdateServer:
    """Return the configured server; raises Refused where there is none."""
    address = helper.settings.updates.server
    if not address:
        raise Refused(
            _("no server is configured: write server under [updates]"),
        )
    return _server(helper.settings, address, helper)


def _checked(
    helper: Helper,
    say: Callable[[Words], None] | None,
    start: Callable[[], Words] | None,
    *,
    is_sure: bool,
) -> Words:
    """Show what is published; download and install it after a yes. Raises Refused, OSError.

    `say` shows it before the question, None where nobody can be asked; `start` starts from it at
    once, None: in the quiet hour.
    """
    settings, server = helper.settings, _own_server(helper)
    found, running = release_place.newest(server), helper.running()
    if version_order(found.offer.version) <= version_order(running):
        return policy_updates.NOTHING_OFFERED.filled(version=running)
    told = lines_of((found.words(running), found.notes))
    if say is not None:
        say(told)
    if not is_sure:
        if say is None:
            return lines_of((told, release_place.NOT_DOWNLOADED))
        if not click.confirm(in_site_language(settings, release_place.DOWNLOAD)):
            return release_place.NOT_DOWNLOADED
    target = Path(settings.folders.state) / updates.FETCHED
    server.fetch(found.offer, target, _room(settings))
    done = helper.install(target, UpdateRequest(_who(), "file"), is_ours=True)
    done = _and_started(done, start, say)
    return done if say is not None else lines_of((told, done))


def _installed(helper: Helper, what: str, *, older: bool) -> Words:
    """Install a file or the contents of a URL; raises Refused, OSError."""
    asked = UpdateRequest(_who(), "file")
    if "://" not in what:
        return helper.install(Path(what).absolute(), asked, even_older=older)
    server = _server(helper.settings, what, helper)
    target = Path(helper.settings.folders.state) / updates.FETCHED
    server.fetch(server.latest(), target, _room(helper.settings))
    return helper.install(target, asked, is_ours=True, even_older=older)


def _server(settings: Settings, address: str, helper: Helper) -> UpdateServer:
    told = helper.asked()
    is_trusted = told is not None and told.clock_trusted
    return UpdateServer(address, settings.updates.ca_file, checks_dates=is_trusted)


def _room(settings: Settings) -> int:
    """Return how many bytes may be downloaded."""
    # The helper makes a copy, hence half; `spare_bytes` leaves room for messages.
    return max(0, spare_bytes(Path(settings.folders.state)) // 2)


def _who() -> str:
    """Return the user in the audit's notation of a shell."""
    return f"{SHELL}{os.environ.get('SUDO_USER') or 'root'}"
