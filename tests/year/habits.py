"""What people of the town do, drawn from one generator: who calls, who answers, for how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

CALLS_BY_HOUR = (
    0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.5, 6.0, 9.0, 9.5, 8.0, 5.0, 3.0, 4.5, 4.5, 3.0, 2.0, 1.2,
    0.8, 0.5, 0.4, 0.4, 0.3,
)  # fmt: skip
"""Calls of a working day, hour by hour: about 60, most of them in the morning."""
SUNDAY = 0.12
"""Share of them on a Sunday; half of them on a Saturday."""
SHARE = (1.0, 1.0, 1.0, 1.0, 0.9, 0.5, SUNDAY)


@dataclass(slots=True)
class Habits:
    """Draws; the same seed is the same year."""

    draw: random.Random

    def until_next_thought(self) -> float:
        """Return the seconds until somebody thinks of calling, at the busiest hour's rate."""
        return self.draw.expovariate(max(CALLS_BY_HOUR) / 3600)

    def calls(self, at: datetime) -> bool:
        """Tell whether whoever thinks of calling does so at this hour of this day."""
        return self.happens(CALLS_BY_HOUR[at.hour] * SHARE[at.weekday()] / max(CALLS_BY_HOUR))

    def happens(self, share: float) -> bool:
        """Tell whether something happens that does so in a share of cases."""
        return self.draw.random() < share

    def seconds(self, mean: float, least: float = 0.2, most: float = 3000.0) -> float:
        """Draw a duration."""
        return min(max(self.draw.expovariate(1 / mean), least), most)
