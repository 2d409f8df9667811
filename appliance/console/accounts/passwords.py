"""Passwords: argon2id within 16 MiB, one at a time. The ONLY argon2 import.

Parameters of OWASP's password storage cheat sheet (12 MiB, three passes, one lane); RFC 9106. The
box has 512 MB: two logins at once must not cost 24 MiB, nor both cores while somebody talks.
"""

from __future__ import annotations

import threading
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import CentralinoError
from appliance.policy.accounts import AccountError

MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
LANES: Final = 1
SHORTEST, LONGEST = 10, 128
"""Length is what counts (NIST SP 800-63B 3.1.1); no rule of signs and capitals."""
WAITING: Final = 8
"""Comparisons that may wait for their turn; who comes then is asked to try again."""
NOBODYS: Final = "$argon2id$v=19$m=12288,t=3,p=1$bm9ib2R5IGF0IGFsbCAuLg$" + "A" * 43
"""What a name that is nobody's is compared with, so that it takes as long as somebody's."""


class Busy(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when too many passwords wait to be compared."""


class Passwords:
    """Hashes and compares, one after the other, from any thread but the event loop's."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(waiting + 1)

    def hashed(self, password: str) -> str:
        """Return what is kept of a password; raises Busy."""
        with _Place(self._places), self._turn:
            return self._hasher.hash(password)

    def matches(self, kept: str, password: str) -> bool:
        """Compare; an empty `kept` takes as long and is never right; raises Busy."""
        if len(password) > LONGEST:
            return False
        with _Place(self._places), self._turn:
            try:
                return self._hasher.verify(kept or NOBODYS, password) and bool(kept)
            except (VerificationError, InvalidHashError):
                return False


class _Place:
    """A place in the queue, refused when there is none; never waits."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places = places

    def __enter__(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Busy("too many people log in at once: try again in a few seconds")

    def __exit__(self, *_: object) -> None:
        self._places.release()


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
