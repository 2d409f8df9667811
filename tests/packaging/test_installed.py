"""The package on a Debian 13 machine under systemd: installed, called, upgraded, removed, purged.

The telephone exchange that comes with it plays the analog line, inside the same machine.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging import roots
from tests.packaging.machine import Machine, wait

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(roots.missing() != "", reason=f"needs {roots.missing()}"),
]

CONFIG = "/etc/centralino/centralino.toml"
SITE = "/usr/lib/centralino/lib/python3.13/site-packages"
SERVICES = ("centralino-carrier.service", "centralino-console.service", "centralino.service")
ENABLED = (*SERVICES, "centralino-link.socket")
OFFICE = """
[site]
name = "Comune di Prova"
patron = "10-04"
languages = ["it"]
[hours]
monday = ["08:30-13:00"]
[[lines]]
name = "line1"
port = "/run/exchange/line1"
dialect = "conexant"
[sip]
address = "127.0.0.1"
[[phones]]
name = "op1"
[switchboard]
phones = ["op1"]
[voicemail]
privacy = "off"
"""
EXCHANGE = (
    *("systemd-run", "--quiet", "--unit=exchange", "--property=User=centralino"),
    *("--property=RuntimeDirectory=exchange", "--property=RuntimeDirectoryMode=0755"),
    *("centralino", "exchange", "--lines", "1", "--directory", "/run/exchange"),
)
CALL = (
    *("centralino", "call", "--exchange", "/run/exchange", "--from", "0514001122", "--json"),
    *("--say", f"{SITE}/appliance/prompts/it/please_wait.wav", "--repeat-say"),
    *("--hang-up-after", "16"),
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package for this machine."""
    return roots.built(tmp_path_factory.mktemp("deb"), roots.own_machine())


@pytest.fixture(scope="module")
def machine(package: Path) -> Iterator[Machine]:
    """Return a running machine on which the package was installed with apt."""
    with Machine(roots.root(roots.dependencies())) as made:
        made.run("apt-get", "install", "--yes", made.bring(package))
        yield made


def state(machine: Machine, unit: str, what: str) -> str:
    """Ask systemd for one property of a unit."""
    return machine.run("systemctl", "show", "--value", "-p", what, unit).strip()


def is_ready(machine: Machine) -> bool:
    """Say whether the desk answers and its line is in service."""
    told = machine.try_("centralino", "status", "--json").stdout
    return bool(told) and [line["state"] for line in json.loads(told)["lines"]] == ["idle"]


def messages(machine: Machine) -> list[dict[str, object]]:
    """Return the voicemail."""
    found: list[dict[str, object]] = json.loads(machine.run("centralino", "messages", "--json"))
    return found


@pytest.fixture(scope="module")
def called(machine: Machine) -> Machine:
    """Return the machine after a caller has left a message with the office of this test."""
    machine.run(*EXCHANGE)
    machine.write(CONFIG, OFFICE)
    machine.run("centralino", "check")
    machine.run("systemctl", "restart", "centralino.service")
    wait("the line is in service", lambda: is_ready(machine))
    machine.run("centralino", "closed", "on", "--by", "the test")
    report = json.loads(machine.run(*CALL))
    assert report["answered"], report
    wait("the message", lambda: messages(machine))
    return machine


def test_installing_starts_every_service(machine: Machine) -> None:
    """After apt has ended all units are enabled and run, and nothing has failed."""
    for unit in ENABLED:
        assert machine.says("systemctl", "is-enabled", unit) == "enabled", unit
        assert machine.says("systemctl", "is-active", unit) == "active", unit
    assert machine.says("systemctl", "--failed", "--plain", "--no-legend") == ""


