"""The daemon: composition of the desk, start, readiness, watchdog, clean stop. ONLY sdnotify here.

Everything reads as one page: what is started, in which order, and undone in the reverse one.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import secrets as randomness
import selectors
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import sdnotify

from appliance.calls import events
from appliance.calls.status import Status
from appliance.calls.switchboard import Switchboard
from appliance.daemon import announcements, phone_secrets
from appliance.daemon.caretaker import Caretaker
from appliance.daemon.caretaker import plan_of as care_plan_of
from appliance.daemon.carrier_side import CarrierSide, Takers
from appliance.daemon.chore_questions import ChoreQuestions
from appliance.daemon.chores import Chores
from appliance.daemon.clock_correction import ClockCorrection
from appliance.daemon.clocks import ClockWatch
from appliance.daemon.desk import Desk
from appliance.daemon.door import Door
from appliance.daemon.erasures import Erasures
from appliance.daemon.files import load_text
from appliance.daemon.inbox import Inbox
from appliance.daemon.legs import Legs
from appliance.daemon.line_restarts import LineRestarts
from appliance.daemon.line_uses import LineUses
from appliance.daemon.lookout import Lookout
from appliance.daemon.mailroom import Mailroom
from appliance.daemon.monthly import sheets_of
from appliance.daemon.nightly import Nightly, is_quiet
from appliance.daemon.phone_questions import PhoneQuestions
from appliance.daemon.phones_kept import PhonesKept
from appliance.daemon.pins import NO_PIN, pin_path
from appliance.daemon.plant_questions import PlantQuestions
from appliance.daemon.questions import Questions
from appliance.daemon.recoveries import Recoveries
from appliance.daemon.reloading import Reloading
from appliance.daemon.request_questions import RequestQuestions
from appliance.daemon.restore_questions import RestoreQuestions
from appliance.daemon.settings import Settings
from appliance.daemon.setups import carrier_setup, code_of, panel_pins, phone_settings
from appliance.daemon.stores import Stores
from appliance.daemon.supervisor import Supervisor
from appliance.daemon.user_questions import UserQuestions
from appliance.daemon.watching import Watching
from appliance.errors import ConfigurationError
from appliance.panel.leds import Panel, PanelPins
from appliance.panel.pattern import PanelStatus
from appliance.panel.press import Press
from appliance.phones.sip import Phones, PhonesStatus
from appliance.policy.office import Office, StaffKey
from appliance.policy.pin import PinRule
from appliance.policy.supervision import Part
from appliance.policy.system_words import words_of
from appliance.policy.words import NOTHING, Words
from appliance.prompts import Catalogue
from appliance.records import line_uses
from appliance.usb.requests import answers_folder, requests_folder
from appliance.voicemail.space import MB, Limits

log = logging.getLogger(__name__)

LINE_LIMIT_S = 5.0
"""A line that has not come up so long after the start is declared out (all lines in parallel)."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared with, never bound
IS_KEPT = "NOTIFY_SOCKET" in os.environ
"""There is a service manager, which starts the desk again when it leaves."""
TURN_S = 1.0
"""The main loop turns at least so often: readiness and watchdog are looked at then."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the command line decided: the configuration in force and where the carrier is."""

    settings: Settings
    office: Office
    link: Path | None = None
    complaint: Words = NOTHING
    config: Path | None = None


