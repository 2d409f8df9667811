"""Root's helper of updates: takes a bundle, checks it, writes it into the slot that does not run.

It runs beside a working box and cuts nobody off: it begins, and starts the machine anew, only with
nobody on the phone. Whatever fails leaves the version in use as it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api import control_socket
from appliance.commands import slots
from appliance.commands.options import load_settings
from appliance.commands.slots import Rauc
from appliance.config import last_good
from appliance.config import read as configuration
from appliance.errors import CentralinoError, ConfigurationError, OfficeError
from appliance.files import READABLE, atomic_write, open_plain, replacing
from appliance.policy import updates as policy_updates
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Words
from appliance.policy.updates import State, Step, after, check_version, filled, may_take, refused
from appliance.service import updates
from appliance.service.updates import BUNDLE, FETCHED, MOST_PAST, UPLOADED, Asked, Kept, Past
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings

IDLE_S: Final = 600.0
LOOKS_S: Final = 1.0
PIECE: Final = 1 << 20
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
BY_ITSELF: Final = frozenset({"server", "stick"})
"""Sources that nobody looks at: a version that has failed here is not taken from them again."""


@dataclass(frozen=True, slots=True)
class Helper:
    """What the helper works with; `run` is the desk's folder, `kept_in` the helper's own."""

    settings: Settings
    run: Path
    rauc: Rauc = field(default_factory=Rauc)
    reboot: Callable[[], None] = slots.reboot
    running: Callable[[], str] = updates.running_version
    idle_s: float = IDLE_S

    @property
    def kept_in(self) -> Path:
        """Say where state and bundle lie."""
        return updates.folder_of_updates(Path(self.settings.folders.state).absolute())

    def turn(self) -> Words:
        """Do what the desk has asked for; nothing where it has not. Raises as it fails."""
        asked = updates.take(self.run)
        return NOTHING if asked is None else self.do(asked)

    def do(self, asked: Asked) -> Words:
        """Do one thing; raises Refused, OSError."""
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
        self, source: Path, asked: Asked, *, is_ours: bool = False, even_older: bool = False
    ) -> Words:
        """Take a bundle, check it, write it; the source goes where `is_ours`. Raises Refused."""
        kept = updates.load_update(self.kept_in)
        if not may_take(kept.state):
            raise refused(policy_updates.WAITS)
        self.kept_in.mkdir(mode=0o755, exist_ok=True)
        kept = replace(
            kept, version="", before=self.running(), by=asked.by, source=asked.what, said=NOTHING
        )
        try:
            bundle = self._taken(source, is_ours=is_ours)
            kept = self._step(kept, Step.FETCHED)
            kept = self._step(self._checked(kept, bundle, even_older), Step.CHECKED)
            kept = self._written(kept, bundle)
        except (CentralinoError, OSError) as error:
            self._ended(self._step(kept, Step.REFUSED), "refused", words_of(error))
            raise
        finally:
            (self.kept_in / BUNDLE).unlink(missing_ok=True)
            self._tell(None)
        return filled(policy_updates.DONE, kept.version)

    def back(self, by: str) -> Words:
        """Have the box start from the other slot, where a version lies that has worked."""
        kept, found = updates.load_update(self.kept_in), self.rauc.slots()
        if kept.state is State.TRIAL:
            said = Words(f"chiesto da {by}", f"asked for by {by}")
            self._step(replace(kept, said=said), None)
            self.rauc.mark("bad", "booted")
            self.wait_for_idle()
            self.reboot()
            return filled(policy_updates.LEFT, kept.version, by)
        if not may_take(kept.state):
            raise refused(policy_updates.WAITS)
        if not found.other_is_good or found.other_version in kept.failed:
            raise refused(policy_updates.NO_OTHER)
        version = found.other_version or f"slot {found.other}"
        self.rauc.mark("active", "other")
        kept = replace(kept, version=version, before=self.running(), by=by, source="back")
        self._installed(kept, found.other)
        return filled(policy_updates.DONE, version)

    def start(self, by: str) -> Words:
        """Start the machine anew from the slot that was written, with nobody on the phone."""
        kept = updates.load_update(self.kept_in)
        if kept.state is not State.INSTALLED:
            raise refused(policy_updates.NOT_READY)
        self.wait_for_idle()
        self._step(replace(kept, worked=self._working(), by=kept.by or by), None)
        self.reboot()
        return filled(policy_updates.STARTING, kept.version)

    def give_up(self, by: str) -> Words:
        """Stay with the version that runs; after a failed update: take note of it."""
        kept = updates.load_update(self.kept_in)
        if kept.state is State.INSTALLED:
            self.rauc.mark("active", "booted")
            self.rauc.mark("good", "booted")  # all its tries again, of which "active" gives one
            self.rauc.mark("bad", "other")
            kept = replace(kept, by=by)
            self._ended(self._step(kept, Step.GIVEN_UP), "given_up", NOTHING)
        elif kept.state is State.BACK:
            self._step(kept, Step.GIVEN_UP)
        else:
            raise refused(policy_updates.NOT_READY)
        return policy_updates.GIVEN_UP

    # --- parts -------------------------------------------------------------------------------

    def _taken(self, source: Path, *, is_ours: bool) -> Path:
        """Copy a bundle into the helper's own folder: what lies elsewhere others can change."""
        target = self.kept_in / BUNDLE
        try:
            file = open_plain(source)
        except FileNotFoundError as error:
            raise refused(policy_updates.NO_FILE) from error
        with file:
            if os.fstat(file.fileno()).st_size > spare_bytes(self.kept_in):
                raise refused(policy_updates.NO_ROOM)
            with replacing(target) as copy:
                shutil.copyfileobj(file, copy, PIECE)
        if is_ours:
            source.unlink(missing_ok=True)
        return target

    def _checked(self, kept: Kept, path: Path, even_older: bool) -> Kept:
        """Look whether a bundle is signed, for this kind of box, and newer; raises Refused."""
        bundle, found = self.rauc.look(path), self.rauc.slots()
        if bundle.compatible != found.compatible:
            raise refused(policy_updates.OTHER_BOX, bundle.compatible)
        check_version(bundle.version, kept.before, even_older=even_older)
        if bundle.version in kept.failed and kept.source in BY_ITSELF:
            raise refused(policy_updates.FAILED_BEFORE, bundle.version)
        return replace(kept, version=bundle.version, slot=found.other)

    def _written(self, kept: Kept, bundle: Path) -> Kept:
        self.wait_for_idle()
        self.rauc.install(bundle, self._tell)
        return self._installed(kept, kept.slot)

    def _installed(self, kept: Kept, slot: str) -> Kept:
        worked, boot = self._working(), boot_id()
        kept = replace(kept, slot=slot, worked=worked, boot=boot, installed=time.monotonic())
        return self._step(kept, Step.INSTALLED)

    def _step(self, kept: Kept, step: Step | None) -> Kept:
        """Keep what has become of it; None where only its details are others."""
        state = kept.state if step is None else after(kept.state, step)
        changed = replace(kept, state=state, at=now())
        self.kept_in.mkdir(mode=0o755, exist_ok=True)
        updates.keep(self.kept_in, changed)
        return changed

    def _ended(self, kept: Kept, outcome: str, said: Words) -> Kept:
        """Keep that an update is over, and how."""
        past = Past(now(), kept.by, kept.before, kept.version, outcome, said)
        return self._step(replace(kept, said=said, past=(past, *kept.past)[:MOST_PAST]), None)

    def ended(self, kept: Kept, step: Step, outcome: str, said: Words) -> Kept:
        """Keep what a trial, or a start without one, has come to."""
        return self._ended(self._step(kept, step), outcome, said)

    def stepped(self, kept: Kept, step: Step | None) -> Kept:
        """Keep a step that ends nothing."""
        return self._step(kept, step)

    def wait_for_idle(self) -> None:
        """Wait until nobody is on the phone; raises Refused where somebody always is."""
        until = time.monotonic() + self.idle_s
        while not self._is_idle():
            if time.monotonic() >= until:
                raise refused(policy_updates.NEVER_IDLE)
            time.sleep(LOOKS_S)

    def asked(self) -> dict[str, Any] | None:
        """Ask the desk how it is; None where it does not answer."""
        try:
            return control_socket.ask(self.run / "desk.sock", {"ask": "updates"})
        except (OfficeError, ValueError):
            return None

    def _is_idle(self) -> bool:
        told = self.asked()
        if told is None:
            return not (self.run / "desk.sock").exists()
        return bool(told["health"]["idle"])

    def _working(self) -> tuple[str, ...]:
        told = self.asked()
        return () if told is None else tuple(map(str, told["health"]["working"]))

    def _tell(self, percent: int | None) -> None:
        """Say how far the writing is, in memory; where that cannot be, it goes on all the same."""
        path = updates.progress_path(self.run)
        if percent is None:
            path.unlink(missing_ok=True)
        elif path.parent.is_dir():
            atomic_write(path, str(percent), mode=READABLE, is_durable=False)


def helper_of(config: Path, run: Path | None = None) -> Helper:
    """Make the helper of a box, also of one whose configuration is broken: it must be updated."""
    settings = _settings(config)
    return Helper(settings, run or Path(settings.folders.run))


def _settings(config: Path) -> Settings:
    for path in (config, last_good.state_folder(config) / "last_good.toml"):
        with contextlib.suppress(ConfigurationError):
            return load_settings(path)
    return configuration.parse(last_good.NOTHING)


def boot_id() -> str:
    """Return what this start of the machine is called."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def now() -> str:
    """Return the time as it is kept."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()
