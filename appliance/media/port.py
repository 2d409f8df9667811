"""A line's serial port in the media gateway: the port server's descriptor, bytes in and out.

Non-blocking reads and writes only. What can block (open, ioctl, close of a wedged port) is done by
the port server, which is abandoned when it hangs (design/processes.md, Why it is divided so).
"""

from __future__ import annotations

import math
import os
import selectors
import socket
from collections.abc import Callable

from appliance.deadlines import earliest, is_due
from appliance.errors import PeerError
from appliance.media.clock import EARLY_S
from appliance.media.line import AnalogLine
from appliance.modem.events import Recovery
from appliance.modem.fork_server import ForkServer
from appliance.modem.port_protocol import (
    DtrDropped,
    PortClosed,
    PortCommand,
    PortFault,
    PortOpened,
    PortServerGone,
    PortTrouble,
    receive_report,
    send_command,
)
from appliance.policy.supervision import RESTART_RULES, Component, RestartHistory
from appliance.text import Words, _

READ_SIZE = 4096
# CDC-ACM has no CTS: refused writes are the only sign of a port that takes nothing (v253.md 4).
# Most bytes that may wait for a port that takes none, 2 s of sound; beyond it the line is lost.
WRITE_LIMIT = 16_384
# These steps are the USB helper's, which runs as root when call control asks; then the modem needs
# time to start.
PAUSE_S = {Recovery.RESET_USB: 8.0, Recovery.POWER_CYCLE: 15.0}
"""Seconds from a recovery step to the next attempt to open the port."""
# Least recovery that can help with a port server's report; it waits for a MISSING port itself.
LEAST = {
    PortFault.BUSY: Recovery.FREE_PORT,
    PortFault.PERMISSION: Recovery.FREE_PORT,
    PortFault.BROKEN: Recovery.REOPEN,
}
# A streaming modem sends 50 frames a second.
MUTE_LIMIT_S = RESTART_RULES[Component.LINE].silent_s
"""Seconds without sound after which a streaming modem counts as stuck."""
MUTE_STEP_S = 0.010
"""Seconds after that limit at which the deadline lies."""
PORT_SERVER_LIMIT_S = RESTART_RULES[Component.PORT_SERVER].silent_s
"""Seconds a port server may take over a command before it is abandoned as hung."""

GONE = _("The line's modem has gone: plug it in again at the same USB port.")
DEAF = _("The modem does not take data any more: unplug it and plug it in again.")
MUTE = _("The modem sends nothing any more in a call: unplug it and plug it in again.")
HUNG = _("The modem's port is stuck: unplug the modem and plug it in again.")
ASKED = _("The technician has asked for the line to be restarted.")


