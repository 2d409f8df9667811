"""Users: adding and changing them, passwords, the first user's code, the shell's proof.

Call control gets password hashes only, never a password.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api.commands import AddFirstUser, AddUser, ChangeUser, ProvenCommand, SetPassword
from appliance.api.protocol import (
    WRONG_PROOF,
    CommandHandlers,
    DeferredReply,
    Reply,
    Rights,
    command,
    deferred,
)
from appliance.api.replies import Declined, UserSaid
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text, make_private, write_private_json
from appliance.policy.clock import Now
from appliance.policy.text import Refused, SaidError, os_error_words, technical_words
from appliance.policy.users import AccountError, Role, User, check_hash, check_user
from appliance.store import users
from appliance.store.users import ChangeRequester
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from appliance.api.call_control import StoreAccess
    from appliance.config.schema import Settings

log = logging.getLogger(__name__)

CODE_FILE: Final = "first-user-code.txt"
# No letter that looks like a digit: the code is copied from paper or another screen.
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
# 59 bits: a thousand guesses a second for ten years find one code in a million.
GROUPS, GROUP = 3, 4


def code_path(state: Path) -> Path:
    """Return the path of the file with the code."""
    return state / CODE_FILE


def keep_code(state: Path, *, is_wanted: bool) -> None:
    """Create a code while there is no user, delete it afterwards; raises OSError."""
    path = code_path(state)
    if not is_wanted:
        path.unlink(missing_ok=True)
    # An existing code stays valid across restarts.
    elif not plain_code(load_text(path)):
        atomic_write(path, _new_code() + "\n")
        log.warning("no user yet: the code for the first one is in %s", path)


def is_code(state: Path, code: str) -> bool:
    """True if the code matches, in any spelling; False without a file."""
    # `compare_digest` takes the same time for every wrong code.
    kept, given = plain_code(load_text(code_path(state))), plain_code(code)
    return bool(kept) and secrets.compare_digest(kept, given)


def plain_code(code: str) -> str:
    """Return a code's letters and digits, in capitals."""
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def wanted(state: Path) -> Words:
    """Return the notice that there is no user yet, NOTHING once there is one."""
    path = code_path(state)
    try:
        if not path.exists():
            return NOTHING
    # The folder is closed to this account: the notice is not for it.
    except OSError:
        return NOTHING
    return _("the console has no user yet: make the first one with the code in {path}", path=path)


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


# Only the administrator writes there, and the console's unit hides the folder: a command that
# repeats the word in this file comes from a shell, not from the console.
PROOF_FILE: Final = "private/shell-proof"
"""Path below the state folder."""


def prepare_proof(state: Path) -> None:
    """Create the folder as call control, so that it can read what root writes; raises OSError."""
    make_private((state / PROOF_FILE).parent)


@contextlib.contextmanager
def proof(state: Path) -> Iterator[str]:
    """Write a random word, yield it, delete it; raises OfficeError without write permission."""
    word = secrets.token_hex(16)
    if not (state / PROOF_FILE).parent.is_dir():
        raise Refused(
            _("the service has never run here: start it first"),
        )
    try:
        write_private_json(state / PROOF_FILE, word)
    except OSError as error:
        raise Refused(
            _(
                "from the shell this is for the administrator alone: use sudo ({error})",
                error=technical_words(error, os_error_words(error)),
            ),
        ) from error
    try:
        yield word
    finally:
        (state / PROOF_FILE).unlink(missing_ok=True)


def proof_is_right(state: Path, word: object) -> bool:
    """True if the word is the one in the file; reads the disk."""
    kept = load_text(state / PROOF_FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())


# Anybody on the LAN can send wrong codes, and must not fill the journal with them.
LOGGED_EVERY_S: Final = 60.0
"""Seconds between two log lines about wrong codes for the first user."""
FIELDS: Final = ("shown", "roles", "unit", "position", "language", "disabled")
"""Fields of a user that can be changed."""
# The first user creates all others and gives them these roles.
FIRST_ROLES: Final = frozenset({Role.HEAD, Role.TECHNICIAN})
ADDED: Final = _("User {user} was made.")
CHANGED: Final = _("User {user} was changed.")
RENEWED: Final = _("The password of {user} was changed.")


