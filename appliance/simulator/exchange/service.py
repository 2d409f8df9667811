"""The exchange's process, and its command: one loop over ports, control socket and a 10 ms tick.

Over DIR/control travels one JSON object a line, both ways. To the exchange, by `do`: `clip`
(base64 mu-law, `new` starts another), `call` (the fields of `CallPlan` and `line`), `say`,
`press`, `hang-up`, `status`, `set` (`line`, `knobs`). From it, by `event`: `placed ringing
answered released heard ended status done error`.
"""

from __future__ import annotations

import base64
import ctypes
import gc
import json
import os
import re
import selectors
import signal
import socket
import time
from collections import deque
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from appliance.errors import CentralinoError, ConfigurationError, TechnicianError
from appliance.simulator.exchange import replay
from appliance.simulator.exchange.audio import IDENTITY_FAULTS, PAIRS, burst, checked_keys
from appliance.simulator.exchange.call import RELEASES, CallPlan, ExchangeCall
from appliance.simulator.exchange.modem_protocol import PERSONALITIES
from appliance.simulator.exchange.outlet import (
    BACKLOG_LIMIT_MS,
    Capture,
    Outlet,
    Station,
    turn_knobs,
)
from appliance.simulator.exchange.signals import COUNTRIES, country_named, prepare
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType


# ---- service -----------------------------------------------------------------------------------

TICK_S = 0.01
# Seconds late beyond which a tick is told apart: what lies ahead in a modem has run out soon.
LATE_TICK_S = 0.05
STALLS = 100
# Seconds late beyond which the clock starts anew: the machine slept.
CLOCK_RESTART_S = 5.0


