"""What a frame is: 20 ms of 8 kHz mono sound in one of four laws, and how loud it is in dBm0."""

from __future__ import annotations

import audioop
import enum
import math

SAMPLE_RATE = 8000
"""Samples a second; nothing in this room works at another rate."""
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
"""160 samples: 160 bytes of G.711, 320 bytes of 16-bit PCM."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000

FULL_SCALE_DBM0 = 3.14
"""Level of a sine that reaches full scale (ITU-T G.711 section 4: A-law 3.14, mu-law 3.17)."""
SILENCE_DBM0 = -96.0
"""What `level_dbm0` says of digital silence, which has no logarithm."""
_FULL_SCALE_PEAK = 32767.0


class Law(enum.StrEnum):
    """How one sample is written: G.711 in either law, unsigned 8-bit, or 16-bit little endian."""

    ULAW = "ulaw"
    ALAW = "alaw"
    LINEAR8 = "linear8"
    LINEAR16 = "linear16"


SAMPLE_BYTES = {Law.ULAW: 1, Law.ALAW: 1, Law.LINEAR8: 1, Law.LINEAR16: 2}
"""Bytes a sample takes in each law."""

SILENCE = {Law.ULAW: b"\xff", Law.ALAW: b"\xd5", Law.LINEAR8: b"\x80", Law.LINEAR16: b"\0\0"}
"""One silent sample of each law (A-law has no zero: 0xD5 is its smallest positive step)."""


def silence(law: Law, samples: int) -> bytes:
    """Return `samples` silent samples written in `law`."""
    return SILENCE[law] * samples


def duration_ms(data: bytes, law: Law) -> int:
    """Return how long `data` in `law` sounds, in whole ms (rounded down)."""
    return len(data) // SAMPLE_BYTES[law] // SAMPLES_PER_MS


def level_dbm0(pcm16: bytes) -> float:
    """Return the power of 16-bit sound in dBm0; `SILENCE_DBM0` for none at all.

    A sine that reaches full scale is +3.14 dBm0 (G.711 section 4).
    """
    rms = audioop.rms(pcm16, 2)
    if rms == 0:
        return SILENCE_DBM0
    return FULL_SCALE_DBM0 + 20 * math.log10(rms * math.sqrt(2) / _FULL_SCALE_PEAK)


def sine_peak(dbm0: float) -> float:
    """Return the peak, in 16-bit steps, of a sine of `dbm0`."""
    return _FULL_SCALE_PEAK * math.pow(10.0, (dbm0 - FULL_SCALE_DBM0) / 20)


def rms_at(dbm0: float) -> float:
    """Return the root mean square, in 16-bit steps, of a signal of `dbm0`."""
    return sine_peak(dbm0) / math.sqrt(2)
