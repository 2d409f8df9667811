"""Call control's process: start, readiness, watchdog, clean stop; the ONLY use of sdnotify here.

service/composition.py makes the parts; this file starts, turns and stops them.
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
from appliance.service.technician_commands import is_idle
from appliance.sip.phones import PhonesStatus
from appliance.store import reports
from appliance.store.database import Trouble
from appliance.text import _, by_language
from appliance.voicemail.storage import MailboxFolders
from appliance.workers import one_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.service.status import StatusCollector

# Call control's files are for its own account alone, except those named here: the console has an
# account of its own. Files left by an older version or a restored backup are opened at the start.

ENTERED: Final = 0o750


def open_to_console(state: Path) -> None:
    """Give the console read access to the files that its pages show, and to no other file."""
    for path in shown(state):
        # The file may have been erased meanwhile, or belong to another account.
        with contextlib.suppress(OSError):
            found = path.lstat()
            wanted = ENTERED if stat.S_ISDIR(found.st_mode) else SHARED
            # chmod follows links: a link could name a file outside the folder.
            if not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) != wanted:
                path.chmod(wanted)


def shown(state: Path) -> Iterator[Path]:
    """Yield the paths that the console may read: messages, announcements and their drafts, the
    head office's settings, the backup made in a browser. The database sets its own permissions.
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


log = logging.getLogger(__name__)
# A line that is not up this long after the start is declared out (all lines in parallel).
LINE_LIMIT_S = 5.0
# The service manager sets this variable; it restarts call control when the process ends.
IS_KEPT = "NOTIFY_SOCKET" in os.environ
# The deciding thread goes on computing while the SIP thread must send the INVITE: Python's own
# interval of 0.005 s would keep the INVITE waiting that long.
SWITCH_S = 0.001
# Readiness and watchdog are checked once a turn.
TURN_S = 1.0


# The child that checks the configuration writes no file; the limit only bounds a faulty one.
MOST_CHECK_BYTES: Final = 1_000_000
# Characters shown of the mistakes; `centralino check` prints all of them.
TOLD: Final = 400


class Reloading:
    """Check of a changed configuration file, then a restart with it.

    A signal handler may call `ask`; `look` does the rest in the deciding thread. `kept` is true
    where a service manager restarts call control.
    """

    # The file is read once, at the start (rule 10): a child checks what a person has changed, and
    # a restart in good order, once no call is up, takes it over. A wrong file changes nothing.
    def __init__(self, jobs: Jobs, collector: StatusCollector, *, kept: bool) -> None:
        self._jobs, self._collector, self._kept = jobs, collector, kept
        self._is_asked = False
        self._is_good = False

    def ask(self) -> None:
        """Request a check of the file at the next `look`."""
        self._is_asked = True

    def look(self, is_idle: Callable[[], bool]) -> bool:
        """Begin a requested check; return True when the service must restart with a new file."""
        # One job at a time: a request made while one runs waits for its end.
        if self._is_asked and not self._jobs.running:
            self._is_asked = False
            self._begin()
        # Without a service manager (a workstation, the demonstration) nobody would start call
        # control again: it keeps running, and a trouble asks for the restart.
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
                _(
                    "The configuration written now is wrong, the one before stays in force: {why}",
                    why=by_language(lambda language: _short(ended.said.text(language))),
                ),
            )
        if self._kept:
            return None
        return Trouble(
            "configuration.new",
            _("The new configuration is good: restart the service to use it."),
        )


def _short(said: str) -> str:
    return " ".join(said.split())[:TOLD]


