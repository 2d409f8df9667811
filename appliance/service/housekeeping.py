"""Housekeeping: retention, alerts for open messages, message playback at a phone, PINs."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.calls import events, orders
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.config.build import keeping_of, labels, messages_page
from appliance.config.state_folder import PIN, drafts_of
from appliance.dsp import g711, wav
from appliance.errors import CentralinoError
from appliance.policy import numbering
from appliance.policy.clock import Now
from appliance.policy.voicemail import (
    CallAlerts,
    HeldByOtherError,
    MessageEntry,
    MessageOutcome,
    MessageStep,
)
from appliance.service.announcements import delete_old_drafts
from appliance.store import database, users, voicemail
from appliance.store.alerts import NOTHING_OPEN, AlertSettings, OpenCounts, queue_alerts
from appliance.store.cases import newest_marks
from appliance.store.database import Noted, Trouble, transaction
from appliance.store.directory import secret_place
from appliance.store.monitoring import forget_unwanted
from appliance.store.retention import (
    DueForDeletion,
    RetentionDays,
    due_for_deletion,
    due_mails,
    due_requests,
    empty_mails,
    erase,
    erase_requests,
)
from appliance.store.voicemail import CaseKind, Message
from appliance.store.writer import DatabaseWriter
from appliance.text import _
from appliance.voicemail.storage import MailboxFolders, forget_sounds

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.hours import Schedule


KINDS = {"message": CaseKind.MESSAGE, "call": CaseKind.CALL}
# In the trail of an outgoing call once its number was sent: before that nobody was tried.
DIALLED = "dialled"


def in_vain(record: CallRecord, asked_by: str = "") -> tuple[CaseKind, str, MessageEntry] | None:
    """Return the entry of an unanswered call back for its message or call, None for other calls.

    `asked_by` is the asking person, "" if the call was made at the phone itself (E16).
    """
    kind, _, name = record.case.partition(":")
    over = record.direction is Direction.OUT and record.ended_at is not None
    if not over or kind not in KINDS or record.ended_at is None:
        return None
    if record.result is not Result.NOT_REACHED or DIALLED not in record.trail:
        return None
    return (
        KINDS[kind],
        name,
        MessageEntry(record.ended_at, asked_by or record.phone, MessageStep.FAIL),
    )


# Alerts once a minute, deletion by age each night; both in the database thread: the disk may stall,
# call control may not. Nothing is deleted by a clock that cannot be trusted.

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
# Deletion by age: nobody calls then, and the day's work is done.
NIGHT: Final = time(3, 0)
NOT_DELETED: Final = Trouble(
    "retention.failing",
    _("What is past its time could not be deleted: check the memory card."),
)


@dataclass(frozen=True, slots=True)
class HousekeepingPlan:
    """Alert hours and recipients, retention, and whether an MQTT broker is configured."""

    calendar: Schedule
    notices: AlertSettings
    keeping: RetentionDays
    has_no_broker: bool = False


def plan_of(settings: Settings, calendar: Schedule) -> HousekeepingPlan:
    """Make the plan of alerts and retention from the configuration."""
    voicemail = settings.voicemail
    notices = AlertSettings(
        voicemail.notify,
        bool(voicemail.notify_sound),
        settings.site.languages[0],
        bool(settings.mail.head),
        CallAlerts(voicemail.missed_alerts),
        numbering.plan_of(settings.site.country),
        messages_page(settings.console),
        labels(settings.phones),
    )
    return HousekeepingPlan(calendar, notices, keeping_of(settings), not settings.mqtt.server)


class Housekeeping:
    """Scheduler of alerts and deletion; the main loop calls `look`, which never waits."""

    def __init__(
        self,
        records: DatabaseWriter,
        state: Path,
        plan: HousekeepingPlan,
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self._folders, self._dictated = MailboxFolders(state / "voicemail"), drafts_of(state)
        self._plan = plan
        self._on_trouble = on_trouble
        self._look_at = 0.0
        self._looking = False
        self._deleted_on: date | None = None
        self.over: Callable[[Schedule], Schedule] = lambda hours: hours
        """Lays the special hours over the written ones (E14)."""
        self.watched: OpenCounts = NOTHING_OPEN
        """Open messages and missed calls at the last look."""
        self.deleted_at: datetime | None = None
        """Time of the last deletion by age since the start, None for none yet."""

    def look(self, now: Now) -> None:
        """Queue alerts and, at night, deletion; at most once in LOOK_S (s)."""
        if self._looking or now.monotonic < self._look_at or not now.clock_state.is_trusted:
            return
        self._looking, self._look_at = True, now.monotonic + LOOK_S
        plan, at, domain = self._plan, now.wall, self._records.letters.domain
        calendar = self.over(plan.calendar)
        self._records.do(
            lambda c: queue_alerts(c, calendar, plan.notices, at, domain), self._looked
        )
        self._records.do(lambda c: users.forget_old(c, at))
        today = self._night_of(now.wall)
        if today is not None:
            self._deleted_on = today
            self._records.do(lambda c: self.delete(c, at), partial(self._deleted, at))

    def soon(self) -> None:
        """Look at the next turn, because somebody dealt with a case; from any thread."""
        self._look_at = 0.0

    def delete(self, connection: sqlite3.Connection, now: datetime) -> DueForDeletion:
        """Delete what is past its retention period; return it. For the database thread."""
        found = due_for_deletion(connection, self._plan.keeping, now)
        if found.any:
            # Sounds before rows: recovery at a start would adopt sounds that have no row.
            forget_sounds(self._folders, tuple(path for _, _, path in found.messages))
            erase(connection, found, self._plan.keeping, now)
            log.info(
                "deleted by age: %d messages, %d numbers, %d calls",
                len(found.messages), len(found.numbers), len(found.calls),
            )  # fmt: skip
        self._delete_requests(connection, now)
        if number := delete_old_drafts(self._dictated, now):
            log.info("deleted by age: %d dictated announcements", number)
        if self._plan.has_no_broker and (number := forget_unwanted(connection, now)):
            log.warning("mqtt: no broker is configured: %d events that waited are gone", number)
        return found

    def _delete_requests(self, connection: sqlite3.Connection, now: datetime) -> None:
        """Delete texts of mails with callers' numbers, closed requests with the calls."""
        numbers, calls = self._plan.keeping.numbers, self._plan.keeping.calls
        empty_mails(connection, due_mails(connection, numbers, now), numbers, now)
        old = due_requests(connection, calls, now)
        sounds = tuple(path.removeprefix("voicemail/") for _, path in old if path)
        forget_sounds(self._folders, sounds)
        erase_requests(connection, (number for number, _ in old), calls, now)

    def _night_of(self, wall: datetime) -> date | None:
        """Return today's date if tonight's deletion is due, None if not."""
        local = wall.astimezone(self._plan.calendar.zone)
        late = local.time() >= NIGHT
        return local.date() if late and self._deleted_on != local.date() else None

    def _looked(self, result: OpenCounts | CentralinoError) -> None:
        self._looking = False
        if isinstance(result, OpenCounts):
            self.watched = result
        else:
            log.warning("messages could not be looked after: %s", result)

    def _deleted(self, at: datetime, result: DueForDeletion | CentralinoError) -> None:
        if isinstance(result, CentralinoError):
            log.error("what is past its time was not deleted: %s", result)
            self._deleted_on = None
        else:
            self.deleted_at = at
        self._on_trouble(NOT_DELETED if isinstance(result, CentralinoError) else None)


