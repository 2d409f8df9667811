"""The desk's side of the register behind a real door, with a small town's register in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from appliance.api.directory import DirectoryCommands, DirectoryQueries, DraftCommands
from appliance.calls import events
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.policy.directory import Directory, Need, Reach, make_target
from appliance.policy.directory_changes import merge_directory
from appliance.policy.hours import week_of
from appliance.service.stores import Stores
from appliance.store import directory as store
from appliance.store.directory import Who
from tests.calls.desk import TEN, up
from tests.console.user_desk import serving
from tests.policy.town import TOWN, declaration
from tests.stories.offices import ROME

SECRET = "051598204"
URGENT = Need("urgenze", "Urgenze", (make_target(Reach.OUTSIDE, SECRET, "Reperibile"),))
ALWAYS = week_of(**dict.fromkeys(["monday", "tuesday", "wednesday", "thursday", "friday"], "0-24"))
HELD = replace(declaration(), needs=(*declaration().needs, URGENT), week=ALWAYS)
REGISTER: Directory = replace(TOWN, declarations=(HELD,))


class Desk:
    """Stands for the desk: a switchboard at ten o'clock, and the register it was told last."""

    def __init__(self) -> None:
        self.switchboard, self.register = up(), REGISTER

    def now(self) -> Now:
        """Say what time it is."""
        return TEN

    @property
    def office(self) -> Any:
        """The office, with the hours in force."""
        return self.switchboard.office

    def status(self) -> Any:
        """Say what people see."""
        return self.switchboard.status(TEN)

    def hear(self, event: events.Event) -> None:
        """Hear that the register has changed."""
        if isinstance(event, events.RegisterChanged) and isinstance(event.register, Directory):
            self.register = event.register


@contextlib.contextmanager
def register_desk(console: ConsoleSettings, what: str = "import") -> Iterator[Desk]:
    """Serve the door of a console's settings; the records must be there. `what` is the code of the
    change that the register came with.
    """
    desk: Any = Desk()
    stores = Stores(console.records.parent, "b", desk.hear, lambda *_: None)
    stores.start()
    who, key = Who("Responsabile", datetime(2026, 1, 12, tzinfo=UTC), what), stores.register.key
    stores.records.ask(
        lambda c: store.change(c, key, who, lambda r: merge_directory(r, REGISTER), {})
    )
    stores.register.load()
    stores.records.ask(lambda _: None)  # it has been told
    questions = DirectoryCommands(stores, ROME, lambda: Now(0.0, datetime.now(UTC)))
    drafts = DraftCommands(stores, lambda: Now(0.0, datetime.now(UTC)))
    known = questions.known | DirectoryQueries(desk, stores).known | drafts.known
    with serving(console.door, known):
        yield desk
    stores.stop(lambda: None)
