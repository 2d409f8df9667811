"""The link to the media gateway: its process, its events and sound, phones' legs, line restarts."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from appliance.calls import events, orders
from appliance.errors import PeerError
from appliance.media.detectors import DigitMerger
from appliance.media.link import Link, RecordedSound
from appliance.media.messages import (
    Credit,
    Marked,
    Measured,
    MediaHealth,
    MorePrompts,
    Notice,
    Ping,
    Pong,
    RecordingStarted,
    Recovering,
    Setup,
    Snapshot,
    StillRinging,
)
from appliance.policy.supervision import RESTART_RULES, Component, RestartHistory
from appliance.service.announcements import PromptFile

# Runs in the deciding thread without ever blocking it. A media gateway that is gone is a degraded
# state: it is started (child) or looked for (unit) again, and told its Setup anew.

log = logging.getLogger(__name__)
PING_S = 2.0
PONG_LIMIT_S = RESTART_RULES[Component.MEDIA_GATEWAY].silent_s
"""A media gateway that does not answer a Ping for so long is dead; a child is killed."""
START_LIMIT_S = 60.0
"""A carrier may take so long until its first word: it is loaded before, which on a busy machine, or
beside that machine's own start, is slow; killed for it, none would ever come to serve.
"""
CHILD_LIMIT_S = 12.0
"""Seconds a child may take to put its lines on hook at the end."""
ENDING = "the desk is ending"


@dataclass(frozen=True, slots=True)
class EventHandlers:
    """Handlers of the media gateway's events, recorded sound and figures."""

    event: Callable[[events.Event], None]
    recording: Callable[[RecordingStarted], None]
    sound: Callable[[str, bytes], None]
    gap: Callable[[events.RecordingGap], None]
    health: Callable[[MediaHealth], None]
    measured: Callable[[Measured | Marked], None]
    recovering: Callable[[Recovering], None]


@dataclass(slots=True)
class Callers:
    """Who rings, on which modem: what a media gateway must know whose predecessor was lost.

    A caller who rings as it dies would else wait for its modem to be initialised and for the next
    ring, and the number, sent once, would be lost.
    """

    clock: Callable[[], float]
    _modems: dict[str, str] = field(default_factory=dict)
    _rang: dict[str, tuple[float, events.LineRang]] = field(default_factory=dict)

    def told(self, event: events.Event) -> None:
        """Take an event of a line."""
        match event:
            case events.LineRestored(line, modem):
                self._modems[line] = modem
                self._rang.pop(line, None)
            case events.LineRang(line):
                caller, dated = event.caller, event.dated
                if caller is None and line in self._rang:
                    caller, dated = self._rang[line][1].caller, self._rang[line][1].dated
                known = replace(event, caller=caller, dated=dated)
                self._rang[line] = self.clock(), known
            case events.CallerIdentified(line, caller, dated) if line in self._rang:
                at, rang = self._rang[line]
                self._rang[line] = at, replace(rang, caller=caller, dated=dated)
            case events.LineIdle(line) | events.LineLost(line) | events.LineTaken(line):
                self._rang.pop(line, None)
            case events.CallerHungUp(line):
                self._rang.pop(line, None)

    def ordered(self, order: object) -> None:
        """Take what is ordered: a line that is answered rings no more."""
        if isinstance(order, orders.AnswerLine | orders.HangUp):
            self._rang.pop(order.line, None)

    def ringing(self) -> tuple[StillRinging, ...]:
        """Return the ringing callers, for a media gateway that starts."""
        now = self.clock()
        return tuple(
            StillRinging(
                line, self._modems.get(line, ""), round((now - at) * 1000), rang.caller, rang.dated
            )
            for line, (at, rang) in self._rang.items()
        )


