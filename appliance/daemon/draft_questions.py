"""What is asked at the door about half-typed forms: kept for whoever typed them, forgotten (E18).

No change of anything, so not audited. Numbers that are not disclosed are never in one: the register
alone keeps them, sealed (P7).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.rights import check_may
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.text import Refused
from appliance.policy.users import Permission
from appliance.store import users

if TYPE_CHECKING:
    import sqlite3

    from appliance.daemon.stores import Stores

PLACES: Final[Mapping[str, Permission]] = {
    "desk": Permission.SEE_DESK,
    "declare": Permission.EDIT_REGISTER,
}
"""Where something may be half typed, by what a place's name begins with; who may type there."""
LONGEST: Final = 8_000
"""Characters of a draft: half of what a question may have, as it is JSON within JSON."""
LONGEST_PLACE: Final = 80


class DraftQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, stores: Stores, now: Callable[[], Now]) -> None:
        self._stores, self._now = stores, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
        """Name what may be asked."""
        return {"draft_keep": self.keep}

    def keep(self, question: dict[str, Any]) -> Later:
        """Keep a draft in the place of the one before; an empty one forgets it."""
        by, place, body = (_text(question, key) for key in ("by", "place", "body"))
        permission = PLACES.get(place.partition(":")[0])
        if permission is None or len(place) > LONGEST_PLACE or not by:
            raise OfficeError(f"nothing is half typed in {place[:80]!r} by {by[:64]!r}")
        if len(body) > LONGEST:
            raise OfficeError(f"a draft has {LONGEST} characters at most")
        kept, at = _fit(place, body), self._now().wall

        def job(connection: sqlite3.Connection) -> None:
            check_may(connection, by, permission)
            users.keep(connection, by, place, kept, at)

        def later(tell: Tell) -> None:
            self._stores.records.do(job, lambda result: tell(_answer(result)))

        return later


def _fit(place: str, body: str) -> str:
    """Return a draft as it is kept; raises OfficeError for what is no JSON object.

    Of a declaration its fields alone, without the offices' numbers.
    """
    if not body:
        return ""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OfficeError(f"a draft is a JSON object ({error})") from error
    if not isinstance(read, dict):
        raise OfficeError("a draft is a JSON object")
    if place != "desk":
        fields = read.get("fields")
        fields = fields if isinstance(fields, list) else []
        read = {"fields": [each for each in fields if _is_kept(each)]}
    return json.dumps(read, ensure_ascii=False)


def _is_kept(field: object) -> bool:
    """Tell a field by its name and text, and leave out numbers: needs.1.numbers.2.number."""
    match field:
        case [str(name), str()]:
            return name.rpartition(".")[2] != "number"
        case _:
            return False


def _answer(result: CentralinoError | None) -> Answer | CentralinoError:
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    return {} if result is None else result


def _text(question: dict[str, Any], key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str):
        raise OfficeError(f"{key} is a text")
    return value
