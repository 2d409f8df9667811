"""A machine of its own, of namespaces: systemd is its first process, our units are its services.

Its network is this machine's, its modems are the exchange's lines, its state is the box's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import OfficeError
from tests.faults.systemd.programme import PLACE
from tests.helpers.box import Box
from tests.system.processes import children_of

ROOT = Path(__file__).resolve().parents[3]
CALL_CONTROL, GATEWAY, CONSOLE = (
    "centralino.service",
    "centralino-media.service",
    "centralino-console.service",
)
CLOCK, RESTORE = "centralino-helper@clock", "centralino-helper@restore"
"""Root's helpers: `waiting` names the unit that waits for the requests to one."""
UNITS = (GATEWAY, CALL_CONTROL, CONSOLE)
BOOT_S = 180.0
"""It takes 5 s on a quiet machine."""

PYTHON = f"{PLACE}/bin/python"
"""The one that the product runs on."""
UP = frozenset({"idle", "ringing", "in_use"})
NOBODY = '{"failed": "nobody can ask: has the machine ended?"}'


def missing() -> str:
    """Say what such a machine lacks here, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    if not Path("/lib/systemd/systemd").exists():
        return "the Debian package systemd"
    if _cgroups() is None:
        return "a cgroup2 file system"
    return "" if sys.base_prefix == "/usr" else "the system's own Python"


def _cgroups() -> Path | None:
    """Find where the second version of control groups is mounted, and may be written to."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(where)
    return None


def waiting(helper: str) -> str:
    """Return the unit that waits for the requests to a helper, which runs with call control."""
    return f"centralino-request@{helper.removeprefix('centralino-helper@')}.path"


