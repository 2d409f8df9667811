"""Users of the console: rows that are created and changed, never deleted.

So a name in the audit log stays one person's. Checking, writing and audit are one transaction; the
same change twice is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.policy.users import AccountError, Role, User, check_last_holder, check_may_change
from appliance.store import database, drafts
from appliance.store.database import Noted, transaction
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3


# ---- drafts ------------------------------------------------------------------------------------
# Text that a user has not saved yet: it outlives a browser or a box that ends meanwhile (E18).

# A draft holds what citizens have said: it is not kept for longer.
KEPT: Final = timedelta(days=1)
"""Longest life of a draft."""
# Drafts of one user; a further one replaces the oldest.
MOST: Final = 5
# A form has one draft a user: the last one.
_KEEP: Final = """
    INSERT INTO drafts (user, place, body, kept_at) VALUES (:user, :place, :body, :at)
    ON CONFLICT (user, place) DO UPDATE SET body = :body, kept_at = :at
"""
_FEWER: Final = """
    DELETE FROM drafts WHERE user = :user AND place NOT IN (
        SELECT place FROM drafts WHERE user = :user ORDER BY julianday(kept_at) DESC LIMIT :most
    )
"""


def keep(connection: sqlite3.Connection, user: str, place: str, body: str, at: datetime) -> None:
    """Store a user's draft of a form in place of the former one; "" deletes it.

    Raises OfficeError if it may hold what was erased meanwhile (E20).
    """
    with transaction(connection):
        former = find_draft(connection, user, place, at)
        if former:
            body = drafts.marked(former, body, at, KEPT)
        if not body:
            values = (user, place)
            connection.execute("DELETE FROM drafts WHERE user = ? AND place = ?", values)
            return
        row = {"user": user, "place": place, "body": body, "at": at.isoformat(), "most": MOST}
        connection.execute(_KEEP, row)
        connection.execute(_FEWER, row)


def find_draft(connection: sqlite3.Connection, user: str, place: str, now: datetime) -> str:
    """Return a user's draft of a form from the last day, "" for none."""
    row = connection.execute(
        "SELECT body FROM drafts WHERE user = ? AND place = ? "
        "AND julianday(kept_at) > julianday(?)",
        (user, place, (now - KEPT).isoformat()),
    ).fetchone()
    return str(row[0]) if row else ""


def forget_old(connection: sqlite3.Connection, now: datetime) -> None:
    """Delete drafts older than a day."""
    before = ((now - KEPT).isoformat(),)
    old = "julianday(kept_at) <= julianday(?)"
    # Looked for first: nothing is written to the card when there is none.
    if connection.execute(f"SELECT 1 FROM drafts WHERE {old} LIMIT 1", before).fetchone():  # noqa: S608 - constant
        connection.execute(f"DELETE FROM drafts WHERE {old}", before)  # noqa: S608 - constant


# ---- users -------------------------------------------------------------------------------------

ADDED: Final = "user.add"
CHANGED: Final = "user.change"
PASSWORD: Final = "user.password"  # noqa: S105 - a code in the audit
FIRST: Final = "user.first"
SHELL: Final = "shell: "
"""Prefix of a person's name who changes users from the box's shell."""
_INSERT: Final = """
    INSERT INTO users (name, shown, roles, unit, position, language, password, must_change,
        created_at, created_by)
    VALUES (:name, :shown, :roles, :unit, :position, :language, :password, :must_change, :at, :by)
"""
# A user is disabled, never deleted: a trigger refuses that (schema/013).
_UPDATE: Final = """
    UPDATE users SET shown = :shown, roles = :roles, unit = :unit, position = :position,
        language = :language, disabled = :disabled, stamp = :stamp
    WHERE name = :name
"""


@dataclass(frozen=True, slots=True)
class ChangeRequester:
    """The person who changes a user, and when; a change from the shell needs no permission."""

    by: str
    at: datetime
    shell: bool = False

    @property
    def who(self) -> str:
        """Return who it was, for the audit."""
        return f"{SHELL}{self.by}" if self.shell else self.by


def changed(user: User, changes: dict[str, Any]) -> User:
    """Return the user with changes applied."""
    return replace(user, **changes)


def everybody(connection: sqlite3.Connection) -> tuple[User, ...]:
    """List all users by name, disabled ones included."""
    return tuple(_user(row) for row in connection.execute("SELECT * FROM users ORDER BY name"))


def find_user(connection: sqlite3.Connection, name: str) -> User | None:
    """Look a user up by name."""
    row = connection.execute("SELECT * FROM users WHERE name = ?", (name,)).fetchone()
    return _user(row) if row else None


def shown_name(connection: sqlite3.Connection, name: str) -> str:
    """Return a user's own name for a login name, which stays where no user has it."""
    user = find_user(connection, name)
    return user.shown if user and user.shown else name


def password_of(connection: sqlite3.Connection, name: str) -> str:
    """Return a user's password hash, "" for an unknown or disabled user."""
    row = connection.execute(
        "SELECT password FROM users WHERE name = ? AND disabled = 0", (name,)
    ).fetchone()
    return str(row[0]) if row else ""


