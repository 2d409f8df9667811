"""What may be asked at the door of sheets by who edits them: text, change, removal (P2).

A sheet is its whole file, as an import takes it; a preview says what would change. Done in the
records' thread. What callers hear of a spoken sheet is made by a child (`centralino sheets save`),
which keeps the sheet too, once it has its sounds: the desk never loads the voice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from appliance.api.permissions import check_may
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.calls import events
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import CallRecord
from appliance.config.mistakes import BadConfiguration
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.sheets import Change, Sheet
from appliance.policy.text import Refused, SaidError, Words
from appliance.policy.users import Permission
from appliance.store import call_log, managed_config, sheets
from appliance.store.database import Noted

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.calls.status import CallStatus
    from appliance.service.jobs import ChoreQuestions
    from appliance.service.loop import Desk, Stores


# ---- sheet changes -----------------------------------------------------------------------------

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
class _Voiced:
    """A change of what callers hear: the command that makes it, and the sheet's file for it."""

    title: str
    words: tuple[str, ...]
    text: str

    def told(self, tell: SendReply) -> SendReply:
        """Tell whoever asked that it has begun, or why not."""

        def done(answer: Reply | CentralinoError) -> None:
            if isinstance(answer, Refused):
                answer = {"done": False, "said": plain(answer.words)}
            is_begun = isinstance(answer, dict) and answer.get("done") is not False
            said: Reply = {"voice": True, "said": plain(_about(VOICED, self.title))}
            tell(said if is_begun else answer)

        return done


class SheetChanges:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now], chores: ChoreQuestions) -> None:
        self._stores, self._now, self._chores = stores, now, chores

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked."""
        return {
            "sheet_text": self.text,
            "sheet_save": self.save,
            "sheet_remove": self.remove,
            VOICE: self.voice,
        }

    def voice(self, _: dict[str, Any]) -> Reply:
        """Say whether a sheet is being given its voice, and what came of the last."""
        told = self._chores.told({})
        return {"runs": told["running"] == "sheets", "last": told["last"].get(VOICE)}

    def text(self, question: dict[str, Any]) -> DeferredReply:
        """Tell a sheet's whole file."""
        by, code = _word(question, "by"), _word(question, "code")

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.EDIT_SHEETS)
            return {"text": _text_of(_known(connection, code))}

        return self._later(job)

    def save(self, question: dict[str, Any]) -> DeferredReply:
        """Keep a sheet, or say what that would change; what was wrong is told with its line."""
        by, code, text = _word(question, "by"), _word(question, "code"), _text(question)
        preview, at = question.get("preview") is True, self._now().wall

        def job(connection: sqlite3.Connection) -> Reply | _Voiced:
            check_may(connection, by, Permission.EDIT_SHEETS)
            before = sheets.find(connection, code)
            if before is None and not CODE.fullmatch(code):
                raise Refused(NO_CODE.it, NO_CODE.en)
            managed_config.check_own_sheets(connection, [code])
            given = _read(text, code)
            if not preview and _heard(before) != _heard(given):
                return _Voiced(given.title, (code, "--by", by), text)
            if not preview:
                sheets.put(connection, given, Noted(at, by, sheets.CHANGED, code))
            return _told(before, given)

        return self._later(job, reads_again=not preview)

    def remove(self, question: dict[str, Any]) -> DeferredReply:
        """Let a sheet be found no more."""
        by, code, at = _word(question, "by"), _word(question, "code"), self._now().wall

        def job(connection: sqlite3.Connection) -> Reply | _Voiced:
            check_may(connection, by, Permission.EDIT_SHEETS)
            managed_config.check_own_sheets(connection, [code])
            before = _known(connection, code)
            if _heard(before):
                return _Voiced(before.title, (code, "--by", by, "--remove"), "")
            sheets.remove(connection, code, Noted(at, by, sheets.REMOVED, code))
            return {"said": plain(_about(GONE, before.title))}

        return self._later(job, reads_again=True)

    def _later(
        self, job: Callable[[sqlite3.Connection], Reply | _Voiced], *, reads_again: bool = False
    ) -> DeferredReply:
        """Do a job in the records' thread; who is in charge (E10) is read again after a change."""

        def later(tell: SendReply) -> None:
            def done(result: Reply | _Voiced | CentralinoError) -> None:
                if isinstance(result, _Voiced):
                    self._chores.hand_over(
                        VOICE, ("sheets", "save", *result.words), result.text, result.told(tell)
                    )
                elif isinstance(result, Refused):
                    tell({"done": False, "said": plain(result.words)})
                elif isinstance(result, CentralinoError) or not reads_again:
                    tell(result)
                else:
                    self._stores.register.load(lambda _: tell(result))

            self._stores.records.do(job, done)

        return later


