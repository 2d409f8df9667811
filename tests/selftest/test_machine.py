"""What is measured of the machine: each fault that was planted is named, with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.selftest import machine as machines
from appliance.selftest.findings import Finding, Outcome
from appliance.selftest.machine import Load, Machine
from tests.helpers import mounts
from tests.helpers.ports import free_port
from tests.selftest.small import Site

OK, WRONG, NOT_MEASURED = Outcome.OK, Outcome.WRONG, Outcome.NOT_MEASURED


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that tells nothing yet."""
    for name in ("proc/net", "sys/class/thermal/thermal_zone0", "sys/class/hwmon/hwmon0", "app"):
        (tmp_path / "machine" / name).mkdir(parents=True)
    root = tmp_path / "machine"
    return Machine(root / "proc", root / "sys", time.time, root / "app")


def told(found: Finding) -> tuple[str, Outcome]:
    """Return what a finding is about, and its outcome."""
    return found.code, found.outcome


# --- the disk -----------------------------------------------------------------------------------


def test_a_good_disk(tmp_path: Path) -> None:
    """Room, a file on the disk and back, and rights; nothing is left behind."""
    found = list(machines.disk_findings(tmp_path))
    assert [told(f) for f in found] == [("room", OK), ("disk", OK), ("rights", OK)]
    assert list(tmp_path.iterdir()) == []


def on_a_disk_of_its_own(tmp_path: Path, job: Callable[[Path], None]) -> None:
    """Do something on a small disk that nobody else sees."""
    place = tmp_path / "disk"
    place.mkdir()

    def mounted() -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "test", str(place)], check=True)
        job(place)

    mounts.within(mounted)


