"""Accounts: passwords, sessions, the lock-out after wrong passwords, and what a user may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from appliance.console.control_client import REPLY_LIMIT_S, StoreReader, ask
from appliance.console.say import N_
from appliance.errors import CentralinoError, StoreError
from appliance.policy.users import (
    AccountError,
    Permission,
    User,
    permission_refusal,
    permissions_of,
)
from appliance.store import users

T = TypeVar("T")

FRESH_S: Final = 2.0
"""How old what is known of a user may be: who is disabled is out within so long."""


class WrongLogin(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised for a wrong name or password; which of them is never said."""


class TryLater(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised while no password is looked at; `seconds` to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:.0f} s")
        self.seconds = seconds


class Accounts:
    """Owns sessions and tries; users are read from the store, where call control writes them."""

    def __init__(self, sessions: Sessions, reading: StoreReader) -> None:
        self.sessions = sessions
        self._reading = reading
        self._passwords, self._turns = Passwords(), HashQueue()
        self._lock_out = LoginLockOut()
        self._read: dict[str, tuple[float, User | None]] = {}
        self._disk = anyio.CapacityLimiter(1)

    async def who(self, word: str) -> User | None:
        """Return whose browser has this word: somebody who logged in and may still be here."""
        session = self.sessions.find(word)
        if session is None:
            return None
        user = await self._user_of(session)
        if user is None:
            await self.log_out(word)
        elif self.sessions.use(session):
            await self._on_disk(lambda: self.sessions.write(session.key))
        return user

    async def is_in(self, word: str) -> bool:
        """Tell whether a word's session lasts, for what goes on by itself and is no use of it."""
        session = self.sessions.find(word)
        return session is not None and await self._user_of(session) is not None

    async def log_in(self, name: str, password: str, address: str, word: str) -> tuple[User, str]:
        """Begin a session under a new word, ending the old word's; returns the user and the word.

        Raises Wrong, TryLater, Busy, StoreError.
        """
        user = await self.prove(name, password, address)
        await self.log_out(word)
        return user, await self.begin(user, address)

    async def prove(self, name: str, password: str, address: str) -> User:
        """Compare a password; raises Wrong, TryLater, Busy, StoreError."""
        self._refuse_locked_out(name, address)
        user, kept = await self._reading.read(
            lambda c: (users.find_user(c, name), users.password_of(c, name))
        )

        def compare() -> bool:
            self._refuse_locked_out(name, address)  # those before it in the queue may be wrong ones
            return self._passwords.matches(kept, password)

        right = await self._turns.take(compare)
        if user is None or not right:
            self._lock_out.count_wrong(name, address, time.monotonic())
            raise WrongLogin("wrong name or password")
        self._lock_out.forget(name, address)
        return user

    def _refuse_locked_out(self, name: str, address: str) -> None:
        """Raise TryLater while no password of a name is looked at from an address."""
        known_there = self.sessions.was_here(name, address)
        wait = self._lock_out.wait_s(name, address, time.monotonic(), is_known_there=known_there)
        if wait > 0:
            raise TryLater(wait)

    async def begin(self, user: User, address: str) -> str:
        """Begin a session and return its word."""
        self.forget(user.name)
        return await self._on_disk(lambda: self.sessions.begin(user.name, user.stamp, address))

    async def log_out(self, word: str) -> str:
        """End the session of a word, if there is one; returns a word that is nobody's."""
        if word and self.sessions.find(word) is not None:
            await self._on_disk(lambda: self.sessions.end(session_key(word)))
        return new_session_word()

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password; raises Busy."""
        return await self._turns.take(lambda: self._passwords.hashed(password))

    async def has_users(self) -> bool:
        """Tell whether anybody can log in at all; raises StoreError."""
        return bool(await self._reading.read(users.everybody))

    def forget(self, name: str) -> None:
        """Have what is known of a user read anew."""
        self._read.pop(name, None)

    async def _user_of(self, session: Session) -> User | None:
        """Return the session's user while not disabled and of the session's stamp."""
        user = await self._user(session.user)
        if user is not None and user.stamp != session.stamp:
            self.forget(session.user)
            user = await self._user(session.user)
        is_here = user is not None and user.can_log_in and user.stamp == session.stamp
        return user if is_here else None

    async def _user(self, name: str) -> User | None:
        """Read a user; while the store cannot be read, who is known stays (E22)."""
        at, known = self._read.get(name, (-FRESH_S, None))
        if time.monotonic() - at < FRESH_S:
            return known
        try:
            known = await self._reading.read(lambda c: users.find_user(c, name))
        except StoreError:
            if known is None:
                raise
        self._read[name] = (time.monotonic(), known)
        return known

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._disk)


Page = Callable[[Request], Awaitable[Response]]


class NotAllowed(HTTPException):
    """Raised for somebody whose roles do not include a page; `detail` says it in their language."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


