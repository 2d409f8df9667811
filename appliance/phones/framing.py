"""SIP over a stream (RFC 3261 18.3): where one message ends and the next begins; no socket here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from appliance.errors import PeerError
from appliance.phones.message import LIMIT, body_length

PING, PONG = b"\r\n\r\n", b"\r\n"
"""A keep-alive between two messages, and what it is answered with (RFC 5626 4.4.1)."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SKIPPED = b"\r\n\0"
_LONGEST_BLANK = 4


class Broken(PeerError):  # noqa: N818 - it says what the stream is
    """Raised where a stream can be read no further: no boundary can be told any more."""


@dataclass(slots=True)
class Framer:
    """Cuts a stream into messages, however its bytes arrive.

    Holds one message and one reading at most: who feeds it asks `next` first. A message without
    Content-Length has no body.
    """

    _buffer: bytearray = field(default_factory=bytearray)
    _searched: int = 0
    _whole: int = 0

    @property
    def is_midway(self) -> bool:
        """True while a message has begun and not ended."""
        return bool(self._buffer.strip(_SKIPPED))

    def feed(self, data: bytes) -> None:
        """Take the bytes that have come."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next message, or PING; None until more has come. Raises Broken."""
        while self._buffer and self._buffer[0] in _SKIPPED:
            if self._buffer.startswith(PING):
                del self._buffer[: len(PING)]
                return PING
            if PING.startswith(self._buffer):
                return None
            del self._buffer[0]
        if not self._buffer or not self._is_whole():
            return None
        message = bytes(self._buffer[: self._whole])
        del self._buffer[: self._whole]
        self._searched = self._whole = 0
        return message

    def _is_whole(self) -> bool:
        if not self._whole:
            self._whole = self._measured()
        return 0 < self._whole <= len(self._buffer)

    def _measured(self) -> int:
        """Return the length of the first message, 0 while its head is not whole."""
        if not self._buffer[:1].isalpha():
            raise Broken("a phone talks nonsense: no SIP message begins so")
        found = _BLANK_LINE.search(self._buffer, self._searched)
        if found is None:
            self._searched = max(0, len(self._buffer) - _LONGEST_BLANK + 1)
            whole, length = 0, 0
        else:
            length = body_length(bytes(self._buffer[: found.start()]))
            whole = found.end() + max(length, 0)
        if length < 0 or max(whole, len(self._buffer) if not whole else 0) > LIMIT:
            raise Broken("a phone talks nonsense: a message without end")
        return whole
