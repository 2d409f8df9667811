"""The carrier process: one thread, one selector; ports, phones' sockets, the link, the clock.

No file, no log, no blocking call: what it has to say goes over the link as values. Nothing is
opened before the desk's Setup. A desk that dies leaves no caller in silence: a prompt, hang up,
idle (ARCHITECTURE.md, Under systemd).
"""

from __future__ import annotations

import math
import os
import select
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

import sdnotify

from appliance.calls import orders
from appliance.carrier import wire
from appliance.carrier.analog import AnalogLine
from appliance.carrier.clock import Ticker, go_realtime
from appliance.carrier.health import HealthMeter
from appliance.carrier.link import Link, Sound
from appliance.carrier.messages import (
    Credit,
    LineSetup,
    MorePrompts,
    Notice,
    Ping,
    Pong,
    RestartLine,
    Setup,
)
from appliance.carrier.phone import PACKETS_A_TURN, PhoneLeg, bind_port
from appliance.carrier.player import PromptMemory, mapped
from appliance.carrier.port import Port
from appliance.carrier.switch import Switch
from appliance.errors import ConfigurationError, PeerError
from appliance.lines.nursery import Nursery

HEALTH_S = 10.0
"""Seconds of calls between two health reports."""
FAREWELL_S = 8.0
"""Seconds a caller whose desk has died is told so, before the line is put on hook."""
WATCHDOG_S = 3.0
LOST = "lost"
"""Name of the play that a dead desk's callers hear."""


