"""Call control's side of the directory behind a real control socket, with a small town's directory
in it.
"""

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
from tests.calls.examples import TEN, up
from tests.console.call_control_users import serving
from tests.policy.small_directory import TOWN, declaration
from tests.stories.offices import ROME

SECRET = "051598204"
URGENT = Need("urgenze", "Urgenze", (make_target(Reach.OUTSIDE, SECRET, "Reperibile"),))
ALWAYS = week_of(**dict.fromkeys(["monday", "tuesday", "wednesday", "thursday", "friday"], "0-24"))
HELD = replace(declaration(), needs=(*declaration().needs, URGENT), week=ALWAYS)
REGISTER: Directory = replace(TOWN, declarations=(HELD,))


class CallControlStub:
    """Stands for call control: a switchboard at ten o'clock, and the directory it was told last."""

    def __init__(self) -> None:
        self.switchboard, self.directory = up(), REGISTER

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
        """Hear that the directory has changed."""
        if isinstance(event, events.DirectoryChanged) and isinstance(event.directory, Directory):
            self.directory = event.directory


@contextlib.contextmanager
def serve_directory(console: ConsoleSettings, what: str = "import") -> Iterator[CallControlStub]:
    """Serve the control socket of a console's settings; the records must be there. `what` is the
    code of the change that the directory came with.
    """
    control: Any = CallControlStub()
    stores = Stores(console.records.parent, "b", control.hear, lambda *_: None)
    stores.start()
    who, key = Who("Responsabile", datetime(2026, 1, 12, tzinfo=UTC), what), stores.directory.key
    stores.records.ask(
        lambda c: store.change(c, key, who, lambda r: merge_directory(r, REGISTER), {})
    )
    stores.directory.load()
    stores.records.ask(lambda _: None)  # it has been told
    questions = DirectoryCommands(stores, ROME, lambda: Now(0.0, datetime.now(UTC)))
    drafts = DraftCommands(stores, lambda: Now(0.0, datetime.now(UTC)))
    known = questions.known | DirectoryQueries(control, stores).known | drafts.known
    with serving(console.control_socket, known):
        yield control
    stores.stop(lambda: None)
