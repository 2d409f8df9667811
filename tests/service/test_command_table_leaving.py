"""Leaving with something open is refused in words at the control socket, too (E19)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.api.requests import RequestCommands
from appliance.calls.states import State
from appliance.service.command_table import CommandTable
from appliance.service.status import StatusCollector
from appliance.service.supervision import Recoveries
from tests.calls.examples import TEN, tell
from tests.calls.test_transfer import key, office_switchboard
from tests.fuzz.targets import control_socket as beside
from tests.helpers.wire import wire


def test_whoever_asks_at_the_control_socket_reads_why(tmp_path: Path) -> None:
    """Not done, said in both languages, noted with the call; coming back is never refused."""
    control, stores, mailroom = (
        beside.CallControlStub(office_switchboard()),
        beside.Stores(tmp_path),
        beside.Mailroom(),
    )
    (call,) = control.switchboard._board.calls.values()
    tell(control.switchboard, TEN, *(key(digit, call.leg) for digit in "**31#"))
    assert call.state is State.TRANSFER_CHOICE
    tried = Recoveries(tmp_path / "asked", tmp_path / "done", beside._now)
    records: Any = stores
    requests = RequestCommands(records, mailroom, beside._now)  # type: ignore[arg-type]  # a stand-in
    collector = StatusCollector()
    asked: Any = (
        control, stores, collector, *beside.settings_and_zone(), tried, beside.Phones(), requests,
        beside.erasures(stores, str(tmp_path)),
        beside.users(stores, str(tmp_path)),
        beside.SystemStub(),
    )  # fmt: skip
    questions = CommandTable(*asked)
    answer: Any = wire(questions({"ask": "SetAway", "on": True, "by": "op1"}))
    assert answer["done"] is False
    assert answer["said"]["it"].startswith("op1 ha un utente in attesa")
    assert answer["said"]["en"].startswith("op1 has a caller on hold")
    assert control.status().service.away == ()
    assert call.record.trail[-1] == "away_refused.op1"
    answer = wire(questions({"ask": "SetAway", "on": False, "by": "op1"}))
    assert answer["said"]["en"] == "The position is back."
    answer = wire(questions({"ask": "SetAway", "on": True, "by": "op2"}))
    assert answer["done"] is True
    assert [phone for phone, _ in control.status().service.away] == ["op2"]
