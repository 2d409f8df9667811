"""Who is kept from trying passwords, and for how long. Pure: `at` is monotonic seconds.

Counted are wrong ones by name and by address, each with growing delays. Nobody can lock a desk out
from elsewhere: from an address where a name has logged in before, only wrong ones of that name at
that address count (E22), and sessions that are open are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

FREE_OF_A_NAME: Final = 5
"""Wrong ones in a row that cost nothing but themselves: people mistype."""
FREE_OF_AN_ADDRESS: Final = 10
FIRST_DELAY_S: Final = 2.0
LONGEST_DELAY_S: Final = 900.0
"""Each wrong one more doubles the delay up to this: a hundred tries a day."""
FORGOTTEN_S: Final = 24 * 3600.0
MOST: Final = 2_000
"""Names and addresses remembered, the oldest forgotten first."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Wrong ones in a row, and when the last was."""

    count: int
    last: float


@dataclass(frozen=True, slots=True)
class Tries:
    """All that is remembered; keys tell names, addresses and both apart."""

    wrong: Mapping[tuple[str, str], Wrong] = field(default_factory=lambda: MappingProxyType({}))


def wait_s(tries: Tries, name: str, address: str, at: float, *, is_known_there: bool) -> float:
    """Say how long (seconds) this name must wait before a password is looked at; 0 for not."""
    if is_known_there:
        return _left(tries, (name, address), FREE_OF_A_NAME, at)
    of_name = _left(tries, (name, ""), FREE_OF_A_NAME, at)
    return max(of_name, _left(tries, ("", address), FREE_OF_AN_ADDRESS, at))


def after_wrong(tries: Tries, name: str, address: str, at: float) -> Tries:
    """Count a wrong password."""
    kept = {
        key: wrong
        for key, wrong in sorted(tries.wrong.items(), key=lambda item: item[1].last)[-MOST:]
        if at - wrong.last < FORGOTTEN_S
    }
    for key in _keys(name, address):
        kept[key] = Wrong(kept.get(key, Wrong(0, at)).count + 1, at)
    return replace(tries, wrong=kept)


def after_right(tries: Tries, name: str, address: str) -> Tries:
    """Forget the wrong ones of a name; the address stays counted, others may be tried there."""
    gone = {(name, ""), (name, address)}
    return replace(tries, wrong={k: wrong for k, wrong in tries.wrong.items() if k not in gone})


def _keys(name: str, address: str) -> tuple[tuple[str, str], ...]:
    return (name, ""), ("", address), (name, address)


def _left(tries: Tries, key: tuple[str, str], free: int, at: float) -> float:
    wrong = tries.wrong.get(key)
    if wrong is None or wrong.count < free or at - wrong.last >= FORGOTTEN_S:
        return 0.0
    delay = min(FIRST_DELAY_S * 2.0 ** min(wrong.count - free, 20), LONGEST_DELAY_S)
    return max(0.0, wrong.last + delay - at)
