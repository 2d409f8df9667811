"""`centralino box update good` where RAUC fails in the version that is to be tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.commands.updates import Helper, Rauc, Slots, Watch
from appliance.config import read
from appliance.policy.text import Refused
from appliance.policy.updates import HEALTHY_S, TRIAL_LIMIT_S, UpdateState
from appliance.service import updates
from appliance.service.updates import UpdateRecord
from tests.commands.samples import CONFIG
from tests.console.control_socket import ServedSocket
from tests.helpers.words import pair

HEALTH = {"idle": True, "ready_s": 60.0, "carrier": True, "restarts": 0, "working": [], "out": []}


@dataclass(frozen=True, slots=True)
class Broken(Rauc):
    """RAUC as a version may bring it: it marks nothing, and may not even say which slot runs."""

    says_slots: bool = False

    def slots(self) -> Slots:
        """The new one runs."""
        if not self.says_slots:
            raise Refused(pair("RAUC manca", "RAUC is missing"))
        return Slots("B", "A", "box", other_is_good=True)

    def mark(self, what: str, slot: str) -> None:
        """Refuse."""
        raise Refused(pair("RAUC manca", "RAUC is missing"))


@dataclass
class Box:
    """A healthy box: 1.1.0 was written into slot B, and the machine has started from `booted`."""

    folder: Path
    now: float = 20.0
    booted: str = "B"
    restarts: list[float] = field(default_factory=list)

    def watch(self, rauc: Rauc) -> Watch:
        """Return the watcher of this start, as the unit starts it again and again."""
        written = read.parse(CONFIG.format(folder=self.folder))
        helper = Helper(written, self.folder / "run", rauc, lambda: self.restarts.append(self.now))
        return Watch(helper, lambda: self.now, self._wait, "now", lambda: self.booted)

    def _wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """The box, with its call control."""
    (tmp_path / "run").mkdir()
    made = Box(tmp_path)
    kept_in = made.watch(Broken()).helper.kept_in
    kept_in.mkdir()
    updates.keep(kept_in, UpdateRecord(UpdateState.INSTALLED, "1.1.0", slot="B", boot="before"))
    with ServedSocket(tmp_path / "run" / "desk.sock", lambda _: {"health": HEALTH}):
        yield made


@pytest.mark.parametrize("says_slots", [False, True])
def test_a_version_in_which_rauc_fails_is_left(box: Box, *, says_slots: bool) -> None:
    """It could never take another update. It is tried as long as a trial may last, then the machine
    is started anew, upon which the boot loader takes the other slot; it is kept why.
    """
    watch = box.watch(Broken(says_slots=says_slots))
    with pytest.raises(Refused):
        watch.turn()
    assert not box.restarts
    assert (box.now >= 20.0 + HEALTHY_S) is says_slots
    box.now = TRIAL_LIMIT_S
    assert "1.1.0" in watch.turn().text("en")
    assert len(box.restarts) == 1
    assert "RAUC is missing" in updates.load_update(watch.helper.kept_in).said.text("en")


@pytest.mark.parametrize(
    ("state", "booted"), [(UpdateState.GOOD, "B"), (UpdateState.INSTALLED, "A")]
)
def test_no_other_version_is_left_for_rauc(box: Box, state: UpdateState, booted: str) -> None:
    """One that is good has nothing to go back to; in the one of before the box is back already."""
    box.now, box.booted = TRIAL_LIMIT_S, booted
    watch = box.watch(Broken())
    updates.keep(watch.helper.kept_in, UpdateRecord(state, "1.1.0", slot="B", boot="before"))
    with pytest.raises(Refused):
        watch.turn()
    assert not box.restarts
