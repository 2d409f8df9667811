"""Small rulers and obstacles of the system tests."""

from __future__ import annotations

import array
import contextlib
import math
import socket
from collections.abc import Iterator


def share_of_tone(pcm: bytes, hertz: int) -> float:
    """Return which share (0..1) of 16-bit sound's power is a sine of `hertz`."""
    wave = array.array("h", pcm)
    step = math.tau * hertz / 8000
    cosine = sum(value * math.cos(step * n) for n, value in enumerate(wave))
    sine = sum(value * math.sin(step * n) for n, value in enumerate(wave))
    total = sum(value * value for value in wave)
    return 2 * (cosine**2 + sine**2) / (len(wave) * total) if total else 0.0


@contextlib.contextmanager
def black_hole(address: str, port: int, really: bool = True) -> Iterator[None]:
    """Take everything sent to a UDP port and say nothing: the LAN around a phone without power."""
    if not really:
        yield
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind((address, port))
        yield
