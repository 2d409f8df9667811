"""Command table: which handler answers each command of the control socket.

The seam between composition and api: only composition makes it, tests list what it knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api import status_text
from appliance.api.announcements import AnnouncementCommands, DictationCommands
from appliance.api.calls import CallBacks, bring_head, offices, take_step, transfer_call
from appliance.api.clock import ClockCommands
from appliance.api.directory import DirectoryCommands, DirectoryQueries, DraftCommands
from appliance.api.hours import HoursCommands, WeekCommands, calendar
from appliance.api.phones import PhoneList
from appliance.api.privacy import ErasureCommands, HandoverCommands, RetentionCommands
from appliance.api.protocol import REQUESTS, DeferredReply, Reply, SendReply, parse_request
from appliance.api.reports import mail_sheet
from appliance.api.requests import MailTestCommands, RequestCommands
from appliance.api.sheets import SheetCommands, note_sheet
from appliance.api.status import SystemCommands
from appliance.api.status_text import Seen
from appliance.api.users import UserCommands
from appliance.calls import events, orders
from appliance.errors import CentralinoError
from appliance.policy.hours import moment_words
from appliance.policy.hours_changes import weeks_words
from appliance.policy.sheets import Menu
from appliance.policy.text import SaidError, Words
from appliance.service import backup_target, updates
from appliance.service.live_policy import PolicyCommands, directory_in_one_line, directory_summary
from appliance.service.loop import CallControl
from appliance.service.nightly import care_said
from appliance.service.status import StatusCollector
from appliance.service.stores import Stores
from appliance.service.supervision import Recoveries

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.config.schema import Settings


ALWAYS: Final = frozenset({
    "status", "figures", "phones_renewed", "spoken", "care", "close_message", "CallBack",
    "TransferCall", "BringHead", *REQUESTS,
})  # fmt: skip
"""Commands that this table answers itself."""


class CommandTable:
    """Dispatcher of the control socket's commands, in the deciding thread.

    Raises OfficeError for an unknown command.
    """

    def __init__(
        self,
        desk: CallControl,
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
        self._desk = desk
        self._stores = stores
        self._collector = collector
        self._recoveries = recoveries
        self._phones = phones
        self._zone, self._settings = zone, settings
        announcements = AnnouncementCommands(stores, desk.now)
        self._dictations = DictationCommands(stores, desk, announcements)
        self._known: dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]] = {
            **requests.known,
            **phones.known,
            **users.known,
            **plant.known,
            **MailTestCommands(stores, desk.now).known,
            "erase": erasures.asked,
            **RetentionCommands(settings, stores, collector, lambda: desk.now().wall).known,
            "offices": lambda question: offices(desk, question),
            "NoteSheet": lambda question: note_sheet(desk, stores, self._zone, question),
            "mail_sheet": lambda question: mail_sheet(stores, desk.register, question),
            **PolicyCommands(stores.records, stores.register).known,
            **DirectoryCommands(stores, zone, desk.now).known,
            "calendar": lambda question: calendar(stores, desk.office, desk.now().wall, question),
            **HoursCommands(stores, desk).known,
            **WeekCommands(stores, desk).known,
            **HandoverCommands(stores, desk.now).known,
            **SheetCommands(stores, desk.now, plant.jobs).known,
            **announcements.known,
            **self._dictations.known,
            **DraftCommands(stores, desk.now).known,
            **DirectoryQueries(desk, stores).known,
            **ClockCommands(stores, desk, Path(settings.folders.run)).known,
        }
        self._call_backs = CallBacks(stores, desk.post)
        desk.on_answer = self._answered

    @property
    def names(self) -> frozenset[str]:
        """Names of all commands; each needs a permission (tests/api/test_rights.py)."""
        return ALWAYS | self._known.keys()

    def __call__(self, question: dict[str, Any]) -> Reply | DeferredReply:
        """Answer one command."""
        match question.get("ask"):
            case "status":
                return self._status()
            case "figures":
                figures = self._desk.figures
                return {"figures": figures.to_json(), "moments": figures.moments_to_json()}
            # The phones' secrets are read again: a renewed password holds at once.
            case "phones_renewed":
                return self._phones.renewed()
            case "spoken":
                return self._spoken
            case "care" | "close_message":
                return take_step(self._stores, question)
            case "CallBack":
                return self._call_backs.asked(question)
            case str(asked) if asked in self._known:
                return self._known[asked](question)
            case _:
                return self._of_calls(question)

    def _answered(self, order: orders.AnswerAsked) -> None:
        """Pass the outcome of a rung phone to call backs and dictations."""
        # Both get it: each ignores what the other has asked for.
        self._call_backs.answered(order)
        self._dictations.answered(order)

    def _spoken(self, tell: SendReply) -> None:
        """Reload spoken sheets and notices; the next caller hears them."""

        def told(menu: Menu | CentralinoError) -> None:
            tell(menu if isinstance(menu, CentralinoError) else {"sheets": len(menu)})

        self._stores.spoken.load(told)

    def watched(self) -> Reply:
        """Return the status for subscribers, without its text lines."""
        return {"status": self._seen()[1]}

    def _status(self) -> Reply:
        seen, shown = self._seen()
        words = self._collector.words(seen.status)
        return {"status": shown, "words": words, "said": _plain(status_text.told(seen))}

    def _seen(self) -> tuple[Seen, Reply]:
        """Gather the status, as values and as JSON."""
        status, troubles = self._desk.status(), self._collector.troubles()
        phones, tried = self._phones.rows(), self._recoveries.to_json()
        register = self._stores.register.register
        watched = self._collector.watched
        listed = directory_in_one_line(register, status.at, self._zone)
        today = status.at.astimezone(self._zone).date()
        weeks = weeks_words(self._stores.hours.entered, today)
        rows = tuple(phones)
        own = care_said(self._collector.night, self._collector.card, self._zone)
        elsewhere = (*self._collector.mqtt_said, *self._collector.central)
        backed_up = (self._collector.stick, self._collector.target)
        away = backup_target.away_said(self._settings, *backed_up, self._zone)
        own = (*own, *away, *updates.said(self._collector.boot), *elsewhere)
        again = tuple(self._collector.restarted(self._desk.now()))
        seen = Seen(status, self._zone, troubles, tried, rows, listed, weeks, watched, own, again)
        shown = _plain(status)
        shown["troubles"] = [trouble.en for trouble in troubles]
        shown["phones"], shown["recoveries"] = phones, tried
        shown["supervision"], shown["boot"] = again, self._collector.boot
        shown["mqtt"] = self._collector.mqtt
        shown["register"] = directory_summary(register, status.at, self._zone)
        shown["central"] = [words.en for words in self._collector.central]
        shown["weeks"] = [words.en for words in weeks]
        shown["care"] = dataclasses.asdict(watched)
        shown["night"], shown["card"] = _plain(self._collector.night), _plain(self._collector.card)
        health = self._desk.figures.health
        shown["health"] = dataclasses.asdict(health) if health else None
        return seen, shown

    def _of_calls(self, question: dict[str, Any]) -> Reply:
        """Answer a command about a call or the manual states."""
        if question.get("ask") == "TransferCall":
            return transfer_call(self._desk, question)
        if question.get("ask") == "BringHead":
            return bring_head(self._desk, question)
        return self._change(question)

    def _change(self, question: dict[str, Any]) -> Reply:
        request = parse_request(question)
        now = self._desk.now().wall
        if request.until is not None and request.until <= now:
            until = request.until.astimezone(self._zone)
            raise SaidError(
                Words(
                    f"{moment_words(until, 'it')} è già passato: indicare un'ora a venire.",
                    f"{moment_words(until, 'en')} is past: say a time to come",
                )
            )
        refusal = self._desk.refusal_of(request)
        # Also if it is refused: the Switchboard notes the attempt.
        self._desk.fact(events.ServiceStateChanged(request))
        if refusal is not None:
            return {"done": False, "said": _plain(refusal)}
        return {"said": _plain(status_text.done(request, self._desk.service, self._zone))}


def _plain(value: Any) -> Any:
    """Convert frozen values to JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value
