"""Root's two helpers, started for real, sandbox and all, by what is asked at the control socket."""

from __future__ import annotations

import datetime
import errno
import os
import shutil

import pytest

from appliance.policy.text import ERRNO_WORDS
from appliance.service.backup import MADE, UPLOADED
from appliance.service.jobs import BUSY
from tests.faults.systemd.machine import CLOCK, PYTHON, RESTORE, Machine, waiting
from tests.faults.systemd.scenes import COME_S, page
from tests.helpers.box import JOB_S

pytestmark = pytest.mark.system
PHRASE = "quattro parole senza senso"
WHO = "beppe"
CONFIG = "/etc/centralino/centralino.toml"
AS_CONSOLE = ("setpriv", "--reuid=centralino-console", "--regid=centralino", "--clear-groups")
"""As the console fetches a backup for a browser."""
ADD = ("centralino", "users", "--config", CONFIG, "add", WHO,
       "--shown", "Beppe", "--role", "technician", "--password", PHRASE)  # fmt: skip
REACHES_THE_KERNEL = "import time; time.clock_settime(time.CLOCK_REALTIME, -1)"
"""No time at all, so that it is never set: the kernel says EINVAL before it asks who may, where a
filter of system calls would have said EPERM."""
WITHOUT_ITS_RIGHT = f"""[Service]
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_DAC_OVERRIDE
ExecStartPre=-{PYTHON} -c '{REACHES_THE_KERNEL}'
"""
"""The clock is this machine's, too: it must not be set from here."""


def has_ended(machine: Machine, unit: str) -> bool:
    """Tell whether a helper has run and is over."""
    service = f"{unit}.service"
    return (
        machine.shown(service, "ActiveState") in {"inactive", "failed"}
        and machine.shown(service, "ExecMainExitTimestampMonotonic") != "0"
    )


def add_user(machine: Machine) -> None:
    """Add the technician who asks, unless a test before this one did."""
    if WHO not in machine.inside("centralino", "users", "--config", CONFIG, "list"):
        machine.inside(*ADD)


def job(machine: Machine, name: str) -> None:
    """Have a job done, as a person has it done on the page; it must go well."""
    machine.wait_until(lambda: is_begun(machine, name), JOB_S, f"{name} is not begun")
    machine.wait_until(lambda: is_over(machine, name), JOB_S, f"{name} does not end")
    ended = machine.ask("chores")["last"][name]
    assert ended["well"], ended


def is_begun(machine: Machine, name: str) -> bool:
    """Ask for a job; False while call control does something else by itself, such as to have the
    office's name spoken, 20 s after its start: whoever asks is told to wait for its end.
    """
    asked = machine.ask(name, by=WHO, passphrase=PHRASE)
    is_busy = asked.get("done") is False and asked["said"]["en"] == BUSY.text("en")
    assert is_busy or asked.get("done") is not False, asked
    return not is_busy


def is_over(machine: Machine, name: str) -> bool:
    """Tell whether a job that was begun has ended: call control knows of it until its next start,
    which nobody has asked for.
    """
    told = machine.ask("chores")
    assert told["running"] or name in told["last"], f"{name} is forgotten:\n{machine.log()}"
    return name in told["last"]


def test_a_backup_is_put_back(machine: Machine) -> None:
    """Asked for at the control socket, a backup replaces the state; it is the service's alone, call
    control and console are there again, and what became of it is told.
    """
    assert machine.shown(waiting(RESTORE), "ActiveState") == "active"
    add_user(machine)
    secrets = machine.state / "secrets" / "phone_secrets.json"
    before, owner = secrets.read_bytes(), secrets.stat().st_uid
    machine.inside("centralino", "backup", "--config", CONFIG, "--nightly")  # root is first there
    job(machine, "backup_make")
    machine.inside(*AS_CONSOLE, "sha256sum", f"/var/lib/centralino/{MADE}")
    uploaded = machine.folder / "lib" / "centralino-console" / UPLOADED
    console = uploaded.parents[1].stat()
    uploaded.parent.mkdir(exist_ok=True)
    shutil.copy(machine.state / MADE, uploaded)
    for path, mode in ((uploaded, 0o640), (uploaded.parent, 0o750)):  # as the console makes them
        os.chown(path, console.st_uid, console.st_gid)
        path.chmod(mode)
    assert console.st_uid != owner
    job(machine, "backup_check")
    (machine.state / "later").write_text("not in the backup", encoding="ascii")

    asked = machine.ask("backup_restore", by=WHO, passphrase=PHRASE, sure=True)
    assert asked.get("done") is not False, asked
    machine.wait_until(lambda: has_ended(machine, RESTORE), COME_S, "nothing was put back")
    assert machine.shown(f"{RESTORE}.service", "Result") == "success", machine.log()
    machine.wait_until(machine.is_idle, COME_S, "call control did not come back")
    machine.wait_until(lambda: page(machine), COME_S, "the pages did not come back")
    assert machine.ask("restoring")["last"]["well"] is True
    assert not (machine.state / "later").exists()
    assert secrets.read_bytes() == before
    found = secrets.stat()
    assert (found.st_uid, found.st_mode & 0o777) == (owner, 0o600)
    (kept,) = (machine.folder / "lib").glob("centralino.before-*")
    assert (kept / "later").exists()


def test_a_time_is_tried(machine: Machine) -> None:
    """Asked for at the control socket, a time is taken and tried; without CAP_SYS_TIME, the
    helper's one right, the kernel refuses it, and the journal says so. Its sandbox lets the attempt
    through.
    """
    machine.lower(f"{CLOCK}.service", WITHOUT_ITS_RIGHT)
    assert machine.shown(f"{CLOCK}.service", "CapabilityBoundingSet") == "cap_dac_override"
    assert machine.shown(waiting(CLOCK), "ActiveState") == "active"
    add_user(machine)
    now = datetime.datetime.now(datetime.UTC).isoformat()
    asked = machine.ask("clock_set", by=WHO, at=now)
    assert asked.get("done") is not False, asked
    machine.wait_until(lambda: has_ended(machine, CLOCK), COME_S, "nobody took it")
    assert machine.shown(f"{CLOCK}.service", "Result") == "exit-code"
    machine.inside("journalctl", "--sync")
    said = machine.journal("-o", "cat", "-u", f"{CLOCK}.service")
    assert "[Errno 22]" in said
    assert f"l'orologio non si può regolare: {ERRNO_WORDS[errno.EPERM].text('it')}" in said
    assert not machine.inside("ls", "/run/centralino/clock")
