"""Half-typed forms at the control socket: for who may use them, bounded, no office's number in one
(E18).
"""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.api.directory import LONGEST_DRAFT, DraftCommands
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.service.stores import Stores
from appliance.store import database, users
from tests.console import people
from tests.helpers.wire import wire

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@dataclass
class CallControlStub:
    """Call control's side of drafts."""

    stores: Stores
    questions: DraftCommands

    def keep(self, place: object, body: object, by: object = "carla") -> Any:
        """Ask for a draft to be kept; raises what call control raises."""
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        asked = {"ask": "draft_keep", "place": place, "body": body, "by": by}
        later: Any = self.questions.known["draft_keep"](asked)
        later(told.put)
        result = wire(told.get(timeout=10))
        if isinstance(result, CentralinoError):
            raise result
        return result

    def kept(self, place: str, by: str = "carla") -> Any:
        """Return what is kept, None for nothing."""
        return json.loads(
            self.stores.records.ask(lambda c: users.find_draft(c, by, place, AT)) or "null"
        )


@pytest.fixture
def control(tmp_path: Path) -> Iterator[CallControlStub]:
    """Call control with somebody of each kind."""
    stores = Stores(tmp_path, "b", lambda _: None, lambda *_: None)
    stores.start()
    stores.records.ask(people.enter)
    yield CallControlStub(stores, DraftCommands(stores, lambda: Now(0.0, AT)))
    stores.stop(lambda: None)


def test_a_draft_is_kept_and_forgotten(control: CallControlStub) -> None:
    """As it was typed; it is no change of anything, so nothing is audited."""
    before = control.stores.records.ask(database.latest)
    assert control.keep("desk", '{"note": "perché"}') == {}
    assert control.kept("desk") == {"note": "perché"}
    assert control.keep("desk", "") == {}
    assert control.kept("desk") is None
    assert control.stores.records.ask(database.latest) == before


def test_it_is_for_who_may_use_the_form(control: CallControlStub) -> None:
    """An operator declares nothing, a technician serves no call, nobody else types at all."""
    for place, by in (("declare:anagrafe", "carla"), ("desk", "beppe"), ("desk", "eve")):
        answer = control.keep(place, "{}", by)
        assert answer["done"] is False
        assert answer["said"]["it"] != answer["said"]["en"]
        assert control.kept(place, by) is None


def test_an_offices_numbers_are_not_kept(control: CallControlStub) -> None:
    """P7: they lie sealed in the directory and nowhere else."""
    fields = [
        ["declared_by", "Rossi"],
        ["needs.1.numbers.1.number", "0541704101"],
        ["needs.1.numbers.1.label", "Reperibile"],
        ["number", "0541704101"],
        7,
        [{"x": 1}, "0541704101"],
    ]
    control.keep("declare:anagrafe", json.dumps({"fields": fields, "x": "0541704101"}), "anna")
    kept = control.kept("declare:anagrafe", "anna")
    assert kept == {"fields": [fields[0], fields[2]]}


@pytest.mark.parametrize(
    ("place", "body", "by"),
    [
        ("elsewhere", "{}", "carla"),
        ("declare:" + "x" * 99, "{}", "anna"),
        ("desk", "{}", ""),
        ("desk", "[1]", "carla"),
        ("desk", "{", "carla"),
        ("desk", "[" * 7000, "carla"),
        ("desk", json.dumps({"note": "x" * LONGEST_DRAFT}), "carla"),
        ("desk", 7, "carla"),
    ],
)
def test_what_is_no_draft_is_refused(
    control: CallControlStub, place: object, body: object, by: object
) -> None:
    """In a sentence; nothing is kept."""
    with pytest.raises(OfficeError):
        control.keep(place, body, by)
    count = control.stores.records.ask(
        lambda c: c.execute("SELECT count(*) FROM drafts").fetchone()[0]
    )
    assert count == 0
