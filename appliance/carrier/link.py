"""The link: a non-blocking SOCK_SEQPACKET between desk and carrier, one class for both ends.

Control messages are never dropped: a queue that is full counts as a dead peer. Sound goes by
credit, bounded to 10 s a recording; what does not fit is counted and told as a RecordingGap.
"""

from __future__ import annotations

import array
import collections
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.carrier import wire
from appliance.errors import PeerError

QUEUE_LIMIT = 1000
"""Control messages that may wait before the peer counts as dead."""
CREDIT_BYTES = 80_000
"""10 s of G.711: what may be under way for one recording."""
MESSAGE_LIMIT = 160_000
"""Largest datagram; below the usual 208 KiB socket buffer."""
CONTROL, SOUND = b"C", b"S"


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound of a recording, in order, coded as its RecordingStarted said."""

    recording: str
    data: bytes


class Link:
    """One end. `send` and `send_sound` queue, `flush` writes, `receive` yields what arrived."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.closed = False
        self.received_fds: list[int] = []
        self._queue: collections.deque[tuple[bytes, list[int]]] = collections.deque()
        self._credit: dict[str, int] = {}

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.socket.fileno()

    @property
    def wants_to_write(self) -> bool:
        """True while something waits for room in the socket."""
        return bool(self._queue) and not self.closed

    def send(self, message: wire.Message, fds: list[int] | None = None) -> None:
        """Queue a control message and try to write it; raises PeerError when the peer is dead."""
        if self.closed:
            return
        if len(self._queue) >= QUEUE_LIMIT:
            self.closed = True
            raise PeerError(f"the peer left {QUEUE_LIMIT} messages unread; it counts as dead")
        self._queue.append((CONTROL + wire.encode(message), fds or []))
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
        self._queue.append((SOUND + bytes([len(name)]) + name + data, []))
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
            data, fds = self._queue[0]
            try:
                self._write(data, fds)
            except BlockingIOError:
                return
            except OSError:
                self.closed = True
                return
            self._queue.popleft()

    def receive(self) -> Iterator[wire.Message | Sound]:
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

    def close(self) -> None:
        """Close this end; the peer sees it at once."""
        self.closed = True
        self.socket.close()

    def _write(self, data: bytes, fds: list[int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([data], rights)

    def _read(self) -> bytes:
        space = socket.CMSG_SPACE(array.array("i").itemsize)
        data, ancillary, _, _ = self.socket.recvmsg(MESSAGE_LIMIT, space)
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.received_fds += array.array("i", payload[: len(payload) & ~3])
        return data

    def _parse(self, data: bytes) -> wire.Message | Sound:
        if data[:1] == CONTROL:
            return wire.decode(data[1:])
        if data[:1] == SOUND and len(data) > 2:
            end = 2 + data[1]
            return Sound(data[2:end].decode(), data[end:])
        raise PeerError("the link carried a datagram of no known class")
