"""Runs as root in the guest: the real cdc_acm driver, udev with our rules, a real media gateway.

Prints one line a check, `PASS name` or `FAIL name: why`; the test outside reads them.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.calls import orders
from appliance.calls.events import LineAnswered, LineLost, LineRang, LineRestored
from appliance.media.link import Link
from appliance.media.messages import LineSetup, Setup
from appliance.modem import port_protocol as protocol
from appliance.modem.port_protocol import DtrDropped, PortCommand, PortOpened
from tests.qemu.gadget import Gadget, load

REPOSITORY = Path(__file__).resolve().parents[2]
BUS = Path("/sys/kernel/debug/usb/usbmon/0u")
LIMIT_S = 60.0
"""Everything is emulated: what takes 2 s on a board may take twenty here."""
POLL_S = 0.1
SERIAL = "12345678"
"""Conexant dongles carry one serial number, all of them."""
ONE = Gadget("one", "0x0572", "0x1340", SERIAL, 0)
OTHER = Gadget("other", "0x0572", "0x1340", SERIAL, 1)
CONFIG = Path("/run/centralino.toml")
CHECKS = (
    "names_are_by_port",
    "modems_are_kept_awake",
    "dtr_falls_and_rises",
    "comes_up_and_takes_a_call",
    "unplugged_in_the_call_and_back_under_another_number",
    "reset_of_its_usb_device",
    "power_cycle_of_its_usb_port",
    "killed_it_lets_go_of_the_line",
)
"""What the test outside waits for; those that need the line up are methods of `Calls`."""
HELPER = (sys.executable, "-m", "appliance", "usb-reset", "--config", str(CONFIG), "--step")


def say(text: str) -> None:
    """Write a line to the console."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def wait(what: str, is_so: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Wait until something is so and return it; raises TimeoutError with `what`."""
    end = time.monotonic() + limit_s
    while not (found := is_so()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit_s:.0f} s")
        select.select([], [], [], POLL_S)
    return found


def line_paths() -> list[Path]:
    """List the names that our rules give."""
    return sorted(Path("/dev/centralino").glob("line-*"))


def line_setting(sequence: str) -> int:
    """Count the bus monitor's SET_CONTROL_LINE_STATE (CDC 1.2, 6.3.12) with this wValue."""
    return BUS_LOG.read_text(errors="replace").count(f" s 21 22 {sequence} ")


BUS_LOG = Path("/run/bus.log")