class LinePort:
    """Opens a port by a port server, moves bytes between it and the line, reopens after a loss.

    `due_at` (monotonic s) is when `timer` has something to do.
    """

    def __init__(
        self,
        line: AnalogLine,
        path: str,
        fork_server: ForkServer,
        selector: selectors.BaseSelector,
        clock: Callable[[], float],
    ) -> None:
        self.line = line
        self.stuck_writes = 0
        self.due_at = 0.0
        self._path = path
        self._fork_server = fork_server
        self._selector = selector
        self._clock = clock
        self._fd: int | None = None
        self._server: socket.socket | None = None
        self._out = bytearray()
        self._read_at = 0.0
        self._mask = 0
        self._past = RestartHistory()
        self._retry_at: float | None = None
        self._limit_at: float | None = None
        self._stirred = True

    def open(self) -> None:
        """Request a port server, which opens the port; an older port server is abandoned."""
        self._forget_server()
        self._stirred = True
        self._retry_at = None
        self._limit_at = self._clock() + PORT_SERVER_LIMIT_S
        self._fork_server.ask(self.line.name, self._path)

    def kept_by(self, sock: socket.socket) -> None:
        """Attach the line's new port server, at the other end of `sock`."""
        sock.setblocking(False)
        self._server = sock
        self._selector.register(sock, selectors.EVENT_READ, lambda _: self._report())

    def timer(self, now: float) -> None:
        """Run what is due: the line's timers, a frame's fetch, a retry, a hung port server."""
        if now < self.due_at - EARLY_S:
            return
        self._stirred = True
        deadline = self.line.driver.next_deadline()
        if self._fd is not None and is_due(deadline, now):
            self.line.timer(now)
        if self._fd is not None and self.line.rhythm.is_due(now):
            self._read()
        if self._fd is not None and self.line.expects_sound and now > self._read_at + MUTE_LIMIT_S:
            self._lost(MUTE, Recovery.REOPEN)
        if is_due(self._limit_at, now):
            self._limit_at = None
            # What blocks the driver is beyond a new descriptor (v253.md 4, quirks).
            self._lost(HUNG, Recovery.RESET_USB)
        if is_due(self._retry_at, now):
            self.open()

    def flush(self) -> None:
        """Write the line's pending bytes and update `due_at`; what the port refuses waits."""
        # Called at every wake-up for every port: one that nothing happened to costs nothing
        # (design/sound.md, What a call costs).
        if not (self._stirred or self.line.has_news):
            return
        self._stirred = self.line.has_news = False
        if self._fd is not None:
            self._out += self.line.driver.data_to_send()
            if self._out:
                self._write()
            self._attend()
            self._recover()
        self.due_at = self._next_deadline()

    def _next_deadline(self) -> float:
        times = [self._retry_at, self._limit_at]
        if self._fd is not None:
            times += (self.line.driver.next_deadline(), self.line.rhythm.fetch_at)
            if self.line.expects_sound and self.line.rhythm.fetch_at is None:
                times.append(self._read_at + MUTE_LIMIT_S + MUTE_STEP_S)
        at = earliest(times)
        return math.inf if at is None else at

    def restart(self) -> None:
        """Close and reopen the port at a technician's command; a pending retry runs at once."""
        self._stirred = True
        if self._fd is None:
            self.open()
        else:
            # A modem in a call goes on hook when its port is closed (DTR), or by its start script.
            self._lost(ASKED, Recovery.REOPEN)

    def close(self) -> None:
        """Close the port and abandon its port server."""
        self._forget_fd()
        self._forget_server()
        self._retry_at = self._limit_at = None

    def _readable(self, mask: int) -> None:
        # The selector may name port and port server in the same turn: the other one's handler has
        # closed this one, and an exception here would end the gateway with all its lines.
        if self._fd is None:
            return
        self._stirred = True
        if mask & selectors.EVENT_READ:
            self._read()
        self.flush()

    def _read(self) -> None:
        assert self._fd is not None
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            # A fetch found nothing: the frame scheduler must know that it came too early.
            self.line.receive(b"", self._clock())
            return
        except OSError:
            data = b""
        # End of file is an unplugged modem; "nothing yet" is EAGAIN (VMIN=1, see SerialPort).
        if data:
            self._read_at = self._clock()
            self.line.receive(data, self._read_at)
        else:
            self._lost(GONE, Recovery.PLUG_IN)

    def _write(self) -> None:
        assert self._fd is not None
        try:
            written = os.write(self._fd, self._out)
        except BlockingIOError:
            written = 0
        except OSError:
            self._lost(GONE, Recovery.PLUG_IN)
            return
        del self._out[:written]
        if self._out:
            self.stuck_writes += 1
        if len(self._out) > WRITE_LIMIT:
            self._lost(DEAF, Recovery.REOPEN)

    def _attend(self) -> None:
        """Watch for bytes, unless they are fetched by the clock, and for room to write."""
        if self._fd is None:
            return
        wanted = selectors.EVENT_READ if self.line.rhythm.fetch_at is None else 0
        wanted |= selectors.EVENT_WRITE if self._out else 0
        if wanted == self._mask:
            return
        if self._mask:
            self._selector.unregister(self._fd)
        if wanted:
            self._selector.register(self._fd, wanted, self._readable)
        self._mask = wanted

    def _report(self) -> None:
        """Handle a port server's report; one that makes no sense counts as its end."""
        # Abandoned in the same turn of the selector, when its port was lost (see `_readable`).
        if self._server is None:
            return
        self._stirred = True
        try:
            report = receive_report(self._server)
        except PeerError:
            report = PortServerGone()
        match report:
            case PortOpened(_, descriptor):
                self._opened(descriptor)
            case DtrDropped():
                self._limit_at = None
                self.line.start(self._clock())
                self.flush()
            case PortTrouble(PortFault.MISSING, sentence):
                self._await_modem(sentence)
            case PortTrouble(cause, sentence):
                self._lost(sentence, LEAST[cause])
            case PortServerGone():
                self._lost(GONE, Recovery.PLUG_IN)
            case PortClosed() | None:
                pass

    def _opened(self, descriptor: int) -> None:
        self._forget_fd()
        self._limit_at = None
        self._fd = descriptor
        self._mask = selectors.EVENT_READ
        self._selector.register(descriptor, self._mask, self._readable)
        self.line.start(self._clock())
        self.flush()

    def _recover(self) -> None:
        """Take the step of the recovery ladder that the line needs (v253.md 4)."""
        # Taken once: the next step comes with the next failure.
        needs, self.line.needs = self.line.needs, None
        if needs is None:
            return
        if (
            needs is Recovery.DROP_DTR
            and self._server
            and send_command(self._server, PortCommand.DROP_DTR)
        ):
            self._limit_at = self._clock() + PORT_SERVER_LIMIT_S
        else:
            # No process may hold the port while its USB device is reset.
            self._forget_fd()
            self._forget_server()
            self._retry_after(needs)

    def _lost(self, why: Words, least: Recovery) -> None:
        """Report why the port is lost, close it, retry by a step of the ladder from `least` up."""
        self._forget_fd()
        self._forget_server()
        self._limit_at = None
        self.line.lost(why, self._clock(), least)
        self._recover()

    def _await_modem(self, why: Words) -> None:
        """Report a missing modem; the port server waits for one and opens it."""
        self._forget_fd()
        self._limit_at = None
        self.line.lost(why, self._clock(), Recovery.PLUG_IN)
        # No recovery step: it would end the port server that waits.
        self.line.needs = None

    def _retry_after(self, step: Recovery) -> None:
        """Schedule the next attempt, after a pause that grows with recent failures."""
        now = self._clock()
        # The history outlives a success: a modem that comes up and fails again and again is
        # treated like one that never came up.
        self._retry_at = now + PAUSE_S.get(step, self._past.pause_s(Component.LINE, now))
        self._past = self._past.again(now)

    def _forget_fd(self) -> None:
        fd, self._fd = self._fd, None
        self._out.clear()
        if fd is not None:
            if self._mask:
                self._selector.unregister(fd)
            # The close of a wedged port can block for ever: a reaper does it.
            self._fork_server.close_in_reaper(fd)

    def _forget_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            self._selector.unregister(server)
            server.close()
