"""Passwords that are tried first are refused; words in a row are good."""

from __future__ import annotations

import pytest

from appliance.policy.passwords import COMMON_WORDS, is_guessable


@pytest.mark.parametrize(
    "password",
    [
        "password12",
        "1234567890",
        "0987654321",
        "P@ssw0rd2026!",
        "passwort2026",
        "Benvenuto1!",
        "comune2026!!",
        "juventus1897",
        "ciaociao12",
        "qwertyuiop",
        "Qwertz12345",
        "asdfghjkl1",
        "1q2w3e4r5t6z",
        "abcdefghij",
        "gatto12345678",
        "passwordqwerty",
        "passwordpassword",
        "mario.rossi26",
        "rossimario1!",
        "aaaa bbbb 1111",
        "-----------",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    """Common words with digits, runs of keys, the user's own name."""
    assert is_guessable(password, "mario.rossi")


@pytest.mark.parametrize(
    "password",
    [
        "pane burro alici",
        "acqua e sale grosso",
        "due parole",
        "tre parole mie",
        "ramarro sotto il sasso",
        "mare sole vento",
        "k7fh-2mwq-9pzt-4xvd",
        "amore estate neve",
        "rossi gatti pigri",
        "3471982650",
        "日本語のことば二つ三つ",
    ],
)
def test_words_in_a_row_are_good(password: str) -> None:
    """So are words of chance, and a common word among others."""
    assert not is_guessable(password, "mario.rossi")
    assert not is_guessable(password, "")
    assert not is_guessable(password, "a.b")


def test_there_are_some_hundred_common_words() -> None:
    """In letters alone, as they are compared."""
    assert len(COMMON_WORDS) > 300
    assert all(word.isascii() and word.isalpha() and word.islower() for word in COMMON_WORDS)