class CaseChanges:
    """Tells pages at once when somebody has done something about a message, call or request.

    `tell` is called in the database thread, with the number of open messages.
    """

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._seen: tuple[int, ...] | None = None

    def look(self, connection: sqlite3.Connection) -> None:
        """Look for new entries; for the database thread."""
        newest = newest_marks(connection)
        if newest == self._seen:
            return
        # At the first look nothing is new.
        is_first, self._seen = self._seen is None, newest
        if not is_first:
            self._tell(voicemail.count_waiting(connection))


# Messages for phones. The deciding thread never waits for the disk, and the media gateway never
# opens a file: the database thread reads a sound into a memfd, which the gateway gets by the link.

# A phone that hung up meanwhile never takes its sound: the oldest one makes room.
KEPT = 4


@dataclass(frozen=True, slots=True)
class _Found:
    """The next open message, the number of those after it, and the memfd of its sound."""

    message: Message
    left: int
    fd: int


class MessageSounds:
    """Reader of messages for phones; posts MessageFetched, MessageClosed and MessageMarked."""

    def __init__(
        self,
        directory: Path,
        records: DatabaseWriter,
        recount: Callable[[], None],
        post: Callable[[events.Event], None],
        zone: tzinfo | None = None,
    ) -> None:
        self._directory, self._zone = directory, zone
        self._records = records
        self._recount = recount
        self._post = post
        self._ready: dict[str, int] = {}

    def fetch(self, order: orders.FetchMessage) -> None:
        """Read the next open message; MessageFetched follows."""

        def done(found: _Found | CentralinoError | None) -> None:
            self._post(self._fetched(order.listener, found))

        self._records.do(lambda connection: self._next(connection, order.after), done)

    def take(self, listener: str) -> int | None:
        """Return the memfd of the message fetched last for a leg, once; the taker closes it."""
        return self._ready.pop(listener, None)

    def close(self, order: orders.CloseMessage) -> None:
        """Close a message for good; MessageClosed follows."""

        def done(closed: object) -> None:
            failed = isinstance(closed, CentralinoError)
            if not failed:
                self._recount()
            reason = str(closed) if failed else ""
            self._post(
                events.MessageClosed(order.listener, reason, isinstance(closed, HeldByOtherError))
            )

        self._add(
            order.message, _entry(order.by, MessageStep.CLOSE, MessageOutcome(order.outcome)), done
        )

    def mark(self, order: orders.MarkMessage) -> None:
        """Store a phone's step about a message; MessageMarked follows, except for HEAR."""
        step = MessageStep(order.step)

        def done(kept: object) -> None:
            failed = isinstance(kept, CentralinoError)
            if step is MessageStep.HEAR:
                if failed:
                    log.error("that %s heard a message was not kept: %s", order.by, kept)
                return
            reason = str(kept) if failed else ""
            self._post(
                events.MessageMarked(order.listener, reason, isinstance(kept, HeldByOtherError))
            )

        self._add(order.message, _entry(order.by, step), done)

    def _add(self, message: str, entry: MessageEntry, done: Callable[[object], None]) -> None:
        self._records.do(
            lambda c: voicemail.add_entry(
                c, voicemail.CaseKind.MESSAGE, message, entry, self._zone
            ),
            done,
        )

    def _next(self, connection: sqlite3.Connection, after: int) -> _Found | None:
        """Return the next readable message, None for none; log each that cannot be read."""
        waiting = voicemail.open_after(connection, after)
        for number, message in enumerate(waiting, 1):
            try:
                fd = _memory(self._directory / message.path)
            except (OSError, wav.WavError) as error:
                log.error("message %s cannot be played: %s", message.number, error)
                continue
            return _Found(message, len(waiting) - number, fd)
        return None

    def _fetched(
        self, listener: str, found: _Found | CentralinoError | None
    ) -> events.MessageFetched:
        if found is None:
            return events.MessageFetched(listener)
        if isinstance(found, CentralinoError):
            return events.MessageFetched(listener, reason=str(found))
        self._keep(listener, found.fd)
        message = found.message
        return events.MessageFetched(
            listener, message.id, message.number, message.caller, message.received_at, found.left,
            holder=message.taken_by,
        )  # fmt: skip

    def _keep(self, listener: str, fd: int) -> None:
        earlier = self._ready.pop(listener, None)
        if len(self._ready) >= KEPT:
            earlier = self._ready.pop(next(iter(self._ready)))
        self._ready[listener] = fd
        if earlier is not None:
            os.close(earlier)


