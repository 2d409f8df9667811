"""The head office's settings: fetching, loading them, commands."""

from __future__ import annotations

import enum
import json
import logging
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    SendReply,
    check_may,
    command,
    declined,
)
from appliance.api.replies import Done
from appliance.api.technician_commands import (
    ApplySettings,
    CompareSettings,
    LoadManagedConfig,
    ManagedConfigJob,
    RevertSettings,
    ShowManagedConfig,
)
from appliance.api.technician_replies import ManagedConfigReply
from appliance.config.state_folder import PENDING, bundle_folder
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text, make_shared
from appliance.policy import managed_config
from appliance.policy.managed_config import retry_s
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.store import managed_config as records
from appliance.store.database import Trouble
from appliance.store.managed_config import REVERT, InForce
from appliance.text import Words, _, stored

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.jobs import JobResult, Jobs
    from appliance.service.technician_commands import JobCommands
    from appliance.store.writer import DatabaseWriter


# ---- managed config ----------------------------------------------------------------------------
# Fetching the head office's settings: when to begin, and the troubles shown.
#
# A child process (`box settings`), begun when no call is on, reads and writes them. A server
# that is gone is asked less and less often; people see it after a day.

# Each bundle has a folder of its own, named by its digest and never changed; one small file names
# the folder in force. So a change is one rename.

log = logging.getLogger(__name__)


SAID: Final = "said.json"


class FetchOutcome(enum.StrEnum):
    """Outcome of a fetch: settings in force are the server's; refused; server not reached."""

    GOOD = "good"
    REFUSED = "refused"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class FetchResult:
    """Time, outcome and sentence of a fetch; `good_at` is the last good one's time, if any."""

    at: datetime
    outcome: FetchOutcome
    words: Words
    good_at: datetime | None = None


def keep(state: Path, said: FetchResult) -> None:
    """Write a result with the time of the last good one; raises OSError."""
    before = load_central_said(state)
    good_at = said.at if said.outcome is FetchOutcome.GOOD else before.good_at if before else None
    told = {
        "at": said.at.isoformat(),
        "outcome": said.outcome.value,
        **said.words.by_language(),
        "good_at": good_at.isoformat() if good_at else "",
    }
    # The console reads this folder.
    make_shared(bundle_folder(state))
    atomic_write(bundle_folder(state) / SAID, json.dumps(told, ensure_ascii=False))


def load_central_said(state: Path) -> FetchResult | None:
    """Read the last result; None if absent or malformed."""
    try:
        told = json.loads(load_text(bundle_folder(state) / SAID))
        good_at = datetime.fromisoformat(told["good_at"]) if told["good_at"] else None
        words = stored(told)
        at, outcome = datetime.fromisoformat(told["at"]), FetchOutcome(told["outcome"])
        return FetchResult(at, outcome, words, good_at)
    except (ValueError, LookupError, TypeError):
        return None


FETCH: Final = ("settings", "fetch")
MOST_BYTES: Final = 256_000_000
# Seconds from the start to the first fetch: a starting appliance has other things to do.
FIRST_S: Final = 120.0
# Pause (s) after another job was running.
BUSY_S: Final = 60.0
# Time (s) that a server may be gone before a trouble is shown.
PATIENCE_S: Final = 24 * 3600.0
# Every wait is longer by up to this fraction, so that not all branches ask in the same second.
SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class ManagedState:
    """Bundle in force, result of the last fetch, and whether an interrupted change is left."""

    held: InForce | None = None
    said: FetchResult | None = None
    is_unfinished: bool = False


