"""The clock as call control looks at it: timesyncd's flag, a battery, jumps, a new start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.policy.clock import ClockState
from appliance.service.clock import ClockWatch, Sources

NOON = 1_800_000_000.0
"""A moment of January 2027."""
DAY = 86_400.0


class Machine:
    """A machine whose clocks are set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.monotonic, self.offset = 50.0, NOON
        self.timesyncd = folder / "timesync"
        self.timesyncd.mkdir()
        (folder / "boot_id").write_text("first\n")

    @property
    def wall(self) -> float:
        return self.monotonic + self.offset

    def sync(self) -> None:
        """Let timesyncd have an answer."""
        flag = self.timesyncd / "synchronized"
        flag.touch()
        os.utime(flag, (self.wall, self.wall))

    def watch(self) -> ClockWatch:
        """Start call control's watch on it."""
        return ClockWatch(
            self.folder / "clock.json",
            sources=Sources(
                self.timesyncd,
                self.folder / "since_epoch",
                self.folder / "boot_id",
                lambda: self.wall,
                lambda: self.monotonic,
            ),
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that was just switched on."""
    return Machine(tmp_path)


def test_timesyncd_says_when_it_was_last_answered(machine: Machine) -> None:
    """Stale until its flag is there; by itself once that is two hours old."""
    watch = machine.watch()
    assert watch.state() is ClockState.STALE
    machine.monotonic += 60
    machine.sync()
    assert watch.state() is ClockState.SYNCED
    machine.monotonic += 7300
    assert watch.state() is ClockState.HOLDOVER
    machine.sync()
    machine.monotonic += 1
    assert watch.state() is ClockState.SYNCED


def test_a_machine_without_timesyncd_is_trusted(machine: Machine) -> None:
    """A workstation is set by something else; what cannot be is refused all the same."""
    machine.timesyncd.rmdir()
    watch = machine.watch()
    assert watch.state() is ClockState.SYNCED
    machine.offset -= 46 * 365 * DAY
    assert watch.state() is ClockState.UNSET


def test_a_jump_is_seen_at_once_and_told_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    """Between two questions of one moment; the journal has it once, and the confirmation."""
    watch = machine.watch()
    machine.sync()
    assert watch.state() is ClockState.SYNCED
    machine.offset += 30 * 3600
    for _ in range(5):
        machine.monotonic += 2
        assert watch.state() is ClockState.STALE
    told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert told == ["the clock is stale (it has jumped by more than a day), it was synced"]
    assert watch.confirm() is ClockState.HOLDOVER
    assert watch.state() is ClockState.HOLDOVER


def test_call_control_that_is_started_anew_goes_on_from_there(machine: Machine) -> None:
    """A jump stays refused, a confirmation holds; another start of the machine knows of neither."""
    watch = machine.watch()
    machine.sync()
    watch.state()
    machine.offset += 30 * 3600
    assert watch.state() is ClockState.STALE
    again = machine.watch()
    assert again.state() is ClockState.STALE
    again.confirm()
    assert machine.watch().state() is ClockState.HOLDOVER
    (machine.folder / "boot_id").write_text("second\n")
    machine.sync()
    assert machine.watch().state() is ClockState.SYNCED


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"boot": "first", "trust": {"state": "no"}}'])
def test_what_was_kept_and_cannot_be_read_is_as_nothing(machine: Machine, kept: str) -> None:
    """A file of an older programme, or half of one."""
    (machine.folder / "clock.json").write_text(kept)
    assert machine.watch().state() is ClockState.STALE


@pytest.mark.parametrize(
    ("says", "state"),
    [("+10", ClockState.HOLDOVER), ("-86400", ClockState.STALE), ("nonsense", ClockState.STALE)],
)
def test_a_battery_is_believed_where_it_agrees(
    machine: Machine, says: str, state: ClockState
) -> None:
    """A clock with a battery gave the system its time; one whose battery is empty did not."""
    text = str(int(machine.wall) + int(says)) if says != "nonsense" else says
    (machine.folder / "since_epoch").write_text(text)
    assert machine.watch().state() is state


def test_a_time_that_is_being_set_is_taken_when_it_is_there(machine: Machine) -> None:
    """The helper sets the clock a moment after it was asked."""
    watch = machine.watch()
    watch.state()
    watch.want(machine.wall + 9 * DAY)
    assert watch.state() is ClockState.STALE
    machine.monotonic += 3
    machine.offset += 9 * DAY
    assert watch.state() is ClockState.HOLDOVER


def test_how_it_was_set_is_kept_until_it_is_known(machine: Machine) -> None:
    """What was written before is put right by it, also by the next call control."""
    machine.offset -= 40 * DAY
    watch = machine.watch()
    watch.state()
    written = machine.wall
    machine.monotonic += 100
    machine.offset += 40 * DAY
    machine.sync()
    for each in (watch, machine.watch()):
        assert each.state() is ClockState.SYNCED
        assert each.steps.corrected(written) == pytest.approx(written + 40 * DAY, abs=1.0)
