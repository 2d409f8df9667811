"""Address book: saving, removing and confirming entries, noting that a number was told."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from appliance.api.commands import ConfirmEntry, NoteTold, RemoveEntry, SaveEntry
from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    check_may,
    command,
    declined,
    deferred,
    form_declined,
)
from appliance.api.replies import EntrySaved, NumberTold, Said
from appliance.api.sheets import NO_CALL, current_call, last_call
from appliance.calls import events
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import CallRecord
from appliance.errors import CentralinoError
from appliance.policy.address_book import (
    BookEntry,
    Editing,
    HouseNumbers,
    confirmed,
    house_numbers,
    read_entry,
)
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission
from appliance.store import address_book, call_log
from appliance.store.database import Noted
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from appliance.api.call_control import CallControlAccess, StoreAccess

SAVED: Final = _("“{name}” saved: found at the desk at once.")
REMOVED: Final = _("“{name}” removed: no search finds it any more.")
CONFIRMED: Final = _("“{name}” is noted as still right.")
NOT_TOLD: Final = _("“{name}” has no number that callers may be told")
LAPSED: Final = _("“{name}” holds no more: its numbers are not told")


class BookCommands(CommandHandlers):
    """Changes the address book, and notes with a call that a number was told."""

    def __init__(
        self, stores: StoreAccess, call_control: CallControlAccess, zone: ZoneInfo
    ) -> None:
        self._stores, self._call_control, self._zone = stores, call_control, zone

    @command(SaveEntry)
    def save(self, wish: SaveEntry) -> DeferredReply:
        """Store an entry; every mistake of the form is reported at its field."""
        by, form, (at, today) = wish.by, wish.form, self._now()
        house = self._house()

        def job(connection: sqlite3.Connection) -> BookEntry:
            check_may(connection, by, Permission.EDIT_BOOK)
            entry = _read(connection, form, by, today, house)
            address_book.put(connection, entry, Noted(at, by, address_book.CHANGED, entry.code))
            return entry

        def reply(result: BookEntry | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return form_declined(result)
            return EntrySaved(said=SAVED.filled(name=result.name), code=result.code)

        return deferred(self._stores.records, job, reply)

    @command(RemoveEntry)
    def remove(self, wish: RemoveEntry) -> DeferredReply:
        """Remove an entry."""
        by, code, (at, _today) = wish.by, wish.code, self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.EDIT_BOOK)
            noted = Noted(at, by, address_book.REMOVED, code)
            entry = address_book.remove(connection, code, noted)
            return Said(REMOVED.filled(name=entry.name))

        return deferred(self._stores.records, job, declined)

    @command(ConfirmEntry)
    def confirm(self, wish: ConfirmEntry) -> DeferredReply:
        """Note that an entry is still right."""
        by, code, (at, today) = wish.by, wish.code, self._now()

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.EDIT_BOOK)
            entry = address_book.known(connection, code)
            if not entry.is_valid(today):
                raise Refused(LAPSED.filled(name=entry.name))
            noted = Noted(at, by, address_book.CONFIRMED, code)
            address_book.put(connection, confirmed(entry, by, today), noted)
            return Said(CONFIRMED.filled(name=entry.name))

        return deferred(self._stores.records, job, declined)

    @command(NoteTold)
    def told(self, wish: NoteTold) -> DeferredReply:
        """Note with a present or past call that the caller was told a number of an entry."""
        if bool(wish.call) == bool(wish.position):
            raise SaidError(NO_CALL)
        status, (_at, today) = self._call_control.status(), self._now()
        # Now, in the deciding thread: the call may end before the job runs.
        live = current_call(status.calls, NoteSheet("", wish.call, wish.position))

        def job(connection: sqlite3.Connection) -> tuple[BookEntry, CallRecord]:
            entry = address_book.known(connection, wish.entry)
            _check_tellable(entry, today)
            call = live or last_call(connection, wish.position, status.at)
            return entry, call_log.note_told(connection, call, entry.code)

        def reply(
            result: tuple[BookEntry, CallRecord] | CentralinoError,
        ) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return declined(result)
            entry, record = result
            # Call control rewrites the record of a call in progress: it must know this too.
            self._call_control.post(events.NumberTold(record.call, entry.code))
            at = f"{record.rang_at.astimezone(self._zone):%H:%M}"
            words = _("Number of “{name}” told, noted with the call of {at}.")
            return NumberTold(words.filled(name=entry.name, at=at), call=record.call)

        return deferred(self._stores.records, job, reply)

    def _now(self) -> tuple[datetime, date]:
        now = self._call_control.now().wall
        return now, now.astimezone(self._zone).date()

    def _house(self) -> HouseNumbers:
        """Return the office's own numbers, as they stand in memory: none of them leaves it (P7)."""
        office = self._call_control.office
        directory = self._stores.directory.directory
        return house_numbers(directory, office.public_numbers, office.outgoing.plan)


def _read(
    connection: sqlite3.Connection,
    form: dict[str, Any],
    by: str,
    today: date,
    house: HouseNumbers,
) -> BookEntry:
    known = {entry.code for entry in address_book.all_entries(connection)}
    editing = Editing(by, today, known, address_book.codes(connection))
    return read_entry(form, editing, house)


def _check_tellable(entry: BookEntry, today: date) -> None:
    """Raise Refused for an entry without a number that callers may be told."""
    if not entry.is_valid(today):
        raise Refused(LAPSED.filled(name=entry.name))
    if not entry.told:
        raise Refused(NOT_TOLD.filled(name=entry.name))
