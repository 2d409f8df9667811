"""Call control's side of the head's pages behind a real control socket."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from appliance.api.announcements import AnnouncementCommands, DictationCommands
from appliance.api.hours import HoursCommands, WeekCommands, calendar
from appliance.api.protocol import SendReply
from appliance.api.replies import Done
from appliance.api.sheets import SheetCommands
from appliance.api.technician_replies import JobEnded, JobsReply
from appliance.calls import events, orders
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.policy.hours_changes import office_with
from appliance.policy.office import Office
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from appliance.service.stores import Stores
from appliance.store import sheets
from tests.calls.examples import TEN, up
from tests.console.call_control_users import serving
from tests.helpers.wire import wish
from tests.policy.office_year import YEAR

OLD: Final = Sheet(
    "imu", "IMU", "tributi", "Delibera 12", date(2024, 5, 20), "## Quando\n\nEntro giugno.\n"
)
NEW: Final = Sheet(
    "tari", "TARI <b>", "", "Delibera 13", date(2126, 5, 20), "Luglio <script>alert(1)</script>.\n"
)
HEARD: Final = Sheet(
    "cie", "Carta", "", "Legge", date(2126, 5, 20), "Prenotare.\n", say="Si prenota in linea."
)


class Home:
    """Stands for call control at ten o'clock in November 2026, with the hours that were entered."""

    stores: Stores
    dictations: DictationCommands

    def __init__(self) -> None:
        self.switchboard = up()

    def post(self, event: events.Event) -> None:
        """Hear a fact, and tell who asked for a dictation what comes of it."""
        for order in self.switchboard.handle(event, TEN):
            if isinstance(order, orders.AnswerAsked):
                self.dictations.answered(order)
            elif isinstance(order, orders.TakeWent):
                self.stores.order(order)

    def now(self) -> Now:
        """Return the moment; each question has its own."""
        return replace(TEN, wall=TEN.wall.replace(microsecond=time.monotonic_ns() % 1_000_000))

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return office_with(YEAR, self.stores.hours.entered)


class Voices:
    """Stands for the jobs that give sheets their voice: what was begun, and how it went."""

    def __init__(self) -> None:
        self.begun: list[tuple[tuple[str, ...], str]] = []
        self.last: dict[str, JobEnded] = {}
        self.refused: Refused | None = None

    def hand_over(self, _: str, words: tuple[str, ...], typed: str, tell: SendReply) -> None:
        """Begin one, or refuse."""
        if self.refused is None:
            self.begun.append((words, typed))
        tell(self.refused or Done())

    def told(self) -> JobsReply:
        """Say how the last one went."""
        return JobsReply("" if self.last or not self.begun else "sheets", self.last)


def _now() -> Now:
    return Now(0.0, datetime.now(UTC))


@contextlib.contextmanager
def serve_hours(console: ConsoleSettings, voices: Voices | None = None) -> Iterator[Stores]:
    """Serve the control socket of a console's settings; the records must be there."""
    given: Any = voices or Voices()
    stores = Stores(console.records.parent, "b", lambda _: None, lambda *_: None)
    stores.start()
    stores.records.ask(lambda c: sheets.store(c, (OLD, NEW, HEARD)))
    known: dict[str, Any] = (
        SheetCommands(stores, _now, given).known | AnnouncementCommands(stores, _now).known
    )
    home: Any = Home()
    home.stores = stores
    announcements = AnnouncementCommands(stores, _now)
    home.dictations = DictationCommands(stores, home, announcements)
    known |= home.dictations.known
    known["calendar"] = lambda question: calendar(stores, home.office, TEN.wall, wish(question))
    known |= HoursCommands(stores, home).known | WeekCommands(stores, home).known
    with serving(console.control_socket, known):
        yield stores
    stores.stop(lambda: None)
