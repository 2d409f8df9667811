"""Updates of the image: reason of the last start, request and record, runner, commands."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import appliance
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    check_may,
    command,
    declined,
    deferred,
    refusing,
)
from appliance.api.replies import Said
from appliance.api.technician_commands import (
    GiveUpUpdate,
    GoBack,
    InstallUpdate,
    ShowUpdates,
    StartUpdate,
    UpdateCommand,
)
from appliance.api.technician_replies import ControlHealth, UpdateEnded, UpdatesReply
from appliance.calls.model import LineState
from appliance.config.rollout_file import rollout_in_force
from appliance.errors import CentralinoError, OfficeError
from appliance.files import READABLE, atomic_write, load_text
from appliance.policy import updates as policy_updates
from appliance.policy.rollout import hindrance, stage_words
from appliance.policy.text import Refused
from appliance.policy.updates import (
    BY_APT,
    StartMoment,
    UpdateInstall,
    UpdateLight,
    UpdateState,
    is_quiet,
    may_start,
    may_take,
    refused,
    update_words,
)
from appliance.policy.users import Permission
from appliance.service import helper_requests
from appliance.service.image_release import RELEASE, named, note_update
from appliance.service.technician_commands import is_idle
from appliance.store import database
from appliance.store.database import Noted, Trouble, transaction
from appliance.text import NOTHING, Words, _, as_json, joined, written

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.policy.rollout import Rollout
    from appliance.service.jobs import JobResult, Jobs
    from appliance.store.writer import DatabaseWriter


# ---- updates -----------------------------------------------------------------------------------
# Updates in call control: when to fetch, install and start one, never during a call.
#
# Root's helper alone writes a slot; call control asks it by a small file.

# Reason of the last start, as the image's helper (`boots`) has found it at this boot.

FILE: Final = "reason"
NUMBER: Final = "number"
WHY: Final[Mapping[str, Words]] = {
    "asked": _("somebody or an update asked"),
    "first": _("it is the first of this memory card"),
    "power": _("the power failed, or the box had hung"),
    "service": _("a service kept dying: see the journal"),
    "watchdog": _("it had hung, and the watchdog started it again"),
}
"""Reasons of a start by the helper's code."""


