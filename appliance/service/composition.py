"""Composition: make every part of call control from the configuration in force and join them."""

from __future__ import annotations

import secrets as randomness
import selectors
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.api.control_socket import Watchers
from appliance.api.phones import PhoneCommands, PhoneList, ProvisioningWindow
from appliance.api.privacy import ErasureCommands
from appliance.api.requests import RequestCommands
from appliance.api.users import UserCommands
from appliance.calls import events
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.config import phones
from appliance.config.build import code_of, line_setup, panel_pins
from appliance.config.phones import phone_settings
from appliance.config.schema import Settings
from appliance.config.state_folder import missing_greetings
from appliance.errors import ConfigurationError
from appliance.files import load_text
from appliance.media.messages import Setup
from appliance.panel import Panel, PanelStatus, PanelWiring, Press
from appliance.policy.office import Office, StaffKey
from appliance.policy.privacy import Disclosure
from appliance.policy.supervision import Component
from appliance.policy.text import words_of
from appliance.policy.users import PinRule
from appliance.prompts import Catalogue
from appliance.service import announcements, updates
from appliance.service.announcements import OfficeName
from appliance.service.backup_uploads import LIMIT_S, TargetCommands, UploadSchedule
from appliance.service.clock import ClockCorrection, ClockWatch, Sources
from appliance.service.command_table import CommandTable
from appliance.service.housekeeping import NO_PIN, CaseChanges, Housekeeping, pin_path, plan_of
from appliance.service.jobs import Jobs
from appliance.service.loop import CallControl, Inbox
from appliance.service.mailroom import Mailroom
from appliance.service.managed_config import ManagedConfigCommands, ManagedConfigFetcher
from appliance.service.media_link import EventHandlers, Legs, MediaLink
from appliance.service.modems import ModemCommands
from appliance.service.monitoring import MetricsGatherer, fleet_of
from appliance.service.nightly import Nightly
from appliance.service.notices import Notices, folder_of
from appliance.service.reports import DivertCommands, LineUses, sheets_of
from appliance.service.selftest import SelfTestCommands
from appliance.service.settings import SettingsChild, SettingsCommands, started_with
from appliance.service.status import PhoneStateWriter, StatusCollector
from appliance.service.stores import Stores
from appliance.service.supervision import Recoveries, Supervisor
from appliance.service.technician_commands import (
    JobCommands,
    LineRestarts,
    RestoreCommands,
    SystemCommands,
)
from appliance.service.updates import OwnHealth, UpdateCommands, UpdateRunner
from appliance.sip.service import Phones
from appliance.text import NOTHING, Words
from appliance.usb import answers_folder, requests_folder
from appliance.voicemail.storage import MB, MailboxLimits
from appliance.workers import faults


@dataclass(frozen=True, slots=True)
class Run:
    """Input of the process: the configuration in force and the media gateway's socket."""

    settings: Settings
    office: Office
    # None: the media gateway is a child, as in a demonstration or test (design/processes.md).
    link: Path | None = None
    complaint: Words = NOTHING
    config: Path | None = None
    # Without the phones entered in the console, None if it is the same.
    written: Settings | None = None


@dataclass(frozen=True, slots=True)
class ProcessState:
    """Process state for the parts: the callback that shows a status, readiness and its time
    (monotonic s), and whether a service manager restarts the process when it ends.
    """

    show: Callable[[Status], None]
    is_ready: Callable[[], bool]
    ready_at: Callable[[], float]
    is_kept: bool


