"""The office's code for hearing messages: kept as a hash (scrypt, RFC 7914), never as digits.

Compared in the records' thread: that takes tens of milliseconds, which the desk has not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.calls import events, orders
from appliance.daemon.secret_files import PIN, secret_place
from appliance.errors import CentralinoError
from appliance.policy.text import Words
from appliance.store import database
from appliance.store.database import Noted, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from appliance.store.writer import Records

log = logging.getLogger(__name__)

_N, _R, _P = 1 << 14, 8, 1
"""16 MB and some 50 ms a try: what a four-digit code can be given (RFC 7914, 2)."""
_SALT_BYTES: Final = 16
NO_PIN: Final = Words(
    'voicemail.pin è "always" e non c\'è un codice, così nessuno ascolta i messaggi: metterne '
    "uno con centralino messages pin (questa frase sparisce al prossimo avvio)",
    'voicemail.pin is "always" and no code is set, so that nobody can hear the messages: set one '
    "with centralino messages pin (this sentence goes at the next start)",
)
WRONG: Final = "voicemail.pin_wrong"


def pin_path(state: Path) -> Path:
    """Say where the hash lies below the state folder."""
    return secret_place(state, PIN)


def hashed(pin: str) -> dict[str, str]:
    """Return what is kept of a code."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return {"salt": _text(salt), "scrypt": _text(_scrypt(pin, salt))}


def matches(pin: str, kept: dict[str, str]) -> bool:
    """Tell whether a code is the one that was kept; raises KeyError, ValueError."""
    salt, expected = (base64.b64decode(kept[name], validate=True) for name in ("salt", "scrypt"))
    return secrets.compare_digest(_scrypt(pin, salt), expected)


def is_right(path: Path, pin: str) -> bool:
    """Compare a code with the kept one; where none is kept, or none can be read, none is right."""
    try:
        return matches(pin, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("%s cannot be read (%s): set the code anew: messages pin", path, error)
        return False


class Pins:
    """Compares codes for phones; `post` takes PinChecked."""

    def __init__(self, state: Path, records: Records, post: Callable[[events.Event], None]) -> None:
        self._path = pin_path(state)
        self._records = records
        self._post = post

    def check(self, order: orders.CheckPin) -> None:
        """Compare a code; a wrong one is kept in the audit, with the phone and without the code."""

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
