"""What seals numbers (P7): the key is made once, whole, for its owner alone; nothing is guessed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import StoreError
from appliance.store.directory import Vault, key_path, load_vault, make_vault

PATH = Path("/state/register.key")
VAULT = Vault(bytes(range(32)), PATH)
NUMBER = "051598204"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return where a key may be made."""
    return key_path(tmp_path / "centralino.db")


@given(st.text(st.characters(codec="ascii", min_codepoint=33), max_size=60))
def test_it_goes_round(text: str) -> None:
    """What was sealed is what is opened; the same text is never sealed alike twice."""
    sealed = VAULT.seal(text, "entry 1")
    assert VAULT.open(sealed, "entry 1") == text
    assert VAULT.seal(text, "entry 1") != sealed


def test_the_length_says_nothing() -> None:
    """An extension and a mobile number look alike."""
    assert len({len(VAULT.seal(n, "entry 1")) for n in ("1", "204", "+393355501260")}) == 1


def test_nothing_sealed_changes_places() -> None:
    """A number of one entry is none of another."""
    with pytest.raises(StoreError, match=r"entry 2 cannot be read with /state/register\.key"):
        VAULT.open(VAULT.seal(NUMBER, "entry 1"), "entry 2")


def test_another_key_or_a_changed_byte_opens_nothing() -> None:
    """The sentence says what to put back, and no number."""
    sealed = VAULT.seal_bytes(b"an e-mail", "attachment a")
    with pytest.raises(StoreError, match="put back the key of the backup"):
        Vault(bytes(32), PATH).open_bytes(sealed, "attachment a")
    for damaged in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:5]):
        with pytest.raises(StoreError, match="put back the key"):
            VAULT.open_bytes(damaged, "attachment a")


def test_the_key_is_made_once_and_for_its_owner_alone(key: Path) -> None:
    """0600; a second maker takes the first one's; no draft stays."""
    first = make_vault(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    sealed = first.seal(NUMBER, "entry 1")
    assert make_vault(key).open(sealed, "entry 1") == NUMBER
    assert load_vault(key).open(sealed, "entry 1") == NUMBER
    assert list(key.parent.iterdir()) == [key]


@pytest.mark.parametrize(
    ("written", "said"),
    [(None, "is missing"), ("", "cut short"), ("00" * 31, "cut short"), ("xyz", "not what was")],
)
def test_a_key_that_is_none_is_said(key: Path, written: str | None, said: str) -> None:
    """One sentence with what to do."""
    if written is not None:
        key.parent.mkdir()
        key.write_text(written)
    with pytest.raises(StoreError, match=said) as caught:
        load_vault(key)
    assert "backup" in str(caught.value)
