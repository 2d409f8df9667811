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

from appliance.api.permissions import ANYBODY, FREE, CommandHandlers, Rights, command
from appliance.api.protocol import (
    WRONG_PROOF,
    Arguments,
    DeferredReply,
    Reply,
    deferred,
    plain,
)
from appliance.errors import CentralinoError, OfficeError
from appliance.files import atomic_write, load_text, make_private, write_private_json
from appliance.policy.clock import Now
from appliance.policy.text import NOTHING, Refused, SaidError, Words, os_error_words
from appliance.policy.users import AccountError, Permission, Role, User, check_hash, check_user
from appliance.store import users
from appliance.store.users import ChangeRequester

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
    return Words(
        f"la console non ha ancora utenti: creare il primo con il codice in {path}",
        f"the console has no user yet: make the first one with the code in {path}",
    )


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
            "il centralino qui non è mai stato avviato: avviarlo una volta, poi riprovare",
            "the desk has never run here: start it first",
        )
    try:
        write_private_json(state / PROOF_FILE, word)
    except OSError as error:
        raise Refused(
            "dalla riga di comando questo spetta all'amministratore: usare sudo "
            f"({os_error_words(error).it})",
            f"from the shell this is for the administrator alone: use sudo ({error})",
        ) from error
    try:
        yield word
    finally:
        (state / PROOF_FILE).unlink(missing_ok=True)


def proof_is_right(state: Path, word: object) -> bool:
    """True if the word is the one in the file; reads the disk."""
    kept = load_text(state / PROOF_FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())


LONGEST_WORD: Final = 64
# Anybody on the LAN can send wrong codes, and must not fill the journal with them.
LOGGED_EVERY_S: Final = 60.0
"""Seconds between two log lines about wrong codes for the first user."""
FIELDS: Final = ("shown", "roles", "unit", "position", "language", "disabled")
"""Fields of a user that can be changed."""
# The first user creates all others and gives them these roles.
FIRST_ROLES: Final = frozenset({Role.HEAD, Role.TECHNICIAN})
ADDED: Final = Words("Utente {} creato.", "User {} was made.")
CHANGED: Final = Words("Utente {} modificato.", "User {} was changed.")
RENEWED: Final = Words("Password di {} cambiata.", "The password of {} was changed.")


class UserCommands(CommandHandlers):
    """Adds and changes users, in the database thread; raises OfficeError for wrong arguments."""

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

    @command("user_add", needs=Permission.USERS)
    def add(self, arguments: Arguments) -> DeferredReply:
        """Add a user, who must change the password at the first login unless stated otherwise."""
        kept = _hash(arguments)
        user = _new(arguments, _roles(arguments), must_change=_flag(arguments, "must_change"))
        units = self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            check_user(user, units, self._positions)
            return _told(users.add(connection, user, kept, asked), ADDED)

        return self._later(arguments, job)

    @command("user_change", needs=ANYBODY)
    def change(self, arguments: Arguments) -> DeferredReply:
        """Change only the given fields of a user."""
        name, changes = _word(arguments, "name"), _changes(arguments)
        units = self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            # An unknown user is refused by `users.change` itself.
            if before := users.find_user(connection, name):
                self._check_change(before, changes, units)
            return _told(users.change(connection, name, changes, asked), CHANGED)

        return self._later(arguments, job)

    @command("user_password", needs=ANYBODY)
    def password(self, arguments: Arguments) -> DeferredReply:
        """Set a user's password: one's own, or any with the permission USERS."""
        name, kept = _word(arguments, "name"), _hash(arguments)
        must_change = _flag(arguments, "must_change")

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            user = users.set_password(connection, name, kept, asked, must_change=must_change)
            return _told(user, RENEWED)

        return self._later(arguments, job)

    @command("first_user", needs=FREE)
    def first(self, arguments: Arguments) -> DeferredReply:
        """Add the first user; the code replaces a login."""
        kept, code = _hash(arguments), str(arguments.get("code"))[:LONGEST_WORD]
        user = _new(arguments, FIRST_ROLES, must_change=False)
        at, units = self._now(), self._units()

        def job(connection: sqlite3.Connection) -> Reply:
            self._check_code(code, at)
            check_user(user, units, self._positions)
            users.add_first(connection, user, kept, at.wall)
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
            f"codice errato: quello giusto sta nel file {CODE_FILE} dell'apparecchio, finché "
            "non c'è un utente",
            f"the code is wrong: it is in the box's file {CODE_FILE} while there is no user",
        )

    def _check_change(self, before: User, changes: dict[str, Any], units: tuple[str, ...]) -> None:
        """Check the changed user; the old unit and position stay valid even if removed since."""
        after = users.changed(before, changes)
        check_user(after, (*units, before.unit), (*self._positions, before.position))

    def _units(self) -> tuple[str, ...]:
        return tuple(unit.code for unit in self._stores.register.register.units)

    def _later(
        self, arguments: Arguments, job: Callable[[sqlite3.Connection, ChangeRequester], Reply]
    ) -> DeferredReply:
        by, word, at = _word(arguments, "by"), arguments.get("proof"), self._now().wall

        def with_asked(connection: sqlite3.Connection) -> Reply:
            if word is not None and not proof_is_right(self._state, word):
                raise SaidError(WRONG_PROOF)
            return job(connection, ChangeRequester(by, at, shell=word is not None))

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
                return {"done": False, "said": plain(result.words)}
            return result

        return deferred(self._stores.records, known, reply)


def _told(user: User, words: Words) -> Reply:
    said = Words(words.it.format(user.name), words.en.format(user.name))
    return {"user": user.name, "stamp": user.stamp, "said": plain(said)}


def _new(arguments: Arguments, roles: frozenset[Role], *, must_change: bool) -> User:
    def word(key: str) -> str:
        return _word(arguments, key)

    unit, position, language = word("unit"), word("position"), word("language")
    return User(word("name"), word("shown"), roles, unit, position, language, must_change)


def _changes(arguments: Arguments) -> dict[str, Any]:
    named = [field for field in FIELDS if field in arguments]
    if not named:
        raise SaidError(
            Words(
                f"non c'è nulla da cambiare: indicare almeno uno fra {', '.join(FIELDS)}",
                f"nothing to change; known are {', '.join(FIELDS)}",
            )
        )
    read: dict[str, Callable[[], Any]] = {
        "roles": lambda: _roles(arguments),
        "disabled": lambda: _flag(arguments, "disabled"),
    }
    return {field: read.get(field, lambda f=field: _word(arguments, f))() for field in named}


def _word(arguments: Arguments, key: str) -> str:
    value = arguments.get(key, "")
    if not isinstance(value, str) or len(value) > LONGEST_WORD:
        raise OfficeError(f"{key} is a text of at most {LONGEST_WORD} characters")
    return " ".join(value.split())


def _flag(arguments: Arguments, key: str) -> bool:
    value = arguments.get(key, True)
    if not isinstance(value, bool):
        raise OfficeError(f"{key} is true or false")
    return value


def _roles(arguments: Arguments) -> frozenset[Role]:
    value = arguments.get("roles")
    try:
        return frozenset(Role(each) for each in value) if isinstance(value, list) else frozenset()
    except ValueError as error:
        raise OfficeError(f"{error}; known are {', '.join(Role)}") from error


def _hash(arguments: Arguments) -> str:
    text = arguments.get("password")
    check_hash(text if isinstance(text, str) else "")
    return str(text)
