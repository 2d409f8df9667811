"""The desk's parts: each made from the configuration in force, and joined with the others."""

from __future__ import annotations

import secrets as randomness
import selectors
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.api.backup import RestoreQuestions
from appliance.api.control_socket import Watching
from appliance.api.divert import DivertQuestions
from appliance.api.managed_config import CentralQuestions
from appliance.api.phones import PhoneEntering, PhoneWindow
from appliance.api.privacy import Erasures
from appliance.api.provisioning import PhoneQuestions
from appliance.api.requests import RequestQuestions
from appliance.api.speech import Naming
from appliance.api.status import PlantQuestions
from appliance.api.updates import Self, UpdateQuestions
from appliance.api.users import UserQuestions
from appliance.calls import events
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.config import setup
from appliance.config.schema import Settings
from appliance.config.setup import carrier_setup, code_of, phone_settings
from appliance.daemon import announcements, boots
from appliance.daemon.carrier_side import CarrierSide, Takers
from appliance.daemon.central import Central
from appliance.daemon.chore_questions import ChoreQuestions
from appliance.daemon.chores import Chores
from appliance.daemon.clock_correction import ClockCorrection
from appliance.daemon.clocks import ClockWatch, Sources
from appliance.daemon.desk import Desk
from appliance.daemon.fleet import fleet_of
from appliance.daemon.inbox import Inbox
from appliance.daemon.legs import Legs
from appliance.daemon.line_restarts import LineRestarts
from appliance.daemon.line_uses import LineUses
from appliance.daemon.lookout import Lookout
from appliance.daemon.mailroom import Mailroom
from appliance.daemon.metrics import Metrics
from appliance.daemon.monthly import sheets_of
from appliance.daemon.nightly import Nightly
from appliance.daemon.notices import Notices, folder_of
from appliance.daemon.phones_kept import PhonesKept
from appliance.daemon.questions import Questions
from appliance.daemon.recoveries import Recoveries
from appliance.daemon.stores import Stores
from appliance.daemon.supervisor import Supervisor
from appliance.daemon.target_nights import LIMIT_S, TargetNights, TargetQuestions
from appliance.daemon.updates import Updates
from appliance.files import load_text
from appliance.panel.panel import PanelStatus, Press
from appliance.policy.office import Office, StaffKey
from appliance.policy.supervision import Part
from appliance.policy.text import NOTHING, Words
from appliance.prompts import Catalogue
from appliance.sip.service import Phones
from appliance.usb.reset import answers_folder, requests_folder
from appliance.voicemail.storage import MB, Limits
from appliance.workers import faults


@dataclass(frozen=True, slots=True)
class Run:
    """What the command line decided: the configuration in force and where the carrier is; `written`
    is the configuration without the phones that were entered in the console, None for the same.
    """

    settings: Settings
    office: Office
    link: Path | None = None
    complaint: Words = NOTHING
    config: Path | None = None
    written: Settings | None = None


@dataclass(frozen=True, slots=True)
class Above:
    """What the parts ask of who turns them: to show a status; whether the box is ready, and since
    when (monotonic s); whether a service manager starts the desk again when it leaves.
    """

    show: Callable[[Status], None]
    is_ready: Callable[[], bool]
    ready_at: Callable[[], float]
    is_kept: bool


