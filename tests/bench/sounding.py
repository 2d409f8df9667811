"""Sound between modem and phone: how late, how even, how much of the processor; and messages."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.workers import Worker
from tests.bench import machine, ports, wire
from tests.bench.office import NO_SYS_NICE, BenchBox, noise
from tests.bench.ports import HOST, MODEM
from tests.bench.table import Row, row
from tests.helpers.box import wait

SETTLE_S = 2.0
"""The first seconds of a call are not looked at: buffers find their place."""
FRAME_MS = 20.0
LEAD_MS = 60.0
HOGS = 4
PROBE = 40
"""Bytes of a packet by which it is found again."""
EVEN = ("p99", 2.0)
PER_CALL = ("p50", 0.5)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which so many calls went on; CPU shares of all our processes."""

    name: str
    calls: int
    begin: float
    end: float
    shares: tuple[float, ...]


class LeadWatch:
    """Asks the exchange ten times a second how much sound lies ahead in each modem."""

    def __init__(self, directory: Path) -> None:
        self.leads: list[float] = []
        self._directory = directory
        self._worker = Worker("lead", self._work)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch as long as the block runs."""
        self._worker.start()
        try:
            yield
        finally:
            self._worker.stop()

    def _work(self) -> None:
        with process.ControlConnection(self._directory) as connection:
            while not self._worker.stopping.wait(0.1):
                status = connection.ask({"do": "status"})["status"]
                assert isinstance(status, dict)
                self.leads += [line["backlog_ms"] for line in status["lines"] if line["backlog_ms"]]


def rows(folder: Path, seconds: float) -> list[Row]:
    """Bridge 1, 4 and 8 calls; load the machine; then let eight callers leave a message."""
    box = BenchBox(folder / "sounding", lines=8, silent_lines=8)
    windows: list[Window] = []
    calls: list[process.RunningCall] = []
    with box, wire.Wire(box.address) as tap:
        watch = LeadWatch(box.folder / "lines")
        with watch.watching():
            for count, more in ((1, 1), (4, 3), (8, 4)):
                calls += bridge(box, count - more + 1, count)
                windows.append(window(box, f"{count} calls", count, seconds))
            with machine.hogs(HOGS):
                windows.append(window(box, f"8 calls, {HOGS} hogs", 8, seconds))
        _end_calls(box, calls)
        stored = _leave_messages(box)
    underruns = sum(line["underruns"] for line in _lines(box))
    captured = box.captured
    quiet = windows[:3]
    return [
        *_delay_rows(captured, tap, quiet),
        row("lead inside the modem", watch.leads, aim=("max", LEAD_MS)),
        row("lead used up, of 60 ms", (LEAD_MS - lead for lead in watch.leads), aim=("max", 59.9)),
        row("underruns of all modems", [underruns], "", ("max", 0.0)),
        row("lateness of the exchange itself, at worst", [box.ruler_late_ms]),
        *(even_row(tap, window) for window in windows),
        *(_share_row(window) for window in quiet),
        row("message: release noticed -> stored", stored, aim=("max", 1000.0)),
    ]


def rows_without_realtime(folder: Path, seconds: float) -> list[Row]:
    """Four calls with the media gateway refused real time; exchange and phones keep theirs."""
    box = BenchBox(folder / "modest", lines=4, silent_lines=4, prefix=NO_SYS_NICE)
    with box, wire.Wire(box.address) as tap:
        refused = not machine.is_realtime(box.gateway)
        bridge(box, 1, 4)
        windows = [window(box, "4 calls, no real time", 4, seconds)]
        with machine.hogs(HOGS):
            windows.append(window(box, f"4 calls, no real time, {HOGS} hogs", 4, seconds))
    assert refused, "setpriv did not take the right away"
    return [even_row(tap, window) for window in windows]


# --- the calls ----------------------------------------------------------------------------------


def bridge(box: BenchBox, first: int, last: int) -> list[process.RunningCall]:
    """Place calls on lines, one after the other, each answered by the operator of its number."""
    calls = []
    for number in range(first, last + 1):
        phone = box.phone(f"op{number}")
        phone.say(noise(30.0, 100 + number), repeat=True)
        phone.answer_mode("auto", 700)
        plan = CallPlan(
            clips=(noise(30.0, number),), repeat_say=True, hang_up_after_ms=600_000, release="loop"
        )
        calls.append(box.place(number, plan))
        calls[-1].wait_for("answered", 30.0)
        phone.answer_mode("busy")
    return calls


def window(box: BenchBox, name: str, calls: int, seconds: float) -> Window:
    """Let calls go on for a while; what they cost meanwhile."""
    wait(SETTLE_S)
    begin = time.monotonic()
    shares = machine.cpu_shares(box.processes(), seconds)
    return Window(name, calls, begin, time.monotonic(), tuple(shares))


def _end_calls(box: BenchBox, calls: list[process.RunningCall]) -> None:
    for call in calls:
        call.hang_up()
    box.wait_until(box.is_idle, 30.0, "the lines did not become idle again")


def _leave_messages(box: BenchBox) -> list[float]:
    """Close the switchboard; a message on every line at once."""
    box.ask("SetClosed", on=True, by="bench", until=None)
    plan = CallPlan(clips=(noise(6.0, 99),), after_quiet_ms=900, release="loop")
    calls = [box.place(number, plan) for number in range(1, box.lines + 1)]
    for call in calls:
        call.wait(120.0)
    box.wait_until(box.is_idle, 30.0, "the lines did not become idle after the messages")
    times: list[float] = box.ask("figures")["figures"].get("recorded_to_stored", [])
    return times


# --- what was seen ------------------------------------------------------------------------------


def _lines(box: BenchBox) -> list[dict[str, int]]:
    lines = box.exchange.report["lines"]
    assert isinstance(lines, list)
    return lines


def _delay_rows(captured: ports.Ports, tap: wire.Wire, windows: list[Window]) -> list[Row]:
    lines = {invite.rtp_port: invite.line for invite in wire.invites(tap.packets)}
    to_phone, to_modem = [], []
    for packet in _rtp(tap, windows):
        if line := lines.get(packet.source[1]):
            to_phone.append(_delay(ports.side(captured, line, MODEM), packet, -ports.REACH, 0.0))
        elif line := lines.get(packet.target[1]):
            to_modem.append(_delay(ports.side(captured, line, HOST), packet, 0.0, ports.REACH))
    return [
        row(
            "sound modem -> RTP, a packet's oldest sample",
            (-late for late in to_phone if late is not None),
            aim=("p95", 30.0),
            note=tap.trouble,
        ),
        row(
            "RTP -> byte read by the modem (its 10 ms tick included)",
            (late for late in to_modem if late is not None),
            aim=("p95", 45.0),
            note=tap.trouble,
        ),
    ]


def _delay(side: ports.Side, packet: wire.Packet, begin: float, end: float) -> float | None:
    """Return in ms how much later than the packet its first byte passed the port."""
    sound = packet.data[wire.RTP_HEADER : wire.RTP_HEADER + PROBE]
    passed = side.passed(sound, packet.at + begin, packet.at + end)
    return None if passed is None else (passed - packet.at) * 1000


def _rtp(tap: wire.Wire, windows: list[Window]) -> Iterator[wire.Packet]:
    for packet in tap.packets:
        if packet.is_rtp and any(w.begin <= packet.at <= w.end for w in windows):
            yield packet


def even_row(tap: wire.Wire, window: Window) -> Row:
    """How far from 20 ms after the one before each of the box's packets left."""
    boxes = {invite.rtp_port for invite in wire.invites(tap.packets)}
    last: dict[int, float] = {}
    off = []
    for packet in _rtp(tap, [window]):
        port = packet.source[1]
        if port in boxes:
            if port in last:
                off.append(abs((packet.at - last[port]) * 1000 - FRAME_MS))
            last[port] = packet.at
    return row(f"RTP send interval off 20 ms, {window.name}", off, aim=EVEN, note=tap.trouble)


def _share_row(window: Window) -> Row:
    shares = [share / window.calls for share in window.shares]
    return row(f"CPU per bridged call, {window.name}", shares, "% of a core", PER_CALL)
