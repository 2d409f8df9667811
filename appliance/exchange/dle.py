"""DLE shielding as the modem sees it (v253.md section 2)."""

from __future__ import annotations

import re

DLE, ETX, CAN, SUB, NUL = 0x10, 0x03, 0x18, 0x1A, 0x00
_PURE = re.compile(rb"(?:[^\x10]++|\x10[\x10\x1a])*+", re.DOTALL)
_ONE_OR_TWO = re.compile(rb"\x10{1,2}")
_PAIR = re.compile(rb"\x10([\x10\x1a])")


def shield(sound: bytes) -> bytes:
    """Double every DLE in sound on its way to the host."""
    return sound.replace(b"\x10", b"\x10\x10")


def shield_packed(sound: bytes) -> bytes:
    """Double every DLE, two in a row by DLE SUB, as some firmware does (v253.md 2.1)."""
    return _ONE_OR_TWO.sub(lambda m: b"\x10\x1a" if len(m[0]) == 2 else b"\x10\x10", sound)


def event(code: str) -> bytes:
    """Give the two bytes of one event, e.g. `b` for busy."""
    return b"\x10" + code.encode("ascii")


def _unpair(match: re.Match[bytes]) -> bytes:
    return b"\x10" if match.group(1) == b"\x10" else b"\x10\x10"


def _plain(pure: bytes) -> bytes:
    if b"\x10\x1a" in pure:
        return _PAIR.sub(_unpair, pure)
    return pure.replace(b"\x10\x10", b"\x10")


class Unshielder:
    """Takes the shielding off a host's stream, which may be cut anywhere."""

    def __init__(self) -> None:
        self._half = False

    def step(self, data: bytes) -> tuple[bytes, int | None, bytes]:
        """Give (sound up to the next code, that code or None, what follows it)."""
        if self._half:
            data, self._half = b"\x10" + data, False
        elif b"\x10" not in data:
            return data, None, b""
        match = _PURE.match(data)
        end = match.end() if match else 0
        if end >= len(data) - 1:
            self._half = end < len(data)
            return _plain(data[:end]), None, b""
        return _plain(data[:end]), data[end + 1], data[end + 2 :]
