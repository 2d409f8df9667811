"""Passwords: argon2id within 16 MiB. The ONLY argon2 import.

Parameters of OWASP's password storage cheat sheet (12 MiB, three passes, one lane); RFC 9106. The
box has 512 MB and calls to carry: the console takes one password at a time (turns.py).
"""

from __future__ import annotations

from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.policy.users import AccountError

MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
LANES: Final = 1
SHORTEST, LONGEST = 10, 128
"""Length is what counts (NIST SP 800-63B 3.1.1); no rule of signs and capitals."""
NOBODYS: Final = "$argon2id$v=19$m=12288,t=3,p=1$bm9ib2R5IGF0IGFsbCAuLg$" + "A" * 43
"""What a name that is nobody's is compared with, so that it takes as long as somebody's."""


class Passwords:
    """Hashes and compares; each takes tens of milliseconds and must not be done in the loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)

    def hashed(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(password)

    def matches(self, kept: str, password: str) -> bool:
        """Compare; an empty `kept` takes as long and is never right."""
        if len(password) > LONGEST:
            return False
        try:
            return self._hasher.verify(kept or NOBODYS, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def check_new(password: str, name: str) -> None:
    """Refuse a password that is no good one; raises AccountError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(
            f"una password ha da {SHORTEST} a {LONGEST} caratteri",
            f"a password has {SHORTEST} to {LONGEST} characters",
        )
    if len(set(password)) < 5 or (name and name.casefold() in password.casefold()):
        raise AccountError(
            "una password non ripete pochi caratteri e non contiene il nome utente",
            "a password repeats no few characters and does not hold the user's name",
        )
