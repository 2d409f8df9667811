"""Accounts: passwords, sessions, the lock-out after wrong passwords, permissions of pages.

The only argon2 import.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from appliance.api.commands import Command, UserCommand
from appliance.api.replies import Reply
from appliance.console.control_client import (
    REPLY_LIMIT_S,
    ControlUnreachable,
    NotDone,
    R,
    ReplyUnreadable,
    StoreReader,
    ask,
    send,
)
from appliance.console.say import N_
from appliance.errors import CentralinoError, StoreError
from appliance.lockout import GrowingDelay, LockOutCounter
from appliance.policy.passwords import is_guessable
from appliance.policy.users import (
    AccountError,
    Permission,
    User,
    permission_refusal,
    permissions_of,
)
from appliance.store import users
from appliance.text import sentence

T = TypeVar("T")

# A user who is disabled is logged out within this time.
FRESH_S: Final = 2.0
"""Age, in seconds, at which a user kept in memory is read anew."""


class WrongLogin(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised for a wrong name or password, without saying which."""


class TryLater(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised while the lock-out accepts no password; `seconds` to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"try again in {seconds:.0f} s")
        self.seconds = seconds


class Accounts:
    """Sessions and login attempts; users are read from the database, which call control writes."""

    def __init__(self, sessions: Sessions, reading: StoreReader) -> None:
        self.sessions = sessions
        self._reading = reading
        self._passwords, self._turns = Passwords(), HashQueue()
        self._lock_out = LoginLockOut()
        self._read: dict[str, tuple[float, User | None]] = {}
        # One thread: Sessions' SQLite connection is used by one at a time.
        self._disk = anyio.CapacityLimiter(1)

    async def who(self, word: str) -> User | None:
        """Return the user of a browser's word, None without a valid session; notes its use."""
        session = self.sessions.find(word)
        if session is None:
            return None
        user = await self._user_of(session)
        # Disabled, or given a new password meanwhile: the session is over.
        if user is None:
            await self.log_out(word)
        elif self.sessions.use(session):
            await self._on_disk(lambda: self.sessions.write(session.key))
        return user

    async def is_in(self, word: str) -> bool:
        """Tell whether a word's session is valid, without counting as use: for event streams."""
        session = self.sessions.find(word)
        return session is not None and await self._user_of(session) is not None

    async def log_in(self, name: str, password: str, address: str, word: str) -> tuple[User, str]:
        """Begin a session under a new word, ending the old word's; returns the user and the word.

        Raises WrongLogin, TryLater, Busy, StoreError.
        """
        # The old word's session ends: where a workplace changes hands nobody's session stays
        # behind.
        user = await self.prove(name, password, address)
        await self.log_out(word)
        return user, await self.begin(user, address)

    async def prove(self, name: str, password: str, address: str) -> User:
        """Compare a password; raises WrongLogin, TryLater, Busy, StoreError."""
        self._refuse_locked_out(name, address)
        user, kept = await self._reading.read(
            lambda c: (users.find_user(c, name), users.password_of(c, name))
        )

        def compare() -> bool:
            # Once more: the attempts before it in the queue may have been wrong ones.
            self._refuse_locked_out(name, address)
            return self._passwords.matches(kept, password)

        right = await self._turns.take(compare)
        if user is None or not right:
            self._lock_out.count_wrong(name, address, time.monotonic())
            # The same for a name that exists and one that does not; the right password of a
            # disabled user is as wrong as any.
            raise WrongLogin("wrong name or password")
        self._lock_out.forget(name, address)
        return user

    def _refuse_locked_out(self, name: str, address: str) -> None:
        """Raise TryLater while the lock-out accepts no password of a name from an address."""
        known_there = self.sessions.was_here(name, address)
        wait = self._lock_out.wait_s(name, address, time.monotonic(), is_known_there=known_there)
        if wait > 0:
            raise TryLater(wait)

    async def begin(self, user: User, address: str) -> str:
        """Begin a session and return its word."""
        self.forget(user.name)
        return await self._on_disk(lambda: self.sessions.begin(user.name, user.stamp, address))

    async def log_out(self, word: str) -> str:
        """End the session of a word, if there is one; returns a new word without a session."""
        if word and self.sessions.find(word) is not None:
            await self._on_disk(lambda: self.sessions.end(session_key(word)))
        return new_session_word()

    async def hashed(self, password: str) -> str:
        """Return the argon2id hash of a password; raises Busy."""
        return await self._turns.take(lambda: self._passwords.hashed(password))

    async def has_users(self) -> bool:
        """Tell whether there is any user; raises StoreError."""
        return bool(await self._reading.read(users.everybody))

    def forget(self, name: str) -> None:
        """Drop a user kept in memory: the next use reads the database."""
        self._read.pop(name, None)

    async def _user_of(self, session: Session) -> User | None:
        """Return the session's user; None once disabled, or given a new stamp since (password)."""
        user = await self._user(session.user)
        # The user in memory may be older than the session: only a fresh one can end it.
        if user is not None and user.stamp != session.stamp:
            self.forget(session.user)
            user = await self._user(session.user)
        is_here = user is not None and user.can_log_in and user.stamp == session.stamp
        return user if is_here else None

    async def _user(self, name: str) -> User | None:
        """Read a user, from memory within FRESH_S; raises StoreError."""
        at, known = self._read.get(name, (-FRESH_S, None))
        if time.monotonic() - at < FRESH_S:
            return known
        try:
            known = await self._reading.read(lambda c: users.find_user(c, name))
        except StoreError:
            # While the database cannot be read nobody is logged out at work (E22).
            if known is None:
                raise
        self._read[name] = (time.monotonic(), known)
        return known

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._disk)


