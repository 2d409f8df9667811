"""Accounts: passwords, sessions, and who is kept from trying further."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import anyio
import anyio.to_thread
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from python_multipart.exceptions import FormParserError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.console.desk_client import PERSON, Reading, has_expired
from appliance.console.network import SAFE_METHODS, TooLong
from appliance.console.say import N_
from appliance.errors import CentralinoError, StoreError
from appliance.policy.users import AccountError, Permission, User, permissions_of, refusal
from appliance.store import users

# ---- lockout -----------------------------------------------------------------------------------
# Who is kept from trying passwords, and for how long. Pure: `at` is monotonic seconds.
#
# Counted are wrong ones by name and by address, each with growing delays. Nobody can lock a desk
# out from elsewhere: from an address where a name has logged in before, only wrong ones of that
# name at that address count (E22), and sessions that are open are never touched.

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


@dataclass(frozen=True, slots=True)
class Tries:
    """All that is remembered; keys tell names, addresses and both apart."""

    wrong: Mapping[tuple[str, str], WrongTries] = field(
        default_factory=lambda: MappingProxyType({})
    )


def wait_s(tries: Tries, name: str, address: str, at: float, *, is_known_there: bool) -> float:
    """Say how long (seconds) this name must wait before a password is looked at; 0 for not."""
    if is_known_there:
        return _left(tries, (name, address), FREE_OF_A_NAME, at)
    of_name = _left(tries, (name, ""), FREE_OF_A_NAME, at)
    return max(of_name, _left(tries, ("", address), FREE_OF_AN_ADDRESS, at))


def after_wrong(tries: Tries, name: str, address: str, at: float) -> Tries:
    """Count a wrong password."""
    kept = {
        key: wrong
        for key, wrong in sorted(tries.wrong.items(), key=lambda item: item[1].last)[
            -MOST_REMEMBERED:
        ]
        if at - wrong.last < FORGOTTEN_S
    }
    for key in _keys(name, address):
        kept[key] = WrongTries(kept.get(key, WrongTries(0, at)).count + 1, at)
    return replace(tries, wrong=kept)


def after_right(tries: Tries, name: str, address: str) -> Tries:
    """Forget the wrong ones of a name; the address stays counted, others may be tried there."""
    gone = {(name, ""), (name, address)}
    return replace(tries, wrong={k: wrong for k, wrong in tries.wrong.items() if k not in gone})


def _keys(name: str, address: str) -> tuple[tuple[str, str], ...]:
    return (name, ""), ("", address), (name, address)


def _left(tries: Tries, key: tuple[str, str], free: int, at: float) -> float:
    wrong = tries.wrong.get(key)
    if wrong is None or wrong.count < free or at - wrong.last >= FORGOTTEN_S:
        return 0.0
    delay = min(FIRST_DELAY_S * 2.0 ** min(wrong.count - free, 20), LONGEST_DELAY_S)
    return max(0.0, wrong.last + delay - at)


# ---- guesses -----------------------------------------------------------------------------------
# Keeps an address from trying out links and codes, as the lockout does with passwords.


class Guesses:
    """Counts wrong secrets by the address that they come from; apart from the passwords' tries."""

    def __init__(self) -> None:
        self._tries = Tries()

    def wait_s(self, address: str) -> float:
        """Say how long (seconds) an address must wait before one is looked at; 0 for not."""
        return wait_s(self._tries, address, address, time.monotonic(), is_known_there=True)

    def wrong(self, address: str) -> None:
        """Count a secret that nobody was given."""
        self._tries = after_wrong(self._tries, address, address, time.monotonic())


# ---- passwords ---------------------------------------------------------------------------------
# Passwords: argon2id within 16 MiB. The ONLY argon2 import.
#
# Parameters of OWASP's password storage cheat sheet (12 MiB, three passes, one lane); RFC 9106. The
# box has 512 MB and calls to carry: the console takes one password at a time (turns.py).