def _entry(by: str, step: MessageStep, outcome: MessageOutcome | None = None) -> MessageEntry:
    return MessageEntry(datetime.now(UTC), by, step, outcome)


def _memory(path: Path) -> int:
    """Return a memfd with a WAV's sound, 16-bit; raises WavError or OSError."""
    sound = wav.parse(path.read_bytes())
    fd = os.memfd_create("centralino-message", os.MFD_CLOEXEC)
    os.write(fd, g711.decode(sound.data, sound.law))
    return fd


# The PIN for messages, kept as a hash (scrypt, RFC 7914). Compared in the database thread: that
# takes tens of milliseconds, which the deciding thread does not have.

# 16 MB and some 50 ms a try: as much as a four-digit code can be given (RFC 7914 section 2).
_N, _R, _P = 1 << 14, 8, 1
_SALT_BYTES: Final = 16
NO_PIN: Final = _(
    'voicemail.pin is "always" and no code is set, so that nobody can hear the '
    "messages: set one with centralino messages pin (this sentence goes at the "
    "next start)"
)
WRONG: Final = "voicemail.pin_wrong"


def pin_path(state: Path) -> Path:
    """Return the path of the PIN's hash."""
    return secret_place(state, PIN)


def hashed(pin: str) -> dict[str, str]:
    """Return salt and hash of a PIN, as stored."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return {"salt": _text(salt), "scrypt": _text(_scrypt(pin, salt))}


def matches(pin: str, kept: dict[str, str]) -> bool:
    """Compare a PIN with its stored hash; raises KeyError, ValueError."""
    salt, expected = (base64.b64decode(kept[name], validate=True) for name in ("salt", "scrypt"))
    return secrets.compare_digest(_scrypt(pin, salt), expected)


def is_right(path: Path, pin: str) -> bool:
    """Compare a PIN with the stored one; False for every PIN if none is stored or readable."""
    try:
        return matches(pin, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("%s cannot be read (%s): set the code anew: messages pin", path, error)
        return False


class Pins:
    """Comparison of PINs entered at phones; posts PinChecked."""

    def __init__(
        self, state: Path, records: DatabaseWriter, post: Callable[[events.Event], None]
    ) -> None:
        self._path = pin_path(state)
        self._records = records
        self._post = post

    def check(self, order: orders.CheckPin) -> None:
        """Compare a PIN; a wrong one is audited with the phone's name, without the PIN."""

        def done(right: bool | CentralinoError) -> None:
            self._post(events.PinChecked(order.listener, right is True))

        self._records.do(lambda connection: self._compare(connection, order), done)

    def _compare(self, connection: sqlite3.Connection, order: orders.CheckPin) -> bool:
        right = is_right(self._path, order.pin)
        if not right:
            log.warning("messages: %s gave a wrong code", order.by)
            with transaction(connection):
                database.note(connection, Noted(datetime.now(UTC), order.by, WRONG))
        return right


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
