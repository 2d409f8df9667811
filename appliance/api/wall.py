"""The wall's links, made and ended by the head; what the standards sheet needs of the calendar."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from appliance.api.commands import AddScreen, CountInTime, EndScreen
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    command,
    declined,
    deferred,
)
from appliance.api.replies import Said, ScreenLinkMade, SettledInTime
from appliance.policy.standards import read_quarter
from appliance.policy.wall import SCREEN_SECRET_BYTES
from appliance.store import standards, wall
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.hours import Schedule
    from appliance.store.writer import DatabaseWriter

MADE: Final = _("The link of {name} was made. It is shown once: open it on the screen now.")
ENDED: Final = _("The link of {name} was ended: the screen shows nothing any more.")


class StandardsCommands(CommandHandlers):
    """Counts what was settled in time: only call control knows the office's calendar."""

    def __init__(
        self,
        records: DatabaseWriter,
        calendar: Callable[[], Schedule],
        now: Callable[[], datetime],
    ) -> None:
        self._records, self._calendar, self._now = records, calendar, now

    @command(CountInTime)
    def in_time(self, wish: CountInTime) -> DeferredReply:
        """Count a quarter's messages and requests that were settled in time."""
        calendar, now = self._calendar(), self._now()
        today = now.astimezone(calendar.zone).date()
        quarter = read_quarter(wish.quarter, today)

        def job(connection: sqlite3.Connection) -> Reply:
            return SettledInTime(*standards.in_time(connection, quarter, calendar, now))

        return deferred(self._records, job, declined)


class WallCommands(CommandHandlers):
    """Makes and ends links, in the database thread."""

    def __init__(self, records: DatabaseWriter, now: Callable[[], datetime]) -> None:
        self._records, self._now = records, now

    @command(AddScreen)
    def add(self, wish: AddScreen) -> DeferredReply:
        """Make a link and return its secret, of which only the hash is kept."""
        secret, at = secrets.token_urlsafe(SCREEN_SECRET_BYTES), self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            link = wall.add_link(connection, wish.name, secret, wish.by, at)
            return ScreenLinkMade(MADE.filled(name=link.name), number=link.number, secret=secret)

        return deferred(self._records, job, declined)

    @command(EndScreen)
    def end(self, wish: EndScreen) -> DeferredReply:
        """End a link: screens that show it stop."""
        at = self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            link = wall.end_link(connection, wish.number, wish.by, at)
            return Said(ENDED.filled(name=link.name))

        return deferred(self._records, job, declined)
