"""A stream of the format until November 2026 comes back whole, or is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from appliance.policy.text import Refused
from appliance.store import backup_v1
from appliance.store.backup import SealedReader

PHRASE = "perché no, però"
PIECE = 64
SEALED = PIECE + 5 + 12 + 16
"""A piece in the file: its head, its nonce, what it holds, its tag."""
START = len(backup_v1.MAGIC) + backup_v1.SALT_BYTES
DATA = bytes(range(250))


def sealed(data: bytes) -> bytes:
    """Seal it as it was done then, in small pieces."""
    salt = b"0123456789abcdef"
    vault = backup_v1.vault_of(PHRASE, salt)
    made = backup_v1.MAGIC + salt
    parts = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        closed = vault.seal_bytes(part, backup_v1.place(number, is_last=is_last))
        made += backup_v1.HEAD.pack(is_last, len(closed)) + closed
    return made


def opened(contents: bytes, passphrase: str = PHRASE) -> bytes:
    """Read all of it, and to the end."""
    reader = SealedReader(io.BytesIO(contents), passphrase)
    found = reader.read(1000)
    reader.finish()
    return found


def test_it_comes_back_as_it_was() -> None:
    """Whichever way the passphrase's letters are written."""
    assert opened(sealed(DATA)) == DATA
    assert opened(sealed(DATA), "perche\u0301 no, pero\u0300") == DATA


def pieces(contents: bytes) -> list[bytes]:
    """Take a file apart: its head, its pieces."""
    rest = contents[START:]
    return [contents[:START], *(rest[at : at + SEALED] for at in range(0, len(rest), SEALED))]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p[:-1], "cut short"),
        (lambda p: [p[0][:25]], "cut short"),
        (lambda p: [*p[:2], *p[3:]], "damaged"),
        (lambda p: [p[0], p[2], p[1], *p[3:]], "not this backup's"),
        (lambda p: [*p[:2], p[3], p[2], *p[4:]], "damaged"),
        (lambda p: [*p, p[-1]], "damaged"),
        (lambda p: [*p[:-1], b"\1" + p[-2][1:]], "damaged"),
        (lambda p: [*p[:-1], b"\0" + p[-1][1:]], "damaged"),
        (lambda p: [*p[:2], p[2][:1] + b"\xff" + p[2][2:], *p[3:]], "damaged"),
        (lambda p: [*p[:2], b"\2" + p[2][1:], *p[3:]], "damaged"),
    ],
    ids=["cut", "stub", "less", "first", "order", "more", "twice", "unended", "length", "kind"],
)
def test_pieces_cannot_change_places(
    change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    """None can be cut off, taken out, moved, added or called the last."""
    with pytest.raises(Refused, match=said):
        opened(b"".join(change(pieces(sealed(DATA)))))
