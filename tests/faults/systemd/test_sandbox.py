"""B6: what each service may and may not do, tried from inside its own unit's sandbox."""

from __future__ import annotations

import json
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.systemd.machine import (
    CALL_CONTROL,
    CONSOLE,
    GATEWAY,
    PYTHON,
    ROOT,
    UNITS,
    Machine,
)

pytestmark = pytest.mark.system
DONE, NOT_THERE = "done", ("ENOENT",)
REFUSED = ("EPERM", "EACCES", "EROFS", "EAFNOSUPPORT")
FOR_ALL = {
    "raw_socket": REFUSED,
    "packet_socket": REFUSED,
    "udp_socket": DONE,
    "writable_code": REFUSED,
    "write_etc": REFUSED,
    "read_shadow": REFUSED,
    "read_root_only_password": REFUSED,
    "run_from_tmp": REFUSED,
    "run_true": DONE,
    "set_clock": REFUSED,
    "be_nicer_than_others": REFUSED,
    "attach": REFUSED,
    "namespaces": REFUSED,
    "mount": REFUSED,
    "core": REFUSED,
}
OF_ONE = {
    CALL_CONTROL: {
        "write_state": DONE,
        "write_run": DONE,
        "run_from_state": REFUSED,
        "read_phone_secrets": DONE,
        "read_key": DONE,
        "read_shell_proof": DONE,
        "enter_private": DONE,
        "read_records": DONE,
        "read_consoles_key": DONE,
        "reach_the_lines": DONE,
        "read_credential": DONE,
        "real_time": REFUSED,
        "give_way": DONE,
        "modem": NOT_THERE,
        "panel": DONE,
        "disk": NOT_THERE,
        "listen_below_1024": REFUSED,
        "signal_itself": DONE,
    },
    GATEWAY: {
        "write_state": REFUSED,
        "write_run": REFUSED,
        "run_from_state": REFUSED,
        "read_phone_secrets": REFUSED,
        "read_key": REFUSED,
        "read_shell_proof": REFUSED,
        "enter_private": REFUSED,
        "read_records": ("OperationalError: unable to open database file",),
        "read_consoles_key": REFUSED,
        "reach_the_lines": REFUSED,
        "real_time": DONE,
        "give_way": REFUSED,
        "modem": ("ENXIO", "ENODEV"),
        "panel": REFUSED,
        "disk": REFUSED,
        "listen_below_1024": REFUSED,
        "signal_itself": DONE,
    },
    CONSOLE: {
        "write_state": REFUSED,
        "write_run": REFUSED,
        "run_from_state": REFUSED,
        "read_phone_secrets": REFUSED,
        "read_key": REFUSED,
        "read_shell_proof": REFUSED,
        "enter_private": REFUSED,
        "read_records": DONE,
        "read_consoles_key": DONE,
        "reach_the_lines": REFUSED,
        "real_time": REFUSED,
        "give_way": REFUSED,
        "modem": NOT_THERE,
        "panel": NOT_THERE,
        "disk": NOT_THERE,
        "listen_below_1024": DONE,
        "signal_itself": REFUSED,
    },
}
LEFT_OUT = ("Type", "ExecStart", "Restart", "RestartSec", "RestartSteps", "RestartMaxDelaySec",
            "WatchdogSec", "Requires", "After", "Wants", "StartLimitAction",
            "RuntimeDirectoryPreserve", "NotifyAccess")  # fmt: skip
"""What makes a service of it; all the rest is its sandbox."""
HANDED_OVER = "LoadCredential=mail-password:/etc/centralino/mail_password\n"
"""What a technician adds who leaves a secret in a file of root's alone."""
MADE_LATER = """
from pathlib import Path
from appliance.api.users import PROOF_FILE
from appliance.files import atomic_write
from appliance.store.directory import key_path, make_vault
state = Path("/var/lib/centralino")
make_vault(key_path(state / "centralino.db"))
atomic_write(state / PROOF_FILE, "a word")
"""
PROBE = Path(__file__).with_name("probe.py")


def probing(unit: str, probe: str) -> str:
    """Turn one of our units into one that runs the probe, once, in the same sandbox."""
    text = (ROOT / "systemd" / unit).read_text(encoding="utf-8")
    kept = re.sub(rf"(?m)^({'|'.join(LEFT_OUT)})=.*\n", "", text)
    runs = f"[Service]\nType=oneshot\nRuntimeDirectoryPreserve=yes\nExecStart={PYTHON} {probe}\n"
    runs += HANDED_OVER if unit == CALL_CONTROL else ""
    shared = (ROOT / "systemd" / "hardening.conf").read_text(encoding="utf-8")
    return kept.replace("[Service]\n", runs).partition("[Install]")[0] + shared


