"""A signed version that starts whole and never becomes good: the box itself goes back to the old.

Nothing is done to the box but that a stick is put in, which stays in, and that the night comes.
What is brought is the image's own slot under a newer name, with one file missing. A trial lasts ten
minutes of the box's time, so each kind takes a quarter of an hour and more.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.policy.updates import HEALTHY_S
from appliance.policy.updates import TRIAL_LIMIT_S as UPDATES_TRIAL_LIMIT_S
from tests.helpers.figures import Figures
from tests.image import brought, built, updates
from tests.image.call_control import troubles
from tests.image.guest import Guest
from tests.image.long.life import is_untouched
from tests.image.long.sticks import VERSION, slot_of, stick_of
from tests.image.office import VOICEMAIL, Office, wait_idle

MISSING: Final = built.missing() or brought.missing()
pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(MISSING != "", reason=f"needs {MISSING}"),
]

TRIAL_LIMIT_S: Final = 3600.0
"""Of our time; where other work is done beside it the box lives slower."""
MESSAGE_LIMIT_S: Final = 120.0
QUIET_S: Final = 60.0
"""So long it is watched in the next night: call control looks for work every ten seconds."""
BACK: Final = f"Version {VERSION} did not stand its trial: the one before is in use again"
LAST_OF_TRIAL: Final = "journalctl -b -1 -o short-monotonic --no-pager -n 1"
_AGO: Final = re.compile(r"\[ *(\d+)\.\d+\]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of never becoming good: the file that is missing in the new version, `why` as people
    are told, how its only boot ends by the list of boots, and how long that may last (s); of one
    that keeps nothing nobody knows either.
    """

    file: str
    why: str
    ends: str = ""
    lasts: tuple[float, float] | None = None

    @property
    def boots(self) -> list[tuple[str, str]]:
        """Return the list of boots as the old version is to find it, with why each came."""
        tried = [("asked", "B"), (self.ends, "A")] if self.ends else [("asked", "A")]
        return [("first", "A"), *tried]


