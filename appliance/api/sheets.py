"""Information sheets: reading, changing and removing them, noting one with a call (P2).

A sheet is transferred as its whole file, in the format of an import. A child (`office sheets
save`) generates the sounds of a spoken sheet and stores the sheet once it has them: call control
never loads the synthesiser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from appliance.api.commands import RemoveSheet, SaveSheet, ShowSheet, UseSheet
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    SendReply,
    check_may,
    command,
    declined,
    deferred,
)
from appliance.api.replies import Declined, SheetNoted, SheetSaid, SheetSaved, SheetText
from appliance.api.technician_commands import ShowVoice
from appliance.api.technician_replies import VoiceReply
from appliance.calls import events
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import CallRecord
from appliance.config.values import BadConfiguration
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.policy.privacy import must_not_say
from appliance.policy.sheets import Sheet, SheetChange
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission
from appliance.store import call_log, managed_config, sheets
from appliance.store.database import Noted
from appliance.text import Words, _, joined

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.api.call_control import CallControlAccess, JobsAccess, StoreAccess
    from appliance.calls.status import CallStatus

CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SAVED: Final = _("Sheet “{title}” saved.")
GONE: Final = _("Sheet “{title}” taken away.")
UNTAKEN: Final = _("The sheet needs mending: {mistakes}")
VOICE: Final = "sheet_voice"
VOICED: Final = _(
    "Sheet “{title}”: it is being given its voice; what comes of it shows here shortly."
)
NO_CODE: Final = _("a sheet's name is of small letters, digits and hyphens, e.g. imu-2026")


@dataclass(frozen=True, slots=True)
class _SpokenChange:
    """A change of a spoken sheet: title, the child's arguments, and the sheet's file for it."""

    title: str
    words: tuple[str, ...]
    text: str

    def replying(self, send: SendReply) -> SendReply:
        """Return a callback that reports whether the child has started."""

        def done(answer: Reply | CentralinoError) -> None:
            answer = declined(answer)
            if isinstance(answer, (Declined, CentralinoError)):
                send(answer)
            else:
                send(SheetSaid(_about(VOICED, self.title), voice=True))

        return done


class SheetCommands(CommandHandlers):
    """Shows and changes sheets."""

    def __init__(self, stores: StoreAccess, now: Callable[[], Now], jobs: JobsAccess) -> None:
        self._stores, self._now, self._jobs = stores, now, jobs

    @command(ShowVoice)
    def voice(self, _: ShowVoice) -> VoiceReply:
        """Return whether sounds are being generated, and the last result."""
        told = self._jobs.told()
        return VoiceReply(told.running == "sheets", told.last.get(VOICE))

    @command(ShowSheet)
    def text(self, wish: ShowSheet) -> DeferredReply:
        """Return a sheet's whole file."""

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, wish.by, Permission.EDIT_SHEETS)
            return SheetText(_text_of(_known(connection, wish.code)))

        return self._deferred(job)

    @command(SaveSheet)
    def save(self, wish: SaveSheet) -> DeferredReply:
        """Store a sheet or preview the change; a mistake is reported with its line."""
        by, code, preview, at = wish.by, wish.code, wish.preview, self._now().wall
        # Browsers submit text fields with CRLF line ends.
        text = wish.text.replace("\r\n", "\n")

        def job(connection: sqlite3.Connection) -> Reply | _SpokenChange:
            check_may(connection, by, Permission.EDIT_SHEETS)
            before = sheets.find(connection, code)
            # Only a new name is checked: an older sheet keeps whatever name it has.
            if before is None and not CODE.fullmatch(code):
                raise Refused(NO_CODE)
            # The head office's sheets are not changed in a branch.
            managed_config.check_own_sheets(connection, [code])
            given = _read(text, code)
            self._check_disclosed(given)
            # Sounds first: the child stores the sheet once they exist.
            if not preview and _heard(before) != _heard(given):
                return _SpokenChange(given.title, (code, "--by", by), text)
            if not preview:
                sheets.put(connection, given, Noted(at, by, sheets.CHANGED, code))
            return _changes(before, given)

        return self._deferred(job, reads_again=not preview)

    def _check_disclosed(self, given: Sheet) -> None:
        """Raise Refused for a spoken sheet with a number that callers may not be told (P7)."""
        known = self._stores.spoken.disclosure()
        if known is None or not given.say:
            return
        if offices := known.kept_by(given.title, given.say):
            raise Refused(must_not_say(given.code, offices))

    @command(RemoveSheet)
    def remove(self, wish: RemoveSheet) -> DeferredReply:
        """Remove a sheet."""
        by, code, at = wish.by, wish.code, self._now().wall

        def job(connection: sqlite3.Connection) -> Reply | _SpokenChange:
            check_may(connection, by, Permission.EDIT_SHEETS)
            managed_config.check_own_sheets(connection, [code])
            before = _known(connection, code)
            if _heard(before):
                return _SpokenChange(before.title, (code, "--by", by, "--remove"), "")
            sheets.remove(connection, code, Noted(at, by, sheets.REMOVED, code))
            return SheetSaid(_about(GONE, before.title))

        return self._deferred(job, reads_again=True)

    def _deferred(
        self,
        job: Callable[[sqlite3.Connection], Reply | _SpokenChange],
        *,
        reads_again: bool = False,
    ) -> DeferredReply:
        """Run a job in the database thread; after a change load again who is in charge (E10)."""

        def deferred_reply(send: SendReply) -> None:
            def done(result: Reply | _SpokenChange | CentralinoError) -> None:
                if isinstance(result, _SpokenChange):
                    words = ("sheets", "save", *result.words)
                    self._jobs.hand_over(VOICE, words, result.text, result.replying(send))
                elif isinstance(result, CentralinoError) or not reads_again:
                    send(declined(result))
                else:
                    self._stores.directory.load(lambda _: send(result))

            self._stores.records.do(job, done)

        return deferred_reply


