"""The two worlds of a field test: the software exchange, and real lines joined by something."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, cast

from appliance.errors import CentralinoError, ConfigurationError, TechnicianError
from appliance.media.clock import PRIORITY
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.text import _, unchanged
from appliance.usb import find_device
from hw_tests.bench import UnmeasuredError
from hw_tests.power import planned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from appliance.usb import UsbStep
    from hw_tests.side import Port

READ_SIZE = 4096
HELD = "held"
"""What `hw_tests.holder` says once sound flows."""
FIFO = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
EXCHANGE_NUMBERS = {"A": "0511234501", "B": "0511234502"}
KNOWN = {"busy": "0901", "congestion": "0902"}
LINE_OF = {"A": 1, "B": 2}


def turned_on(name: str) -> dict[str, object]:
    """Give the knobs by which the exchange's line is one of an office behind a PBX."""
    number = EXCHANGE_NUMBERS[name]
    return {
        "called": number,
        "caller": [number, "after"],
        "pbx": True,
        "extensions": {KNOWN[outcome]: {"outcome": outcome} for outcome in KNOWN},
    }


def knobs_of(knobs: Mapping[str, object], name: str) -> dict[str, object]:
    """Give a line's knobs of `{"loss": 3, "B": {"loss": 6}}`: those of both, then its own."""
    both = {knob: value for knob, value in knobs.items() if knob not in LINE_OF}
    own = knobs.get(name, {})
    if not isinstance(own, dict):
        raise ConfigurationError(f"line {name}'s knobs are {own!r}: give an object")
    return both | own


class OpenPort:
    """A serial port that never waits: the port server's, read and written here."""

    def __init__(self, path: str) -> None:
        self.gone = False
        try:
            self._port = SerialPort(path)
        except (*PORT_ERRORS, ValueError) as error:
            raise TechnicianError(str(explain(path, error).sentence)) from error

    def fileno(self) -> int:
        """Return the descriptor, for select."""
        return self._port.fileno()

    def read(self) -> bytes:
        """Give what has come; raises OSError when the modem has gone."""
        try:
            data = os.read(self.fileno(), READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError:
            self.gone = True
            raise
        if not data:
            self.gone = True
            raise OSError("the modem has gone")
        return data

    def write(self, data: bytes) -> int:
        """Take bytes, perhaps none; what a dying port does not take is told by reading."""
        try:
            return os.write(self.fileno(), data)
        except OSError:
            return 0

    def drop_dtr(self) -> bool:
        """Pull DTR low for a moment; False where the port has none."""
        return self._port.drop_dtr()

    def close(self) -> None:
        """Close the port, which drops DTR on a real one."""
        with contextlib.suppress(*PORT_ERRORS):
            self._port.close()


def ask_for_real_time() -> None:
    """Be as punctual as the media gateway, where that is allowed; no child inherits it."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, FIFO, os.sched_param(PRIORITY))


def be_ordinary() -> None:
    """Give real time back."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class RealTime:
    """Lines behind serial ports, on this machine's clock."""

    kind = "two lines"

    def __init__(
        self, paths: Mapping[str, str], country: str, numbers: Mapping[str, str],
        known: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.paths = paths
        self.country = country
        self.numbers = numbers
        self.known = known
        self._ports: dict[str, OpenPort] = {}
        if len(paths) == 1:
            self.kind = "one line"

    def now(self) -> float:
        """Tell the time."""
        return time.monotonic()

    def wait(self, until: float) -> None:
        """Sleep until then, or until a modem has sent something."""
        # One that has gone is readable for ever: no sleep would be left.
        ports = [port for port in self._ports.values() if not port.gone]
        select.select(ports, [], [], max(0.0, until - self.now()))

    def open(self, name: str) -> Port:
        """Open a side's port, closing the one that was open."""
        self.close(name)
        self._ports[name] = OpenPort(self.paths[name])
        return self._ports[name]

    def close(self, name: str) -> None:
        """Close a side's port, if it is open."""
        if name in self._ports:
            self._ports.pop(name).close()

    def placed(self, name: str) -> tuple[str, str]:
        """Tell a unit's port, and its serial number as USB has it."""
        path = self.paths[name]
        try:
            serial = (find_device(path).folder / "serial").read_text(encoding="utf-8").strip()
        except (TechnicianError, OSError, ValueError):
            serial = ""
        return path, serial

    def turn(self, name: str, **knobs: object) -> bool:
        """Nobody can tell a real line how to behave."""
        return False

    def usb(self, name: str, step: UsbStep) -> Callable[[], None]:
        """Give what makes a step of the ladder that needs USB; raises CannotError."""
        return planned(self.paths[name], step)

    def die(self, name: str) -> None:
        """Have `hw_tests.holder` stream on a line, and kill it."""
        command = [sys.executable, "-m", "hw_tests.holder", self.paths[name], self.country]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                said = child.stdout.readline().strip()
            finally:
                child.send_signal(signal.SIGKILL)
                child.wait()
        if said != HELD:
            raise UnmeasuredError(
                _(
                    "line {name} was not seized: {answer}",
                    name=name,
                    answer=unchanged(said) if said else _("no answer"),
                ),
            )

    def late_s(self) -> float:
        """A real line is served by nobody on this machine."""
        return 0.0

    def leave(self) -> None:
        """Close every port."""
        for name in tuple(self._ports):
            self.close(name)


class ExchangeWorld(RealTime):
    """Two lines of a software exchange that runs in `directory`; its lines can call each other.

    `knobs` are those of both lines, and under "A" and "B" those of one.
    """

    kind = "exchange"

    def __init__(
        self, directory: Path, country: str, dialect: str, knobs: Mapping[str, object]
    ) -> None:
        paths = {name: str(directory / f"line{number}") for name, number in LINE_OF.items()}
        super().__init__(paths, country, EXCHANGE_NUMBERS, KNOWN)
        self.kind = "exchange"
        options = ["--country", country, "--dialect", dialect]
        self._process = ExchangeProcess(directory, len(LINE_OF), options)
        self._process.__enter__()
        self._directory = directory
        self._ticks = 0
        try:
            for name in LINE_OF:
                self.turn(name, **turned_on(name) | knobs_of(knobs, name))
        except BaseException:
            self._process.stop()
            raise

    @property
    def pid(self) -> int:
        """The exchange's process."""
        return self._process.pid

    def turn(self, name: str, **knobs: object) -> bool:
        """Turn knobs of a line of the exchange."""
        process.set_line(self._directory, LINE_OF[name], **knobs)
        return True

    def late_s(self) -> float:
        """Ask the exchange how late its own clock came at worst since it was asked last."""
        try:
            told = process.ask_status(self._directory)
        except (CentralinoError, OSError):
            return 0.0  # it has gone, which its lines tell better
        before, self._ticks = self._ticks, int(str(told["ticks"]))
        stalls = cast("list[tuple[int, float]]", told["stalls"])
        return max((ms / 1000 for tick, ms in stalls if tick >= before), default=0.0)

    def leave(self) -> None:
        """Close the ports and end the exchange."""
        super().leave()
        self._process.stop()
