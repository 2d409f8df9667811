"""What the exchange says of the time: a doubt about the box's clock, never a reason to set it.

Caller id carries month, day, hour and minute of the exchange's own local time, no year (EN 300
659-3, 5.4.1). One call proves nothing; a PBX before the line may be wrong for years. Two that
agree with each other, and not with the box, are worth a look at another clock (reliability.md 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

AGREE_S: Final = 120.0
OFF_S: Final = 600.0
YEAR_S: Final = 180 * 86_400.0
"""Beyond this the year that was taken for theirs was another one: nothing is known."""
_DATED: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class ExchangeTime:
    """The last two offsets of the exchange's wall time from the running time, in s, newest last."""

    heard: tuple[float, ...] = ()

    def hear(self, dated: str, local: datetime, monotonic: float) -> ExchangeTime:
        """Take a call's date ("MMDDHHMM"), heard at the office's own `local` time by our clock.

        What is no date, or none at all, changes nothing.
        """
        told = _nearest(dated, local)
        if told is None:
            return self
        return ExchangeTime((*self.heard, told.timestamp() - monotonic)[-2:])

    def minutes_off(self, wall: datetime, monotonic: float) -> int:
        """Say by how many minutes the exchange is ahead of our clock, where that is worth a look.

        0 where it agrees, where calls disagree with each other, and where nothing is known.
        """
        ours = wall.timestamp() - monotonic
        off = [each - ours for each in self.heard]
        agree = len(off) > 1 and max(off) - min(off) <= AGREE_S
        is_off = agree and all(OFF_S < abs(each) < YEAR_S for each in off)
        return round(off[-1] / 60) if is_off else 0


def _nearest(dated: str, local: datetime) -> datetime | None:
    """Return the moment that is meant: of the years around ours, the one that comes nearest."""
    match = _DATED.fullmatch(dated)
    if match is None:
        return None
    month, day, hour, minute = (int(part) for part in match.groups())
    found = []
    for year in (local.year - 1, local.year, local.year + 1):
        try:
            found.append(datetime(year, month, day, hour, minute, tzinfo=local.tzinfo))
        except ValueError:  # 29 February, or nonsense
            continue
    return min(found, key=lambda each: abs(each - local), default=None)
