"""The media gateway process: one thread, one selector; ports, RTP sockets, link, clock.

No file, no log, no blocking call: what it reports goes over the link as values. Nothing is opened
before call control's Setup.
"""

from __future__ import annotations

import math
import os
import select
import selectors
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import sdnotify

from appliance.calls import orders
from appliance.dsp.wav import FRAME_SAMPLES
from appliance.errors import ConfigurationError, PeerError
from appliance.media import link
from appliance.media.clock import Ticker, go_realtime
from appliance.media.line import AnalogLine
from appliance.media.link import Link, Peer, RecordedSound, peer_of
from appliance.media.messages import (
    Credit,
    LineSetup,
    MorePrompts,
    Notice,
    Ping,
    Pong,
    RestartLine,
    Setup,
    StillRinging,
)
from appliance.media.phone_leg import PhoneSockets
from appliance.media.playback import PromptMemory, map_sound
from appliance.media.port import LinePort
from appliance.media.switch import Switch, Tell
from appliance.modem.fork_server import ForkServer
from appliance.policy.supervision import MediaHealth


class CallControlConnection:
    """The gateway's connection to call control, one at a time, in the gateway's selector.

    `take` is called with each message, `gone` when the peer has died or has left too much unread;
    not after `drop`. Never raises.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        take: Callable[[Any], None],
        gone: Callable[[], None],
    ) -> None:
        self._selector = selector
        self._take = take
        self._gone = gone
        self._mask = 0
        self.link: Link | None = None

    def serve(self, sock: socket.socket) -> None:
        """Use the connected socket `sock`; no other connection may be open."""
        self.link = Link(sock)
        self._mask = selectors.EVENT_READ
        self._selector.register(sock, self._mask, lambda _: self._hear())

    def tell(self, message: Any) -> None:
        """Send a message; discard it without a connection."""
        link = self.link
        if link is None:
            return
        try:
            link.send(message)
        except PeerError:
            # Raised when 1000 messages are unread: the peer counts as dead (design/call.md).
            link.closed = True
        self._look_after(link)

    def grant(self, recording: str, size: int) -> None:
        """Allow `size` more bytes of a recording's sound to be sent."""
        if self.link is not None:
            self.link.grant(recording, size)

    def take_fds(self) -> list[int]:
        """Return the descriptors that came with the message; the caller closes them."""
        return self.link.take_fds() if self.link is not None else []

    def drop(self) -> None:
        """Close the connection, if there is one."""
        link, self.link = self.link, None
        if link is not None:
            self._selector.unregister(link.socket)
            link.close()

    def _hear(self) -> None:
        link = self.link
        if link is None:
            return
        try:
            for message in link.receive():
                self._take(message)
            link.flush()
        except PeerError:
            link.closed = True
        self._look_after(link)

    def _look_after(self, link: Link) -> None:
        # Handling a message may have dropped this link, or replaced it.
        if link is not self.link:
            return
        if link.closed:
            self.drop()
            self._gone()
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_to_write else 0)
        if mask != self._mask:
            self._mask = mask
            self._selector.modify(link.socket, mask, lambda _: self._hear())


# Callers of a call control that has died hear a sentence instead of silence
# (design/failures.md, What must hold when things fail).
FAREWELL_S = 8.0
"""Most seconds of the farewell announcement, after which the line is put on hook."""
LOST = "lost"
"""Name of the play (`orders.Play.play`) of the farewell announcement."""


