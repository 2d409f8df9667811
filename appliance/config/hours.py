"""Special hours as the desk has them: read at the start and whenever one was entered (E14).

What cannot be read leaves what was read last in force, and is said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.policy.hours import Schedule
from appliance.policy.hours_changes import Special, Whose, laid_over
from appliance.store import hours as store
from appliance.store.database import Trouble
from appliance.store.writer import Records

Told = Callable[[tuple[Special, ...] | CentralinoError], None]
UNREADABLE: Final = "hours.unreadable"


class HoursKeeper:
    """Reads in the records' thread; `post` takes HoursChanged, `on_trouble` what hinders it."""

    def __init__(
        self,
        records: Records,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self._post = post
        self._on_trouble = on_trouble
        self._seen = -1
        self.entered: tuple[Special, ...] = ()
        """All entries, those that hold no longer too, as they were read last."""

    def load(self, told: Told = lambda _: None) -> None:
        """Read them; `told` hears them, or why the last ones stay, in the records' thread."""

        def done(result: tuple[Special, ...] | CentralinoError) -> None:
            self._take(result)
            told(result)

        self._records.do(self._read, done)

    def look(self, connection: sqlite3.Connection) -> None:
        """Read them when others have come: records that were put back. In the records' thread.

        Raises CentralinoError when they cannot be read, sqlite3.Error.
        """
        if self._seen == store.last_number(connection):
            return
        try:
            self._take(self._read(connection))
        except CentralinoError as error:
            self._take(error)
            raise

    def over(self, schedule: Schedule) -> Schedule:
        """Return the switchboard's hours with all that was entered for it."""
        return laid_over(schedule, Whose.SWITCHBOARD, self.entered)

    def _read(self, connection: sqlite3.Connection) -> tuple[Special, ...]:
        self._seen = store.last_number(connection)
        return store.load(connection)

    def _take(self, result: tuple[Special, ...] | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            self._on_trouble(unreadable(result))
            return
        self.entered = result
        self._post(events.HoursChanged(result))
        self._on_trouble(None)


def unreadable(error: CentralinoError) -> Trouble:
    """Say that what was entered cannot be read, and what holds meanwhile."""
    return Trouble(
        UNREADABLE,
        "Le aperture e chiusure inserite dalla console non si possono leggere: valgono le ultime "
        "lette; avvisare il tecnico.",
        "The openings and closures that were entered cannot be read, those read last hold: "
        f"{error}",
    )
