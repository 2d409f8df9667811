"""Bars of a chart, as numbers that a page draws: the same figures always stand in a table too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 160
STEP: Final = 40
GAP: Final = 8
"""Sizes in the drawing's own units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how wide and high, what it means."""

    x: int
    y: int
    width: int
    height: int
    label: str
    value: int


def bars(values: Mapping[str, int]) -> tuple[Bar, ...]:
    """Place a bar for each value, the highest as high as the drawing; none without a value."""
    most = max(values.values(), default=0)
    if most <= 0:
        return ()
    return tuple(
        Bar(at * STEP + GAP, HEIGHT - height, STEP - GAP, height, label, value)
        for at, (label, value) in enumerate(values.items())
        for height in (round(HEIGHT * value / most),)
    )
