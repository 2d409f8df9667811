"""A box with two slots, both plain files: RAUC itself, on a bus of its own, and a boot loader.

Its configuration is the image's own, U-Boot's variables are files, and `start_anew` does with them
what boot.cmd does. Bundles are made by image/bundle.sh, in the format that needs no device mapper.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from appliance.commands.updates import Helper, Rauc, Watch
from appliance.config import read
from appliance.service import updates
from appliance.service.updates import UpdateRecord, UpdateRequest
from appliance.text import Words
from tests.commands.samples import CONFIG
from tests.console.control_socket import ServedSocket

ROOT: Final = Path(__file__).resolve().parents[2]
TOOLS: Final = ("rauc", "unshare", "mksquashfs", "openssl", "minisign", "dbus-daemon", "losetup")
COME_S: Final = 20.0
SLOT_BYTES: Final = 4_000_000
RUNNING: Final = "1.0.0"
HEALTH: Final = {
    "idle": True, "ready_s": 60.0, "carrier": True, "restarts": 0, "working": ["line1"],
    "out": [], "clock_trusted": True,
}  # fmt: skip
PRINTENV: Final = """\
#!/bin/sh
[ -e "{variables}/$1" ] && echo "$1=$(cat "{variables}/$1")"
"""
SETENV: Final = """\
#!/bin/sh
printf %s "$2" > "{variables}/$1"
"""


def missing() -> str:
    """Name what these tests lack here, "" for nothing."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        lacking.append("root and loop devices")
    return ", ".join(lacking)


