"""Which line a call of the box's own may take: one stays free to answer where there are more (P8).

Callers come first: a line that the box itself seizes is one at which the next caller hears busy.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from appliance.policy.office import Line


class Purpose(enum.StrEnum):
    """Why the box would seize a line."""

    LAST_RESORT = "last_resort"  # for a caller whom nobody else can serve (B4)
    CONVENIENCE = "convenience"  # a call back, a transfer outwards: it can wait, or go another way


KEPT_FROM = {Purpose.LAST_RESORT: 3, Purpose.CONVENIENCE: 2}
"""From how many lines on some are kept: with two, the second one may save a caller (B4)."""


def line_for(purpose: Purpose, idle: Sequence[Line], lines: int, kept: int = 1) -> str:
    """Name the line to seize, or "" for none: the last idle one that can be joined to another.

    `idle` are the idle lines in the office's order, `lines` how many the office has, `kept` how
    many must stay idle to answer; a half-duplex one can.
    """
    can = [line.name for line in idle if line.duplex is not False]
    must_stay = kept if lines >= KEPT_FROM[purpose] else 0
    return can[-1] if can and len(idle) > must_stay else ""