def probed(machine: Machine, unit: str) -> dict[str, str]:
    """Run the probe in a unit's sandbox; returns what became of each attempt."""
    name = f"probe-{unit}"
    text = probing(unit, machine.bring(PROBE))
    (machine.folder / "brought" / name).write_text(text, encoding="utf-8")
    machine.inside("systemctl", "link", "--runtime", f"/opt/brought/{name}")
    machine.inside("systemctl", "start", name)
    machine.inside("journalctl", "--sync")
    said = machine.journal("-o", "cat", "-u", name)
    (line,) = (line for line in said.splitlines() if line.startswith("{"))
    found: dict[str, str] = json.loads(line)
    return found


def use(machine: Machine) -> None:
    """Make what an office in use has, long after the services have started: a phone's password is
    renewed, the directory has its key, and the shell lays down its proof.
    """
    config = "/etc/centralino/centralino.toml"
    machine.inside("centralino", "phones", "--config", config, "add", "op1")
    machine.inside(PYTHON, "-c", MADE_LATER)


@pytest.fixture
def its_password(machine: Machine) -> Iterator[None]:
    """The phone's password as it was, once the test is over: the phone knows no other."""
    secrets = machine.state / "secrets" / "phone_secrets.json"
    before = secrets.read_bytes()
    yield
    secrets.write_bytes(before)
    machine.ask("phones_renewed")


@pytest.mark.usefixtures("its_password")
@pytest.mark.parametrize("unit", UNITS)
def test_a_sandbox_holds(machine: Machine, unit: str) -> None:
    """What a service needs works in its sandbox; all else of the list is refused, also what was
    made or renewed after the start.
    """
    use(machine)
    password = machine.folder / "etc" / "mail_password"
    password.write_text("told-to-nobody\n", encoding="ascii")
    password.chmod(0o600)
    expected = FOR_ALL | OF_ONE[unit]
    found = probed(machine, unit)
    wrong = {
        name: (found[name], expected[name])
        for name in expected
        if (found[name] not in expected[name] if expected[name] != DONE else found[name] != DONE)
    }
    assert wrong == {}
    assert set(found) - set(expected) <= {"read_credential"}


@pytest.mark.usefixtures("its_password")
def test_without_its_sandbox_nothing_is_refused(machine: Machine) -> None:
    """The probe can see: as root and without a sandbox every attempt of the list succeeds."""
    use(machine)
    password = machine.folder / "etc" / "mail_password"
    password.write_text("told-to-nobody\n", encoding="ascii")
    password.chmod(0o600)
    found = json.loads(machine.inside(PYTHON, machine.bring(PROBE)))
    refused = {name for name, became in found.items() if became != DONE}
    # no driver stands behind these; the clock and real time are as free as the machine itself is
    assert refused <= {"modem", "disk", "read_credential", "core", "set_clock", "write_etc"}


def test_the_media_gateway_alone_has_real_time(machine: Machine) -> None:
    """SCHED_FIFO 20 for the media gateway's one process; port servers, call control and console
    have none of it, nor a right to it.
    """
    policies = {
        unit: [
            os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK for pid in processes(machine, unit)
        ]
        for unit in UNITS
    }
    assert sorted(policies[GATEWAY]) == [os.SCHED_OTHER] * 2 + [os.SCHED_FIFO]
    assert set(policies[CALL_CONTROL] + policies[CONSOLE]) == {os.SCHED_OTHER}
    for unit, right in ((GATEWAY, "20"), (CALL_CONTROL, "0"), (CONSOLE, "0")):
        assert machine.shown(unit, "LimitRTPRIO") == right
    main = next(p for p in processes(machine, GATEWAY) if os.sched_getscheduler(p) & 3)
    limit = resource.prlimit(main, resource.RLIMIT_RTTIME)
    assert limit == (500_000, 500_000)
    assert machine.shown(GATEWAY, "LimitRTTIME") == "10000000"
    assert machine.shown(GATEWAY, "LimitMEMLOCK") == "infinity"


def processes(machine: Machine, unit: str) -> list[int]:
    """Return the processes of a unit, as they are numbered outside."""
    group = machine.group / "system.slice" / unit / "cgroup.procs"
    return [int(pid) for pid in group.read_text().split()]


def test_without_gpio_it_is_a_sentence(machine: Machine) -> None:
    """A board without wires for LEDs: call control says so, and works."""
    said = machine.journal("-o", "cat", "-u", CALL_CONTROL)
    assert "no GPIO hardware here" in said
    assert "Traceback" not in said
