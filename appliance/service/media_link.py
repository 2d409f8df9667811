"""The link to the media gateway: its process, its events and sound, the phones' legs."""

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
from appliance.deadlines import earliest, is_due
from appliance.errors import PeerError
from appliance.media.detectors import DigitMerger
from appliance.media.link import Link, RecordedSound
from appliance.media.messages import (
    Credit,
    Marked,
    Measured,
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
from appliance.policy.supervision import RESTART_RULES, Component, MediaHealth, RestartHistory
from appliance.service.announcements import PromptFile

# Runs in the deciding thread and never blocks it. A media gateway that is gone is a degraded state,
# not a reason to end: it is started (child) or connected to (unit) again, and gets its Setup anew.

log = logging.getLogger(__name__)
PING_S = 2.0
# A media gateway that leaves a Ping unanswered this long (s) is dead; a child is killed.
PONG_LIMIT_S = RESTART_RULES[Component.MEDIA_GATEWAY].silent_s
# Seconds until the first message. Loading the process is slow on a busy machine, or during that
# machine's own start; killed for that, no media gateway would ever come to serve.
START_LIMIT_S = 60.0
# Seconds a child may take to put its lines on hook at the end.
CHILD_LIMIT_S = 12.0
ENDING = "call control is ending"


@dataclass(frozen=True, slots=True)
class EventHandlers:
    """Callbacks for the media gateway's events, recorded sound and figures."""

    event: Callable[[events.Event], None]
    recording: Callable[[RecordingStarted], None]
    sound: Callable[[str, bytes], None]
    gap: Callable[[events.RecordingGap], None]
    health: Callable[[MediaHealth], None]
    measured: Callable[[Measured | Marked], None]
    recovering: Callable[[Recovering], None]


@dataclass(slots=True)
class Callers:
    """Ringing callers by line, for a media gateway that replaces a lost one."""

    # Without it a caller who rings as the media gateway dies would wait until the modem is
    # initialised and rings again, and the caller's number, which is sent once, would be lost.

    clock: Callable[[], float]
    _modems: dict[str, str] = field(default_factory=dict)
    _rang: dict[str, tuple[float, events.LineRang]] = field(default_factory=dict)

    def told(self, event: events.Event) -> None:
        """Update the callers by an event of a line."""
        match event:
            case events.LineRestored(line, modem):
                self._modems[line] = modem
                self._rang.pop(line, None)
            case events.LineRang(line):
                caller, dated = event.caller, event.dated
                # The number is sent once: a later ring keeps that of the first.
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
        """Update the callers by an order: an answered or hung up line does not ring any more."""
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
    """Link to the media gateway at `link_path` (a unit's socket), or as a child if that is None."""

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
        # A fault of ours with one message must not lose the messages behind it.
        self.confine: Callable[[type[Exception]], AbstractContextManager[Any]]
        self.confine = contextlib.nullcontext
        self.past = RestartHistory()
        """When the media gateway was lost; call control's own end does not count."""
        self._tried = RestartHistory()
        self._is_lost = False
        self._retry_at: float | None = 0.0
        self._pings = 0
        self._ping_at: float | None = None
        self._pong_by: float | None = None

    def send(self, message: Any, fd: int | None = None) -> None:
        """Send an order or an agreed medium; dropped while the media gateway is gone.

        `fd` travels with the message and is closed here in every case.
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
            log.error("media gateway: %s", error)
        self._after(link)

    def speak(self, more: PromptFile) -> None:
        """Send prompts beside the Setup's that replace those of the last call; takes `more.fd`."""
        if self._more is not None:
            os.close(self._more.fd)
        # Kept: a media gateway that starts later gets them after its Setup.
        self._more = more
        self._send_more()

    def _send_more(self) -> None:
        if self._more is not None and self.connected:
            self.send(MorePrompts(self._more.prompts), os.dup(self._more.fd))

    def timer(self, now: float) -> None:
        """Connect, ping or give up a silent media gateway, as due at `now` (monotonic s)."""
        if self._is_lost:
            self._is_lost = False
            self.past = self.past.again(now)
            self._again(now)
        if is_due(self._retry_at, now):
            self._connect(now)
        if is_due(self._ping_at, now):
            self._pings += 1
            self._ping_at = now + PING_S
            # The limit counts from the first unanswered Ping; a later Ping does not extend it.
            self._pong_by = self._pong_by or now + PONG_LIMIT_S
            self.send(Ping(self._pings))
        if is_due(self._pong_by, now):
            self._drop("it does not answer")

    def next_deadline(self) -> float | None:
        """Return when `timer` is due (monotonic s), None for never."""
        times = (self._retry_at, self._ping_at, self._pong_by)
        return earliest(times)

    def close(self) -> None:
        """Close the link; the media gateway then puts every line on hook.

        Waits CHILD_LIMIT_S (s) for a child, then kills it.
        """
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
            log.warning("media gateway: cannot be reached: %s", error)
            self._again(now)
            return
        self._link = Link(sock)
        self._mask = selectors.EVENT_READ
        self._selector.register(sock, self._mask, self._readable)
        self._pong_by = now + START_LIMIT_S

    def _child_socket(self) -> socket.socket:
        if self.child is not None and self.child.poll() is None:
            raise OSError("the last media gateway is still putting its lines on hook")
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
            log.error("media gateway: %s", error)
            link.closed = True
        self._after(link)

    def _after(self, link: Link) -> None:
        """Select for writing while messages wait; handle a closed link."""
        # A handler of a received message may have dropped this link already.
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
                # Before the handler, which may fail: without credit the recording would stop.
                if self._link is not None:
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
        """Pass on messages for journal and status: figures, recoveries, notices."""
        match message:
            case MediaHealth():
                self._takers.health(message)
            case Recovering():
                self._takers.recovering(message)
            case Notice(text, level):
                severity = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
                log.log(severity, "media gateway: %s", text)
            case _:
                self._takers.measured(message)

    def _greeted(self, snapshot: Snapshot) -> None:
        """Send the Setup, once the media gateway has reported its state."""
        self.snapshot = snapshot
        self.connected = True
        # 0.0: the first Ping goes at the next `timer`.
        self._ping_at, self._pong_by = 0.0, None
        if snapshot.realtime:
            log.warning(
                "media gateway: no real time (%s); it works, less evenly", snapshot.realtime
            )
        assert self._link is not None
        # A line that is set up as before stays as it is and reports its state again
        # (design/call.md, The link).
        setup = replace(self._setup, ringing=self._callers.ringing())
        self._link.send(setup, fds=[self._prompt_fd])
        self._send_more()
        self._takers.event(events.MediaGatewayRestored())

    def _lose(self, why: str) -> None:
        """Drop the link and report MediaGatewayLost; the next attempt follows at `timer`."""
        link, self._link = self._link, None
        if link is None:
            return
        self._selector.unregister(link.socket)
        link.close()
        self._ping_at = self._pong_by = None
        # No time is at hand here: the next `timer` records the loss by its own.
        self._is_lost, self._retry_at = why != ENDING, 0.0
        was_connected, self.connected = self.connected, False
        if was_connected:
            if why != ENDING:
                log.error("media gateway: %s; lines and sound are out until it is back", why)
            self._takers.event(events.MediaGatewayLost(why))

    def _drop(self, why: str) -> None:
        self._lose(why)
        if self.child is not None and why == "it does not answer":
            self.child.kill()

    def _again(self, now: float) -> None:
        """Schedule the next attempt; the more recent failures, the longer the pause."""
        self._retry_at = now + self._tried.pause_s(Component.MEDIA_GATEWAY, now)
        self._tried = self._tried.again(now)

    def _wait_for_child(self) -> None:
        assert self.child is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(CHILD_LIMIT_S)
            return
        log.error("media gateway: did not end within %s s; killed", CHILD_LIMIT_S)
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


# Legs. A phone is rung only after the media gateway has reserved its RTP port
# (design/call.md, The link), and the port is released when the leg ends, however it ends. No
# thread, no socket: the loop passes in orders and events of both sides, and Legs calls `phones` and
# `send`.

# Events after which a leg's port is released.
LEG_ENDED = (
    events.PhoneHungUp,
    events.PhoneDeclined,
    events.PhoneBusy,
    events.PhoneUnreachable,
)


class PhoneSide(Protocol):
    """Interface of the SIP thread that legs use (appliance.sip.service.Phones)."""

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
        *,
        picks_up: bool = False,
    ) -> None:
        """Send the INVITE."""

    def pick_up(self, leg: str) -> None:
        """Take the INVITE back and send one that the phone is to answer by itself."""

    def show(self, leg: str, display: str, number: str) -> None:
        """Show the caller on a phone that rings or talks already."""

    def stop_ringing(self, leg: str, answered_elsewhere: bool) -> None:
        """Send the CANCEL."""

    def hang_up(self, leg: str) -> None:
        """Send the BYE."""

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """Send the 200 OK."""

    def refuse(self, leg: str, code: int) -> None:
        """Send a refusal."""

    def ask(self, leg: str) -> None:
        """Send OPTIONS within the phone's call."""

    def tell_transfer(self, leg: str, code: int) -> None:
        """Report the progress of a transfer to the phone that asked for it."""


