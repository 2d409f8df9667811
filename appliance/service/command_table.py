"""Command table: which handler answers each command of the control socket.

The seam between composition and api: only composition makes it, tests list what it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api import codec, status_text
from appliance.api.address_book import BookCommands
from appliance.api.announcements import AnnouncementCommands, DictationCommands
from appliance.api.calls import CallBacks, bring_head, offices, ring_phone, take_step, transfer_call
from appliance.api.commands import (
    BringSupervisor,
    CloseOffice,
    DeclareAbsent,
    LeavePosition,
    LeaveUnattended,
    ListOffices,
    LoadSpoken,
    OfficeState,
    OpenOffice,
    SettleMessage,
    ShowCalendar,
    ShowFigures,
    ShowStatus,
    StateCommand,
    TakeCare,
    TransferCaller,
    UseSheet,
)
from appliance.api.directory import DirectoryCommands, DirectoryQueries, DraftCommands
from appliance.api.hours import HoursCommands, WeekCommands, calendar
from appliance.api.phone_control import PhoneControlCommands
from appliance.api.phones import PhoneList
from appliance.api.privacy import ErasureCommands, HandoverCommands, RetentionCommands
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Handlers,
    Reply,
    SendReply,
    answered_by,
    command,
)
from appliance.api.replies import (
    Declined,
    FiguresReply,
    FullStatus,
    Said,
    SheetsLoaded,
    StatusReply,
    WatchedStatus,
)
from appliance.api.requests import MailTestCommands, RequestCommands
from appliance.api.sheets import SheetCommands, note_sheet
from appliance.api.status_text import Seen
from appliance.api.technician_commands import MailSheet, RingPhone
from appliance.api.users import UserCommands
from appliance.api.wall import StandardsCommands, WallCommands
from appliance.calls import commands, events, orders
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.hours import moment_words
from appliance.policy.hours_changes import weeks_words
from appliance.policy.sheets import Menu
from appliance.policy.text import SaidError
from appliance.service import backup_target, updates
from appliance.service.clock import ClockCommands
from appliance.service.live_policy import PolicyCommands, directory_in_one_line, directory_summary
from appliance.service.loop import CallControl
from appliance.service.nightly import care_said
from appliance.service.reports import mail_sheet
from appliance.service.status import StatusCollector
from appliance.service.stores import Stores
from appliance.service.supervision import Recoveries
from appliance.service.technician_commands import SystemCommands
from appliance.text import _, by_language

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.config.schema import Settings


STATES: Final[dict[type[OfficeState], Callable[..., commands.Request]]] = {
    LeaveUnattended: commands.SetUnattended,
    CloseOffice: commands.SetClosed,
    OpenOffice: commands.SetOpened,
    DeclareAbsent: commands.SetAllAbsent,
}
"""Manual states of the whole office."""


def state_of(wish: StateCommand, shown: str = "") -> commands.Request:
    """Return the manual state that a command sets or ends, by a user of that name."""
    if isinstance(wish, OfficeState):
        return STATES[type(wish)](wish.on, wish.by, wish.until, wish.lasts, shown)
    return commands.SetAway(wish.on, wish.by, wish.until)


class CommandTable(CommandHandlers):
    """Dispatcher of the control socket's commands, in the deciding thread.

    Raises OfficeError for an unknown command.
    """

    def __init__(
        self,
        call_control: CallControl,
        stores: Stores,
        collector: StatusCollector,
        settings: Settings,
        zone: ZoneInfo,
        recoveries: Recoveries,
        phones: PhoneList,
        requests: RequestCommands,
        erasures: ErasureCommands,
        users: UserCommands,
        plant: SystemCommands,
    ) -> None:
        self._call_control = call_control
        self._stores = stores
        self._collector = collector
        self._recoveries = recoveries
        self._phones, self._rights = phones, users.rights
        self._zone, self._settings = zone, settings
        announcements = AnnouncementCommands(stores, call_control.now)
        self._dictations = DictationCommands(stores, call_control, announcements)
        # The deciding thread writes these itself; their code takes a slow board a moment to make.
        codec.prepare(WatchedStatus, StatusReply)
        self._call_backs = CallBacks(stores, call_control.post)
        self._phone_control = PhoneControlCommands(call_control, stores)
        # Every name comes from a declaration, and so has its permission.
        self._handlers: Handlers = {
            **self.known,
            **requests.known,
            **phones.known,
            **users.known,
            **plant.known,
            **MailTestCommands(stores, call_control.now).known,
            **erasures.known,
            **RetentionCommands(settings, stores, collector.deletion_at, self._wall).known,
            **self._call_backs.known,
            **self._phone_control.known,
            **answered_by(TakeCare, lambda wish: take_step(stores, wish, zone)),
            **answered_by(SettleMessage, lambda wish: take_step(stores, wish, zone)),
            **answered_by(TransferCaller, lambda wish: transfer_call(call_control, wish)),
            **answered_by(BringSupervisor, lambda wish: bring_head(call_control, wish)),
            **answered_by(RingPhone, lambda wish: ring_phone(call_control, wish)),
            **answered_by(ListOffices, lambda wish: offices(call_control, wish)),
            **answered_by(UseSheet, lambda wish: note_sheet(call_control, stores, zone, wish)),
            **answered_by(MailSheet, lambda wish: mail_sheet(stores, call_control.directory, wish)),
            **PolicyCommands(stores.records, stores.directory).known,
            **DirectoryCommands(stores, zone, call_control.now).known,
            **answered_by(
                ShowCalendar,
                lambda wish: calendar(stores, call_control.office, call_control.now().wall, wish),
            ),
            **HoursCommands(stores, call_control).known,
            **WeekCommands(stores, call_control).known,
            **HandoverCommands(stores, call_control.now, zone).known,
            **SheetCommands(stores, call_control.now, plant.jobs).known,
            **WallCommands(stores.records, self._wall).known,
            **StandardsCommands(
                stores.records, lambda: call_control.office.switchboard.schedule, self._wall
            ).known,
            **BookCommands(stores, call_control, zone).known,
            **announcements.known,
            **self._dictations.known,
            **DraftCommands(stores, call_control.now).known,
            **DirectoryQueries(call_control, stores).known,
            **ClockCommands(
                stores, call_control, call_control.clock, Path(settings.folders.run)
            ).known,
        }
        call_control.on_answer = self._answered

    @property
    def names(self) -> frozenset[str]:
        """Names of all commands."""
        return frozenset(self._handlers)

    def __call__(self, question: dict[str, Any]) -> Reply | DeferredReply:
        """Answer one command."""
        name = question.get("ask")
        handler = self._handlers.get(str(name))
        if handler is None:
            raise OfficeError(f"{name!r} cannot be asked")
        return handler(question)

    @command(ShowFigures)
    def figures(self, _: ShowFigures) -> Reply:
        """Return the counters since the start, and the moments of the last calls."""
        figures = self._call_control.figures
        return FiguresReply(figures.to_json(), tuple(figures.moments))

    def _answered(self, order: orders.AnswerAsked) -> None:
        """Pass the outcome of a rung phone to call backs, numbers dialled and dictations."""
        # All get it: each ignores what the others have asked for.
        self._call_backs.answered(order)
        self._phone_control.answered(order)
        self._dictations.answered(order)

    def _wall(self) -> datetime:
        return self._call_control.now().wall

    @command(LoadSpoken)
    def load_spoken(self, _: LoadSpoken) -> DeferredReply:
        """Reload spoken sheets and notices; the next caller hears them."""

        def deferred_reply(send: SendReply) -> None:
            def loaded(menu: Menu | CentralinoError) -> None:
                send(menu if isinstance(menu, CentralinoError) else SheetsLoaded(len(menu)))

            self._stores.spoken.load(loaded)

        return deferred_reply

    def watched(self) -> Reply:
        """Return the status for subscribers, without its text lines."""
        return WatchedStatus(self._seen()[1])

    @command(ShowStatus)
    def status(self, _: ShowStatus) -> Reply:
        """Return the status, with its text lines."""
        seen, shown = self._seen()
        return StatusReply(shown, self._collector.words(seen.status), status_text.told(seen))

    def _seen(self) -> tuple[Seen, FullStatus]:
        """Gather the status, for its text and as a reply."""
        status, troubles = self._call_control.status(), self._collector.troubles()
        rows, tried = self._phones.rows(), self._recoveries.by_line()
        directory = self._stores.directory.directory
        watched = self._collector.watched
        listed = directory_in_one_line(directory, status.at, self._zone)
        today = status.at.astimezone(self._zone).date()
        weeks = weeks_words(self._stores.hours.entered, today, self._rights.person)
        own = care_said(self._collector.night, self._collector.card, self._zone)
        elsewhere = (*self._collector.mqtt_said, *self._collector.central)
        backed_up = (self._collector.stick, self._collector.target)
        away = backup_target.away_said(self._settings, *backed_up, self._zone)
        own = (*own, *away, *updates.said(self._collector.boot), *elsewhere)
        again = tuple(self._collector.restarted(self._call_control.now()))
        seen = Seen(status, self._zone, troubles, tried, rows, listed, weeks, watched, own, again)
        shown = FullStatus.extended(
            status,
            troubles=troubles,
            phones=rows,
            recoveries=tried,
            supervision=again,
            boot=self._collector.boot,
            mqtt=self._collector.mqtt,
            register=directory_summary(directory, status.at, self._zone),
            central=self._collector.central,
            weeks=weeks,
            care=watched,
            night=self._collector.night,
            card=self._collector.card,
            health=self._call_control.figures.health,
        )
        return seen, shown

    @command(LeavePosition, *STATES)
    def change(self, wish: StateCommand) -> Reply:
        """Set or end a manual state."""
        request = state_of(wish, self._rights.shown(wish.by))
        now = self._call_control.now().wall
        if request.until is not None and request.until <= now:
            until = request.until.astimezone(self._zone)
            raise SaidError(
                _(
                    "{moment} is past: say a time to come",
                    moment=by_language(lambda language: moment_words(until, language)),
                )
            )
        refusal = self._call_control.refusal_of(request)
        # Also if it is refused: the Switchboard notes the attempt.
        self._call_control.fact(events.ServiceStateChanged(request))
        if refusal is not None:
            return Declined(refusal)
        return Said(status_text.done(request, self._call_control.service, self._zone))