def _text_of(sheet: Sheet) -> str:
    # Imported here: the parser is needed only when a sheet is edited.
    from appliance.config.sheet_file import text_of_sheet

    return text_of_sheet(sheet)


def _read(text: str, code: str) -> Sheet:
    """Read a sheet; raises Refused with every mistake."""
    # Imported here: the parser is needed only when a sheet is edited.
    from appliance.config.sheet_file import parse_sheet as parse

    try:
        return parse(text, code)
    except BadConfiguration as error:
        found = joined("; ", (mistake.words for mistake in error.mistakes))
        raise Refused(UNTAKEN.filled(mistakes=found)) from error


def _heard(sheet: Sheet | None) -> tuple[str, ...]:
    return (sheet.title, sheet.say, sheet.language) if sheet and sheet.say else ()


def _changes(before: Sheet | None, given: Sheet) -> SheetSaved:
    change = (
        SheetChange.NEW
        if before is None
        else SheetChange.SAME
        if before == given
        else SheetChange.CHANGED
    )
    return SheetSaved(
        _about(SAVED, given.title),
        change=change.value,
        title=given.title,
        before=_text_of(before) if before else "",
        after=_text_of(given),
        body=given.body,
        heard=given.say if _heard(before) != _heard(given) else "",
    )


def _about(words: Words, title: str) -> Words:
    return words.filled(title=title)


def _known(connection: sqlite3.Connection, code: str) -> Sheet:
    found = sheets.find(connection, code)
    if found is None:
        raise Refused(_("there is no sheet {code!r}", code=code))
    return found


AFTERWARDS = timedelta(minutes=15)
"""Time after a call in which a position may note a sheet without naming the call."""

NO_SHEET = _("the code of a sheet is needed, and a call or a position")
NO_CALL = _("say the call, or the position that answered it: one of the two")


class _Noted(NamedTuple):
    sheet: Sheet
    record: CallRecord


def note_sheet(
    call_control: CallControlAccess, stores: StoreAccess, zone: ZoneInfo, wish: UseSheet
) -> DeferredReply:
    """Note a sheet with a present or past call; raises OfficeError unless one is named."""
    request, status = read_note(wish), call_control.status()
    # Now, in the deciding thread: the call may end before the job runs.
    live = current_call(status.calls, request)

    def job(connection: sqlite3.Connection) -> _Noted:
        return _note(connection, request, live, status.at)

    def reply(result: _Noted | CentralinoError) -> Reply | CentralinoError:
        if isinstance(result, CentralinoError):
            return result
        # Call control rewrites the record of a call in progress: it must know the sheet too.
        call_control.post(events.SheetUsed(result.record.call, result.sheet.code))
        return _noted_reply(result, zone)

    return deferred(stores.records, job, reply)


def read_note(wish: UseSheet) -> NoteSheet:
    """Return what is to be noted; raises SaidError unless a sheet and one call are named."""
    if not wish.sheet:
        raise SaidError(NO_SHEET)
    if bool(wish.call) == bool(wish.position):
        raise SaidError(NO_CALL)
    return NoteSheet(wish.sheet, wish.call, wish.position)


def current_call(calls: tuple[CallStatus, ...], request: NoteSheet) -> str:
    """Return the named call, or the position's present call; "" for none."""
    if request.call:
        return request.call
    return next((each.call for each in calls if each.phone == request.position), "")


def _note(connection: sqlite3.Connection, request: NoteSheet, live: str, now: datetime) -> _Noted:
    sheet = sheets.find(connection, request.sheet)
    if sheet is None:
        raise SaidError(
            _(
                "there is no sheet {sheet!r}: see centralino office sheets search",
                sheet=request.sheet,
            )
        )
    call = live or last_call(connection, request.position, now)
    return _Noted(sheet, call_log.note_sheet(connection, call, sheet.code))


def last_call(connection: sqlite3.Connection, position: str, now: datetime) -> str:
    """Return the call that a position has just ended; raises SaidError for none."""
    record = call_log.last_call_of_phone(connection, position, now - AFTERWARDS)
    if record is None:
        minutes = AFTERWARDS.seconds // 60
        raise SaidError(
            _(
                "{position!r} is in no call and ended none within {minutes} minutes: name the call",
                position=position,
                minutes=minutes,
            )
        )
    return record.call


def _noted_reply(noted: _Noted, zone: ZoneInfo) -> SheetNoted:
    at = f"{noted.record.rang_at.astimezone(zone):%H:%M}"
    words = _("Sheet “{title}” noted with the call of {at}.", title=noted.sheet.title, at=at)
    return SheetNoted(words, call=noted.record.call)
