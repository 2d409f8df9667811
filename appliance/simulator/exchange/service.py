"""The exchange's process: one loop over ports, the control socket and an absolute 10 ms tick."""

from __future__ import annotations

import fcntl
import os
import select
import selectors
import socket
import struct
import termios
import time
import tty
from collections import deque
from typing import TYPE_CHECKING

from appliance.simulator.exchange.exchange import Controller, Peer
from appliance.simulator.exchange.modem_protocol import PLAYING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from appliance.simulator.exchange.control import Capture, Message
    from appliance.simulator.exchange.premises import Station


# ---- port --------------------------------------------------------------------------------------
# The serial port a modem is reached by: the master side of a PTY and a link to its slave.

PENDING_LIMIT = 800
"""Bytes held for a host that does not read (100 ms of mu-law); beyond it sound is dropped."""

HARD_LIMIT = 65_536


class Port:
    """One PTY, non-blocking, raw; `link` points to the slave while the port exists."""

    def __init__(self, link: Path) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self._poll = select.poll()
        self._poll.register(self.master, 0)
        self._pending = bytearray()
        self._link = link
        link.unlink(missing_ok=True)
        link.symlink_to(self.name)

    @property
    def is_open(self) -> bool:
        """True while a host has the port open."""
        return not self._poll.poll(0)

    @property
    def host_reads(self) -> bool:
        """False while the host leaves too much unread."""
        return len(self._pending) < PENDING_LIMIT

    @property
    def waiting(self) -> int:
        """Bytes the host wrote that lie in the PTY, as far as the kernel tells (4 KB at most)."""
        return int(struct.unpack("i", fcntl.ioctl(self.master, termios.FIONREAD, b"\0\0\0\0"))[0])

    def read(self, most: int) -> bytes:
        """Give up to `most` bytes, nothing when there are none or the host has closed."""
        if most <= 0:
            return b""
        try:
            return os.read(self.master, most)
        except OSError:  # EAGAIN: nothing there; EIO: closed
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes without ever waiting; what does not go now goes with a later call."""
        if len(self._pending) < HARD_LIMIT:
            self._pending += data
        if not self._pending:
            return
        try:
            sent = os.write(self.master, self._pending)
        except OSError:  # EAGAIN: the PTY is full; EIO: closed
            return
        del self._pending[:sent]

    def forget(self) -> None:
        """Drop what was not sent: the host has closed the port."""
        self._pending.clear()

    def close(self) -> None:
        """Unplug: the host reads an end of file or an error; the link goes."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)


# ---- outlet ------------------------------------------------------------------------------------
# A station behind its port: moves bytes between them and keeps the figures of both.

BACKLOG_LIMIT_MS = 300
"""More sound than this ahead of the codec fails the run."""


