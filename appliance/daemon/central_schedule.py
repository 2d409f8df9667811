"""The head office's schedule: which tables of a configuration it may hold, and what then holds.

Its weeks take the place of the file's; its closures, openings and periods are added to the
branch's own. Where two openings or periods speak of one day, the branch's holds: of a schedule's
entries the last one is the one that counts (policy/hours.py), so the branch's come last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.config.schema import Closure, Opening, Period
from appliance.config.values import Hours

if TYPE_CHECKING:
    from appliance.config.schema import Settings


@dataclass(frozen=True, slots=True)
class Counter:
    """The citizens' counter's own week."""

    hours: Hours


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole of schedule.toml; a week that it does not name stays the branch's."""

    hours: Hours | None = None
    citizens_desk: Counter | None = None
    closures: tuple[Closure, ...] = ()
    openings: tuple[Opening, ...] = ()
    periods: tuple[Period, ...] = ()


def overlay_schedule(settings: Settings, given: Schedule) -> Settings:
    """Return the configuration with the head office's schedule."""
    counter = settings.citizens_desk
    if given.citizens_desk is not None:
        counter = replace(counter, hours=given.citizens_desk.hours)
    return replace(
        settings,
        hours=settings.hours if given.hours is None else given.hours,
        citizens_desk=counter,
        closures=(*settings.closures, *given.closures),
        openings=(*given.openings, *settings.openings),
        periods=(*given.periods, *settings.periods),
    )
