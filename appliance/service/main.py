"""Call control's process: start, readiness, watchdog, clean stop; the ONLY use of sdnotify here.

The parts are made in service/composition.py; this file starts, turns and stops them.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import sdnotify

from appliance.api.backup import is_idle
from appliance.api.control_socket import ControlSocket
from appliance.calls import events
from appliance.calls.status import Status
from appliance.config import state_folder
from appliance.config.state_folder import bundle_folder as central_of
from appliance.errors import Bug, CentralinoError
from appliance.files import SHARED
from appliance.media import link
from appliance.policy.text import Refused
from appliance.service import nightly
from appliance.service.backup import MADE
from appliance.service.composition import Parts, ProcessState, Run
from appliance.service.jobs import JobResult, Jobs
from appliance.service.nightly import is_quiet
from appliance.sip.phones import PhonesStatus
from appliance.store import reports
from appliance.store.database import Trouble
from appliance.voicemail.storage import MailboxFolders
from appliance.workers import one_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.service.status import StatusCollector

# All that call control writes is for its own account alone, but for what is named here. What a
# programme of before has left otherwise, or an old backup has brought, is opened at the start.

ENTERED: Final = 0o750


def open_to_console(state: Path) -> None:
    """Let the console read what its pages show, and nothing beside; what is so already is left."""
    for path in shown(state):
        with contextlib.suppress(OSError):  # erased meanwhile, or another's
            found = path.lstat()
            wanted = ENTERED if stat.S_ISDIR(found.st_mode) else SHARED
            if not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) != wanted:
                path.chmod(wanted)


def shown(state: Path) -> Iterator[Path]:
    """Yield messages, announcements and their drafts, the head office's settings, and the backup
    that was asked for in a browser; the records' rights are seen to where they are opened.
    """
    messages = MailboxFolders(state / "voicemail")
    yield from (messages.root, messages.new, *messages.new.glob("*.wav"))
    for folder in (
        state_folder.speech_folder(state),
        state_folder.drafts_of(state),
        central_of(state),
    ):
        yield from (folder, *folder.rglob("*"))
    yield from ((state / MADE).parent, state / MADE)


# Everything reads as one page: what is started, in which order, and undone in the reverse one.

log = logging.getLogger(__name__)
LINE_LIMIT_S = 5.0
"""A line that has not come up so long after the start is declared out (all lines in parallel)."""
IS_KEPT = "NOTIFY_SOCKET" in os.environ
"""There is a service manager, which starts call control again when it leaves."""
SWITCH_S = 0.001
"""A thread that has something to do waits so long for one that computes (Python's own: 0.005): the
INVITE is sent by another thread than the one that has decided it, and goes on."""
TURN_S = 1.0
"""The main loop turns at least so often: readiness and watchdog are looked at then."""


MOST_CHECK_BYTES: Final = 1_000_000
"""What the child may write: it writes nothing."""
TOLD: Final = 400
"""So many characters of its complaints are shown; `centralino check` says all."""


class Reloading:
    """`ask` is for a signal; all else is done by `look`, in the deciding thread.

    `kept` is true where a service manager starts call control again.
    """

    def __init__(self, jobs: Jobs, collector: StatusCollector, *, kept: bool) -> None:
        self._jobs, self._collector, self._kept = jobs, collector, kept
        self._is_asked = False
        self._is_good = False

    def ask(self) -> None:
        """Have the file looked at soon."""
        self._is_asked = True

    def look(self, is_idle: Callable[[], bool]) -> bool:
        """Do what is due; returns True when the service should leave to start with a new file."""
        if self._is_asked and not self._jobs.running:
            self._is_asked = False
            self._begin()
        return self._is_good and self._kept and is_idle()

    def _begin(self) -> None:
        try:
            self._jobs.begin(("check",), "", MOST_CHECK_BYTES, self._heard)
        except (Refused, OSError) as error:
            log.error("the configuration cannot be looked at: %s", error)

    def _heard(self, ended: JobResult) -> None:
        self._is_good = ended.is_well
        log.info("the configuration is %s", "good" if ended.is_well else "not used")
        self._collector.trouble("configuration", self._trouble(ended))

    def _trouble(self, ended: JobResult) -> Trouble | None:
        if not ended.is_well:
            return Trouble(
                "configuration.bad",
                "La configurazione scritta ora non è valida, resta quella di prima: "
                + _short(ended.said.it),
                "The configuration written now is wrong, the one before stays in force: "
                + _short(ended.said.en),
            )
        if self._kept:
            return None
        return Trouble(
            "configuration.new",
            "La nuova configurazione è valida: riavviare il servizio per usarla.",
            "The new configuration is good: restart the service to use it.",
        )


def _short(said: str) -> str:
    return " ".join(said.split())[:TOLD]


class Service:
    """Starts, turns and stops every part of call control."""

    def __init__(self, run: Run) -> None:
        self._notify = sdnotify.SystemdNotifier()
        self._ready = self._stopping = False
        self._ready_at = 0.0
        self._phones_shown = PhonesStatus()
        self._lines_by = 0.0
        # a tenth of what is granted: whoever is kept waiting by a busy board is not killed for it
        self._watchdog_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e7
        self._watchdog_at = 0.0
        above = ProcessState(self._show, lambda: self._ready, lambda: self._ready_at, IS_KEPT)
        self._parts = Parts(run, above)
        self._reloading = Reloading(self._parts.jobs.jobs, self._parts.collector, kept=IS_KEPT)
        self._parts.central.on_schedule = self._reloading.ask
        self._parts.entering.on_change = self._reloading.ask

    def run(self) -> None:
        """Start everything, turn until told to stop, stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGHUP, lambda *_: self._reloading.ask())
        door = self._made_door()
        sys.setswitchinterval(SWITCH_S)
        try:
            self._start()
            while not self._stopping:
                self._parts.desk.turn(TURN_S)
                if not self._parts.desk.is_in_a_hurry:
                    self._do("watchers", lambda: door.tell_watchers(time.monotonic()))
                    self._look()
                if self._parts.desk.confinement.is_spent:
                    raise Bug("the deciding thread fails again and again: it is started anew")
        finally:
            door.close()
            self._stop()

    def _made_door(self) -> ControlSocket:
        parts = self._parts
        gate = parts.users.rights
        gate.on_person = lambda: parts.switchboard.somebody_is_there(parts.desk.now())
        path = Path(parts.run.settings.folders.run) / "desk.sock"
        return ControlSocket(path, parts.selector, parts.questions, parts.watching, gate)

    def _start(self) -> None:
        parts = self._parts
        parts.corrections.begin()
        parts.stores.start()
        state = Path(parts.run.settings.folders.state)
        parts.stores.records.do(lambda _: open_to_console(state))
        parts.mail.start()
        if parts.fleet is not None:
            parts.fleet.start()
        parts.stores.load_numbers(parts.run.office.outgoing)
        parts.stores.spoken.load()
        parts.users.start()
        parts.nightly.start()
        parts.restores.start()
        parts.window.resume()
        parts.central.central.start()
        parts.panel.start()
        parts.phones.start()
        parts.metrics.start()
        self._lines_by = time.monotonic() + LINE_LIMIT_S
        parts.supervisor.start(time.monotonic())
        self._show(parts.desk.status())
        link.prepare(reads=link.FACTS, writes=link.ORDERS)  # the carrier is still being loaded
        nightly.trim_heap()
        gc.freeze()  # a full collection that looks at all of it again would keep a ring waiting

    def _stop(self) -> None:
        """Hang up every line, end every phone's call, keep what is to be kept.

        Each step is done whatever the ones before it failed with.
        """
        parts = self._parts
        self._notify.notify("STOPPING=1\nSTATUS=Stopping")
        for step in (
            lambda: parts.desk.fact(events.BoxStopped()),
            parts.carrier.close,
            parts.phones.stop,
            lambda: parts.phones_kept.keep_left(parts.phones.status()),
            parts.mail.stop,
            parts.fleet.stop if parts.fleet is not None else _nothing,
            parts.jobs.jobs.stop,
            parts.window.stop,
            parts.target_nights.stop,
            parts.metrics.stop,
            lambda: parts.stores.stop(self._hear_the_last),
            parts.panel.stop,
        ):
            _do_all_the_same(step)

    def _hear_the_last(self) -> None:
        """What came while stopping, a message stored in time above all, is still recorded."""
        _do_all_the_same(self._parts.desk.drain_inbox)

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _do(self, name: str, chore: Callable[[], object]) -> None:
        """Run a job; one that fails by a fault of ours rests, and all else goes on."""
        self._parts.desk.confinement.chore(name, chore)

    def _look(self) -> None:
        now = time.monotonic()
        self._do("phones", self._look_at_phones)
        self._look_after()
        one = self._parts.desk.confinement.one
        if not self._ready:
            with one():
                self._declare_missing(now)
            with one():
                self._ready = self._become_ready()
        with one():
            self._look_after_threads(now)

    def _look_at_phones(self) -> None:
        phones = self._parts.phones.status()
        if phones != self._phones_shown:
            self._phones_shown = phones
            self._parts.phones_kept.look(phones)
            self._show(self._parts.desk.status())

    def _look_after_threads(self, now: float) -> None:
        """Feed the watchdog while every thread lives; leave where only that can help."""
        supervisor = self._parts.supervisor
        verdict = supervisor.look(self._parts.desk.now(), self._is_idle)
        if verdict.leave is not None and self._ready:
            supervisor.leave(verdict.leave, now)
            self._stopping = True
        if self._reloading.look(self._is_idle):
            log.info("the service leaves, to be started with the new configuration")
            self._stopping = True
        if self._watchdog_s and now >= self._watchdog_at and verdict.feeds:
            self._watchdog_at = now + self._watchdog_s
            self._notify.notify("WATCHDOG=1")

    def _is_idle(self) -> bool:
        """Tell whether the service can leave without taking anything from anybody."""
        status = self._parts.desk.status()
        return not (status.calls or status.outgoing or self._parts.phones.status().legs)

    def _look_after(self) -> None:
        """Have messages and missed calls looked after; show what has come to wait for somebody."""
        parts, do = self._parts, self._do
        do("care", lambda: parts.housekeeping.look(parts.desk.now()))
        do("sheets", lambda: parts.sheets.look(parts.desk.now()))
        do("restarts", parts.restarts.look)
        do("corrections", lambda: parts.corrections.look(time.monotonic()))
        do("chores", parts.jobs.look)
        do("night", self._look_after_night)
        quiet = functools.partial(self._is_so, is_quiet)
        do("names", lambda: parts.naming.look(time.monotonic(), quiet))
        do("restores", parts.restores.look)
        do("window", parts.window.look)
        do("metrics", parts.metrics.look)
        do("updates", self._look_after_updates)
        do("central", self._look_after_central)
        do("notices", self._look_after_notices)
        if (fleet := parts.fleet) is not None:
            do("fleet", lambda: fleet.look(parts.desk.now().wall))
        do("watched", self._look_at_watched)

    def _is_so(self, judge: Callable[[Status], bool]) -> bool:
        """Judge what people see at the moment."""
        return judge(self._parts.desk.status())

    def _look_after_night(self) -> None:
        parts, collector = self._parts, self._parts.collector
        parts.nightly.look(parts.desk.now(), lambda: self._is_so(is_quiet))
        collector.night, collector.card = parts.nightly.last, parts.nightly.card
        parts.target_nights.look(parts.desk.now(), lambda: self._is_so(is_quiet))
        collector.stick, collector.target = parts.nightly.stick, parts.target_nights.target

    def _look_after_updates(self) -> None:
        parts = self._parts
        if parts.updates.look(parts.desk.now(), lambda: self._is_so(is_idle)):
            self._show(parts.desk.status())

    def _look_after_central(self) -> None:
        parts, central = self._parts, self._parts.central.central
        if central.look(parts.desk.now(), lambda: self._is_so(is_quiet)):
            parts.collector.central = central.words()
            self._show(parts.desk.status())

    def _look_after_notices(self) -> None:
        if self._parts.notices.look(time.monotonic()):
            self._show(self._parts.desk.status())

    def _look_at_watched(self) -> None:
        housekeeping, collector = self._parts.housekeeping, self._parts.collector
        collector.deleted_at = housekeeping.deleted_at
        if housekeeping.watched != collector.watched:
            collector.watched = housekeeping.watched
            self._show(self._parts.desk.status())

    def _declare_missing(self, now: float) -> None:
        """What has not come up in time is out, with a reason; it may come up any time later."""
        if now < self._lines_by:
            return
        for line in self._parts.desk.status().lines:
            if not line.declared:
                limit = f"{LINE_LIMIT_S:.0f} s"
                why = f"no answer within {limit}: check the modem and its port"
                perche = f"nessuna risposta entro {limit}: controllare il modem e la sua porta"
                self._parts.desk.fact(events.LineLost(line.name, why, reason_it=perche))

    def _become_ready(self) -> bool:
        status = self._parts.desk.status()
        is_declared = all(line.declared for line in status.lines)
        if not (is_declared and self._parts.phones.status().listening):
            return False
        self._notify.notify("READY=1")
        self._ready_at = time.monotonic()
        log.info("ready: %s", self._parts.collector.words(status))
        return True

    def _show(self, status: Status) -> None:
        """Tell systemd, the LEDs and the journal what people see."""
        parts = self._parts
        self._do("show.metrics", lambda: parts.metrics.see(status))
        self._do("show.diverts", lambda: parts.diverts.see(status))
        self._do("show.uses", lambda: self._keep_uses(status))
        if (fleet := parts.fleet) is not None:
            self._do("show.fleet", lambda: fleet.see(status))
        parts.watching.changed()
        self._do("show.words", lambda: self._say(status))
        self._do("show.phones", lambda: parts.phones.show_waiting(status.waiting))
        self._do("show.panel", lambda: parts.panel.show(parts.panel_status(status)))

    def _keep_uses(self, status: Status) -> None:
        if ended := tuple(self._parts.line_uses.see(status)):
            records = self._parts.stores.records
            records.do(lambda connection: reports.write(connection, ended))

    def _say(self, status: Status) -> None:
        """Tell the service manager; a newline would end an assignment (sd_notify(3))."""
        one_line = " ".join(self._parts.collector.words(status).split())
        self._notify.notify(f"STATUS={one_line}")


def _nothing() -> None:
    """Do nothing: the part is not there."""


def _do_all_the_same(step: Callable[[], None]) -> None:
    """Do a step of stopping; what it fails with is written, and the next steps are done."""
    try:
        with one_job():
            step()
    except Bug:
        return  # it is reported
    except CentralinoError as error:
        log.warning("stopping: %s", error)
