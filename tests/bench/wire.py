"""What goes over the loopback interface, with the kernel's own times: nobody's waking up counts.

Needs a packet socket, hence CAP_NET_RAW; without it there are no packets and `trouble` says so.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from appliance.workers import Worker

ETH_P_IP = 0x0800
SO_TIMESTAMPNS = 35
"""asm-generic/socket.h: each packet bears the second and nanosecond of CLOCK_REALTIME."""
SO_RCVBUFFORCE = 33
ROOM = 32 * 1024 * 1024
"""Bytes of packets that may wait for a busy machine's bench."""
RTP_HEADER = 12

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Packet:
    """One UDP datagram; `at` is monotonic seconds."""

    at: float
    source: Address
    target: Address
    data: bytes

    @property
    def is_rtp(self) -> bool:
        """True for version 2 and a payload of 20 ms of G.711."""
        return len(self.data) == RTP_HEADER + 160 and self.data[0] >> 6 == 2


class Wire:
    """Collects the datagrams between one loopback address and itself, in a `with` block."""

    def __init__(self, address: str) -> None:
        self.packets: list[Packet] = []
        self.trouble = ""
        self._pair = socket.inet_aton(address) * 2
        self._socket: socket.socket | None = None
        self._worker = Worker("wire", self._turn)

    def __enter__(self) -> Self:
        try:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        except PermissionError:
            self.trouble = "needs root (CAP_NET_RAW)"
            return self
        tap.bind(("lo", 0))
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with contextlib.suppress(OSError):
            tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        tap.settimeout(0.2)
        self._socket = tap
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._worker.stop()
            self._socket.close()

    def _turn(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(TimeoutError):
            data, notes, _, _ = self._socket.recvmsg(65_535, 64)
            if data[12:20] == self._pair and data[9] == socket.IPPROTO_UDP:
                self.packets.append(_packet(data, _monotonic(notes)))


def _packet(data: bytes, at: float) -> Packet:
    size = (data[0] & 15) * 4
    source, target = struct.unpack_from("!HH", data, size)
    hosts = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    return Packet(at, (hosts[0], source), (hosts[1], target), data[size + 8 :])


def _monotonic(notes: list[tuple[int, int, bytes]]) -> float:
    """Turn the kernel's wall time into the monotonic one that everybody else tells."""
    offset = time.time() - time.monotonic()
    for level, kind, value in notes:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", value[:16])
            return float(seconds + nanoseconds / 1e9 - offset)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Invite:
    """An INVITE that reached a phone: for which line, when, and the box's own RTP port."""

    at: float
    line: str
    call_id: str
    rtp_port: int


def invites(packets: list[Packet]) -> Iterator[Invite]:
    """Yield the INVITEs that the box sent; a line is known by the label "Ln" of its name."""
    seen: set[str] = set()
    for packet in packets:
        if not packet.data.startswith(b"INVITE "):
            continue
        text = packet.data.decode(errors="replace")
        label = re.search(r'^From: "L(\d+)', text, re.MULTILINE)
        media = re.search(r"^m=audio (\d+)", text, re.MULTILINE)
        call = call_id(text)
        if label and media and call not in seen:  # a repeated one reached nobody in time
            seen.add(call)
            yield Invite(packet.at, f"line{label[1]}", call, int(media[1]))


def updates(packets: list[Packet]) -> Iterator[tuple[float, str]]:
    """Yield the UPDATEs that show a caller on a ringing phone: when, and the line."""
    for packet in packets:
        if not packet.data.startswith(b"UPDATE "):
            continue
        shown = re.search(rb'^P-Asserted-Identity: "L(\d+)', packet.data, re.MULTILINE)
        if shown:
            yield packet.at, f"line{int(shown[1])}"


def answers(packets: list[Packet]) -> Iterator[tuple[float, str]]:
    """Yield the phones' first 200s to INVITEs: when, and the call's id."""
    seen: set[str] = set()
    for packet in packets:
        if not packet.data.startswith(b"SIP/2.0 200"):
            continue
        text = packet.data.decode(errors="replace")
        call = call_id(text)
        if re.search(r"^CSeq: \d+ INVITE", text, re.MULTILINE) and call not in seen:
            seen.add(call)
            yield packet.at, call


def call_id(text: str) -> str:
    """Return a message's Call-ID."""
    found = re.search(r"^Call-ID: (\S+)", text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
