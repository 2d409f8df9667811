"""Half-typed forms at the door: for who may use them, bounded, no office's number in one (E18)."""

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
from appliance.api.protocol import Reply
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.service.stores import Stores
from appliance.store import database, users
from tests.console import people

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@dataclass
class Desk:
    """The desk's side of drafts."""

    stores: Stores
    questions: DraftCommands

    def keep(self, place: object, body: object, by: object = "carla") -> Reply:
        """Ask for a draft to be kept; raises what the desk raises."""
        told: queue.SimpleQueue[Reply | CentralinoError] = queue.SimpleQueue()
        asked = {"ask": "draft_keep", "place": place, "body": body, "by": by}
        later: Any = self.questions.known["draft_keep"](asked)
        later(told.put)
        result = told.get(timeout=10)
        if isinstance(result, CentralinoError):
            raise result
        return result

    def kept(self, place: str, by: str = "carla") -> Any:
        """Return what is kept, None for nothing."""
        return json.loads(
            self.stores.records.ask(lambda c: users.find_draft(c, by, place, AT)) or "null"
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with somebody of each kind."""
    stores = Stores(tmp_path, "b", lambda _: None, lambda *_: None)
    stores.start()
    stores.records.ask(people.enter)
    yield Desk(stores, DraftCommands(stores, lambda: Now(0.0, AT)))
    stores.stop(lambda: None)


def test_a_draft_is_kept_and_forgotten(desk: Desk) -> None:
    """As it was typed; it is no change of anything, so nothing is audited."""
    before = desk.stores.records.ask(database.latest)
    assert desk.keep("desk", '{"note": "perché"}') == {}
    assert desk.kept("desk") == {"note": "perché"}
    assert desk.keep("desk", "") == {}
    assert desk.kept("desk") is None
    assert desk.stores.records.ask(database.latest) == before


def test_it_is_for_who_may_use_the_form(desk: Desk) -> None:
    """An operator declares nothing, a technician serves no call, nobody else types at all."""
    for place, by in (("declare:anagrafe", "carla"), ("desk", "beppe"), ("desk", "eve")):
        answer = desk.keep(place, "{}", by)
        assert answer["done"] is False
        assert answer["said"]["it"] != answer["said"]["en"]
        assert desk.kept(place, by) is None


def test_an_offices_numbers_are_not_kept(desk: Desk) -> None:
    """P7: they lie sealed in the register and nowhere else."""
    fields = [
        ["declared_by", "Rossi"],
        ["needs.1.numbers.1.number", "0541704101"],
        ["needs.1.numbers.1.label", "Reperibile"],
        ["number", "0541704101"],
        7,
        [{"x": 1}, "0541704101"],
    ]
    desk.keep("declare:anagrafe", json.dumps({"fields": fields, "x": "0541704101"}), "anna")
    kept = desk.kept("declare:anagrafe", "anna")
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
def test_what_is_no_draft_is_refused(desk: Desk, place: object, body: object, by: object) -> None:
    """In a sentence; nothing is kept."""
    with pytest.raises(OfficeError):
        desk.keep(place, body, by)
    count = desk.stores.records.ask(
        lambda c: c.execute("SELECT count(*) FROM drafts").fetchone()[0]
    )
    assert count == 0
