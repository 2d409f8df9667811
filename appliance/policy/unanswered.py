"""The office that never answers (E8): unanswered transfers in a row within one band, counted.

Frozen values; a band is named by when it ends, so that the next one begins at nought.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TOLD_AFTER = 3
"""From so many unanswered transfers in a row on the operator is told before trying (E8)."""


@dataclass(frozen=True, slots=True)
class InARow:
    """How many transfers to one need were not answered, one after the other, within a band."""

    band_ends: datetime | None
    count: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """All such counts, by unit and need."""

    rows: Mapping[tuple[str, str], InARow] = field(default_factory=dict)

    def heard(
        self, unit: str, need: str, band_ends: datetime | None, *, answered: bool
    ) -> Unanswered:
        """Return the counts after one more transfer; an answer begins anew."""
        count = 0 if answered else self.count(unit, need, band_ends) + 1
        return Unanswered({**self.rows, (unit, need): InARow(band_ends, count)})

    def count(self, unit: str, need: str, band_ends: datetime | None) -> int:
        """Return how many were not answered in a row within this band."""
        row = self.rows.get((unit, need))
        return row.count if row is not None and row.band_ends == band_ends else 0

    def tells(self, unit: str, need: str, band_ends: datetime | None) -> bool:
        """Tell whether the operator is to be told before another one is tried."""
        return self.count(unit, need, band_ends) >= TOLD_AFTER
