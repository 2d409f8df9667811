"""The modem's sound formats, each turned into the line's mu-law and back (v253.md 1.5)."""

from __future__ import annotations

import audioop
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.dsp import g711

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_BYTE = bytes(range(256))
HALF_STEP = b"\x80\x00"


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to write a sample: bytes each, to and from mu-law."""

    width: int
    to_line: Callable[[bytes], bytes]
    from_line: Callable[[bytes], bytes]


def _signed8_to_linear(data: bytes) -> bytes:
    return audioop.lin2lin(data, 1, 2)


def _linear_to_signed8(pcm: bytes) -> bytes:
    # Rounded to the nearest step; add() saturates, so the loudest sample stays the loudest.
    return audioop.lin2lin(audioop.add(pcm, HALF_STEP * (len(pcm) // 2), 2), 2, 1)


def _unsigned8_to_linear(data: bytes) -> bytes:
    return _signed8_to_linear(audioop.bias(data, 1, -128))


def _linear_to_unsigned8(pcm: bytes) -> bytes:
    return audioop.bias(_linear_to_signed8(pcm), 1, 128)


def _linear14(ulaw: bytes) -> bytes:
    """Left-justified 14 bits, bit 0 set in every sample (v253.md 1.5, id 133)."""
    pcm = g711.ulaw_to_linear(ulaw)
    masked = int.from_bytes(pcm, "little") & int.from_bytes(b"\xfc\xff" * len(ulaw), "little")
    marked = masked | int.from_bytes(b"\x01\x00" * len(ulaw), "little")
    return marked.to_bytes(len(pcm), "little")


def _same(data: bytes) -> bytes:
    return data


def _by_table(decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]) -> Codec:
    to_line = g711.linear_to_ulaw(decode(EVERY_BYTE))
    from_line = encode(g711.ulaw_to_linear(EVERY_BYTE))
    return Codec(1, lambda data: data.translate(to_line), lambda data: data.translate(from_line))


@lru_cache(maxsize=16)
def codec(law: str) -> Codec:
    """Give the codec of a law: ulaw, alaw, unsigned8, signed8, linear16 or linear14."""
    if law == "ulaw":
        return Codec(1, _same, _same)
    if law == "alaw":
        return _by_table(g711.alaw_to_linear, g711.linear_to_alaw)
    if law == "unsigned8":
        return _by_table(_unsigned8_to_linear, _linear_to_unsigned8)
    if law == "signed8":
        return _by_table(_signed8_to_linear, _linear_to_signed8)
    out = g711.ulaw_to_linear if law == "linear16" else _linear14
    return Codec(2, g711.linear_to_ulaw, out)
