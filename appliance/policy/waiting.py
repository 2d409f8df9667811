"""Whether and how callers wait for a position that becomes free (P8).

Without places nobody waits: that is the box as delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.policy.refused import Refused

LEAST_MS, MOST_MS = 10_000, 900_000
"""Nobody waits for less than an announcement, nor for a quarter of an hour."""
MOST_PLACES = 9
"""A waiting caller holds a line, and no box has more of them; also what one digit can announce."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How callers wait: so many `places`, for `longest_ms` at most, told so every `every_ms`.

    `announce_place` tells them their place too. With `before_counter` they wait for the switchboard
    first and reach the citizens' counter after that; else the counter comes first, and those who
    wait are served by whichever is free. Raises ConfigurationError for what cannot be.
    """

    places: int = 0
    longest_ms: int = 0
    every_ms: int = 30_000
    announce_place: bool = False
    before_counter: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.places <= MOST_PLACES:
            raise Refused(
                f"{self.places} posti in attesa: scrivere da 0 (nessuno attende) a {MOST_PLACES}",
                f"{self.places} places to wait: write 0 (nobody waits) to {MOST_PLACES}",
            )
        if self.longest_ms and not LEAST_MS <= self.longest_ms <= MOST_MS:
            raise Refused(
                f"{self.longest_ms // 1000} s non è un'attesa: scrivere per max_wait 0 (nessuno "
                f"attende), oppure da {LEAST_MS // 1000} a {MOST_MS // 1000} secondi",
                f"{self.longest_ms // 1000} s is no time to wait: write 0 (nobody waits), or "
                f"{LEAST_MS // 1000} to {MOST_MS // 1000} seconds for max_wait",
            )
        if self.every_ms < LEAST_MS:
            raise Refused(
                f"un annuncio ogni {self.every_ms / 1000:g} s non lascia pause: scrivere per "
                f"announce_every {LEAST_MS // 1000} o più",
                f"an announcement every {self.every_ms / 1000:g} s leaves no pause: write "
                f"{LEAST_MS // 1000} or more for announce_every",
            )
        if bool(self.places) is not bool(self.longest_ms):
            raise Refused(
                "si attende solo dove queue_max e max_wait sono entrambi maggiori di 0: scriverli "
                "entrambi, o nessuno dei due",
                "callers wait only where both queue_max and max_wait are above 0; write both, or "
                "neither",
            )

    def free_places(self, taken: int) -> int:
        """Return how many more callers may wait."""
        return max(self.places - taken, 0)


def share(free: Sequence[str], waiting: int) -> tuple[tuple[str, ...], ...]:
    """Deal free phones out to those who wait, the first of them first; what is left over in turn.

    One free phone rings for the first one alone; two callers and three phones: two and one.
    """
    return tuple(tuple(free[place::waiting]) for place in range(waiting))
