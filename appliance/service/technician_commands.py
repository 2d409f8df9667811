"""Commands of technicians: the system's state, LEDs, checks, backups, restores, line restarts."""

from __future__ import annotations

import os
import platform
import queue
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import appliance
from appliance.api.commands import UserCommand
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Handlers,
    Reply,
    SendReply,
    check_may,
    command,
    declined,
    deferred,
    handlers_of,
    refusing,
)
from appliance.api.replies import RecoveryStep, Said
from appliance.api.status_text import line_words
from appliance.api.technician_commands import (
    CheckBackup,
    CheckConfig,
    DropBackup,
    FetchBackup,
    ForgetStick,
    JobCommand,
    ListJobs,
    LookAtSticks,
    MakeBackup,
    ReopenLine,
    RestoreBackup,
    SetUpStick,
    ShowRestore,
    ShowSettings,
    ShowStick,
    ShowSystem,
    TestLeds,
)
from appliance.api.technician_replies import (
    BranchReport,
    HelperEnded,
    JobEnded,
    JobsReply,
    LedReport,
    MailReport,
    MediaReport,
    RestoreReply,
    SettingsReply,
    SipReport,
    StickChoice,
    StickReply,
    StickReport,
    SystemLine,
    SystemPhone,
    SystemReply,
)
from appliance.calls.model import LineState
from appliance.calls.status import LineStatus
from appliance.config.schema import sections
from appliance.errors import CentralinoError, OfficeError
from appliance.files import make_shared
from appliance.media.messages import RestartLine
from appliance.panel import PanelStatus, meanings_of
from appliance.policy.office import PositionState
from appliance.policy.privacy import mask_journal
from appliance.policy.text import Refused, os_error_words
from appliance.policy.users import Permission
from appliance.service import backup, backup_target, helper_requests
from appliance.service.backup import MADE, UPLOADED
from appliance.service.helper_requests import HelperRequest, HelperResult
from appliance.service.jobs import JobResult, Jobs
from appliance.service.nightly import care_said
from appliance.sip.trunk import RegistrationState
from appliance.store import database
from appliance.store.age import checked_passphrase
from appliance.store.database import Noted, transaction
from appliance.text import Words, _, by_language
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.api.call_control import StoreAccess
    from appliance.calls.status import Status
    from appliance.config.schema import Line, Settings
    from appliance.policy.clock import Now
    from appliance.service.loop import CallControl
    from appliance.service.media_link import MediaLink
    from appliance.service.status import StatusCollector
    from appliance.service.stores import Stores
    from appliance.service.supervision import Recoveries
    from appliance.sip.phones import PhoneState
    from appliance.sip.service import Phones


# ---- technician commands -----------------------------------------------------------------------
# Commands of technicians: checks and backups, line restarts, restore of a backup, the stick.

# ---- technician commands -----------------------------------------------------------------------
# Commands of technicians: run a check or a backup, restart a line.
#
# The database thread checks the permission and writes the audit; then the deciding thread acts.

LONGEST_PHRASE: Final = 200
# A backup made in the browser is deleted after a day: it holds callers' numbers.
KEPT_S: Final = 24 * 3600.0
LOOKS_S: Final = 600.0
# Bytes of a small job's largest file: a spoken sheet takes a quarter of that.
SMALL: Final = 4_000_000
BEGUN: Final = _("Begun: what comes of it shows here.")
GONE: Final = _("Deleted.")
NO_ROOM: Final = _("there is not enough free space on the disk: messages come first")
NO_FILE: Final = _("no file has been uploaded: upload it first")