class Service:
    """Owns every part of the running desk."""

    def __init__(self, run: Run) -> None:
        settings = run.settings
        self._run = run
        self._notify = sdnotify.SystemdNotifier()
        self._selector = selectors.DefaultSelector()
        self._inbox = Inbox()
        boot = randomness.token_hex(4)
        self.lookout = Lookout(run.complaint)
        own = Path(settings.folders.prompts) if settings.folders.prompts else None
        self._stores = Stores(
            Path(settings.folders.state),
            boot,
            self._inbox.post,
            self.lookout.trouble,
            own,
            Limits(high_water_bytes=settings.voicemail.room_alarm * MB),
        )
        self._caretaker = self._made_caretaker()
        self._stores.on_care = self._caretaker.soon
        self._sheets = sheets_of(settings, run.office, self._stores)
        self._switchboard = Switchboard(
            run.office, f"{datetime.now(UTC):%Y%m%d}-{boot}", self._stores.load_service_state()
        )
        self._mail = self._made_mailroom()
        self._caretaker.over = self._sheets.over = self._mail.over = self._stores.hours.over
        self._recoveries = usb_recoveries(settings)
        clock = ClockWatch(
            Path(settings.folders.run) / "clock.json", settings.clock.holdover_days * 86_400.0
        )
        self.desk = Desk(
            self._switchboard, self._stores, self._inbox, self._selector, self._show, clock
        )
        self._corrections = ClockCorrection(self._stores.records, clock)
        self._panel = self._fitted_panel()
        left_file = Path(settings.folders.run) / "calls.json"
        self._phones = self._made_phones(left_file)
        self._phones_kept = PhonesKept(self._stores, self._phones, self.lookout, left_file)
        self._users = UserQuestions(settings, self._stores, self.desk.now)
        self._line_uses = LineUses()
        self._prompts = announcements.prompt_file(
            Catalogue(own), run.office.languages, settings.site.country, self.lookout.complain
        )
        self._carrier = self._made_carrier()
        self.desk.join(
            self._carrier,
            Legs(self._phones, self._carrier.send, settings.sip.address, settings.sip.laws),
        )
        self.supervisor = self._made_supervisor()
        self.lookout.restarted = self.supervisor.rows
        self._restarts = LineRestarts(self._stores, self.desk, self._carrier)
        self._chores = ChoreQuestions(
            self._stores, settings, run.complaint, Chores(run.config), self.desk.now
        )
        self._nightly = self._made_nightly()
        self._restores = RestoreQuestions(self._stores, settings, self._chores, self.desk.status)
        self._reloading = Reloading(self._chores.chores, self.lookout, kept=IS_KEPT)
        self._questions = self._made_questions()
        self._watching = Watching(self._questions.watched)
        self.desk.also_due = self._watching.next_deadline
        self._ready = False
        self._phones_shown = PhonesStatus()
        self._lines_by = 0.0
        self._watchdog_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 3e6
        self._watchdog_at = 0.0
        self._stopping = False

    # --- parts -------------------------------------------------------------------------------

    def _made_caretaker(self) -> Caretaker:
        """Make what looks after messages; a code that is wanted and missing is said."""
        settings, office = self._run.settings, self._run.office
        state = Path(settings.folders.state)
        if office.voicemail.pin is PinRule.ALWAYS and not pin_path(state).exists():
            self.lookout.complain(NO_PIN)
        return Caretaker(
            self._stores.records,
            state,
            care_plan_of(settings, office.switchboard.schedule),
            lambda trouble: self.lookout.trouble("retention", trouble),
        )

    def _made_mailroom(self) -> Mailroom:
        return Mailroom(
            self._run.settings,
            self._run.office,
            self._stores.records,
            lambda: self._switchboard.register,
            lambda trouble: self.lookout.trouble("mail", trouble),
        )

    def _made_nightly(self) -> Nightly:
        return Nightly(
            self._run.settings, self._stores.records, self._chores.chores, self.lookout.trouble
        )

    def _made_phones(self, left_file: Path) -> Phones:
        """Make the phones, with what a predecessor has left of registrations and calls."""
        code = code_of(self._run.office, StaffKey.MESSAGES)
        return Phones(
            phone_settings(self._run.settings, self._secrets(), code),
            self._inbox.post,
            self._stores.load_bindings(),
            left=load_text(left_file),
        )

    def _made_carrier(self) -> CarrierSide:
        return CarrierSide(
            carrier_setup(self._run.settings, self._prompts),
            self._prompts.fd,
            self._takers(),
            self._selector,
            self._run.link,
        )

    def _made_questions(self) -> Questions:
        """Make what answers at the door."""
        return Questions(
            self.desk,
            self._stores,
            self.lookout,
            self._run,
            self._recoveries,
            PhoneQuestions(self._run.settings, self._phones, self._stores),
            RequestQuestions(
                self._stores.records,
                self._mail,
                lambda: self.desk.now().wall,
                self._run.office.outgoing.plan,
            ),
            Erasures(self._run.settings, self._stores, lambda: self.desk.now().wall),
            self._users,
            PlantQuestions(
                self._stores,
                self._run.settings,
                self.desk,
                self.lookout,
                self._recoveries,
                self._phones,
                self._carrier,
                self._panel_status,
                self._panel.test,
                self._restarts,
                self._chores,
                self._restores,
            ),
        )

    def _made_supervisor(self) -> Supervisor:
        """Make what looks after the threads of this process, each by its own sign of life."""
        stores = self._stores
        beats = {
            Part.SIP: lambda: self._phones.last_turn,
            Part.RECORDS: lambda: stores.records.beat_at,
            Part.VOICEMAIL: lambda: stores.mailbox.beat_at,
            Part.MAIL: lambda: self._mail.beat_at,
            Part.PANEL: lambda: self._panel.beat_at,
        }
        return Supervisor(
            beats,
            {Part.CARRIER: lambda: self._carrier.past},
            self.lookout,
            Path(self._run.settings.folders.run),
            kept=IS_KEPT,
        )

    def _panel_status(self) -> PanelStatus:
        status = self.desk.status()
        return self.lookout.panel_status(status, self._phones.status(), self._ready)

    def _fitted_panel(self) -> Panel:
        """Take the panel's pins; a pin that cannot be used costs the panel, not the calls."""
        try:
            return Panel(panel_pins(self._run.settings), self._button)
        except ConfigurationError as error:
            self.lookout.complain(words_of(error))
            return Panel(PanelPins(), self._button)

    def _secrets(self) -> dict[str, str]:
        """Read the phones' secrets; without them nobody registers, and that is said."""
        try:
            return phone_secrets.load(self._run.settings)
        except ConfigurationError as error:
            self.lookout.complain(words_of(error))
            return {}

    # --- life --------------------------------------------------------------------------------

    def run(self) -> None:
        """Start everything, turn until told to stop, stop everything."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGHUP, lambda *_: self._reloading.ask())
        path = Path(self._run.settings.folders.run) / "desk.sock"
        gate = self._users.rights
        gate.on_person = lambda: self._switchboard.somebody_is_there(self.desk.now())
        door = Door(path, self._selector, self._questions, self._watching, gate)
        try:
            self._start()
            while not self._stopping:
                self.desk.turn(TURN_S)
                door.tell_watchers(time.monotonic())
                self._look()
        finally:
            door.close()
            self._stop()

    def _start(self) -> None:
        self._corrections.begin()
        self._stores.start()
        self._mail.start()
        self._stores.load_numbers(self._run.office.outgoing)
        self._stores.spoken.load()
        self._users.start()
        self._nightly.start()
        self._restores.start()
        self._panel.start()
        self._phones.start()
        self._lines_by = time.monotonic() + LINE_LIMIT_S
        self.supervisor.start(time.monotonic())
        self._show(self.desk.status())
        gc.collect()
        gc.freeze()  # a full collection that looks at all of it again would keep a ring waiting

    def _stop(self) -> None:
        """Hang up every line, end every phone's call, keep what is to be kept."""
        self._notify.notify("STOPPING=1\nSTATUS=Stopping")
        with contextlib.suppress(Exception):  # whatever is wrong, lines must be hung up
            self.desk.fact(events.BoxStopped())
        self._carrier.close()
        self._phones.stop()
        self._phones_kept.keep_left(self._phones.status())
        self._mail.stop()
        self._chores.chores.stop()
        self._stores.stop(self._hear_the_last)
        self._panel.stop()

    def _hear_the_last(self) -> None:
        """What came while stopping, a message stored in time above all, is still recorded."""
        with contextlib.suppress(Exception):  # nothing may keep the stores from being closed
            self.desk.drain_inbox()

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    # --- looking after itself ----------------------------------------------------------------

    def _look(self) -> None:
        now = time.monotonic()
        phones = self._phones.status()
        if phones != self._phones_shown:
            self._phones_shown = phones
            self._phones_kept.look(phones)
            self._show(self.desk.status())
        self._look_after()
        if not self._ready:
            self._declare_missing(now)
            self._ready = self._become_ready()
        self._look_after_threads(now)

    def _look_after_threads(self, now: float) -> None:
        """Feed the watchdog while every thread lives; leave where only that can help."""
        verdict = self.supervisor.look(self.desk.now(), self._is_idle)
        if verdict.leave is not None and self._ready:
            self.supervisor.leave(verdict.leave, now)
            self._stopping = True
        if self._reloading.look(self._is_idle):
            log.info("the service leaves, to be started with the new configuration")
            self._stopping = True
        if self._watchdog_s and now >= self._watchdog_at and verdict.feeds:
            self._watchdog_at = now + self._watchdog_s
            self._notify.notify("WATCHDOG=1")

    def _is_idle(self) -> bool:
        """Tell whether the service can leave without taking anything from anybody."""
        status = self.desk.status()
        return not (status.calls or status.outgoing or self._phones.status().legs)

    def _look_after(self) -> None:
        """Have messages and missed calls looked after; show what has come to wait for somebody."""
        self._caretaker.look(self.desk.now())
        self._sheets.look(self.desk.now())
        self._restarts.look()
        self._corrections.look(time.monotonic())
        self.lookout.deleted_at = self._caretaker.deleted_at
        self._chores.look()
        self._nightly.look(self.desk.now(), lambda: is_quiet(self.desk.status()))
        self.lookout.night, self.lookout.card = self._nightly.last, self._nightly.card
        self._restores.look()
        if self._caretaker.watched != self.lookout.watched:
            self.lookout.watched = self._caretaker.watched
            self._show(self.desk.status())

    def _declare_missing(self, now: float) -> None:
        """What has not come up in time is out, with a reason; it may come up any time later."""
        if now < self._lines_by:
            return
        for line in self.desk.status().lines:
            if not line.declared:
                limit = f"{LINE_LIMIT_S:.0f} s"
                why = f"no answer within {limit}: check the modem and its port"
                perche = f"nessuna risposta entro {limit}: controllare il modem e la sua porta"
                self.desk.fact(events.LineLost(line.name, why, reason_it=perche))

    def _become_ready(self) -> bool:
        status = self.desk.status()
        if any(not line.declared for line in status.lines) or not self._phones.status().listening:
            return False
        self._notify.notify("READY=1")
        log.info("ready: %s", self.lookout.words(status))
        return True

    def _show(self, status: Status) -> None:
        """Tell systemd, the LEDs and the journal what people see."""
        if ended := tuple(self._line_uses.see(status)):
            self._stores.records.do(lambda connection: line_uses.write(connection, ended))
        self._watching.changed()
        words = self.lookout.words(status)
        one_line = " ".join(words.split())  # a newline ends an assignment (sd_notify(3))
        self._notify.notify(f"STATUS={one_line}")
        self._phones.show_waiting(status.waiting)
        self._panel.show(self.lookout.panel_status(status, self._phones.status(), self._ready))

    def _button(self, press: Press) -> None:
        """A short press toggles "Non presidiato"; called from the panel's thread."""
        if press is Press.SHORT:
            self._inbox.post(self.lookout.button_pressed())

    def _takers(self) -> Takers:
        return Takers(
            event=self.desk.fact,
            recording=self._stores.begin,
            sound=self._stores.append,
            gap=self._gap,
            health=self.desk.health,
            measured=self.desk.measured,
            recovering=self._recoveries.heard,
        )

    def _gap(self, gap: events.RecordingGap) -> None:
        self._stores.mailbox.gap(gap.recording, gap.gap_ms)
        self.desk.fact(gap)


def usb_recoveries(settings: Settings) -> Recoveries:
    """Make the desk's side of USB resets, by the folders that the helper uses."""
    run = Path(settings.folders.run)
    return Recoveries(requests_folder(run), answers_folder(run), lambda: datetime.now(UTC))