class Outlet:
    """One line as the host meets it. `now` is in monotonic seconds."""

    def __init__(
        self,
        station: Station,
        link: Path,
        capture: Capture | None = None,
        make_port: Callable[[Path], Port] = Port,
    ) -> None:
        self.station = station
        self.link = link
        self._make_port = make_port
        self.port: Port | None = make_port(link)
        self.wedged = False
        self.ignore_dtr = False
        self.greatest_backlog_ms = 0.0
        self._capture = capture
        self._was_open = False
        self._last_name = ""

    @property
    def reads_commands(self) -> bool:
        """True when the port should be read as soon as something comes, not at the next tick."""
        return self._was_open and not self.wedged and not self.station.modem.streaming

    def tick(self, seconds: float, now: float) -> None:
        """Read what the modem takes, run the line, write what the host gets."""
        station = self.station
        n = station.samples_in(seconds)
        port = self.port
        if port is None:
            station.tick(n, now)
            return
        self._follow_opening(port, now)
        self._read(port, now)
        station.modem.host_reads = port.host_reads
        station.tick(n, now)
        self._write(port, now)

    def serve(self, now: float) -> None:
        """Take commands between ticks and answer at once."""
        if self.port is not None:
            self._read(self.port, now)
            self._write(self.port, now)

    def _follow_opening(self, port: Port, now: float) -> None:
        is_open = port.is_open
        if is_open == self._was_open:
            return
        if not is_open:
            self._read(port, now)
            port.forget()
            if not self.ignore_dtr:
                self.station.modem.drop_dtr()
        self._was_open = is_open

    def _read(self, port: Port, now: float) -> None:
        if not self._was_open or self.wedged:
            return
        modem = self.station.modem
        data = port.read(modem.room)
        if data:
            if self._capture:
                self._capture.write(self.station.number, "host", data, now)
            modem.receive_data(data, now)
        if modem.state in PLAYING:
            self._measure(port)

    def _measure(self, port: Port) -> None:
        """Keep the greatest lead: the modem's buffer and what still lies in the PTY."""
        playout = self.station.modem.playout
        backlog = playout.fill_ms
        if not playout.room:
            backlog += playout.ms(port.waiting)
        self.greatest_backlog_ms = max(self.greatest_backlog_ms, backlog)

    def _write(self, port: Port, now: float) -> None:
        data = self.station.modem.data_to_send()
        if self.wedged or not self._was_open:
            return
        if data and self._capture:
            self._capture.write(self.station.number, "modem", data, now)
        port.write(data)

    def unplug(self) -> None:
        """Take the modem away: port, power and call are gone."""
        if self.port is None:
            return
        self._last_name = self.port.name
        self.port.close()
        self.port = None
        self._was_open = False
        self.station.power_cycle()

    def plug_in(self) -> None:
        """Bring the modem back, on a new PTY of another number than the last."""
        if self.port is not None:
            return
        self.port = self._make_port(self.link)
        if self.port.name == self._last_name:
            taken = self.port
            self.port = self._make_port(self.link)  # the same number cannot be given twice
            os.close(taken.master)

    def close(self) -> None:
        """Remove the port for good."""
        if self.port is not None:
            self.port.close()
            self.port = None

    def report(self) -> dict[str, object]:
        """Give the figures of this line, for `status` and the final report."""
        modem, line = self.station.modem, self.station.line
        return {
            "line": self.station.number,
            "dialect": modem.personality.name,
            "port": self.port.name if self.port else "",
            "open": self._was_open,
            "modem": str(modem.state),
            "off_hook": modem.off_hook,
            "line_state": str(line.state),
            "volts": line.volts,
            "calls": line.calls,
            "last_dialled": line.last_dialled,
            "reached_ms": line.reached_ms,
            "backlog_ms": round(modem.playout.fill_ms, 1) if modem.state in PLAYING else 0.0,
            "greatest_backlog_ms": round(self.greatest_backlog_ms, 1),
            "underruns": modem.underruns,
            "overruns": modem.overruns,
            "dropped_bytes": modem.dropped,
            "protocol_faults": dict(modem.guard.faults),
            "last_faults": list(modem.guard.last),
        }


# ---- service -----------------------------------------------------------------------------------

TICK = 0.01
LATE = 0.05
"""Seconds late beyond which a tick is told apart: what lies ahead in a modem has run out soon."""
STALLS = 100
FORGIVEN = 5.0
"""Seconds late beyond which the clock starts anew: the machine slept."""


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
        self._peers: list[Peer] = []
        self._selector = selectors.SelectSelector()  # microseconds, where epoll waits whole ms
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._watched: dict[int, int] = {}

    def run(self) -> None:
        """Tick until `stopping`; lateness is measured from the moment a tick was due."""
        due = time.monotonic() + TICK
        while not self.stopping:
            for key, _ in self._selector.select(max(due - time.monotonic(), 0)):
                key.data()
            now = time.monotonic()
            if now - due > LATE:
                self._stalls.append((self.ticks, round((now - due) * 1000, 1)))
            if now - due > FORGIVEN:
                due = now
            while now >= due:
                self.worst_lateness = max(self.worst_lateness, now - due)
                self._tick(now)
                due += TICK

    def _tick(self, now: float) -> None:
        self.ticks += 1
        for outlet in self.outlets.values():
            outlet.tick(TICK, now)
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
        peer = Peer(sock, Controller(self.outlets, self.status))
        self._peers.append(peer)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(peer))

    def _receive(self, peer: Peer) -> None:
        for outlet in self.outlets.values():
            self._unwatch(outlet)  # a knob may close the port that is watched
        if not peer.receive() or not peer.send():
            self._drop(peer)

    def _drop(self, peer: Peer) -> None:
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
