"""The messages between port servers and the media gateway.

JSON datagrams on a UNIX SOCK_SEQPACKET, whole or not there, with descriptors.
"""

from __future__ import annotations

import array
import contextlib
import enum
import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.errors import PeerError
from appliance.text import Words, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_LIMIT = 4096
"""Largest datagram, bytes."""


class PortCommand(enum.StrEnum):
    """Command of the media gateway to a port server.

    A port server opens its port by itself when it starts. Before REOPEN and CLOSE the gateway
    closes its own copy of the descriptor, which cannot block while the port server has another.
    """

    DROP_DTR = "drop_dtr"
    REOPEN = "reopen"
    CLOSE = "close"


class PortFault(enum.StrEnum):
    """Reason why a port cannot be opened or used."""

    MISSING = "missing"
    BUSY = "busy"
    PERMISSION = "permission"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class PortOpened:
    """The port is open, raw and non-blocking; `descriptor` is the receiver's copy."""

    path: str
    descriptor: int


@dataclass(frozen=True, slots=True)
class DtrDropped:
    """DTR was low for `low_ms` and is high again; 0 for a port without DTR (a pseudo terminal)."""

    low_ms: int


@dataclass(frozen=True, slots=True)
class PortClosed:
    """The port server's copy of the port is closed."""


@dataclass(frozen=True, slots=True)
class PortTrouble:
    """The port cannot be opened or used; `sentence` says what to do."""

    cause: PortFault
    sentence: Words


@dataclass(frozen=True, slots=True)
class PortServerGone:
    """The port server has ended; its port is closed."""


Report = PortOpened | DtrDropped | PortClosed | PortTrouble | PortServerGone


def encode_report(report: PortOpened | DtrDropped | PortClosed | PortTrouble) -> bytes:
    """Encode a report as one message; the descriptor of PortOpened is sent beside it."""
    match report:
        case PortOpened(path):
            return _encode(kind="opened", path=path)
        case DtrDropped(low_ms):
            return _encode(kind="dropped", low_ms=low_ms)
        case PortClosed():
            return _encode(kind="closed")
        case PortTrouble(cause, sentence):
            return _encode(kind="trouble", cause=cause, **sentence.by_language())


def decode_report(message: bytes, descriptors: Sequence[int]) -> Report:
    """Decode a report; raises PeerError, after closing the descriptors, for any other message."""
    try:
        return _report(json.loads(message), descriptors)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise PeerError(f"a port server wrote {message[:80]!r}, which is no report") from error


def _report(said: dict[str, Any], descriptors: Sequence[int]) -> Report:
    match said["kind"]:
        case "opened":
            return PortOpened(str(said["path"]), descriptors[0])
        case "dropped":
            return DtrDropped(int(said["low_ms"]))
        case "closed":
            return PortClosed()
        case "trouble":
            sentence = stored(said)
            return PortTrouble(PortFault(said["cause"]), sentence)
        case other:
            raise ValueError(other)


def encode_command(ask: PortCommand) -> bytes:
    """Encode a command for a port server."""
    return _encode(ask=ask)


def decode_command(message: bytes) -> PortCommand:
    """Decode a command; raises PeerError for any other message."""
    try:
        return PortCommand(json.loads(message)["ask"])
    except (ValueError, KeyError, TypeError) as error:
        raise PeerError(f"the media gateway wrote {message[:80]!r}, which is no order") from error


def send_command(sock: socket.socket, ask: PortCommand) -> bool:
    """Send a command without blocking; False when the port server does not read (it hangs)."""
    try:
        sock.send(encode_command(ask), socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def send_report(
    sock: socket.socket,
    report: PortOpened | DtrDropped | PortClosed | PortTrouble,
    descriptors: Sequence[int],
) -> None:
    """Send a report of a port server, with its descriptors."""
    # A media gateway that has gone is noticed at the next read.
    with contextlib.suppress(OSError):
        socket.send_fds(sock, [encode_report(report)], list(descriptors))


def receive_report(sock: socket.socket) -> Report | None:
    """Receive one report without blocking; None without one, PortServerGone at end of file.

    Raises PeerError for any other message.
    """
    try:
        message, descriptors = receive_datagram(sock, blocking=False)
    except BlockingIOError:
        return None
    except OSError:
        return PortServerGone()
    return decode_report(message, descriptors) if message else PortServerGone()


def receive_datagram(sock: socket.socket, *, blocking: bool) -> tuple[bytes, list[int]]:
    """Receive one datagram and at most one descriptor; the datagram is empty at end of file."""
    # MSG_CMSG_CLOEXEC: no child inherits the descriptor by exec. Not by socket.recv_fds, which
    # ignores its flags.
    flags = socket.MSG_CMSG_CLOEXEC | (0 if blocking else socket.MSG_DONTWAIT)
    descriptors = array.array("i")
    room = socket.CMSG_SPACE(descriptors.itemsize)
    message, beside, _, _ = sock.recvmsg(MESSAGE_LIMIT, room, flags)
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return message, list(descriptors)


def _encode(**fields: object) -> bytes:
    return json.dumps(fields).encode()