class Carrier:
    """Owns the selector; `run` returns when the desk is gone and every line is idle.

    `clock` gives monotonic seconds: the machine's, or a test's own.
    """

    def __init__(
        self,
        nursery: Nursery,
        realtime: str,
        listening: socket.socket | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.selector = selectors.EpollSelector()
        self._phones = select.epoll()
        self._legs: dict[int, PhoneLeg] = {}  # by descriptor
        self._awaits_phones = False
        self._is_orphaned = False
        self.ports: dict[str, Port] = {}
        self.switch = Switch(self._tell, self._prepare, self._retire, self._send_sound)
        self.ticker = Ticker()
        self.health = HealthMeter()
        self._nursery = nursery
        self._realtime = realtime
        self._listening = listening
        self._clock = clock
        self._link: Link | None = None
        self._mask = 0
        self._setup: Setup | None = None
        self._next_port = 0
        self._health_at: float | None = None
        self._farewell_until: float | None = None
        self._notify = sdnotify.SystemdNotifier()
        self._watchdog_at = 0.0
        self.selector.register(nursery, selectors.EVENT_READ, lambda _: self._born())
        if listening is not None:
            self.selector.register(listening, selectors.EVENT_READ, lambda _: self._accept())

    def serve(self, sock: socket.socket) -> None:
        """Take a connection of the desk; an older one is closed.

        The calls of an older desk are seen off to their end: the new one knows nothing of them.
        """
        if self._link is not None:
            self._drop_link()
            self._begin_farewell()
        self._link = Link(sock)
        self._mask = selectors.EVENT_READ
        self.selector.register(sock, self._mask, lambda _: self._hear_desk())
        self._tell(self.switch.snapshot(self._realtime))

    def run(self) -> None:
        """Turn until the desk has gone (as a child) and its callers have been seen off."""
        while not self._finished():
            self.turn()
        self.close()

    def turn(self, limit: float = math.inf) -> None:
        """Wait for something, at most `limit` seconds, and deal with it."""
        is_ready = self._sleep(limit)
        if not self._awaits_phones:
            self._hear_phones()
        for key, mask in self.selector.select(0) if is_ready else ():
            key.data(mask)
        self._due(self._clock())
        for port in self.ports.values():
            port.flush()

    def close(self) -> None:
        """Give everything up; descriptors, phones, keepers."""
        for port in self.ports.values():
            port.close()
        for leg in self.switch.legs.values():
            self._retire(leg)
        self._drop_link()
        self._nursery.close()

    # --- time --------------------------------------------------------------------------------

    def _sleep(self, limit: float) -> bool:
        """Sleep until something is due or ready, or `limit` is over; returns True for ready.

        By select(2), on the selector's own descriptor: epoll counts time in whole milliseconds.
        """
        planned = self._next_deadline()
        wait = min(limit, planned - self._clock())
        timeout = max(0.0, wait) if wait < math.inf else None
        is_ready = bool(select.select((self.selector,), (), (), timeout)[0])
        now = self._clock()
        if now >= planned:
            self.ticker.woken(planned, now)
        return is_ready

    def _next_deadline(self) -> float:
        own = [self.ticker.deadline, self.switch.due_at, self._health_at, self._farewell_until]
        if self._listening is not None:
            own.append(self._watchdog_at)
        times = [port.due_at for port in self.ports.values()]
        times += [at for at in own if at is not None]
        return min(times, default=math.inf)

    def _due(self, now: float) -> None:
        for port in self.ports.values():
            port.timer(now)
        self.ticker.run(now, self.switch.needs_ticks, self.switch.is_clocked)
        self._await_phones(self.ticker.deadline is None or self.switch.is_beginning)
        self.switch.run_joins(now)
        for _ in range(self.ticker.due(now)):
            self.switch.tick(now)
        self._report_health(now)
        self._farewell(now)
        if self._listening is not None and now >= self._watchdog_at:
            self._watchdog_at = now + WATCHDOG_S
            self._notify.notify("WATCHDOG=1")

    def _report_health(self, now: float) -> None:
        busy = self.ticker.deadline is not None
        if self._health_at is None and busy:
            self._health_at = now + HEALTH_S
        elif self._health_at is not None and (now >= self._health_at or not busy):
            report = self.health.report(self.ticker, self.switch, self.ports.values())
            self._health_at = now + HEALTH_S if busy else None
            self._tell(report)

    # --- the desk ----------------------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listening is not None
        sock, _ = self._listening.accept()
        self.serve(sock)

    def _hear_desk(self) -> None:
        link = self._link
        if link is None:
            return
        now = self._clock()
        try:
            for message in link.receive():
                self._take(message, now)
            link.flush()
        except PeerError:
            link.closed = True
        self._after_link(link)

    def _take(self, message: Any, now: float) -> None:
        match message:
            case Ping(number):
                self._tell(Pong(number))
            case Credit(recording, size) if self._link is not None:
                self._link.grant(recording, size)
            case Setup():
                self._set_up(message)
            case MorePrompts():
                self._add_prompts(message)
            case orders.LoadMessage():
                self._load(message)
            case RestartLine(name):
                if name in self.ports:
                    self.ports[name].restart()
            case Sound() | Pong():
                pass  # nothing of the kind goes this way yet
            case _:
                self.switch.order(message, now)

    def _set_up(self, setup: Setup) -> None:
        """Open what the desk names; a line that is set up as before stays as it is."""
        assert self._link is not None
        fds = self._link.take_fds()
        self._setup = setup
        self.switch.prompts = PromptMemory(fds[-1] if fds else None, setup.prompts)
        self.switch.hold_prompts = setup.hold
        for fd in fds:
            os.close(fd)
        for name in set(self.ports) - {line.name for line in setup.lines}:
            self._remove_line(name)
        for line in setup.lines:
            self._set_up_line(line, setup.lead_ms)

    def _add_prompts(self, more: MorePrompts) -> None:
        """Map prompts that came after the Setup; a player keeps what it plays of earlier ones."""
        assert self._link is not None
        fds = self._link.take_fds()
        self.switch.prompts.more = PromptMemory(fds[-1] if fds else None, more.prompts)
        for fd in fds:
            os.close(fd)

    def _load(self, order: orders.LoadMessage) -> None:
        """Map the sound of a message that came as a descriptor."""
        assert self._link is not None
        for fd in self._link.take_fds():
            self.switch.load(order, mapped(fd))
            os.close(fd)

    def _set_up_line(self, setup: LineSetup, lead_ms: int) -> None:
        known = self.switch.lines.get(setup.name)
        if known is not None and known.setup == setup:
            known.retell()
            return
        if known is not None:
            self._remove_line(setup.name)
        try:
            line = AnalogLine(setup, self._tell, self._send_sound, lead_ms)
        except ConfigurationError as error:
            self._tell(Notice(f"line {setup.name} is not set up: {error}", "error"))
            return
        self.switch.lines[setup.name] = line
        port = Port(line, setup.path, self._nursery, self.selector, self._clock)
        self.ports[setup.name] = port
        port.open()

    def _remove_line(self, name: str) -> None:
        self.ports.pop(name).close()
        del self.switch.lines[name]

    def _tell(self, message: Any) -> None:
        link = self._link
        if link is None:
            return
        try:
            link.send(message)
        except PeerError:
            link.closed = True
        self._after_link(link)

    def _send_sound(self) -> Link | None:
        """Give recorders the link of the moment."""
        return self._link

    def _after_link(self, link: Link) -> None:
        if link is not self._link:
            return
        if link.closed:
            self._drop_link()
            self._begin_farewell()
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_to_write else 0)
        if mask != self._mask:
            self._mask = mask
            self.selector.modify(link.socket, mask, lambda _: self._hear_desk())

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self.selector.unregister(link.socket)
            link.close()

    # --- a desk that is gone -----------------------------------------------------------------

    def _begin_farewell(self) -> None:
        """Tell every caller, let every phone go; the lines are put on hook when it was heard."""
        now = self._clock()
        self._farewell_until = now + FAREWELL_S
        prompts = self._setup.lost if self._setup else ()
        self.switch.see_off(LOST, prompts, now)

    def _farewell(self, now: float) -> None:
        if self._farewell_until is None:
            return
        over = now >= self._farewell_until
        self.switch.end_farewell(now, hang_up=over)
        if over:
            self._farewell_until = None

    def _finished(self) -> bool:
        """As a child: over once the desk is gone and no line is in use any more.

        Without a nursery no port can be opened again: over as soon as no line is in use.
        """
        if self._is_orphaned and not self.switch.in_use:
            return True
        if self._link is not None or self._listening is not None:
            return False
        return self._farewell_until is None or not self.switch.in_use

    # --- keepers and phones ------------------------------------------------------------------

    def _born(self) -> None:
        try:
            while (born := self._nursery.receive()) is not None:
                port = self.ports.get(born.line)
                if port is None:
                    born.sock.close()
                else:
                    port.kept_by(born.sock)
        except PeerError as error:
            self.selector.unregister(self._nursery)
            self._is_orphaned = True
            self._tell(Notice(f"{error}; the carrier ends as soon as no line is in use", "error"))

    def _prepare(self, leg: str) -> PhoneLeg:
        assert self._setup is not None
        low, high = self._setup.rtp_ports
        sock = bind_port(self._setup.rtp_address, (low, high), self._next_port)
        phone = PhoneLeg(leg, sock)
        self._next_port = (phone.port - low) // 2 + 1  # a port just freed may still be sent to
        self._legs[sock.fileno()] = phone
        self._phones.register(sock, select.EPOLLIN)
        return phone

    def _retire(self, phone: PhoneLeg) -> None:
        self._phones.unregister(phone.socket)
        del self._legs[phone.socket.fileno()]
        phone.close()

    def _await_phones(self, wanted: bool) -> None:
        """Be woken by phones, or (calls go on) look at them whenever modem or clock wake us.

        Their sound is wanted at the modem's own clock only; being woken by each packet besides
        makes up a quarter (one call) to a half (four) of all wake-ups. A key waits 25 ms at most.
        Only as a line is joined it matters when exactly they come.
        """
        if wanted == self._awaits_phones:
            return
        self._awaits_phones = wanted
        if wanted:
            hear = selectors.EVENT_READ, lambda _: self._hear_phones()
            self.selector.register(self._phones, *hear)
        else:
            self.selector.unregister(self._phones)

    def _hear_phones(self) -> None:
        """Take a packet of each phone in turn: one question more says that nothing is left."""
        now = self._clock()
        for _ in range(PACKETS_A_TURN):
            ready = self._phones.poll(0)
            for descriptor, _ in ready:
                for pressed in self._legs[descriptor].receive(now, 1):
                    self._tell(pressed)
            if not ready:
                return


def main(nursery: Nursery, fd: int | None = None, listening: socket.socket | None = None) -> None:
    """Run the carrier on a connected socket `fd`, or on a listening socket (systemd's).

    The nursery was started before this module was even imported: its keepers are small.
    """
    wire.prepare(reads=wire.ORDERS, writes=wire.FACTS)
    carrier = Carrier(nursery, go_realtime(), listening)
    if fd is not None:
        carrier.serve(socket.socket(fileno=fd))
    else:
        carrier._notify.notify("READY=1")
    carrier.run()
