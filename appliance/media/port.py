"""A line's port in the carrier: the descriptor a keeper handed over, its bytes in and out.

Non-blocking reads and writes only; whatever can block (open, ioctl, close of a wedged port) is the
keeper's, which is abandoned when it hangs (design/processes.md, Why it is divided so).
"""

from __future__ import annotations

import math
import os
import selectors
import socket
from collections.abc import Callable

from appliance.errors import PeerError
from appliance.media.clock import EARLY_S
from appliance.media.line import AnalogLine
from appliance.modem.events import Recovery, Sentence
from appliance.modem.fork_server import (
    DtrDropped,
    ForkServer,
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

READ_SIZE = 4096
WRITE_LIMIT = 16_384
"""Bytes that may wait for a port that does not take them: 2 s of sound. Then the line is lost."""
PAUSE_S = {Recovery.RESET_USB: 8.0, Recovery.POWER_CYCLE: 15.0}
"""Seconds left to the desk's helper for a step, and to the modem to start, before the next one."""
LEAST = {
    PortFault.BUSY: Recovery.FREE_PORT,
    PortFault.PERMISSION: Recovery.FREE_PORT,
    PortFault.BROKEN: Recovery.REOPEN,
}
"""The least that can help with what a keeper reports; a MISSING port it waits for by itself."""
MUTE_LIMIT_S = RESTART_RULES[Component.LINE].silent_s
"""A modem that should send sound (50 frames a second) and sends none for so long is stuck."""
MUTE_STEP_S = 0.010
"""How long after that limit it is looked at, whatever else goes on."""
KEEPER_LIMIT_S = RESTART_RULES[Component.PORT_SERVER].silent_s
"""Seconds a keeper may take over an order before it is abandoned as hung."""

GONE = Sentence(
    "Il modem della linea non c'è più: ricollegarlo alla stessa porta USB.",
    "The line's modem has gone: plug it in again at the same USB port.",
)
DEAF = Sentence(
    "Il modem non accetta più dati: scollegarlo e ricollegarlo.",
    "The modem does not take data any more: unplug it and plug it in again.",
)
MUTE = Sentence(
    "Il modem non manda più nulla durante una chiamata: scollegarlo e ricollegarlo.",
    "The modem sends nothing any more in a call: unplug it and plug it in again.",
)
HUNG = Sentence(
    "La porta del modem è bloccata: scollegare e ricollegare il modem.",
    "The modem's port is stuck: unplug the modem and plug it in again.",
)
ASKED = Sentence(
    "Riavvio della linea chiesto dal tecnico.",
    "The technician has asked for the line to be restarted.",
)


class LinePort:
    """Opens through a keeper, pumps bytes between descriptor and line, starts over after a loss."""

    def __init__(
        self,
        line: AnalogLine,
        path: str,
        nursery: ForkServer,
        selector: selectors.BaseSelector,
        clock: Callable[[], float],
    ) -> None:
        self.line = line
        self.stuck_writes = 0
        self.due_at = 0.0
        self._path = path
        self._nursery = nursery
        self._selector = selector
        self._clock = clock
        self._fd: int | None = None
        self._keeper: socket.socket | None = None
        self._out = bytearray()
        self._read_at = 0.0
        self._mask = 0
        self._past = RestartHistory()
        self._retry_at: float | None = None
        self._limit_at: float | None = None
        self._stirred = True

    def open(self) -> None:
        """Ask for a keeper, which opens the port; an older keeper is abandoned."""
        self._forget_keeper()
        self._stirred = True
        self._retry_at = None
        self._limit_at = self._clock() + KEEPER_LIMIT_S
        self._nursery.ask(self.line.name, self._path)

    def kept_by(self, sock: socket.socket) -> None:
        """The nursery gave birth to this line's keeper."""
        sock.setblocking(False)
        self._keeper = sock
        self._selector.register(sock, selectors.EVENT_READ, lambda _: self._report())

    def timer(self, now: float) -> None:
        """Do what is due: the line's own timers, a frame, a retry, a hung keeper."""
        if now < self.due_at - EARLY_S:
            return
        self._stirred = True
        deadline = self.line.driver.next_deadline()
        if self._fd is not None and deadline is not None and now >= deadline:
            self.line.timer(now)
        if self._fd is not None and self.line.rhythm.is_due(now):
            self._read()
        if self._fd is not None and self.line.expects_sound and now > self._read_at + MUTE_LIMIT_S:
            self._lost(MUTE, Recovery.REOPEN)
        if self._limit_at is not None and now >= self._limit_at:
            self._limit_at = None
            # What blocks the driver is beyond a new descriptor (v253.md 4, quirks).
            self._lost(HUNG, Recovery.RESET_USB)
        if self._retry_at is not None and now >= self._retry_at:
            self.open()

    def flush(self) -> None:
        """Write what the line has to say; what the port does not take waits, within a bound.

        A port that nothing happened to is passed over; else `due_at` is when `timer` is due.
        """
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
        return min((at for at in times if at is not None), default=math.inf)

    def restart(self) -> None:
        """Close the port and open it again as somebody asked; what is being tried is tried now.

        A modem in a call falls on hook as its port is closed (DTR) or is put on hook as it starts.
        """
        self._stirred = True
        if self._fd is None:
            self.open()
        else:
            self._lost(ASKED, Recovery.REOPEN)

    def close(self) -> None:
        """Give the port up."""
        self._forget_fd()
        self._forget_keeper()
        self._retry_at = self._limit_at = None

    # --- bytes -------------------------------------------------------------------------------

    def _readable(self, mask: int) -> None:
        if self._fd is None:
            return  # its keeper, heard in the same turn of the selector, has lost it
        self._stirred = True
        if mask & selectors.EVENT_READ:
            self._read()
        self.flush()

    def _read(self) -> None:
        assert self._fd is not None
        try:
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            self.line.receive(b"", self._clock())
            return
        except OSError:
            data = b""
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
        """Be woken by bytes, unless they are fetched by the clock, and by room to write."""
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

    # --- keeper ------------------------------------------------------------------------------

    def _report(self) -> None:
        """Take what the keeper reports; nonsense is a keeper that is abandoned."""
        if self._keeper is None:
            return  # abandoned in the same turn of the selector, when its port was lost
        self._stirred = True
        try:
            report = receive_report(self._keeper)
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
        """Climb the recovery ladder when the line asks for it (v253.md 4)."""
        needs, self.line.needs = self.line.needs, None
        if needs is None:
            return
        if (
            needs is Recovery.DROP_DTR
            and self._keeper
            and send_command(self._keeper, PortCommand.DROP_DTR)
        ):
            self._limit_at = self._clock() + KEEPER_LIMIT_S
        else:
            self._forget_fd()
            self._forget_keeper()  # nobody may hold the port while its USB device is reset
            self._retry_after(needs)

    def _lost(self, why: Sentence, least: Recovery) -> None:
        """The port is of no use: say why, free it, try again by a higher step of the ladder."""
        self._forget_fd()
        self._forget_keeper()
        self._limit_at = None
        self.line.lost(why, self._clock(), least)
        self._recover()

    def _await_modem(self, why: Sentence) -> None:
        """There is no modem at the port: its keeper waits for one and opens it."""
        self._forget_fd()
        self._limit_at = None
        self.line.lost(why, self._clock(), Recovery.PLUG_IN)
        self.line.needs = None

    def _retry_after(self, step: Recovery) -> None:
        """Try again after a pause, the longer the more often the line has failed of late.

        A modem that comes up and fails again and again counts as one that never came up.
        """
        now = self._clock()
        self._retry_at = now + PAUSE_S.get(step, self._past.pause_s(Component.LINE, now))
        self._past = self._past.again(now)

    def _forget_fd(self) -> None:
        fd, self._fd = self._fd, None
        self._out.clear()
        if fd is not None:
            if self._mask:
                self._selector.unregister(fd)
            self._nursery.bury(fd)  # the close of a wedged port can block for ever

    def _forget_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            self._selector.unregister(keeper)
            keeper.close()
