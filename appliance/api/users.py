"""Commands on users."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.api.permissions import Rights
from appliance.api.protocol import DeferredReply, Reply, SendReply, plain
from appliance.errors import CentralinoError, OfficeError
from appliance.files import atomic_write, load_text, make_private
from appliance.policy.clock import Now
from appliance.policy.supervision import why_not
from appliance.policy.text import NOTHING, Refused, SaidError, Words
from appliance.policy.users import AccountError, Role, User, check_hash, check_user
from appliance.service.phones import write_whole
from appliance.store import users
from appliance.store.users import Asked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from appliance.config.schema import Settings
    from appliance.service.loop import Stores


# ---- first user --------------------------------------------------------------------------------
# The code by which the first user of all is made: in a file of the state folder, until then.

log = logging.getLogger(__name__)

CODE_FILE: Final = "first-user-code.txt"
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letter that is read for a digit: the code is copied from paper or another screen."""
GROUPS, GROUP = 3, 4
"""59 bits: a thousand tries a second for ten years find one code in a million."""


def code_path(state: Path) -> Path:
    """Say where the code lies."""
    return state / CODE_FILE


def keep_code(state: Path, *, is_wanted: bool) -> None:
    """Have a code there while there is no user, and none afterwards; raises OSError."""
    path = code_path(state)
    if not is_wanted:
        path.unlink(missing_ok=True)
    elif not plain_code(load_text(path)):
        atomic_write(path, _new_code() + "\n")
        log.warning("no user yet: the code for the first one is in %s", path)


def is_code(state: Path, code: str) -> bool:
    """Tell whether it is the code, however it is written; without a file none is right."""
    kept, given = plain_code(load_text(code_path(state))), plain_code(code)
    return bool(kept) and secrets.compare_digest(kept, given)


def plain_code(code: str) -> str:
    """Return a code without the marks and the case in which it was written."""
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def wanted(state: Path) -> Words:
    """Say that nobody can log in yet and what to do; nothing once there is a user."""
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


# ---- shell proof -------------------------------------------------------------------------------
# Proof that a question comes from the box's own shell, and not from the console.
#
# Both ask at the same door. Who can write into the desk's state folder is the administrator: a file
# there, in a folder that the console's unit hides from it, holds a word that the question repeats.

PROOF_FILE: Final = "private/shell-proof"


def prepare_proof(state: Path) -> None:
    """Make the folder, as the desk: what root lays there is then the desk's; raises OSError."""
    make_private((state / PROOF_FILE).parent)


@contextlib.contextmanager
def proof(state: Path) -> Iterator[str]:
    """Lay the word down, yield it, take it away; raises OfficeError without the right to."""
    word = secrets.token_hex(16)
    if not (state / PROOF_FILE).parent.is_dir():
        raise Refused(
            "il centralino qui non è mai stato avviato: avviarlo una volta, poi riprovare",
            "the desk has never run here: start it first",
        )
    try:
        write_whole(state / PROOF_FILE, word)
    except OSError as error:
        raise Refused(
            "dalla riga di comando questo spetta all'amministratore: usare sudo "
            f"({why_not(error).it})",
            f"from the shell this is for the administrator alone: use sudo ({error})",
        ) from error
    try:
        yield word
    finally:
        (state / PROOF_FILE).unlink(missing_ok=True)


def proof_is_right(state: Path, word: object) -> bool:
    """Tell whether the word is the one that was laid down; reads the disk."""
    kept = load_text(state / PROOF_FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())


# ---- user questions ----------------------------------------------------------------------------
# What is asked at the door about users: made, changed, given a password; the first one of all.
#
# Done and answered in the records' thread. The desk gets hashes only, never a password.

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


class UserQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, settings: Settings, stores: Stores, now: Callable[[], Now]) -> None:
        self._state = Path(settings.folders.state)
        self._positions = tuple(phone.name for phone in settings.phones)
        self._stores, self._now = stores, now
        self._silent_until = 0.0
        self.rights = Rights(stores.records)

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], DeferredReply]]:
        """Name what may be asked."""
        return {
            "user_add": self.add,
            "user_change": self.change,
            "user_password": self.password,
            "first_user": self.first,
        }

    def start(self) -> None:
        """Have a code for the first user where there is none yet."""

        def look(connection: sqlite3.Connection) -> None:
            self.rights.learn(connection)
            prepare_proof(self._state)
            keep_code(self._state, is_wanted=not users.everybody(connection))

        def told(result: object) -> None:
            if isinstance(result, CentralinoError):
                log.error("whether there are users is not known: %s", result)

        self._stores.records.do(look, told)

    def add(self, question: dict[str, Any]) -> DeferredReply:
        """Make a user; the password is to be changed at the first login unless said otherwise."""
        kept = _hash(question)
        user = _new(question, _roles(question), must_change=_flag(question, "must_change"))
        units = self._units()

        def job(connection: sqlite3.Connection, asked: Asked) -> Reply:
            check_user(user, units, self._positions)
            return _told(users.add(connection, user, kept, asked), ADDED)

        return self._later(question, job)

    def change(self, question: dict[str, Any]) -> DeferredReply:
        """Change what is named in the question, and nothing else."""
        name, changes = _word(question, "name"), _changes(question)
        units = self._units()

        def job(connection: sqlite3.Connection, asked: Asked) -> Reply:
            if before := users.find_user(connection, name):
                self._check_change(before, changes, units)
            return _told(users.change(connection, name, changes, asked), CHANGED)

        return self._later(question, job)

    def password(self, question: dict[str, Any]) -> DeferredReply:
        """Give a user a new password: one's own, or by who manages users."""
        name, kept = _word(question, "name"), _hash(question)
        must_change = _flag(question, "must_change")

        def job(connection: sqlite3.Connection, asked: Asked) -> Reply:
            user = users.set_password(connection, name, kept, asked, must_change=must_change)
            return _told(user, RENEWED)

        return self._later(question, job)

    def first(self, question: dict[str, Any]) -> DeferredReply:
        """Make the first user, for whoever has the code."""
        kept, code = _hash(question), str(question.get("code"))[:LONGEST_WORD]
        user = _new(question, FIRST_ROLES, must_change=False)
        at, units = self._now(), self._units()

        def job(connection: sqlite3.Connection) -> Reply:
            self._check_code(code, at)
            check_user(user, units, self._positions)
            users.add_first(connection, user, kept, at.wall)
            keep_code(self._state, is_wanted=False)
            return _told(user, ADDED)

        return self._answered(job)

    def _check_code(self, code: str, at: Now) -> None:
        """Refuse a wrong code; in the records' thread alone.

        Wrong ones never keep out who has the right one: anybody on the LAN could hold the form
        shut. Nobody finds 59 bits by trying; the console slows down each address by itself.
        """
        if is_code(self._state, code):
            return
        if at.monotonic >= self._silent_until:  # a stranger could fill the journal
            self._silent_until = at.monotonic + LOGGED_EVERY_S
            log.warning("a wrong code for the first user was given")
        raise AccountError(
            f"codice errato: quello giusto sta nel file {CODE_FILE} dell'apparecchio, finché "
            "non c'è un utente",
            f"the code is wrong: it is in the box's file {CODE_FILE} while there is no user",
        )

    def _check_change(self, before: User, changes: dict[str, Any], units: tuple[str, ...]) -> None:
        """Check the user as it will be; a place that has gone meanwhile hinders nothing else."""
        after = users.changed(before, changes)
        check_user(after, (*units, before.unit), (*self._positions, before.position))

    def _units(self) -> tuple[str, ...]:
        return tuple(unit.code for unit in self._stores.register.register.units)

    def _later(
        self, question: dict[str, Any], job: Callable[[sqlite3.Connection, Asked], Reply]
    ) -> DeferredReply:
        by, word, at = _word(question, "by"), question.get("proof"), self._now().wall

        def with_asked(connection: sqlite3.Connection) -> Reply:
            if word is not None and not proof_is_right(self._state, word):
                raise SaidError(
                    Words(
                        "questa non è la prova della riga di comando: ripetere il comando",
                        "that is no proof of the box's shell: say the command again",
                    )
                )
            return job(connection, Asked(by, at, shell=word is not None))

        return self._answered(with_asked)

    def _answered(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        def known(connection: sqlite3.Connection) -> Reply:
            answer = job(connection)
            self.rights.learn(connection)
            return answer

        def later(tell: SendReply) -> None:
            self._stores.records.do(known, lambda result: tell(_refused(result)))

        return later


def _refused(result: Reply | CentralinoError) -> Reply | CentralinoError:
    """Let a refusal be said in both languages."""
    if isinstance(result, AccountError):
        return {"done": False, "said": plain(result.words)}
    return result


def _told(user: User, words: Words) -> Reply:
    said = Words(words.it.format(user.name), words.en.format(user.name))
    return {"user": user.name, "stamp": user.stamp, "said": plain(said)}


def _new(question: dict[str, Any], roles: frozenset[Role], *, must_change: bool) -> User:
    def word(key: str) -> str:
        return _word(question, key)

    unit, position, language = word("unit"), word("position"), word("language")
    return User(word("name"), word("shown"), roles, unit, position, language, must_change)


def _changes(question: dict[str, Any]) -> dict[str, Any]:
    named = [field for field in FIELDS if field in question]
    if not named:
        raise SaidError(
            Words(
                f"non c'è nulla da cambiare: indicare almeno uno fra {', '.join(FIELDS)}",
                f"nothing to change; known are {', '.join(FIELDS)}",
            )
        )
    read: dict[str, Callable[[], Any]] = {
        "roles": lambda: _roles(question),
        "disabled": lambda: _flag(question, "disabled"),
    }
    return {field: read.get(field, lambda f=field: _word(question, f))() for field in named}


def _word(question: dict[str, Any], key: str) -> str:
    value = question.get(key, "")
    if not isinstance(value, str) or len(value) > LONGEST_WORD:
        raise OfficeError(f"{key} is a text of at most {LONGEST_WORD} characters")
    return " ".join(value.split())


def _flag(question: dict[str, Any], key: str) -> bool:
    value = question.get(key, True)
    if not isinstance(value, bool):
        raise OfficeError(f"{key} is true or false")
    return value


def _roles(question: dict[str, Any]) -> frozenset[Role]:
    value = question.get("roles")
    try:
        return frozenset(Role(each) for each in value) if isinstance(value, list) else frozenset()
    except ValueError as error:
        raise OfficeError(f"{error}; known are {', '.join(Role)}") from error


def _hash(question: dict[str, Any]) -> str:
    text = question.get("password")
    check_hash(text if isinstance(text, str) else "")
    return str(text)