MEMORY_KIB: Final = 12 * 1024
PASSES: Final = 3
LANES: Final = 1
SHORTEST, LONGEST = 10, 128
"""Length is what counts (NIST SP 800-63B 3.1.1); no rule of signs and capitals."""
NOBODYS: Final = "$argon2id$v=19$m=12288,t=3,p=1$bm9ib2R5IGF0IGFsbCAuLg$" + "A" * 43
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
        if len(password) > LONGEST:
            return False
        try:
            return self._hasher.verify(kept or NOBODYS, password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def check_new(password: str, name: str) -> None:
    """Refuse a password that is no good one; raises AccountError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountError(
            f"una password ha da {SHORTEST} a {LONGEST} caratteri",
            f"a password has {SHORTEST} to {LONGEST} characters",
        )
    if len(set(password)) < 5 or (name and name.casefold() in password.casefold()):
        raise AccountError(
            "una password non ripete pochi caratteri e non contiene il nome utente",
            "a password repeats no few characters and does not hold the user's name",
        )


# ---- rights ------------------------------------------------------------------------------------
# Who may open a page: a decorator for pages, and who sees a link.

Page = Callable[[Request], Awaitable[Response]]


class NotAllowed(HTTPException):
    """Raised for somebody whose roles do not include a page; `detail` says it in their language."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


def user_of(request: Request) -> User | None:
    """Return who asks, None for somebody who has not logged in."""
    user = getattr(request.state, "user", None)
    return user if isinstance(user, User) else None


def somebody(request: Request) -> User:
    """Return who asks; raises NotAllowed for nobody."""
    user = user_of(request)
    if user is None:
        raise NotAllowed(request.state.speaker(N_("Log in first.")))
    return user


def may(request: Request, permission: Permission) -> bool:
    """Tell whether whoever asks may do something."""
    user = user_of(request)
    return user is not None and permission in permissions_of(user.roles)


def needs(permission: Permission) -> Callable[[Page], Page]:
    """Open a page to those who may do something, and say to others for whom it is."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            somebody(request)
            if not may(request, permission):
                raise NotAllowed(request.state.speaker.words(refusal(permission)))
            return await page(request)

        return guarded

    return decorate


def for_those_who_may(permission: Permission) -> Callable[[Request], bool]:
    """Make a link's `is_for`."""
    return lambda request: may(request, permission)


# ---- sessions ----------------------------------------------------------------------------------
# Who is logged in: kept here by the hash of a random word that the browser alone has.
#
# In memory; a small SQLite file of the console's own folder lets them outlive a restart. Limits in
# E22's sense: nobody is logged out in a call or a shift.

IDLE_S: Final = 14 * 3600.0
"""A night at home ends a session, a long shift does not."""
AGE_S: Final = 7 * 24 * 3600.0
PAUSE_S: Final = 4 * 3600.0
"""A session past its age ends at the first pause so long, not in the midst of work."""
HARD_S: Final = AGE_S + 24 * 3600.0
WORD_BYTES: Final = 32
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


# ---- turns -------------------------------------------------------------------------------------
# One at a time, in a thread: what costs memory and a core, as comparing a password does.

WAITING: Final = 8
"""Who may wait for their turn; the next one is asked to try again."""

T = TypeVar("T")


class Busy(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when too many wait already."""


class Turns:
    """A thread for one piece of work after the other; who waits holds none. For one loop."""

    def __init__(self, waiting: int = WAITING) -> None:
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


# ---- keeper ------------------------------------------------------------------------------------
# The accounts of the running console: who a browser's word belongs to, logging in and out.

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
    """Owns sessions and tries; users are read from the records, where the desk writes them."""

    def __init__(self, sessions: Sessions, reading: Reading) -> None:
        self.sessions = sessions
        self._reading = reading
        self._passwords, self._turns = Passwords(), Turns()
        self._tries = Tries()
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
        user, kept = await self._reading.do(
            lambda c: (users.find_user(c, name), users.password_of(c, name))
        )

        def compare() -> bool:
            self._refuse_locked_out(name, address)  # those before it in the queue may be wrong ones
            return self._passwords.matches(kept, password)

        right = await self._turns.take(compare)
        if user is None or not right:
            self._tries = after_wrong(self._tries, name, address, time.monotonic())
            raise WrongLogin("wrong name or password")
        self._tries = after_right(self._tries, name, address)
        return user

    def _refuse_locked_out(self, name: str, address: str) -> None:
        """Raise TryLater while no password of a name is looked at from an address."""
        known_there = self.sessions.was_here(name, address)
        wait = wait_s(self._tries, name, address, time.monotonic(), is_known_there=known_there)
        if wait > 0:
            raise TryLater(wait)

    async def begin(self, user: User, address: str) -> str:
        """Begin a session and return its word."""
        self.forget(user.name)
        return await self._on_disk(lambda: self.sessions.begin(user.name, user.stamp, address))

    async def log_out(self, word: str) -> str:
        """End the session of a word, if there is one; returns a word that is nobody's."""
        if word and self.sessions.find(word) is not None:
            await self._on_disk(lambda: self.sessions.end(key_of(word)))
        return new_word()

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password; raises Busy."""
        return await self._turns.take(lambda: self._passwords.hashed(password))

    async def has_users(self) -> bool:
        """Tell whether anybody can log in at all; raises StoreError."""
        return bool(await self._reading.do(users.everybody))

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
        """Read a user; while the records cannot be read, who is known stays (E22)."""
        at, known = self._read.get(name, (-FRESH_S, None))
        if time.monotonic() - at < FRESH_S:
            return known
        try:
            known = await self._reading.do(lambda c: users.find_user(c, name))
        except StoreError:
            if known is None:
                raise
        self._read[name] = (time.monotonic(), known)
        return known

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._disk)


# ---- doorkeeper --------------------------------------------------------------------------------
# Stands before every page: who asks, whether a form is of this browser's, who must log in first.
#
# Plain ASGI, so that a stream of events passes through untouched.

PUBLIC: Final = frozenset({"/", "/login", "/first", "/logout", "/language", "/alive", "/ca.crt"})
"""Pages for who has not logged in; every other one is for those who have."""
OPEN_FOLDERS: Final = ("/static/", "/done/")
"""Open to everybody: below `/done/` the address itself is the secret (pages/done.py)."""
UNTOUCHED: Final = ("/static/", "/alive", "/ca.crt")
"""What needs nobody: no session is looked up, no cookie set."""
WHILE_CHANGING: Final = frozenset({"/account", "/account/password", "/logout", "/language"})
"""What is open to somebody who must first choose a password."""
SCRIPTS: Final = ("text/event-stream", "application/json")
"""What a script accepts, which no login page helps."""
STALE: Final = N_("This form is of an older visit: open the page again and repeat it.")
LATE: Final = N_("Not done: this came too late, the connection was interrupted. Do it again.")
LONGEST_WORD: Final = 64

Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]


def cookie_name(is_secure: bool) -> str:
    """Name the cookie; the prefix binds it to this host, by TLS alone (RFC 6265bis 4.1.3.2)."""
    return "__Host-centralino" if is_secure else "centralino"


class Doorkeeper:
    """Puts `user`, `csrf` and `word` into each request's state; a page may give a new word."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(UNTOUCHED):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        accounts: Accounts = request.app.state.accounts
        is_secure = request.app.state.settings.is_secure
        had = request.cookies.get(cookie_name(is_secure), "")
        word = had if _is_word(had) else new_word()
        user = await accounts.who(word)
        PERSON.set(user.name if user else "")
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state.update(user=user, word=word, csrf=accounts.sessions.token_of(word))
        send = _with_cookie(send, state, had, is_secure)
        try:
            receive, token, expires = await _sent(scope, receive)
        except TooLong as error:
            await self._refuse(scope, receive, send, error.status, error.why)
            return
        is_safe = scope["method"] in SAFE_METHODS
        if not is_safe and not _is_right(token, state["csrf"]):
            await self._refuse(scope, receive, send, 403, STALE)
        elif not is_safe and has_expired(expires, time.monotonic()):
            await self._late(scope, receive, send)
        elif (elsewhere := _elsewhere(request, state)) is not None:
            await elsewhere(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what was sent before the network stood still and arrives after it."""
        request = Request(scope)
        if not _is_by_script(request):
            await self._refuse(scope, receive, send, 408, LATE)
            return
        said = request.state.speaker(LATE)
        answer = JSONResponse({"done": False, "said": said, "undo": None}, 408)
        await answer(scope, receive, send)


def _is_word(word: str) -> bool:
    """Tell whether a cookie is such as we give: whoever has another one gets a new one."""
    return WORD_BYTES < len(word) <= LONGEST_WORD and word.isascii() and word.isprintable()


def _elsewhere(request: Request, state: MutableMapping[str, Any]) -> Response | None:
    """Say where somebody must go first; None for where they want to be."""
    path, user = request.url.path, state["user"]
    if user is None:
        return None if path in PUBLIC or path.startswith(OPEN_FOLDERS) else _to_login(request)
    if user.must_change and path not in WHILE_CHANGING:
        return _to_account(request)
    return None


def _to_account(request: Request) -> Response:
    """Lead to the new password; what a script asks for beside that page is answered with nothing.

    A script that followed the redirect would put the whole page into a corner of itself.
    """
    if not _is_by_script(request):
        return RedirectResponse("/account", 303)
    shown = urlsplit(request.headers.get("hx-current-url", "")).path
    leads = {} if shown in WHILE_CHANGING else {"HX-Redirect": "/account"}
    return Response(status_code=403, headers=leads)


def _is_by_script(request: Request) -> bool:
    return "hx-request" in request.headers or request.headers.get("accept") in SCRIPTS


def _to_login(request: Request) -> Response:
    """Lead to the login and back; what a script asks is told so."""
    target = "/login"
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        target += f"?next={quote(request.url.path + query, safe='/')}"
    if _is_by_script(request):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(target, 303)


def _with_cookie(send: Send, state: MutableMapping[str, Any], had: str, is_secure: bool) -> Send:
    """Give the browser its word with the answer, where it has another one.

    Without an age: it ends with the browser. SameSite=Strict: no other site acts in its name.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and state["word"] != had:
            flags = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if is_secure else "")
            cookie = f"{cookie_name(is_secure)}={state['word']}{flags}"
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


async def _sent(scope: Scope, receive: Receive) -> tuple[Receive, object, str]:
    """Return the token and the time limit that a form carries, and how to read it again."""
    request = Request(scope, receive)
    token: object = request.headers.get("x-csrf-token")
    expires = request.headers.get("x-expires", "")
    if scope["method"] in SAFE_METHODS or token is not None:
        return receive, token, expires
    body = await request.body()
    token, expires = await _in_form(Request(scope, _again(body)))
    return _again(body), token, expires


def _is_right(given: object, token: str) -> bool:
    """Tell whether what is asked carries this browser's token."""
    return isinstance(given, str) and given.isascii() and secrets.compare_digest(given, token)


async def _in_form(request: Request) -> tuple[object, str]:
    """Return the token and the limit in a form; none where it is no form that can be read."""
    try:
        async with request.form(max_files=20) as form:
            return form.get("csrf"), str(form.get("expires", ""))
    except (HTTPException, FormParserError):  # Debian 13's Starlette lets the latter through
        return None, ""


def _again(body: bytes) -> Receive:
    """Let a body that was read be read once more."""
    left = [body]

    async def receiving() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return {"type": "http.disconnect"}

    return receiving
