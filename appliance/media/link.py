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
from appliance.text import LANGUAGES, Words, translations, written

# ---- encoding: one tagged JSON object a message (design/call.md, The link) ---------------------

# One of TYPES; the union is too wide for mypy to be of help.
Message = Any

LINK = typing.get_args(messages.LinkMessage)
ORDERS = (*typing.get_args(orders.MediaOrder), events.MediaAgreed, *LINK)
"""Types sent from call control to the media gateway."""
FACTS = (*typing.get_args(events.Event), *LINK)
"""Types sent from the media gateway to call control."""

TYPES: dict[str, type] = {cls.__name__: cls for cls in (*FACTS, *ORDERS)}
"""Every type that may cross the link, by name."""

# Without detailed validation: the first mistake is enough for a peer that makes one; reporting all
# takes twice the generated code.
_converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
_converter.register_unstructure_hook(Words, Words.by_language)
_converter.register_structure_hook(Words, lambda told, _cls: written(told))


def prepare(reads: Iterable[type], writes: Iterable[type]) -> None:
    """Make the coders of these types now instead of at the first message of each type."""
    # Each takes milliseconds of a slow board, a good part of a frame of sound, and some KiB that
    # stay: made at a rare fault, these would look like a leak. Events that call control sends only
    # to itself are left out.
    _make(_converter.get_structure_hook, reads)
    _make(_converter.get_unstructure_hook, writes)
    # A reason crosses in every language: no fault, and no text on a phone, waits for the disk.
    for language in LANGUAGES:
        translations(language)


def _make(make: Callable[[type], object], types: Iterable[type]) -> None:
    """Make the coders of all types and of the dataclasses in their fields."""
    parts = list(dict.fromkeys(part for cls in types for part in _parts(cls)))
    # Twice: cattrs discards what it has made when it meets a type of tuples.
    for cls in (*parts, *parts):
        with contextlib.suppress(StructureHandlerNotFoundError):
            make(cls)


def _parts(kind: Any) -> Iterator[type]:
    """Yield the dataclasses of a type: itself, and those of its fields, in tuples as well."""
    inner: Iterable[Any] = typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        yield typing.cast("type", kind)
        inner = typing.get_type_hints(kind).values()
    for each in inner:
        yield from _parts(each)


def encode_message(message: Message) -> bytes:
    """Encode one message; raises PeerError for a type that may not cross the link."""
    name = type(message).__name__
    if TYPES.get(name) is not type(message):
        raise PeerError(f"{name} may not cross the link; send one of calls.events or calls.orders")
    fields = _converter.unstructure(message)
    return json.dumps({"t": name, **fields}, separators=(",", ":")).encode()


def decode_message(data: bytes) -> Message:
    """Decode one message; raises PeerError for an unknown type or wrong fields."""
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
        RecursionError,  # deeply nested brackets
    ) as error:
        raise PeerError(f"the link carried something that is no message: {error!r}") from error


# ---- link: a non-blocking SOCK_SEQPACKET, one class for both ends ------------------------------
# Control messages are never dropped: a full queue counts as a dead peer. Sound goes by credit; what
# exceeds it is dropped, counted and reported as a RecordingGap (design/call.md, The link).

QUEUE_LIMIT = 1000
"""Unread control messages after which the peer counts as dead."""
# Most bytes of one recording under way: 10 s of G.711.
CREDIT_BYTES = 80_000
# Below the usual socket buffer of 208 KiB, which a whole datagram must fit.
MESSAGE_LIMIT = 160_000
"""Largest datagram, bytes."""
CONTROL, SOUND = b"C", b"S"
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """Process and account of a UNIX socket's peer when it connected (SO_PEERCRED, unix(7))."""

    process: int
    account: int


def peer_of(sock: socket.socket) -> Peer:
    """Return the process and the account number at the other end of `sock`."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, account, _ = _CREDENTIALS.unpack(raw)
    return Peer(process, account)


@dataclass(frozen=True, slots=True)
class RecordedSound:
    """Sound of a recording, in order, coded as its RecordingStarted said."""

    recording: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _QueuedDatagram:
    """A queued datagram and the descriptors sent with it; `own` ones are closed afterwards."""

    data: bytes
    fds: tuple[int, ...] = ()
    own: bool = False

    def close(self) -> None:
        """Close the descriptors that the link owns."""
        for fd in self.fds if self.own else ():
            os.close(fd)


class Link:
    """One end. `send` and `send_sound` queue, `flush` writes, `receive` yields arrived messages."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.closed = False
        self.received_fds: list[int] = []
        self._queue: collections.deque[_QueuedDatagram] = collections.deque()
        self._credit: dict[str, int] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.socket.fileno()

    @property
    def has_peer(self) -> bool:
        """True while the other end is open, even before its last messages have been read."""
        # A poll for no event reports hang-up and error all the same (poll(2)).
        look = select.poll()
        look.register(self.socket, 0)
        return not self.closed and not look.poll(0)

    @property
    def wants_to_write(self) -> bool:
        """True while datagrams wait for room in the socket."""
        return bool(self._queue) and not self.closed

    def send(self, message: Message, fds: Sequence[int] = (), own: bool = False) -> None:
        """Queue a control message and try to write it; raises PeerError when the queue is full.

        `fds` travel with it and, with `own`, are closed once sent or discarded.
        """
        waiting = _QueuedDatagram(CONTROL + encode_message(message), tuple(fds), own)
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
        """Open a recording's credit; the sender calls it once at the start."""
        self._credit[recording] = CREDIT_BYTES

    def send_sound(self, recording: str, data: bytes) -> int:
        """Send sound if credit allows; returns the number of dropped bytes."""
        if self._credit.get(recording, 0) < len(data) or self.closed:
            return len(data)
        self._credit[recording] -= len(data)
        name = recording.encode()
        self._queue.append(_QueuedDatagram(SOUND + bytes([len(name)]) + name + data))
        self.flush()
        return 0

    def grant(self, recording: str, size: int) -> None:
        """Restore `size` bytes of credit (a Credit message arrived)."""
        if recording in self._credit:
            # Never above the limit, whatever the peer grants.
            self._credit[recording] = min(CREDIT_BYTES, self._credit[recording] + size)

    def close_sound(self, recording: str) -> None:
        """Forget a recording's credit."""
        self._credit.pop(recording, None)

    def flush(self) -> None:
        """Write as many queued datagrams as the socket takes."""
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
        """Yield all arrived messages; sets `closed` at end of file or error.

        Raises PeerError for a datagram that is no message.
        """
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
        """Return the descriptors received so far; the caller closes them."""
        taken, self.received_fds = self.received_fds, []
        return taken

    def close(self) -> None:
        """Close this end and discard the queue; the peer sees end of file at once."""
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
                # `& ~3`: a control message that was cut holds part of a descriptor's four bytes.
                self.received_fds += array.array("i", payload[: len(payload) & ~3])
        return data

    def _parse(self, data: bytes) -> Message | RecordedSound:
        if data[:1] == CONTROL:
            return decode_message(data[1:])
        if data[:1] == SOUND and len(data) > 2:
            end = 2 + data[1]
            return RecordedSound(data[2:end].decode("utf-8", "replace"), data[end:])
        raise PeerError("the link carried a datagram of no known class")
