"""The carrier process: one thread, one selector; ports, phones' sockets, the link, the clock.

No file, no log, no blocking call: what it has to say goes over the link as values. Nothing is
opened before the desk's Setup. A desk that dies leaves no caller in silence: a prompt, hang up,
idle (architecture.md, What is restarted when).
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
from appliance.carrier.clock import Ticker, go_realtime
from appliance.carrier.desk_side import DeskSide
from appliance.carrier.farewell import Farewell
from appliance.carrier.health import HealthMeter
from appliance.carrier.line_side import LineSide
from appliance.carrier.link import Link, Peer, Sound, peer_of
from appliance.carrier.messages import Credit, MorePrompts, Notice, Ping, Pong, RestartLine, Setup
from appliance.carrier.phone_side import PhoneSide
from appliance.carrier.player import PromptMemory, mapped
from appliance.carrier.switch import Switch
from appliance.errors import PeerError
from appliance.lines.nursery import Nursery

HEALTH_S = 10.0
"""Seconds of calls between two health reports."""
WATCHDOG_S = 1.0
"""How often systemd is told that the loop turns: a fifth of what the unit grants."""


class Carrier:
    """Owns the selector; `run` returns when the desk is gone and every line is idle.

    `clock` gives monotonic seconds: the machine's, or a test's own; so may its `phones` be. Who
    connects to the `listening` socket must be of `account`, the desk's; by default its own.
    """

    def __init__(
        self,
        nursery: Nursery,
        realtime: str,
        listening: socket.socket | None,
        clock: Callable[[], float] = time.monotonic,
        phones: PhoneSide | None = None,
        account: int | None = None,
    ) -> None:
        self.selector = selectors.EpollSelector()
        self.desk = DeskSide(self.selector, self._take, self._begin_farewell)
        self.phones = phones or PhoneSide(self.selector, self.desk.tell)
        self.switch = Switch(
            self.desk.tell, self.phones.prepare, self.phones.retire, lambda: self.desk.link
        )
        self.lines = LineSide(nursery, self.selector, self.switch, self.desk.tell, clock)
        self.farewell = Farewell(self.switch)
        self.ticker = Ticker()
        self.health = HealthMeter()
        self._is_orphaned = False
        self._nursery = nursery
        self._realtime = realtime
        self._listening = listening
        self._account = os.geteuid() if account is None else account
        self._clock = clock
        self._health_at: float | None = None
        self._notify = sdnotify.SystemdNotifier()
        self._watchdog_at = 0.0
        self.selector.register(nursery, selectors.EVENT_READ, lambda _: self._born())
        if listening is not None:
            self.selector.register(listening, selectors.EVENT_READ, lambda _: self._accept())

    def serve(self, sock: socket.socket) -> None:
        """Take a connection of the desk; what is left of an older one is closed.

        The calls of an older desk are seen off to their end: the new one knows nothing of them.
        """
        if self.desk.link is not None:
            self.desk.drop()
            self._begin_farewell()
        self.desk.serve(sock)
        self.desk.tell(self.switch.snapshot(self._realtime))

    def run(self) -> None:
        """Say that it serves, and turn until the desk has gone (as a child) and its callers too."""
        if self._listening is not None:
            self._notify.notify("READY=1")
        while not self._finished():
            self.turn()
        self.close()

    def turn(self, limit: float = math.inf) -> None:
        """Wait for something, at most `limit` seconds, and deal with it."""
        is_ready = self._sleep(limit)
        if not self.phones.may_wake:
            self._hear_phones()
        for key, mask in self.selector.select(0) if is_ready else ():
            key.data(mask)
        self._due(self._clock())
        self.lines.flush()

    def close(self) -> None:
        """Give everything up; descriptors, phones, keepers."""
        self.lines.close()
        for leg in self.switch.legs.values():
            self.phones.retire(leg)
        self.desk.drop()
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
        own = [self.ticker.deadline, self.switch.due_at, self._health_at, self.farewell.until]
        if self._listening is not None:
            own.append(self._watchdog_at)
        return min(self.lines.due_at, *(at for at in own if at is not None), math.inf)

    def _due(self, now: float) -> None:
        self.lines.timer(now)
        self.ticker.run(now, self.switch.needs_ticks, self.switch.is_clocked)
        is_wanted = self.ticker.deadline is None or self.switch.is_beginning
        self.phones.await_(is_wanted, self._hear_phones)
        self.switch.run_joins(now)
        for _ in range(self.ticker.due(now)):
            self.switch.tick(now)
        self._report_health(now)
        self.farewell.look(now)
        if self._listening is not None and now >= self._watchdog_at:
            self._watchdog_at = now + WATCHDOG_S
            self._notify.notify("WATCHDOG=1")

    def _report_health(self, now: float) -> None:
        busy = self.ticker.deadline is not None
        if self._health_at is None and busy:
            self._health_at = now + HEALTH_S
        elif self._health_at is not None and (now >= self._health_at or not busy):
            report = self.health.report(self.ticker, self.switch, self.lines.ports.values())
            self._health_at = now + HEALTH_S if busy else None
            self.desk.tell(report)

    def _hear_phones(self) -> None:
        self.phones.hear(self._clock())

    # --- the desk ----------------------------------------------------------------------------

    def _accept(self) -> None:
        assert self._listening is not None
        sock, _ = self._listening.accept()
        if refusal := self._why_not(peer_of(sock)):
            sock.close()
            self.desk.tell(Notice(refusal, "error"))
        else:
            self.serve(sock)

    def _why_not(self, peer: Peer) -> str:
        """Say why somebody may not give orders to the lines, "" for the desk.

        A desk that is there is never replaced: with it a caller would be cut off.
        """
        if peer.account != self._account:
            return (
                f"process {peer.process} of the account number {peer.account} wanted to give "
                "orders to the lines, which is the switchboard's service's alone: it was refused"
            )
        if self.desk.link is not None and self.desk.link.has_peer:
            return (
                f"process {peer.process} wanted to give orders to the lines, which this service "
                "does: it was refused; a second switchboard must not be started"
            )
        return ""

    def _take(self, message: Any) -> None:
        match message:
            case Ping(number):
                self.desk.tell(Pong(number))
            case Credit(recording, size):
                self.desk.grant(recording, size)
            case Setup():
                self._set_up(message)
            case MorePrompts():
                # a player keeps what it plays of earlier ones
                self.switch.prompts.more = self._prompts(message)
            case orders.LoadMessage():
                self._load(message)
            case RestartLine(name):
                self.lines.restart(name)
            case Sound() | Pong():
                pass  # nothing of the kind goes this way yet
            case _:
                self.switch.order(message, self._clock())

    def _set_up(self, setup: Setup) -> None:
        self.phones.setup = setup
        self.switch.prompts = self._prompts(setup)
        self.switch.hold_prompts = setup.hold
        self.lines.set_up(setup, self._link)

    def _link(self) -> Link | None:
        return self.desk.link

    def _prompts(self, told: Setup | MorePrompts) -> PromptMemory:
        """Map the prompts that came as a descriptor."""
        fds = self.desk.take_fds()
        memory = PromptMemory(fds[-1] if fds else None, told.prompts)
        for fd in fds:
            os.close(fd)
        return memory

    def _load(self, order: orders.LoadMessage) -> None:
        """Map the sound of a message that came as a descriptor."""
        for fd in self.desk.take_fds():
            self.switch.load(order, mapped(fd))
            os.close(fd)

    # --- its end -----------------------------------------------------------------------------

    def _begin_farewell(self) -> None:
        setup = self.phones.setup
        self.farewell.begin(setup.lost if setup else (), self._clock())

    def _finished(self) -> bool:
        """As a child: over once the desk is gone and no line is in use any more.

        Without a nursery no port can be opened again: over as soon as no line is in use.
        """
        if self._is_orphaned and not self.switch.in_use:
            return True
        if self.desk.link is not None or self._listening is not None:
            return False
        return self.farewell.until is None or not self.switch.in_use

    def _born(self) -> None:
        try:
            self.lines.born()
        except PeerError as error:
            self.selector.unregister(self._nursery)
            self._is_orphaned = True
            words = f"{error}; the carrier ends as soon as no line is in use"
            self.desk.tell(Notice(words, "error"))


def main(
    nursery: Nursery,
    fd: int | None = None,
    listening: socket.socket | None = None,
    account: int | None = None,
) -> None:
    """Run the carrier on a connected socket `fd`, or on a listening socket (systemd's) for
    `account`.

    The nursery was started before this module was even imported: its keepers are small.
    """
    wire.prepare(reads=wire.ORDERS, writes=wire.FACTS)
    carrier = Carrier(nursery, go_realtime(), listening, account=account)
    if fd is not None:
        carrier.serve(socket.socket(fileno=fd))
    carrier.run()