class UserCommands(CommandHandlers):
    """Adds and changes users, in the database thread."""

    def __init__(self, settings: Settings, stores: StoreAccess, now: Callable[[], Now]) -> None:
        self._state = Path(settings.folders.state)
        self._positions = tuple(phone.name for phone in settings.phones)
        self._stores, self._now = stores, now
        self._silent_until = 0.0
        self.rights = Rights(stores.records)

    def start(self) -> None:
        """Load the users; create the first user's code if there are none."""

        def look(connection: sqlite3.Connection) -> None:
            self.rights.learn(connection)
            prepare_proof(self._state)
            keep_code(self._state, is_wanted=not users.everybody(connection))

        def told(result: object) -> None:
            if isinstance(result, CentralinoError):
                log.error("whether there are users is not known: %s", result)

        self._stores.records.do(look, told)

    @command(AddUser)
    def add(self, wish: AddUser) -> DeferredReply:
        """Add a user, who must change the password at the first login unless stated otherwise."""
        check_hash(wish.password)
        user = _new(wish, frozenset(wish.roles), must_change=wish.must_change)
        units = self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            check_user(user, units, self._positions)
            return _told(users.add(connection, user, wish.password, asked), ADDED)

        return self._later(wish, job)

    @command(ChangeUser)
    def change(self, wish: ChangeUser) -> DeferredReply:
        """Change only the given fields of a user."""
        changes, units = _changes(wish), self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            # An unknown user is refused by `users.change` itself.
            if before := users.find_user(connection, wish.name):
                self._check_change(before, changes, units)
            return _told(users.change(connection, wish.name, changes, asked), CHANGED)

        return self._later(wish, job)

    @command(SetPassword)
    def password(self, wish: SetPassword) -> DeferredReply:
        """Set a user's password: one's own, or any with the permission USERS."""
        check_hash(wish.password)

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            user = users.set_password(
                connection, wish.name, wish.password, asked, must_change=wish.must_change
            )
            return _told(user, RENEWED)

        return self._later(wish, job)

    @command(AddFirstUser)
    def first(self, wish: AddFirstUser) -> DeferredReply:
        """Add the first user; the code replaces a login."""
        check_hash(wish.password)
        user = _new(wish, FIRST_ROLES, must_change=False)
        at, units = self._now(), self._units()

        def job(connection: sqlite3.Connection) -> Reply:
            self._check_code(wish.code, at)
            check_user(user, units, self._positions)
            users.add_first(connection, user, wish.password, at.wall)
            # The code is worthless now; deleted in the same job.
            keep_code(self._state, is_wanted=False)
            return _told(user, ADDED)

        return self._answered(job)

    def _check_code(self, code: str, at: Now) -> None:
        """Raise AccountError for a wrong code; in the database thread only."""
        if is_code(self._state, code):
            return
        # No lock-out: anybody on the LAN could then keep out the holder of the right code. 59 bits
        # cannot be guessed, and the console slows down each address.
        if at.monotonic >= self._silent_until:
            self._silent_until = at.monotonic + LOGGED_EVERY_S
            log.warning("a wrong code for the first user was given")
        raise AccountError(
            _(
                "the code is wrong: it is in the box's file {code_file} while there is no user",
                code_file=CODE_FILE,
            ),
        )

    def _check_change(self, before: User, changes: dict[str, Any], units: tuple[str, ...]) -> None:
        """Check the changed user; the old unit and position stay valid even if removed since."""
        after = users.changed(before, changes)
        check_user(after, (*units, before.unit), (*self._positions, before.position))

    def _units(self) -> tuple[str, ...]:
        return tuple(unit.code for unit in self._stores.directory.directory.units)

    def _later(
        self,
        wish: ProvenCommand[UserSaid],
        job: Callable[[sqlite3.Connection, ChangeRequester], Reply],
    ) -> DeferredReply:
        at, is_shell = self._now().wall, wish.proof is not None

        def with_asked(connection: sqlite3.Connection) -> Reply:
            if is_shell and not proof_is_right(self._state, wish.proof):
                raise SaidError(WRONG_PROOF)
            return job(connection, ChangeRequester(wish.by, at, shell=is_shell))

        return self._answered(with_asked)

    def _answered(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        def known(connection: sqlite3.Connection) -> Reply:
            answer = job(connection)
            # In the same job: the next command is checked against the new users.
            self.rights.learn(connection)
            return answer

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            # A mistake in the form is declined, not an error.
            if isinstance(result, AccountError):
                return Declined(result.words)
            return result

        return deferred(self._stores.records, known, reply)


def _told(user: User, words: Words) -> UserSaid:
    return UserSaid(words.filled(user=user.name), user=user.name, stamp=user.stamp)


def _new(wish: AddUser | AddFirstUser, roles: frozenset[Role], *, must_change: bool) -> User:
    return User(wish.name, wish.shown, roles, wish.unit, wish.position, wish.language, must_change)


def _changes(wish: ChangeUser) -> dict[str, Any]:
    given = {field: getattr(wish, field) for field in FIELDS}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise SaidError(_("nothing to change; known are {fields}", fields=", ".join(FIELDS)))
    if wish.roles is not None:
        changes["roles"] = frozenset(wish.roles)
    return changes
