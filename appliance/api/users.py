"""Users: adding and changing them, passwords, the first user's code, the shell's proof.

Call control gets hashes only, never a password.
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

# ---- the first user's code ---------------------------------------------------------------------

log = logging.getLogger(__name__)

CODE_FILE: Final = "first-user-code.txt"
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letter that looks like a digit: the code is copied from paper or another screen."""
GROUPS, GROUP = 3, 4
"""59 bits: a thousand tries a second for ten years find one code in a million."""


def code_path(state: Path) -> Path:
    """Return the path of the file with the code."""
    return state / CODE_FILE


def keep_code(state: Path, *, is_wanted: bool) -> None:
    """Make a code while there is no user, delete it afterwards; raises OSError."""
    path = code_path(state)
    if not is_wanted:
        path.unlink(missing_ok=True)
    elif not plain_code(load_text(path)):
        atomic_write(path, _new_code() + "\n")
        log.warning("no user yet: the code for the first one is in %s", path)


def is_code(state: Path, code: str) -> bool:
    """Tell whether it is the code, in any spelling; without a file none is right."""
    kept, given = plain_code(load_text(code_path(state))), plain_code(code)
    return bool(kept) and secrets.compare_digest(kept, given)


def plain_code(code: str) -> str:
    """Return a code's letters and digits, in capitals."""
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def wanted(state: Path) -> Words:
    """Say that there is no user yet and what to do; nothing once there is one."""
    path = code_path(state)
    try:
        if not path.exists():
            return NOTHING
    except OSError:  # not for whoever asks to see
        return NOTHING
    return Words(
        f"la console non ha ancora utenti: creare il primo con il codice in {path}",
        f"the console has no user yet: make the first one with the code in {path}",
    )


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


# ---- proof of a shell on the box ---------------------------------------------------------------

PROOF_FILE: Final = "private/shell-proof"
"""Below the state folder; only the administrator writes there, the console's unit hides it: a
command that repeats the word in this file comes from a shell, not from the console."""


def prepare_proof(state: Path) -> None:
    """Make the folder as call control, which can then read what root writes; raises OSError."""
    make_private((state / PROOF_FILE).parent)


@contextlib.contextmanager
def proof(state: Path) -> Iterator[str]:
    """Write a word, yield it, delete it; raises OfficeError without the right to write."""
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
    """Tell whether the word is the one in the file; reads the disk."""
    kept = load_text(state / PROOF_FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())


# ---- commands ----------------------------------------------------------------------------------

LONGEST_WORD: Final = 64
LOGGED_EVERY_S: Final = 60.0
"""A wrong code for the first user is logged, the next ones within a minute are not."""
FIELDS: Final = ("shown", "roles", "unit", "position", "language", "disabled")
"""What of a user can be changed."""
FIRST_ROLES: Final = frozenset({Role.HEAD, Role.TECHNICIAN})
"""Who makes all the others; who is head and who technician is settled then."""
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
        """Read the users, and make the first one's code where there is none."""

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
        """Make a user; the password is to be changed at the first login unless said otherwise."""
        kept = _hash(arguments)
        user = _new(arguments, _roles(arguments), must_change=_flag(arguments, "must_change"))
        units = self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            check_user(user, units, self._positions)
            return _told(users.add(connection, user, kept, asked), ADDED)

        return self._later(arguments, job)

    @command("user_change", needs=ANYBODY)
    def change(self, arguments: Arguments) -> DeferredReply:
        """Change the named fields of a user, and nothing else."""
        name, changes = _word(arguments, "name"), _changes(arguments)
        units = self._units()

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            if before := users.find_user(connection, name):
                self._check_change(before, changes, units)
            return _told(users.change(connection, name, changes, asked), CHANGED)

        return self._later(arguments, job)

    @command("user_password", needs=ANYBODY)
    def password(self, arguments: Arguments) -> DeferredReply:
        """Give a user a new password: one's own, or by who manages users."""
        name, kept = _word(arguments, "name"), _hash(arguments)
        must_change = _flag(arguments, "must_change")

        def job(connection: sqlite3.Connection, asked: ChangeRequester) -> Reply:
            user = users.set_password(connection, name, kept, asked, must_change=must_change)
            return _told(user, RENEWED)

        return self._later(arguments, job)

    @command("first_user", needs=FREE)
    def first(self, arguments: Arguments) -> DeferredReply:
        """Add the first user, for whoever has the code."""
        kept, code = _hash(arguments), str(arguments.get("code"))[:LONGEST_WORD]
        user = _new(arguments, FIRST_ROLES, must_change=False)
        at, units = self._now(), self._units()

        def job(connection: sqlite3.Connection) -> Reply:
            self._check_code(code, at)
            check_user(user, units, self._positions)
            users.add_first(connection, user, kept, at.wall)
            keep_code(self._state, is_wanted=False)
            return _told(user, ADDED)

        return self._answered(job)

    def _check_code(self, code: str, at: Now) -> None:
        """Raise AccountError for a wrong code; in the database thread only."""
        if is_code(self._state, code):
            return
        # No lock-out: anybody on the LAN could keep out who has the right code. Nobody finds 59
        # bits by trying, and the console slows down each address by itself.
        if at.monotonic >= self._silent_until:  # a stranger could fill the journal
            self._silent_until = at.monotonic + LOGGED_EVERY_S
            log.warning("a wrong code for the first user was given")
        raise AccountError(
            f"codice errato: quello giusto sta nel file {CODE_FILE} dell'apparecchio, finché "
            "non c'è un utente",
            f"the code is wrong: it is in the box's file {CODE_FILE} while there is no user",
        )

    def _check_change(self, before: User, changes: dict[str, Any], units: tuple[str, ...]) -> None:
        """Check the user as it will be; one's old unit and position may have gone meanwhile."""
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
            self.rights.learn(connection)
            return answer

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
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