class MediaLink:
    """Keeps the link to the media gateway; `link_path` None: a child of this process."""

    def __init__(
        self,
        setup: Setup,
        prompt_fd: int,
        takers: EventHandlers,
        selector: selectors.BaseSelector,
        link_path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.snapshot = Snapshot()
        self.connected = False
        self.child: subprocess.Popen[bytes] | None = None
        self._setup = setup
        self._prompt_fd = prompt_fd
        self._more: PromptFile | None = None
        self._takers = takers
        self._selector = selector
        self._link_path = link_path
        self._callers = Callers(clock)
        self._link: Link | None = None
        self._mask = 0
        self.confine: Callable[[type[Exception]], AbstractContextManager[Any]]
        self.confine = contextlib.nullcontext
        """Confines a fault that befalls one message: those behind it are heard."""
        self.past = RestartHistory()
        """When the carrier was lost: a service that ends, or the desk's own end, is none."""
        self._tried = RestartHistory()
        self._is_lost = False
        self._retry_at: float | None = 0.0
        self._pings = 0
        self._ping_at: float | None = None
        self._pong_by: float | None = None

    def send(self, message: Any, fd: int | None = None) -> None:
        """Send an order or an agreed medium; while the media gateway is gone it goes nowhere.

        `fd` travels with it and is closed here, whatever becomes of it.
        """
        self._callers.ordered(message)
        link = self._link
        if link is None:
            if fd is not None:
                os.close(fd)
            return
        try:
            link.send(message, () if fd is None else (fd,), own=True)
        except PeerError as error:
            log.error("carrier: %s", error)
        self._after(link)

    def speak(self, more: PromptFile) -> None:
        """Give the carrier prompts beside the Setup's, in place of those given before; ours now."""
        if self._more is not None:
            os.close(self._more.fd)
        self._more = more
        self._send_more()

    def _send_more(self) -> None:
        if self._more is not None and self.connected:
            self.send(MorePrompts(self._more.prompts), os.dup(self._more.fd))

    def timer(self, now: float) -> None:
        """Do what is due: connect, ping, notice a dead carrier."""
        if self._is_lost:
            self._is_lost = False
            self.past = self.past.again(now)
            self._again(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._connect(now)
        if self._ping_at is not None and now >= self._ping_at:
            self._pings += 1
            self._ping_at = now + PING_S
            self._pong_by = self._pong_by or now + PONG_LIMIT_S
            self.send(Ping(self._pings))
        if self._pong_by is not None and now >= self._pong_by:
            self._drop("it does not answer")

    def next_deadline(self) -> float | None:
        """Return when `timer` is due."""
        times = (self._retry_at, self._ping_at, self._pong_by)
        return min((at for at in times if at is not None), default=None)

    def close(self) -> None:
        """End: the carrier puts every line on hook; a child is waited for, in the end killed."""
        self._drop(ENDING)
        self._retry_at = None
        if self.child is not None:
            self._wait_for_child()

    def _connect(self, now: float) -> None:
        self._retry_at = None
        try:
            sock = (
                self._child_socket() if self._link_path is None else _unit_socket(self._link_path)
            )
        except OSError as error:
            log.warning("carrier: cannot be reached: %s", error)
            self._again(now)
            return
        self._link = Link(sock)
        self._mask = selectors.EVENT_READ
        self._selector.register(sock, self._mask, self._readable)
        self._pong_by = now + START_LIMIT_S

    def _child_socket(self) -> socket.socket:
        if self.child is not None and self.child.poll() is None:
            raise OSError("the last carrier is still putting its lines on hook")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "appliance.media", "--fd", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        return ours

    def _readable(self) -> None:
        link = self._link
        if link is None:
            return
        try:
            for message in link.receive():
                with self.confine(PeerError):
                    self._take(message)
            link.flush()
        except PeerError as error:
            log.error("carrier: %s", error)
            link.closed = True
        self._after(link)

    def _after(self, link: Link) -> None:
        """Watch for room while something waits; notice that the peer is gone."""
        if link is not self._link:
            return
        if link.closed:
            self._lose("it has gone")
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_to_write else 0)
        if mask != self._mask:
            self._mask = mask
            self._selector.modify(link.socket, mask, self._readable)

    def _take(self, message: Any) -> None:
        match message:
            case RecordedSound(recording, data):
                if self._link is not None:  # also where what is done with it fails
                    self._link.send(Credit(recording, len(data)))
                self._takers.sound(recording, data)
            case events.RecordingGap():
                self._takers.gap(message)
            case RecordingStarted():
                self._takers.recording(message)
            case MediaHealth() | Measured() | Marked() | Recovering() | Notice():
                self._note(message)
            case Pong():
                self._pong_by = None
            case Snapshot():
                self._greeted(message)
            case _:
                self._callers.told(message)
                self._takers.event(message)

    def _note(self, message: MediaHealth | Measured | Marked | Recovering | Notice) -> None:
        """Pass on figures and states for journal and status."""
        match message:
            case MediaHealth():
                self._takers.health(message)
            case Recovering():
                self._takers.recovering(message)
            case Notice(text, level):
                log.log(logging.getLevelNamesMapping().get(level.upper(), 20), "carrier: %s", text)
            case _:
                self._takers.measured(message)

    def _greeted(self, snapshot: Snapshot) -> None:
        """Send the Setup, once the media gateway has reported its state."""
        self.snapshot = snapshot
        self.connected = True
        self._ping_at, self._pong_by = 0.0, None  # it is asked from the next timer on
        if snapshot.realtime:
            log.warning("carrier: no real time (%s); it works, less evenly", snapshot.realtime)
        assert self._link is not None
        setup = replace(self._setup, ringing=self._callers.ringing())
        self._link.send(setup, fds=[self._prompt_fd])
        self._send_more()
        self._takers.event(events.CarrierRestored())

    def _lose(self, why: str) -> None:
        """Forget the link and say so; the next attempt follows at the next timer."""
        link, self._link = self._link, None
        if link is None:
            return
        self._selector.unregister(link.socket)
        link.close()
        self._ping_at = self._pong_by = None
        self._is_lost, self._retry_at = why != ENDING, 0.0  # by the clock of the next timer
        was_connected, self.connected = self.connected, False
        if was_connected:
            if why != ENDING:
                log.error("carrier: %s; lines and sound are out until it is back", why)
            self._takers.event(events.CarrierLost(why))

    def _drop(self, why: str) -> None:
        self._lose(why)
        if self.child is not None and why == "it does not answer":
            self.child.kill()

    def _again(self, now: float) -> None:
        """Try again after a pause, the longer the more often it was in vain of late."""
        self._retry_at = now + self._tried.pause_s(Component.MEDIA_GATEWAY, now)
        self._tried = self._tried.again(now)

    def _wait_for_child(self) -> None:
        assert self.child is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(CHILD_LIMIT_S)
            return
        log.error("carrier: did not end within %s s; killed", CHILD_LIMIT_S)
        self.child.kill()
        self.child.wait()


def _unit_socket(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.setblocking(False)
    try:
        sock.connect(os.fspath(path))
    except OSError:
        sock.close()
        raise
    return sock


# A phone is rung only after the media gateway has reserved its RTP port (design/call.md, The link),
# and a port is released when its leg has ended, however it ended. No thread, no socket: the service
# hands it the orders of phones and the facts of both sides, and it calls `phones` and `send`.

LEG_ENDED = (
    events.PhoneHungUp,
    events.PhoneDeclined,
    events.PhoneBusy,
    events.PhoneUnreachable,
)
"""Facts after which a leg's port is of no use to anybody."""


class PhoneSide(Protocol):
    """What legs need of the SIP thread (appliance.sip.service.Phones)."""

    def ring(
        self,
        leg: str,
        phone: str,
        media_address: str,
        media_port: int,
        display: str,
        number: str,
        laws: tuple[str, ...],
        passed: events.Passed | None,
    ) -> None:
        """Send the INVITE."""

    def show(self, leg: str, display: str, number: str) -> None:
        """Show who calls on a phone that rings, or talks, already."""

    def stop_ringing(self, leg: str, answered_elsewhere: bool) -> None:
        """Send the CANCEL."""

    def hang_up(self, leg: str) -> None:
        """Send the BYE."""

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """Send the 200 OK."""

    def refuse(self, leg: str, code: int) -> None:
        """Send a refusal."""

    def ask(self, leg: str) -> None:
        """Ask a phone within its call whether it is there."""

    def tell_transfer(self, leg: str, code: int) -> None:
        """Tell a phone how far the transfer is that it asked for."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A leg whose port is being reserved: to be rung, or (phone "") to be accepted."""

    phone: str = ""
    display: str = ""
    number: str = ""
    passed: events.Passed | None = None


@dataclass(slots=True)
class Legs:
    """Keeps which legs wait for a port; `laws` is the preferred order of codings."""

    phones: PhoneSide
    send: Callable[[orders.PreparePhone | orders.ReleasePhone | events.MediaAgreed], None]
    address: str
    laws: tuple[str, ...] = ("alaw", "ulaw")
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _keys: dict[str, DigitMerger] = field(default_factory=dict)

    @property
    def is_waiting(self) -> bool:
        """True while a phone is to be rung, or taken, that waits for its port."""
        return bool(self._waiting)

    def order(self, order: orders.PhoneOrder) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.RingPhones():
                self._ring(order)
            case orders.ShowCaller():
                self._show(order)
            case orders.AcceptPhone():
                self._prepare(order.leg, _Waiting())
            case orders.StopRinging():
                if not self._forget(order.leg):
                    self.phones.stop_ringing(order.leg, order.answered_elsewhere)
                self._release(order.leg)
            case orders.HangUpPhone():
                self.phones.hang_up(order.leg)
                self._release(order.leg)
            case orders.RefusePhone():
                self.phones.refuse(order.leg, order.code)
            case orders.TellTransfer():
                self.phones.tell_transfer(order.leg, order.code)

    def is_repeated(self, event: events.Event, now: float) -> bool:
        """Tell a key that was heard already: some phones send each by RTP and by INFO."""
        if not (isinstance(event, events.DigitPressed) and event.leg in self._open):
            return False
        return not self._keys.setdefault(event.leg, DigitMerger()).press(event.source, now)

    def fact(self, event: events.Event) -> None:
        """Act on what phones and carrier said, before the Switchboard hears it."""
        match event:
            case events.PhonePrepared():
                self._prepared(event)
            case events.MediaAgreed() if event.leg in self._open:
                self.send(event)
            case events.PhoneSilent():
                self.phones.ask(event.leg)
            case events.PhoneLost():
                self.phones.hang_up(event.leg)  # where the carrier noticed, its call is still up
                self._release(event.leg)
            case events.CarrierLost():
                self._waiting.clear()
                self._keys.clear()
                self._open.clear()
            case _ if isinstance(event, LEG_ENDED):
                self._release(event.leg)

    def _prepare(self, leg: str, waiting: _Waiting) -> None:
        self._waiting[leg] = waiting
        self._open.add(leg)
        self.send(orders.PreparePhone(leg))

    def _prepared(self, event: events.PhonePrepared) -> None:
        waiting = self._waiting.pop(event.leg, None)
        if waiting is None:
            return  # stopped before it was ready; the port is released already
        if not waiting.phone:
            self.phones.accept(event.leg, self.address, event.port)
            return
        self.phones.ring(
            event.leg,
            waiting.phone,
            self.address,
            event.port,
            waiting.display,
            waiting.number,
            self.laws,
            waiting.passed,
        )

    def _ring(self, order: orders.RingPhones) -> None:
        for ringing in order.ringing:
            waiting = _Waiting(ringing.phone, order.display, order.number, order.passed)
            self._prepare(ringing.leg, waiting)

    def _show(self, order: orders.ShowCaller) -> None:
        """Show it by the INVITE where that waits for its port, else by a request of its own."""
        for leg in order.legs:
            if (waiting := self._waiting.get(leg)) is None:
                self.phones.show(leg, order.display, order.number)
            else:
                shown = replace(waiting, display=order.display, number=order.number)
                self._waiting[leg] = shown

    def _forget(self, leg: str) -> bool:
        return self._waiting.pop(leg, None) is not None

    def _release(self, leg: str) -> None:
        self._waiting.pop(leg, None)
        self._keys.pop(leg, None)
        if leg in self._open:
            self._open.discard(leg)
            self.send(orders.ReleasePhone(leg))


# Who may is looked up, and who did it kept, in the database thread; the media gateway is told by
# the deciding thread, which looks once more whether a call has come meanwhile.