class CallFarewell:
    """Ends all calls after call control has died; a second death starts it anew."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self.until: float | None = None
        """Latest end (monotonic s) of the farewell, None while there is none."""

    def begin(self, prompts: tuple[str, ...], now: float) -> None:
        """Play `prompts` to every caller on a line, release every phone."""
        self.until = now + FAREWELL_S
        self._switch.see_off(LOST, prompts, now)

    def look(self, now: float) -> None:
        """Put on hook the lines whose announcement has ended; after `FAREWELL_S` all of them."""
        if self.until is None:
            return
        over = now >= self.until
        self._switch.end_farewell(now, hang_up=over)
        if over:
            self.until = None


class HealthMeter:
    """Turns running counters into the figures of one period: lateness, lead, losses."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def report(self, ticker: Ticker, switch: Switch, ports: Iterable[LinePort]) -> MediaHealth:
        """Return the figures since the last report and start a new period."""
        lateness = ticker.lateness
        lines = list(switch.lines.values())
        lead = [line.take_least_lead() for line in lines if line.call is not None]
        jitter = [leg.jitter.counters for leg in switch.legs.values()]
        health = MediaHealth(
            ticks=len(lateness.samples),
            late_p50=round(lateness.percentile(0.5), 3),
            late_p99=round(lateness.percentile(0.99), 3),
            late_max=round(lateness.percentile(1.0), 3),
            lead_min=float(min(lead, default=0)),
            underruns=self._since("underruns", sum(line.lead.underruns for line in lines)),
            overruns=self._since("overruns", sum(line.overruns for line in lines)),
            jitter_lost=sum(counters.lost for counters in jitter),
            jitter_dropped=sum(counters.dropped for counters in jitter) // FRAME_SAMPLES,
            stuck_writes=self._since("stuck", sum(port.stuck_writes for port in ports)),
        )
        lateness.clear()
        return health

    def _since(self, what: str, total: int) -> int:
        before = self._before.get(what, 0)
        self._before[what] = total
        # A line that was removed, or set up anew, takes its counters with it: the sum may fall.
        return max(0, total - before)


class LinePorts:
    """Owns the serial ports of the Setup by line name; the lines belong to the switch."""

    def __init__(
        self,
        fork_server: ForkServer,
        selector: selectors.BaseSelector,
        switch: Switch,
        tell: Tell,
        clock: Callable[[], float],
    ) -> None:
        self.ports: dict[str, LinePort] = {}
        self._fork_server = fork_server
        self._selector = selector
        self._switch = switch
        self._tell = tell
        self._clock = clock

    def set_up(self, setup: Setup, link: Callable[[], Link | None]) -> None:
        """Open the lines of the Setup, close all others, leave unchanged ones as they are.

        `link` returns the current link, for recorders.
        """
        for name in set(self.ports) - {line.name for line in setup.lines}:
            self._remove(name)
        still = {each.line: each for each in setup.ringing}
        for line in setup.lines:
            self._set_up_line(line, setup.lead_ms, link, still.get(line.name))

    def restart(self, name: str) -> None:
        """Close and reopen a line's port; ignore an unknown name."""
        if name in self.ports:
            self.ports[name].restart()

    def born(self) -> None:
        """Attach started port servers to their ports; raises PeerError without a fork server."""
        while (born := self._fork_server.receive()) is not None:
            port = self.ports.get(born.line)
            if port is None:
                # The line was removed meanwhile; its port server ends with the socket.
                born.sock.close()
            else:
                port.kept_by(born.sock)

    @property
    def due_at(self) -> float:
        """Time (monotonic s) of the next port's deadline."""
        return min((port.due_at for port in self.ports.values()), default=math.inf)

    def timer(self, now: float) -> None:
        """Run the due timers of every port."""
        for port in self.ports.values():
            port.timer(now)

    def flush(self) -> None:
        """Write the pending bytes of every port."""
        for port in self.ports.values():
            port.flush()

    def close(self) -> None:
        """Close every port."""
        for port in self.ports.values():
            port.close()

    def _set_up_line(
        self,
        setup: LineSetup,
        lead_ms: int,
        link: Callable[[], Link | None],
        still: StillRinging | None,
    ) -> None:
        known = self._switch.lines.get(setup.name)
        if known is not None and known.setup == setup:
            # A call control that has restarted knows nothing of a line that stayed as it was.
            known.report_again()
            return
        if known is not None:
            self._remove(setup.name)
        try:
            line = AnalogLine(setup, self._tell, link, lead_ms)
        except ConfigurationError as error:
            # A fault is confined to its line: the others come up (design/failures.md).
            self._tell(Notice(f"line {setup.name} is not set up: {error}", "error"))
            return
        if still is not None:
            # Before the port is opened: what the modem does first depends on it.
            line.found_ringing(still, self._clock())
        self._switch.lines[setup.name] = line
        port = LinePort(line, setup.path, self._fork_server, self._selector, self._clock)
        self.ports[setup.name] = port
        port.open()

    def _remove(self, name: str) -> None:
        self.ports.pop(name).close()
        del self._switch.lines[name]


