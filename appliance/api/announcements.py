"""Announcements of the office's own: upload in parts, dictation at a phone, restoring ours.

A recording is longer than a line of the control socket, so it is uploaded in parts, as A-law at
8 kHz. The last part has it written in the database thread; the next caller hears it. The console
converts recordings to telephone sound; call control checks only the length.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from appliance.api import speech, users
from appliance.api.call_control import Dictation
from appliance.api.commands import (
    Dictate,
    DropDraft,
    FollowDictation,
    RestoreRecording,
    SendRecording,
)
from appliance.api.protocol import (
    WRONG_PROOF,
    CommandHandlers,
    DeferredReply,
    Reply,
    SendReply,
    check_may,
    command,
    declined,
    deferred,
)
from appliance.api.replies import Declined, DictationState, PartTaken, Said
from appliance.api.speech import MOST_NOTICE_S, OURS
from appliance.calls import events, orders
from appliance.calls.status import GOING_ON, SAID
from appliance.config.state_folder import path_of
from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission
from appliance.prompts import Catalogue, is_key
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import CallControlAccess, StoreAccess


CHANGED, RESTORED = "announcement.change", "announcement.restore"
# Concurrent uploads; one more ends the oldest.
MOST_UPLOADS: Final = 4
# A-law has one byte a sample.
MOST_BYTES: Final = MOST_NOTICE_S * SAMPLE_RATE
SAVED: Final = _("The announcement was replaced: who calls from now on hears it.")
OURS_AGAIN: Final = _("Our recording is back: who calls from now on hears it.")
NO_SUCH: Final = _("there is no such announcement")
OF_THE_SITE: Final = _(
    "this announcement lies in the technician's folder (folders.prompts): it is changed there"
)
NOT_OWN: Final = _("this announcement is our recording already")
LONG: Final = _(
    "the recording takes more than {most_notice_s} seconds", most_notice_s=MOST_NOTICE_S
)


@dataclass(slots=True)
class Upload:
    """An upload in progress: its announcement, and the A-law bytes received so far."""

    language: str
    key: str
    sound: bytearray = field(default_factory=bytearray)


class AnnouncementCommands(CommandHandlers):
    """Replaces announcements."""

    def __init__(self, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now
        self._uploads: dict[str, Upload] = {}

    @command(SendRecording)
    def part(self, wish: SendRecording) -> Reply | DeferredReply:
        """Take one part of a recording; after the last part replace the announcement."""
        by, language, key = wish.by, wish.language, wish.key
        upload = self._upload(by, language, key, wish.at)
        upload.sound += wish.data
        if len(upload.sound) > MOST_BYTES:
            self._uploads.pop(by, None)
            return Declined(LONG)
        if not wish.last:
            return PartTaken(len(upload.sound))
        # Removed before the job runs: an upload that fails is begun anew.
        del self._uploads[by]
        sound, at = bytes(upload.sound), self._now().wall
        spoken = self._stores.spoken

        def job(connection: sqlite3.Connection) -> Words:
            check_may(connection, by, Permission.PROMPTS)
            self.check(language, key)
            if not sound:
                raise Refused(_("the recording is empty"))
            speech.put(spoken.folder, language, key, g711.decode(sound, Law.ALAW))
            _note(connection, Noted(at, by, CHANGED, f"{language}/{key}"))
            return SAVED

        return self._deferred(job)

    @command(RestoreRecording)
    def restore(self, wish: RestoreRecording) -> DeferredReply:
        """Delete the office's own recording, so that callers hear ours again."""
        by, language, key = wish.by, wish.language, wish.key
        at, spoken = self._now().wall, self._stores.spoken

        def job(connection: sqlite3.Connection) -> Words:
            check_may(connection, by, Permission.PROMPTS)
            self.check(language, key)
            if not path_of(spoken.folder, language, key).exists():
                raise Refused(NOT_OWN)
            speech.forget(spoken.folder, language, key)
            _note(connection, Noted(at, by, RESTORED, f"{language}/{key}"))
            return OURS_AGAIN

        return self._deferred(job)

    def _upload(self, by: str, language: str, key: str, at: int) -> Upload:
        """Return a part's upload; raises OfficeError for a part out of order."""
        # A user who starts again drops the former upload.
        if at == 0:
            self._uploads.pop(by, None)
            # An upload that was broken off is never finished: the oldest makes room.
            if len(self._uploads) >= MOST_UPLOADS:
                del self._uploads[next(iter(self._uploads))]
            self._uploads[by] = Upload(language, key)
        found = self._uploads.get(by)
        if found is None or (found.language, found.key, len(found.sound)) != (language, key, at):
            raise OfficeError("this part follows nothing that has come: send it from its beginning")
        return found

    def check(self, language: str, key: str) -> None:
        """Raise Refused for an unknown or the technician's announcement; reads the disk."""
        spoken = self._stores.spoken
        self.check_name(language, key)
        if key not in Catalogue(spoken.site, spoken.folder).keys(language):
            raise Refused(NO_SUCH)

    def check_name(self, language: str, key: str) -> None:
        """Raise Refused for an invalid name, or one in the technician's folder; reads the disk."""
        spoken = self._stores.spoken
        if not (is_key(key) and is_key(language)) or key.startswith(OURS):
            raise Refused(NO_SUCH)
        if spoken.site is not None and path_of(spoken.site, language, key).exists():
            raise Refused(OF_THE_SITE)

    def _deferred(self, job: Callable[[sqlite3.Connection], Words]) -> DeferredReply:
        """Run a job in the database thread, load the sounds again, then reply."""

        def deferred_reply(send: SendReply) -> None:
            def done(result: Words | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    send(declined(result))
                else:
                    self._stores.spoken.load(lambda _: send(Said(result)))

            self._stores.records.do(job, done)

        return deferred_reply


def _note(connection: sqlite3.Connection, noted: Noted) -> None:
    with transaction(connection):
        database.note(connection, noted)


DROPPED = "announcement.draft_drop"
NO_DRAFT: Final = _("this recording is no longer there")
DROPPED_SAID: Final = _("The recording is discarded.")


class DictationCommands(CommandHandlers):
    """Records announcements at a phone.

    The database thread checks the permission, the deciding thread whether the phone can ring.
    """

    def __init__(
        self,
        stores: StoreAccess,
        call_control: CallControlAccess,
        announcements: AnnouncementCommands,
    ) -> None:
        self._stores, self._call_control, self._announcements = stores, call_control, announcements
        self._asks = itertools.count(1)
        self._waiting: dict[str, tuple[SendReply, Dictation]] = {}

    @command(Dictate)
    def dictate(self, wish: Dictate) -> DeferredReply:
        """Ring a phone, given by name or extension, to record an announcement."""
        phone = self._call_control.office.phone_at(wish.phone) or wish.phone

        def deferred_reply(send: SendReply) -> None:
            # The number joins the deciding thread's reply to this session.
            ask = f"dictation {next(self._asks)}"

            def checked(result: CentralinoError | None) -> None:
                if isinstance(result, CentralinoError):
                    send(declined(result))
                    return
                self._waiting[ask] = send, Dictation(wish.language, wish.key, wish.by)
                self._call_control.post(events.DictationAsked(ask, phone))

            self._stores.records.do(lambda c: self._check(c, wish), checked)

        return deferred_reply

    def answered(self, order: orders.AnswerAsked) -> None:
        """Send the deciding thread's reply; from now on the progress can be queried."""
        send, asked = self._waiting.pop(order.ask, (None, None))
        if send is None or asked is None or not isinstance(order.said, Words):
            return
        # Only a dictation that rings has progress to report.
        if order.done:
            self._stores.dictations.asked(order.ask, asked)
        send(Said(order.said) if order.done else Declined(order.said))

    @command(FollowDictation)
    def dictation(self, wish: FollowDictation) -> DictationState:
        """Return the progress of a user's dictation."""
        found = self._stores.dictations.latest(wish.by, wish.language, wish.key)
        if found is None:
            return DictationState("", over=True)
        is_over = found.went not in GOING_ON
        return DictationState(found.went.value, is_over, SAID[found.went])

    @command(DropDraft)
    def drop(self, wish: DropDraft) -> DeferredReply:
        """Delete a draft."""
        by, language, key = wish.by, wish.language, wish.key
        at = self._call_control.now().wall

        def job(connection: sqlite3.Connection) -> None:
            self._check(connection, wish)
            path = path_of(self._stores.dictations.folder, language, key)
            if not path.exists():
                raise Refused(NO_DRAFT)
            path.unlink()
            _note(connection, Noted(at, by, DROPPED, f"{language}/{key}"))

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            return Said(DROPPED_SAID) if result is None else declined(result)

        return deferred(self._stores.records, job, reply)

    def _check(self, connection: sqlite3.Connection, wish: Dictate | DropDraft) -> None:
        """Raise Refused without the permission, or unless the announcement is the office's own."""
        if wish.proof is None:
            check_may(connection, wish.by, Permission.PROMPTS)
            # From the console only announcements that exist can be replaced.
            self._announcements.check(wish.language, wish.key)
            return
        if not users.proof_is_right(self._stores.dictations.folder.parent, wish.proof):
            raise SaidError(WRONG_PROOF)
        # A shell may record a new announcement, as `centralino office prompts say` may.
        self._announcements.check_name(wish.language, wish.key)