@dataclass(frozen=True, slots=True)
class JobView:
    """One kind of job: its audit code and its command line."""

    code: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A permitted job that waits for its start, with the callback for the reply."""

    name: str
    words: tuple[str, ...]
    typed: str
    most_bytes: int
    tell: SendReply


@dataclass(slots=True)
class JobCommands(CommandHandlers):
    """Handlers for check and backup: permission in the database thread, start by `look`."""

    stores: Stores
    settings: Settings
    complaint: Words
    jobs: Jobs
    now: Callable[[], Now]
    last: dict[str, tuple[datetime, JobResult]] = field(default_factory=dict)
    _allowed: SimpleQueue[_Allowed] = field(default_factory=SimpleQueue)
    _looked_at: float = 0.0

    @command(ShowSettings)
    def shown(self, _: ShowSettings) -> SettingsReply:
        """Return the configuration in force by section, numbers hidden (P7), and its mistakes."""
        wrong = _masked(self.complaint)
        return SettingsReply(tuple(sections(self.settings)), wrong)

    @command(ListJobs)
    def listed(self, _: ListJobs) -> JobsReply:
        """Return the running job, and the last result of each kind."""
        return self.told()

    def told(self) -> JobsReply:
        """Return the running job, and the last result of each kind."""
        last = {
            name: JobEnded(at, ended.is_well, _shown(name, ended))
            for name, (at, ended) in self.last.items()
        }
        return JobsReply(self.jobs.running, last)

    @command(FetchBackup, DropBackup)
    def note(self, wish: UserCommand[Said]) -> DeferredReply:
        """Audit the download of the backup made here, or delete it."""
        by, at, drops = wish.by, self.now().wall, isinstance(wish, DropBackup)

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, "backup.drop" if drops else "backup.fetch"))
            if drops:
                self._made.unlink(missing_ok=True)
            return Said(GONE)

        return deferred(self.stores.records, job, declined)

    def hand_over(
        self,
        name: str,
        words: tuple[str, ...],
        typed: str,
        tell: SendReply,
        most_bytes: int = SMALL,
    ) -> None:
        """Queue a job that another handler has permitted; from any thread."""
        self._allowed.put(_Allowed(name, words, typed, most_bytes, tell))

    def look(self) -> None:
        """Report ended jobs, start permitted ones, delete an old backup."""
        self.jobs.look()
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(declined(self._begin(allowed)))
        if time.monotonic() >= self._looked_at + LOOKS_S:
            self._looked_at = time.monotonic()
            self.stores.records.do(lambda _: self._take_away_old(), lambda _: None)

    @property
    def _made(self) -> Path:
        return Path(self.settings.folders.state) / MADE

    @property
    def _uploaded(self) -> Path:
        return Path(self.settings.folders.console) / UPLOADED

    def _kinds(self) -> dict[str, JobView]:
        typed = ("--passphrase-file", "/dev/stdin")
        return {
            "config_check": JobView("config.check", ("check",)),
            "backup_make": JobView("backup.make", ("backup", str(self._made), *typed)),
            "backup_check": JobView(
                "backup.check", ("restore", str(self._uploaded), "--check", *typed)
            ),
        }

    @command(CheckConfig, MakeBackup, CheckBackup)
    def start(self, wish: JobCommand) -> DeferredReply:
        """Run a job once the permission is checked and the audit written."""
        name, by, at, typed = wish.ask, wish.by, self.now().wall, _phrase(wish.passphrase)

        def job(connection: sqlite3.Connection) -> int:
            check_may(connection, by, Permission.TECHNICAL)
            most = self._prepared(name, typed)
            with transaction(connection):
                database.note(connection, Noted(at, by, self._kinds()[name].code))
            return most

        def later(tell: SendReply) -> None:
            def done(result: int | CentralinoError) -> None:
                if isinstance(result, int):
                    self._allowed.put(
                        _Allowed(name, self._kinds()[name].words, typed, result, tell)
                    )
                else:
                    tell(declined(result))

            try:
                self.jobs.check_free()
            except Refused as refused:
                tell(declined(refused))
                return
            self.stores.records.do(job, done)

        return later

    def _prepared(self, name: str, typed: str) -> int:
        """Return the largest file (bytes) that a job may write; raises Refused without room."""
        # What messages need is not free (spare_bytes).
        free = spare_bytes(Path(self.settings.folders.state))
        if name == "backup_make":
            checked_passphrase(typed)
            # write_backup replaces no file: the former backup goes first.
            self._made.unlink(missing_ok=True)
            make_shared(self._made.parent)
        if name == "backup_check":
            if not self._uploaded.exists():
                raise Refused(NO_FILE)
            free -= self._uploaded.stat().st_size
        if free <= 0:
            raise Refused(NO_ROOM)
        # Half: a backup copies the database first, then writes the archive.
        return free // 2

    def _begin(self, allowed: _Allowed) -> Reply | CentralinoError:
        def then(ended: JobResult) -> None:
            self.last[allowed.name] = (self.now().wall, ended)

        try:
            self.jobs.begin(allowed.words, allowed.typed, allowed.most_bytes, then)
        except Refused as refused:
            return refused
        except OSError as error:
            why = os_error_words(error)
            return Refused(_("it cannot be done: {why}", why=why))
        self.last.pop(allowed.name, None)
        return Said(BEGUN)

    def _take_away_old(self) -> None:
        made = self._made
        if made.exists() and made.stat().st_mtime + KEPT_S < self.now().wall.timestamp():
            made.unlink()


def _shown(name: str, ended: JobResult) -> Words:
    """Return a job's output for the page, without numbers for a check (P7)."""
    said = ended.said
    # Mistakes quote the configuration; a backup's output has a date, which masking would hide.
    return _masked(said) if name == "config_check" else said


