"""The units as delivered pass systemd's own checks, and a mistake in one is seen."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.commands.helper import HELPERS
from tests.faults.systemd.machine import CALL_CONTROL, ROOT

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="needs Debian package systemd"
    ),
]
TEMPLATE = "centralino-helper@.service"
MISTAKES = {
    "a directive that there is not": (
        "PrivateUsers=true", "PrivateUser=true", "Unknown key 'PrivateUser'",
    ),
    "a sandbox with a hole": (
        "SystemCallFilter=@system-service\n", "", f"{CALL_CONTROL}: more exposed than 15 tenths",
    ),
    "a programme that is not there": (
        "/usr/bin/centralino", "/usr/bin/nothing", "/usr/bin/nothing is not executable",
    ),
}  # fmt: skip
"""What stands in the unit, what is put there instead, what the check then says."""


def verified(root: Path) -> tuple[int, str]:
    """Run the check on the units of a copy; returns its status and what it said."""
    command = ["sh", str(root / "scripts" / "verify_units.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def copied(root: Path) -> Path:
    """Copy what the check needs; returns call control's unit there."""
    for folder in ("image/overlay", "scripts", "systemd"):
        shutil.copytree(ROOT / folder, root / folder, symlinks=True)
    return root / "systemd" / CALL_CONTROL


def test_the_units_are_well(tmp_path: Path) -> None:
    """No word on stderr, and an exposure of 1.5 at most, each; helpers that mount a disk may have
    more where their unit says why.
    """
    copied(tmp_path)
    status, said = verified(tmp_path)
    assert status == 0, said
    services = {path.name for path in (ROOT / "systemd").glob("*.service")} - {TEMPLATE}
    helpers = {TEMPLATE.replace("@", f"@{name}") for name in HELPERS if name != "settings"}
    more = {TEMPLATE.replace("@", "@backup-stick")}  # it mounts what is put in
    found = set(re.findall(r"(?m)^(\S+): exposure (?:0\.\d|1\.[0-5])$", said))
    assert found >= (services | helpers) - more
    assert not more & found
    assert not any("\n# exposure " in (ROOT / f"systemd/{name}").read_text() for name in services)


def test_a_helper_with_a_hole_of_its_own_is_seen(tmp_path: Path) -> None:
    """Each instance of the template is measured, with the rights that are its own."""
    copied(tmp_path)
    rights = tmp_path / "systemd/centralino-helper@clock.service.d/rights.conf"
    rights.write_text(f"{rights.read_text()}PrivateNetwork=no\nPrivateDevices=no\n")
    status, said = verified(tmp_path)
    assert status != 0
    assert "centralino-helper@clock.service: more exposed than 15 tenths" in said


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(tmp_path: Path, mistake: str) -> None:
    """The check can fail: by a typing error, an open sandbox, a programme that is not there."""
    stands, instead, says = MISTAKES[mistake]
    unit = copied(tmp_path)
    text = unit.read_text(encoding="utf-8")
    assert stands in text
    unit.write_text(text.replace(stands, instead), encoding="utf-8")
    status, said = verified(tmp_path)
    assert status != 0
    assert says in said