Page = Callable[[Request], Awaitable[Response]]


class NotAllowed(HTTPException):
    """Raised for a user without a page's permission; `detail` is in the reader's language."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


def user_of(request: Request) -> User | None:
    """Return the user, None without a login."""
    user = getattr(request.state, "user", None)
    return user if isinstance(user, User) else None


def signed_in_user(request: Request) -> User:
    """Return the user; raises NotAllowed without a login."""
    user = user_of(request)
    if user is None:
        raise NotAllowed(request.state.speaker(N_("Log in first.")))
    return user


async def ask_as_user(
    request: Request, command: UserCommand[Reply], limit_s: float = REPLY_LIMIT_S
) -> None:
    """Send a command in the user's name; raises NotDone, NotAllowed."""
    await ask(request, replace(command, by=signed_in_user(request).name), limit_s)


async def send_as_user(
    request: Request, command: UserCommand[R], limit_s: float = REPLY_LIMIT_S
) -> R:
    """Send a command in the user's name and return its reply; raises NotDone, NotAllowed."""
    return await send(request, replace(command, by=signed_in_user(request).name), limit_s)


# A change of phones or settings restarts call control: seconds, on a slow board more.
START_S: Final = 30.0
"""Seconds for which a command waits for call control to start."""
AGAIN_S: Final = 0.5
"""Seconds between two attempts."""


async def send_patiently(
    request: Request,
    command: Command[R],
    limit_s: float = REPLY_LIMIT_S,
    *,
    may_repeat: bool = False,
) -> R:
    """Send a command, in the user's name if it has one; wait up to START_S for call control to
    start. Raises NotDone.

    One that `may_repeat` does no harm if it is carried out twice.
    """

    async def once() -> R:
        if isinstance(command, UserCommand):
            return await send_as_user(request, command, limit_s)
        return await send(request, command, limit_s)

    return await patiently(request, once, may_repeat=may_repeat)


async def patiently(
    request: Request, once: Callable[[], Awaitable[R]], *, may_repeat: bool = False
) -> R:
    """Do what asks call control something, again while it starts; raises what `once` raises.

    It starts if it was heard before and has not been away for START_S yet: nobody waits for one
    that does not come back.
    """
    seen, now = request.app.state.feed.newest, time.monotonic()
    lost_at = seen.since if seen.away else now
    end = lost_at + (START_S if seen.status is not None else 0.0)
    while True:
        began = time.monotonic()
        try:
            return await once()
        except (NotDone, ControlUnreachable) as error:
            reason = error.__cause__ if isinstance(error, NotDone) else error
            is_away = isinstance(reason, ControlUnreachable)
            is_away &= not isinstance(reason, ReplyUnreadable)
            # Refused at once: its socket is not open. After a longer wait the command may have
            # been carried out, and is not sent again unless it does no harm.
            is_starting = may_repeat or time.monotonic() - began < AGAIN_S
            if not (is_away and is_starting) or time.monotonic() >= end:
                raise
        await asyncio.sleep(AGAIN_S)


