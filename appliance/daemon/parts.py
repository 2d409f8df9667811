"""What is longer than a question or an answer at the door, in parts that follow one another."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Hashable
from typing import Any, Final

from appliance.daemon.asked import Answer
from appliance.errors import OfficeError

PART: Final = 48_000
"""Bytes in one answer: a third of what a socket takes at once, as base64."""
MOST: Final = 2
"""Things that go out, or come in, at once; one more ends the oldest."""


class Outgoing:
    """Things that are fetched: made at the first part, forgotten after the last."""

    def __init__(self) -> None:
        self._made: dict[Hashable, bytes] = {}

    def part(self, key: Hashable, begin: int, make: Callable[[], bytes]) -> Answer:
        """Return the part of a thing from its byte `begin`; raises OfficeError, what `make` does.

        In one thread alone.
        """
        if begin == 0:
            self._keep(key, make())
        data = self._made.get(key)
        if data is None or begin > len(data):
            raise OfficeError("that part follows nothing: fetch it from its beginning")
        end = begin + PART
        if end >= len(data):
            del self._made[key]
        encoded = base64.b64encode(data[begin:end]).decode()
        return {"size": len(data), "data": encoded, "last": end >= len(data)}

    def _keep(self, key: Hashable, data: bytes) -> None:
        self._made.pop(key, None)
        while len(self._made) >= MOST:
            del self._made[next(iter(self._made))]
        self._made[key] = data


class Incoming:
    """Things that come, one a user, of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._coming: dict[str, bytearray] = {}

    def take(self, by: str, question: dict[str, Any]) -> Answer:
        """Take one part, which follows the one before; raises OfficeError."""
        begin, data = question.get("at"), _data(question)
        if begin == 0:
            self._begin(by)
        coming = self._coming.get(by)
        if coming is None or len(coming) != begin:
            raise OfficeError("this part follows nothing that has come: send it from its beginning")
        if len(coming) + len(data) > self._limit:
            del self._coming[by]
            raise OfficeError(f"it is longer than {self._limit} bytes")
        coming += data
        return {"taken": len(coming)}

    def collect(self, by: str) -> bytes:
        """Return what has come of somebody and forget it; raises OfficeError for nothing."""
        coming = self._coming.pop(by, None)
        if not coming:
            raise OfficeError("nothing has come that could be attached: send it first")
        return bytes(coming)

    def _begin(self, by: str) -> None:
        self._coming.pop(by, None)
        while len(self._coming) >= MOST:
            del self._coming[next(iter(self._coming))]
        self._coming[by] = bytearray()


def _data(question: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(question.get("data", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise OfficeError(f"data is base64 ({error})") from error
