"""What is told at the door of sheets: which one answered a caller (P2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from appliance.calls import events
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import CallRecord
from appliance.daemon.door import Answer, Later, Tell
from appliance.errors import CentralinoError
from appliance.policy.sheets import Sheet
from appliance.policy.text import SaidError, Words
from appliance.store import call_log, sheets

if TYPE_CHECKING:
    import sqlite3
    from zoneinfo import ZoneInfo

    from appliance.calls.status import CallStatus
    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores

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


def note_sheet(desk: Desk, stores: Stores, zone: ZoneInfo, question: dict[str, Any]) -> Later:
    """Note a sheet with a call; raises OfficeError for what is no such question.

    The records keep it whatever the call does meanwhile; a call that goes on hears of it, too.
    """
    request, status = read(question), desk.status()
    live = current_call(status.calls, request)

    def job(connection: sqlite3.Connection) -> _Noted:
        return _keep(connection, request, live, status.at)

    def later(tell: Tell) -> None:
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


def _answer(noted: _Noted, zone: ZoneInfo) -> Answer:
    at = f"{noted.record.rang_at.astimezone(zone):%H:%M}"
    words = Words(
        f"Scheda «{noted.sheet.title}» annotata con la chiamata delle {at}.",
        f"Sheet “{noted.sheet.title}” noted with the call of {at}.",
    )
    return {"call": noted.record.call, "said": {"it": words.it, "en": words.en}}