@dataclass(frozen=True, slots=True)
class _WaitingLeg:
    """A leg whose port is being reserved: to be rung, or accepted if `phone` is ""."""

    phone: str = ""
    display: str = ""
    number: str = ""
    passed: events.Passed | None = None
    picks_up: bool = False


@dataclass(slots=True)
class Legs:
    """Legs that wait for a port or have one; `laws` is the preferred order of codecs."""

    phones: PhoneSide
    send: Callable[[orders.PreparePhone | orders.ReleasePhone | events.MediaAgreed], None]
    address: str
    laws: tuple[str, ...] = ("alaw", "ulaw")
    _waiting: dict[str, _WaitingLeg] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _keys: dict[str, DigitMerger] = field(default_factory=dict)

    @property
    def is_waiting(self) -> bool:
        """True while a leg waits for its port before its INVITE or 200 OK."""
        return bool(self._waiting)

    def order(self, order: orders.PhoneOrder) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.RingPhones():
                self._ring(order)
            case orders.PickUpPhone():
                self._pick_up(order.leg)
            case orders.ShowCaller():
                self._show(order)
            case orders.AcceptPhone():
                self._prepare(order.leg, _WaitingLeg())
            case orders.StopRinging():
                # A leg still waiting for its port has sent no INVITE: nothing to cancel.
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
        """Return whether a key was heard already: some phones send each by RTP and by INFO."""
        if not (isinstance(event, events.DigitPressed) and event.leg in self._open):
            return False
        return not self._keys.setdefault(event.leg, DigitMerger()).press(event.source, now)

    def fact(self, event: events.Event) -> None:
        """Handle an event of phones or media gateway before the Switchboard gets it."""
        match event:
            case events.PhonePrepared():
                self._prepared(event)
            case events.MediaAgreed() if event.leg in self._open:
                self.send(event)
            case events.PhoneSilent():
                # After 3 s without sound: OPTIONS tells a lost phone from a silent one
                # (design/failures.md, When a phone is known to be gone).
                self.phones.ask(event.leg)
            case events.PhoneLost():
                # Where the media gateway noticed the loss, the SIP call is still up.
                self.phones.hang_up(event.leg)
                self._release(event.leg)
            case events.MediaGatewayLost():
                self._waiting.clear()
                self._keys.clear()
                self._open.clear()
            case _ if isinstance(event, LEG_ENDED):
                self._release(event.leg)

    def _prepare(self, leg: str, waiting: _WaitingLeg) -> None:
        self._waiting[leg] = waiting
        self._open.add(leg)
        self.send(orders.PreparePhone(leg))

    def _prepared(self, event: events.PhonePrepared) -> None:
        waiting = self._waiting.pop(event.leg, None)
        if waiting is None:
            # Stopped before the port was ready; the port is released already.
            return
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
            picks_up=waiting.picks_up,
        )

    def _ring(self, order: orders.RingPhones) -> None:
        for ringing in order.ringing:
            waiting = _WaitingLeg(
                ringing.phone, order.display, order.number, order.passed, order.picks_up
            )
            self._prepare(ringing.leg, waiting)

    def _pick_up(self, leg: str) -> None:
        """Ask for it in an INVITE that waits for its port, else have a new one sent."""
        if (waiting := self._waiting.get(leg)) is None:
            self.phones.pick_up(leg)
        else:
            self._waiting[leg] = replace(waiting, picks_up=True)

    def _show(self, order: orders.ShowCaller) -> None:
        """Put the caller into an INVITE that waits for its port, else into a request of its own."""
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
