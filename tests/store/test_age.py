"""What is sealed with a passphrase comes back whole, or is refused."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.policy.recipients import recipient_key
from appliance.policy.text import Refused
from appliance.store import age
from appliance.store.age import AgeWriter, checked_passphrase
from appliance.store.backup import SealedReader

PHRASE = "perché no, però"
CHUNK = 64
SEALED = CHUNK + age.TAG_BYTES
DATA = bytes(range(250))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of which a few fit on a page."""
    monkeypatch.setattr(age, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(age, "SEALED_BYTES", SEALED)


def sealed(data: bytes, *, is_filled: bool = True) -> bytes:
    """Seal it, written in uneven portions."""
    file = io.BytesIO()
    writer = AgeWriter(file, PHRASE)
    for at in range(0, len(data), 7):
        assert writer.write(data[at : at + 7]) == len(data[at : at + 7])
    if is_filled:
        writer.fill()
    writer.close()
    return file.getvalue()


def opened(contents: bytes, passphrase: str = PHRASE, portion: int = 50) -> bytes:
    """Read all of it in portions."""
    reader = SealedReader(io.BytesIO(contents), passphrase)
    found = b""
    while portions := reader.read(portion):
        found += portions
    return found


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 250])
@pytest.mark.parametrize("portion", [1, CHUNK, 1000])
def test_it_comes_back_as_it_was(size: int, portion: int) -> None:
    """Of every length, around the chunks' own, read in any portions."""
    assert opened(sealed(DATA[:size], is_filled=False), portion=portion) == DATA[:size]


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_a_filled_one_has_zeros_behind_it_up_to_a_whole_chunk(size: int) -> None:
    """As few as that takes."""
    found = opened(sealed(DATA[:size]))
    assert found == DATA[:size].ljust(-(-size // CHUNK) * CHUNK, b"\0")


def test_the_same_letters_are_the_same_passphrase() -> None:
    """A keyboard that writes è as two signs opens it all the same."""
    assert opened(sealed(DATA, is_filled=False), "perche\u0301 no, pero\u0300") == DATA


def test_the_same_words_seal_it_otherwise_each_time() -> None:
    """Two backups of the same say nothing of one another: no 16 bytes of them are the same."""
    first, second = (pieces(sealed(DATA)) for _ in range(2))
    assert all(one != other for one, other in zip(first[1:], second[1:], strict=True))
    assert first[0].split(b"\n")[1:4] != second[0].split(b"\n")[1:4]


def pieces(contents: bytes) -> list[bytes]:
    """Take a file apart: its header with the nonce, its chunks."""
    start = contents.index(b"\n--- ") + len(b"\n--- ") + 43 + 1 + age.SALT_BYTES
    rest = contents[start:]
    return [contents[:start], *(rest[at : at + SEALED] for at in range(0, len(rest), SEALED))]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p[:-1], "cut short"),
        (lambda p: [*p[:-1], p[-1][:-1]], "cut short"),
        (lambda p: [*p[:-1], p[-1][:5]], "cut short"),
        (lambda p: p[:1], "cut short"),
        (lambda p: [p[0][:-1]], "cut short"),
        (lambda p: [p[0][:90]], "cut short"),
        (lambda p: [p[0][:25]], "cut short"),
        (lambda p: [*p[:2], *p[3:]], "damaged: use"),
        (lambda p: [p[0], p[2], p[1], *p[3:]], "damaged: use"),
        (lambda p: [*p[:2], p[3], p[2], *p[4:]], "damaged: use"),
        (lambda p: [*p, p[-1]], "damaged: use"),
        (lambda p: [*p, b"x"], "damaged: use"),
        (lambda p: [*p[:-1], bytes([p[-1][0] ^ 1]) + p[-1][1:]], "damaged: use"),
        (lambda p: [p[0][:-1] + bytes([p[0][-1] ^ 1]), *p[1:]], "damaged: use"),
    ],
    ids=[
        "cut", "part", "tag", "bare", "nonce", "header", "stub", "less", "first", "order", "more",
        "longer", "late", "other",
    ],
)  # fmt: skip
def test_chunks_cannot_change_places(
    change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    """None can be cut off, taken out, moved, added or called the last."""
    with pytest.raises(Refused, match=said):
        opened(b"".join(change(pieces(sealed(DATA)))))


def test_an_empty_chunk_ends_an_empty_file_only() -> None:
    """age refuses what no writer makes, and so is it refused here."""
    file = io.BytesIO()
    writer = AgeWriter(file, PHRASE)
    writer._seal(DATA[:CHUNK], is_last=False)
    writer._seal(b"", is_last=True)
    with pytest.raises(Refused, match="damaged: use"):
        opened(file.getvalue())


def test_no_changed_byte_of_the_header_goes_unnoticed() -> None:
    """Each one, in three ways: refused, or it would not be the same file any more."""
    contents = sealed(DATA)
    for at in range(len(pieces(contents)[0])):
        for mask in (1, 4, 128):
            changed = contents[:at] + bytes([contents[at] ^ mask]) + contents[at + 1 :]
            with pytest.raises(Refused):
                opened(changed)


def test_another_passphrase_opens_nothing() -> None:
    """It is refused as such, and so is damage in what it is compared with."""
    contents = sealed(DATA)
    with pytest.raises(Refused, match="not this backup's"):
        opened(contents, "perche no, pero")
    at = contents.index(b"\n--- ") + 10
    with pytest.raises(Refused, match="damaged at its beginning"):
        opened(contents[:at] + b"////" + contents[at + 4 :])


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"PK\3\4",
        b"age-encryption.org/v2\n-> scrypt ",
        b"age-encryption.org/v1\n" + b"-> X25519 x\n" * 3,
    ],
    ids=["empty", "zip", "later", "key"],
)
def test_a_file_of_another_kind_is_named_as_such(contents: bytes) -> None:
    """Also an age file that is not under a passphrase."""
    with pytest.raises(Refused, match="no backup of the switchboard"):
        opened(contents)


def test_no_file_takes_more_memory_than_a_backup_of_ours() -> None:
    """One that asks for a costlier key is refused before the key is derived (256 MB and more)."""
    contents = sealed(DATA)
    for work in (b" 17\n", b" 30\n", b" 99\n"):
        with pytest.raises(Refused, match="no backup of the switchboard"):
            opened(contents.replace(b" %d\n" % age.WORK, work, 1))


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


@pytest.mark.skipif(shutil.which("age-keygen") is None, reason="needs the Debian package age")
def test_what_is_sealed_to_a_key_age_opens(tmp_path: Path) -> None:
    """For whoever holds the key, and for no other key."""
    names = ("ours", "another")
    for name in names:
        making = ["age-keygen", "-o", str(tmp_path / name)]
        subprocess.run(making, check=True, capture_output=True)
    told = (tmp_path / "ours").read_text()
    (recipient,) = re.findall(r"public key: (age1\S+)", told)
    file = tmp_path / "sealed"
    file.write_bytes(age.sealed_to(recipient_key(recipient), PHRASE.encode()))
    done = [
        subprocess.run(
            ["age", "-d", "-i", str(tmp_path / name), str(file)], capture_output=True, check=False
        )
        for name in names
    ]
    assert (done[0].returncode, done[0].stdout.decode()) == (0, PHRASE)
    assert (done[1].returncode, done[1].stdout) == (1, b"")