def reason(run: Path) -> str:
    """Return the code of the last start's reason, "" if unknown: the image alone has the helper."""
    try:
        found = (run.with_name(f"{run.name}-boot") / FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return found if found in WHY else ""


def number(run: Path) -> int:
    """Return the number of starts of this memory card, 0 if nobody counts."""
    try:
        return int((run.with_name(f"{run.name}-boot") / NUMBER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def said(why: str) -> tuple[Words, ...]:
    """Return the sentence for a start's reason, () if unknown."""
    words = WHY.get(why)
    return (_("Last start: {reason}", reason=words),) if words else ()


# Only an appliance made from the image has two slots; elsewhere apt updates the package.

CMDLINE: Final = Path("/proc/cmdline")
_SLOT: Final = "rauc.slot="
# Set by image/boot/boot.cmd: a new version's only start, or the third of an unmarked one.
_LAST_TRY: Final = "centralino.left=0"


def is_image(cmdline: Path = CMDLINE) -> bool:
    """Return whether the appliance runs from one of two slots."""
    return booted(cmdline) != ""


def booted(cmdline: Path = CMDLINE) -> str:
    """Return the running slot ("A", "B"), "" on a machine without slots."""
    words = load_text(cmdline).split()
    return next((word[len(_SLOT) :] for word in words if word.startswith(_SLOT)), "")


def is_last_try(cmdline: Path = CMDLINE) -> bool:
    """Return whether the boot loader will take the other slot at the next start."""
    # Without the data partition nothing else tells that a start is a trial (design/processes.md).
    return _LAST_TRY in load_text(cmdline).split()


def check_image(cmdline: Path = CMDLINE) -> None:
    """Raise Refused on a machine without slots: apt updates the programme there."""
    if not is_image(cmdline):
        raise Refused(BY_APT)


def running_version(path: Path = RELEASE) -> str:
    """Return the running version, the image's or the package's."""
    return named("VERSION", path) or appliance.__version__


# Files between call control and root's helper. The request lies in call control's folder in /run,
# which root does not trust: it names no file and no address, only what is wanted. The helper's
# record lies in a folder of root's on the data partition: it outlives the change of the slot.

REQUEST: Final = "update-asked"
# In the console's folder: a bundle that came from a browser.
UPLOADED: Final = "update/uploaded.raucb"
# In call control's state folder: a bundle that came from the office's server.
FETCHED: Final = "update/fetched.raucb"
BUNDLE: Final = "bundle.raucb"
KEPT: Final = "kept.json"
PROGRESS: Final = "progress"
STICK: Final = "stick"
STICK_READ: Final = "stick-read"
MOST_PAST: Final = 20


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Asking user and wish: upload or server (install that file), back, start, give-up."""

    by: str
    what: str


BOX: Final = "box"
"""Name in the audit for what the appliance does by itself."""
SERVER: Final = "server"
WHATS: Final = frozenset({"upload", SERVER, "back", "start", "give-up"})


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """The last update, and those before it."""

    state: UpdateState = UpdateState.NONE
    version: str = ""
    # The version that it replaces.
    before: str = ""
    # "A" or "B", where it lies.
    slot: str = ""
    by: str = ""
    source: str = ""
    at: str = ""
    # `installed` (monotonic s) is a time of this boot only.
    boot: str = ""
    installed: float = 0.0
    # Lines that worked before it.
    worked: tuple[str, ...] = ()
    said: Words = NOTHING
    # Versions that the appliance went back from: none is installed again by itself.
    failed: tuple[str, ...] = ()
    past: tuple[UpdateEnded, ...] = field(default=())


def folder_of_updates(state: Path) -> Path:
    """Return the helper's folder: beside call control's state folder."""
    return state.with_name(f"{state.name}-update")


def progress_path(run: Path) -> Path:
    """Return the path of the helper's progress: beside call control's run folder."""
    return run.with_name(f"{run.name}-update") / PROGRESS


def progress(run: Path) -> int | None:
    """Return the percentage written, None while nothing is."""
    text = load_text(progress_path(run))
    return int(text) if text.isdecimal() else None


def tell_stick(run: Path, said: Words) -> None:
    """Write the last USB stick's result below /run; nothing without that folder."""
    path = progress_path(run).with_name(STICK)
    if path.parent.is_dir():
        text = json.dumps(said.by_language(), ensure_ascii=False)
        atomic_write(path, text, mode=READABLE, is_durable=False)


def stick_said(run: Path) -> Words:
    """Return the last USB stick's result since the machine's start."""
    try:
        return written(json.loads(load_text(progress_path(run).with_name(STICK))))
    except (ValueError, TypeError):
        return NOTHING


@contextlib.contextmanager
def reading_stick(run: Path, device: Path) -> Iterator[None]:
    """Tell below /run that a USB stick is being read; nothing without that folder."""
    path = progress_path(run).with_name(STICK_READ)
    if not path.parent.is_dir():
        yield
        return
    atomic_write(path, str(device), mode=READABLE, is_durable=False)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def stick_is_read(run: Path) -> bool:
    """Return whether a USB stick is being read; one that was pulled out is not."""
    device = load_text(progress_path(run).with_name(STICK_READ))
    return device.startswith("/dev/") and Path(device).exists()


def ask_for_update(run: Path, asked: UpdateRequest) -> None:
    """Write a request; raises OSError."""
    # Not durable: /run is memory.
    atomic_write(run / REQUEST, json.dumps(asdict(asked)), is_durable=False)


def update_is_waiting(run: Path) -> bool:
    """Return whether the last request was not taken yet."""
    return helper_requests.request_is_waiting(run / REQUEST)


def take(run: Path) -> UpdateRequest | None:
    """Take a request; None if absent or malformed."""
    try:
        told = json.loads(helper_requests.take_file(run / REQUEST) or b"")
        asked = UpdateRequest(str(told["by"])[:64], str(told["what"]))
    except (ValueError, LookupError, TypeError):
        return None
    return asked if asked.what in WHATS else None


def keep(folder: Path, kept: UpdateRecord) -> None:
    """Write the update record, durably, readable by all: it has no number. Raises OSError."""
    text = json.dumps(asdict(kept), default=as_json, ensure_ascii=False, indent=1)
    atomic_write(folder / KEPT, text, mode=READABLE)


def load_update(folder: Path) -> UpdateRecord:
    """Read the update record; empty if absent or malformed."""
    try:
        return _kept(json.loads(load_text(folder / KEPT)))
    except (ValueError, LookupError, TypeError):
        return UpdateRecord()


def at_of(kept: UpdateRecord | UpdateEnded) -> datetime | None:
    """Return the record's time, None if malformed."""
    try:
        return datetime.fromisoformat(kept.at)
    except ValueError:
        return None


def _kept(told: dict[str, Any]) -> UpdateRecord:
    past = tuple(UpdateEnded(**{**one, "said": written(one["said"])}) for one in told["past"])
    return UpdateRecord(
        **{
            **told,
            "state": UpdateState(told["state"]),
            "worked": tuple(map(str, told["worked"])),
            "said": written(told["said"]),
            "failed": tuple(map(str, told["failed"])),
            "past": past,
        }
    )


log = logging.getLogger(__name__)

LOOKS_S: Final = 10.0
# Seconds between two requests to the helper.
AGAIN_S: Final = 300.0
FETCH: Final = ("update", "--fetch")
MOST_BYTES: Final = 2_000_000_000
# The night's work (service/nightly.py): data as it was before the new version, whose migrations are
# not undone by going back.
COPY: Final = ("backup", "--nightly")
MOST_COPIED: Final = 1 << 40
# So long the start waits for the copy; a box whose copies fail must be updated as well.
COPY_LIMIT_S: Final = 1800.0


class UpdateRunner:
    """Scheduler of updates, in the deciding thread; files are read in the database thread.

    `boot` is the id of this boot: an update installed in an earlier one is over, and root's helper
    (centralino-helper@good) is about to record its outcome.
    """

    def __init__(
        self,
        settings: Settings,
        records: DatabaseWriter,
        jobs: Jobs,
        on_trouble: Callable[[str, Trouble | None], None],
        is_image: Callable[[], bool] = is_image,
        boot: str = "",
    ) -> None:
        self._settings, self._records, self._jobs = settings, records, jobs
        self._on_trouble = on_trouble
        self._zone = ZoneInfo(settings.site.zone)
        self._boot = boot
        self.run = Path(settings.folders.run)
        self.is_image = is_image()
        self.kept = UpdateRecord()
        """The helper's record as last read."""
        self.rollout: Rollout | None = None
        """The head office's rollout in force."""
        self.running, self.note = running_version(), note_update()
        self.at_once = False
        """A person asked to start the new version now."""
        self._has_changed = False
        self._looked_at = self._asked_at = float("-inf")
        self._day: date | None = None
        self._fetched = False
        self._copy_since: float | None = None
        self._is_copying = self._is_copied = False
        self.is_fetching = self.is_stick_read = False
        """The server is asked or a bundle downloaded; a USB stick is being read."""

    @property
    def light(self) -> UpdateLight:
        """What the panel shows of it."""
        if self.kept.state is UpdateState.TRIAL:
            return UpdateLight.ON_TRIAL
        is_taken = self.kept.state in {UpdateState.FETCHED, UpdateState.CHECKED}
        is_busy = is_taken or self.is_fetching or self.is_stick_read or self._is_copying
        return UpdateLight.UPDATING if is_busy else UpdateLight.NONE

    @property
    def asks_by_itself(self) -> bool:
        """Whether the server is asked each night: the office or the head office has decided so."""
        own = self._settings.updates
        is_wanted = own.install == UpdateInstall.NIGHT or self.rollout is not None
        return bool(own.server) and is_wanted

    def start_soon(self) -> None:
        """Request the start of the new version as soon as no call is up."""
        self.at_once = True
        self._asked_at = float("-inf")

    def look(self, now: Now, is_idle: Callable[[], bool]) -> bool:
        """Do the due steps; return whether pages must show something new. Never waits."""
        if self.is_image and now.monotonic >= self._looked_at + LOOKS_S:
            self._looked_at = now.monotonic
            self._do(now, is_idle)
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def _do(self, now: Now, is_idle: Callable[[], bool]) -> None:
        self._records.do(self._read, self._seen)
        idle = is_idle()
        if self.kept.state is UpdateState.INSTALLED:
            # One of an earlier boot is over: centralino-helper@good is about to record its outcome.
            if self.kept.boot == self._boot:
                self._start_or_give_up(now, idle)
        elif self._fetched:
            self._fetched = not self._ask(UpdateRequest(BOX, SERVER), now)
        elif idle and self._is_due(now):
            self._fetch(now)

    def _read(self, connection: sqlite3.Connection) -> tuple[UpdateRecord, Rollout | None, bool]:
        """Read record, rollout and whether a stick is read; audit a finished update.

        For the database thread.
        """
        kept = load_update(folder_of_updates(Path(self._settings.folders.state)))
        if kept != self.kept:
            _note(connection, kept)
        return kept, self._read_rollout(), stick_is_read(self.run)

    def _read_rollout(self) -> Rollout | None:
        try:
            return rollout_in_force(self._settings)
        except (CentralinoError, OSError) as error:
            # The last one known holds on; the fetch reads it anew, and then fails by itself.
            log.error("the rollout of updates cannot be read: %s", error)
            return self.rollout

    def _seen(self, found: tuple[UpdateRecord, Rollout | None, bool] | CentralinoError) -> None:
        if isinstance(found, CentralinoError):
            return
        kept, rollout, is_stick_read = found
        before = (self.rollout, self.is_stick_read)
        self._has_changed |= (rollout, is_stick_read) != before
        self.rollout, self.is_stick_read = rollout, is_stick_read
        if kept == self.kept:
            return
        if (kept.version, kept.installed) != (self.kept.version, self.kept.installed):
            self._copy_since, self._is_copied = None, False
        self.kept = kept
        self.at_once = self.at_once and kept.state is UpdateState.INSTALLED
        self._on_trouble("update", trouble_of(kept))
        self._has_changed = True

    def _start_or_give_up(self, now: Now, idle: bool) -> None:
        """Start from the new slot, or give it up if its rollout was stopped meanwhile."""
        # A person who brought the file, or asked for the start, decides otherwise.
        is_automatic = self.kept.source == SERVER and not self.at_once
        branch, version = self._settings.central.branch, self.kept.version
        if is_automatic and hindrance(self.rollout, branch, version) != NOTHING:
            self._ask(UpdateRequest(BOX, "give-up"), now)
        else:
            self._start(now, idle)

    def _start(self, now: Now, idle: bool) -> None:
        local, trusted = now.wall.astimezone(self._zone).time(), now.clock_state.is_trusted
        since_s = now.monotonic - self.kept.installed
        moment = StartMoment(local, trusted, since_s, idle, self.at_once)
        if may_start(moment) and self._has_copied(now):
            self._ask(UpdateRequest(self.kept.by, "start"), now)

    def _has_copied(self, now: Now) -> bool:
        """Have the data copied before the start; return whether that has ended, well or not."""
        if self._copy_since is None:
            self._copy_since = now.monotonic
        if self._is_copied or now.monotonic >= self._copy_since + COPY_LIMIT_S:
            return True
        if not self._is_copying:
            try:
                self._is_copying = self._has_changed = True
                self._jobs.begin(COPY, "", MOST_COPIED, self._copy_ended)
            except (Refused, OSError) as error:
                self._is_copying = False
                log.info("the copy before the update waits: %s", error)
        return False

    def _copy_ended(self, ended: JobResult) -> None:
        # What fails is the night's trouble; the update may be its cure.
        log.info("the copy before the update: %s", ended.said)
        self._is_copying, self._is_copied, self._has_changed = False, True, True

    def _ask(self, asked: UpdateRequest, now: Now) -> bool:
        """Send a request unless one was sent within AGAIN_S; return whether it was sent."""
        if now.monotonic < self._asked_at + AGAIN_S:
            return False
        if update_is_waiting(self.run):
            return False
        self._asked_at = now.monotonic
        try:
            ask_for_update(self.run, asked)
        except OSError as error:
            log.error("the update waits: %s", error)
            return False
        return True

    def _is_due(self, now: Now) -> bool:
        local = now.wall.astimezone(self._zone)
        # An hour that cannot be trusted is no quiet one; the server is asked once a night.
        is_time = now.clock_state.is_trusted and is_quiet(local.time())
        return self.asks_by_itself and is_time and self._day != local.date()

    def _fetch(self, now: Now) -> None:
        self.is_fetching = self._has_changed = True
        try:
            self._jobs.begin(FETCH, "", MOST_BYTES, self._ended)
        except (Refused, OSError) as error:
            self.is_fetching = False
            # Another job runs: the night's copies go first.
            log.info("looking for an update waits: %s", error)
            return
        self._day = now.wall.astimezone(self._zone).date()

    def _ended(self, ended: JobResult) -> None:
        """Request the installation of a fetched bundle; without one the reason is logged."""
        log.info("the server's update: %s", ended.said)
        self.is_fetching, self._has_changed = False, True
        target = Path(self._settings.folders.state) / FETCHED

        def seen(is_there: bool | CentralinoError) -> None:
            self._fetched = is_there is True

        if ended.is_well:
            self._records.do(lambda _: target.exists(), seen)


def trouble_of(kept: UpdateRecord) -> Trouble | None:
    """Return the trouble for a version that was given up, shown until a technician acts."""
    if kept.state is not UpdateState.BACK:
        return None
    said = (update_words(kept.state, kept.version), kept.said)
    return Trouble("update.back", joined(" ", (words for words in said if words != NOTHING)))


def _note(connection: sqlite3.Connection, kept: UpdateRecord) -> None:
    """Audit the last finished update, once."""
    if not kept.past:
        return
    last, at = kept.past[0], at_of(kept.past[0])
    what = f"update.{last.outcome}"
    # The record is read again and again: an audit row of the same time is this update's.
    if at is None or any(one.at == at for one in database.latest(connection, what)):
        return
    with transaction(connection):
        database.note(
            connection, Noted(at, last.by, what, f"{last.before or '?'} -> {last.version or '?'}")
        )


# ---- updates -----------------------------------------------------------------------------------
# Updates from the console, and the health report for the update helper.
#
# The database thread checks the permission and writes the audit; root's helper does the rest.

STEPS: Final[dict[type[UpdateCommand], str]] = {
    InstallUpdate: "upload",
    StartUpdate: "start",
    GoBack: "back",
    GiveUpUpdate: "give-up",
}
"""The helper's step for each command."""
NOT_WORKING: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})
BEGUN: Final = _("Begun: what comes of it shows here.")
TAKEN: Final = _("something is asked already: wait")
AT_ONCE: Final = _(
    "The box starts anew as soon as nobody is on the phone; open this page again in two minutes."
)


@dataclass(frozen=True, slots=True)
class OwnHealth:
    """Seconds that call control is ready; whether the media gateway is connected; its restarts."""

    ready_s: float
    carrier: bool
    restarts: int


@dataclass(frozen=True, slots=True)
class UpdateCommands(CommandHandlers):
    """Commands of the deciding thread."""

    stores: StoreAccess
    settings: Settings
    updates: UpdateRunner
    status: Callable[[], Status]
    myself: Callable[[], OwnHealth]

    @command(ShowUpdates)
    def state(self, _: ShowUpdates) -> UpdatesReply:
        """Return the running version, the last update's state, and call control's health."""
        kept, run = self.updates.kept, self.updates.run
        return UpdatesReply(
            image=self.updates.is_image,
            running=self.updates.running,
            note=self.updates.note,
            state=kept.state.value,
            version=kept.version,
            stands=update_words(kept.state, kept.version),
            said=kept.said,
            by=kept.by,
            at=kept.at,
            waiting=update_is_waiting(run),
            progress=progress(run),
            stick=stick_said(run),
            stick_is_read=stick_is_read(run),
            fetching=self.updates.is_fetching,
            server=self.settings.updates.server if self.updates.asks_by_itself else "",
            rollout=NOTHING if self.updates.rollout is None else stage_words(self.updates.rollout),
            past=kept.past,
            health=self._health(),
        )

    def _health(self) -> ControlHealth:
        status, myself = self.status(), self.myself()
        out = [line.name for line in status.lines if line.state in NOT_WORKING or line.reason]
        return ControlHealth(
            idle=is_idle(status),
            ready_s=myself.ready_s,
            carrier=myself.carrier,
            restarts=myself.restarts,
            working=tuple(line.name for line in status.lines if line.name not in out),
            out=tuple(out),
            clock_trusted=status.clock_state.is_trusted,
        )

    @command(*STEPS)
    def take_step(self, wish: UpdateCommand) -> DeferredReply:
        """Write the audit, then leave the step to root's helper; raises OfficeError."""
        what, by, at = STEPS[type(wish)], wish.by, self.status().at
        if not wish.sure:
            raise OfficeError("that one is sure is needed")

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            # In the job that writes the request, so that no two are written.
            self._check(what)
            with transaction(connection):
                database.note(connection, Noted(at, by, f"update.{what}"))
            # A restart waits until nobody is on the phone: call control decides when.
            if what != "start":
                ask_for_update(self.updates.run, UpdateRequest(by, what))
            return Said(AT_ONCE if what == "start" else BEGUN)

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if what == "start" and not isinstance(result, CentralinoError):
                self.updates.start_soon()
            return declined(result)

        return deferred(self.stores.records, refusing(job), reply)

    def _check(self, what: str) -> None:
        """Raise Refused if the step is not possible in the present state."""
        state = self.updates.kept.state
        if not self.updates.is_image:
            raise refused(policy_updates.BY_APT)
        if update_is_waiting(self.updates.run):
            raise refused(TAKEN)
        if what == "upload":
            if not may_take(state):
                raise refused(policy_updates.WAITS)
            if not (Path(self.settings.folders.console) / UPLOADED).is_file():
                raise refused(policy_updates.NO_FILE)
        # A version that was written but not started is given up, not gone back from.
        if what == "back" and state is UpdateState.INSTALLED:
            raise refused(policy_updates.WAITS)
        if what == "start" and state is not UpdateState.INSTALLED:
            raise refused(policy_updates.NOT_READY)
        if what == "give-up" and state not in {UpdateState.INSTALLED, UpdateState.BACK}:
            raise refused(policy_updates.NOT_READY)
