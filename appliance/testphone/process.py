"""The phone's process: one thread, its sockets, absolute deadlines, real time where allowed."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import math
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.errors import TechnicianError
from appliance.testphone import commands, words
from appliance.testphone.account import Account
from appliance.testphone.control import Control
from appliance.testphone.phone import Event, Phone

if TYPE_CHECKING:
    from appliance.testphone.sip import Address
    from appliance.testphone.stream import Stream

PRIORITY = 25
"""SCHED_FIFO: above the carrier's, so that the measure is steadier than what it measures."""
MCL_CURRENT_AND_FUTURE = 3
BURST = 32
"""Datagrams read from one socket before the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; `account` still without its ports."""

    account: Account
    registers: bool
    control: str
    language: str
    is_verbose: bool


def go_realtime() -> None:
    """Ask for SCHED_FIFO and locked memory, freeze the collector; refused, it goes on without."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE)


def bound(address: Address) -> socket.socket:
    """Return a UDP socket on an address; raises TechnicianError when it is taken or not ours."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    try:
        opened.bind(address)
    except OSError as error:
        opened.close()
        where = f"{address[0]}:{address[1]}"
        raise TechnicianError(
            f"the phone cannot listen on {where} ({error.strerror}): choose another --listen"
        ) from error
    return opened


def even_port(host: str) -> socket.socket:
    """Return a UDP socket on an even port, as RTP is used to have (RFC 3550 section 11)."""
    while True:
        opened = bound((host, 0))
        if opened.getsockname()[1] % 2 == 0:
            return opened
        opened.close()


class Process:
    """Joins the pure phone to the world; `run` returns when the phone was stopped."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._selector = selectors.SelectSelector()  # microseconds, where epoll knows ms
        self._sip = bound(options.account.local)
        self._rtp = even_port(options.account.local[0])
        self._is_open = False
        account = replace(
            options.account, local=self._sip.getsockname(), rtp=self._rtp.getsockname()
        )
        self._phone = Phone(account, options.registers, self._publish)
        obey = functools.partial(commands.obey, self._phone)
        self._control = Control(options.control, self._selector, obey)
        self._watch()

    def run(self) -> None:
        """Serve until stopped."""
        self._wake = self._signals()
        self._phone.switch_on(time.monotonic())
        while True:
            now = time.monotonic()
            self._serve(now)
            if self._phone.is_done(now):
                break
            for key, mask in self._selector.select(self._wait()):
                key.data(mask, time.monotonic())
        self._control.close()

    def _signals(self) -> socket.socket:
        """Let SIGTERM and SIGINT wake the selector and stop the phone; the writing end is kept."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

        def stop(_mask: int, now: float) -> None:
            reading.recv(16)
            self._phone.stop(now)

        self._selector.register(reading, selectors.EVENT_READ, stop)
        return writing

    def _wait(self) -> float:
        stream = self._stream()
        due = min(self._phone.deadline, stream.deadline if stream else math.inf)
        return min(3600.0, max(0.0, due - time.monotonic()))

    def _stream(self) -> Stream | None:
        call = self._phone.call
        return None if call is None or call.is_over else call.stream

    def _serve(self, now: float) -> None:
        if self._control.is_orphan and not self._phone.is_stopping:
            self._phone.stop(now)
        self._phone.tick(now)
        if self._phone.is_on != self._is_open:
            self._turn()
        self._flush()  # first the 200, then the sound that it announces
        self._send_sound(now)

    def _send_sound(self, now: float) -> None:
        stream = self._stream()
        if stream is None:
            return
        for packet in stream.due(now):
            self._send(self._rtp, packet, stream.agreed.remote)

    def _flush(self) -> None:
        outbox = self._phone.wire.outbox
        for data, to in outbox:
            self._send(self._sip, data, to)
        outbox.clear()

    def _send(self, through: socket.socket, data: bytes, to: Address) -> None:
        # A name would be looked up and block: this phone speaks to addresses alone. What cannot
        # be sent is lost as on any network, and SIP repeats it.
        with contextlib.suppress(OSError):
            socket.inet_pton(socket.AF_INET, to[0])
            through.sendto(data, to)

    def _turn(self) -> None:
        """Open the sockets when the phone is on, close them when it is off; same ports again."""
        if not self._is_open:
            account = self._phone.account
            self._sip, self._rtp = bound(account.local), bound(account.rtp)
            self._watch()
            return
        for opened in (self._sip, self._rtp):
            self._selector.unregister(opened)
            opened.close()
        self._is_open = False

    def _watch(self) -> None:
        self._selector.register(self._sip, selectors.EVENT_READ, self._read_sip)
        self._selector.register(self._rtp, selectors.EVENT_READ, self._read_rtp)
        self._is_open = True

    def _read_sip(self, _mask: int, now: float) -> None:
        for _ in range(BURST):
            try:
                data, source = self._sip.recvfrom(65535)
            except OSError:
                return
            self._phone.receive(data, source, now)

    def _read_rtp(self, _mask: int, _now: float) -> None:
        for _ in range(BURST):
            try:
                data, source = self._rtp.recvfrom(4096)
            except OSError:
                return
            call = self._phone.call
            if call is not None and not call.is_over:
                call.sound.hear(data, source, time.monotonic())

    def _publish(self, event: Event) -> None:
        self._control.publish(event)
        if self._options.is_verbose:
            line = words.sentence(self._options.account.name, event, self._options.language)
            if line:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
