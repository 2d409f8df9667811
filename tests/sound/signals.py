"""What callers and phones say in the sound tests, and how a WAV of it is laid down."""

from __future__ import annotations

import random
from pathlib import Path

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from tests.helpers import sound

SAMPLES_A_SECOND = 8000


def every_byte(seed: int) -> bytes:
    """All 256 byte values in two orders, and the ones that shielding could hurt, in rows."""
    rng = random.Random(seed)
    orders = [bytes(rng.sample(range(256), 256)) for _ in range(2)]
    hurt = b"\x10\x10\x10\x03\x10\x1a\x10\x18\x10\x10\x7f\xff\x7f\x10\xff\x00\x80"
    return orders[0] + hurt * 4 + orders[1]


def spoken_ulaw(seconds: float, seed: int) -> bytes:
    """Mu-law speech with every byte value at its start, amid it and at its end.

    `seed` also says where in the recorded voices it begins, so that two are not alike.
    """
    voice = g711.encode(sound.speech(seconds + 7 * seed), Law.ULAW)
    voice = voice[7 * seed * SAMPLES_A_SECOND :]
    half = len(voice) // 2
    parts = (every_byte(seed), voice[:half], every_byte(seed + 1), voice[half:], every_byte(seed))
    return b"".join(parts)


def ulaw_file(path: Path, data: bytes) -> Path:
    """Write mu-law bytes as a WAV file."""
    wav.write(path, wav.Sound(data, Law.ULAW))
    return path
