"""What a port keeper and its carrier say to each other: JSON datagrams, with descriptors.

The socket is a UNIX SOCK_SEQPACKET: a message is whole or not there. Knows nothing of serial ports,
so that the carrier can import it alone.
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
from appliance.lines.sentences import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_LIMIT = 4096


class Ask(enum.StrEnum):
    """What the carrier asks of a keeper.

    A keeper opens its port by itself when it starts. Before REOPEN and CLOSE the carrier closes its
    own copy of the descriptor: while the keeper holds the other one, that close cannot block.
    """

    DROP_DTR = "drop_dtr"
    REOPEN = "reopen"
    CLOSE = "close"


class Cause(enum.StrEnum):
    """Why a port cannot be kept."""

    MISSING = "missing"
    BUSY = "busy"
    PERMISSION = "permission"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Opened:
    """The port is open, raw and non-blocking; `descriptor` is the receiver's own copy."""

    path: str
    descriptor: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """DTR was low for `low_ms` and is high again; 0: this port has no DTR (a pseudo terminal)."""

    low_ms: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The keeper's copy of the port is closed."""


@dataclass(frozen=True, slots=True)
class PortTrouble:
    """The port cannot be opened or kept; `sentence` says what to do."""

    cause: Cause
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class KeeperGone:
    """The keeper has ended; its port is closed."""


Report = Opened | Dropped | Closed | PortTrouble | KeeperGone


def encode_report(report: Opened | Dropped | Closed | PortTrouble) -> bytes:
    """Write a report as one message; an Opened's descriptor travels beside it."""
    match report:
        case Opened(path):
            return _encode(kind="opened", path=path)
        case Dropped(low_ms):
            return _encode(kind="dropped", low_ms=low_ms)
        case Closed():
            return _encode(kind="closed")
        case PortTrouble(cause, sentence):
            return _encode(kind="trouble", cause=cause, it=sentence.it, en=sentence.en)


def decode_report(message: bytes, descriptors: Sequence[int]) -> Report:
    """Read a report; raises PeerError when it is none (the descriptors are then closed)."""
    try:
        return _report(json.loads(message), descriptors)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise PeerError(f"a keeper wrote {message[:80]!r}, which is no report") from error


def _report(said: dict[str, Any], descriptors: Sequence[int]) -> Report:
    match said["kind"]:
        case "opened":
            return Opened(str(said["path"]), descriptors[0])
        case "dropped":
            return Dropped(int(said["low_ms"]))
        case "closed":
            return Closed()
        case "trouble":
            sentence = Sentence(str(said["it"]), str(said["en"]))
            return PortTrouble(Cause(said["cause"]), sentence)
        case other:
            raise ValueError(other)


def encode_ask(ask: Ask) -> bytes:
    """Write an order for a keeper."""
    return _encode(ask=ask)


def decode_ask(message: bytes) -> Ask:
    """Read an order; raises PeerError when it is none."""
    try:
        return Ask(json.loads(message)["ask"])
    except (ValueError, KeyError, TypeError) as error:
        raise PeerError(f"the carrier wrote {message[:80]!r}, which is no order") from error


def send_ask(sock: socket.socket, ask: Ask) -> bool:
    """Send an order without blocking; False when the keeper does not read (it hangs)."""
    try:
        sock.send(encode_ask(ask), socket.MSG_DONTWAIT)
    except OSError:
        return False
    return True


def send_report(
    sock: socket.socket, report: Opened | Dropped | Closed | PortTrouble, descriptors: Sequence[int]
) -> None:
    """Send a report from the keeper's end; a carrier that has gone is noticed by the next read."""
    with contextlib.suppress(OSError):
        socket.send_fds(sock, [encode_report(report)], list(descriptors))


def receive_report(sock: socket.socket) -> Report | None:
    """Receive one report without blocking; None when there is none, KeeperGone at the end.

    Raises PeerError on nonsense.
    """
    try:
        message, descriptors = receive(sock, blocking=False)
    except BlockingIOError:
        return None
    except OSError:
        return KeeperGone()
    return decode_report(message, descriptors) if message else KeeperGone()


def receive(sock: socket.socket, *, blocking: bool) -> tuple[bytes, list[int]]:
    """Receive one datagram and at most one descriptor, which no child inherits by exec.

    An empty datagram is the end. Not socket.recv_fds: that one passes its flags over.
    """
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