def _masked(words: Words) -> Words:
    return by_language(lambda language: mask_journal(words.text(language)))


def _phrase(phrase: str) -> str:
    # The child reads the first line of its input: a newline would cut the passphrase.
    if len(phrase) > LONGEST_PHRASE or "\n" in phrase:
        raise OfficeError(f"a passphrase is a line of at most {LONGEST_PHRASE} characters")
    return phrase


LINE_RESTART: Final = "line.restart"
"""Audit code."""


@dataclass(frozen=True, slots=True)
class _AllowedRestart:
    """A permitted line restart, with the callback for the reply."""

    line: str
    even_in_call: bool
    tell: SendReply


@dataclass(frozen=True, slots=True)
class LineRestarts(CommandHandlers):
    """Handler for line restarts: permission in the database thread, order by `look`."""

    stores: Stores
    call_control: CallControl
    media_link: MediaLink
    _allowed: queue.SimpleQueue[_AllowedRestart] = field(default_factory=queue.SimpleQueue)

    @command(ReopenLine)
    def asked(self, wish: ReopenLine) -> DeferredReply:
        """Restart a line: put it on hook, reopen its port; with a call only if `even_in_call`."""
        by, line, even, at = wish.by, wish.line, wish.even_in_call, self.call_control.now().wall

        def later(tell: SendReply) -> None:
            if refused := self._refusal(line, even_in_call=even):
                tell(declined(refused))
                return

            def job(connection: sqlite3.Connection) -> None:
                check_may(connection, by, Permission.TECHNICAL)
                with transaction(connection):
                    database.note(connection, Noted(at, by, LINE_RESTART, line))

            def done(result: CentralinoError | None) -> None:
                if result is None:
                    self._allowed.put(_AllowedRestart(line, even, tell))
                else:
                    tell(declined(result))

            self.stores.records.do(job, done)

        return later

    def look(self) -> None:
        """Send the permitted restarts; in the deciding thread."""
        while not self._allowed.empty():
            allowed = self._allowed.get()
            allowed.tell(self._restart(allowed))

    def _restart(self, allowed: _AllowedRestart) -> Reply | CentralinoError:
        # Checked again: a call may have come while the database thread looked up the permission.
        if refused := self._refusal(allowed.line, even_in_call=allowed.even_in_call):
            return declined(refused)
        self.media_link.send(RestartLine(allowed.line))
        return Said(_restarted(allowed.line))

    def _refusal(self, name: str, *, even_in_call: bool) -> Refused | None:
        """Return the reason not to restart the line now; None if none."""
        line = next((one for one in self.call_control.status().lines if one.name == name), None)
        if line is None:
            return Refused(_("there is no line {name!r}", name=name))
        if line.call and not even_in_call:
            return Refused(
                _(
                    "there is a call on line {name}: wait for its end, or confirm that it may "
                    "be cut",
                    name=name,
                ),
            )
        if not self.media_link.connected:
            return Refused(
                _("the lines' process is being started: the lines start with it"),
            )
        return None


def _restarted(line: str) -> Words:
    return _(
        "Line {line} is put on hook and its port opened again: its state shows above.", line=line
    )


# ---- backup ------------------------------------------------------------------------------------
# Restore of an uploaded backup, and the USB stick for nightly backups.
#
# Call control cannot restore a backup itself, as its own files are replaced. It checks that a
# restore is possible, writes the audit, and leaves the work to root's helper (`box restore
# --asked`), which stops the services, installs the backup and starts them again.