def test_a_full_disk(tmp_path: Path) -> None:
    """Nothing fits any more: that is the fault, not the file that could not be written."""

    def full(place: Path) -> None:
        room = os.statvfs(place)
        with (place / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
        found = {f.code: f for f in machines.disk_findings(place)}
        assert found["room"].outcome is WRONG
        assert f"the disk of {place} is full" in str(found["room"].said)
        assert "disk" not in found

    on_a_disk_of_its_own(tmp_path, full)


def test_a_read_only_disk(tmp_path: Path) -> None:
    """As the kernel leaves it after an error of the card."""

    def read_only(place: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        found = {f.code: f for f in machines.disk_findings(place)}
        assert (found["room"].outcome, found["disk"].outcome) == (OK, WRONG)
        assert "read-only" in str(found["disk"].said)

    on_a_disk_of_its_own(tmp_path, read_only)


def test_a_small_card_is_good_enough(tmp_path: Path) -> None:
    """48 MB that are empty hold a self-test and many messages."""

    def small(place: Path) -> None:
        assert {f.outcome for f in machines.disk_findings(place)} == {OK}

    on_a_disk_of_its_own(tmp_path, small)


RIGHTS = """
import os, sys
from pathlib import Path
from appliance.selftest import machine
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for found in machine.disk_findings(Path(sys.argv[1])):
    print(found.code, found.outcome.value, found.said)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root may use every file: only root can become less")
@pytest.mark.parametrize("what", ["folder", "file in it", "folder in it"])
def test_files_of_another_account(what: str) -> None:
    """A folder or file that came back from a backup as root's is named, with the command."""
    # A folder of pytest's own is closed to others from its top on.
    place = Path(f"/tmp/selftest-rights-{os.getpid()}-{what.replace(' ', '-')}")
    place.mkdir(mode=0o700)
    try:
        inner = {"folder": place, "file in it": place / "key", "folder in it": place / "voicemail"}
        if what == "file in it":
            inner[what].touch(0o600)
        elif what == "folder in it":
            inner[what].mkdir(0o700)
        if what != "folder":
            os.chown(place, 65534, 65534)
        done = subprocess.run(
            [sys.executable, "-c", RIGHTS, str(place)], capture_output=True, text=True, check=True
        )
        assert f"rights wrong the account nobody may not use {inner[what]}:" in done.stdout
        assert f"sudo chown -R nobody: {inner[what]}" in done.stdout
    finally:
        shutil.rmtree(place)


def test_no_folder(tmp_path: Path) -> None:
    """A state folder that was never made."""
    found = list(machines.disk_findings(tmp_path / "none"))
    assert {told(f) for f in found} == {("rights", WRONG)}
    assert "install the package again" in str(found[0].said)


# --- memory, processor, board -------------------------------------------------------------------


def process(machine: Machine, number: int, name: str, ticks: int, kb: int = 0) -> None:
    """Let a process run on the machine."""
    folder = machine.proc / str(number)
    folder.mkdir(exist_ok=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "status").write_text(f"Name:\t{name}\nVmRSS:\t{kb} kB\n")
    (folder / "stat").write_text(f"{number} ({name}) S " + "0 " * 10 + f"{ticks} 0 0 0\n")


def test_no_memory(machine: Machine) -> None:
    """It names who has it."""
    (machine.proc / "meminfo").write_text("MemTotal: 948000 kB\nMemAvailable: 40000 kB\n")
    process(machine, 7, "chromium", 0, 700_000)
    process(machine, 8, "chromium", 0, 100_000)
    process(machine, 9, "systemd", 0, 9_000)
    found = machines.memory(machine)
    assert told(found) == ("memory", WRONG)
    assert "only 40 MB of memory are free, chromium uses 818 MB" in str(found.said)
    (machine.proc / "meminfo").write_text("MemTotal: 948000 kB\nMemAvailable: 400000 kB\n")
    assert told(machines.memory(machine)) == ("memory", OK)


def test_a_small_board_does_one_thing_after_the_other(machine: Machine) -> None:
    """Parts and own box together would take what the service needs, or end one another."""
    assert not machines.has_room_for_both(machine)
    (machine.proc / "meminfo").write_text("MemAvailable: 200000 kB\n")
    assert not machines.has_room_for_both(machine)
    (machine.proc / "meminfo").write_text("MemAvailable: 400000 kB\n")
    assert machines.has_room_for_both(machine)


def test_calls_that_the_office_would_feel_are_left_out(machine: Machine) -> None:
    """A board of 512 MB has no room for a second box: it says so, with both figures."""
    assert machines.no_room_for_calls(machine) is None, "what is not told hinders nothing"
    (machine.proc / "meminfo").write_text("MemAvailable: 150000 kB\n")
    said = str(machines.no_room_for_calls(machine))
    assert "two calls need 224 MB of memory, 153 MB are free: they were left out" in said
    (machine.proc / "meminfo").write_text("MemAvailable: 230000 kB\n")
    assert machines.no_room_for_calls(machine) is None


def test_memory_that_nobody_tells(machine: Machine) -> None:
    """Without /proc nothing is green."""
    assert told(machines.memory(machine)) == ("memory", NOT_MEASURED)
    assert machines.load(machine) is None
    assert told(machines.processor(None, None, frozenset(), late=True)) == (
        "processor", NOT_MEASURED,
    )  # fmt: skip


def loads(machine: Machine, idle: int, ticks: int) -> tuple[Load, Load]:
    """Let a second pass, of which the processors idle so much, and a process uses so much."""
    found = []
    for more in (0, 1):
        (machine.proc / "stat").write_text(f"cpu {100 * more} 0 0 {idle * more} 0 0 0 0 0 0\n")
        process(machine, 40, "miner (x)", ticks * more)
        process(machine, 41, "python3", 3 * more)
        one = machines.load(machine)
        assert one is not None
        found.append(one)
    return found[0], found[1]


def test_a_busy_processor_is_a_fault_where_calls_suffer(machine: Machine) -> None:
    """It names who keeps it busy; where the calls were good all the same it is none."""
    before, after = loads(machine, 1, 95)
    found = machines.processor(before, after, frozenset({41}), late=True)
    assert told(found) == ("processor", WRONG)
    assert "99 % used, 94 % by miner (x), process 40" in str(found.said)
    assert told(machines.processor(before, after, frozenset(), late=False)) == ("processor", OK)


def test_late_calls_on_an_idle_processor_have_another_cause(machine: Machine) -> None:
    """The processor is not blamed for what it did not do."""
    before, after = loads(machine, 400, 20)
    found = machines.processor(before, after, frozenset(), late=True)
    assert (told(found), str(found.said)) == (("processor", OK), "20 % used meanwhile")


def test_a_hot_board(machine: Machine) -> None:
    """The hottest of its zones counts; a board without one tells nothing."""
    assert told(machines.heat(machine)) == ("heat", NOT_MEASURED)
    path = machine.sys / "class/thermal/thermal_zone0/temp"
    path.write_text("52400\n")
    assert (told(machines.heat(machine)), str(machines.heat(machine).said)) == (
        ("heat", OK), "52 °C",
    )  # fmt: skip
    path.write_text("84100\n")
    assert told(machines.heat(machine)) == ("heat", WRONG)
    path.write_text("nothing\n")
    assert told(machines.heat(machine)) == ("heat", NOT_MEASURED)


def test_a_weak_supply(machine: Machine) -> None:
    """The Raspberry Pi's own watch, as its driver rpi_volt tells it."""
    assert told(machines.power(machine)) == ("power", NOT_MEASURED)
    folder = machine.sys / "class/hwmon/hwmon0"
    (folder / "name").write_text("rpi_volt\n")
    (folder / "in0_lcrit_alarm").write_text("0\n")
    assert told(machines.power(machine)) == ("power", OK)
    (folder / "in0_lcrit_alarm").write_text("1\n")
    assert told(machines.power(machine)) == ("power", WRONG)


# --- the clock ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset_s", "outcome", "words"),
    [(0, OK, "it says"), (-30 * 86_400, WRONG, "something was stored at"),
     (-60, OK, "it says"), (25 * 365 * 86_400, WRONG, "years too late")],
)  # fmt: skip
def test_the_clock(
    machine: Machine, tmp_path: Path, offset_s: float, outcome: Outcome, words: str
) -> None:
    """A clock before what is certainly past, or years ahead, is wrong; a little back is not."""
    (tmp_path / "centralino.db").touch()
    tried = Machine(machine.proc, machine.sys, lambda: time.time() + offset_s, machine.programme)
    found = machines.clock(tried, tmp_path, "Europe/Rome")
    assert told(found) == ("clock", outcome)
    assert words in str(found.said)


# --- ports --------------------------------------------------------------------------------------


def sockets(machine: Machine, port: int, account: int) -> None:
    """Let an account hold a port, as /proc/net/udp tells it."""
    row = f"  1: 0100007F:{port:04X} 00000000:0000 07 0:0 00:0 0 {account} 0 4 2 0 0\n"
    (machine.proc / "net/udp").write_text("  sl  local_address\n" + row)


def test_a_free_port(machine: Machine, tmp_path: Path) -> None:
    """The service does not run: its port can be used, and datagrams arrive."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    assert told(machines.ports(machine, site.settings, 0)) == ("ports", OK)


def test_a_port_that_another_programme_has(machine: Machine, tmp_path: Path) -> None:
    """It names the account; the service's own account is none."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    sockets(machine, site.port, 65534)
    found = machines.ports(machine, site.settings, 1234)
    assert told(found) == ("ports", WRONG)
    taken = (
        f"port {site.port}, which phones use, is taken by another programme of the account nobody"
    )
    assert taken in str(found.said)


def test_a_service_that_does_not_answer_at_its_port(machine: Machine, tmp_path: Path) -> None:
    """It holds the port, and what is sent there never comes back."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    sockets(machine, site.port, 1234)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", site.port))
        found = machines.ports(machine, site.settings, 1234)
    assert told(found) == ("ports", WRONG)
    assert "the service does not answer" in str(found.said)


def test_a_service_that_answers_phones_alone_is_not_asked(machine: Machine, tmp_path: Path) -> None:
    """With sip.allowed the box itself may get no answer: that is no fault."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"), sip='allowed = ["10.9.0.0/16"]')
    sockets(machine, site.port, 1234)
    assert told(machines.ports(machine, site.settings, 1234)) == ("ports", OK)