class Parts:
    """All parts of call control, made and joined; service/main.py starts them."""

    def __init__(self, run: Run, above: ProcessState) -> None:
        self.run, self._above = run, above
        self.selector = selectors.DefaultSelector()
        self.inbox = Inbox()
        self.collector = StatusCollector(run.complaint)
        self.notices = Notices(self.collector.trouble, folder_of(Path(run.settings.folders.run)))
        self.collector.boot = updates.reason(Path(run.settings.folders.run))
        self._make_records()
        self._make_call_control()
        self._make_ends()
        self._make_answers()

    def _make_records(self) -> None:
        """Make the stores, housekeeping, mail and fleet."""
        settings, boot = self.run.settings, randomness.token_hex(4)
        limits = MailboxLimits(high_water_bytes=settings.voicemail.room_alarm * MB)
        self._own = Path(settings.folders.prompts) if settings.folders.prompts else None
        state, trouble = Path(settings.folders.state), self.collector.trouble
        zone = self.run.office.zone
        self.stores = Stores(state, boot, self.inbox.post, trouble, self._own, limits, zone)
        self.stores.spoken.voice = settings.site.voice
        self.stores.spoken.languages = self.run.office.languages
        self.stores.spoken.disclosure = self._disclosure
        self.housekeeping = make_housekeeping(
            settings, self.run.office, self.stores, self.collector
        )
        self.stores.on_care = self.housekeeping.soon
        self.sheets = sheets_of(settings, self.run.office, self.stores)
        prefix = f"{datetime.now(UTC):%Y%m%d}-{boot}"
        self.switchboard = Switchboard(
            self.run.office,
            prefix,
            self.stores.load_service_state(),
            learned=self.stores.load_learned(),
        )
        self.mail = self._made_mailroom()
        self.fleet = fleet_of(
            settings,
            self.run.office,
            self.stores.records,
            self.collector,
            lambda: self.switchboard.directory,
            lambda: self.call_control.status(),
        )
        # All three reckon with the hours entered in the console, not only the written ones (E14).
        self.housekeeping.over = self.sheets.over = self.mail.over = self.stores.hours.over

    def _disclosure(self) -> Disclosure:
        """Return which of the offices' numbers callers may be told now (P7)."""
        zone, plan = self.run.office.switchboard.schedule.zone, self.run.office.outgoing.plan
        return Disclosure(self.stores.directory.directory, plan, datetime.now(zone), zone)

    def _make_call_control(self) -> None:
        """Make CallControl with its clock."""
        settings = self.run.settings
        holdover_s = settings.clock.holdover_days * 86_400.0
        clock = ClockWatch(Path(settings.folders.run) / "clock.json", holdover_s)
        self.call_control = CallControl(
            self.switchboard, self.stores, self.inbox, self.selector, self._above.show, clock
        )
        self.corrections = ClockCorrection(self.stores.records, clock)
        self.recoveries = _usb_recoveries(settings)

    def _make_ends(self) -> None:
        """Make panel, phones and media link; join them to call control."""
        settings = self.run.settings
        self.panel = panel(settings, self.collector, self._button)
        # Memory, not the card: it outlives the process, not a reboot (design/failures.md).
        left_file = Path(settings.folders.run) / "calls.json"
        self.phones = self._made_phones(left_file)
        self.phones_kept = PhoneStateWriter(self.stores, self.phones, self.collector, left_file)
        self.line_uses = LineUses()
        self.diverts = DivertCommands(settings, self.run.office, self.stores, self.call_control.now)
        self._prompts = announcements.prompt_file(
            Catalogue(self._own),
            self.run.office.languages,
            settings.site.country,
            self.collector.complain,
        )
        for missing in missing_greetings(settings):
            self.collector.complain(missing)
        self.media_link = self._made_media_link()
        legs = Legs(self.phones, self.media_link.send, settings.sip.address, settings.sip.laws)
        self.call_control.join(self.media_link, legs)

    def _make_answers(self) -> None:
        """Make supervision, jobs and the handlers of the control socket."""
        settings, stores = self.run.settings, self.stores
        self.users = UserCommands(settings, stores, self.call_control.now)
        self.window = ProvisioningWindow(self.run.config, Path(settings.folders.run))
        self.entering = PhoneCommands(
            settings,
            self.run.written or settings,
            self.phones,
            stores,
            self.call_control.now,
            self.run.complaint,
            kept=self._above.is_kept,
            window=self.window,
            directory=lambda: stores.directory.directory,
        )
        self.supervisor = self._made_supervisor()
        self.collector.restarted = self.supervisor.rows
        self.restarts = LineRestarts(stores, self.call_control, self.media_link)
        # Shared by all these parts: one job at a time (design/processes.md).
        jobs = Jobs(self.run.config)
        self.jobs = JobCommands(stores, settings, self.run.complaint, jobs, self.call_control.now)
        self.nightly = Nightly(settings, stores.records, jobs, self.collector.trouble)
        # Jobs of its own: a backup to the network may wait for a server, and no other job does.
        self.target_uploads = UploadSchedule(
            settings, stores.records, Jobs(self.run.config, LIMIT_S), self.collector.trouble
        )
        self.restores = RestoreCommands(stores, settings, self.jobs, self.call_control.status)
        self.selftests = SelfTestCommands(
            stores, settings, self.call_control.now, self.collector.trouble
        )
        self.updates = UpdateRunner(
            settings, stores.records, jobs, self.collector.trouble, boot=Sources().boot_id()
        )
        central = ManagedConfigFetcher(settings, stores.records, jobs, self.collector.trouble)
        self.central = ManagedConfigCommands(stores, central, self.jobs)
        self.settings = SettingsCommands(
            self.run.config,
            Path(settings.folders.state),
            Path(settings.folders.run),
            stores,
            self.call_control.now,
            Sources().boot_id(),
            SettingsChild(self.run.config, self.selector),
            started=started_with(self.run.config),
        )
        self.naming = OfficeName(settings, stores.records, jobs)
        self.questions = self._made_questions()
        self.watching = Watchers(self.questions.watched)
        self.metrics = MetricsGatherer(
            settings,
            self.call_control,
            stores,
            self.collector,
            self.phones.status,
            self._above.is_ready,
            update=lambda: self.updates.kept,
        )
        self.call_control.also_due = self.watching.next_deadline
        stores.records.watch(CaseChanges(self._case_changed).look)

    def _case_changed(self, waiting: int) -> None:
        """Have the pages told in this turn; called in the database thread."""
        self.watching.changed()
        # The count wakes the deciding thread.
        self.inbox.post(events.MessagesWaiting(waiting))

    def _made_mailroom(self) -> Mailroom:
        return Mailroom(
            self.run.settings,
            self.run.office,
            self.stores.records,
            lambda: self.switchboard.directory,
            lambda trouble: self.collector.trouble("mail", trouble),
        )

    def _made_phones(self, left_file: Path) -> Phones:
        """Make the phones, with the registrations kept and the calls that a killed run left."""
        # Phones believe in the calls of a killed run: this run ends them
        # (design/failures.md, When call control itself is killed).
        code = code_of(self.run.office, StaffKey.MESSAGES)
        return Phones(
            phone_settings(self.run.settings, secrets_of(self.run.settings, self.collector), code),
            self.inbox.post,
            self.stores.load_bindings(),
            left=load_text(left_file),
        )

    def _made_media_link(self) -> MediaLink:
        setup = media_setup(self.run.settings, self._prompts)
        return MediaLink(setup, self._prompts.fd, self._takers(), self.selector, self.run.link)

    def _takers(self) -> EventHandlers:
        return EventHandlers(
            event=self.call_control.fact,
            recording=self.stores.begin,
            sound=self.stores.append,
            gap=self._gap,
            health=self.call_control.health,
            measured=self.call_control.measured,
            recovering=self.recoveries.heard,
        )

    def _gap(self, gap: events.RecordingGap) -> None:
        self.stores.mailbox.gap(gap.recording, gap.gap_ms)
        self.call_control.fact(gap)

    def _made_questions(self) -> CommandTable:
        """Make the command table."""
        settings, stores = self.run.settings, self.stores
        plan = self.run.office.outgoing.plan
        return CommandTable(
            self.call_control,
            stores,
            self.collector,
            settings,
            self.run.office.zone,
            self.recoveries,
            PhoneList(settings, self.phones, stores, self.entering),
            RequestCommands(stores.records, self.mail, self._wall, plan),
            ErasureCommands(settings, stores, self._wall),
            self.users,
            self._made_system_questions(),
        )

    def _wall(self) -> datetime:
        return self.call_control.now().wall

    def _made_system_questions(self) -> SystemCommands:
        return SystemCommands(
            self.stores,
            self.run.settings,
            self.call_control,
            self.collector,
            self.recoveries,
            self.phones,
            self.media_link,
            lambda: self.panel_status(self.call_control.status()),
            self.panel.test,
            self.jobs,
            (
                self.restarts,
                self.restores,
                self.selftests,
                TargetCommands(
                    self.stores, self.run.settings, self.target_uploads, self.call_control.now
                ),
                UpdateCommands(
                    self.stores,
                    self.run.settings,
                    self.updates,
                    self.call_control.status,
                    self._myself,
                ),
                self.central,
                self.diverts,
                self.settings,
                ModemCommands(self.run.settings, self.stores, self.call_control.status),
            ),
        )

    def _myself(self) -> OwnHealth:
        """Return this process's health, by which a new version is marked good or left."""
        now = self.call_control.now()
        ready_s = now.monotonic - self._above.ready_at() if self._above.is_ready() else 0.0
        restarts = sum(row.restarts for row in self.collector.restarted(now))
        return OwnHealth(ready_s, self.media_link.connected, restarts)

    def _made_supervisor(self) -> Supervisor:
        """Make the supervisor of this process's threads, each with its own sign of life."""
        stores = self.stores
        beats = {
            Component.SIP: lambda: self.phones.last_turn,
            Component.RECORDS: lambda: stores.records.beat_at,
            Component.VOICEMAIL: lambda: stores.mailbox.beat_at,
            Component.MAIL: lambda: self.mail.beat_at,
            Component.PANEL: lambda: self.panel.beat_at,
            Component.METRICS: lambda: self.metrics.beat_at,
        }
        if (fleet := self.fleet) is not None:
            beats[Component.MQTT] = lambda: fleet.beat_at
        return Supervisor(
            beats,
            {Component.MEDIA_GATEWAY: lambda: self.media_link.past},
            self.collector,
            Path(self.run.settings.folders.run),
            kept=self._above.is_kept,
            failures=faults.last_at,
        )

    def panel_status(self, status: Status) -> PanelStatus:
        """Return the panel's view of a status, for the LEDs and the technician's page."""
        ready, update = self._above.is_ready(), self.updates.light
        return self.collector.panel_status(status, self.phones.status(), ready, update)

    def _button(self, press: Press) -> None:
        """Toggle "Non presidiato" at a short press; runs in gpiozero's thread, so it only posts."""
        if press is Press.SHORT:
            self.inbox.post(self.collector.button_pressed())


