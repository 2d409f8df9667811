"""Cut off at any write while central settings come into force: those before, or the new ones."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from appliance.config import read, state_folder
from appliance.config.state_folder import digest_in_force
from appliance.managed_config import apply
from appliance.managed_config.apply import ApplyStamp, JudgedBundle
from appliance.store import managed_config, policy_change
from appliance.store.database import connect, database_path, transaction
from tests.bootfile.test_cuts import Cut, Power
from tests.helpers.figures import Figures
from tests.managed_config.samples import AT, Branch, branch, made, sheet, sound

BEFORE = {
    "schedule.toml": b'[hours]\nmonday = ["08:00-12:00"]\n',
    "sheets/imu.md": sheet("IMU"),
    "prompts/it/hold.wav": sound(),
}
AFTER = {
    "schedule.toml": b'[hours]\nmonday = ["09:00-13:00"]\n',
    "sheets/imu.md": sheet("IMU nuova"),
    "sheets/tari.md": sheet("TARI"),
    "prompts/it/hold.wav": sound(880.0),
}
HELD = {
    "08:00-12:00": ({"orti", "imu"}, "IMU"),
    "09:00-13:00": ({"orti", "imu", "tari"}, "IMU nuova"),
}


def cut_while(call: str, power: Power, act: Callable[[], object]) -> bool:
    """Do something; returns whether the power went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, power)
        try:
            act()
        except Cut:
            return True
    return False


def start(box: Branch) -> None:
    """Do what the desk does before it reads its configuration (commands/services.py)."""
    apply.settle_folder(box.place.state, database_path(box.place.state))


def check_whole(box: Branch) -> str:
    """What holds after a start is one bundle, all of it; returns its monday."""
    start(box)
    settings = read.load(box.config)
    monday = str(settings.hours.week.days[0][0])
    codes, imu = HELD[monday]
    assert set(box.sheets()) == codes
    assert box.sheets()["imu"] == imu
    with closing(connect(box.place.database)) as connection:
        now = managed_config.in_force(connection)
    assert now is not None
    assert digest_in_force(box.place.state) == now.digest
    wav = state_folder.announcements_of(settings)[-1] / "it/hold.wav"
    assert wav.read_bytes() == (sound() if imu == "IMU" else sound(880.0))
    return monday


@pytest.mark.parametrize(("call", "done"), [("fsync", False), ("replace", True), ("rename", True)])
def test_a_cut_at_any_write_does_no_harm(
    call: str, done: bool, tmp_path: Path, figures: Figures
) -> None:
    """Each use of the call is the last one once; the same file then comes into force whole."""
    nth, box, data = 0, branch(tmp_path), made(2, AFTER)
    while True:
        nth += 1
        box = anew(box)
        given = box.judged(data)
        power = Power(getattr(os, call), nth, done=done)
        if not cut_while(call, power, partial(put, box, given)):
            break
        check_whole(box)
        box.apply(data)
        assert check_whole(box) == "09:00-13:00"
    assert nth > LEAST[call]
    figures.say(f"F9 cut at each {call} as central settings come into force ({nth - 1}): no harm")


@pytest.mark.parametrize("is_over", [False, True])
def test_a_cut_at_the_commit_is_the_moment(is_over: bool, tmp_path: Path) -> None:
    """Before it the settings of before hold, after it the new ones: sounds and hours follow."""

    @contextmanager
    def cut(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        with transaction(connection):
            yield connection
            if not is_over:
                raise Cut
        raise Cut

    box = anew(branch(tmp_path))
    given = box.judged(made(2, AFTER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy_change, "transaction", cut)
        with pytest.raises(Cut):
            put(box, given)
    assert check_whole(box) == ("09:00-13:00" if is_over else "08:00-12:00")


LEAST = {"fsync": 8, "replace": 4, "rename": 1}


def anew(box: Branch) -> Branch:
    """Give the branch the first settings, and nothing of what a test left."""
    shutil.rmtree(box.folder)
    fresh = branch(box.folder)
    fresh.apply(made(1, BEFORE))
    return fresh


def put(box: Branch, given: JudgedBundle) -> None:
    """Put judged settings in force."""
    apply.apply_bundle(box.place, given, ApplyStamp("anna", AT, "prova"))
