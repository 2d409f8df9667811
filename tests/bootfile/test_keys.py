"""Keys for maintenance: public ones alone, without options, one a line."""

from __future__ import annotations

import base64

import pytest

from appliance.bootfile.values import authorized_keys_text, check_keys, is_key
from appliance.config.mistakes import Mistakes

BODY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
KEY = f"ssh-ed25519 {BODY} anna@ufficio"


@pytest.mark.parametrize("key", [KEY, f"ssh-ed25519 {BODY}", f"  {KEY}  "])
def test_a_line_of_a_pub_file_is_a_key(key: str) -> None:
    """With a name behind it or without."""
    assert is_key(key)
    assert authorized_keys_text((key, "")).count("\n") == 1


@pytest.mark.parametrize(
    "key",
    [
        "ssh-ed25519",
        f"ssh-rsa {BODY}",
        f"ssh-ed25519 {BODY[:-8]}****",
        f'command="sh" {KEY}',
        f"{KEY}\nssh-ed25519 {BODY}",
        "AAAA",
        f"ssh-dss {BODY}",
    ],
)
def test_anything_else_is_said(key: str) -> None:
    """A piece, another kind, options or two keys in one are refused."""
    mistakes = Mistakes()
    check_keys((key,), mistakes)
    (found,) = mistakes.found
    assert ".pub" in found.text
    assert ".pub" in found.it


def test_a_private_key_is_named_and_not_repeated() -> None:
    """Who pastes the wrong half is told so, and it goes into no status."""
    mistakes = Mistakes()
    check_keys(("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0",), mistakes)
    (found,) = mistakes.found
    assert "private" in found.text
    assert "c2VjcmV0" not in found.text + found.it
