"""The little the mailbox must know of sound: how long bytes last, and what silence looks like."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from appliance.errors import StoreError

Header = Callable[[str, int], bytes]
"""`header(law, n_bytes)`: the WAV header before that much sound; its length depends on the law
alone. The daemon hands in `media.wav.header`."""

_BYTES_PER_MS: Final = {"ulaw": 8, "alaw": 8, "linear8": 8, "linear16": 16}
"""8 kHz mono (G.711; v253.md 2.2 lists what a modem's +VSM offers)."""
_SILENCE: Final = {"ulaw": b"\xff", "alaw": b"\xd5", "linear8": b"\x80", "linear16": b"\0\0"}

_TAIL: Final = re.compile(rb"\0{16,}\Z")
_HOLE: Final = re.compile(rb"\0{64,}")


def bytes_per_ms(law: str) -> int:
    """Return the bytes in 1 ms; raises StoreError for a law that is not one of the four."""
    try:
        return _BYTES_PER_MS[law]
    except KeyError:
        raise StoreError(
            f"sound of law {law!r} cannot be stored: use one of {', '.join(_BYTES_PER_MS)}"
        ) from None


def longest_head(header: Header) -> int:
    """Return the bytes of the longest header: in a file no longer there is not 2 ms of sound."""
    return max(len(header(law, 0)) for law in _BYTES_PER_MS)


def length_ms(law: str, n_bytes: int) -> int:
    """Return how long `n_bytes` of sound last, in whole ms (rounded down)."""
    return n_bytes // bytes_per_ms(law)


def silence(law: str, ms: int) -> bytes:
    """Return `ms` of silence."""
    return _SILENCE[law] * (ms * bytes_per_ms(law) // len(_SILENCE[law]))


def mend(law: str, sound: bytes) -> tuple[bytes, int]:
    """Take out what a power cut puts into a growing file; returns the sound and its holes in ms.

    ext4 may have made the new length durable and not yet the last block's bytes: up to 4095 zeros
    were seen at the end in 54 of 300 crash states. A zero byte is full scale in G.711, half a
    second of it is no voice: at the end it is cut off, inside it becomes silence.
    """
    whole = _TAIL.sub(b"", sound)
    whole = whole[: len(whole) - len(whole) % len(_SILENCE[law])]
    if law == "linear16":  # there zeros are silence
        return whole, 0
    holes = sum(len(hole) for hole in _HOLE.findall(whole))
    return _HOLE.sub(lambda hole: _SILENCE[law] * len(hole[0]), whole), length_ms(law, holes)
