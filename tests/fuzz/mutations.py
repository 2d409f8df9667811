"""Inputs made of kept ones by a seeded dice: what is used where no coverage can guide."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Edit = Callable[[random.Random, bytearray, Sequence[bytes]], None]
MOST_EDITS = 6


def _flip(dice: random.Random, data: bytearray, _words: Sequence[bytes]) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _replace(dice: random.Random, data: bytearray, _words: Sequence[bytes]) -> None:
    if data:
        data[dice.randrange(len(data))] = dice.choice(
            (0, 10, 13, 16, 34, 127, 255, dice.getrandbits(8))
        )


def _insert(dice: random.Random, data: bytearray, words: Sequence[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.choice(words) if words else dice.randbytes(4)


def _remove(dice: random.Random, data: bytearray, _words: Sequence[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.randrange(1, 16)]


def _repeat(dice: random.Random, data: bytearray, _words: Sequence[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    piece = data[at : at + dice.randrange(1, 64)]
    data[at:at] = piece * dice.choice((1, 2, 3, 40))


EDITS: tuple[Edit, ...] = (_flip, _replace, _insert, _insert, _remove, _repeat)


def mutated(
    dice: random.Random, corpus: Sequence[bytes], words: Sequence[bytes], longest: int
) -> bytes:
    """Return a kept input, changed in a few places, or crossed with another one."""
    data = bytearray(dice.choice(corpus) if corpus else b"")
    if corpus and dice.random() < 0.2:
        other = dice.choice(corpus)
        data[dice.randrange(len(data) + 1) :] = other[dice.randrange(len(other) + 1) :]
    for _ in range(dice.randrange(1, MOST_EDITS)):
        dice.choice(EDITS)(dice, data, words)
    return bytes(data[:longest])