@dataclass
class Clock:
    """The machine's time since its start, which passes only while somebody waits."""

    now: float = 20.0

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass
class TwoSlots:
    """The box; it runs from slot A, which is good, until it is started anew.

    `prefix` is a command by which RAUC's service is started.
    """

    folder: Path
    version: str = RUNNING
    slot_bytes: int = SLOT_BYTES
    prefix: tuple[str, ...] = ()
    booted: str = "A"
    boots: int = 0
    restarts: int = 0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.make_keys("keys")
        for name in ("A", "B"):
            (self.folder / name).write_bytes(bytes(self.slot_bytes))
        for name in ("mnt", "variables", "bin", "run", "console"):
            (self.folder / name).mkdir()
        for name, text in (("ORDER", "A"), ("A_LEFT", "3"), ("B_LEFT", "3")):
            self._variable(name).write_text(text)
        for name, text in (("fw_printenv", PRINTENV), ("fw_setenv", SETENV)):
            tool = self.folder / "bin" / name
            tool.write_text(text.format(variables=self.folder / "variables"))
            tool.chmod(0o755)
        self.conf = self.folder / "system.conf"
        self.conf.write_text(self._system_conf(), encoding="utf-8")
        written = self.folder / "centralino.toml"
        own = f'console = "{self.folder}/console"\n'
        written.write_text(CONFIG.format(folder=self.folder) + own)
        (self.folder / "state").mkdir()
        self.settings = read.load(written)
        self.health: dict[str, Any] = dict(HEALTH)
        self._before = dict(os.environ)

    def __enter__(self) -> Self:
        self._bus = subprocess.Popen(
            ("dbus-daemon", "--session", "--nofork", "--print-address"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._bus.stdout is not None
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = self._bus.stdout.readline().strip()
        os.environ["DBUS_STARTER_BUS_TYPE"] = "session"
        self._serve()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._bus.terminate()
        self._bus.wait()
        assert self._bus.stdout is not None
        self._bus.stdout.close()
        for name in ("DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_BUS_TYPE"):
            os.environ.pop(name)
            if name in self._before:
                os.environ[name] = self._before[name]

    # --- what is done to it --------------------------------------------------------------------

    def make_keys(self, name: str) -> Path:
        """Make a pair for signing; the one called "keys" is the box's."""
        folder = self.folder / name
        made = (ROOT / "image" / "new_key.sh", folder, name)
        subprocess.run(made, check=True, capture_output=True)
        return folder

    def bundle(
        self, version: str, keys: str = "keys", form: str = "plain", size: int = 500_000
    ) -> Path:
        """Make a bundle whose slot begins with its version, of about so many bytes."""
        slot = self.folder / f"slot-{version}.ext4"
        slot.write_bytes(version.encode().ljust(4096, b"\n") + random.Random(1).randbytes(size))
        environment = {**os.environ, "KEYS": str(self.folder / keys), "FORMAT": form}
        out = self.folder / f"out-{keys}-{form}"
        subprocess.run(
            (str(ROOT / "image/bundle.sh"), str(slot), version, str(out)),
            check=True, capture_output=True, env=environment,
        )  # fmt: skip
        return out / f"centralino-{version}.raucb"

    @property
    def helper(self) -> Helper:
        """Root's helper; a restart of the machine is counted, not done."""
        return Helper(
            self.settings,
            self.folder / "run",
            Rauc(self.conf),
            reboot=self._asked_to_restart,
            running=lambda: self.version,
            idle_s=0.0,
        )

    def install(self, path: Path, by: str = "beppe", what: str = "file", **more: Any) -> Words:
        """Install a bundle; raises Refused."""
        with self.call_control():
            return self.helper.install(path, UpdateRequest(by, what), **more)

    def start_anew(self) -> None:
        """Let the boot loader choose a slot, as after a restart or a power cut."""
        self._stop()
        order = self._variable("ORDER").read_text().split()
        self.booted = next(slot for slot in order if self.left(slot) > 0)
        self._variable(f"{self.booted}_LEFT").write_text(f"{self.left(self.booted) - 1:x}")
        self.version = self.holds(self.booted) or RUNNING
        self.boots += 1
        self.clock = Clock()
        self._serve()

    def watch(self) -> Words:
        """Do what an image does after each start."""
        return Watch(
            self.helper,
            lambda: self.clock.now,
            self.clock.wait,
            self.boot,
            is_last_try=lambda: self.left(self.booted) == 0,
        ).turn()

    def call_control(self) -> ServedSocket:
        """Return running call control, which says how it is."""
        return ServedSocket(self.folder / "run" / "desk.sock", lambda _: {"health": self.health})

    # --- what is seen of it --------------------------------------------------------------------

    @property
    def boot(self) -> str:
        """Name this start of the machine."""
        return f"boot {self.boots}"

    @property
    def kept(self) -> UpdateRecord:
        """Read what the helper keeps."""
        return updates.load_update(self.helper.kept_in)

    def left(self, slot: str) -> int:
        """Return how many tries a slot has."""
        return int(self._variable(f"{slot}_LEFT").read_text(), 16)

    def holds(self, slot: str) -> str:
        """Return the version that was written into a slot, "" for none."""
        with (self.folder / slot).open("rb") as file:
            return file.read(64).partition(b"\n")[0].strip(b"\x00").decode()

    # --- parts ---------------------------------------------------------------------------------

    def _variable(self, name: str) -> Path:
        return self.folder / "variables" / f"BOOT_{name}"

    def _system_conf(self) -> str:
        """Return the image's own, with this folder's places in it."""
        said = (ROOT / "image/overlay/etc/rauc/system.conf").read_text(encoding="utf-8")
        for place, here in (
            ("/dev/disk/centralino/slot-a", "A"), ("/dev/disk/centralino/slot-b", "B"),
            ("/run/rauc", "mnt"), ("/data/rauc/status", "rauc-status"),
            ("/etc/rauc/keyring.pem", "keys/root.pem"),
        ):  # fmt: skip
            assert place in said
            said = said.replace(place, str(self.folder / here))
        return said.replace("bundle-formats=verity", "bundle-formats=plain verity")

    def _asked_to_restart(self) -> None:
        self.restarts += 1

    def _serve(self) -> None:
        log = (self.folder / "rauc.log").open("ab")
        self._service = subprocess.Popen(
            (*self.prefix, "unshare", "--mount", "rauc", f"--override-boot-slot={self.booted}",
             f"--conf={self.conf}", "service"),
            stdout=log, stderr=log,
            env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"},
        )  # fmt: skip
        log.close()
        until = time.monotonic() + COME_S
        while subprocess.run(
            ("rauc", f"--conf={self.conf}", "status"), capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < until, (self.folder / "rauc.log").read_text()
            time.sleep(0.05)

    def _stop(self) -> None:
        self._service.terminate()
        self._service.wait()
