"""A whole box for system tests: exchange, daemon with its media gateway, SIP phones; all real
processes.

Every box has its own folder, ports and loopback addresses, so that tests may run side by side.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from appliance.api import protocol
from appliance.calls.orders import CallRecord, Result
from appliance.config import phones, read
from appliance.config.schema import Settings
from appliance.errors import CentralinoError, OfficeError
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.simulator.phone.process import TestPhone
from appliance.store import call_log, voicemail
from appliance.store.database import database_path, open_reader
from appliance.store.voicemail import Message
from tests.helpers.ports import free_port, own_address

ROME = ZoneInfo("Europe/Rome")
LATE_H = 22
"""From this hour on a box is open on the next day, too."""
START_S = 90.0
"""A start is measured elsewhere (tests/bench): beside many other tests it may take this long."""
JOB_S = 300.0
"""A child of call control gives way to all else (service/jobs.py). Beside the suite's workers, with
which it is one group to the scheduler (sched(7), autogroup), it gets a hundredth of a processor.
"""
CONFINED = "a job failed, the thread goes on"
"""What the journal says of a fault of ours that ended no process (appliance/workers.py)."""


class BoxPhone(TestPhone):
    """A test phone that the box has started: `with` does not start it once more."""

    def __enter__(self) -> Self:
        return self


@dataclass
class Box:
    """One box. `top`, `sip` and `line` add configuration text at the top of the file, in [sip] and
    in every [[lines]]; `extra` at its end. `options` go to the exchange, `addresses` give phones
    by name a fixed address, `labels` what people call lines and phones, `secrets` are more than
    the phones' own, `prefix` is a command that the daemon is started by. `dialect` is one for all
    lines, or "conexant,usr5637": the last one for the rest, too; the daemon is told the make
    without its firmware (conexant-pcm). The end fails for a fault of ours that was confined,
    unless `faults_planted` says that a test has made it.
    """

    folder: Path
    lines: int = 2
    operators: tuple[str, ...] = ("op1",)
    counters: tuple[str, ...] = ("desk1",)
    options: tuple[str, ...] = ()
    dialect: str = "conexant"
    ring: int = 25
    laws: tuple[str, ...] = ("ulaw", "alaw")
    line: str = ""
    extra: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    site_name: str = "Test"
    languages: tuple[str, ...] = ("it", "en")
    opened: bool = True
    faults_planted: bool = False

    daemon: subprocess.Popen[bytes] | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address, self.port = self._where()
        self.config_path.write_text(self._configuration(), encoding="utf-8")
        own = {name: f"secret-{name}" for name in self.phones}
        phones.save_secrets(self.settings, own | self.secrets)
        options = (*self.options, "--dialect", self.dialect)
        self.exchange = self._stack.enter_context(
            ExchangeProcess(self.folder / "lines", self.lines, options)
        )
        try:
            self.start()
        except BaseException:
            with contextlib.suppress(AssertionError):
                self.stop()  # one that does not come up would run on beside all later tests
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._stack.close()
        if kind is None and not self.faults_planted:
            assert CONFINED not in Box.log(self), f"a fault of ours was confined:\n{self.log()}"

    def _where(self) -> tuple[str, int]:
        """Choose where the box listens for SIP."""
        address = own_address()
        return address, free_port(address)

    # --- the daemon --------------------------------------------------------------------------

    def start(self, ready: bool = True) -> None:
        """Start the daemon; wait until every line is idle."""
        run = [sys.executable, "-m", "appliance", "run", "--config", str(self.config_path)]
        with self.log_path.open("ab") as log:
            self.daemon = subprocess.Popen(
                [*self.prefix, *run], stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        if ready:
            self.wait_until(self.is_idle, START_S, "the lines did not become idle")

    def stop(self, limit: float = 30.0) -> int:
        """Stop the daemon with SIGTERM; returns its status."""
        if self.daemon is None:
            return 0
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        try:
            return self.daemon.wait(limit)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            raise AssertionError(f"the daemon did not stop:\n{self.log()}") from None
        finally:
            self.daemon = None

    def kill(self) -> None:
        """Kill the daemon's main process."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def ask(self, question: str | dict[str, Any], **more: Any) -> dict[str, Any]:
        """Ask call control."""
        asked = {"ask": question, **more} if isinstance(question, str) else question
        return protocol.ask(self.folder / "run" / "desk.sock", asked)

    def status(self) -> dict[str, Any]:
        """Return call control's status."""
        found: dict[str, Any] = self.ask("status")["status"]
        return found

    def troubles(self) -> list[str]:
        """Return what call control says is wrong with configuration or parts, in English."""
        return [said["en"] for said in self.status()["troubles"]]

    def is_idle(self) -> bool:
        """True when call control runs and every line is idle."""
        try:
            lines = self.status()["lines"]
        except OfficeError:
            return False
        return all(line["state"] == "idle" for line in lines)

    def wait_until(self, is_so: Callable[[], bool], limit: float, why: str) -> None:
        """Wait for something that no event tells of; fails with the daemon's journal."""
        deadline = time.monotonic() + limit
        while not is_so():
            if self.daemon is not None and self.daemon.poll() is not None:
                raise AssertionError(f"the daemon ended:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{why} within {limit} s:\n{self.log()}")
            wait(0.05)

    # --- calls, phones, records --------------------------------------------------------------

    def phone(self, name: str, **options: Any) -> TestPhone:
        """Start a registered test phone; it is stopped with the box, or by the end of a `with`."""
        phone = BoxPhone(
            name,
            server=f"{self.address}:{self.port}",
            secret=f"secret-{name}",
            listen=f"{self.address}:0",
            **options,
        )
        self._stack.callback(phone.stop)
        phone.start()
        phone.wait_registered(20.0)
        return phone

    def place(self, line: int, plan: CallPlan | None = None, **more: Any) -> process.RunningCall:
        """Place a call and return at once; it is closed with the box."""
        call = process.start_call(self.folder / "lines", line, plan or CallPlan(**more))
        self._stack.callback(call.close)
        return call

    def call(
        self, line: int, plan: CallPlan, say: tuple[Path, ...] = (), listen: Path | None = None
    ) -> CallReport:
        """Place a call and wait until it is over."""
        return process.place_call(self.folder / "lines", line, plan, say=say, listen=listen)

    def records(self) -> tuple[CallRecord, ...]:
        """Return all call records, newest first."""
        with contextlib.closing(open_reader(database_path(self.state))) as connection:
            return call_log.list_calls(connection)

    def last_record(self, number: int, limit: float = 20.0) -> CallRecord:
        """Wait until `number` calls are over; returns the latest record."""

        def over() -> bool:
            try:
                found = self.records()
            except CentralinoError:
                return False
            return len(found) >= number and all(r.result is not Result.OPEN for r in found)

        self.wait_until(over, limit, f"{number} calls were not over")
        return self.records()[0]

    def messages(self) -> tuple[Message, ...]:
        """Return all messages, newest first."""
        with contextlib.closing(open_reader(database_path(self.state))) as connection:
            return voicemail.list_messages(connection, None)

    def recording(self, message: str) -> Path:
        """Return the WAV of a stored message."""
        return self.state / "voicemail" / "new" / f"{message}.wav"

    # --- where things are --------------------------------------------------------------------

    @property
    def config_path(self) -> Path:
        """The configuration file."""
        return self.folder / "centralino.toml"

    @property
    def log_path(self) -> Path:
        """The daemon's journal."""
        return self.folder / "daemon.log"

    def log(self) -> str:
        """Return the daemon's journal."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def settings(self) -> Settings:
        """The configuration, parsed."""
        return read.load(self.config_path)

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones."""
        return self.operators + self.counters

    def processes(self) -> list[int]:
        """Return the process ids of the daemon and of all its children."""
        assert self.daemon is not None
        return list(descendants(self.daemon.pid))

    def _configuration(self) -> str:
        days = opening_days(datetime.now(ROME)) if self.opened else ()
        opening = "\n".join(
            f'[[openings]]\nday = {day}\nhours = ["00:00-24:00"]'
            for day in days
            if f"day = {day}" not in self.extra
        )
        makes = self.dialect.split(",")
        lines = "\n".join(
            f'[[lines]]\nname = "line{n}"\nlabel = "{self.labels.get(f"line{n}", f"L{n}")}"\n'
            f'dialect = "{makes[min(n, len(makes)) - 1].split("-")[0]}"\n'
            f'port = "{self.folder}/lines/line{n}"\n{self.line}'
            for n in range(1, self.lines + 1)
        )
        phones = "\n".join(
            f'[[phones]]\nname = "{name}"\naddress = "{self.addresses.get(name, "")}"'
            + (f'\nlabel = "{self.labels[name]}"' if name in self.labels else "")
            for name in self.phones
        )
        return f"""\
[site]
name = "{self.site_name}"
patron = "10-04"
languages = {list(self.languages)}
[hours]
[sip]
address = "{self.address}"
port = {self.port}
rtp_ports = [20000, 20199]
laws = {list(self.laws)}
{opening}
{lines}
{phones}
[switchboard]
phones = {list(self.operators)}
ring = {self.ring}
[citizens_desk]
phones = {list(self.counters)}
ring = {self.ring}
[folders]
state = "{self.folder}/state"
run = "{self.folder}/run"
{self.extra}
"""


def opening_days(now: datetime) -> tuple[date, ...]:
    """Return the days on which a box is open: late in the evening a test may go past midnight."""
    today = now.date()
    return (today, today + timedelta(days=1)) if now.hour >= LATE_H else (today,)


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and its children, their children, and so on."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return
    for child in children.split():
        yield from descendants(int(child))


def wait(seconds: float) -> None:
    """Let real processes work for a moment."""
    time.sleep(seconds)
