"""What is sealed with a passphrase comes back whole, or is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from appliance.policy.text import Refused
from appliance.store import backup
from appliance.store.backup import SealedReader, SealingWriter, checked_passphrase

PHRASE = "perché no, però"
PIECE = 64
SEALED = PIECE + 5 + 12 + 16
"""A piece in the file: its head, its nonce, what it holds, its tag."""
HEAD = len(backup.MAGIC) + backup.SALT_BYTES
DATA = bytes(range(250))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of which a few fit on a page."""
    monkeypatch.setattr(backup, "PIECE_BYTES", PIECE)


def sealed(data: bytes) -> bytes:
    """Seal it, written in uneven portions."""
    file = io.BytesIO()
    writer = SealingWriter(file, PHRASE)
    for at in range(0, len(data), 7):
        assert writer.write(data[at : at + 7]) == len(data[at : at + 7])
    writer.close()
    return file.getvalue()


def opened(contents: bytes, passphrase: str = PHRASE, portion: int = 50) -> bytes:
    """Read all of it in portions."""
    reader = SealedReader(io.BytesIO(contents), passphrase)
    found = b""
    while portions := reader.read(portion):
        found += portions
    return found


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 250])
@pytest.mark.parametrize("portion", [1, PIECE, 1000])
def test_it_comes_back_as_it_was(size: int, portion: int) -> None:
    """Of every length, around the pieces' own, read in any portions."""
    assert opened(sealed(DATA[:size]), portion=portion) == DATA[:size]


def test_the_same_letters_are_the_same_passphrase() -> None:
    """A keyboard that writes è as two signs opens it all the same."""
    assert opened(sealed(DATA), "perche\u0301 no, pero\u0300") == DATA


def test_the_same_words_seal_it_otherwise_each_time() -> None:
    """Two backups of the same say nothing of one another."""
    assert sealed(DATA)[HEAD:] != sealed(DATA)[HEAD:]


def pieces(contents: bytes) -> list[bytes]:
    """Take a file apart: its head, its pieces."""
    rest = contents[HEAD:]
    return [contents[:HEAD], *(rest[at : at + SEALED] for at in range(0, len(rest), SEALED))]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p[:-1], "cut short"),
        (lambda p: [*p[:2], *p[3:]], "damaged"),
        (lambda p: [p[0], p[2], p[1], *p[3:]], "not this backup's"),
        (lambda p: [*p[:2], p[3], p[2], *p[4:]], "damaged"),
        (lambda p: [*p, p[-1]], "damaged"),
        (lambda p: [*p[:-1], b"\1" + p[-2][1:]], "damaged"),
        (lambda p: [*p[:-1], b"\0" + p[-1][1:]], "damaged"),
        (lambda p: [*p[:2], p[2][:1] + b"\xff" + p[2][2:], *p[3:]], "damaged"),
    ],
    ids=["cut", "less", "first", "order", "more", "twice", "unended", "length"],
)
def test_pieces_cannot_change_places(
    change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    """None can be cut off, taken out, moved, added or called the last."""
    with pytest.raises(Refused, match=said):
        opened(b"".join(change(pieces(sealed(DATA)))))


def test_what_is_not_read_is_still_looked_at() -> None:
    """Damage behind what was wanted is found at the end."""
    contents = sealed(DATA)
    reader = SealedReader(io.BytesIO(contents[:-1] + bytes([contents[-1] ^ 1])), PHRASE)
    reader.read(1)
    with pytest.raises(Refused, match="damaged"):
        reader.finish()


def test_a_passphrase_that_is_soon_guessed_is_refused() -> None:
    """Twelve characters at least."""
    assert checked_passphrase("x" * 12) == "x" * 12
    with pytest.raises(Refused, match="fewer than 12"):
        checked_passphrase("x" * 11)
