"""Information sheets: reading, changing and removing them, noting one with a call (P2).

A sheet is transferred as its whole file, in the format of an import. A child (`centralino sheets
save`) generates the sounds of a spoken sheet and stores the sheet once it has them: call control
never loads the synthesiser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from appliance.api.permissions import CommandHandlers, check_may, command
from appliance.api.protocol import (
    Arguments,
    DeferredReply,
    Reply,
    SendReply,
    declined,
    deferred,
    plain,
    required_text,
)
from appliance.calls import events
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import CallRecord
from appliance.config.mistakes import BadConfiguration
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.sheets import Sheet, SheetChange
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.store import call_log, managed_config, sheets
from appliance.store.database import Noted

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.calls.status import CallStatus
    from appliance.service.technician_commands import JobCommands

CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SAVED: Final = Words("Scheda «{}» salvata.", "Sheet “{}” saved.")
GONE: Final = Words("Scheda «{}» tolta.", "Sheet “{}” taken away.")
UNTAKEN: Final = Words("La scheda va corretta: {}", "The sheet needs mending: {}")
VOICE: Final = "sheet_voice"
VOICED: Final = Words(
    "Scheda «{}»: ora riceve la voce; l'esito appare qui fra poco.",
    "Sheet “{}”: it is being given its voice; what comes of it shows here shortly.",
)
NO_CODE: Final = Words(
    "il nome della scheda è fatto di lettere minuscole, cifre e trattini, ad esempio imu-2026",
    "a sheet's name is of small letters, digits and hyphens, e.g. imu-2026",
)


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
            is_begun = isinstance(answer, dict) and answer.get("done") is not False
            said: Reply = {"voice": True, "said": plain(_about(VOICED, self.title))}
            send(said if is_begun else answer)

        return done


class SheetCommands(CommandHandlers):
    """Shows and changes sheets; raises OfficeError for wrong arguments."""

    def __init__(self, stores: StoreAccess, now: Callable[[], Now], jobs: JobCommands) -> None:
        self._stores, self._now, self._jobs = stores, now, jobs

    @command(VOICE, needs=Permission.EDIT_SHEETS)
    def voice(self, _: Arguments) -> Reply:
        """Return whether sounds are being generated, and the last result."""
        told = self._jobs.told({})
        return {"runs": told["running"] == "sheets", "last": told["last"].get(VOICE)}

    @command("sheet_text", needs=Permission.EDIT_SHEETS)
    def text(self, arguments: Arguments) -> DeferredReply:
        """Return a sheet's whole file."""
        by, code = required_text(arguments, "by"), required_text(arguments, "code")

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.EDIT_SHEETS)
            return {"text": _text_of(_known(connection, code))}

        return self._deferred(job)

    @command("sheet_save", needs=Permission.EDIT_SHEETS)
    def save(self, arguments: Arguments) -> DeferredReply:
        """Store a sheet or preview the change; a mistake is reported with its line."""
        by, code = required_text(arguments, "by"), required_text(arguments, "code")
        text = _text(arguments)
        preview, at = arguments.get("preview") is True, self._now().wall

        def job(connection: sqlite3.Connection) -> Reply | _SpokenChange:
            check_may(connection, by, Permission.EDIT_SHEETS)
            before = sheets.find(connection, code)
            # Only a new name is checked: an older sheet keeps whatever name it has.
            if before is None and not CODE.fullmatch(code):
                raise Refused(NO_CODE.it, NO_CODE.en)
            # The head office's sheets are not changed in a branch.
            managed_config.check_own_sheets(connection, [code])
            given = _read(text, code)
            # Sounds first: the child stores the sheet once they exist.
            if not preview and _heard(before) != _heard(given):
                return _SpokenChange(given.title, (code, "--by", by), text)
            if not preview:
                sheets.put(connection, given, Noted(at, by, sheets.CHANGED, code))
            return _changes(before, given)

        return self._deferred(job, reads_again=not preview)

    @command("sheet_remove", needs=Permission.EDIT_SHEETS)
    def remove(self, arguments: Arguments) -> DeferredReply:
        """Remove a sheet."""
        by, code = required_text(arguments, "by"), required_text(arguments, "code")
        at = self._now().wall

        def job(connection: sqlite3.Connection) -> Reply | _SpokenChange:
            check_may(connection, by, Permission.EDIT_SHEETS)
            managed_config.check_own_sheets(connection, [code])
            before = _known(connection, code)
            if _heard(before):
                return _SpokenChange(before.title, (code, "--by", by, "--remove"), "")
            sheets.remove(connection, code, Noted(at, by, sheets.REMOVED, code))
            return {"said": plain(_about(GONE, before.title))}

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
                    self._stores.register.load(lambda _: send(result))

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
        found = [mistake.words for mistake in error.mistakes]
        it, en = "; ".join(each.it for each in found), "; ".join(each.en for each in found)
        raise Refused(UNTAKEN.it.format(it), UNTAKEN.en.format(en)) from error