@dataclass
class Machine(Box):
    """A box whose call control, media gateway and console are started by systemd; `programme` is
    installed.
    """

    programme: Path = Path()

    # --- life --------------------------------------------------------------------------------

    def start(self, ready: bool = True) -> None:
        """Boot; wait until every line is idle."""
        for name in ("brought", "etc", "journal", "layer", "lib", "root"):
            (self.folder / name).mkdir(exist_ok=True)
        if not self.state.is_symlink():
            self.state.rename(self.folder / "lib" / "centralino")
            self.state.symlink_to("lib/centralino")
        (self.folder / "etc" / "centralino.toml").write_text(self.delivered(), encoding="utf-8")
        self._asker: subprocess.Popen[str] | None = None
        try:
            self._boot(ready)
        except BaseException:
            self.stop()
            raise

    def _boot(self, ready: bool) -> None:
        self._enter_group()
        self.pid = self._first_process()
        self.wait_until(self._is_made, BOOT_S, "systemd was not started")
        if ready:
            self.wait_until(self.is_idle, BOOT_S, "the lines did not become idle")

    def _enter_group(self) -> None:
        cgroups = _cgroups()
        assert cgroups is not None
        self.group = cgroups / f"centralino-test-{os.getpid()}-{id(self)}"
        self.group.mkdir()

    def _first_process(self) -> int:
        """Start the first process; returns its number outside."""
        boot = ["sh", str(Path(__file__).with_name("boot.sh")), str(self.folder), str(ROOT),
                str(self.programme), sysconfig.get_path("purelib")]  # fmt: skip
        unshare = "unshare --mount --pid --fork --uts --ipc --cgroup --kill-child=KILL"
        script = f"echo $$ > {self.group}/cgroup.procs; exec {unshare} {shlex.join(boot)}"
        with self.log_path.open("ab") as log:
            self.daemon = subprocess.Popen(
                ["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        parent = self.daemon.pid
        self.wait_until(lambda: bool(children_of(parent)), 10.0, "nothing was started")
        # a group with processes of its own could not hand its controllers on
        (self.group.parent / "cgroup.procs").write_text(str(parent))
        return children_of(parent)[0]

    def _is_made(self) -> bool:
        """Tell whether the first process has made its root and become systemd."""
        return Path(f"/proc/{self.pid}/comm").read_text().strip() == "systemd"

    def stop(self, limit: float = 30.0) -> int:
        """Take its power away, and what is left of it."""
        if self.daemon is None:
            return 0
        self._dismiss_asker()
        self.daemon.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        status = self.daemon.wait(limit)
        self.daemon = None
        self._leave_group(time.monotonic() + limit)
        return status

    def _dismiss_asker(self) -> None:
        if self._asker is not None:
            self._asker.kill()
            self._asker.communicate()
            self._asker = None

    def _leave_group(self, until: float) -> None:
        (self.group / "cgroup.kill").write_text("1")
        inner = [folder for folder, _, _ in os.walk(self.group, topdown=False)]
        while any(_is_left(folder) for folder in inner):
            assert time.monotonic() < until, f"{self.group} is still in use"
            time.sleep(0.02)

    # --- inside ------------------------------------------------------------------------------

    def inside(self, *command: str, check: bool = True) -> str:
        """Run a command inside; returns what it wrote."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i"]
        done = subprocess.run([*enter, *command], capture_output=True, check=False, timeout=60)
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        assert done.returncode == 0 or not check, f"{shlex.join(command)}: {said}"
        return said

    def lower(self, unit: str, text: str) -> None:
        """Lay something over a unit, as systemd.unit(5) has it, until the machine ends."""
        folder = f"/run/systemd/system/{unit}.d"
        self.inside(
            "sh", "-c", f"mkdir -p {folder} && printf '%s' \"$1\" > {folder}/test.conf", "-", text
        )
        self.inside("systemctl", "daemon-reload")

    def die_until_it_ends(self, unit: str, limit: float = 60.0) -> int:
        """Kill a service each time that it is there until the machine itself has ended; returns
        the machine's status.
        """
        assert self.daemon is not None
        self._dismiss_asker()  # it would be waited for
        until = time.monotonic() + limit
        while self.daemon.poll() is None:
            assert time.monotonic() < until, f"the machine goes on:\n{self.log()}"
            with contextlib.suppress(OSError):  # between two starts it has no processes
                (self.group / "system.slice" / unit / "cgroup.kill").write_text("1")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.wait(0.2)
        return self.stop()

    def end_by(self, number: int, limit: float = 60.0) -> int:
        """Send the first process a signal that ends the machine (systemd(1)), and wait until it
        has; returns its status.

        Nobody may be inside then: who shuts down stops everybody for a moment, upon which nsenter
        stops too, for ever, and with it the end of whom it has entered for.
        """
        assert self.daemon is not None
        self._dismiss_asker()
        os.kill(self.pid, number)
        self.daemon.wait(limit)
        return self.stop()

    def shown(self, unit: str, what: str) -> str:
        """Ask systemd for one property of a unit."""
        return self.inside("systemctl", "show", "--value", "-p", what, unit)

    def main_pid(self, unit: str) -> int:
        """Return a unit's main process, as the machine numbers it; 0 for none."""
        return int(self.shown(unit, "MainPID"))

    def signalled(self, unit: str, name: str) -> None:
        """Send a signal to a unit's main process alone."""
        self.inside("systemctl", "kill", "--kill-whom=main", f"--signal={name}", unit)

    def is_up(self) -> bool:
        """Tell whether call control answers and no line is out."""
        try:
            lines = self.status()["lines"]
        except OfficeError:
            return False
        return all(line["state"] in UP for line in lines)

    def has_phone(self) -> bool:
        """Tell whether the operator's phone can be rung."""
        try:
            free: list[str] = self.status()["switchboard"]["free"]
        except OfficeError:
            return False
        return free == list(self.operators)

    def log(self) -> str:
        """Return the journal, and what the first process wrote."""
        return f"{Box.log(self)}\n{self.journal()}"

    def journal(self, *chosen: str) -> str:
        """Return the journal, or the chosen part of it; also of a machine that has ended."""
        command = ["journalctl", "--no-pager", "-D", str(self.folder / "journal"), *chosen]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        return done.stdout.decode("utf-8", "replace")

    def ask(self, question: str | dict[str, Any], **more: Any) -> dict[str, Any]:
        """Ask call control, from inside."""
        asked = {"ask": question, **more} if isinstance(question, str) else question
        asker = self._asker = self._asker or self._new_asker()
        assert asker.stdin
        assert asker.stdout
        with contextlib.suppress(BrokenPipeError):
            asker.stdin.write(json.dumps(asked) + "\n")
            asker.stdin.flush()
        answer: dict[str, Any] = json.loads(asker.stdout.readline() or NOBODY)
        if "failed" in answer:
            raise OfficeError(answer["failed"])
        return answer

    def _new_asker(self) -> subprocess.Popen[str]:
        script = self.bring(Path(__file__).with_name("asker.py"))
        enter = ["nsenter", "-t", str(self.pid), "-m", "-p", PYTHON, script]
        return subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def bring(self, path: Path) -> str:
        """Bring a file in; returns where it stands inside."""
        (self.folder / "brought" / path.name).write_bytes(path.read_bytes())
        return f"/opt/brought/{path.name}"

    # --- where things are --------------------------------------------------------------------

    def delivered(self) -> str:
        """Return the configuration with the places that the units know."""
        text = self.config_path.read_text(encoding="utf-8")
        for ours, theirs in (
            ("lines/", "/dev/centralino/"),
            ("state", "/var/lib/centralino"),
            ("run", "/run/centralino"),
        ):
            text = text.replace(f"{self.folder}/{ours}", theirs)
        return f'{text}\n[console]\nlisten = "{self.address}"\nredirect_port = 0\n'


def _is_left(folder: str) -> bool:
    try:
        Path(folder).rmdir()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
