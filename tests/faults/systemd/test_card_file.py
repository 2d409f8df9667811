"""The image's units for the card's file, started for real, sandbox and all."""

from __future__ import annotations

import re

import pytest

from tests.faults.systemd.machine import CALL_CONTROL, ROOT, Machine
from tests.faults.systemd.scenes import COME_S

pytestmark = pytest.mark.system
UNITS = ROOT / "image" / "overlay" / "etc" / "systemd" / "system"
SITE, RESULT = "centralino-site.service", "centralino-result.service"
CARD = "/boot/firmware"
ONCE = "[Service]\nExecStart=\nExecStart=/usr/bin/centralino box card tell --wait 30\n"
"""It would look again after a minute."""


def bring_units(machine: Machine) -> None:
    """Install them as the image has them, with the folder that its tmpfiles make."""
    for name in (SITE, RESULT):
        place = machine.bring(UNITS / name)
        machine.inside("cp", place, "/run/systemd/system/")
        for own in sorted((UNITS / f"{name}.d").glob("*.conf")):
            # On the image /etc goes before the package's /usr; here the package lies in /etc.
            folder = f"/run/systemd/system.control/{name}.d"
            machine.inside("mkdir", "-p", folder)
            machine.inside("cp", machine.bring(own), folder)
    machine.inside("mkdir", "-p", "/run/centralino-notices")
    machine.lower(RESULT, ONCE)


def put(machine: Machine, text: str) -> None:
    """Write the card's file on another machine; here it is read-only."""
    file = machine.folder / "brought" / "centralino.toml"
    file.write_text(text, encoding="utf-8")
    machine.inside("mount", "-o", "remount,rw", CARD)
    machine.inside("cp", "/opt/brought/centralino.toml", CARD)
    machine.inside("mount", "-o", "remount,ro", CARD)


def has_ended(machine: Machine, unit: str) -> bool:
    """Tell whether a unit has run and is over."""
    return machine.shown(unit, "ActiveState") in {"inactive", "failed"}


def is_anew(machine: Machine, former: str) -> bool:
    """Tell whether call control is another process than before."""
    return machine.shown(CALL_CONTROL, "MainPID") not in {former, "0"}


def trouble(machine: Machine) -> str:
    """Return what call control says of the card's file."""
    return "".join(
        one["en"] for one in machine.status()["troubles"] if "centralino.toml" in one["en"]
    )


def run(machine: Machine, unit: str) -> str:
    """Start a unit and wait until it has ended well; returns what it said."""
    machine.inside("systemctl", "start", unit)
    machine.wait_until(
        lambda: machine.shown(unit, "ActiveState") in {"inactive", "failed"},
        COME_S,
        f"{unit} goes on",
    )
    assert machine.shown(unit, "Result") == "success", machine.log()
    return machine.inside("journalctl", "-o", "cat", "-u", unit)


def test_the_cards_file_comes_into_force_and_is_answered(machine: Machine) -> None:
    """Read by root in its sandbox, it is in force with the office's name and the host's; call
    control that runs takes it over; the answer is written on a card that is read-only before and
    after.
    """
    bring_units(machine)
    office = machine.delivered().replace('name = "Test"', 'name = "Dalla scheda"')
    put(machine, f'{office}\n[network]\nhostname = "urp"\naddress = "192.168.7.10/24"\n')
    first = machine.shown(CALL_CONTROL, "MainPID")
    assert "il file della scheda: in vigore" in run(machine, SITE)
    assert machine.inside("hostname") == "urp"
    assert "192.168.7.10/24" in machine.inside("cat", "/run/systemd/network/10-lan.network")
    assert machine.inside("cat", "/data/etc/hostname") == "urp"
    machine.wait_until(
        lambda: machine.shown(CALL_CONTROL, "MainPID") not in {first, "0"},
        COME_S,
        "no desk",
    )
    machine.wait_until(machine.is_idle, COME_S, "the lines are not idle")
    assert "Dalla scheda" in machine.inside("centralino", "check")
    assert trouble(machine) == ""

    run(machine, RESULT)
    told = machine.inside("cat", f"{CARD}/centralino-result.txt")
    assert "Tutto bene" in told
    assert re.search(r"https://\d+\.\d+\.\d+\.\d+/", told)
    assert f"https://{machine.address}" not in told, "nobody else reaches 127.x.x.x"
    code = re.search(r"Codice per il primo utente della console: [A-Z2-9-]{14}", told)
    is_new = (machine.state / "first-user-code.txt").exists()  # another test may have made a user
    assert (code is not None) == is_new
    assert machine.inside("touch", f"{CARD}/x", check=False)
    assert f"tmpfs {CARD} tmpfs ro" in machine.inside("cat", "/proc/mounts")


def test_changed_settings_are_written_on_the_card(machine: Machine) -> None:
    """In the sandbox, on a card that is read-only before and after; the next start finds nothing
    new.
    """
    bring_units(machine)
    good = machine.delivered()
    put(machine, good)
    run(machine, SITE)
    own = "/etc/centralino/centralino.toml"
    machine.inside("sed", "-i", 's/^name = "Test"/name = "Cambiato"/', own)
    run(machine, RESULT)
    written = machine.inside("cat", f"{CARD}/centralino.toml")
    assert written == good.replace('name = "Test"', 'name = "Cambiato"').strip(), machine.log()
    assert f"tmpfs {CARD} tmpfs ro" in machine.inside("cat", "/proc/mounts")
    assert "il file della scheda: come prima" in run(machine, SITE)
    assert 'name = "Cambiato"' in machine.inside("cat", own)
    put(machine, good)
    run(machine, SITE)


def test_a_wrong_file_lights_the_fault(machine: Machine) -> None:
    """Call control that runs shows it within seconds, and no more once the file is right."""
    bring_units(machine)
    good = machine.delivered()
    put(machine, good)
    first = machine.shown(CALL_CONTROL, "MainPID")
    if "in vigore" in run(machine, SITE).rpartition("il file della scheda:")[2]:  # not as before
        machine.wait_until(lambda: is_anew(machine, first), COME_S, "no desk")
    machine.wait_until(machine.is_idle, COME_S, "the lines are not idle")
    put(machine, "[site]\nname = “Nuovo”\n")
    before = machine.inside("cat", "/etc/centralino/centralino.toml")
    assert "il file della scheda: sbagliato, non usato" in run(machine, SITE)
    machine.wait_until(lambda: "line 2" in trouble(machine), 20.0, "no trouble")
    assert machine.inside("cat", "/etc/centralino/centralino.toml") == before
    run(machine, RESULT)
    assert "riga 2" in machine.inside("cat", f"{CARD}/centralino-result.txt")
    put(machine, good)
    run(machine, SITE)
    machine.wait_until(lambda: not trouble(machine), 20.0, "the trouble stays")