def _heard(sheet: Sheet | None) -> tuple[str, ...]:
    return (sheet.title, sheet.say, sheet.language) if sheet and sheet.say else ()


def _changes(before: Sheet | None, given: Sheet) -> Reply:
    change = (
        SheetChange.NEW
        if before is None
        else SheetChange.SAME
        if before == given
        else SheetChange.CHANGED
    )
    return {
        "change": change.value,
        "title": given.title,
        "before": _text_of(before) if before else "",
        "after": _text_of(given),
        "body": given.body,
        "heard": given.say if _heard(before) != _heard(given) else "",
        "said": plain(_about(SAVED, given.title)),
    }


def _about(words: Words, title: str) -> Words:
    return replace(words, it=words.it.format(title), en=words.en.format(title))


def _known(connection: sqlite3.Connection, code: str) -> Sheet:
    found = sheets.find(connection, code)
    if found is None:
        raise Refused(f"la scheda «{code}» non c'è", f"there is no sheet {code!r}")
    return found


def _text(arguments: Arguments) -> str:
    value = arguments.get("text")
    if not isinstance(value, str):
        raise OfficeError("text is needed: the sheet's whole file")
    # Browsers submit text fields with CRLF line ends.
    return value.replace("\r\n", "\n")


AFTERWARDS = timedelta(minutes=15)
"""Time after a call in which a position may note a sheet without naming the call."""

NO_SHEET = Words(
    "Manca la scheda: sceglierne una.", "the code of a sheet is needed, and a call or a position"
)
NO_CALL = Words(
    "Serve la chiamata, oppure la postazione che ha risposto: una delle due.",
    "say the call, or the position that answered it: one of the two",
)


class _Noted(NamedTuple):
    sheet: Sheet
    record: CallRecord


@command("NoteSheet", needs=Permission.SEE_DESK)
def note_sheet(
    desk: CallControlAccess, stores: StoreAccess, zone: ZoneInfo, arguments: Arguments
) -> DeferredReply:
    """Note a sheet with a present or past call; raises OfficeError for wrong arguments."""
    request, status = read_note(arguments), desk.status()
    # Now, in the deciding thread: the call may end before the job runs.
    live = current_call(status.calls, request)

    def job(connection: sqlite3.Connection) -> _Noted:
        return _note(connection, request, live, status.at)

    def reply(result: _Noted | CentralinoError) -> Reply | CentralinoError:
        if isinstance(result, CentralinoError):
            return result
        # Call control rewrites the record of a call in progress: it must know the sheet too.
        desk.post(events.SheetUsed(result.record.call, result.sheet.code))
        return _noted_reply(result, zone)

    return deferred(stores.records, job, reply)


def read_note(arguments: Arguments) -> NoteSheet:
    """Read the arguments; raises OfficeError with what is wrong in them."""
    given = {name: arguments.get(name) or "" for name in ("sheet", "call", "position")}
    if any(not isinstance(value, str) for value in given.values()) or not given["sheet"]:
        raise SaidError(NO_SHEET)
    if bool(given["call"]) == bool(given["position"]):
        raise SaidError(NO_CALL)
    return NoteSheet(**given)


def current_call(calls: tuple[CallStatus, ...], request: NoteSheet) -> str:
    """Return the named call, or the position's present call; "" for none."""
    if request.call:
        return request.call
    return next((each.call for each in calls if each.phone == request.position), "")


def _note(connection: sqlite3.Connection, request: NoteSheet, live: str, now: datetime) -> _Noted:
    sheet = sheets.find(connection, request.sheet)
    if sheet is None:
        raise SaidError(
            Words(
                f"La scheda «{request.sheet}» non c'è: cercarla di nuovo.",
                f"there is no sheet {request.sheet!r}: see centralino sheets search",
            )
        )
    call = live or _last(connection, request.position, now)
    return _Noted(sheet, call_log.note_sheet(connection, call, sheet.code))


def _last(connection: sqlite3.Connection, position: str, now: datetime) -> str:
    record = call_log.last_call_of_phone(connection, position, now - AFTERWARDS)
    if record is None:
        minutes = AFTERWARDS.seconds // 60
        raise SaidError(
            Words(
                f"«{position}» non è in una chiamata e da {minutes} minuti non ne ha conclusa "
                "nessuna: la scheda si annota durante la chiamata, o subito dopo.",
                f"{position!r} is in no call and ended none within {minutes} minutes: name the "
                "call",
            )
        )
    return record.call


def _noted_reply(noted: _Noted, zone: ZoneInfo) -> Reply:
    at = f"{noted.record.rang_at.astimezone(zone):%H:%M}"
    words = Words(
        f"Scheda «{noted.sheet.title}» annotata con la chiamata delle {at}.",
        f"Sheet “{noted.sheet.title}” noted with the call of {at}.",
    )
    return {"call": noted.record.call, "said": plain(words)}
