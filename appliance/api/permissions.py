"""Permissions of commands: who may send which one over the control socket.

Each handler declares its permissions by `command`. The console checks them first, call control
checks them again: the console's command names the logged-in user, who must exist, hold one of the
permissions and act in no other user's name. A shell on the box needs access to the socket only,
which the file's mode grants to the service's account and the administrator; the audit then holds
the name that the shell gave.
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
"""Anybody may send it: it changes nothing, or carries a secret of its own."""
ANYBODY: Final = frozenset(Permission)
"""Any user may send it; the handler refuses what belongs to somebody else."""
SHELL: Final = None
"""Only a shell on the box may send it, never the console."""

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
"""Permissions of each command, of which one is needed: here those of appliance/service, added by
`command` those of this package. Missing entries default to ANYBODY; a test reports them."""
_NAMES: Final[dict[object, tuple[str, ...]]] = {}
"""Command names by handler."""
# A position is not a person (E19): `by` cannot be compared with the logged-in user.
IN_A_PLACE: Final = frozenset({"SetAway"})
"""Commands whose `by` is a position."""


def command(*names: str, needs: Permission | frozenset[Permission] | None) -> Callable[[F], F]:
    """Declare the commands that a function handles and their permissions (one is enough)."""
    needed = frozenset({needs}) if isinstance(needs, Permission) else needs

    def declared(handler: F) -> F:
        # Filled as the handlers' modules are imported.
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
    """Map command names to the object's methods that are declared for them."""
    methods = [each for kind in type(owner).__mro__ for each in vars(kind).items()]
    return {
        name: getattr(owner, attribute)
        for attribute, function in methods
        if isinstance(function, FunctionType)
        for name in _NAMES.get(function, ())
    }


class Rights:
    """The users and their permissions, in memory."""

    def __init__(self, records: DatabaseWriter) -> None:
        self._records = records
        # In memory because a stalled disk must keep nobody from a command.
        self._users: Mapping[str, User] = {}
        self.on_person: Callable[[], None] = lambda: None
        """Called after each permitted command: somebody is at the console."""

    def check(self, arguments: Arguments, person: str) -> None:
        """Raise Refused if the user `person` ("" for nobody) may not send a command."""
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
        # The audit must hold the user who acted.
        if by != person and asked not in IN_A_PLACE:
            raise Refused(
                f"«{person}» non può chiedere a nome di altri",
                f"{person!r} cannot ask in the name of others",
            )
        self.on_person()

    def read_anew(self, then: Callable[[], None]) -> None:
        """Read the users again, then call `then`; on an error the previous ones stay."""

        def done(result: Mapping[str, User] | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self._users = result
            then()

        self._records.do(_everybody, done)

    def learn(self, connection: sqlite3.Connection) -> None:
        """Read the users from the database; in the database thread."""
        self._users = _everybody(connection)


def _everybody(connection: sqlite3.Connection) -> Mapping[str, User]:
    return {user.name: user for user in users.everybody(connection)}


def check_may(connection: sqlite3.Connection, by: str, permission: Permission) -> None:
    """Check a permission in the database job that needs it; raises Refused, sqlite3.Error."""
    check_entitled(users.find_user(connection, by), by, frozenset({permission}))


def check_own(connection: sqlite3.Connection, by: str, unit: str) -> None:
    """Refuse an office's user the requests of other offices; raises Refused, sqlite3.Error."""
    # A name without a user comes from a shell on the box: `Rights.check` lets no other through.
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
        # One message for several permissions: the first in the order of the enum.
        words = permission_refusal(min(needed, key=list(Permission).index))
        raise Refused(words.it, words.en)
