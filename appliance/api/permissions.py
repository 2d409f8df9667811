"""Permissions of commands: who may send which one over the control socket.

Each handler declares them by `command`. The console checks them first, call control again: the
console's command names the person who is logged in there, who must be a user, hold one of the
permissions, and send it in no other's name. A shell on the box needs no more than access to the
socket, which its mode gives to the service's account and the administrator; the audit has the name
that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.api.protocol import Arguments, Handlers
from appliance.errors import CentralinoError
from appliance.policy.text import Refused
from appliance.policy.users import Permission, permission_refusal, permissions_of
from appliance.store import users

if TYPE_CHECKING:
    import sqlite3

    from appliance.policy.users import User
    from appliance.store.writer import DatabaseWriter

F = TypeVar("F", bound=Callable[..., object])

FREE: Final = frozenset[Permission]()
"""Sent by anybody: it changes nothing, or carries a secret of its own."""
ANYBODY: Final = frozenset(Permission)
"""Sent by any user; the handler itself refuses what is not one's own."""
SHELL: Final = None
"""Never sent by the console."""

NEEDS: Final[dict[str, frozenset[Permission] | None]] = {
    **dict.fromkeys(("status", "watch", "figures"), FREE),
    **dict.fromkeys(("spoken", "policy_part", "policy_write"), SHELL),
    **dict.fromkeys(
        ("SetUnattended", "SetClosed", "SetOpened", "SetAllAbsent"),
        frozenset({Permission.SET_STATES}),
    ),
    "SetAway": frozenset({Permission.SEE_DESK}),
    **dict.fromkeys(
        (
            "line_restart", "settings", "chores", "config_check", "backup_make", "backup_check",
            "backup_fetch", "backup_drop",
            "backup_target", "backup_target_write", "backup_target_look", "backup_target_set_up",
        ),
        frozenset({Permission.TECHNICAL}),
    ),
}  # fmt: skip
"""Each command and the permissions of which one is needed: those that appliance/service handles,
and by `command` those of this package. A missing one needs ANYBODY; a test names it."""
_NAMES: Final[dict[object, tuple[str, ...]]] = {}
"""The commands of each handler."""
IN_A_PLACE: Final = frozenset({"SetAway"})
"""Commands whose `by` is a position: a position is not a person (E19)."""


def command(*names: str, needs: Permission | frozenset[Permission] | None) -> Callable[[F], F]:
    """Declare which commands a function handles, and the permissions of which one is needed."""
    needed = frozenset({needs}) if isinstance(needs, Permission) else needs

    def declared(handler: F) -> F:
        NEEDS.update(dict.fromkeys(names, needed))
        _NAMES[handler] = (*_NAMES.get(handler, ()), *names)
        return handler

    return declared


class CommandHandlers:
    """Base of a class whose methods are declared by `command`."""

    __slots__ = ()

    @property
    def known(self) -> Handlers:
        """Map each command to its method."""
        return handlers_of(self)


def handlers_of(owner: object) -> Handlers:
    """Map each command that a method of the object is declared for to that method."""
    methods = [each for kind in type(owner).__mro__ for each in vars(kind).items()]
    return {
        name: getattr(owner, attribute)
        for attribute, function in methods
        if isinstance(function, FunctionType)
        for name in _NAMES.get(function, ())
    }


class Rights:
    """The users and their permissions, in memory: a stalled disk keeps nobody from a command."""

    def __init__(self, records: DatabaseWriter) -> None:
        self._records = records
        self._users: Mapping[str, User] = {}
        self.on_person: Callable[[], None] = lambda: None
        """Called when a user has sent a command that she may send: somebody is at the console."""

    def check(self, arguments: Arguments, person: str) -> None:
        """Raise Refused for a command that a person ("" for nobody) may not send."""
        asked = str(arguments.get("ask"))
        needed = NEEDS.get(asked, ANYBODY)
        if needed == FREE:
            return
        if needed is SHELL:
            raise Refused(
                f"«{asked}» si chiede solo dall'apparecchio stesso",
                f"{asked!r} is asked on the box itself alone",
            )
        check_entitled(self._users.get(person), person, needed)
        by = arguments.get("by", person)
        if by != person and asked not in IN_A_PLACE:
            raise Refused(
                f"«{person}» non può chiedere a nome di altri",
                f"{person!r} cannot ask in the name of others",
            )
        self.on_person()

    def read_anew(self, then: Callable[[], None]) -> None:
        """Read the users, then call `then`; where they cannot be read the last ones hold."""

        def done(result: Mapping[str, User] | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._users = result
            then()

        self._records.do(_everybody, done)

    def learn(self, connection: sqlite3.Connection) -> None:
        """Read the users; in the database thread."""
        self._users = _everybody(connection)


def _everybody(connection: sqlite3.Connection) -> Mapping[str, User]:
    return {user.name: user for user in users.everybody(connection)}


def check_may(connection: sqlite3.Connection, by: str, permission: Permission) -> None:
    """Check a permission in the database job that needs it; raises Refused, sqlite3.Error."""
    check_entitled(users.find_user(connection, by), by, frozenset({permission}))


def check_own(connection: sqlite3.Connection, by: str, unit: str) -> None:
    """Refuse a user of an office the requests of others; raises Refused, sqlite3.Error.

    A name that is no user's is of a shell on the box.
    """
    user = users.find_user(connection, by)
    if user and Permission.REQUESTS not in permissions_of(user.roles) and user.unit != unit:
        raise Refused(
            f"questa richiesta non è dell'ufficio di «{by}»",
            f"that request is not of the office of {by!r}",
        )


def check_entitled(user: User | None, by: str, needed: frozenset[Permission]) -> None:
    """Raise Refused for an unknown or disabled user, or one without any of the permissions."""
    if user is None or user.disabled:
        raise Refused(
            f"«{by}» non è un utente che può entrare: entrare di nuovo",
            f"{by!r} is no user who may log in: log in again",
        )
    if not needed & permissions_of(user.roles):
        words = permission_refusal(min(needed, key=list(Permission).index))
        raise Refused(words.it, words.en)