def user_of(request: Request) -> User | None:
    """Return the user, None for somebody who has not logged in."""
    user = getattr(request.state, "user", None)
    return user if isinstance(user, User) else None


def signed_in_user(request: Request) -> User:
    """Return the user; raises NotAllowed for nobody."""
    user = user_of(request)
    if user is None:
        raise NotAllowed(request.state.speaker(N_("Log in first.")))
    return user


async def ask_as_user(
    request: Request, command: dict[str, Any], limit_s: float = REPLY_LIMIT_S
) -> dict[str, Any]:
    """Send a command in the user's name and return its reply; raises NotDone, NotAllowed."""
    return await ask(request, command | {"by": signed_in_user(request).name}, limit_s)


def may(request: Request, permission: Permission) -> bool:
    """Tell whether the user may do something."""
    user = user_of(request)
    return user is not None and permission in permissions_of(user.roles)


def needs(permission: Permission) -> Callable[[Page], Page]:
    """Open a page to those who may do something, and say to others for whom it is."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            signed_in_user(request)
            if not may(request, permission):
                raise NotAllowed(request.state.speaker.words(permission_refusal(permission)))
            return await page(request)

        return guarded

    return decorate


def with_permission(permission: Permission) -> Callable[[Request], bool]:
    """Make a link's `is_for`."""
    return lambda request: may(request, permission)


# The user and the position of a request. A position is not a person (E19): the person comes with
# the session, the position is where that person sits today, kept in a cookie of the browser
# there. Until one is chosen, it is the person's usual position.

POSITION_COOKIE: Final = "position"
COOKIE_AGE_S: Final = 365 * 24 * 3600
LONGEST_POSITION: Final = 64


@dataclass(frozen=True, slots=True)
class Requester:
    """The user `by` name, as call control audits it; `position` "" until one is chosen."""

    by: str
    position: str


def requester(request: Request) -> Requester:
    """Return who sent a request, and from which position; raises NotAllowed for nobody."""
    user = signed_in_user(request)
    chosen = request.cookies.get(POSITION_COOKIE, "")[:LONGEST_POSITION]
    return Requester(user.name, chosen or user.position)


def client_address(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else ""


# Sessions, kept by the hash of a random word that the browser alone has: whoever reads the file
# cannot take a session over. A small SQLite file lets them outlive a restart. The limits follow
# E22: nobody is signed out during a call or a shift.

IDLE_S: Final = 14 * 3600.0
"""A night at home ends a session, a long shift does not."""
AGE_S: Final = 7 * 24 * 3600.0
PAUSE_S: Final = 4 * 3600.0
"""A session past its age ends at the first pause so long, not in the midst of work."""
HARD_S: Final = AGE_S + 24 * 3600.0
SESSION_WORD_BYTES: Final = 32
NOTED_EVERY_S: Final = 300.0
"""How often it is written that a session is in use: a card wears out by writing."""
MOST_SESSIONS: Final = 1_000
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


def is_session_over(session: Session, at: float) -> bool:
    """Tell whether a session has come to its end (monotonic seconds)."""
    idle, age = at - session.seen, at - session.began
    return idle >= IDLE_S or age >= HARD_S or (age >= AGE_S and idle >= PAUSE_S)


def session_key(word: str) -> str:
    """Return what is kept of a browser's word."""
    return hashlib.sha256(word.encode()).hexdigest()


def new_session_word() -> str:
    """Return a word of 256 random bits."""
    return secrets.token_urlsafe(SESSION_WORD_BYTES)


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
        session = self._known.get(session_key(word))
        return None if session is None or is_session_over(session, time.monotonic()) else session

    def begin(self, user: str, stamp: int, address: str) -> str:
        """Begin a session and return its word, which nobody had before (no fixation)."""
        word, at = new_session_word(), time.monotonic()
        session = Session(session_key(word), user, stamp, address, at, at)
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
        over = [key for key, session in self._known.items() if is_session_over(session, at)]
        oldest = sorted(self._known.values(), key=lambda session: session.seen)
        return over + [session.key for session in oldest[: max(0, len(oldest) - MOST_SESSIONS + 1)]]

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
        return {session.key: session for session in read if not is_session_over(session, at)}

    def _load_seal(self) -> bytes:
        with self._file:
            made = secrets.token_hex(SESSION_WORD_BYTES)
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


# Passwords: argon2id with the parameters of OWASP's password storage cheat sheet (12 MiB, three
# passes, one lane; RFC 9106). The appliance has 512 MB and calls to carry: the console compares
# one password at a time (HashQueue).

MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
LANES: Final = 1
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 128
"""Length is what counts (NIST SP 800-63B 3.1.1); no rule of signs and capitals."""
DUMMY_HASH: Final = "$argon2id$v=19$m=12288,t=3,p=1$bm9ib2R5IGF0IGFsbCAuLg$" + "A" * 43
"""What a name that is nobody's is compared with, so that it takes as long as somebody's."""


class Passwords:
    """Hashes and compares; each takes tens of milliseconds and must not be done in the loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)

    def hashed(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(password)

    def matches(self, kept: str, password: str) -> bool:
        """Compare; an empty `kept` takes as long and is never right."""
        if len(password) > LONGEST_PASSWORD:
            return False
        try:
            return self._hasher.verify(kept or DUMMY_HASH, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def check_new_password(password: str, name: str) -> None:
    """Refuse a password that is no good one; raises AccountError."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"una password ha da {SHORTEST_PASSWORD} a {LONGEST_PASSWORD} caratteri",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
        )
    if len(set(password)) < 5 or (name and name.casefold() in password.casefold()):
        raise AccountError(
            "una password non ripete pochi caratteri e non contiene il nome utente",
            "a password repeats no few characters and does not hold the user's name",
        )


