"""Fetching the head office's settings: when to begin, and the troubles shown.

A child process (`centralino settings`), begun when no call is on, reads and writes them. A server
that is gone is asked less and less often; people see it after a day.
"""

from __future__ import annotations

import enum
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.config.state_folder import PENDING, bundle_folder
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text, make_shared
from appliance.policy import managed_config
from appliance.policy.managed_config import retry_s
from appliance.policy.text import Refused, Words
from appliance.store import managed_config as records
from appliance.store.database import Trouble
from appliance.store.managed_config import InForce

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.jobs import JobResult, Jobs
    from appliance.store.writer import DatabaseWriter


# Each bundle has a folder of its own, named by its digest and never changed; one small file says
# which folder holds. So a change is one rename. Read by whoever reads the configuration.

log = logging.getLogger(__name__)


SAID: Final = "said.json"


class FetchOutcome(enum.StrEnum):
    """How it ended: what holds is what the server has; refused; the server gave nothing."""

    GOOD = "good"
    REFUSED = "refused"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class FetchResult:
    """When, how it ended, and the sentence; `good_at` is when it last ended well, if ever."""

    at: datetime
    outcome: FetchOutcome
    words: Words
    good_at: datetime | None = None


def keep(state: Path, said: FetchResult) -> None:
    """Keep it; when it last ended well is taken over. Raises OSError."""
    before = load_central_said(state)
    good_at = said.at if said.outcome is FetchOutcome.GOOD else before.good_at if before else None
    told = {
        "at": said.at.isoformat(),
        "outcome": said.outcome.value,
        "it": said.words.it,
        "en": said.words.en,
        "good_at": good_at.isoformat() if good_at else "",
    }
    make_shared(bundle_folder(state))
    atomic_write(bundle_folder(state) / SAID, json.dumps(told, ensure_ascii=False))


def load_central_said(state: Path) -> FetchResult | None:
    """Read the last result; None if absent or malformed."""
    try:
        told = json.loads(load_text(bundle_folder(state) / SAID))
        good_at = datetime.fromisoformat(told["good_at"]) if told["good_at"] else None
        words = Words(str(told["it"]), str(told["en"]))
        at, outcome = datetime.fromisoformat(told["at"]), FetchOutcome(told["outcome"])
        return FetchResult(at, outcome, words, good_at)
    except (ValueError, LookupError, TypeError):
        return None


FETCH: Final = ("settings", "fetch")
MOST_BYTES: Final = 256_000_000
FIRST_S: Final = 120.0
"""So long after the start it is looked for first: a box that starts has other things to do."""
BUSY_S: Final = 60.0
"""So long it waits for another job to end."""
PATIENCE_S: Final = 24 * 3600.0
"""So long a server may be gone before people are told."""
SPREAD: Final = 0.1
"""Every wait is longer by up to this part of it: not all branches ask in the same second."""


@dataclass(frozen=True, slots=True)
class ManagedState:
    """What was read last: what holds, what came of the last look, whether a cut left work over."""

    held: InForce | None = None
    said: FetchResult | None = None
    is_unfinished: bool = False


class ManagedConfigFetcher:
    """Looks and tells; all of it in the deciding thread, the disk in the records'."""

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
        """Read what holds."""
        self.read_anew()

    def read_anew(self, told: Callable[[], None] = lambda: None) -> None:
        """Read what holds and what was said last, in the database thread; then call `told`."""

        def done(result: ManagedState | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._has_changed = self._has_changed or result != self.known
                self.known = result
            told()

        self._records.do(self._read, done)

    def look(self, now: Now, is_idle: Callable[[], bool]) -> bool:
        """Begin a look that is due, never waiting; returns True when there is something new."""
        if self._next_at is None:
            self._good_at = now.monotonic
            self._next_at = now.monotonic + FIRST_S * (1 + self._spread())
        is_wanted = self.settings.central.server or self.known.is_unfinished
        if is_wanted and now.monotonic >= self._next_at and is_idle():
            self._begin(now.monotonic)
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def words(self) -> tuple[Words, ...]:
        """Say what is in force, since when, from where, and what came of the last look."""
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
        """Return what hears how a look that was begun then has ended."""

        def ended(how: JobResult) -> None:
            log.info("central settings: %s", how.said.en)
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
    """Return the trouble to show; a server that does not answer is one after a day."""
    if said is None or said.outcome is FetchOutcome.GOOD:
        return None
    if said.outcome is FetchOutcome.UNREACHED and not is_long:
        return None
    refused = said.outcome is FetchOutcome.REFUSED
    it = "non si possono usare" if refused else "non arrivano da più di un giorno"
    en = "cannot be used" if refused else "have not come for more than a day"
    return Trouble(
        f"central.{said.outcome}",
        f"Le impostazioni della sede centrale {it}, valgono quelle di prima: {said.words.it}",
        f"The head office's settings {en}, those of before hold: {said.words.en}",
    )


# Its weeks take the place of the file's; its closures, openings and periods are added to the
# branch's own. Where two openings or periods speak of one day, the branch's holds: of a schedule's
# entries the last one is the one that counts (policy/hours.py), so the branch's come last.
