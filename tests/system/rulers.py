"""Small rulers and obstacles of the system tests."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator
from typing import Final

import numpy as np

from appliance.dsp import wav
from tests.helpers import sound

PIECE: Final = 1600
"""Bytes of a tenth of a second of 16-bit sound."""
NEAR: Final = 8000
"""Samples by which a machine that stood still may have moved what follows: a second."""
ALIKE_DB: Final = 15.0


def share_of_tone(pcm: bytes, hertz: int) -> float:
    """Return which share (0..1) of 16-bit sound's power is a sine of `hertz`."""
    wave = np.frombuffer(pcm, "<i2").astype(np.float64)
    total = float(wave @ wave)
    turned = abs(complex(wave @ np.exp(2j * math.pi * hertz / 8000 * np.arange(len(wave)))))
    return 2 * turned**2 / (len(wave) * total) if total else 0.0


def share_heard(said: bytes, heard: bytes) -> float:
    """Return which share (0..1) of what was said was heard (16-bit sound), by tenths of a second.

    Each loud tenth is looked for near its place: whoever plays late on a busy machine moves what
    follows, and drops some of it, but plays nothing else.
    """
    loud = wav.level_dbm0(said) - 10.0
    pieces = [
        (at, said[at : at + PIECE])
        for at in range(0, len(said) - PIECE + 1, PIECE)
        if wav.level_dbm0(said[at : at + PIECE]) > loud
    ]
    lag = sound.align(said, heard, len(heard) // 2)
    found = 0
    for at, piece in pieces:
        start = max(0, at // 2 + lag - NEAR)
        region = heard[2 * start : at + 2 * (lag + NEAR) + PIECE]
        if len(region.strip(b"\0")) < PIECE:
            continue
        there = 2 * sound.align(piece, region, len(region) // 2)
        found += sound.segmental_snr(piece, region[there : there + PIECE], loud) > ALIKE_DB
    return found / len(pieces)


@contextlib.contextmanager
def black_hole(address: str, port: int, really: bool = True) -> Iterator[None]:
    """Take everything sent to a UDP port and say nothing: the LAN around a phone without power."""
    if not really:
        yield
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind((address, port))
        yield
