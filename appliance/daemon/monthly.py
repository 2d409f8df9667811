"""Has the units' monthly sheets written by itself on the month's first working day.

Where `report.monthly_sheets` says so. What an outage let pass is made up for on any later day of
that month; each unit and month once, whatever restarts. Not by a clock that cannot be trusted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.errors import CentralinoError
from appliance.policy.requests import month_to_tell
from appliance.store.reports import queue_sheets

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.daemon.stores import Stores
    from appliance.policy.clock import Now
    from appliance.policy.directory import Register
    from appliance.policy.hours import Schedule
    from appliance.policy.office import Office
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0


class MonthlySheets:
    """Looks when it is due, if `wanted`; `look` is called by the main loop and never waits."""

    def __init__(
        self,
        records: Records,
        calendar: Schedule,
        language: str,
        register: Callable[[], Register],
        *,
        wanted: bool = True,
    ) -> None:
        self._wanted = wanted
        self._records = records
        self._calendar = calendar
        self._language = language
        self._register = register
        self.over: Callable[[Schedule], Schedule] = lambda hours: hours
        """Lays over the written hours what was entered (E14)."""
        self._look_at = 0.0
        self._told: date | None = None

    def look(self, now: Now) -> None:
        """Queue last month's sheets, where that is due and was not done since the start."""
        if not self._wanted or now.monotonic < self._look_at or not now.clock_state.is_trusted:
            return
        self._look_at = now.monotonic + LOOK_S
        calendar = self.over(self._calendar)
        month, register = month_to_tell(calendar, now.wall), self._register()
        if month is None or month == self._told or not register.units:
            return
        self._told = month
        language, at = self._language, now.wall
        domain = self._records.letters.domain
        self._records.do(
            lambda c: queue_sheets(c, register, calendar, month, language, at, domain), self._queued
        )

    def _queued(self, result: int | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            log.warning("the monthly sheets were not written, and are tried again: %s", result)
            self._told = None
        elif result:
            log.info("monthly sheets of %d units wait for the mail server", result)


def sheets_of(settings: Settings, office: Office, stores: Stores) -> MonthlySheets:
    """Make it, as configured."""
    return MonthlySheets(
        stores.records,
        office.switchboard.schedule,
        office.languages[0],
        lambda: stores.register.register,
        wanted=bool(settings.report.monthly_sheets),
    )
