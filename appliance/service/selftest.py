"""The self-test as the service asks for it, and its last result for pages and status.

systemd starts it (centralino-helper@selftest), under the account of the service with limits. Its
result stands in /run, where it can be written also on a disk that is full, and in the state folder,
where it outlives a start.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
from appliance.api.technician_commands import RunSelfTest, ShowSelfTest
from appliance.api.technician_replies import SelfTestCheck, SelfTestReply, SelfTestReport
from appliance.files import READABLE, atomic_write, load_text
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.selftest import findings
from appliance.selftest.findings import TITLES, SelfTest, wrong
from appliance.service import helper_requests
from appliance.service.helper_requests import HelperRequest
from appliance.store import database
from appliance.store.database import Noted, Trouble, transaction
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now

REQUEST: Final = "selftest-asked"
ANSWER: Final = "answer"
# The unit's own limit.
LONGEST_S: Final = 300.0
LOOKS_S: Final = 2.0
CODE: Final = "selftest"
"""Code of the trouble, and of the row in the list of changes."""
BEGUN: Final = _("Begun: half a minute, calls go on meanwhile. The result shows here.")
RUNS: Final = _("a self-test is being done: wait for its end")
NOBODY: Final = _(
    "nobody does self-tests here (start centralino-request@selftest.path): use "
    "sudo centralino box selftest"
)
FILE: Final = "selftest.json"


@dataclass(frozen=True, slots=True)
class LastTest:
    """The last self-test and who asked for it, "" for the first start or a shell."""

    test: SelfTest
    by: str = ""


def request_path(run: Path) -> Path:
    """Return the path of a request; systemd's centralino-request@selftest.path watches it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Return the path of the unit's answer, in its own folder beside the run folder."""
    return run.with_name(f"{run.name}-selftest") / ANSWER


def ask(run: Path, by: str) -> None:
    """Ask for a self-test; raises OSError."""
    helper_requests.put_request(request_path(run), HelperRequest(by))


def running_path(run: Path) -> Path:
    """Return the path of the mark that a self-test is being done."""
    return answer_path(run).with_name("running")


def is_running(run: Path) -> bool:
    """Return whether one is being done; a mark that a killed one has left does not count."""
    try:
        return time.time() - running_path(run).stat().st_mtime < LONGEST_S
    except OSError:
        return False


def take(run: Path) -> str:
    """Remove a request, mark the beginning; return who asked, "" for nobody."""
    with contextlib.suppress(OSError):
        running_path(run).parent.mkdir(mode=0o755, exist_ok=True)
        running_path(run).touch()
    asked = helper_requests.take_request(request_path(run))
    return asked.by if asked else ""


def is_waiting(run: Path) -> bool:
    """Return whether a request waits; one that nobody takes is deleted."""
    return helper_requests.request_is_waiting(request_path(run))


def keep(state: Path, run: Path, test: SelfTest, by: str) -> None:
    """Write the result where the service finds it."""
    path = answer_path(run)
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o755, exist_ok=True)
        atomic_write(path, _text(test, by), mode=READABLE, is_durable=False)
        running_path(run).unlink(missing_ok=True)
    keep_in(state, test, by)


def keep_in(state: Path, test: SelfTest, by: str) -> None:
    """Write the result into the state folder; a disk that refuses it is told by the result."""
    with contextlib.suppress(OSError):
        atomic_write(state / FILE, _text(test, by))


def _text(test: SelfTest, by: str) -> str:
    told = json.loads(findings.to_text(test))
    return json.dumps({**told, "by": by}, ensure_ascii=False)


def load_last(run: Path) -> SelfTest | None:
    """Return the unit's last result since the box started."""
    return findings.from_text(load_text(answer_path(run)))


def load(state: Path, run: Path) -> LastTest | None:
    """Return the latest result; None before the first self-test."""
    found = [_last(load_text(path)) for path in (answer_path(run), state / FILE)]
    return max((each for each in found if each), key=lambda each: each.test.at, default=None)


