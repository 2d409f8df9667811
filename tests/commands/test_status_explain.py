"""`centralino explain`: what was asked for by hand is part of it, and can be asked about."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark, ManualState, ServiceState
from appliance.service.stores import save_state, state_file
from tests.stories.offices import ROME

TEN = datetime(2026, 11, 25, 10, tzinfo=ROME)
CONFIG = """
[site]
name = "Prova"
patron = "10-04"
[hours]
wednesday = ["08:30-13:00"]
thursday = ["08:30-13:00"]
[sip]
address = "127.0.0.1"
[[lines]]
name = "line1"
port = "/dev/serial/by-path/a"
[[phones]]
name = "op1"
[[phones]]
name = "op2"
[switchboard]
phones = ["op1", "op2"]
[folders]
state = "{folder}"
run = "{folder}"
"""


class Box:
    """A box whose call control does not run, with the states that it has left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "centralino.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")

    def left(self, state: ServiceState) -> None:
        """Have call control leave states in force."""
        save_state(state_file(self.folder), state)

    def explain(self, *options: str, at: str = "2026-11-25 10:00") -> str:
        """Return what the command says of a call at a moment."""
        asked = ("explain", "--config", str(self.config), "--at", at, *options)
        result = CliRunner().invoke(main, asked)
        assert result.exit_code == 0, result.output
        return result.output

    def told(self, *options: str, at: str = "2026-11-25 10:00") -> dict[str, Any]:
        """Return it as JSON."""
        told = json.loads(self.explain("--json", *options, at=at))
        assert isinstance(told, dict)
        return told


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box of two phones, open in the morning."""
    return Box(tmp_path)


def test_a_moment_is_written_as_people_do(box: Box) -> None:
    """Day and time as on paper; what is none is one sentence that says how it is written."""
    iso = box.told(at="2026-11-25 10:00")
    assert box.told(at="25/11/2026 10:00") == iso
    asked = ("explain", "--config", str(box.config), "--at", "25 ottobre")
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 1
    assert "«25 ottobre» non è un'ora: si scrive 14:30" in result.output


def test_a_switchboard_closed_by_hand_is_closed(box: Box) -> None:
    """M: nobody reads "open and free" while callers hear the voicemail; who, since, until when."""
    assert box.told()["code"] == "open.free"
    since, until = TEN - timedelta(minutes=5), TEN + timedelta(minutes=30)
    box.left(NO_MANUAL_STATES.set(ManualState.CLOSED, ManualMark("op1", since, until)))
    said = box.explain()
    assert "In corso: Chiuso a mano, da mer 25 novembre 2026, 09:55 (op1)" in said
    assert "(op1), fino a mer 25 novembre 2026, 10:30" in said
    told = box.told()
    assert (told["code"], told["changes_at"]) == ("closed.manual", "2026-11-25T10:30:00+01:00")
    assert told["states"]["closed"]["by"] == "op1"


def test_a_state_counts_only_while_it_holds(box: Box) -> None:
    """Not after its end, nor before it was set."""
    until = TEN + timedelta(minutes=30)
    box.left(NO_MANUAL_STATES.set(ManualState.ABSENT, ManualMark("capo", TEN, until)))
    assert box.told()["code"] == "absent"
    for at in ("2026-11-25 10:31", "2026-11-25 09:59", "2026-11-26 10:00"):
        assert box.told(at=at)["code"] == "open.free"


@pytest.mark.parametrize(
    ("state", "at", "code"),
    [
        ("closed", "2026-11-25 10:00", "closed.manual"),
        ("absent", "2026-11-25 10:00", "absent"),
        ("unattended", "2026-11-25 10:00", "desk.none"),
        ("opened", "2026-11-25 20:00", "open.manual"),
        ("none", "2026-11-25 10:00", "open.free"),
    ],
)
def test_each_state_can_be_asked_about(box: Box, state: str, at: str, code: str) -> None:
    """Before anybody sets it, and instead of what is in force."""
    box.left(
        NO_MANUAL_STATES.set(ManualState.UNATTENDED, ManualMark("op1", TEN - timedelta(hours=1)))
    )
    assert box.told("--state", state, at=at)["code"] == code
    assert "In corso" not in box.explain("--state", state, at=at)


def test_two_states_at_once(box: Box) -> None:
    """Closed goes before all absent."""
    assert box.told("--state", "absent", "--state", "closed")["code"] == "closed.manual"


def test_where_every_position_is_away_nobody_is_there(box: Box) -> None:
    """E3: one away changes nothing, both do; what is said of the group by option goes first."""
    mark = ManualMark("automatic", TEN - timedelta(minutes=5))
    one = NO_MANUAL_STATES.go_away("op1", mark)
    box.left(one)
    assert box.told()["code"] == "open.free"
    box.left(one.go_away("op2", mark))
    assert box.told()["code"] == "desk.none"
    assert box.told("--switchboard", "free")["code"] == "open.free"


def test_a_broken_file_is_no_state(box: Box) -> None:
    """The written hours are what is known then."""
    state_file(box.folder).write_text("{")
    assert box.told()["code"] == "open.free"
