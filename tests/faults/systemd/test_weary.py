"""F23: what no start mends. A wrong configuration is none of it; a service that always dies is."""

from __future__ import annotations

import signal

import pytest

from tests.faults.systemd.machine import CALL_CONTROL, CONSOLE, GATEWAY, ROOT, Machine
from tests.faults.systemd.scenes import assert_a_call_works
from tests.helpers.baresip import Baresip
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
IMAGE = ROOT / "image" / "overlay" / "etc" / "systemd" / "system"
BOOTS = ROOT / "image" / "overlay" / "usr" / "lib" / "centralino-image" / "boots"
REBOOT = signal.SIGRTMIN + 5
"""As `systemctl reboot` has it (systemd(1), "Signals")."""
ANEW = -signal.SIGHUP
"""By what a first process in a namespace of its own asks for a new start: reboot(2)."""


def test_a_wrong_configuration_ends_no_service(machine: Machine, phone: Baresip) -> None:
    """Call control starts on the last good one and says what is wrong; calls are answered."""
    path = machine.folder / "etc" / "centralino.toml"
    good = path.read_text(encoding="utf-8")
    path.write_text("[site\n", encoding="utf-8")
    try:
        machine.inside("systemctl", "restart", CALL_CONTROL)
        assert machine.shown(CALL_CONTROL, "ActiveState") == "active"
        assert machine.shown(CALL_CONTROL, "NRestarts") == "0"
        assert "centralino.toml" in machine.shown(CALL_CONTROL, "StatusText")
        machine.wait_until(machine.has_phone, 40.0, "the phone is not registered")
        assert_a_call_works(machine, phone)
    finally:
        path.write_text(good, encoding="utf-8")


def test_a_service_that_always_dies_has_the_machine_start_anew(
    machine: Machine, figures: Figures
) -> None:
    """Beyond the image's limit of starts the machine itself is started anew, and the journal says
    why; without the image there is no limit.

    It is lowered for it: thirty starts in a quarter of an hour are some time.
    """
    for unit in (GATEWAY, CONSOLE, CALL_CONTROL):
        assert machine.shown(unit, "StartLimitIntervalUSec") == "0"
    image = (IMAGE / f"{CALL_CONTROL}.d" / "image.conf").read_text(encoding="utf-8")
    machine.lower(CALL_CONTROL, f"{image}StartLimitBurst=2\n")
    assert machine.shown(CALL_CONTROL, "StartLimitAction") == "reboot"
    begin_list_of_boots(machine)
    status = machine.die_until_it_ends(CALL_CONTROL)
    assert status == ANEW
    assert why_it_ended(machine) == "service"
    assert "Start request repeated too quickly" in machine.journal("-u", CALL_CONTROL)
    figures.say("F23 a service beyond its limit of starts: the machine was started anew")


def test_a_new_start_that_somebody_asks_for_is_no_services(machine: Machine) -> None:
    """What is stopped in good order has not been given up."""
    begin_list_of_boots(machine)
    assert machine.end_by(REBOOT) == ANEW
    assert why_it_ended(machine) == "asked"


def begin_list_of_boots(machine: Machine) -> None:
    """Have the image's helper note this boot, and why it ends, as its unit does."""
    helper = machine.bring(BOOTS)
    machine.inside(
        "systemd-run", "--unit=list-of-boots", "--service-type=oneshot",
        "--property=RemainAfterExit=yes", f"--property=Before={CALL_CONTROL} {GATEWAY}",
        "--setenv=CENTRALINO_DATA=/var/lib/listed", "--setenv=CENTRALINO_RUN=/run",
        f"--property=ExecStop=/bin/sh {helper} end", "/bin/sh", helper, "begin",
    )  # fmt: skip


def why_it_ended(machine: Machine) -> str:
    """Return what the next boot would read."""
    return (machine.folder / "lib" / "listed" / "boots" / "ended").read_text().strip()
