"""Leaving with something open is refused in words at the door, too (E19)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.api.requests import RequestCommands
from appliance.calls.states import State
from appliance.service.command_table import CommandTable
from appliance.service.status import StatusCollector
from appliance.service.supervision import Recoveries
from tests.calls.desk import TEN, tell
from tests.calls.test_transfers import key, office_desk
from tests.fuzz.targets import door as beside


def test_whoever_asks_at_the_door_reads_why(tmp_path: Path) -> None:
    """Not done, said in both languages, noted with the call; coming back is never refused."""
    desk, stores, mailroom = beside.Desk(office_desk()), beside.Stores(tmp_path), beside.Mailroom()
    (call,) = desk.switchboard._desk.calls.values()
    tell(desk.switchboard, TEN, *(key(digit, call.leg) for digit in "**31#"))
    assert call.state is State.TRANSFER_CHOICE
    tried = Recoveries(tmp_path / "asked", tmp_path / "done", beside._now)
    records: Any = stores
    requests = RequestCommands(records, mailroom, beside._now)  # type: ignore[arg-type]  # a stand-in
    collector = StatusCollector()
    asked: Any = (
        desk, stores, collector, *beside.settings_and_zone(), tried, beside.Phones(), requests,
        beside.erasures(stores, str(tmp_path)), beside.users(stores, str(tmp_path)), beside.Plant(),
    )  # fmt: skip
    questions = CommandTable(*asked)
    answer: Any = questions({"ask": "SetAway", "on": True, "by": "op1"})
    assert answer["done"] is False
    assert answer["said"]["it"].startswith("op1 ha un utente in attesa")
    assert answer["said"]["en"].startswith("op1 has a caller on hold")
    assert desk.status().service.away == ()
    assert call.record.trail[-1] == "away_refused.op1"
    answer = questions({"ask": "SetAway", "on": False, "by": "op1"})
    assert answer["said"]["en"] == "The position is back."
    answer = questions({"ask": "SetAway", "on": True, "by": "op2"})
    assert "done" not in answer
    assert [phone for phone, _ in desk.status().service.away] == ["op2"]