KINDS: Final = {
    # No part of the programme starts, not even what watches the trial: systemd gives the service
    # up after thirty starts, in a quarter of an hour at most, and starts the box anew.
    "the programme cannot be started": Kind(
        "/usr/lib/centralino/lib/python3.13/site-packages/appliance/errors.py",
        f"version {VERSION} has not started, or has not stayed up",
        "service",
        (0.0, 900.0),
    ),
    # Without what looks at a file system memory is taken in place of the data partition:
    # all is READY, and what it keeps would be lost.
    "it cannot open the data partition": Kind(
        "/usr/sbin/e2fsck", f"version {VERSION} has not started, or has not stayed up"
    ),
    # All is READY; the new kernel cannot drive the modem, so that nobody is ever answered.
    "its line never comes into service": Kind(
        "/usr/lib/modules/{kernel}/kernel/drivers/usb/serial/ftdi_sio.ko.xz",
        "worked before and does not now: line1",
        "asked",
        (UPDATES_TRIAL_LIMIT_S, UPDATES_TRIAL_LIMIT_S + HEALTHY_S),
    ),
    # All is READY and answers; with nothing to mark a slot by it could never take another update.
    "its RAUC is missing": Kind(
        "/usr/bin/rauc",
        "RAUC is missing or does not answer",
        "asked",
        (UPDATES_TRIAL_LIMIT_S, UPDATES_TRIAL_LIMIT_S + HEALTHY_S),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_version_that_never_becomes_good_is_left(
    name: str, office: Office, tmp_path: Path, figures: Figures
) -> None:
    """It is started from once and left after its time. The old one answers, with the message that
    was there before; it says which version failed and why, and does not take it from the stick
    again. Of slot A not a bit has changed.
    """
    kind = KINDS[name]
    stick = stick_without(kind.file, tmp_path / "stick")
    with office.on() as guest:
        before = in_use(office, guest)
        began = guest.seconds()
        brought.put_in(guest, stick)
        updates.wait_state(guest, "installed", updates.INSTALL_LIMIT_S)
        updates.night_comes(guest)
        found = updates.wait_state(guest, "back", TRIAL_LIMIT_S)
        back = guest.seconds() - began
        wait_idle(guest)
        figures.say(f"image: {name}: the version of before is back "
                    f"{back:.0f} s after the stick was put in")  # fmt: skip
        if kind.lasts is not None:
            lasted = lasted_s(guest)
            figures.say(f"image: {name}: {lasted:.0f} s on trial")
            assert kind.lasts[0] <= lasted < kind.lasts[1]
        assert boots(guest) == kind.boots
        assert found["failed"] == [VERSION]
        is_told(guest, kind.why)
        assert office.call().answered
        assert before < updates.messages(guest)
        is_left_alone(guest, found)
        guest.power_off()
    assert is_untouched(office.disk, built.image())


def stick_without(file: str, folder: Path) -> Path:
    """Make a stick with the image's own slot as a newer version, in which a file is missing."""
    folder.mkdir()
    slot = brought.renamed(slot_of(built.image(), folder), VERSION)
    (kernel,) = _listed(slot, "/usr/lib/modules")
    path = Path(file.format(kernel=kernel))
    assert path.name in _listed(slot, path.parent)
    _debugfs("-w", "-R", f"rm {path}", slot)
    assert path.name not in _listed(slot, path.parent)
    subprocess.run(("e2fsck", "-f", "-n", slot), check=True, capture_output=True)
    return stick_of(slot, folder)


def in_use(office: Office, guest: Guest) -> set[str]:
    """Wait until the box has answered and kept a message; returns all that it keeps."""
    guest.wait_ready()
    wait_idle(guest)
    assert office.call().answered
    there = f"ls /data{VOICEMAIL}/*.wav"
    guest.wait("a message", lambda: guest.shell.try_(there)[0] == 0, MESSAGE_LIMIT_S)
    wait_idle(guest)
    return updates.messages(guest)


def lasted_s(guest: Guest) -> float:
    """Return how long the boot before this one lasted, by the box's own clock."""
    found = _AGO.search(guest.run(LAST_OF_TRIAL))
    assert found
    return float(found[1])


def boots(guest: Guest) -> list[tuple[str, str]]:
    """Return of each boot of the card why it came, and its slot."""
    lines = guest.run("cat /data/boots/history").splitlines()
    return [(why, slot) for _, why, slot in map(str.split, lines)]


def is_told(guest: Guest, why: str) -> None:
    """Check what a person reads: at the shell, and among what call control complains of."""
    said = json.loads(guest.run("centralino update status --json"))["en"]
    assert BACK in said
    assert why in said
    assert any(BACK in one and why in one for one in troubles(guest))


def is_left_alone(guest: Guest, found: dict[str, Any]) -> None:
    """Check that the box, which has seen the stick again, lets it be, in the next night too."""
    guest.wait("a word about the stick", lambda: guest.shell.try_(f"cat {updates.SAID}")[0] == 0)
    assert "has been tried here" in guest.run(f"cat {updates.SAID}")
    updates.night_comes(guest)
    guest.pass_time(QUIET_S)
    assert updates.kept(guest) == found
    assert updates.rauc(guest) == {"A": ("booted", "good"), "B": ("inactive", "bad")}
    assert updates.chosen(guest) == ["A", "B", "A"]


def _listed(slot: Path, folder: Path | str) -> list[str]:
    lines = _debugfs("-R", f"ls -p {folder}", slot).splitlines()
    names = (line.split("/")[5] for line in lines if line.startswith("/"))
    return [name for name in names if name not in {".", "..", ""}]


def _debugfs(*words: str | Path) -> str:
    done = subprocess.run(("debugfs", *words), check=True, capture_output=True, text=True)
    return done.stdout