class ManagedConfigFetcher:
    """Scheduler of fetches, in the deciding thread; files are read in the database thread."""

    def __init__(
        self,
        settings: Settings,
        records: DatabaseWriter,
        jobs: Jobs,
        on_trouble: Callable[[str, Trouble | None], None],
        spread: Callable[[], float] = lambda: secrets.randbelow(1000) / 1000,
    ) -> None:
        self.settings = settings
        self._state = Path(settings.folders.state)
        self._zone = ZoneInfo(settings.site.zone)
        self._records, self._jobs, self._on_trouble = records, jobs, on_trouble
        self._every_s = settings.central.every * 60.0
        self._spread = spread
        self._failures = 0
        self._good_at: float | None = None
        self._next_at: float | None = None
        self._has_changed = False
        self.known = ManagedState()

    def start(self) -> None:
        """Read the bundle in force."""
        self.read_anew()

    def read_anew(self, told: Callable[[], None] = lambda: None) -> None:
        """Read bundle in force and last result, in the database thread; then call `told`."""

        def done(result: ManagedState | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._has_changed = self._has_changed or result != self.known
                self.known = result
            told()

        self._records.do(self._read, done)

    def look(self, now: Now, is_idle: Callable[[], bool]) -> bool:
        """Begin a fetch that is due; return whether there is something new. Never waits."""
        if self._next_at is None:
            self._good_at = now.monotonic
            self._next_at = now.monotonic + FIRST_S * (1 + self._spread())
        # A change that a power cut interrupted is finished by the child, also without a server.
        is_wanted = self.settings.central.server or self.known.is_unfinished
        if is_wanted and now.monotonic >= self._next_at and is_idle():
            self._begin(now.monotonic)
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def words(self) -> tuple[Words, ...]:
        """Return sentences: what is in force, since when, from where, and the last result."""
        if not self.settings.central.certificate:
            return ()
        held, said = self.known.held, self.known.said
        row = (held.version, held.at, held.by, held.source_shown) if held else None
        last = [managed_config.last_look_words(said.at, said.words, self._zone)] if said else []
        return (managed_config.in_force_words(row, self._zone), *last)

    def _read(self, connection: sqlite3.Connection) -> ManagedState:
        held, said = records.in_force(connection), load_central_said(self._state)
        return ManagedState(held, said, (bundle_folder(self._state) / PENDING).exists())

    def _begin(self, monotonic: float) -> None:
        self._next_at = monotonic + self._every_s * (1 + SPREAD * self._spread())
        try:
            self._jobs.begin(FETCH, "", MOST_BYTES, self._ended(monotonic))
        except (Refused, OSError) as error:
            log.info("looking for central settings waits: %s", error)
            self._next_at = monotonic + BUSY_S

    def _ended(self, begun: float) -> Callable[[JobResult], None]:
        """Return the callback for the end of a fetch begun at `begun` (monotonic s)."""

        def ended(how: JobResult) -> None:
            log.info("central settings: %s", how.said)
            self._failures = 0 if how.is_well else self._failures + 1
            if how.is_well:
                self._good_at = begun
            wait = retry_s(self._every_s, self._failures)
            self._next_at = begun + wait * (1 + SPREAD * self._spread())
            self.read_anew(lambda: self._tell(begun))

        return ended

    def _tell(self, monotonic: float) -> None:
        said = self.known.said
        is_long = self._good_at is None or monotonic - self._good_at >= PATIENCE_S
        self._on_trouble("central", trouble_of(said, is_long=is_long))


def trouble_of(said: FetchResult | None, *, is_long: bool) -> Trouble | None:
    """Return the trouble to show; a server that does not answer is none before PATIENCE_S."""
    if said is None or said.outcome is FetchOutcome.GOOD:
        return None
    if said.outcome is FetchOutcome.UNREACHED and not is_long:
        return None
    words = (
        _("The head office's settings cannot be used, those of before hold: {why}", why=said.words)
        if said.outcome is FetchOutcome.REFUSED
        else _(
            "The head office's settings have not come for more than a day, those of before "
            "hold: {why}",
            why=said.words,
        )
    )
    return Trouble(f"central.{said.outcome}", words)


# ---- managed config ----------------------------------------------------------------------------
# Managed configuration of the head office: what is in force, applying a file, reverting.
#
# The database thread checks the permission; a child process does the work (service.jobs) and writes
# the audit.

UPLOADED: Final = "central/uploaded.settings"
"""Path of an uploaded file below the console's folder."""
JOBS: Final[dict[type[ManagedConfigJob], str]] = {
    CompareSettings: "show",
    ApplySettings: "apply",
    RevertSettings: "revert",
}
"""Sub-command of `centralino box settings` for each job."""


@dataclass(slots=True)
class ManagedConfigCommands(CommandHandlers):
    """Commands of the deciding thread; `on_schedule` reads the configuration again."""

    stores: StoreAccess
    central: ManagedConfigFetcher
    jobs: JobCommands
    on_schedule: Callable[[], None] = lambda: None

    @command(ShowManagedConfig)
    def state(self, _: ShowManagedConfig) -> ManagedConfigReply:
        """Return the version in force and the results of the last fetch and the last jobs."""
        told = self.jobs.told()
        held = self.central.known.held
        return ManagedConfigReply(
            configured=bool(self.central.settings.central.certificate),
            server=self.central.settings.central.server,
            said=tuple(self.central.words()),
            version=held.version if held else 0,
            can_revert=bool(held and held.digest and held.source != REVERT),
            running=told.running == "settings",
            last={kind.ask: told.last[kind.ask] for kind in JOBS if kind.ask in told.last},
        )

    @command(LoadManagedConfig)
    def changed(self, wish: LoadManagedConfig) -> DeferredReply:
        """Load what a command line has put in force; calls in progress go on."""
        # Only a changed schedule needs the configuration; sounds and directory are loaded in any
        # case.
        if wish.schedule:
            self.on_schedule()

        def deferred_reply(send: SendReply) -> None:
            self.stores.spoken.load()
            self.stores.directory.load(lambda _: self.central.read_anew(lambda: send(Done())))

        return deferred_reply

    @command(*JOBS)
    def run_job(self, wish: ManagedConfigJob) -> DeferredReply:
        """Run `centralino box settings show`, `apply` or `revert` in a child process."""
        what, by = JOBS[type(wish)], wish.by
        file = Path(self.central.settings.folders.console) / UPLOADED
        given = () if what == "revert" else (str(file),)
        # `show` changes nothing, so it has no user.
        by_whom = () if what == "show" else ("--by", by)
        words = ("settings", what, *given, *by_whom)

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, Permission.CENTRAL)
            if given and not file.is_file():
                raise Refused(managed_config.NO_FILE)

        def deferred_reply(send: SendReply) -> None:
            def done(result: CentralinoError | None) -> None:
                if result is not None:
                    send(declined(result))
                else:
                    self.jobs.hand_over(wish.ask, words, "", send, MOST_BYTES)

            self.stores.records.do(job, done)

        return deferred_reply
