"""Links of screens: made and ended by command, the secret told once and kept as a hash."""

from __future__ import annotations

import logging
import queue
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.api.commands import NEEDS
from appliance.api.wall import StandardsCommands, WallCommands
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.standards import InTime
from appliance.policy.users import Permission, Role, who_may
from appliance.service.stores import Stores
from appliance.store import wall
from tests.helpers.wire import wire
from tests.stories.offices import EXAMPLE

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@dataclass
class Box:
    """Call control's side of the wall."""

    stores: Stores
    commands: WallCommands

    def ask(self, ask: str, **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        later: Any = self.commands.known[ask]({"ask": ask, **question})
        later(box.put)
        told = wire(box.get(timeout=5))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def links(self) -> Any:
        """Return the links in the records."""
        return self.stores.records.ask(wall.list_links)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Open records in a folder of their own."""
    stores = Stores(tmp_path / "state", "b", lambda _: None, lambda *_: None)
    stores.start()
    yield Box(stores, WallCommands(stores.records, lambda: AT))
    stores.stop(lambda: None)


def test_a_link_is_made_and_ended(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """Its secret is told once, is another each time, and stands in no log."""
    caplog.set_level(logging.DEBUG)
    made = box.ask("wall_link_add", name="  schermo \n dell'ingresso ", by="anna")
    other = box.ask("wall_link_add", name="sala", by="anna")
    assert made["said"]["it"].startswith("Il collegamento di schermo dell'ingresso")
    assert len(made["secret"]) == 43
    assert made["secret"] != other["secret"]
    found = box.stores.records.ask(lambda c: wall.find_link(c, made["secret"]))
    assert found is not None
    assert (found.number, found.name, found.made_by) == (
        made["number"],
        "schermo dell'ingresso",
        "anna",
    )
    ended = box.ask("wall_link_end", number=made["number"], by="bea")
    assert "schermo dell'ingresso" in ended["said"]["en"]
    assert [(each.name, each.is_open) for each in box.links()] == [
        ("sala", True),
        ("schermo dell'ingresso", False),
    ]
    assert made["secret"] not in caplog.text


def test_what_cannot_be_done_is_said(box: Box) -> None:
    """A name that is none, one twice, a link that is ended: declined in words."""
    box.ask("wall_link_add", name="sala", by="anna")
    for asked in (
        {"ask": "wall_link_add", "name": "Sala"},
        {"ask": "wall_link_add", "name": ""},
        {"ask": "wall_link_add", "name": "x" * 99},
        {"ask": "wall_link_end", "number": 9},
    ):
        answer = box.ask(**asked, by="anna")
        assert answer["done"] is False
        assert answer["said"]["it"]
    with pytest.raises(OfficeError, match="by is needed"):
        box.ask("wall_link_add", name="ingresso")
    with pytest.raises(OfficeError, match="whole number"):
        box.ask("wall_link_end", number="1", by="anna")
    assert len(box.links()) == 1


def test_links_are_the_heads() -> None:
    """Nobody else makes or ends one from the console."""
    for asked in ("wall_link_add", "wall_link_end"):
        assert NEEDS[asked] == frozenset({Permission.REPORTS})
    assert who_may(Permission.REPORTS) == (Role.HEAD,)


def test_what_a_quarter_settled_in_time(box: Box) -> None:
    """By the office's calendar; a quarter that is none is refused in words."""
    commands = StandardsCommands(
        box.stores.records, lambda: EXAMPLE.switchboard.schedule, lambda: AT
    )
    replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
    later: Any = commands.known["standards_in_time"]({"ask": "standards_in_time", "quarter": ""})
    later(replies.put)
    found = replies.get(timeout=5)
    assert (found.messages, found.requests) == (InTime(), InTime())
    with pytest.raises(OfficeError, match="no quarter"):
        commands.known["standards_in_time"]({"ask": "standards_in_time", "quarter": "9999-4"})
    assert NEEDS["standards_in_time"] == frozenset({Permission.REPORTS})
