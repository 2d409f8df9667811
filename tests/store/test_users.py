"""People who may use the console, in the database: made by whom, changed by whom, never deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.policy.users import AccountError, Role, User
from appliance.store import database, users
from appliance.store.database import open_database
from appliance.store.users import ChangeRequester

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ANNA = User("anna", "Anna Verdi", frozenset({Role.HEAD, Role.TECHNICIAN}))
CARLA = User("carla", "Carla Blu", frozenset({Role.OPERATOR}), position="op1", must_change=True)
BY_ANNA = ChangeRequester("anna", AT)
HASH, OTHER = "$argon2id$one", "$argon2id$two"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Records with a head and an operator."""
    with closing(open_database(tmp_path / "c.db", tmp_path / "corrupt").connection) as c:
        users.add_first(c, ANNA, HASH, AT)
        users.add(c, CARLA, HASH, BY_ANNA)
        yield c


def noted(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return who did what, newest first."""
    return [(n.by, n.what, n.about) for n in database.latest(connection, "user.")]


def test_users_are_kept_and_on_record(records: sqlite3.Connection) -> None:
    """As they were made; who made them stands in the audit, the hash does not."""
    assert users.everybody(records) == (ANNA, CARLA)
    assert users.find_user(records, "dino") is None
    assert users.shown_name(records, "carla") == "Carla Blu"
    assert users.shown_name(records, "dino") == "dino"
    assert users.password_of(records, "carla") == HASH
    assert users.password_of(records, "dino") == ""
    assert noted(records) == [
        ("anna", "user.add", "carla (Carla Blu): operator"),
        ("anna", "user.first", "anna (Anna Verdi): head technician"),
    ]


def test_the_first_user_is_the_first(records: sqlite3.Connection) -> None:
    """Whoever has the code makes one user, and no second one; the same job twice is one."""
    users.add_first(records, ANNA, HASH, AT)
    with pytest.raises(AccountError, match="the first one makes the others"):
        users.add_first(records, replace(ANNA, name="eve"), HASH, AT)
    assert [user.name for user in users.everybody(records)] == ["anna", "carla"]


def test_a_name_is_one_persons(records: sqlite3.Connection) -> None:
    """The same job twice is one; somebody else of that name is refused; nobody is deleted."""
    users.add(records, CARLA, HASH, BY_ANNA)
    with pytest.raises(AccountError, match="a user carla already") as refused:
        users.add(records, CARLA, OTHER, ChangeRequester("anna", AT + timedelta(hours=1)))
    assert "c'è già" in refused.value.words.text("it")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        records.execute("DELETE FROM users")


def test_nobody_without_the_right_makes_or_changes_users(records: sqlite3.Connection) -> None:
    """An operator, and somebody who is not there; nothing is written."""
    before = list(records.iterdump())
    dino = replace(CARLA, name="dino")
    for by in ("carla", "eve"):
        asked = ChangeRequester(by, AT)
        with pytest.raises(AccountError):
            users.add(records, dino, HASH, asked)
        with pytest.raises(AccountError):
            users.change(records, "anna", {"shown": "x"}, asked)
        with pytest.raises(AccountError):
            users.set_password(records, "anna", OTHER, asked, must_change=False)
    with pytest.raises(AccountError, match="may not change carla"):
        users.change(
            records, "carla", {"roles": frozenset({Role.HEAD})}, ChangeRequester("carla", AT)
        )
    assert list(records.iterdump()) == before


def test_the_language_is_ones_own(records: sqlite3.Connection) -> None:
    """Who logs in chooses it without the head."""
    changed = users.change(records, "carla", {"language": "en"}, ChangeRequester("carla", AT))
    assert changed == users.find_user(records, "carla") == replace(CARLA, language="en")


def test_a_change_says_what_it_changed(records: sqlite3.Connection) -> None:
    """From what to what; a change of nothing is none."""
    new = {"position": "op2", "roles": frozenset({Role.OPERATOR, Role.DEPUTY})}
    users.change(records, "carla", new, BY_ANNA)
    users.change(records, "carla", new, BY_ANNA)
    assert noted(records)[0] == (
        "anna",
        "user.change",
        "carla: roles operator -> operator deputy, position op1 -> op2",
    )
    assert len(noted(records)) == 3


def test_who_is_disabled_has_no_password_and_no_session(records: sqlite3.Connection) -> None:
    """Sessions begun before are of an older stamp; enabled again, they stay ended."""
    gone = users.change(records, "carla", {"disabled": True}, BY_ANNA)
    assert (gone.stamp, users.password_of(records, "carla")) == (2, "")
    back = users.change(records, "carla", {"disabled": False}, BY_ANNA)
    assert (back.stamp, users.password_of(records, "carla")) == (2, HASH)


def test_the_last_head_cannot_be_disabled(records: sqlite3.Connection) -> None:
    """Not even by the shell."""
    with pytest.raises(AccountError, match="is the last head"):
        users.change(records, "anna", {"disabled": True}, ChangeRequester("root", AT, shell=True))


def test_nobody_locks_themself_out(records: sqlite3.Connection) -> None:
    """One click would end the own session and access; a colleague or the shell may do it."""
    users.add(
        records,
        replace(CARLA, name="bruna", roles=frozenset({Role.HEAD, Role.TECHNICIAN})),
        HASH,
        BY_ANNA,
    )
    with pytest.raises(AccountError, match="their own access"):
        users.change(records, "anna", {"disabled": True}, BY_ANNA)
    assert users.password_of(records, "anna") == HASH
    assert users.change(records, "anna", {"disabled": True}, ChangeRequester("bruna", AT)).disabled


def test_a_password_ends_older_sessions(records: sqlite3.Connection) -> None:
    """One's own, or another's by the head; the same hash twice is one; the audit has no hash."""
    new = users.set_password(
        records, "carla", OTHER, ChangeRequester("carla", AT), must_change=False
    )
    assert (new.stamp, new.must_change) == (2, False)
    again = users.set_password(
        records, "carla", OTHER, ChangeRequester("carla", AT), must_change=False
    )
    assert again == new
    assert users.password_of(records, "carla") == OTHER
    users.set_password(records, "carla", HASH, BY_ANNA, must_change=True)
    assert users.find_user(records, "carla") == replace(CARLA, stamp=3)
    assert noted(records)[:2] == [
        ("anna", "user.password", "carla"),
        ("carla", "user.password", "carla"),
    ]


def test_the_shell_may_all_and_is_named(records: sqlite3.Connection) -> None:
    """Who has the box's shell has the box: what was done there says so."""
    dino = replace(ANNA, name="dino")
    users.add(records, dino, HASH, ChangeRequester("root", AT, shell=True))
    assert noted(records)[0][0] == "shell: root"
    with pytest.raises(AccountError, match="no user 'root'"):
        users.add(records, replace(ANNA, name="emma"), HASH, ChangeRequester("root", AT))


def test_a_role_of_a_later_programme_is_left_out(records: sqlite3.Connection) -> None:
    """After a fall-back to the older programme people still log in."""
    records.execute("UPDATE users SET roles = 'operator mayor' WHERE name = 'carla'")
    assert users.find_user(records, "carla") == CARLA