ASKED: Final = "backup.restore"
DONE: Final = "backup.restored"
NOT_DONE: Final = "backup.not_restored"
STICK: Final = "backup.stick"
STICK_FORGOTTEN: Final = "backup.stick_forgotten"
STICK_LOOKS: Final = _("Begun: the sticks that are plugged in show here in a moment.")
STICK_BEGUN: Final = _(
    "Begun: the backup is written onto the stick and read back, some minutes. Leave it in."
)
STICK_FORGOTTEN_SAID: Final = _("From now on no backup goes onto a stick. Those on it stay sealed.")
RESULT_LOOKS_S: Final = 5.0
RESTORE_BEGUN: Final = _(
    "Begun: as soon as nobody is on the phone the switchboard stops, the "
    "backup takes its place and all starts again. Open this page again in a "
    "minute, and log in anew."
)
BUSY: Final = _("somebody is on the phone: try again when nobody is")
UNCHECKED: Final = _(
    "the uploaded file has not been looked through, or is not whole: look through it first"
)
TAKEN: Final = _("a restore has been asked for already: wait")


def is_idle(status: Status) -> bool:
    """True if nobody is on the phone: no caller, no outgoing call, no internal call."""
    is_engaged = any(one.state is PositionState.BUSY for one in status.positions)
    return not (status.calls or status.outgoing or is_engaged)


@dataclass(slots=True)
class RestoreCommands(CommandHandlers):
    """Commands of the deciding thread; `status` tells whether anybody is on the phone."""

    stores: StoreAccess
    settings: Settings
    jobs: JobCommands
    status: Callable[[], Status]
    _looked_at: float = 0.0

    @command(ShowStick)
    def stick(self, _: ShowStick) -> StickReply:
        """Return the backup stick, its last backup, and the last result."""
        stick = backup.load_stick(self._state)
        last = backup.last(self._run)
        return StickReply(
            backup.is_waiting(self._run),
            _ended(last) if last else None,
            _stick(stick) if stick else None,
            tuple(
                StickChoice(one.uuid, one.name, one.is_usable)
                for one in backup.sticks_told(self._run)
            ),
        )

    @command(LookAtSticks)
    def stick_look(self, wish: LookAtSticks) -> DeferredReply:
        """Have root's helper list the plugged-in sticks."""
        by = wish.by

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            backup.ask_for_stick(self._run, HelperRequest(by, looks=True))
            return Said(STICK_LOOKS)

        return deferred(self.stores.records, refusing(job), declined)

    @command(SetUpStick)
    def stick_set_up(self, wish: SetUpStick) -> DeferredReply:
        """Set up the plugged-in stick, or write to the one set up; raises OfficeError."""
        by, phrase, uuid = wish.by, wish.passphrase, wish.uuid
        # "" is allowed only for a stick that is set up: its passphrase is stored.
        if phrase or backup.load_stick(self._state) is None:
            checked_passphrase(phrase)
        at = self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK))
            backup.ask_for_stick(self._run, HelperRequest(by, phrase, uuid))
            return Said(STICK_BEGUN)

        return deferred(self.stores.records, refusing(job), declined)

    @command(ForgetStick)
    def stick_forget(self, wish: ForgetStick) -> DeferredReply:
        """Stop writing backups to the stick."""
        by, at = wish.by, self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, STICK_FORGOTTEN))
            backup.forget(self._state)
            return Said(STICK_FORGOTTEN_SAID)

        return deferred(self.stores.records, refusing(job), declined)

    @command(ShowRestore)
    def restoring(self, _: ShowRestore) -> RestoreReply:
        """Return whether a restore is pending, whether one is possible now, and the last result."""
        last = helper_requests.restore_result(self._run)
        return RestoreReply(
            helper_requests.restore_is_waiting(self._run),
            is_idle(self.status()),
            _ended(last) if last else None,
        )

    @command(RestoreBackup)
    def restore(self, wish: RestoreBackup) -> DeferredReply:
        """Request the restore of the uploaded backup; raises OfficeError."""
        # A restore replaces everything: `sure` confirms it.
        if not wish.sure:
            raise OfficeError("that one is sure is needed")
        by, phrase, at = wish.by, wish.passphrase, self.status().at

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, ASKED))
            helper_requests.ask_for_restore(self._run, HelperRequest(by, phrase))
            return Said(RESTORE_BEGUN)

        def deferred_reply(send: SendReply) -> None:
            try:
                # In the deciding thread, which knows the calls.
                self._check()
            except Refused as refused:
                send(declined(refused))
                return
            deferred(self.stores.records, refusing(job), declined)(send)

        return deferred_reply

    def look(self) -> None:
        """Drop a request that the helper has not taken in time."""
        if time.monotonic() >= self._looked_at + RESULT_LOOKS_S:
            self._looked_at = time.monotonic()
            helper_requests.restore_is_waiting(self._run)

    def start(self) -> None:
        """Write a restore's result to the audit."""
        # Only now: the database that holds the request was replaced by the restore.
        if (last := helper_requests.restore_result(self._run)) is not None:
            self.stores.records.do(lambda connection: _note(connection, last), lambda _: None)

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    @property
    def _run(self) -> Path:
        return Path(self.settings.folders.run)

    def _check(self) -> None:
        """Raise Refused during a call, or if the file was not checked since its upload."""
        self.jobs.jobs.check_free()
        if helper_requests.restore_is_waiting(self._run):
            raise Refused(TAKEN)
        if not is_idle(self.status()):
            raise Refused(BUSY)
        # A file that was replaced after its check is unchecked.
        ended = self.jobs.last.get("backup_check")
        if ended is None or not ended[1].is_well or ended[0] < self._uploaded_at():
            raise Refused(UNCHECKED)

    def _uploaded_at(self) -> datetime:
        """Return the upload's time; the latest possible time if there is no file."""
        path = Path(self.settings.folders.console) / UPLOADED
        zone = self.status().at.tzinfo
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, zone)
        except OSError:
            return datetime.max.replace(tzinfo=zone)