def _last(text: str) -> LastTest | None:
    test = findings.from_text(text)
    return None if test is None else LastTest(test, str(json.loads(text).get("by", "")))


def without_memory() -> SelfTest:
    """Return the result of a self-test that the kernel ended for its memory."""
    fault = wrong(
        "memory",
        _("there is not enough memory for a self-test: end other programmes, or start the box "
          "anew"),
    )  # fmt: skip
    return replace(findings.whole(datetime.now(UTC), 0.0, [fault]), seconds=0.0)


class SelfTestCommands(CommandHandlers):
    """Commands about self-tests; a fault that one has found stays a trouble until none is found."""

    def __init__(
        self,
        stores: StoreAccess,
        settings: Settings,
        now: Callable[[], Now],
        trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._stores, self._now, self._trouble = stores, now, trouble
        self._state, self._run = Path(settings.folders.state), Path(settings.folders.run)
        self._last: LastTest | None = None
        self._asked: datetime | None = None
        self._looked_at = 0.0
        self._is_new = False

    def start(self) -> None:
        """Read the last result in the database thread, which may wait for the disk."""
        self._stores.records.do(lambda _: load(self._state, self._run), self._loaded)

    @command(ShowSelfTest)
    def shown(self, _: ShowSelfTest) -> SelfTestReply:
        """Return whether one is being done, and the last result."""
        runs = is_waiting(self._run) or is_running(self._run)
        # A page that asks at the unit's end would else be told the result before, or that nobody
        # does self-tests, until the next look.
        if not runs:
            self._take_answer()
        last = self._last
        lost = self._asked is not None and not runs
        return SelfTestReply(runs, report(last) if last else None, NOBODY if lost else NOTHING)

    @command(RunSelfTest)
    def asked(self, wish: RunSelfTest) -> DeferredReply:
        """Ask the unit for a self-test; audited."""
        by, at = wish.by, self._now().wall

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            if is_waiting(self._run) or is_running(self._run):
                raise Refused(RUNS)
            with transaction(connection):
                database.note(connection, Noted(at, by, f"{CODE}.run"))
            ask(self._run, by)
            self._asked = at
            return Said(BEGUN)

        return deferred(self._stores.records, refusing(job), declined)

    def look(self) -> bool:
        """Take up a new result; return whether there is one."""
        if time.monotonic() < self._looked_at + LOOKS_S:
            return False
        self._looked_at = time.monotonic()
        self._take_answer()
        was_new, self._is_new = self._is_new, False
        return was_new

    def _take_answer(self) -> None:
        """Take up the unit's answer, if it is a new one."""
        # In memory: a file of /run waits for no disk.
        found = _last(load_text(answer_path(self._run)))
        if found is None or (self._last is not None and found.test.at <= self._last.test.at):
            return
        self._take(found)
        self._is_new = True

    def _loaded(self, found: object) -> None:
        if isinstance(found, LastTest) and self._last is None:
            self._take(found)

    def _take(self, found: LastTest) -> None:
        self._last, self._asked = found, None
        faulty = found.test.status == 1
        self._trouble(CODE, Trouble(CODE, found.test.verdict) if faulty else None)


def report(last: LastTest) -> SelfTestReport:
    """Return a result as it is sent."""
    checks = tuple(
        SelfTestCheck(TITLES[f.code], f.outcome.value, f.said) for f in last.test.findings
    )
    return SelfTestReport(last.test.at, last.by, last.test.status, last.test.verdict, checks)


NEVER: Final = _(
    "Self-test: not done yet; sudo centralino box selftest, or the button on the page Installation"
)


def result_words(state: Path, run: Path, moment: Callable[[datetime], Words]) -> Words:
    """Return the last result with its date, or that there is none."""
    told = last_words(state, run, moment)
    return NEVER if told == NOTHING else told


def last_words(state: Path, run: Path, moment: Callable[[datetime], Words]) -> Words:
    """Return the last result with its date, NOTHING where none is known."""
    last = load(state, run)
    if last is None:
        return NOTHING
    return _("Self-test of {when}: {result}", when=moment(last.test.at), result=last.test.verdict)
