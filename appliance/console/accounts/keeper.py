"""The accounts of the running console: who a browser's word belongs to, logging in and out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from appliance.console.accounts.lockout import Tries, after_right, after_wrong, wait_s
from appliance.console.accounts.passwords import Passwords
from appliance.console.accounts.sessions import Session, Sessions, key_of, new_word
from appliance.console.accounts.turns import Turns
from appliance.console.reading import Reading
from appliance.errors import CentralinoError, StoreError
from appliance.policy.users import User
from appliance.store import users

FRESH_S: Final = 2.0
"""How old what is known of a user may be: who is disabled is out within so long."""

T = TypeVar("T")


class Wrong(CentralinoError):  # noqa: N818 - it is called what it is
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
            raise Wrong("wrong name or password")
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
