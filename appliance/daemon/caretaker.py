"""Looks after messages and missed calls: notices, alerts, counts; and what is past its time.

Once a minute, and each night for what is to be deleted, in the records' thread: the disk may stall,
the desk may not. Nothing is deleted by a clock that cannot be trusted.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.speech import drafts_of
from appliance.config.build import labels, messages_page
from appliance.daemon.dictations import forget_old
from appliance.errors import CentralinoError
from appliance.files import fsync_directory
from appliance.policy import numbering
from appliance.policy.clock import Now
from appliance.policy.voicemail import CallAlerts
from appliance.store import users
from appliance.store.database import Trouble
from appliance.store.monitoring import forget_unwanted
from appliance.store.request_papers import due_mails, due_requests, empty_mails, erase_requests
from appliance.store.retention import Due, Keeping, due_for_deletion, erase
from appliance.store.voicemail import NOTHING_WATCHED, Notices, Watched, watch
from appliance.voicemail.storage import Folders

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.hours import Schedule
    from appliance.store.writer import Records

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
NIGHT: Final = time(3, 0)
"""When what is past its time is deleted: nobody calls, and the day's work is done."""
NOT_DELETED: Final = Trouble(
    "retention.failing",
    "I dati scaduti non sono stati cancellati: controllare la scheda di memoria.",
    "What is past its time could not be deleted: check the memory card.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """By which hours alerts go, to whom, how long what is kept; whether no broker is told of it."""

    calendar: Schedule
    notices: Notices
    keeping: Keeping
    has_no_broker: bool = False


def plan_of(settings: Settings, calendar: Schedule) -> Plan:
    """Say by which hours alerts go, to whom, and how long what is kept."""
    voicemail = settings.voicemail
    notices = Notices(
        voicemail.notify,
        bool(voicemail.notify_sound),
        settings.site.languages[0],
        bool(settings.mail.head),
        CallAlerts(voicemail.missed_alerts),
        numbering.plan_of(settings.site.country),
        messages_page(settings.console),
        labels(settings.phones),
    )
    return Plan(calendar, notices, keeping_of(settings), not settings.mqtt.server)


def keeping_of(settings: Settings) -> Keeping:
    """Say how long what is kept."""
    kept = settings.retention
    return Keeping(kept.messages_closed_days, kept.numbers_days, kept.calls_days)


class Caretaker:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(
        self,
        records: Records,
        state: Path,
        plan: Plan,
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self._folders, self._dictated = Folders(state / "voicemail"), drafts_of(state)
        self._plan = plan
        self._on_trouble = on_trouble
        self._look_at = 0.0
        self._looking = False
        self._deleted_on: date | None = None
        self.over: Callable[[Schedule], Schedule] = lambda hours: hours
        """Lays over the written hours what was entered (E14)."""
        self.watched: Watched = NOTHING_WATCHED
        """What waits for somebody, as of the last look."""
        self.deleted_at: datetime | None = None
        """When what is past its time was last deleted, since the start; None for not yet."""

    def look(self, now: Now) -> None:
        """Look after everything, unless it was done within the last minute."""
        if self._looking or now.monotonic < self._look_at or not now.clock_state.is_trusted:
            return
        self._looking, self._look_at = True, now.monotonic + LOOK_S
        plan, at, domain = self._plan, now.wall, self._records.letters.domain
        calendar = self.over(plan.calendar)
        self._records.do(lambda c: watch(c, calendar, plan.notices, at, domain), self._looked)
        self._records.do(lambda c: users.forget_old(c, at))
        today = self._night_of(now.wall)
        if today is not None:
            self._deleted_on = today
            self._records.do(lambda c: self.delete(c, at), partial(self._deleted, at))

    def soon(self) -> None:
        """Look at the next occasion: somebody has dealt with something. From any thread."""
        self._look_at = 0.0

    def delete(self, connection: sqlite3.Connection, now: datetime) -> Due:
        """Delete what is past its time; sounds first, as recovery would take them up again."""
        found = due_for_deletion(connection, self._plan.keeping, now)
        if found.any:
            forget_sounds(self._folders, tuple(path for _, _, path in found.messages))
            erase(connection, found, self._plan.keeping, now)
            log.info(
                "deleted by age: %d messages, %d numbers, %d calls",
                len(found.messages), len(found.numbers), len(found.calls),
            )  # fmt: skip
        self._delete_requests(connection, now)
        if number := forget_old(self._dictated, now):
            log.info("deleted by age: %d dictated announcements", number)
        if self._plan.has_no_broker and (number := forget_unwanted(connection, now)):
            log.warning("mqtt: no broker is configured: %d events that waited are gone", number)
        return found

    def _delete_requests(self, connection: sqlite3.Connection, now: datetime) -> None:
        """The texts of mails go with callers' numbers, requests that are done with calls."""
        numbers, calls = self._plan.keeping.numbers, self._plan.keeping.calls
        empty_mails(connection, due_mails(connection, numbers, now), numbers, now)
        old = due_requests(connection, calls, now)
        sounds = tuple(path.removeprefix("voicemail/") for _, path in old if path)
        forget_sounds(self._folders, sounds)
        erase_requests(connection, (number for number, _ in old), calls, now)

    def _night_of(self, wall: datetime) -> date | None:
        """Return today where tonight's deletion was not done yet."""
        local = wall.astimezone(self._plan.calendar.zone)
        late = local.time() >= NIGHT
        return local.date() if late and self._deleted_on != local.date() else None

    def _looked(self, result: Watched | CentralinoError) -> None:
        self._looking = False
        if isinstance(result, Watched):
            self.watched = result
        else:
            log.warning("messages could not be looked after: %s", result)

    def _deleted(self, at: datetime, result: Due | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            log.error("what is past its time was not deleted: %s", result)
            self._deleted_on = None
        else:
            self.deleted_at = at
        self._on_trouble(NOT_DELETED if isinstance(result, CentralinoError) else None)


def forget_sounds(folders: Folders, paths: tuple[str, ...]) -> None:
    """Delete messages' sounds and descriptions, durably; raises OSError."""
    for path in paths:
        sound = folders.root / path
        for file in (sound, sound.with_suffix(".meta")):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()
    if paths and folders.new.is_dir():
        fsync_directory(folders.new)
