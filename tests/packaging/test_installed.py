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

from appliance.paper.document import Document, DocumentPart, to_json
from tests.packaging import roots
from tests.packaging.machine import Machine, wait

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.skipif(roots.missing() != "", reason=f"needs {roots.missing()}"),
]

CONFIG = "/etc/centralino/centralino.toml"
SITE = "/usr/lib/centralino/lib/python3.13/site-packages"
SERVICES = ("centralino-media.service", "centralino-console.service", "centralino.service")
ACCOUNTS = ("centralino-media", "centralino-console", "centralino")
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
[console]
certificate = "/etc/office.crt"
key = "/etc/office.key"
"""
CERTIFIED = """
import datetime, pathlib
from appliance.console import certificates
folder, now = pathlib.Path("/etc"), datetime.datetime.now(datetime.UTC)
made = certificates.make_authority("Comune di Prova", (), now)
certificates.save_certificate(made, folder / "office.crt", folder / "office.key")
"""
"""Makes the office's own certificate."""
PAGE = """
import ssl, urllib.request
context = ssl._create_unverified_context()
print(urllib.request.urlopen("https://localhost/login", context=context, timeout=5).status)
"""
"""Opens the console's first page."""
PYTHON = "/usr/lib/centralino/bin/python3"
EXCHANGE = (
    # its lines belong to whom the modems belong to on a box: to the media gateway
    *("systemd-run", "--quiet", "--unit=exchange", "--property=User=centralino-media"),
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
    """Say whether call control answers and its line is in service."""
    told = machine.try_("centralino", "status", "--json").stdout
    return bool(told) and [line["state"] for line in json.loads(told)["lines"]] == ["idle"]


def as_console(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the console's account and group, outside its sandbox."""
    whose = ("--reuid=centralino-console", "--regid=centralino", "--clear-groups")
    return machine.try_("setpriv", *whose, *words)


def messages(machine: Machine) -> list[dict[str, object]]:
    """Return the voicemail."""
    found: list[dict[str, object]] = json.loads(machine.run("centralino", "messages", "--json"))
    return found


@pytest.fixture(scope="module")
def called(machine: Machine) -> Machine:
    """Return the machine after a caller has left a message with the office of this test."""
    machine.run(*EXCHANGE)
    machine.write(CONFIG, OFFICE)
    machine.run(PYTHON, "-I", "-c", CERTIFIED)
    machine.run("chgrp", "centralino", "/etc/office.key", "/etc/office.crt")
    machine.run("centralino", "check")
    machine.run("centralino", "phones", "add", "op1")
    machine.run("systemctl", "restart", "centralino.service", "centralino-console.service")
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
    """Each service has an account of its own; state is call control's, of which the console enters
    what it is shown; programme and configuration are root's, and not writable.
    """
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
        "/var/lib/centralino centralino:centralino 750",
        "/var/lib/centralino-console centralino-console:centralino 750",
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
    for unit, account in zip(SERVICES, ACCOUNTS, strict=True):
        assert machine.run("id", "-nG", account).split() == [account]
        pid = state(machine, unit, "MainPID")
        assert machine.says("stat", "-c", "%U", f"/proc/{pid}") == account


def test_udev_and_mdns_know_it(machine: Machine) -> None:
    """Rules for the modems and the console's sign on the LAN are where their daemons look."""
    machine.run("udevadm", "verify", "/usr/lib/udev/rules.d/60-centralino.rules")
    assert "_https._tcp" in machine.run("cat", "/etc/avahi/services/centralino.service")


def test_programme_is_compiled_and_its_own(machine: Machine) -> None:
    """Services need not compile at every start, and an administrator's library is not taken."""
    machine.run("test", "-d", f"{SITE}/appliance/config/__pycache__")
    mine = ("argon2", "gpiozero", "holidays", "phonenumbers", "pyVoIP", "py_nanotts", "smbclient")
    say = f"import {', '.join(mine)}; print(*(m.__file__ for m in ({', '.join(mine)})))"
    told = machine.run(PYTHON, "-I", "-c", say).split()
    assert [place for place in told if not place.startswith(f"{SITE}/")] == []


def test_a_call_is_answered(called: Machine) -> None:
    """A caller after hours is answered, and what they said lies on the disk."""
    (message,) = messages(called)
    assert message["caller"] == "0514001122"
    length = message["length_ms"]
    assert isinstance(length, int)
    assert length > 2000
    path = str(message["path"])
    assert called.run("stat", "-c", "%U %a", path).strip() == "centralino 640"
    assert as_console(called, "sha256sum", path).returncode == 0
    assert as_console(called, "find", "/var/lib/centralino/secrets").returncode != 0


def sandbox(unit: str) -> list[str]:
    """Return what a unit may do, as properties of another service."""
    service: list[str] = []
    for source in (unit, "hardening.conf"):
        text = (roots.ROOT / "systemd" / source).read_text(encoding="utf-8")
        service += text.partition("[Service]\n")[2].partition("[Install]")[0].splitlines()
    others = ("Exec", "Notify", "Restart", "State", "Timeout", "Type", "Watchdog", "OOM")
    wanted = (line for line in service if line and not line.startswith(("#", *others)))
    return [f"--property={line}" for line in wanted]


def test_a_pdf_is_laid_out_within_the_consoles_sandbox(machine: Machine) -> None:
    """Libraries, fonts and rights that it needs come with the package; so does the report's."""
    laid = f"{PYTHON} -I -m appliance.paper | head -c 5"
    part = DocumentPart("Utente", (("Nome", "Łukasz Żółć, محمد علي"),))
    letter = to_json(Document("it", "Comune", "Comune – 1", "richiesta", parts=(part,)))
    whole = ("systemd-run", "--quiet", "--wait", "--pipe", *sandbox("centralino-console.service"))
    made = machine.try_(*whole, "sh", "-c", laid, stdin=letter.decode())
    assert (made.stdout, made.returncode) == ("%PDF-", 0), made.stderr
    machine.run("centralino", "report", "--pdf", "/root/report.pdf")
    assert machine.run("head", "-c", "5", "/root/report.pdf") == "%PDF-"


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


AS_BEFORE = """
systemctl stop centralino-console.service
cd /var/lib/centralino
mv secrets/* . && rmdir secrets
chown centralino: /etc/office.key
chmod 600 /etc/office.key
find . ../centralino-console -type f -exec chmod 600 {} +
find . ../centralino-console -type d -exec chmod 700 {} +
chown -R centralino: . ../centralino-console
"""
"""Has state as the version had it in which one account ran all three services."""

WAITED = tuple(
    f"centralino-{helper}.path"
    for helper in ("backup-stick", "clock", "restore", "selftest", "settings", "usb")
)
"""Units of a former version, for each of which centralino-request@.path stands now."""
STARTED = "centralino-restore.service"
"""Likewise; now an instance of centralino-helper@.service, which the package itself links."""
NAMED = (
    "find", "/etc/systemd", "/var/lib/systemd",
    "(", "-name", "centralino-*.path", "-o", "-name", STARTED, ")", "-printf", "%f ",
)  # fmt: skip
"""Says which of them are enabled, or were by the package."""
WAITING = """
cd /usr/lib/systemd/system
for each in "$@"; do
    printf '[Path]\\nPathExists=/run/nothing\\n[Install]\\nWantedBy=multi-user.target\\n' > "$each"
done
for each in "$@"; do # what a path starts, and the service that is started itself
    printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' \
        > "${each%.*}.service"
done
systemctl daemon-reload
DPKG_MAINTSCRIPT_PACKAGE=centralino deb-systemd-helper enable "$@"
systemctl start "$@"
for each in "$@"; do rm -f "$each" "${each%.*}.service"; done
"""
"""Has them as that version's package left them; dpkg takes the files away."""


KEY_AFTER = "centralino:centralino 640"
"""The office's own key: the console has it by the group, who had it as its owner before."""


def waiting(unit: str) -> str:
    """Return the unit that waits in a former one's place."""
    return f"centralino-request@{unit.removeprefix('centralino-')}"


def assert_all_is_where_it_belongs(machine: Machine, sound: str) -> None:
    """After the upgrade: owners and rights, the phones' passwords, what the console is shown."""
    kept = "/var/lib/centralino/secrets/phone_secrets.json"
    assert machine.says("stat", "-c", "%U %a", kept) == "centralino 600"
    assert machine.says("stat", "-c", "%U %a", "/var/lib/centralino/secrets") == "centralino 700"
    assert "op1" in machine.run("cat", kept)
    own = "/var/lib/centralino-console"
    assert machine.says("find", own, "!", "-user", "centralino-console") == ""
    wait("the sounds", lambda: as_console(machine, "sha256sum", sound).returncode == 0)
    assert as_console(machine, "sha256sum", kept).returncode != 0
    assert machine.says("stat", "-c", "%U:%G %a", "/etc/office.key") == KEY_AFTER
    wait("the pages", lambda: machine.says(PYTHON, "-I", "-c", PAGE) == "200")


def test_upgrade_removal_and_purge(called: Machine, package: Path, tmp_path: Path) -> None:
    """An upgrade keeps all and asks nothing; removing keeps all but the programme; purging keeps
    what callers said. The last one of this file: it leaves nothing installed.
    """
    before = messages(called)
    called.run("sh", "-euc", AS_BEFORE)
    called.run("sh", "-euc", WAITING, "-", *WAITED, STARTED)
    assert "centralino-usb.path" in called.run(*NAMED)
    started = {unit: state(called, unit, "MainPID") for unit in SERVICES}
    called.run("apt-get", "install", "--yes", called.bring(next_version(package, tmp_path)))
    assert called.run("cat", CONFIG) == OFFICE
    wait("the line is in service", lambda: is_ready(called))
    assert messages(called) == before
    assert_all_is_where_it_belongs(called, str(before[0]["path"]))
    for unit in SERVICES:
        assert state(called, unit, "MainPID") not in {started[unit], "0"}, unit
    assert not {*WAITED, STARTED} & set(called.run(*NAMED).split())
    wanted = called.says("systemctl", "show", "--value", "-p", "Wants", "multi-user.target")
    assert "centralino-helper@restore.service" in wanted.split()
    for unit in WAITED:
        assert called.says("systemctl", "is-active", unit) == "inactive"
        assert state(called, waiting(unit), "ActiveState") == "active"

    called.run("apt-get", "remove", "--yes", "centralino")
    assert called.run("cat", CONFIG) == OFFICE
    assert called.says("systemctl", "is-active", "centralino.service") == "inactive"
    assert called.says("find", "/usr/lib/centralino", "/usr/bin/centralino") == ""
    for unit in WAITED:
        assert called.says("systemctl", "is-active", waiting(unit)) == "inactive"

    told = called.run("apt-get", "purge", "--yes", "centralino")
    assert "/var/lib/centralino" in told
    assert called.try_("test", "-e", "/etc/centralino").returncode == 1
    assert called.try_("test", "-e", "/var/lib/centralino-console").returncode == 1
    called.run("test", "-s", str(before[0]["path"]))
    assert called.says("find", "/etc/systemd", "-name", "*centralino*") == ""
