"""The code that is asked before messages are heard on a phone that is not the front desk's."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from appliance.policy.refused import Refused

SHORTEST, LONGEST = 4, 8
MOST_WRONG = 3
LOCKED_S = 600.0
"""Three wrong codes keep a phone from trying for ten minutes: 10000 codes take three weeks."""
END_KEY = "#"


class PinRule(enum.StrEnum):
    """On which phones the code is asked."""

    OTHERS = "others"  # those of neither group
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong codes of one phone in a row, and until when (monotonic s) it is kept from trying."""

    wrong: int = 0
    locked_until: float = 0.0


def is_locked(tries: Mapping[str, Tries], phone: str, at: float) -> bool:
    """Tell whether a phone is kept from trying at a moment (monotonic s)."""
    return at < tries.get(phone, Tries()).locked_until


def after_wrong(tries: Tries, at: float) -> Tries:
    """Count a wrong code; the third in a row locks the phone out, and the count begins anew."""
    wrong = tries.wrong + 1
    return Tries(0, at + LOCKED_S) if wrong >= MOST_WRONG else Tries(wrong)


def check_new(pin: str) -> None:
    """Refuse a code that is no good one; raises OfficeError."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST <= len(pin) <= LONGEST):
        raise Refused(
            f"un codice è fatto di {SHORTEST}-{LONGEST} cifre e di nient'altro",
            f"a code is {SHORTEST} to {LONGEST} digits, nothing else",
        )
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Refused(
            "un codice di una sola cifra, o di cifre in fila, è il primo che si prova",
            "a code of one digit, or of digits in a row, is the first one tried",
        )
