"""Drafts of the console's forms after an erasure: what they hold of the erased person goes (E20).

A browser holds its own copy of a draft. So the draft keeps a mark that names what was erased, and a
copy is stored again only by a page that has seen the mark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.errors import OfficeError

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.numbering import SameNumber

Draft = dict[str, Any]
MARK: Final = "erased"
"""Field of a draft: `at` and `names` of the last erasure; a page sends the `at` it has seen."""
# Open pages and their copies are hardly older.
LATELY: Final = timedelta(days=7)
"""Age of the erased calls that every draft's mark names."""
_RECENT: Final = """
    SELECT call FROM calls WHERE rang_ms >= ? AND call IN (SELECT value FROM json_each(?))
"""
_ROWS: Final = "SELECT rowid FROM calls WHERE call IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is erased: ids of calls, addresses of cases, and the number, None for single records."""

    at: datetime
    calls: frozenset[str]
    paths: frozenset[str]
    number: SameNumber | None


def paths_of(
    connection: sqlite3.Connection,
    calls: tuple[str, ...],
    messages: tuple[int, ...],
    requests: tuple[int, ...],
) -> frozenset[str]:
    """Return the console's addresses of cases, by which drafts of the inbox are kept."""
    rows = [row[0] for row in connection.execute(_ROWS, (json.dumps(calls),))]
    kinds = (("call", rows), ("message", messages), ("request", requests))
    return frozenset(f"/inbox/{kind}/{number}" for kind, numbers in kinds for number in numbers)


def erase(connection: sqlite3.Connection, erasure: Erasure) -> None:
    """Drop from all drafts what they hold of the erased person; raises sqlite3.Error."""
    since = round((erasure.at - LATELY).timestamp() * 1000)
    recent = connection.execute(_RECENT, (since, json.dumps(sorted(erasure.calls))))
    calls = {str(row[0]) for row in recent}
    for row, place, body in connection.execute("SELECT rowid, place, body FROM drafts").fetchall():
        left = _left(place, body, erasure, calls)
        if left is None:
            connection.execute("DELETE FROM drafts WHERE rowid = ?", (row,))
        elif left != body:
            connection.execute("UPDATE drafts SET body = ? WHERE rowid = ?", (left, row))


def marked(former: str, body: str, now: datetime, longest: timedelta) -> str:
    """Return a draft to be stored, with the mark of the `former` one.

    Raises OfficeError if its page has not seen the mark yet: the draft may hold what was erased.
    """
    mark = _mark_of(_read(former))
    if not mark or datetime.fromisoformat(mark["at"]) <= now - longest:
        return body
    draft = _read(body)
    if body and draft.get(MARK) != mark["at"]:
        raise OfficeError("the draft may hold what was erased: read the kept one first")
    return json.dumps(draft | {MARK: mark}, ensure_ascii=False)


def _read(body: str) -> Draft:
    """Return a stored draft, empty for one that cannot be read: a browser has written it."""
    try:
        draft = json.loads(body or "{}")
    except ValueError:
        return {}
    return draft if isinstance(draft, dict) else {}


def _mark_of(draft: Draft) -> dict[str, Any]:
    """Return a draft's mark, empty for none; a browser may have written anything in its place."""
    match draft.get(MARK):
        case {"at": str(at), "names": [*names]}:
            return {"at": at, "names": [str(name) for name in names]}
        case _:
            return {}


def _left(place: str, body: str, erasure: Erasure, calls: set[str]) -> str | None:
    """Return what is left of a stored draft, None if it goes whole."""
    reduce = _PLACES.get(place)
    if reduce is None:
        is_named = erasure.number is not None and erasure.number.is_in(body)
        return None if is_named else body
    held = _read(body)
    names = set(_mark_of(held).get("names", ()))
    held.pop(MARK, None)
    try:
        draft, gone = reduce(held, erasure)
    # Nothing of one with other parts than the page writes is kept.
    except (ValueError, TypeError, KeyError, AttributeError):
        draft, gone = {}, set()
    known = calls if place == "desk" else set(erasure.paths)
    draft[MARK] = {"at": erasure.at.isoformat(), "names": sorted(names | gone | known)}
    return json.dumps(draft, ensure_ascii=False)


def _desk(draft: Draft, erasure: Erasure) -> tuple[Draft, set[str]]:
    """Return the operator's draft without all that belongs to erased calls, and these calls."""
    pieces = _pieces(draft)
    gone = {call for call, piece in pieces if call in erasure.calls or _names(piece, erasure)}
    if _names(draft.get("search"), erasure) or draft.get("call") in gone:
        draft["search"] = ""
    if draft.get("noteCall", draft.get("call")) in gone:
        draft["note"] = ""
    if draft.get("form") and _call_of(draft["form"]) in gone:
        draft["form"] = None
    draft["pending"] = [one for one in draft.get("pending") or () if one["call"] not in gone]
    captions = (draft.get("captions") or {}).items()
    draft["captions"] = {
        call: words for call, words in captions if call not in gone and not _names(words, erasure)
    }
    return draft, gone


def _pieces(draft: Draft) -> list[tuple[str, Any]]:
    """Return the parts of an operator's draft, each with its call, "" for none."""
    pieces = [(str(one["call"]), one) for one in draft.get("pending") or ()]
    pieces += [(str(call), words) for call, words in (draft.get("captions") or {}).items()]
    if draft.get("note"):
        pieces.append((str(draft.get("noteCall", draft.get("call")) or ""), draft["note"]))
    if draft.get("form"):
        pieces.append((_call_of(draft["form"]), draft["form"]))
    return pieces


def _call_of(form: Mapping[str, Any]) -> str:
    return str(form["about"].get("call") or "")


def _inbox(draft: Draft, erasure: Erasure) -> tuple[Draft, set[str]]:
    """Return the inbox's draft without the erased cases, and their addresses."""
    gone = {name for name in draft if name in erasure.paths or _names(draft[name], erasure)}
    return {name: words for name, words in draft.items() if name not in gone}, gone


def _names(piece: object, erasure: Erasure) -> bool:
    """Tell whether a part of a draft contains the erased number."""
    number = erasure.number
    return number is not None and number.is_in(json.dumps(piece, ensure_ascii=False))


_PLACES: Final[Mapping[str, Callable[[Draft, Erasure], tuple[Draft, set[str]]]]] = {
    "desk": _desk,
    "inbox": _inbox,
}