def may(request: Request, permission: Permission) -> bool:
    """Tell whether the user has a permission."""
    user = user_of(request)
    return user is not None and permission in permissions_of(user.roles)


def needs(permission: Permission) -> Callable[[Page], Page]:
    """Decorate a page: users without the permission get a refusal that names who has it."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            signed_in_user(request)
            if not may(request, permission):
                # In words, in the reader's language: whom to ask for the page.
                raise NotAllowed(request.state.speaker.words(permission_refusal(permission)))
            return await page(request)

        return guarded

    return decorate


def with_permission(permission: Permission) -> Callable[[Request], bool]:
    """Make a link's `is_for`."""
    return lambda request: may(request, permission)


# A position is not a person (E19): the person comes with the session, the position is where that
# person sits today, kept in a cookie of the browser there. Until one is chosen, it is the
# person's usual position.
POSITION_COOKIE: Final = "position"
COOKIE_AGE_S: Final = 365 * 24 * 3600
LONGEST_POSITION: Final = 64


@dataclass(frozen=True, slots=True)
class Requester:
    """Sender of a request: the user's name `by`, for the audit; `position`, "" for none."""

    by: str
    position: str


def requester(request: Request) -> Requester:
    """Return the user and position of a request; raises NotAllowed without a login."""
    user = signed_in_user(request)
    # The browser may send anything: call control knows which positions there are.
    chosen = request.cookies.get(POSITION_COOKIE, "")[:LONGEST_POSITION]
    return Requester(user.name, chosen or user.position)


def client_address(request: Request) -> str:
    """Return the address from which a request comes, "" if unknown."""
    return request.client.host if request.client else ""


# Sessions are kept by the hash of a random word that the browser alone has: whoever reads the file
# cannot take a session over. A small SQLite file lets them outlive a restart. The limits follow
# E22: nobody is logged out during a call or a shift.

# A night at home ends a session, a long shift does not.
IDLE_S: Final = 14 * 3600.0
"""Seconds without use after which a session ends."""
AGE_S: Final = 7 * 24 * 3600.0
"""Age in seconds after which a session ends at the next pause of PAUSE_S."""
# A session past its age ends in a pause, not in the midst of work.
PAUSE_S: Final = 4 * 3600.0
"""Seconds without use that count as a pause."""
HARD_S: Final = AGE_S + 24 * 3600.0
"""Age in seconds at which a session ends in any case."""
SESSION_WORD_BYTES: Final = 32
"""Random bytes of a word, 256 bits."""
# A memory card wears out by writing.
NOTED_EVERY_S: Final = 300.0
"""Seconds between two writes of a session's last use."""
# Sessions kept at most; the one unused for longest is dropped first.
MOST_SESSIONS: Final = 1_000
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
    """Session of one browser; `stamp` is the user's at login (policy/users.py)."""

    key: str
    user: str
    stamp: int
    address: str
    # Monotonic seconds: a clock that is set right ends no session.
    began: float
    seen: float


def is_session_over(session: Session, at: float) -> bool:
    """Tell whether a session has ended at a moment (monotonic seconds)."""
    idle, age = at - session.seen, at - session.began
    return idle >= IDLE_S or age >= HARD_S or (age >= AGE_S and idle >= PAUSE_S)


def session_key(word: str) -> str:
    """Return the key under which a word's session is kept: its SHA-256."""
    return hashlib.sha256(word.encode()).hexdigest()


def new_session_word() -> str:
    """Return a word of 256 random bits."""
    return secrets.token_urlsafe(SESSION_WORD_BYTES)