def test_who_owns_what(machine: Machine) -> None:
    """State is the service's alone; programme and configuration are root's, and not writable."""
    listed = machine.run(
        *(
            "stat",
            "-c",
            "%n %U:%G %a",
            "/var/lib/centralino",
            "/var/lib/centralino-console",
            CONFIG,
        ),
        *("/etc/centralino", "/usr/bin/centralino", SITE),
    )
    assert listed.splitlines() == [
        "/var/lib/centralino centralino:centralino 700",
        "/var/lib/centralino-console centralino:centralino 700",
        f"{CONFIG} root:root 644",
        "/etc/centralino root:root 755",
        "/usr/bin/centralino root:root 755",
        f"{SITE} root:root 755",
    ]
    strangers = (
        "find",
        "/usr/lib/centralino",
        "!",
        "-user",
        "root",
        "-o",
        "-perm",
        "/022",
        "!",
        "-type",
        "l",
    )
    assert machine.run(*strangers) == ""
    assert machine.run("id", "-nG", "centralino").split() == ["centralino"]


def test_udev_and_mdns_know_it(machine: Machine) -> None:
    """Rules for the modems and the console's sign on the LAN are where their daemons look."""
    machine.run("udevadm", "verify", "/usr/lib/udev/rules.d/60-centralino.rules")
    assert "_https._tcp" in machine.run("cat", "/etc/avahi/services/centralino.service")


def test_programme_is_compiled_and_its_own(machine: Machine) -> None:
    """Services need not compile at every start, and an administrator's library is not taken."""
    machine.run("test", "-d", f"{SITE}/appliance/daemon/__pycache__")
    mine = ("argon2", "gpiozero", "holidays", "phonenumbers", "pyVoIP", "py_nanotts")
    say = f"import {', '.join(mine)}; print(*(m.__file__ for m in ({', '.join(mine)})))"
    told = machine.run("/usr/lib/centralino/bin/python3", "-I", "-c", say).split()
    assert [place for place in told if not place.startswith(f"{SITE}/")] == []


def test_a_call_is_answered(called: Machine) -> None:
    """A caller after hours is answered, and what they said lies on the disk."""
    (message,) = messages(called)
    assert message["caller"] == "0514001122"
    length = message["length_ms"]
    assert isinstance(length, int)
    assert length > 2000
    assert called.run("stat", "-c", "%U %a", str(message["path"])).strip() == "centralino 600"


def next_version(package: Path, folder: Path) -> Path:
    """Pack the same package again as a later version, with another example of a configuration."""
    inside, later = folder / "inside", folder / "later.deb"
    subprocess.run(("dpkg-deb", "-R", str(package), str(inside)), check=True)
    control = inside / "DEBIAN" / "control"
    text = re.sub(r"^Version: (.*)$", r"Version: \1+later", control.read_text(), flags=re.MULTILINE)
    control.write_text(text)
    example = inside / "usr/share/centralino/centralino.toml"
    example.write_text("# another one\n" + example.read_text())
    subprocess.run(("dpkg-deb", "--root-owner-group", "-Znone", "-b", inside, later), check=True)
    return later


def test_upgrade_removal_and_purge(called: Machine, package: Path, tmp_path: Path) -> None:
    """An upgrade keeps all and asks nothing; removing keeps all but the programme; purging keeps
    what callers said. The last one of this file: it leaves nothing installed.
    """
    before = messages(called)
    started = {unit: state(called, unit, "MainPID") for unit in SERVICES}
    called.run("apt-get", "install", "--yes", called.bring(next_version(package, tmp_path)))
    assert called.run("cat", CONFIG) == OFFICE
    wait("the line is in service", lambda: is_ready(called))
    assert messages(called) == before
    for unit in SERVICES:
        assert state(called, unit, "MainPID") not in {started[unit], "0"}, unit

    called.run("apt-get", "remove", "--yes", "centralino")
    assert called.run("cat", CONFIG) == OFFICE
    assert called.says("systemctl", "is-active", "centralino.service") == "inactive"
    assert called.says("find", "/usr/lib/centralino", "/usr/bin/centralino") == ""

    told = called.run("apt-get", "purge", "--yes", "centralino")
    assert "/var/lib/centralino" in told
    assert called.try_("test", "-e", "/etc/centralino").returncode == 1
    assert called.try_("test", "-e", "/var/lib/centralino-console").returncode == 1
    called.run("test", "-s", str(before[0]["path"]))
    assert called.says("find", "/etc/systemd", "-name", "*centralino*") == ""
