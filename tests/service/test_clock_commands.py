"""The time is confirmed and set by people: audited, and by a helper that takes nothing else."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.commands.clock import set_clock
from appliance.errors import OfficeError, TechnicianError
from appliance.policy.clock import EARLIEST_WALL, LATEST_WALL, ClockState, Now
from appliance.service import clock
from appliance.service.clock import ClockCommands, ClockWatch, Sources
from appliance.store import database
from tests.fuzz.targets.control_socket import CallControlStub
from tests.helpers.wire import wire
from tests.service.test_technician_commands_system import Kept

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Box(CallControlStub):
    """Call control whose machine was just switched on, with a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        (folder / "timesync").mkdir()
        self.monotonic, self.offset = 100.0, NOON.timestamp() - 100.0
        sources = Sources(
            folder / "timesync", folder / "none", folder / "none", self.wall, lambda: self.monotonic
        )
        super().__init__(clock=ClockWatch(sources=sources))
        self.kept, self.run = Kept(folder), folder / "run"
        stores: Any = self.kept
        control: Any = self
        self.questions = ClockCommands(stores, control, control.clock, self.run)

    def wall(self) -> float:
        """Say what the clock says, in s since 1970."""
        return self.monotonic + self.offset

    def now(self) -> Now:
        """Say what time it is."""
        wall = datetime.fromtimestamp(self.wall(), UTC)
        return Now(self.monotonic, wall, self.clock.state())

    def ask(self, what: str, **more: Any) -> Any:
        """Ask and return the answer."""
        answer = self.questions.known[what]({"ask": what, "by": "anna", **more})
        if not callable(answer):
            return wire(answer)
        told: list[Any] = []
        answer(lambda reply: told.append(wire(reply)))
        return told.pop()

    def noted(self) -> list[tuple[str, str, str]]:
        """List what was noted, newest first."""
        return [(n.by, n.what, n.about) for n in database.latest(self.kept.connection, "clock")]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Nobody has confirmed its clock."""
    return Box(tmp_path)


def test_a_person_confirms_the_time(box: Box) -> None:
    """It is trusted from then on, and who said so is kept."""
    assert (box.ask("clock")["state"], box.ask("clock")["trusted"]) == ("stale", False)
    assert box.ask("clock_confirm")["said"]["en"] == "The time is confirmed."
    told = box.ask("clock")
    assert (told["state"], told["trusted"], told["by_itself_s"]) == ("holdover", True, 0.0)
    assert box.noted() == [("anna", "clock.confirm", "2027-03-01T12:00:00+0000")]


def test_a_time_that_cannot_be_is_not_confirmed(box: Box) -> None:
    """Then it is to be set."""
    box.offset = 0.0
    assert box.ask("clock")["state"] == "unset"
    with pytest.raises(OfficeError, match="cannot be right"):
        box.ask("clock_confirm")
    assert box.noted() == []


def test_a_jump_is_told_as_one(box: Box) -> None:
    """Until somebody confirms it."""
    box.ask("clock_confirm")
    box.offset += 30 * 3600
    assert "jumped" in box.ask("clock")["words"]["en"]
    box.ask("clock_confirm")
    assert "jumped" not in box.ask("clock")["words"]["en"]


def test_a_person_sets_the_time(box: Box) -> None:
    """A time of the office's own zone; the helper sets it, to the second; then it is confirmed. As
    long as nobody has taken the request that is said.
    """
    said = box.ask("clock_set", at="2027-03-02T10:30")["said"]["en"]
    assert said.startswith("The clock is being set")
    assert box.noted() == [("anna", "clock.set", "2027-03-02T09:30:00+0000")]
    assert "centralino-request@clock.path" in box.ask("clock")["trouble"]["en"]
    box.monotonic += 3.0
    wall = clock.take_time(clock.folder_of(box.run), box.monotonic)
    assert wall == datetime(2027, 3, 2, 9, 30, 3, tzinfo=UTC).timestamp()
    assert box.ask("clock")["trouble"] is None
    box.offset = wall - box.monotonic
    assert box.clock.state() is ClockState.HOLDOVER


@pytest.mark.parametrize("at", ["", "noon", "1980-01-01T00:00", "2099-01-01T00:00", "9999-12-31"])
def test_what_is_no_time_is_refused(box: Box, at: str) -> None:
    """In words; nothing is asked of the helper, nothing noted."""
    with pytest.raises(OfficeError):
        box.ask("clock_set", at=at)
    assert (clock.time_is_waiting(clock.folder_of(box.run)), box.noted()) == (False, [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nobody has asked"),
        ("now", "nobody has asked"),
        ("1800000000 100 ; reboot", "nobody has asked"),
        ("1800000000.0 30.0", "too long ago"),
        ("1800000000.0 101.0", "too long ago"),
        (f"{EARLIEST_WALL - 1} 100.0", "that year cannot be"),
        (f"{LATEST_WALL + 1} 100.0", "that year cannot be"),
    ],
)
def test_the_helper_takes_nothing_else(tmp_path: Path, text: str, why: str) -> None:
    """Root does not trust call control's folder; what lay there is gone after it."""
    folder = clock.folder_of(tmp_path)
    folder.mkdir()
    (folder / clock.NAME).write_text(text)
    with pytest.raises(TechnicianError, match=why):
        clock.take_time(folder, 100.0)
    assert not clock.time_is_waiting(folder)


def test_the_helper_follows_no_link_and_waits_for_no_pipe(tmp_path: Path) -> None:
    """What the name leads to elsewhere is never read, nor a folder that is a link itself."""
    folder, elsewhere = clock.folder_of(tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir()
    clock.ask_for_time(elsewhere, NOON.timestamp(), 100.0)
    folder.symlink_to(elsewhere)
    with pytest.raises(TechnicianError, match="nobody has asked"):
        clock.take_time(folder, 100.0)
    folder.unlink()
    folder.mkdir()
    (folder / clock.NAME).symlink_to(elsewhere / clock.NAME)
    with pytest.raises(TechnicianError, match="nobody has asked"):
        clock.take_time(folder, 100.0)
    assert clock.time_is_waiting(elsewhere)


def test_what_the_helper_does(tmp_path: Path) -> None:
    """It sets the time that was asked for; what the system refuses is said."""
    done: list[float] = []

    def refuse(_: float) -> None:
        raise PermissionError("not permitted")

    for setter in (done.append, refuse):
        clock.ask_for_time(clock.folder_of(tmp_path), NOON.timestamp(), time.monotonic() - 1)
        if setter is refuse:
            with pytest.raises(TechnicianError, match="not permitted"):
                set_clock(tmp_path, setter)
        else:
            set_clock(tmp_path, setter)
    assert done == [pytest.approx(NOON.timestamp() + 1, abs=0.5)]


def test_a_run_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Nothing is set, and why."""
    (tmp_path / "run").write_text("")
    with pytest.raises(TechnicianError, match="cannot be set"):
        clock.ask_for_time(clock.folder_of(tmp_path / "run"), NOON.timestamp(), 1.0)