class Exchange:
    """Lines behind PTYs in a directory, and its control socket, until told to stop."""

    def __init__(self, outlets: Sequence[Outlet], listener: socket.socket) -> None:
        self.outlets = {outlet.station.number: outlet for outlet in outlets}
        self.stopping = False
        self.real_time = False
        self.ticks = 0
        self.worst_lateness = 0.0
        self._stalls: deque[tuple[int, float]] = deque(maxlen=STALLS)
        self._listener = listener
        self._peers: list[ControlPeer] = []
        self._selector = selectors.SelectSelector()  # microseconds, where epoll waits whole ms
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._watched: dict[int, int] = {}

    def run(self) -> None:
        """Tick until `stopping`; lateness is measured from the moment a tick was due."""
        due = time.monotonic() + TICK_S
        while not self.stopping:
            for key, _mask in self._selector.select(max(due - time.monotonic(), 0)):
                key.data()
            now = time.monotonic()
            if now - due > LATE_TICK_S:
                self._stalls.append((self.ticks, round((now - due) * 1000, 1)))
            if now - due > CLOCK_RESTART_S:
                due = now
            while now >= due:
                self.worst_lateness = max(self.worst_lateness, now - due)
                self._tick(now)
                due += TICK_S

    def _tick(self, now: float) -> None:
        self.ticks += 1
        for outlet in self.outlets.values():
            outlet.tick(TICK_S, now)
            self._watch(outlet)
        for peer in tuple(self._peers):
            peer.controller.follow()
            if not peer.send():
                self._drop(peer)

    def _watch(self, outlet: Outlet) -> None:
        """Let the selector see a port while its modem reads commands."""
        number, port = outlet.station.number, outlet.port
        wanted = port.master if port and outlet.reads_commands else -1
        before = self._watched.get(number, -1)
        if wanted == before:
            return
        if before >= 0:
            self._selector.unregister(before)
        if wanted >= 0:
            self._selector.register(wanted, selectors.EVENT_READ, self._serve(outlet))
        self._watched[number] = wanted

    def _serve(self, outlet: Outlet) -> Callable[[], None]:
        def serve() -> None:
            outlet.serve(time.monotonic())
            if not outlet.port or not outlet.port.is_open or outlet.station.modem.streaming:
                self._unwatch(outlet)

        return serve

    def _unwatch(self, outlet: Outlet) -> None:
        fd = self._watched.pop(outlet.station.number, -1)
        if fd >= 0:
            self._selector.unregister(fd)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        peer = ControlPeer(sock, Controller(self.outlets, self.status))
        self._peers.append(peer)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(peer))

    def _receive(self, peer: ControlPeer) -> None:
        for outlet in self.outlets.values():
            self._unwatch(outlet)  # a knob may close the port that is watched
        if not peer.receive() or not peer.send():
            self._drop(peer)

    def _drop(self, peer: ControlPeer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            peer.controller.hang_up()
            self._selector.unregister(peer.sock)
            peer.sock.close()

    def status(self) -> Message:
        """Give the figures of every line and of the clock, and whether the run has failed.

        `stalls` are the last ticks that came late: how many there were before, and ms.
        """
        lines = [outlet.report() for outlet in self.outlets.values()]
        late = [
            f"line {each.station.number}: backlog {each.greatest_backlog_ms:.0f} ms"
            for each in self.outlets.values()
            if each.greatest_backlog_ms > BACKLOG_LIMIT_MS
        ]
        return {
            "lines": lines,
            "ticks": self.ticks,
            "worst_lateness_ms": round(self.worst_lateness * 1000, 3),
            "stalls": [list(each) for each in self._stalls],
            "real_time": self.real_time,
            "failed": bool(late),
            "reasons": late,
        }

    def close(self) -> None:
        """Remove every port and close the control socket."""
        for peer in tuple(self._peers):
            self._drop(peer)
        for outlet in self.outlets.values():
            outlet.close()
        self._selector.close()
        self._listener.close()


# ---- premises ----------------------------------------------------------------------------------


def control_address(descriptor: int) -> str:
    """Give the address of `control` in an opened directory, short whatever the path's length."""
    return f"/proc/self/fd/{descriptor}/control"


def listen(directory: Path) -> socket.socket:
    """Open DIR/control; raises TechnicianError when another exchange answers there."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_PATH)
    address = control_address(descriptor)
    listener = socket.socket(socket.AF_UNIX)
    try:
        _remove_stale_socket(directory, address)
        listener.bind(address)
        listener.listen(64)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(descriptor)
    return listener


def _remove_stale_socket(directory: Path, address: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            (directory / "control").unlink(missing_ok=True)
            return
    raise TechnicianError(
        _(
            "an exchange already runs in {directory}: stop it or choose another",
            directory=directory,
        )
    )


def build_exchange(
    directory: Path, dialects: Sequence[str], code: str, capture: Capture | None = None
) -> Exchange:
    """Make an exchange with one line per dialect; raises ConfigurationError, TechnicianError."""
    where = country_named(code)
    makes = [replay.personality(name) for name in dialects]
    prepare(where)
    for digit in PAIRS:
        burst(digit)
    listener = listen(directory)
    outlets = [
        Outlet(Station(number, where, make), directory / f"line{number}", capture)
        for number, make in enumerate(makes, 1)
    ]
    for outlet in outlets[1:]:  # one directory of numbers for all
        outlet.station.line.wire.lines = outlets[0].station.line.wire.lines
    return Exchange(outlets, listener)


def run_exchange(exchange: Exchange, directory: Path) -> Message:
    """Run until stopped, then clean up; gives the final report."""
    exchange.real_time = go_realtime()
    try:
        exchange.run()
        return exchange.status()
    finally:
        exchange.close()
        (directory / "control").unlink(missing_ok=True)


# ---- controller --------------------------------------------------------------------------------
# Commands of one control connection: calls placed, a caller's part played, knobs turned.

HEARD_CHUNK = 800
"""What the caller hears is handed on every 100 ms."""


class Controller:
    """One conversation over the control socket, without the socket."""

    def __init__(self, outlets: Mapping[int, Outlet], status: Callable[[], Message]) -> None:
        self._outlets = outlets
        self._status = status
        self._clips: list[bytearray] = []
        self._out = bytearray()
        self._call: ExchangeCall | None = None
        self._told: set[str] = set()

    def data_to_send(self) -> bytes:
        """Give and forget what the client is to read."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_line(self, line: bytes) -> None:
        """Do what one message asks; a wrong one is answered with a sentence."""
        try:
            self._do(decode_message(line))
        except CentralinoError as error:
            words = getattr(error, "words", None)
            more = {"words": words.by_language()} if words else {}
            self._tell("error", sentence=str(error), **more)

    def hang_up(self) -> None:
        """End the caller's part: the client asked for it, or is gone."""
        if self._call is not None:
            self._call.wants_to_hang_up = True

    def _tell(self, event: str, **more: object) -> None:
        self._out += encode_message({"event": event, **more})

    def _do(self, message: Message) -> None:
        what = text_of(message, "do", "")
        match what:
            case "clip":
                self._clip(message)
            case "call":
                self._place(message)
            case "say" | "press" | "hang-up":
                self._act(what, message)
            case "set":
                self._set(message)
            case "status":
                self._tell("status", status=self._status())
            case _:
                raise ConfigurationError(f"{what!r} is nothing the exchange can do")

    def _outlet(self, message: Message) -> Outlet:
        number = number_of(message, "line")
        if number not in self._outlets:
            raise ConfigurationError(
                _(
                    "line {number} does not exist: lines 1-{last}",
                    number=number,
                    last=len(self._outlets),
                )
            )
        return self._outlets[number]

    def _clip(self, message: Message) -> None:
        if message.get("new") or not self._clips:
            self._clips.append(bytearray())
        self._clips[-1] += sound_of(message)

    def _place(self, message: Message) -> None:
        if self._call is not None:
            raise ConfigurationError("this connection has its call: open another one")
        outlet = self._outlet(message)
        now = time.localtime()
        stamp = {"date": time.strftime("%m%d", now), "time": time.strftime("%H%M", now)}
        plan = plan_of(stamp | message, tuple(bytes(clip) for clip in self._clips))
        self._call = ExchangeCall(plan, outlet.station.number)
        outlet.station.line.place(self._call)
        self._tell("placed", line=outlet.station.number)

    def _act(self, what: str, message: Message) -> None:
        if self._call is None:
            raise ConfigurationError(f"{what}: place a call first")
        if what == "say":
            self._call.say(sound_of(message))
        elif what == "press":
            self._call.press(text_of(message, "digits"))
        else:
            self.hang_up()

    def _set(self, message: Message) -> None:
        outlet = self._outlet(message)
        turned = message.get("knobs")
        if not isinstance(turned, dict):
            raise ConfigurationError("knobs: give an object of names and values")
        turn_knobs(outlet, turned)
        self._tell("done")

    def follow(self) -> None:
        """Tell what has happened to the call since the last tick."""
        call = self._call
        if call is None:
            return
        report = call.report
        if report.ring_start_s is not None:
            self._once("ringing", at_s=report.ring_start_s)
        if report.answered:
            self._once("answered", after_s=report.answered_after_s)
        if len(call.heard) >= HEARD_CHUNK or (call.heard and report.ended_by):
            self._tell("heard", data=base64.b64encode(call.heard).decode())
            call.heard.clear()
        if report.ended_by:
            self._once("released", report=asdict(report))
        if call.done:
            self._once("ended", report=asdict(report))

    def _once(self, event: str, **more: object) -> None:
        if event not in self._told:
            self._told.add(event)
            self._tell(event, **more)


# ---- peer --------------------------------------------------------------------------------------
# One client of the control socket, non-blocking.

READ_SIZE = 65_536
LONGEST_LINE = 1 << 20
LARGEST_BACKLOG = 1 << 24


class ControlPeer:
    """A control connection: its socket, what came in, what must go out."""

    def __init__(self, sock: socket.socket, controller: Controller) -> None:
        self.sock = sock
        self.controller = controller
        self._inward = bytearray()
        self._outward = bytearray()

    def receive(self) -> bool:
        """Read and act; False when the client is gone."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._inward += data
        *lines, rest = self._inward.split(b"\n")
        self._inward = bytearray(rest)
        for line in lines:
            self.controller.receive_line(bytes(line))
        return bool(data) and len(rest) < LONGEST_LINE

    def send(self) -> bool:
        """Send what there is without waiting; False when the client is gone or never reads."""
        self._outward += self.controller.data_to_send()
        if not self._outward:
            return True
        try:
            sent = self.sock.send(self._outward)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        del self._outward[:sent]
        return len(self._outward) < LARGEST_BACKLOG


# ---- control -----------------------------------------------------------------------------------

NUMBER = re.compile(r"\+?[0-9]{1,20}|withheld|unavailable|none")
LONGEST_MS = 3_600_000
LONGEST_TEXT = 64
Message = dict[str, object]
_PLAN_FIELDS = {field.name: field.default for field in fields(CallPlan) if field.name != "clips"}


def encode_message(message: Message) -> bytes:
    """Write one message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode_message(line: bytes) -> Message:
    """Read one line; raises ConfigurationError when it is no JSON object."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # RecursionError: brackets in brackets without end
        raise ConfigurationError("a message is not JSON: send one object a line") from None
    if not isinstance(message, dict):
        raise ConfigurationError("a message is not a JSON object")
    return message


def text_of(message: Message, name: str, default: str | None = None) -> str:
    """Give a text field; raises ConfigurationError when it is missing or no text."""
    value = message.get(name, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is {value!r}: give a text")
    return value


def number_of(message: Message, name: str) -> int:
    """Give a whole-number field; raises ConfigurationError when it is missing or no number."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} is {value!r}: give a whole number")
    return value