def _note(connection: sqlite3.Connection, went: HelperResult) -> None:
    """Write a result to the audit once, however often the service starts."""
    # The result stays in /run, and each start of the service reads it.
    what = DONE if went.is_well else NOT_DONE
    if any(one.at == went.at for one in database.latest(connection, what)):
        return
    with transaction(connection):
        database.note(connection, Noted(went.at, went.by, what))


def _ended(went: HelperResult) -> HelperEnded:
    return HelperEnded(went.at, went.by, went.is_well, went.said)


def _stick(stick: backup.BackupStick) -> StickReport:
    name = stick.label or stick.uuid
    return StickReport(name, stick.since, stick.done, stick.well, stick.words)


# ---- status ------------------------------------------------------------------------------------
# The system's state for the technician's page, and the test of the panel's LEDs.
#
# Read from memory only, so that it works while the disk stalls. It holds no telephone number of a
# citizen or an office, and no password.

IN_TROUBLE: Final = frozenset({LineState.MISSING, LineState.OUT, LineState.NO_LINE})
REGISTRATION_WORDS: Final = {
    RegistrationState.ASKING: _("registering"),
    RegistrationState.REGISTERED: _("registered"),
    RegistrationState.SILENT: _("does not answer"),
    RegistrationState.REFUSED: _("refuses the name or the password"),
}
"""Texts of the registration at the other telephone system, by state."""
LIT: Final = _("All LEDs are lit for ten seconds.")