class ControlEnd:
    """Call control's end of a real media gateway: keeps what it was told."""

    def __init__(self, path: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = (sys.executable, "-m", "appliance.media", "--fd", str(theirs.fileno()))
        self.gateway = subprocess.Popen(command, pass_fds=(theirs.fileno(),), cwd=REPOSITORY)
        theirs.close()
        self.link = Link(ours)
        self.told: list[Any] = []
        line = LineSetup("line1", str(path), caller_id="none")
        self.link.send(Setup((line,), "127.0.0.1", (16_000, 16_010)))
        self.link.flush()

    def hears(self, kind: type, limit_s: float = LIMIT_S) -> Any:
        """Wait for the next event of a kind; what came before it is passed over."""
        return wait(kind.__name__, lambda: self._next(kind), limit_s)

    def _next(self, kind: type) -> Any:
        self.told += self.link.receive()
        while self.told:
            event = self.told.pop(0)
            say(f"  {event}")
            if isinstance(event, kind):
                return event
        return None

    def order(self, order: Any) -> None:
        """Give the media gateway an order."""
        self.link.send(order)
        self.link.flush()


def names_are_by_port() -> None:
    """Two modems of one serial number: one name by serial, two by port, two of ours."""
    for gadget in (ONE, OTHER):
        gadget.make()
        gadget.plug_in()
    wait("two names of ours", lambda: len(line_paths()) == 2)
    by_port = list(Path("/dev/serial/by-path").iterdir())
    assert len({path.resolve() for path in by_port}) == 2, by_port
    assert {path.resolve() for path in line_paths()} == {path.resolve() for path in by_port}
    by_serial = list(Path("/dev/serial/by-id").iterdir())
    assert len(by_serial) == 1, f"they collide: {by_serial}"


def modems_are_kept_awake() -> None:
    """No autosuspend, and ModemManager is told to keep off."""
    for tty in (path.resolve().name for path in line_paths()):
        interface = Path(f"/sys/class/tty/{tty}/device").resolve()
        assert (interface.parent / "power/control").read_text().strip() == "on"
        shown = subprocess.run(
            ("udevadm", "info", "-q", "property", f"/dev/{tty}"), capture_output=True, check=True
        )
        assert b"ID_MM_PORT_IGNORE=1" in shown.stdout


def dtr_falls_and_rises() -> None:
    """A port server's order reaches the device as two control requests: DTR low, then high."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = (sys.executable, "-m", "appliance.modem.port_server", "--fd", str(theirs.fileno()))
    server = subprocess.Popen(
        (*command, str(line_paths()[1])), pass_fds=(theirs.fileno(),), cwd=REPOSITORY
    )
    theirs.close()
    opened = wait("Opened", lambda: protocol.receive_report(ours))
    assert isinstance(opened, PortOpened), opened
    low, high = line_setting("0002") + line_setting("0000"), line_setting("0003")
    protocol.send_command(ours, PortCommand.DROP_DTR)
    dropped = wait("Dropped", lambda: protocol.receive_report(ours))
    assert dropped == DtrDropped(700), dropped
    wait("DTR low", lambda: line_setting("0002") + line_setting("0000") > low)
    wait("DTR high", lambda: line_setting("0003") > high)
    low = line_setting("0000")
    ours.close()
    os.close(opened.descriptor)
    server.wait(LIMIT_S)
    wait("DTR low by the last close", lambda: line_setting("0000") > low)


class Calls:
    """What goes on over one line; each method is a check and leaves the line in service."""

    def __init__(self) -> None:
        path = next(p for p in line_paths() if _gadget_of(p) == 0)
        self.path = path
        command = (sys.executable, "-m", "tests.qemu.modem", str(ONE.far_end))
        self.modem = subprocess.Popen(command, cwd=REPOSITORY)
        self.control = ControlEnd(path)

    def comes_up_and_takes_a_call(self) -> None:
        """Initialised over the real driver, it rings, is answered, and its stream runs."""
        up = self.control.hears(LineRestored)
        assert "CX93001" in up.modem, up
        self.modem.send_signal(signal.SIGUSR1)
        self.control.hears(LineRang)
        self.control.order(orders.AnswerLine("line1"))
        self.control.hears(LineAnswered)

    def unplugged_in_the_call_and_back_under_another_number(self) -> None:
        """Gone at once; a stranger holds the old number, so that it comes back as another."""
        before = self.path.resolve()
        held = os.open(before, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        ONE.unplug()
        lost = self.control.hears(LineLost)
        assert lost.missing, lost
        ONE.plug_in()
        wait("the name of ours", self.path.exists)
        after = self.path.resolve()
        assert after != before, f"{after} is the old number"
        self.control.hears(LineRestored)
        os.close(held)

    def reset_of_its_usb_device(self) -> None:
        """The helper unbinds and binds the device that is behind the configured port."""
        self._helps("reset_usb")

    def power_cycle_of_its_usb_port(self) -> None:
        """The hub port's own switch, where it has one."""
        self._helps("power_cycle")

    def _helps(self, step: str) -> None:
        CONFIG.write_text(configuration(self.path), encoding="utf-8")
        done = subprocess.run(
            (*HELPER, step, "line1"), cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        say(f"  {done.stdout}{done.stderr}")
        assert done.returncode == 0, done.stderr
        self.control.hears(LineLost)
        self.control.hears(LineRestored)

    def killed_it_lets_go_of_the_line(self) -> None:
        """A media gateway that dies drops DTR by its last close, which hangs the modem up."""
        low = line_setting("0000")
        self.control.gateway.kill()
        wait("DTR low", lambda: line_setting("0000") > low)


def _gadget_of(path: Path) -> int:
    """Say which virtual port a name leads to."""
    where = Path(f"/sys/class/tty/{path.resolve().name}/device").resolve()
    return next(n for n in (0, 1) if f"dummy_hcd.{n}" in str(where))


def configuration(port: Path) -> str:
    """Write the delivered example with its first line at `port`."""
    example = (REPOSITORY / "appliance/config/example.toml").read_text(encoding="utf-8")
    lines = example.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("port = "))
    lines[first] = f'port = "{port}"'
    return "\n".join([*lines, "[folders]", 'run = "/run/centralino"']) + "\n"


def check(name: str, act: Callable[[], None]) -> bool:
    """Run one check and say how it went."""
    began = time.monotonic()
    try:
        act()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the next one runs
        traceback.print_exc()
        say(f"FAIL {name}: {error}")
        return False
    say(f"PASS {name} ({time.monotonic() - began:.1f} s)")
    return True


def main() -> None:
    """Run every check, in order; a line that does not come up ends them."""
    load(modems=2)
    rules = Path("/run/udev/rules.d")
    rules.mkdir(parents=True)
    delivered = REPOSITORY / "systemd/60-centralino.rules"
    (rules / delivered.name).write_text(delivered.read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(("/usr/lib/systemd/systemd-udevd", "--daemon"), check=True)
    with BUS_LOG.open("wb") as log:
        monitor = subprocess.Popen(("cat", str(BUS)), stdout=log)
    for act in (names_are_by_port, modems_are_kept_awake, dtr_falls_and_rises):
        check(act.__name__, act)
    calls = Calls()
    rest = [getattr(calls, name) for name in CHECKS if hasattr(calls, name)]
    say("END" if all(check(act.__name__, act) for act in rest) else "BROKEN OFF")
    monitor.kill()


if __name__ == "__main__":
    main()