def sound_of(message: Message) -> bytes:
    """Give the mu-law bytes of `data`; raises ConfigurationError when it is not base64."""
    text = text_of(message, "data")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; a character beyond ASCII is another
        raise ConfigurationError("data is not base64") from None


def _checked_field(name: str, value: object) -> object:
    default = _PLAN_FIELDS[name]
    kind = int if name == "hang_up_after_ms" else type(default)
    if value is None and default is None:
        return None
    if type(value) is not kind:
        raise ConfigurationError(f"{name} is {value!r}: give a value of type {kind.__name__}")
    return value


def plan_of(message: Message, clips: tuple[bytes, ...]) -> CallPlan:
    """Build a call's plan; raises ConfigurationError in words for what cannot be."""
    given = {name: value for name, value in message.items() if name not in {"do", "line"}}
    unknown = sorted(set(given) - set(_PLAN_FIELDS))
    if unknown:
        raise ConfigurationError(f"{unknown[0]!r} is no field of a call")
    checked = {name: _checked_field(name, value) for name, value in given.items()}
    plan = CallPlan(clips=clips, **checked)  # type: ignore[arg-type]  # each was checked above
    if not NUMBER.fullmatch(plan.caller):
        raise ConfigurationError(
            _(
                "caller {caller!r}: give a number, withheld, unavailable or none",
                caller=plan.caller,
            )
        )
    if plan.release not in RELEASES:
        raise ConfigurationError(f"release {plan.release!r}: use {', '.join(RELEASES)}")
    if plan.id_order not in {"", "before", "after"}:
        raise ConfigurationError(f"id_order {plan.id_order!r}: use before or after")
    if plan.id_fault not in {"", *IDENTITY_FAULTS}:
        raise ConfigurationError(f"id_fault {plan.id_fault!r}: use {', '.join(IDENTITY_FAULTS)}")
    if plan.rings < 1 or plan.digit_ms < 1:
        raise ConfigurationError("rings and digit_ms must be at least 1")
    _check_bounds(checked)
    checked_keys(plan.digits)
    return plan


