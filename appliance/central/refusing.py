"""Notes in the list of changes what was refused: by whom it was brought, which file, and why."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from appliance.daemon.mistakes import BadConfiguration
from appliance.daemon.policy_changes import basis_of
from appliance.errors import CentralinoError
from appliance.policy.directory_review import mask_journal, without_addresses
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from appliance.store import database
from appliance.store.database import Noted
from appliance.store.managed_config import REFUSED
from appliance.store.policy_change import PolicyChange

if TYPE_CHECKING:
    from appliance.central.applying import Stamp
    from appliance.central.judging import Place

DIGITS: Final = 12
"""So much of a file's digest tells it from another one."""
MOST: Final = 400
"""Characters of a reason, in each language: of many mistakes the first say enough."""


@contextlib.contextmanager
def refusals_noted(place: Place, data: bytes, stamp: Stamp) -> Iterator[None]:
    """Note why a bundle's file was refused, and let the refusal go on.

    The same file that is refused again to the same one for the same reason, by a look at the
    server each hour, is noted once.
    """
    try:
        yield
    except (Refused, BadConfiguration) as error:
        with contextlib.suppress(CentralinoError, OSError, sqlite3.Error):  # the refusal is said
            _note(place, Noted(stamp.at, stamp.by, REFUSED, _about(data, stamp.source, error)))
        raise


def _note(place: Place, noted: Noted) -> None:
    def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
        last = database.latest(connection, "central.", 1)
        known = [(one.by, one.what, one.about) for one in last]
        is_new = known != [(noted.by, noted.what, noted.about)]
        return None, PolicyChange(basis_of(connection), noted=(noted,) if is_new else ())

    place.change(made)


def _about(data: bytes, source: str, error: Exception) -> str:
    """Name the file, then why, a line in Italian and one in English; no number of anybody (P7)."""
    words = words_of(error)
    digest = hashlib.sha256(data).hexdigest()[:DIGITS]
    where = source if source.startswith("https://") else _line(source)  # the configuration's own
    return "\n".join((f"{digest} {where}", _line(words.it), _line(words.en)))


def _line(text: str) -> str:
    plain = without_addresses(mask_journal(" ".join(text.split())))
    return plain if len(plain) <= MOST else f"{plain[: MOST - 1]}…"
