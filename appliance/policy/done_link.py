"""The link by which an office closes a request from its mail, once (E15): what it is, its answers.

The secret stands in the mail alone; what is kept is its hash. Every mail about a request has a link
of its own, because none can be repeated from a hash; the first that is used closes the request.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from appliance.policy.words import Words

PATH: Final = "/done/"
"""Where the console has the page; the secret follows."""
TOKEN_BYTES: Final = 32
"""Random bytes of a secret: 256 bits, which nobody guesses."""
VALID: Final = timedelta(days=90)
"""A mail that lies about for longer opens nothing."""
BY: Final = "link e-mail"
"""Who did it, in a request's history: no user's name has a blank in it."""
_IN_TEXT: Final = re.compile(re.escape(PATH) + r"[\w-]{22,}")


class Standing(enum.StrEnum):
    """How a link stands."""

    OPEN = "open"
    UNKNOWN = "unknown"
    USED = "used"
    CLOSED = "closed"
    EXPIRED = "expired"


SAID: Final[Mapping[Standing, Words]] = {
    Standing.UNKNOWN: Words(
        "Questo link non è valido: copiarlo per intero dall'e-mail, o telefonare al centralino.",
        "This link is not valid: copy it whole from the e-mail, or call the switchboard.",
    ),
    Standing.USED: Words(
        "La richiesta è stata chiusa con questo link: non c'è altro da fare.",
        "The request was closed by this link: nothing more is to be done.",
    ),
    Standing.CLOSED: Words(
        "La richiesta era già chiusa: non c'è altro da fare.",
        "The request was closed already: nothing more is to be done.",
    ),
    Standing.EXPIRED: Words(
        "Questo link è scaduto: telefonare al centralino, indicando il numero della richiesta.",
        "This link has expired: call the switchboard and give the number of the request.",
    ),
}
"""What is said of a link that closes nothing (any more)."""
WHO: Final = Words(
    "Chi dice che la richiesta è evasa? Scrivere il proprio nome.",
    "Who says that the request is done? Write your name.",
)


def hash_of(token: str) -> str:
    """Return what is kept of a secret (SHA-256, hexadecimal); 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def standing(is_used: bool, is_done: bool, made_at: datetime, now: datetime) -> Standing:
    """Say how a link that is known stands."""
    if is_used:
        return Standing.USED
    if is_done:
        return Standing.CLOSED
    return Standing.OPEN if now - made_at < VALID else Standing.EXPIRED


def with_secret(text: str, token: str) -> tuple[str, bool]:
    """Put a new secret in the place of the old ones of a mail's text; tells whether there was any.

    One that was taken out before counts too.
    """
    bare = without_secrets(text)
    return bare.replace(f"{PATH}…", f"{PATH}{token}"), f"{PATH}…" in bare


def without_secrets(text: str) -> str:
    """Take the secrets out of a mail's text."""
    return _IN_TEXT.sub(f"{PATH}…", text)