def _check_bounds(given: Mapping[str, object]) -> None:
    """Refuse what no line could bear: sound without end, a name longer than its length byte."""
    for name, value in given.items():
        if isinstance(value, int) and not 0 <= value <= LONGEST_MS:
            raise ConfigurationError(
                _(
                    "{name} is {value}: give {low} to {high}",
                    name=name,
                    value=value,
                    low=0,
                    high=LONGEST_MS,
                )
            )
        if isinstance(value, str) and not (value.isprintable() and len(value) <= LONGEST_TEXT):
            raise ConfigurationError(
                _(
                    "{name}: give at most {most} printable characters",
                    name=name,
                    most=LONGEST_TEXT,
                )
            )


# ---- realtime ----------------------------------------------------------------------------------
# Real-time priority and locked memory where the system allows them, silently without.

PRIORITY = 30
MCL_CURRENT, MCL_FUTURE = 1, 2


def go_realtime() -> bool:
    """Take SCHED_FIFO 30, lock memory, freeze the collector; tell whether FIFO was granted."""
    gc.collect()
    gc.freeze()
    ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT | MCL_FUTURE)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True


# ---- The click command `dev exchange` -----------------------------------------------------

PATH = click.Path(path_type=Path)


def dialects_for(lines: int, named: str) -> list[str]:
    """Give one dialect per line from `conexant` or `conexant,usr5637`; the last one repeats."""
    names = [name.strip() for name in named.split(",")]
    if len(names) > lines:
        raise ConfigurationError(
            _(
                "{dialects} dialects for {lines} lines: name at most one each",
                dialects=len(names),
                lines=lines,
            )
        )
    return names + names[-1:] * (lines - len(names))


