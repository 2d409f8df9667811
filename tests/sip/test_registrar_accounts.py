"""Accounts, settings and addresses: what the technician types and reads."""

from __future__ import annotations

import random
import secrets

import pytest

from appliance.errors import ConfigurationError
from appliance.sip.registrar import (
    ALPHABET,
    SECRET_LENGTH,
    account_text,
    make_secret,
    parse_address,
)


def test_secrets_have_a_hundred_bits() -> None:
    """20 signs out of 32, each as likely as the other, none that is misread."""
    assert len(set(ALPHABET)) == 32
    assert SECRET_LENGTH * 5 >= 96
    assert not set("1ilo") & set(ALPHABET)
    dice = random.Random(3)
    signs = "".join(make_secret(dice.randbytes) for _ in range(1000))
    counts = [signs.count(sign) for sign in ALPHABET]
    assert min(counts) > 500
    assert max(counts) < 760


def test_secrets_are_never_the_same() -> None:
    """With the system's randomness no two are alike."""
    assert len({make_secret(secrets.token_bytes) for _ in range(1000)}) == 1000


def test_the_signs_follow_the_random_bytes() -> None:
    """Randomness is injected: the same bytes are the same secret."""
    assert make_secret(lambda size: bytes(range(size))) == ALPHABET[:20]


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("it", "Utente di autenticazione"),
        ("en", "Authentication user"),
        ("de", "Authentifizierungsname"),
        ("fr", "Authentication user"),
    ],
)
def test_what_to_type(language: str, word: str) -> None:
    """Everything a phone's web page asks for, in a language of the product or else in English."""
    text = account_text("21", "Posto 1", "geheim", "192.168.1.10", 5060, language)
    assert word in text
    for value in ("Posto 1", "192.168.1.10", "5060", " 21\n", "geheim", "PCMA", "RFC 4733"):
        assert value in text


def test_a_phone_without_label_is_called_by_its_name() -> None:
    """The title names the phone."""
    assert "«21»" in account_text("21", "", "geheim", "192.168.1.10", 5060).splitlines()[0]


@pytest.mark.parametrize(
    ("text", "address"),
    [("192.168.1.21", ("192.168.1.21", 5060)), (" 10.0.0.1:5070", ("10.0.0.1", 5070))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    """With and without port."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "phone", "192.168.1", "10.0.0.1:0", "10.0.0.1:x", "10.0.0.1:70000", "::1"]
)
def test_no_addresses(text: str) -> None:
    """A sentence says what to write instead."""
    with pytest.raises(ConfigurationError, match="write"):
        parse_address(text)