def _text_of(sheet: Sheet) -> str:
    from appliance.service.speech import text_of_sheet  # loaded when a sheet is edited

    return text_of_sheet(sheet)


def _read(text: str, code: str) -> Sheet:
    """Read a sheet; raises Refused with every mistake."""
    from appliance.service.speech import parse  # loaded when a sheet is edited

    try:
        return parse(text, code)
    except BadConfiguration as error:
        found = [mistake.words for mistake in error.mistakes]
        it, en = "; ".join(each.it for each in found), "; ".join(each.en for each in found)
        raise Refused(UNTAKEN.it.format(it), UNTAKEN.en.format(en)) from error


def _heard(sheet: Sheet | None) -> tuple[str, ...]:
    return (sheet.title, sheet.say, sheet.language) if sheet and sheet.say else ()


def _told(before: Sheet | None, given: Sheet) -> Reply:
    change = Change.NEW if before is None else Change.SAME if before == given else Change.CHANGED
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


def _word(question: dict[str, Any], key: str) -> str:
    value = question.get(key)
    if not isinstance(value, str) or not value.strip():
        raise OfficeError(f"{key} is needed")
    return value[:64]


def _text(question: dict[str, Any]) -> str:
    value = question.get("text")
    if not isinstance(value, str):
        raise OfficeError("text is needed: the sheet's whole file")
    return value.replace("\r\n", "\n")


# ---- sheet questions ---------------------------------------------------------------------------
# What is told at the door of sheets: which one answered a caller (P2).

AFTERWARDS = timedelta(minutes=15)
"""So long after a call a position may note what it answered from; later the call must be named."""


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


def note_sheet(
    desk: Desk, stores: Stores, zone: ZoneInfo, question: dict[str, Any]
) -> DeferredReply:
    """Note a sheet with a call; raises OfficeError for what is no such question.

    The records keep it whatever the call does meanwhile; a call that goes on hears of it, too.
    """
    request, status = read(question), desk.status()
    live = current_call(status.calls, request)

    def job(connection: sqlite3.Connection) -> _Noted:
        return _keep(connection, request, live, status.at)

    def later(tell: SendReply) -> None:
        def done(result: _Noted | CentralinoError) -> None:
            if isinstance(result, CentralinoError):
                tell(result)
                return
            desk.post(events.SheetUsed(result.record.call, result.sheet.code))
            tell(_answer(result, zone))

        stores.records.do(job, done)

    return later


def read(question: dict[str, Any]) -> NoteSheet:
    """Read the question; raises OfficeError with what is wrong in it."""
    given = {name: question.get(name) or "" for name in ("sheet", "call", "position")}
    if any(not isinstance(value, str) for value in given.values()) or not given["sheet"]:
        raise SaidError(NO_SHEET)
    if bool(given["call"]) == bool(given["position"]):
        raise SaidError(NO_CALL)
    return NoteSheet(**given)


def current_call(calls: tuple[CallStatus, ...], request: NoteSheet) -> str:
    """Return the call that is meant: the named one, or the one the position is in; "" for none."""
    if request.call:
        return request.call
    return next((each.call for each in calls if each.phone == request.position), "")


def _keep(connection: sqlite3.Connection, request: NoteSheet, live: str, now: datetime) -> _Noted:
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
    record = call_log.last_of(connection, position, now - AFTERWARDS)
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


def _answer(noted: _Noted, zone: ZoneInfo) -> Reply:
    at = f"{noted.record.rang_at.astimezone(zone):%H:%M}"
    words = Words(
        f"Scheda «{noted.sheet.title}» annotata con la chiamata delle {at}.",
        f"Sheet “{noted.sheet.title}” noted with the call of {at}.",
    )
    return {"call": noted.record.call, "said": {"it": words.it, "en": words.en}}
