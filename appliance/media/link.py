"""The link to call control: encoding, and a non-blocking SOCK_SEQPACKET connection with credit."""

from __future__ import annotations

import array
import collections
import contextlib
import dataclasses
import json
import os
import select
import socket
import struct
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cattrs
from cattrs.errors import ForbiddenExtraKeysError, StructureHandlerNotFoundError

from appliance.calls import events, orders
from appliance.errors import PeerError
from appliance.media import messages

# ---- wire --------------------------------------------------------------------------------------
# Messages to bytes and back: a tagged JSON object a message (design/call.md, The link).

Message = Any  # one of TYPES; the union is too wide for mypy to be of help

LINK = typing.get_args(messages.LinkMessage)
ORDERS = (*typing.get_args(orders.CarrierOrder), events.MediaAgreed, *LINK)
"""What the desk says to the carrier."""
FACTS = (*typing.get_args(events.Event), *LINK)
"""What the carrier may say to the desk."""

TYPES: dict[str, type] = {cls.__name__: cls for cls in (*FACTS, *ORDERS)}
"""Every type that may cross the link, by name."""

# The first mistake is enough for a peer that makes one; telling all takes twice the code.
_converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)


def prepare(reads: Iterable[type], writes: Iterable[type]) -> None:
    """Make now what codes these types, which else is made as the first of each is met.

    Each takes milliseconds of a slow board, a good part of a frame of sound, and some KiB that
    stay: a rare fault's would look like a leak. What only the desk says to itself is left out.
    """
    _make(_converter.get_structure_hook, reads)
    _make(_converter.get_unstructure_hook, writes)


def _make(make: Callable[[type], object], types: Iterable[type]) -> None:
    """Make it for all; once more, because cattrs forgets the rest at a type of tuples it meets."""
    parts = list(dict.fromkeys(part for cls in types for part in _parts(cls)))
    for cls in (*parts, *parts):
        with contextlib.suppress(StructureHandlerNotFoundError):
            make(cls)


def _parts(kind: Any) -> Iterator[type]:
    """Yield the dataclasses that a type is made of: itself, its fields', what their tuples hold."""
    inner: Iterable[Any] = typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        yield typing.cast("type", kind)
        inner = typing.get_type_hints(kind).values()
    for each in inner:
        yield from _parts(each)


def encode_message(message: Message) -> bytes:
    """Code one message; raises PeerError for a type that may not cross the link."""
    name = type(message).__name__
    if TYPES.get(name) is not type(message):
        raise PeerError(f"{name} may not cross the link; send one of calls.events or calls.orders")
    fields = _converter.unstructure(message)
    return json.dumps({"t": name, **fields}, separators=(",", ":")).encode()


def decode_message(data: bytes) -> Message:
    """Read one message; raises PeerError when it is no known message or its fields are wrong."""
    try:
        fields = json.loads(data)
        cls = TYPES[fields.pop("t")]
        return _converter.structure(fields, cls)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ForbiddenExtraKeysError,
        StructureHandlerNotFoundError,
        RecursionError,  # brackets in brackets without end
    ) as error:
        raise PeerError(f"the link carried something that is no message: {error!r}") from error


# ---- link --------------------------------------------------------------------------------------
# The link: a non-blocking SOCK_SEQPACKET between desk and carrier, one class for both ends.
#
# Control messages are never dropped: a queue that is full counts as a dead peer. Sound goes by
# credit, bounded to 10 s a recording; what does not fit is counted and told as a RecordingGap.

QUEUE_LIMIT = 1000
"""Control messages that may wait before the peer counts as dead."""
CREDIT_BYTES = 80_000
"""10 s of G.711: what may be under way for one recording."""
MESSAGE_LIMIT = 160_000
"""Largest datagram; below the usual 208 KiB socket buffer."""
CONTROL, SOUND = b"C", b"S"
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """Who has connected to a UNIX socket, as the kernel noted it then (SO_PEERCRED, unix(7))."""

    process: int
    account: int