def add(connection: sqlite3.Connection, user: User, password: str, asked: ChangeRequester) -> User:
    """Create a user; raises AccountError without permission, or if the name is taken."""
    with transaction(connection):
        check_may_change(_asking(connection, asked), None, user)
        if not _is_made(connection, user, asked):
            _insert(connection, user, password, asked, ADDED)
    return user


def add_first(connection: sqlite3.Connection, user: User, password: str, at: datetime) -> User:
    """Create the first user; raises AccountError if there is any user."""
    asked = ChangeRequester(user.name, at)
    with transaction(connection):
        if not _is_made(connection, user, asked):
            if everybody(connection):
                raise AccountError(
                    _("there is a user already: the first one makes the others"),
                )
            _insert(connection, user, password, asked, FIRST)
    return user


def change(
    connection: sqlite3.Connection, name: str, changes: dict[str, Any], asked: ChangeRequester
) -> User:
    """Change a user; raises AccountError without permission, for the last supervisor or oneself.

    Nobody ends their own access: one click would lock them out.
    """
    with transaction(connection):
        before = required_user(connection, name)
        after = changed(before, changes)
        # Users may change their own language without permission.
        if not _is_own(name, asked) or set(changes) - {"language"}:
            check_may_change(_asking(connection, asked), before, after)
        check_last_holder(everybody(connection), after)
        if _is_own(name, asked) and after.disabled:
            raise AccountError(
                _("nobody takes their own access away: have another supervisor do it")
            )
        # A new stamp ends the sessions begun before (schema/013).
        if after.disabled and not before.disabled:
            after = replace(after, stamp=before.stamp + 1)
        if after != before:
            connection.execute(_UPDATE, _row(after))
            _note(connection, asked, CHANGED, f"{name}: {', '.join(_told(before, after))}")
    return after


def set_password(
    connection: sqlite3.Connection,
    name: str,
    password: str,
    asked: ChangeRequester,
    *,
    must_change: bool,
) -> User:
    """Set a user's password and end the user's sessions; raises AccountError."""
    with transaction(connection):
        before = required_user(connection, name)
        if not _is_own(name, asked):
            check_may_change(_asking(connection, asked), before, before)
        # "password <> ?1": the same job, repeated after an unknown outcome, ends no session twice.
        if connection.execute(
            "UPDATE users SET password = ?1, must_change = ?2, stamp = stamp + 1 "
            "WHERE name = ?3 AND password <> ?1",
            (password, must_change, name),
        ).rowcount:
            _note(connection, asked, PASSWORD, name)
        return required_user(connection, name)


def _is_own(name: str, asked: ChangeRequester) -> bool:
    return asked.by == name and not asked.shell


def _asking(connection: sqlite3.Connection, asked: ChangeRequester) -> User | None:
    # A person with the box's shell can do anything there: no permission is asked for, but the audit
    # log names the shell.
    return None if asked.shell else required_user(connection, asked.by)


def required_user(connection: sqlite3.Connection, name: str) -> User:
    """Return a user; raises AccountError for an unknown one."""
    user = find_user(connection, name)
    if user is None:
        raise AccountError(_("there is no user {name!r}", name=name))
    return user


def _is_made(connection: sqlite3.Connection, user: User, asked: ChangeRequester) -> bool:
    """Tell whether this very job was done before; raises AccountError for another such user."""
    row = connection.execute(
        "SELECT created_at, created_by FROM users WHERE name = ?", (user.name,)
    ).fetchone()
    if row is None:
        return False
    if tuple(row) != (asked.at.isoformat(), asked.who):
        raise AccountError(
            _("there is a user {name} already: choose another name", name=user.name),
        )
    return True


def _insert(
    connection: sqlite3.Connection, user: User, password: str, asked: ChangeRequester, what: str
) -> None:
    row = {**_row(user), "password": password, "at": asked.at.isoformat(), "by": asked.who}
    connection.execute(_INSERT, row)
    _note(connection, asked, what, f"{user.name} ({user.shown}): {_roles(user)}")


def _note(connection: sqlite3.Connection, asked: ChangeRequester, what: str, about: str) -> None:
    database.note(connection, Noted(asked.at, asked.who, what, about))


def _told(before: User, after: User) -> list[str]:
    """List the changes for the audit log, as "column old -> new"."""
    old, new = _row(before), _row(after)
    return [f"{key} {old[key]} -> {new[key]}" for key in new if old[key] != new[key]]


def _roles(user: User) -> str:
    return " ".join(role for role in Role if role in user.roles)


def _row(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "shown": user.shown,
        "roles": _roles(user),
        "unit": user.unit,
        "position": user.position,
        "language": user.language,
        "must_change": int(user.must_change),
        "disabled": int(user.disabled),
        "stamp": user.stamp,
    }


def _user(row: sqlite3.Row) -> User:
    """Make a user of a row."""
    # Roles of a later version are left out: after a fall-back this one does not know them.
    return User(
        row["name"],
        row["shown"],
        frozenset(Role(each) for each in row["roles"].split() if each in set(Role)),
        row["unit"],
        row["position"],
        row["language"],
        bool(row["must_change"]),
        bool(row["disabled"]),
        row["stamp"],
    )