def test_an_address_that_the_box_does_not_have(machine: Machine, tmp_path: Path) -> None:
    """The configured address is of another network."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    text = site.config.read_text().replace('address = "127.0.0.1"', 'address = "192.0.2.7"')
    site.config.write_text(text)
    found = machines.ports(machine, site.settings, 0)
    assert told(found) == ("ports", WRONG)
    assert "192.0.2.7" in str(found.said)


TABLE = """
table inet t {{
    chain c {{
        type filter hook {hook} priority 0;
        {match} drop
    }}
}}
"""
NETWORK = """
import sys
from pathlib import Path
from appliance.config import read
from appliance.selftest import machine
found = machine.ports(machine.Machine(), read.load(Path(sys.argv[1])), 0)
print(found.outcome.value, found.said)
"""


def in_a_network_of_its_own(site: Site, rules: str) -> str:
    """Look at the ports where nothing but a loopback exists, with these rules of nftables."""
    script = 'ip link set lo up && nft -f - && exec "$@"'
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script, "-", sys.executable, "-c", NETWORK,
         str(site.config)],
        input=rules, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.system
@pytest.mark.parametrize("hook", ["input", "output"])
def test_a_firewall_that_drops(tmp_path: Path, hook: str) -> None:
    """Rules that drop UDP, also on the loopback: named as what they are."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    rules = TABLE.format(hook=hook, match="meta l4proto udp")
    said = in_a_network_of_its_own(site, rules)
    assert said.startswith("wrong")
    assert "a firewall drops them" in said


@pytest.mark.system
def test_a_firewall_that_drops_the_phones_port(tmp_path: Path) -> None:
    """A rule against the one port that phones use, where the service does not run."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    rules = TABLE.format(hook="input", match=f"udp dport {site.port}")
    said = in_a_network_of_its_own(site, rules)
    assert said.startswith("wrong")
    assert f"nothing arrives at port {site.port}: a firewall drops them" in said


@pytest.mark.system
def test_a_machine_without_another_address(tmp_path: Path) -> None:
    """A network of IPv6 alone, or none: the loopback is all that is needed."""
    site = Site.made(tmp_path / "box", free_port("127.0.0.1"))
    text = site.config.read_text().replace('address = "127.0.0.1"', 'address = "0.0.0.0"')
    site.config.write_text(text)
    assert in_a_network_of_its_own(site, "").startswith("ok")