def extensions_of(written: Sequence[str]) -> dict[str, dict[str, object]]:
    """Read `201=busy` or `202=answer,press=1,rings=1,says` as the knob `extensions` wants it.

    Raises ConfigurationError for what has no number and no outcome.
    """
    found: dict[str, dict[str, object]] = {}
    for text in written:
        number, _sign, does = text.partition("=")
        outcome, *more = does.split(",")
        if not number or not outcome:
            raise ConfigurationError(
                _("extension {text!r}: write 201=busy or 202=answer,press=1", text=text)
            )
        found[number] = {"outcome": outcome, **dict(_extension_setting(each) for each in more)}
    return found


def _extension_setting(text: str) -> tuple[str, object]:
    name, _sign, value = text.partition("=")
    if name == "press":
        return name, value
    return name, int(value) if value.isdigit() else True


def _per_line(lines: int, values: Sequence[float]) -> list[float]:
    return [values[min(index, len(values) - 1)] if values else 0.0 for index in range(lines)]


@click.command("exchange")
@click.option("--lines", type=click.IntRange(1, 32), default=2, show_default=True)
@click.option("--directory", type=PATH, required=True, help="Where line1... and control appear.")
@click.option(
    "--dialect",
    default="conexant",
    show_default=True,
    help=f"{' or '.join(PERSONALITIES)}, or a bundle's file; several, with commas, for one each.",
)
@click.option("--country", default="it", show_default=True, type=click.Choice(list(COUNTRIES)))
@click.option("--no-chip-tones", is_flag=True, help="The modems name no busy or dial tone.")
@click.option("--no-chip-dtmf", is_flag=True, help="The modems name no keys.")
@click.option("--echo", nargs=2, type=float, help="Hybrid echo: loss in dB, delay in ms.")
@click.option("--ppm", multiple=True, type=float, help="Crystal error, once a line in order.")
@click.option("--ignore-dtr", is_flag=True, help="Closing a port hangs nothing up.")
@click.option("--pbx", is_flag=True, help="A flash puts the caller on hold, as behind a PBX.")
@click.option(
    "--extension",
    multiple=True,
    help="What a dialled number does: 201=busy, 202=answer,press=1,rings=1; may be repeated.",
)
@click.option("--number", multiple=True, help="What the lines dial to reach each other, in order.")
@click.option("--capture", type=PATH, help="Write every byte with its time, as JSON lines.")
def exchange_command(  # one parameter an option, as click hands them over
    *,
    lines: int,
    directory: Path,
    dialect: str,
    country: str,
    no_chip_tones: bool,
    no_chip_dtmf: bool,
    echo: tuple[float, float] | None,
    ppm: tuple[float, ...],
    ignore_dtr: bool,
    pbx: bool,
    extension: tuple[str, ...],
    number: tuple[str, ...],
    capture: Path | None,
) -> None:
    """Run analog lines ending in voice modems until SIGTERM, then print one line of figures.

    Ends with status 1 if a host ever wrote more than 300 ms of sound ahead.
    """
    turned: dict[str, object] = {
        "chip_tones": not no_chip_tones,
        "chip_dtmf": not no_chip_dtmf,
        "echo": list(echo) if echo else None,
        "ignore_dtr": ignore_dtr,
        "pbx": pbx,
    }
    # A refusal is told by the command line, in the reader's language.
    turned["extensions"] = extensions_of(extension)
    names = dialects_for(lines, dialect)
    record = Capture(capture) if capture else None
    made = build_exchange(directory, names, country, record)
    for outlet, error in zip(made.outlets.values(), _per_line(lines, ppm), strict=True):
        turn_knobs(outlet, turned | {"ppm": error})
    for outlet, digits in zip(made.outlets.values(), number, strict=False):
        turn_knobs(outlet, {"called": digits})
    _run_until_signal(made, directory, record)


def _run_until_signal(made: Exchange, directory: Path, record: Capture | None) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        made.stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    report = run_exchange(made, directory)
    if record:
        record.close()
    click.echo(json.dumps(report))
    if report["failed"]:
        raise SystemExit(1)