class Parts:
    """Every part of the desk, made and joined; nothing of it is started."""

    def __init__(self, run: Run, above: Above) -> None:
        self.run, self._above = run, above
        self.selector = selectors.DefaultSelector()
        self.inbox = Inbox()
        self.lookout = Lookout(run.complaint)
        self.notices = Notices(self.lookout.trouble, folder_of(Path(run.settings.folders.run)))
        self.lookout.boot = boots.reason(Path(run.settings.folders.run))
        self._make_records()
        self._make_desk()
        self._make_ends()
        self._make_answers()

    def _make_records(self) -> None:
        """Make the stores and who looks after what lies in them."""
        settings, boot = self.run.settings, randomness.token_hex(4)
        limits = Limits(high_water_bytes=settings.voicemail.room_alarm * MB)
        self._own = Path(settings.folders.prompts) if settings.folders.prompts else None
        state, trouble = Path(settings.folders.state), self.lookout.trouble
        self.stores = Stores(state, boot, self.inbox.post, trouble, self._own, limits)
        self.stores.spoken.voice = settings.site.voice
        self.stores.spoken.languages = self.run.office.languages
        self.caretaker = setup.caretaker(settings, self.run.office, self.stores, self.lookout)
        self.stores.on_care = self.caretaker.soon
        self.sheets = sheets_of(settings, self.run.office, self.stores)
        prefix = f"{datetime.now(UTC):%Y%m%d}-{boot}"
        self.switchboard = Switchboard(self.run.office, prefix, self.stores.load_service_state())
        self.mail = self._made_mailroom()
        self.fleet = fleet_of(
            settings,
            self.run.office,
            self.stores.records,
            self.lookout,
            lambda: self.switchboard.register,
            lambda: self.desk.status(),
        )
        self.caretaker.over = self.sheets.over = self.mail.over = self.stores.hours.over

    def _make_desk(self) -> None:
        """Make the desk with its clock."""
        settings = self.run.settings
        holdover_s = settings.clock.holdover_days * 86_400.0
        clock = ClockWatch(Path(settings.folders.run) / "clock.json", holdover_s)
        self.desk = Desk(
            self.switchboard, self.stores, self.inbox, self.selector, self._above.show, clock
        )
        self.corrections = ClockCorrection(self.stores.records, clock)
        self.recoveries = _usb_recoveries(settings)

    def _make_ends(self) -> None:
        """Make the ends: panel, phones, carrier; join them to the desk."""
        settings = self.run.settings
        self.panel = setup.panel(settings, self.lookout, self._button)
        left_file = Path(settings.folders.run) / "calls.json"
        self.phones = self._made_phones(left_file)
        self.phones_kept = PhonesKept(self.stores, self.phones, self.lookout, left_file)
        self.line_uses = LineUses()
        self.diverts = DivertQuestions(settings, self.run.office, self.stores, self.desk.now)
        self._prompts = announcements.prompt_file(
            Catalogue(self._own),
            self.run.office.languages,
            settings.site.country,
            self.lookout.complain,
        )
        self.carrier = self._made_carrier()
        legs = Legs(self.phones, self.carrier.send, settings.sip.address, settings.sip.laws)
        self.desk.join(self.carrier, legs)

    def _make_answers(self) -> None:
        """Make what looks after the parts, and what answers at the door."""
        settings, stores = self.run.settings, self.stores
        self.users = UserQuestions(settings, stores, self.desk.now)
        self.window = PhoneWindow(self.run.config, Path(settings.folders.run))
        self.entering = PhoneEntering(
            settings,
            self.run.written or settings,
            self.phones,
            stores,
            self.desk.now,
            self.run.complaint,
            kept=self._above.is_kept,
            window=self.window,
        )
        self.supervisor = self._made_supervisor()
        self.lookout.restarted = self.supervisor.rows
        self.restarts = LineRestarts(stores, self.desk, self.carrier)
        chores = Chores(self.run.config)
        self.chores = ChoreQuestions(stores, settings, self.run.complaint, chores, self.desk.now)
        self.nightly = Nightly(settings, stores.records, chores, self.lookout.trouble)
        self.target_nights = TargetNights(
            settings, stores.records, Chores(self.run.config, LIMIT_S), self.lookout.trouble
        )
        self.restores = RestoreQuestions(stores, settings, self.chores, self.desk.status)
        self.updates = Updates(
            settings, stores.records, chores, self.lookout.trouble, boot=Sources().boot_id()
        )
        central = Central(settings, stores.records, chores, self.lookout.trouble)
        self.central = CentralQuestions(stores, central, self.chores)
        self.naming = Naming(settings, stores.records, chores)
        self.questions = self._made_questions()
        self.watching = Watching(self.questions.watched)
        self.metrics = Metrics(
            settings, self.desk, stores, self.lookout, self.phones.status, self._above.is_ready
        )
        self.desk.also_due = self.watching.next_deadline

    # --- one part each -----------------------------------------------------------------------

    def _made_mailroom(self) -> Mailroom:
        return Mailroom(
            self.run.settings,
            self.run.office,
            self.stores.records,
            lambda: self.switchboard.register,
            lambda trouble: self.lookout.trouble("mail", trouble),
        )

    def _made_phones(self, left_file: Path) -> Phones:
        """Make the phones, with what a predecessor has left of registrations and calls."""
        code = code_of(self.run.office, StaffKey.MESSAGES)
        return Phones(
            phone_settings(
                self.run.settings, setup.secrets_of(self.run.settings, self.lookout), code
            ),
            self.inbox.post,
            self.stores.load_bindings(),
            left=load_text(left_file),
        )

    def _made_carrier(self) -> CarrierSide:
        setup = carrier_setup(self.run.settings, self._prompts)
        return CarrierSide(setup, self._prompts.fd, self._takers(), self.selector, self.run.link)

    def _takers(self) -> Takers:
        return Takers(
            event=self.desk.fact,
            recording=self.stores.begin,
            sound=self.stores.append,
            gap=self._gap,
            health=self.desk.health,
            measured=self.desk.measured,
            recovering=self.recoveries.heard,
        )

    def _gap(self, gap: events.RecordingGap) -> None:
        self.stores.mailbox.gap(gap.recording, gap.gap_ms)
        self.desk.fact(gap)

    def _made_questions(self) -> Questions:
        """Make what answers at the door."""
        settings, stores = self.run.settings, self.stores
        plan = self.run.office.outgoing.plan
        return Questions(
            self.desk,
            stores,
            self.lookout,
            self.run,
            self.recoveries,
            PhoneQuestions(settings, self.phones, stores, self.entering),
            RequestQuestions(stores.records, self.mail, self._wall, plan),
            Erasures(settings, stores, self._wall),
            self.users,
            self._made_plant_questions(),
        )

    def _wall(self) -> datetime:
        return self.desk.now().wall

    def _made_plant_questions(self) -> PlantQuestions:
        return PlantQuestions(
            self.stores,
            self.run.settings,
            self.desk,
            self.lookout,
            self.recoveries,
            self.phones,
            self.carrier,
            lambda: self.panel_status(self.desk.status()),
            self.panel.test,
            self.restarts,
            self.chores,
            self.restores,
            TargetQuestions(self.stores, self.run.settings, self.target_nights, self.desk.now),
            UpdateQuestions(
                self.stores, self.run.settings, self.updates, self.desk.status, self._myself
            ),
            self.central,
            self.diverts,
        )

    def _myself(self) -> Self:
        """Say how the desk is, for the judge of an update."""
        now = self.desk.now()
        ready_s = now.monotonic - self._above.ready_at() if self._above.is_ready() else 0.0
        restarts = sum(int(row["restarts"]) for row in self.lookout.restarted(now))
        return Self(ready_s, self.carrier.connected, restarts)

    def _made_supervisor(self) -> Supervisor:
        """Make what looks after the threads of this process, each by its own sign of life."""
        stores = self.stores
        beats = {
            Part.SIP: lambda: self.phones.last_turn,
            Part.RECORDS: lambda: stores.records.beat_at,
            Part.VOICEMAIL: lambda: stores.mailbox.beat_at,
            Part.MAIL: lambda: self.mail.beat_at,
            Part.PANEL: lambda: self.panel.beat_at,
            Part.METRICS: lambda: self.metrics.beat_at,
        }
        if (fleet := self.fleet) is not None:
            beats[Part.MQTT] = lambda: fleet.beat_at
        return Supervisor(
            beats,
            {Part.CARRIER: lambda: self.carrier.past},
            self.lookout,
            Path(self.run.settings.folders.run),
            kept=self._above.is_kept,
            failures=faults.last_at,
        )

    def panel_status(self, status: Status) -> PanelStatus:
        """Return what LEDs and page show of a status."""
        return self.lookout.panel_status(status, self.phones.status(), self._above.is_ready())

    def _button(self, press: Press) -> None:
        """A short press toggles "Non presidiato"; called from the panel's thread."""
        if press is Press.SHORT:
            self.inbox.post(self.lookout.button_pressed())


def _usb_recoveries(settings: Settings) -> Recoveries:
    """Make the desk's side of USB resets, by the folders that the helper uses."""
    run = Path(settings.folders.run)
    return Recoveries(requests_folder(run), answers_folder(run), lambda: datetime.now(UTC))
