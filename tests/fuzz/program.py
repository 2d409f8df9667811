"""An input read as a program: which step, with which bytes; a short input ends it early."""

from __future__ import annotations

from collections.abc import Iterator


class Program:
    """Reads an input from its front; past its end there are zeros and empty pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def ended(self) -> bool:
        """True when nothing is left."""
        return self._at >= len(self._data)

    def number(self, below: int) -> int:
        """Return the next byte as a number below `below`."""
        return (self.take(1) or b"\0")[0] % below

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes, or what is left of them."""
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def piece(self) -> bytes:
        """Return bytes whose length stands before them in one byte."""
        return self.take(self.number(256))

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(len(self._data))

    def steps(self, kinds: int, most: int) -> Iterator[int]:
        """Yield step numbers below `kinds`, `most` of them, until the input ends."""
        for _ in range(most):
            if self.ended:
                return
            yield self.number(kinds)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Yield `data` in pieces of `size` bytes."""
    for at in range(0, len(data), size):
        yield data[at : at + size]