HEALTH_S = 10.0
"""Seconds of calls between two health reports."""
# A fifth of the unit's WatchdogSec.
WATCHDOG_S = 1.0
"""Seconds between two signs of life to systemd."""


class MediaGateway:
    """The gateway's main loop; `run` returns when call control is gone and every line is idle.

    `clock` gives monotonic seconds; tests pass a clock and `phones` of their own. A peer on the
    `listening` socket must run under `account`, call control's; by default the gateway's own.
    """

    def __init__(
        self,
        fork_server: ForkServer,
        realtime: str,
        listening: socket.socket | None,
        clock: Callable[[], float] = time.monotonic,
        phones: PhoneSockets | None = None,
        account: int | None = None,
    ) -> None:
        self.selector = selectors.EpollSelector()
        self.control = CallControlConnection(self.selector, self._take, self._begin_farewell)
        self.phones = phones or PhoneSockets(self.selector, self.control.tell)
        self.switch = Switch(
            self.control.tell, self.phones.prepare, self.phones.retire, lambda: self.control.link
        )
        self.lines = LinePorts(fork_server, self.selector, self.switch, self.control.tell, clock)
        self.farewell = CallFarewell(self.switch)
        self.ticker = Ticker()
        self.health = HealthMeter()
        self._is_orphaned = False
        self._fork_server = fork_server
        self._realtime = realtime
        self._listening = listening
        self._account = os.geteuid() if account is None else account
        self._clock = clock
        self._health_at: float | None = None
        self._notify = sdnotify.SystemdNotifier()
        self._watchdog_at = 0.0
        self.selector.register(fork_server, selectors.EVENT_READ, lambda _: self._born())
        if listening is not None:
            self.selector.register(listening, selectors.EVENT_READ, lambda _: self._accept())

    def serve(self, sock: socket.socket) -> None:
        """Serve a new connection of call control, in place of an older one."""
        if self.control.link is not None:
            self.control.drop()
            # The new call control knows nothing of the older one's calls: without a farewell their
            # lines would stay off hook, the callers in silence, until the next restart.
            self._begin_farewell()
        self.control.serve(sock)
        # First of all: call control answers the Snapshot with its Setup (design/call.md, The link).
        self.control.tell(self.switch.snapshot(self._realtime))

    def run(self) -> None:
        """Report readiness to systemd; loop, as a child until call control and callers are gone."""
        if self._listening is not None:
            self._notify.notify("READY=1")
        while not self._finished():
            self.turn()
        self.close()

    def turn(self, limit: float = math.inf) -> None:
        """Wait for the next event or deadline, at most `limit` seconds, and handle it."""
        is_ready = self._sleep(limit)
        # Phones that may not wake the process are read at every wake-up: their sound is wanted at
        # the modem's clock only (PhoneSockets.await_).
        if not self.phones.may_wake:
            self._hear_phones()
        for key, mask in self.selector.select(0) if is_ready else ():
            key.data(mask)
        self._due(self._clock())
        self.lines.flush()

    def close(self) -> None:
        """Close ports, phones, the link and the fork server."""
        self.lines.close()
        for leg in self.switch.legs.values():
            self.phones.retire(leg)
        self.control.drop()
        self._fork_server.close()

    def _sleep(self, limit: float) -> bool:
        """Sleep until a deadline, a ready descriptor or `limit` seconds; returns True for ready."""
        planned = self._next_deadline()
        wait = min(limit, planned - self._clock())
        timeout = max(0.0, wait) if wait < math.inf else None
        # select(2) on the selector's own descriptor: epoll counts time in whole milliseconds.
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
            self.control.tell(report)

    def _hear_phones(self) -> None:
        self.phones.hear(self._clock())

    def _accept(self) -> None:
        assert self._listening is not None
        sock, _ = self._listening.accept()
        if refusal := self._why_not(peer_of(sock)):
            sock.close()
            self.control.tell(Notice(refusal, "error"))
        else:
            self.serve(sock)

    def _why_not(self, peer: Peer) -> str:
        """Return why a peer may not control the lines, "" for call control."""
        # By the kernel's word (SO_PEERCRED): the link takes call control's account alone
        # (design/processes.md, Why it is divided so).
        if peer.account != self._account:
            return (
                f"process {peer.process} of the account number {peer.account} wanted to give "
                "orders to the lines, which is the switchboard's service's alone: it was refused"
            )
        # A call control that is connected is never replaced: its callers would be cut off.
        if self.control.link is not None and self.control.link.has_peer:
            return (
                f"process {peer.process} wanted to give orders to the lines, which this service "
                "does: it was refused; a second switchboard must not be started"
            )
        return ""

    def _take(self, message: Any) -> None:
        match message:
            case Ping(number):
                self.control.tell(Pong(number))
            case Credit(recording, size):
                self.control.grant(recording, size)
            case Setup():
                self._set_up(message)
            case MorePrompts():
                # A player keeps what it plays of the earlier ones.
                self.switch.prompts.more = self._prompts(message)
            case orders.LoadMessage():
                self._load(message)
            case RestartLine(name):
                self.lines.restart(name)
            case RecordedSound() | Pong():
                # Only sent from the gateway to call control.
                pass
            case _:
                self.switch.order(message, self._clock())

    def _set_up(self, setup: Setup) -> None:
        self.phones.setup = setup
        self.switch.prompts = self._prompts(setup)
        self.switch.hold_prompts = setup.hold
        self.lines.set_up(setup, self._link)

    def _link(self) -> Link | None:
        return self.control.link

    def _prompts(self, told: Setup | MorePrompts) -> PromptMemory:
        """Map the prompts whose memfd came with the message."""
        fds = self.control.take_fds()
        memory = PromptMemory(fds[-1] if fds else None, told.prompts)
        # The mapping outlives its descriptor (mmap(2)).
        for fd in fds:
            os.close(fd)
        return memory

    def _load(self, order: orders.LoadMessage) -> None:
        """Map a voicemail message whose memfd came with the order."""
        for fd in self.control.take_fds():
            self.switch.load(order, map_sound(fd))
            os.close(fd)

    def _begin_farewell(self) -> None:
        setup = self.phones.setup
        self.farewell.begin(setup.lost if setup else (), self._clock())

    def _finished(self) -> bool:
        """Return whether `run` may end; never while a line is in use within the farewell's time."""
        # Without a fork server no port can be opened again: a restart brings one.
        if self._is_orphaned and not self.switch.in_use:
            return True
        # Under systemd (listening) the next call control connects to this same process.
        if self.control.link is not None or self._listening is not None:
            return False
        return self.farewell.until is None or not self.switch.in_use

    def _born(self) -> None:
        try:
            self.lines.born()
        except PeerError as error:
            self.selector.unregister(self._fork_server)
            self._is_orphaned = True
            words = f"{error}; the carrier ends as soon as no line is in use"
            self.control.tell(Notice(words, "error"))


def main(
    fork_server: ForkServer,
    fd: int | None = None,
    listening: socket.socket | None = None,
    account: int | None = None,
) -> None:
    """Run the gateway on a connected socket `fd`, or on systemd's listening socket for `account`.

    `fork_server` must have been forked before this module was imported, so that its port servers
    are small.
    """
    # Before real time and the first call: each type's coder takes milliseconds to make.
    link.prepare(reads=link.ORDERS, writes=link.FACTS)
    gateway = MediaGateway(fork_server, go_realtime(), listening, account=account)
    if fd is not None:
        gateway.serve(socket.socket(fileno=fd))
    gateway.run()
