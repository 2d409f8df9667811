"""The shipped price of passwords and passphrases, which other unit tests do not pay."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from argon2 import extract_parameters
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from appliance.console import accounts
from appliance.console.accounts import Passwords
from appliance.service import housekeeping
from appliance.store import age, backup_v1
from appliance.store.age import AgeWriter
from appliance.store.backup import SealedReader
from tests.helpers import costs

PHRASE = "quattro parole di prova"
DATA = b"a backup" * 1000
MIB = 1 << 20


def _sealed() -> bytes:
    file = io.BytesIO()
    writer = AgeWriter(file, PHRASE)
    writer.write(DATA)
    writer.close()
    return file.getvalue()


@pytest.mark.usefixtures("real_cost")
def test_a_backup_is_sealed_at_the_shipped_cost_and_opens() -> None:
    """A passphrase costs 64 MiB to try (scrypt, N = 65536, r = 8), and the backup opens with it."""
    contents = _sealed()
    salt, work, wrapped = contents.split(b"\n", 3)[1].split()[2:] + contents.split(b"\n", 3)[2:3]
    assert work == b"16"
    label = b"age-encryption.org/v1/scrypt"
    key = hashlib.scrypt(
        PHRASE.encode(),
        salt=label + base64.b64decode(salt + b"=="),
        n=65536,
        r=8,
        p=1,
        maxmem=256 * MIB,
        dklen=32,
    )
    assert (
        len(ChaCha20Poly1305(key).decrypt(bytes(12), base64.b64decode(wrapped + b"="), None)) == 16
    )
    reader = SealedReader(io.BytesIO(contents), PHRASE)
    assert reader.read(len(DATA) + 1) == DATA
    reader.finish()


@pytest.mark.usefixtures("real_cost")
def test_a_phones_code_is_hashed_at_the_shipped_cost() -> None:
    """A code costs 16 MiB to try (scrypt, N = 16384, r = 8, p = 1)."""
    kept = housekeeping.hashed("2580")
    salt = base64.b64decode(kept["salt"])
    expected = hashlib.scrypt(b"2580", salt=salt, n=16384, r=8, p=1, maxmem=64 * MIB)
    assert base64.b64decode(kept["scrypt"]) == expected
    assert housekeeping.matches("2580", kept)


@pytest.mark.usefixtures("real_cost")
def test_a_password_is_hashed_at_the_shipped_cost() -> None:
    """12 MiB and three passes a password, a known user's or an unknown name's alike."""
    kept = Passwords().hashed(PHRASE)
    for one in (kept, accounts.DUMMY_HASH):
        found = extract_parameters(one)
        assert (found.memory_cost, found.time_cost, found.parallelism) == (12 * 1024, 3, 1)
    assert Passwords().matches(kept, PHRASE)


def test_other_tests_pay_next_to_nothing() -> None:
    """Without the fixture all three are cheap, an unknown name's comparison too."""
    assert (1 << age.WORK, backup_v1.COST, housekeeping._N) == (costs.CHEAP_N,) * 3
    kept = Passwords().hashed(PHRASE)
    for one in (kept, accounts.DUMMY_HASH):
        assert extract_parameters(one).memory_cost == costs.CHEAP_KIB
    reader = SealedReader(io.BytesIO(_sealed()), PHRASE)
    assert reader.read(len(DATA) + 1) == DATA
