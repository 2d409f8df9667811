"""One box at one moment, as it is told to Prometheus: frozen, handed from thread to thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.calls.status import Status
    from appliance.fleet.metrics_counts import Tally
    from appliance.policy.reports import Stored


@dataclass(frozen=True, slots=True)
class Phones:
    """How many phones are configured, have registered or stand at a fixed address, and answer.

    Numbers alone: a phone is a person's position, and staff are not measured (E21).
    """

    listening: bool = False
    configured: int = 0
    registered: int = 0
    answering: int = 0


@dataclass(frozen=True, slots=True)
class Carrier:
    """The carrier's last period: lateness of its ticks and the least lead in the modems, in s."""

    late_p50_s: float
    late_p99_s: float
    late_max_s: float
    lead_min_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is told. Moments in s since 1970; `carrier` is None before it has said any.

    `troubles` are stable codes, `complaints` how many of the configuration's values are not used as
    they stand; `restarts` are those of each part since the box has power, `overdue` late requests,
    `missed` open missed calls, `late` messages that nobody heard or closed in time; `backup_at` is
    when a whole backup last left the memory card, 0 for never.
    """

    at: float
    started_at: float
    version: str
    image: str
    ready: bool
    status: Status
    tally: Tally
    stored: Stored
    phones: Phones = Phones()
    carrier: Carrier | None = None
    troubles: tuple[str, ...] = ()
    complaints: int = 0
    restarts: tuple[tuple[str, int], ...] = ()
    missed: int = 0
    late: int = 0
    overdue: int = 0
    backup_at: float = 0.0
