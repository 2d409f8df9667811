"""The image's helpers of updates in their sandboxes, by call control's request and at a start.

RAUC is a script here that says what it was asked for; its own work is shown in tests/image.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest

from appliance.service.updates import KEPT, REQUEST, UPLOADED
from tests.faults.systemd.machine import ROOT, Machine, waiting
from tests.faults.systemd.scenes import COME_S

pytestmark = pytest.mark.system
UNITS: Final = ROOT / "image/overlay/etc/systemd/system"
ASKED, GOOD = "centralino-helper@update", "centralino-helper@good"
OF_AN_IMAGE: Final = """[Service]
BindReadOnlyPaths=/opt/brought/cmdline:/proc/cmdline
Environment=PATH=/opt/brought:/usr/sbin:/usr/bin
"""
RAUC: Final = """#!/bin/sh
echo "$*" >> /var/lib/centralino-update/asked-of-rauc
case "$1 $2" in
info*) echo '{"version": "9.9.9", "compatible": "box"}' ;;
install*) echo ' 50% Copying' ;;
"status --detailed") echo '{"compatible": "box", "slots": [
 {"rootfs.0": {"state": "booted", "bootname": "A", "boot_status": "good"}},
 {"rootfs.1": {"state": "inactive", "bootname": "B", "boot_status": "bad"}}]}' ;;
esac
"""


@pytest.fixture
def updating(machine: Machine) -> Iterator[Machine]:
    """The machine, as if it were made from the image."""
    brought = machine.folder / "brought"
    (brought / "cmdline").write_text("rauc.slot=A\n")
    (brought / "rauc").write_text(RAUC)
    (brought / "rauc").chmod(0o755)
    names = (f"{ASKED}.service", f"{GOOD}.service")
    for name in names:
        machine.lower(name, OF_AN_IMAGE)
    rights = machine.bring(UNITS / f"{GOOD}.service.d" / "rights.conf")
    machine.inside("cp", rights, f"/run/systemd/system/{GOOD}.service.d/")
    machine.inside("systemctl", "daemon-reload")
    yield machine
    machine.inside("systemctl", "stop", waiting(ASKED), *names, check=False)


def kept(machine: Machine) -> dict[str, Any]:
    """Read what the helper keeps, {} before it has."""
    path = machine.folder / "lib" / "centralino-update" / KEPT
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return told


def asked_of_rauc(machine: Machine) -> list[str]:
    """List what RAUC was asked for."""
    path = machine.folder / "lib" / "centralino-update" / "asked-of-rauc"
    return path.read_text().splitlines() if path.exists() else []


def ask(machine: Machine, what: str) -> None:
    """Leave a request as call control does."""
    told = json.dumps({"by": "beppe", "what": what})
    machine.inside("sh", "-c", f"printf %s '{told}' > /run/centralino/{REQUEST}")


def test_an_uploaded_update_is_written_and_given_up(updating: Machine) -> None:
    """It is taken out of the console's folder, which is another account's, and call control's
    request out of call control's; what became of it can be read by all.
    """
    machine = updating
    uploaded = machine.folder / "lib" / "centralino-console" / UPLOADED
    uploaded.parent.mkdir(mode=0o700, exist_ok=True)
    uploaded.write_bytes(b"hsqs")
    owner = machine.state.stat()
    for path in (uploaded, uploaded.parent):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    machine.inside("systemctl", "start", waiting(ASKED))
    ask(machine, "upload")
    machine.wait_until(
        lambda: kept(machine).get("state") == "installed", COME_S, "nothing was installed"
    )
    assert not uploaded.exists()
    assert kept(machine)["worked"] == ["line1"]
    assert any(line.startswith("install /var/lib/") for line in asked_of_rauc(machine))
    told = machine.folder / "lib" / "centralino-update" / KEPT
    assert told.stat().st_mode & 0o777 == 0o644
    machine.wait_until(
        lambda: machine.shown(f"{ASKED}.service", "ActiveState") == "inactive", COME_S, "it stays"
    )
    ask(machine, "give-up")
    machine.wait_until(lambda: kept(machine)["state"] == "none", COME_S, "it was not given up")
    assert "status mark-bad other" in asked_of_rauc(machine)


def test_a_start_marks_the_slot_good(updating: Machine) -> None:
    """As soon as call control answers; then it is over."""
    machine = updating
    machine.inside("systemctl", "start", f"{GOOD}.service")
    machine.wait_until(
        lambda: "status mark-good booted" in asked_of_rauc(machine), COME_S, "nobody marked it"
    )
    machine.wait_until(
        lambda: machine.shown(f"{GOOD}.service", "ActiveState") == "inactive", COME_S, "it stays"
    )
    assert machine.shown(f"{GOOD}.service", "Result") == "success", machine.log()