@dataclass(frozen=True, slots=True)
class SystemCommands(CommandHandlers):
    """Commands of the deciding thread; `panel` returns the LEDs' state, `test_leds` lights them.

    `others` handle the other commands of the technician's pages.
    """

    stores: StoreAccess
    settings: Settings
    call_control: CallControl
    collector: StatusCollector
    recoveries: Recoveries
    phones: Phones
    media_link: MediaLink
    panel: Callable[[], PanelStatus]
    test_leds: Callable[[], None]
    jobs: JobCommands
    others: tuple[CommandHandlers, ...]
    versions: dict[str, str] = field(default_factory=lambda: versions())

    @property
    def known(self) -> Handlers:
        """Map each command of the technician's pages to its method."""
        found = handlers_of(self) | self.jobs.known
        for each in self.others:
            found |= each.known
        return found

    @command(TestLeds)
    def led_test(self, wish: TestLeds) -> DeferredReply:
        """Light every LED for ten seconds; audited."""
        by, at = wish.by, self.call_control.now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, Permission.TECHNICAL)
            with transaction(connection):
                database.note(connection, Noted(at, by, "panel.test"))

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            if result is not None:
                return declined(result)
            # Only once the permission is checked and the audit written.
            self.test_leds()
            return Said(LIT)

        return deferred(self.stores.records, job, reply)

    @command(ShowSystem)
    def asked(self, _: ShowSystem) -> SystemReply:
        """Return the whole state, texts in every language."""
        status = self.call_control.status()
        by_name, tried = {line.name: line for line in status.lines}, self.recoveries.by_line()
        lines = tuple(
            _line(configured, by_name[configured.name], tried.get(configured.name, ()))
            for configured in self.settings.lines
            # A line that was added to the file since the start is not in the status yet.
            if configured.name in by_name
        )
        gone = {
            each.phone: each.since
            for each in status.positions
            if each.state is PositionState.UNREACHABLE
        }
        troubles = (*status.degraded, *self.collector.troubles())
        mail = self.settings.mail
        leds = (LedReport(n, m.words) for n, m in meanings_of(self.panel()).items())
        return SystemReply(
            troubles=troubles,
            lines=lines,
            phones=tuple(_phone(phone, gone) for phone in self.phones.status().phones),
            sip=self._sip(),
            carrier=self._media_gateway(),
            restarts=tuple(self.collector.restarted(self.call_control.now())),
            clock=status.clock_state.value,
            leds=tuple(leds),
            button=self.settings.panel.unattended_button >= 0,
            # The file with the password is not read here.
            mail=MailReport(mail.server, mail.security, mail.sender, mail.head),
            own_care=self._own_care(),
            versions=self.versions,
        )

    def _own_care(self) -> tuple[Words, ...]:
        zone = ZoneInfo(self.settings.site.zone)
        care = care_said(self.collector.night, self.collector.card, zone)
        backed_up = (self.collector.stick, self.collector.target)
        away = backup_target.away_said(self.settings, *backed_up, zone)
        return (*care, *away, *self.collector.mqtt_said, *self.collector.central)

    def _sip(self) -> SipReport:
        """Return the SIP endpoint's state and counters since it started."""
        status, registrar = self.phones.status(), self.settings.sip.registrar
        return SipReport(
            listening=status.listening,
            address=f"{status.address[0]}:{status.address[1]}",
            trouble=status.trouble,
            tcp_trouble=status.tcp_trouble,
            connections=status.connections,
            nonsense=status.nonsense,
            dropped=status.dropped,
            locked_out=tuple(status.locked_out),
            registrar=registrar.address if registrar else "",
            standing=REGISTRATION_WORDS[status.registrar] if status.registrar else None,
            branches=tuple(BranchReport(b.name, b.answers) for b in status.branches),
        )

    def _media_gateway(self) -> MediaReport:
        """Return the media gateway's state; its PID is known only if it is a child process."""
        child, connected = self.media_link.child, self.media_link.connected
        return MediaReport(
            connected=connected,
            pid=child.pid if child is not None and connected else None,
            desk_pid=os.getpid(),
            realtime=self.media_link.snapshot.realtime,
            health=self.call_control.figures.health,
        )


def _line(configured: Line, line: LineStatus, tried: tuple[RecoveryStep, ...]) -> SystemLine:
    return SystemLine(
        name=line.name,
        label=line.label,
        port=configured.port,
        state=line.state,
        words=line_words(line),
        in_trouble=line.state in IN_TROUBLE or bool(line.reason),
        since=line.since,
        call=line.call,
        modem=line.modem,
        duplex=line.duplex,
        dialect=configured.dialect,
        receive_gain=configured.receive_gain,
        transmit_gain=configured.transmit_gain,
        echo=bool(configured.echo),
        tried=tried,
    )


def _phone(phone: PhoneState, gone: dict[str, datetime | None]) -> SystemPhone:
    address = f"{phone.address[0]}:{phone.address[1]}" if phone.address else ""
    since = gone.get(phone.name)
    return SystemPhone(phone.name, phone.label, address, phone.answers, phone.tcp, since)


def versions() -> dict[str, str]:
    """Return the versions of the program, its libraries and the operating system."""
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    return {
        "centralino": appliance.__version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": system,
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
