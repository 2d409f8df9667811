"""Call control's side of messages and calls behind a real control socket: what is asked is done,
and kept.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from appliance.api.calls import NotNowError, take_step
from appliance.api.privacy import HandoverCommands
from appliance.api.requests import RequestCommands
from appliance.calls.events import Event, MessagesWaiting
from appliance.calls.outgoing import RINGS
from appliance.console.settings import ConsoleSettings
from appliance.paper.document import Letterhead
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.service.mailroom import NOBODY, Papers
from appliance.service.stores import Stores
from appliance.store.requests import SlotDiary
from appliance.text import Words
from tests.console.control_socket import ServedSocket
from tests.helpers.wire import wish
from tests.helpers.words import pair
from tests.policy.small_directory import TOWN
from tests.stories.offices import EXAMPLE

AWAY = pair("Postazione assente.", "Position away.")


OFFICES = (("anagrafe", "Anagrafe", "aire", "AIRE"), ("tributi", "Tributi", "", ""))
"""Every office and need: unit and need, each with its name."""


class Mailroom:
    """Stands for the mail: every office may be asked; `slots` are what one offers, None: none."""

    slots: SlotDiary | None = None
    calendar = EXAMPLE.switchboard.schedule
    directory = TOWN

    def rules(self, *_: object) -> tuple[ReturnRule, ...]:
        """Both."""
        return tuple(ReturnRule)

    def diary(self, unit: str, _: object) -> SlotDiary | None:
        """The office's slots."""
        return self.slots if self.slots and self.slots.unit == unit else None

    def sender(self) -> Any:
        """A house with its hours and its offices."""
        return SimpleNamespace(calendar=self.calendar, directory=self.directory)

    def wake(self, hurry: bool) -> None:
        """Something was queued."""

    @property
    def papers(self) -> Papers:
        """What writes papers, for a house without a sender."""
        plan, nowhere = EXAMPLE.outgoing.plan, Path("/nowhere")
        head = Letterhead("Comune di Prova", (), "it", EXAMPLE.zone)
        return Papers(head, NOBODY, "", nowhere, plan, {})


class CallsStub:
    """`refuses` is why nobody may be called back, None while somebody may; `called` who was."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.refuses: Words | None = None
        self.called: list[dict[str, Any]] = []
        mailroom: Any = Mailroom()
        self.mailroom: Mailroom = mailroom
        self.handover = HandoverCommands(stores, lambda: Now(0.0, datetime.now(UTC)))
        self.requests = RequestCommands(stores.records, mailroom, lambda: datetime.now(UTC))

    def answer(self, question: dict[str, Any]) -> Any:
        """Answer as call control does; only who may be called is the test's to say."""
        if question["ask"] == "CallBack":
            return self._call_back(question)
        if question["ask"] in self.requests.known:
            return self.requests.known[question["ask"]](question)
        if question["ask"] in self.handover.known:
            return self.handover.known[question["ask"]](question)
        if question["ask"] == "offices":
            return {"offices": [_office(*one) for one in OFFICES]}
        if question["ask"] == "SetAway":
            return self._leave(question)
        return take_step(self.stores, wish(question))

    def _leave(self, question: dict[str, Any]) -> Any:
        self.called.append(question)
        refused = self.refuses is not None
        return {"done": not refused, "said": (self.refuses or AWAY).by_language()}

    def _call_back(self, question: dict[str, Any]) -> Any:
        if self.refuses is not None and not question.get("urgent"):
            raise NotNowError(self.refuses)
        self.called.append(question)
        return {"said": RINGS.by_language()}


def _office(unit: str, name: str, need: str, need_name: str) -> dict[str, Any]:
    """Say of an office what call control does, while it takes no calls."""
    names = {"unit": unit, "name": name, "need": need, "need_name": need_name, "say": ""}
    state = {"open": False, "unanswered": False, "words": AWAY.by_language(), "until": None}
    return names | state | {"rules": [rule.value for rule in ReturnRule], "resumes_at": None}


@contextlib.contextmanager
def serve_calls(console: ConsoleSettings, **status: Any) -> Iterator[CallsStub]:
    """Serve the control socket of a console's settings; `status` is what its watchers are told."""
    facts: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stores = Stores(console.records.parent, "b", facts.put, lambda *_: None)
    stores.start()
    while not isinstance(facts.get(timeout=30), MessagesWaiting):
        pass  # until recovery is over: it would put aside a sound that a test has laid there
    control = CallsStub(stores)
    try:
        with ServedSocket(console.control_socket, control.answer, **status):
            yield control
    finally:
        stores.stop(lambda: None)