def _usb_recoveries(settings: Settings) -> Recoveries:
    """Make the requester of USB resets, with the folders that the helper reads and writes."""
    run = Path(settings.folders.run)
    return Recoveries(requests_folder(run), answers_folder(run), lambda: datetime.now(UTC))


def media_setup(settings: Settings, prompts: announcements.PromptFile) -> Setup:
    """Make the media gateway's Setup from the configuration."""
    language = settings.site.languages[0]
    return Setup(
        lines=tuple(line_setup(settings, line) for line in settings.lines),
        rtp_address=settings.sip.address,
        rtp_ports=(settings.sip.rtp_ports.low, settings.sip.rtp_ports.high),
        prompts=prompts.prompts,
        hold=announcements.prompt_names(language, announcements.HOLD),
        lost=announcements.prompt_names(language, announcements.LOST),
    )


def make_housekeeping(
    settings: Settings, office: Office, stores: Stores, collector: StatusCollector
) -> Housekeeping:
    """Make housekeeping; a PIN that is required and missing is a complaint."""
    state = Path(settings.folders.state)
    # With "always" and no PIN nobody can hear messages: no entered PIN is right.
    if office.voicemail.pin is PinRule.ALWAYS and not pin_path(state).exists():
        collector.complain(NO_PIN)
    return Housekeeping(
        stores.records,
        state,
        plan_of(settings, office.switchboard.schedule),
        lambda trouble: collector.trouble("retention", trouble),
    )


def panel(
    settings: Settings, collector: StatusCollector, on_press: Callable[[Press], None]
) -> Panel:
    """Make the panel; an unusable pin is a complaint, and a panel without pins results."""
    # An unusable pin costs the panel, not the calls: the error ends here.
    try:
        return Panel(panel_pins(settings), on_press)
    except ConfigurationError as error:
        collector.complain(words_of(error))
        return Panel(PanelWiring(), on_press)


def secrets_of(settings: Settings, collector: StatusCollector) -> dict[str, str]:
    """Read the phones' secrets; an unreadable file is a complaint, and no phone registers."""
    # A configuration error never ends the service (design/failures.md).
    try:
        return phones.load_secrets(settings)
    except ConfigurationError as error:
        collector.complain(words_of(error))
        return {}