class Sessions:
    """All sessions, in memory and in a file.

    Methods that write block on the disk for milliseconds: for a thread, one at a time.
    """

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
        """Begin a session and return its word."""
        # Always a new word: nobody can have set it in the browser before (session fixation).
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
        """Note in memory that a session is in use; True where the caller should write it, too."""
        at = time.monotonic()
        if session.key not in self._known or at - session.seen < NOTED_EVERY_S:
            return False
        self._known[session.key] = replace(session, seen=at)
        return True

    def write(self, key: str) -> None:
        """Write a session to the file."""
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
        # Made of the word, so nothing is kept of a browser that has not logged in.
        return hmac.new(self._seal, word.encode(), hashlib.sha256).hexdigest()

    def _superfluous(self, at: float) -> list[str]:
        over = [key for key, session in self._known.items() if is_session_over(session, at)]
        oldest = sorted(self._known.values(), key=lambda session: session.seen)
        # At most MOST_SESSIONS with the one that begins now.
        return over + [session.key for session in oldest[: max(0, len(oldest) - MOST_SESSIONS + 1)]]

    def _write(self, session: Session) -> None:
        """Write a session inside the caller's transaction."""
        # By the wall clock: the monotonic one begins anew with the machine.
        ahead = time.time() - time.monotonic()
        began, seen = session.began + ahead, session.seen + ahead
        row = (session.key, session.user, session.stamp, session.address, began, seen)
        self._file.execute(_INSERT, row)

    def _load(self) -> dict[str, Session]:
        at, now = time.monotonic(), time.time()
        rows = self._file.execute("SELECT * FROM sessions").fetchall()
        # max: a clock that was set back would put their beginning into the future.
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
            # The first key stays: forms that are open over a restart keep their token.
            self._file.execute("INSERT OR IGNORE INTO seal VALUES (1, ?)", (made,))
            return bytes.fromhex(self._file.execute("SELECT key FROM seal").fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    """Open the file of sessions, a new one where it is damaged; raises StoreError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return _connected(path)
        except sqlite3.DatabaseError:
            # A damaged file costs no more than a login each.
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _connected(path)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"the console's sessions {path} cannot be kept: {error}") from error


def _connected(path: Path) -> sqlite3.Connection:
    # Made first, with its rights: SQLite would make the file readable as the umask allows.
    path.touch(mode=0o600)
    # Used by anyio's threads, one at a time (Accounts).
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # Without an fsync at each commit: a lost session costs a login.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        # Damage shows at the first read, not when the file is opened.
        connection.execute("SELECT count(*) FROM sessions").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


# argon2id with the parameters of OWASP's password storage cheat sheet (12 MiB, three passes, one
# lane; RFC 9106). The appliance has 512 MB and calls to carry: the console compares one password
# at a time (HashQueue).
MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
LANES: Final = 1
# Length is what counts (NIST SP 800-63B 3.1.1); no rule about signs and capitals.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 128
"""Shortest and longest password, in characters."""
# A login under an unknown name must take as long as one under a known name.
# Hash with which the password of an unknown name is compared; its parameters are the above.
DUMMY_HASH: Final = "$argon2id$v=19$m=12288,t=3,p=1$bm9ib2R5IGF0IGFsbCAuLg$" + "A" * 43


class Passwords:
    """argon2id hashing; each call takes tens of ms and belongs in a thread, not in the loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)

    def hashed(self, password: str) -> str:
        """Return the argon2id hash of a password."""
        return self._hasher.hash(password)

    def matches(self, kept: str, password: str) -> bool:
        """Compare a password with a hash; an empty `kept` takes as long and never matches."""
        # Nobody can have set a longer one (check_new_password).
        if len(password) > LONGEST_PASSWORD:
            return False
        try:
            # verify first, for an unknown name as well: the time taken tells nothing.
            return self._hasher.verify(kept or DUMMY_HASH, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def check_new_password(password: str, name: str) -> None:
    """Check a new password; raises AccountError for one too short, too long or too simple."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            sentence(
                "a password has {shortest_password} to {longest_password} characters",
                shortest_password=SHORTEST_PASSWORD,
                longest_password=LONGEST_PASSWORD,
            ),
        )
    # Repeated characters and the user's own name add length, but are easy to guess.
    if len(set(password)) < 5 or (name and name.casefold() in password.casefold()):
        raise AccountError(
            sentence("a password repeats no few characters and does not hold the user's name"),
        )
    if is_guessable(password, name):
        raise AccountError(
            sentence(
                "this password is easy to guess: no common word with digits, no run of keys, no "
                "name of yours; some words in a row are good"
            ),
        )


# Logins that may wait for their turn; the next one is asked to try again.
MOST_WAITING: Final = 8


class Busy(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when MOST_WAITING logins wait already."""


class HashQueue:
    """Queue for hashing, one at a time in a thread; waiting occupies none. For one event loop."""

    def __init__(self, waiting: int = MOST_WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(1)
        self._most = waiting + 1
        self._present = 0

    async def take(self, work: Callable[[], T]) -> T:
        """Do the work in its turn and return its result; raises Busy at once if too many wait."""
        # At once and without a hash: only one password's memory and core are used.
        if self._present >= self._most:
            raise Busy("too many people log in at once: try again in a few seconds")
        self._present += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._present -= 1


# The lock-out delays logins by name and by address. Nobody can lock a workplace out from
# elsewhere: at an address where a name has logged in before, only wrong passwords of that name at
# that address count, and open sessions are never touched (E22).

# People mistype: the first wrong passwords in a row cause no delay.
# Wrong passwords in a row of a name without a delay.
FREE_OF_A_NAME: Final = 5
# Wrong passwords in a row from an address without a delay.
FREE_OF_AN_ADDRESS: Final = 10
# First delay in seconds; each further wrong password doubles it.
FIRST_DELAY_S: Final = 2.0
# A hundred attempts a day.
LONGEST_DELAY_S: Final = 900.0
"""Longest delay, in seconds."""
FORGOTTEN_S: Final = 24 * 3600.0
"""Seconds after which wrong passwords no longer count."""
# Counts kept at most, of names and addresses; the oldest is dropped first.
MOST_REMEMBERED: Final = 2_000


OF_A_NAME: Final = GrowingDelay(FREE_OF_A_NAME, FIRST_DELAY_S, LONGEST_DELAY_S, FORGOTTEN_S)
OF_AN_ADDRESS: Final = GrowingDelay(FREE_OF_AN_ADDRESS, FIRST_DELAY_S, LONGEST_DELAY_S, FORGOTTEN_S)


class LoginLockOut:
    """Counts of wrong passwords and the delays they cause; `at` is monotonic seconds."""

    def __init__(self) -> None:
        self.wrong = LockOutCounter[tuple[str, str]](MOST_REMEMBERED)

    def wait_s(self, name: str, address: str, at: float, *, is_known_there: bool) -> float:
        """Return the seconds before a name's next password is accepted; 0 for at once."""
        # A known workplace: wrong passwords from elsewhere do not count here.
        if is_known_there:
            return self.wrong.wait_s((name, address), OF_A_NAME, at)
        of_name = self.wrong.wait_s((name, ""), OF_A_NAME, at)
        return max(of_name, self.wrong.wait_s(("", address), OF_AN_ADDRESS, at))

    def count_wrong(self, name: str, address: str, at: float) -> None:
        """Count a wrong password; what is old, or more than is remembered, is forgotten."""
        # One password tried for many names counts for the address, many passwords of one name for
        # the name.
        for key in ((name, ""), ("", address), (name, address)):
            self.wrong.count_wrong(key, OF_A_NAME, at)

    def forget(self, name: str, address: str) -> None:
        """Forget the wrong passwords of a name."""
        # The address stays counted: passwords of other names may be tried there.
        for key in ((name, ""), (name, address)):
            self.wrong.forget(key)


class GuessLimit:
    """Lock-out for secrets without a name, links and codes: counted by address alone."""

    def __init__(self) -> None:
        self._lock_out = LoginLockOut()

    def wait_s(self, address: str) -> float:
        """Return the seconds before an address's next secret is accepted; 0 for at once."""
        # The address is the name as well; only this pair is looked at.
        return self._lock_out.wait_s(address, address, time.monotonic(), is_known_there=True)

    def wrong(self, address: str) -> None:
        """Count a wrong secret."""
        self._lock_out.count_wrong(address, address, time.monotonic())