def peer_of(sock: socket.socket) -> Peer:
    """Return who is at the other end; the account is a number."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, account, _ = _CREDENTIALS.unpack(raw)
    return Peer(process, account)


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """Sound of a recording, in order, coded as its RecordingStarted said."""

    recording: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A datagram to be written and the descriptors that go with it; `own` ones are closed then."""

    data: bytes
    fds: tuple[int, ...] = ()
    own: bool = False

    def close(self) -> None:
        """Close the descriptors that were handed over for good."""
        for fd in self.fds if self.own else ():
            os.close(fd)


class Link:
    """One end. `send` and `send_sound` queue, `flush` writes, `receive` yields what arrived."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.closed = False
        self.received_fds: list[int] = []
        self._queue: collections.deque[_Waiting] = collections.deque()
        self._credit: dict[str, int] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.socket.fileno()

    @property
    def has_peer(self) -> bool:
        """Tell whether the other end is open, also where what it said last has yet to be read."""
        look = select.poll()
        look.register(self.socket, 0)
        return not self.closed and not look.poll(0)

    @property
    def wants_to_write(self) -> bool:
        """True while something waits for room in the socket."""
        return bool(self._queue) and not self.closed

    def send(self, message: Message, fds: Sequence[int] = (), own: bool = False) -> None:
        """Queue a control message and try to write it; raises PeerError when the peer is dead.

        `fds` travel with it and, with `own`, are closed once they were sent or cannot be.
        """
        waiting = _Waiting(CONTROL + encode_message(message), tuple(fds), own)
        if self.closed:
            waiting.close()
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self.closed = True
            waiting.close()
            raise PeerError(f"the peer left {QUEUE_LIMIT} messages unread; it counts as dead")
        self._queue.append(waiting)
        self.flush()

    def open_sound(self, recording: str) -> None:
        """Give a recording its credit; the sending side calls it once at its start."""
        self._credit[recording] = CREDIT_BYTES

    def send_sound(self, recording: str, data: bytes) -> int:
        """Send sound if credit allows; returns how many bytes had to be dropped."""
        if self._credit.get(recording, 0) < len(data) or self.closed:
            return len(data)
        self._credit[recording] -= len(data)
        name = recording.encode()
        self._queue.append(_Waiting(SOUND + bytes([len(name)]) + name + data))
        self.flush()
        return 0

    def grant(self, recording: str, size: int) -> None:
        """Take back credit (a Credit message came)."""
        if recording in self._credit:
            self._credit[recording] = min(CREDIT_BYTES, self._credit[recording] + size)

    def close_sound(self, recording: str) -> None:
        """Forget a recording's credit."""
        self._credit.pop(recording, None)

    def flush(self) -> None:
        """Write what the socket takes; the rest stays queued."""
        while self._queue and not self.closed:
            waiting = self._queue[0]
            try:
                self._write(waiting.data, waiting.fds)
            except BlockingIOError:
                return
            except OSError:
                self.closed = True
                return
            self._queue.popleft().close()

    def receive(self) -> Iterator[Message | RecordedSound]:
        """Yield everything that has arrived; sets `closed` at the peer's end or a broken link."""
        while not self.closed:
            try:
                data = self._read()
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return
            yield self._parse(data)

    def take_fds(self) -> list[int]:
        """Return the descriptors that came with the messages so far, to be closed by the taker."""
        taken, self.received_fds = self.received_fds, []
        return taken

    def close(self) -> None:
        """Close this end; the peer sees it at once."""
        self.closed = True
        self.socket.close()
        while self._queue:
            self._queue.popleft().close()

    def _write(self, data: bytes, fds: tuple[int, ...]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([data], rights)

    def _read(self) -> bytes:
        space = socket.CMSG_SPACE(array.array("i").itemsize)
        data, ancillary, _, _ = self.socket.recvmsg(MESSAGE_LIMIT, space)
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.received_fds += array.array("i", payload[: len(payload) & ~3])
        return data

    def _parse(self, data: bytes) -> Message | RecordedSound:
        if data[:1] == CONTROL:
            return decode_message(data[1:])
        if data[:1] == SOUND and len(data) > 2:
            end = 2 + data[1]
            return RecordedSound(data[2:end].decode("utf-8", "replace"), data[end:])
        raise PeerError("the link carried a datagram of no known class")
