"""Who is logged in: kept here by the hash of a random word that the browser alone has.

In memory; a small SQLite file of the console's own folder lets them outlive a restart. Limits in
E22's sense: nobody is logged out in a call or a shift.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance.errors import StoreError

IDLE_S: Final = 14 * 3600.0
"""A night at home ends a session, a long shift does not."""
AGE_S: Final = 7 * 24 * 3600.0
PAUSE_S: Final = 4 * 3600.0
"""A session past its age ends at the first pause so long, not in the midst of work."""
HARD_S: Final = AGE_S + 24 * 3600.0
WORD_BYTES: Final = 32
NOTED_EVERY_S: Final = 300.0
"""How often it is written that a session is in use: a card wears out by writing."""
MOST: Final = 1_000
"""Sessions kept, the one unused for longest forgotten first."""
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS sessions (
        key TEXT PRIMARY KEY, user TEXT NOT NULL, stamp INTEGER NOT NULL, address TEXT NOT NULL,
        began REAL NOT NULL, seen REAL NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS places (
        user TEXT NOT NULL, address TEXT NOT NULL, last REAL NOT NULL, PRIMARY KEY (user, address)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS seal (one INTEGER PRIMARY KEY CHECK (one = 1), key TEXT NOT NULL)
    STRICT;
"""
_INSERT: Final = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's; `began` and `seen` are monotonic, so that a clock set right ends nothing."""

    key: str
    user: str
    stamp: int
    address: str
    began: float
    seen: float


def is_over(session: Session, at: float) -> bool:
    """Tell whether a session has come to its end (monotonic seconds)."""
    idle, age = at - session.seen, at - session.began
    return idle >= IDLE_S or age >= HARD_S or (age >= AGE_S and idle >= PAUSE_S)


def key_of(word: str) -> str:
    """Return what is kept of a browser's word."""
    return hashlib.sha256(word.encode()).hexdigest()


def new_word() -> str:
    """Return a word of 256 random bits."""
    return secrets.token_urlsafe(WORD_BYTES)


class Sessions:
    """All sessions. Methods that write touch the disk for milliseconds: one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._seal = self._load_seal()
        self._places = {
            tuple(row) for row in self._file.execute("SELECT user, address FROM places")
        }
        self._known = self._load()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def find(self, word: str) -> Session | None:
        """Return the session of a browser's word, unless it is over."""
        session = self._known.get(key_of(word))
        return None if session is None or is_over(session, time.monotonic()) else session

    def begin(self, user: str, stamp: int, address: str) -> str:
        """Begin a session and return its word, which nobody had before (no fixation)."""
        word, at = new_word(), time.monotonic()
        session = Session(key_of(word), user, stamp, address, at, at)
        for over in self._superfluous(at):
            self.end(over)
        self._known[session.key] = session
        self._places.add((user, address))
        with self._file:
            self._write(session)
            place = (user, address, time.time())
            self._file.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", place)
        return word

    def use(self, session: Session) -> bool:
        """Note in memory that a session is in use; True where it should be written as well."""
        at = time.monotonic()
        if session.key not in self._known or at - session.seen < NOTED_EVERY_S:
            return False
        self._known[session.key] = replace(session, seen=at)
        return True

    def write(self, key: str) -> None:
        """Write how a session stands."""
        if session := self._known.get(key):
            with self._file:
                self._write(session)

    def end(self, key: str) -> None:
        """End a session."""
        self._known.pop(key, None)
        with self._file:
            self._file.execute("DELETE FROM sessions WHERE key = ?", (key,))

    def was_here(self, user: str, address: str) -> bool:
        """Tell whether a user has logged in from an address before."""
        return (user, address) in self._places

    def token_of(self, word: str) -> str:
        """Return the token that forms of a browser with this word carry (CSRF)."""
        return hmac.new(self._seal, word.encode(), hashlib.sha256).hexdigest()

    def _superfluous(self, at: float) -> list[str]:
        over = [key for key, session in self._known.items() if is_over(session, at)]
        oldest = sorted(self._known.values(), key=lambda session: session.seen)
        return over + [session.key for session in oldest[: max(0, len(oldest) - MOST + 1)]]

    def _write(self, session: Session) -> None:
        """Write one, by the wall clock, inside the caller's transaction."""
        ahead = time.time() - time.monotonic()
        began, seen = session.began + ahead, session.seen + ahead
        row = (session.key, session.user, session.stamp, session.address, began, seen)
        self._file.execute(_INSERT, row)

    def _load(self) -> dict[str, Session]:
        at, now = time.monotonic(), time.time()
        rows = self._file.execute("SELECT * FROM sessions").fetchall()
        read = [
            Session(
                key, user, stamp, address, at - max(0.0, now - began), at - max(0.0, now - seen)
            )
            for key, user, stamp, address, began, seen in rows
        ]
        return {session.key: session for session in read if not is_over(session, at)}

    def _load_seal(self) -> bytes:
        with self._file:
            made = secrets.token_hex(WORD_BYTES)
            self._file.execute("INSERT OR IGNORE INTO seal VALUES (1, ?)", (made,))
            return bytes.fromhex(self._file.execute("SELECT key FROM seal").fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, anew where it is damaged: people then log in again; raises StoreError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return _connected(path)
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _connected(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the console's sessions {path} cannot be kept: {error}") from error


def _connected(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a lost session costs a login
        connection.executescript(_SCHEMA)
        connection.execute("SELECT count(*) FROM sessions").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
