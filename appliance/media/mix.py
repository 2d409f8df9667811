"""Several voices at once: what one hears of the others in a conversation of more than two."""

from __future__ import annotations

import audioop


def mixed(first: bytes, second: bytes) -> bytes:
    """Return the sum of two pieces of 16-bit sound of one length, saturating at full scale.

    Raises ValueError for pieces of different lengths. Nothing is turned down for the sum: a person
    is as loud as before, and two who shout at once are clipped, as on any analog bridge.
    """
    if len(first) != len(second):
        raise ValueError(f"pieces of {len(first)} and {len(second)} bytes cannot be mixed")
    return audioop.add(first, second, 2)