class Service:
    """Life of the process: start, main loop and stop of every part of call control."""

    def __init__(self, run: Run) -> None:
        self._notify = sdnotify.SystemdNotifier()
        self._ready = self._stopping = False
        self._ready_at = 0.0
        self._phones_shown = PhonesStatus()
        self._lines_by = 0.0
        # A tenth of the granted time (µs): a busy board that delays the feeding is not killed.
        self._watchdog_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e7
        self._watchdog_at = 0.0
        above = ProcessState(self._show, lambda: self._ready, lambda: self._ready_at, IS_KEPT)
        self._parts = Parts(run, above)
        self._reloading = Reloading(self._parts.jobs.jobs, self._parts.collector, kept=IS_KEPT)
        self._parts.central.on_schedule = self._reloading.ask
        self._parts.entering.on_change = self._reloading.ask
        self._parts.settings.on_change = self._reloading.ask

    def run(self) -> None:
        """Start every part, turn until a signal ends it, stop every part. Raises Bug."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        # A handler runs between any two instructions: it only sets a flag.
        signal.signal(signal.SIGHUP, lambda *_: self._reloading.ask())
        control_socket = self._made_control_socket()
        sys.setswitchinterval(SWITCH_S)
        try:
            self._start()
            while not self._stopping:
                self._parts.call_control.turn(TURN_S)
                # Phones ring before anything is shown of the call.
                if not self._parts.call_control.is_in_a_hurry:
                    self._do("watchers", lambda: control_socket.tell_watchers(time.monotonic()))
                    self._look()
                if self._parts.call_control.confinement.is_spent:
                    raise Bug("the deciding thread fails again and again: it is started anew")
        finally:
            control_socket.close()
            self._stop()

    def _made_control_socket(self) -> ControlSocket:
        parts = self._parts
        permissions = parts.users.rights
        permissions.on_person = lambda: parts.switchboard.somebody_is_there(
            parts.call_control.now()
        )
        path = Path(parts.run.settings.folders.run) / "desk.sock"
        return ControlSocket(path, parts.selector, parts.questions, parts.watching, permissions)

    def _start(self) -> None:
        parts = self._parts
        # The first database job: where this boot begins must precede every row that it writes.
        parts.corrections.begin()
        parts.stores.start()
        state = Path(parts.run.settings.folders.state)
        # In the database thread: the deciding thread never waits for the disk.
        parts.stores.records.do(lambda _: open_to_console(state))
        parts.mail.start()
        if parts.fleet is not None:
            parts.fleet.start()
        parts.stores.load_numbers(parts.run.office.outgoing)
        parts.stores.spoken.load()
        parts.users.start()
        parts.nightly.start()
        parts.restores.start()
        parts.selftests.start()
        parts.settings.start()
        parts.window.resume()
        parts.central.central.start()
        parts.panel.start()
        parts.phones.start()
        parts.metrics.start()
        self._lines_by = time.monotonic() + LINE_LIMIT_S
        parts.supervisor.start(time.monotonic())
        self._show(parts.call_control.status())
        # The codecs of all messages are made now, while the media gateway is still loading: the
        # first message of a kind would else cost 10 KiB in the middle of a call.
        link.prepare(reads=link.FACTS, writes=link.ORDERS)
        # Loading leaves holes of 10 MB in malloc's heap (reliability.md, Memory).
        nightly.trim_heap()
        # A full collection that visits everything loaded so far would keep a ring waiting.
        gc.freeze()

    def _stop(self) -> None:
        """Hang up every line, end every phone's call, write what must be kept.

        A step that fails does not keep the next ones from running.
        """
        parts = self._parts
        self._notify.notify("STOPPING=1\nSTATUS=Stopping")
        # BoxStopped first: a message under way is stored, and the calls' final records are written,
        # before the stores are closed.
        for step in (
            lambda: parts.call_control.fact(events.BoxStopped()),
            parts.media_link.close,
            parts.phones.stop,
            lambda: parts.phones_kept.keep_left(parts.phones.status()),
            parts.mail.stop,
            parts.fleet.stop if parts.fleet is not None else _nothing,
            parts.jobs.jobs.stop,
            parts.window.stop,
            parts.settings.stop,
            parts.target_uploads.stop,
            parts.metrics.stop,
            lambda: parts.stores.stop(self._hear_the_last),
            parts.panel.stop,
        ):
            _do_all_the_same(step)

    def _hear_the_last(self) -> None:
        """Handle the events of the stop itself: above all, messages stored in time."""
        _do_all_the_same(self._parts.call_control.drain_inbox)

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _do(self, name: str, job: Callable[[], object]) -> None:
        """Run a job; after a fault of ours it pauses, and the other jobs go on."""
        self._parts.call_control.confinement.run_job(name, job)

    def _look(self) -> None:
        now = time.monotonic()
        self._do("phones", self._look_at_phones)
        self._look_after()
        one = self._parts.call_control.confinement.one
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
            self._show(self._parts.call_control.status())
        self._parts.phones_kept.keep_learned(self._parts.switchboard.learned())

    def _look_after_threads(self, now: float) -> None:
        """Feed the watchdog while every thread lives; leave where only that can help."""
        supervisor = self._parts.supervisor
        verdict = supervisor.look(self._parts.call_control.now(), self._is_idle)
        if verdict.leave is not None and self._ready:
            supervisor.leave(verdict.leave, now)
            self._stopping = True
        if self._reloading.look(self._may_start_anew):
            log.info("the service leaves, to be started with the new configuration")
            self._stopping = True
        # Fed only while every thread has turned within its own limit (design/failures.md).
        if self._watchdog_s and now >= self._watchdog_at and verdict.feeds:
            self._watchdog_at = now + self._watchdog_s
            self._notify.notify("WATCHDOG=1")

    def _is_idle(self) -> bool:
        """Return whether the service can end without cutting a call: neither calls nor legs."""
        status = self._parts.call_control.status()
        return not (status.calls or status.outgoing or self._parts.phones.status().legs)

    def _may_start_anew(self) -> bool:
        """Return whether nobody is on the phone, or waits for an answer about settings."""
        return self._is_idle() and not self._parts.settings.is_busy

    def _look_after(self) -> None:
        """Run the periodic jobs of all parts; each is confined by itself."""
        parts, do = self._parts, self._do
        do("care", lambda: parts.housekeeping.look(parts.call_control.now()))
        do("sheets", lambda: parts.sheets.look(parts.call_control.now()))
        do("restarts", parts.restarts.look)
        do("corrections", lambda: parts.corrections.look(time.monotonic()))
        do("chores", parts.jobs.look)
        do("night", self._look_after_night)
        quiet = functools.partial(self._is_so, is_quiet)
        do("names", lambda: parts.naming.look(time.monotonic(), quiet))
        do("restores", parts.restores.look)
        do("selftests", self._look_after_self_tests)
        do("window", parts.window.look)
        do("settings", parts.settings.look)
        do("metrics", parts.metrics.look)
        do("updates", self._look_after_updates)
        do("central", self._look_after_central)
        do("notices", self._look_after_notices)
        if (fleet := parts.fleet) is not None:
            do("fleet", lambda: fleet.look(parts.call_control.now().wall))
        do("watched", self._look_at_watched)

    def _is_so(self, judge: Callable[[Status], bool]) -> bool:
        """Apply a predicate to the present status."""
        return judge(self._parts.call_control.status())

    def _look_after_night(self) -> None:
        parts, collector = self._parts, self._parts.collector
        parts.nightly.look(parts.call_control.now(), lambda: self._is_so(is_quiet))
        collector.night, collector.card = parts.nightly.last, parts.nightly.card
        parts.target_uploads.look(parts.call_control.now(), lambda: self._is_so(is_quiet))
        collector.stick, collector.target = parts.nightly.stick, parts.target_uploads.target

    def _look_after_updates(self) -> None:
        parts = self._parts
        if parts.updates.look(parts.call_control.now(), lambda: self._is_so(is_idle)):
            self._show(parts.call_control.status())

    def _look_after_central(self) -> None:
        parts, central = self._parts, self._parts.central.central
        if central.look(parts.call_control.now(), lambda: self._is_so(is_quiet)):
            parts.collector.central = central.words()
            self._show(parts.call_control.status())

    def _look_after_self_tests(self) -> None:
        if self._parts.selftests.look():
            self._show(self._parts.call_control.status())

    def _look_after_notices(self) -> None:
        if self._parts.notices.look(time.monotonic()):
            self._show(self._parts.call_control.status())

    def _look_at_watched(self) -> None:
        housekeeping, collector = self._parts.housekeeping, self._parts.collector
        collector.deleted_at = housekeeping.deleted_at
        if housekeeping.watched != collector.watched:
            collector.watched = housekeeping.watched
            self._show(self._parts.call_control.status())

    def _declare_missing(self, now: float) -> None:
        """Declare each line out, with a reason, that is not up in time; it may come up later."""
        if now < self._lines_by:
            return
        for line in self._parts.call_control.status().lines:
            if not line.declared:
                why = _(
                    "no answer within {limit:.0f} s: check the modem and its port",
                    limit=LINE_LIMIT_S,
                )
                self._parts.call_control.fact(events.LineLost(line.name, why))

    def _become_ready(self) -> bool:
        status = self._parts.call_control.status()
        # READY only once each line has answered or is declared out (reference/reliability.md 4).
        is_declared = all(line.declared for line in status.lines)
        if not (is_declared and self._parts.phones.status().listening):
            return False
        self._notify.notify("READY=1")
        self._ready_at = time.monotonic()
        log.info("ready: %s", self._parts.collector.words(status))
        return True

    def _show(self, status: Status) -> None:
        """Pass a changed status to metrics, fleet, pages, systemd, phones and LEDs."""
        parts = self._parts
        # Each by itself: a fault in one keeps none of the others from showing.
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
        """Send the status line to the service manager."""
        # A newline would end the assignment (sd_notify(3)).
        one_line = " ".join(self._parts.collector.words(status).split())
        self._notify.notify(f"STATUS={one_line}")


def _nothing() -> None:
    """Do nothing, in the place of a part that is not configured."""


def _do_all_the_same(step: Callable[[], None]) -> None:
    """Run one step of the stop; an error is logged and not raised."""
    try:
        with one_job():
            step()
    except Bug:
        # one_job has reported it.
        return
    except CentralinoError as error:
        log.warning("stopping: %s", error)