MOST_WAITING: Final = 8
"""Who may wait for their turn; the next one is asked to try again."""


class Busy(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when too many wait already."""


class HashQueue:
    """A thread for one piece of work after the other; who waits holds none. For one loop."""

    def __init__(self, waiting: int = MOST_WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(1)
        self._most = waiting + 1
        self._present = 0

    async def take(self, work: Callable[[], T]) -> T:
        """Do the work when its turn comes; raises Busy at once where too many wait."""
        if self._present >= self._most:
            raise Busy("too many people log in at once: try again in a few seconds")
        self._present += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._present -= 1


# Lock-out: growing delays, counted by name and by address. Nobody can lock a workplace out from
# elsewhere: at an address where a name has signed in before, only wrong passwords of that name at
# that address count, and open sessions are never touched (E22).

FREE_OF_A_NAME: Final = 5
"""Wrong ones in a row that cost nothing but themselves: people mistype."""
FREE_OF_AN_ADDRESS: Final = 10
FIRST_DELAY_S: Final = 2.0
LONGEST_DELAY_S: Final = 900.0
"""Each wrong one more doubles the delay up to this: a hundred tries a day."""
FORGOTTEN_S: Final = 24 * 3600.0
MOST_REMEMBERED: Final = 2_000
"""Names and addresses remembered, the oldest forgotten first."""


@dataclass(frozen=True, slots=True)
class WrongTries:
    """Wrong ones in a row, and when the last was."""

    count: int
    last: float


class LoginLockOut:
    """Counts wrong passwords, and for how long none is looked at; `at` is monotonic seconds."""

    def __init__(self) -> None:
        self.wrong: dict[tuple[str, str], WrongTries] = {}

    def wait_s(self, name: str, address: str, at: float, *, is_known_there: bool) -> float:
        """Return how long (seconds) a name must wait before a password is looked at; 0: not."""
        if is_known_there:
            return self._remaining_s((name, address), FREE_OF_A_NAME, at)
        of_name = self._remaining_s((name, ""), FREE_OF_A_NAME, at)
        return max(of_name, self._remaining_s(("", address), FREE_OF_AN_ADDRESS, at))

    def count_wrong(self, name: str, address: str, at: float) -> None:
        """Count a wrong password; what is old, or more than is remembered, is forgotten."""
        latest = sorted(self.wrong.items(), key=lambda item: item[1].last)[-MOST_REMEMBERED:]
        self.wrong = {key: tries for key, tries in latest if at - tries.last < FORGOTTEN_S}
        for key in ((name, ""), ("", address), (name, address)):
            self.wrong[key] = WrongTries(self.wrong.get(key, WrongTries(0, at)).count + 1, at)

    def forget(self, name: str, address: str) -> None:
        """Forget a name's wrong ones; the address stays counted, others may be tried there."""
        for key in ((name, ""), (name, address)):
            self.wrong.pop(key, None)

    def _remaining_s(self, key: tuple[str, str], free: int, at: float) -> float:
        tries = self.wrong.get(key)
        if tries is None or tries.count < free or at - tries.last >= FORGOTTEN_S:
            return 0.0
        delay = min(FIRST_DELAY_S * 2.0 ** min(tries.count - free, 20), LONGEST_DELAY_S)
        return max(0.0, tries.last + delay - at)


class GuessLimit:
    """The same lock-out for links and codes, which have no name: counted by address alone."""

    def __init__(self) -> None:
        self._lock_out = LoginLockOut()

    def wait_s(self, address: str) -> float:
        """Return how long (seconds) an address must wait before a secret is looked at; 0: not."""
        return self._lock_out.wait_s(address, address, time.monotonic(), is_known_there=True)

    def wrong(self, address: str) -> None:
        """Count a secret that nobody was given."""
        self._lock_out.count_wrong(address, address, time.monotonic())
