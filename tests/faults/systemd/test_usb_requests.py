"""Resets of wedged modems as call control asks for them: path unit, root's helper, answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import usb
from appliance.usb import UsbStep
from tests.faults.systemd.machine import Machine

pytestmark = pytest.mark.system
PATH, HELPER = "centralino-request@usb.path", "centralino-helper@usb.service"
FOLDER = usb.requests_folder(Path("/run/centralino"))
ASK = f"mkdir -p {FOLDER} && echo {{step}} > {FOLDER}/.new && mv {FOLDER}/.new '{FOLDER}/{{name}}'"


def ask(machine: Machine, name: str, step: str) -> None:
    """Put a request as call control does."""
    machine.inside(
        "runuser", "-u", "centralino", "--", "sh", "-c", ASK.format(name=name, step=step)
    )


def listed(machine: Machine, folder: str) -> list[str]:
    """List the names in a folder of the machine."""
    return machine.inside("sh", "-c", f"ls {folder} 2>/dev/null; true").split()


def test_one_path_unit_serves_every_line(machine: Machine) -> None:
    """Whatever the lines' names are, each request is taken and answered within seconds, again and
    again; one that names no line of the office's ends nothing.
    """
    assert machine.shown(PATH, "ActiveState") == "active", "call control did not bring it along"
    for name, step in (
        ("no-line", UsbStep.RESET_USB),
        ("line1", UsbStep.RESET_USB),
        ("line1", UsbStep.POWER_CYCLE),
    ):
        ask(machine, name, step)
        machine.wait_until(lambda: not listed(machine, str(FOLDER)), 20.0, "a request lies there")
        machine.wait_until(
            lambda: machine.shown(HELPER, "ActiveState") in {"inactive", "failed"}, 20.0, "no end"
        )
        assert machine.shown(PATH, "ActiveState") == "active"
    # the line of this machine is a pseudo terminal: the helper says that it is no USB modem
    told = machine.inside("cat", "/run/centralino-usb/line1")
    assert "reset_usb" in told
    assert "power_cycle" in told
    assert "no USB modem" in told
    assert listed(machine, "/run/centralino-usb") == ["line1"]
