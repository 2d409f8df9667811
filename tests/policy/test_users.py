"""Which users are good ones, and which changes are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import OfficeError
from appliance.policy.users import (
    Role,
    User,
    check_hash,
    check_last_holder,
    check_may_change,
    check_user,
)

ANNA = User("anna", "Anna Verdi", frozenset({Role.HEAD}))
BEPPE = User("beppe", "Beppe Neri", frozenset({Role.TECHNICIAN}))
CARLA = User("carla", "Carla Blu", frozenset({Role.OPERATOR}), position="op1")
SALT, SUM = "c2FsdHNhbHRzYWx0c2FsdA", "A" * 43


def test_a_good_user() -> None:
    """One of each kind passes."""
    check_user(CARLA, (), ("op1",))
    check_user(replace(CARLA, roles=frozenset({Role.OFFICE}), unit="tributi"), ["tributi"], ["op1"])
    assert CARLA.can_log_in
    assert not replace(CARLA, disabled=True).can_log_in


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "Anna"}, "no user name"),
        ({"name": "a"}, "no user name"),
        ({"name": "../etc"}, "no user name"),
        ({"shown": ""}, "1 to 64 characters"),
        ({"shown": "x" * 65}, "1 to 64 characters"),
        ({"shown": "a\nb"}, "in one line"),
        ({"roles": frozenset()}, "at least one role"),
        ({"language": "fr"}, "one of it, de, en, or left out"),
        ({"unit": "x"}, "no unit 'x'; known are tributi"),
        ({"position": "op9"}, "no position 'op9'; known are none"),
        ({"roles": frozenset({Role.OFFICE})}, "needs its unit"),
    ],
)
def test_what_is_no_good_user(wrong: dict[str, object], sentence: str) -> None:
    """Each mistake has its sentence."""
    with pytest.raises(OfficeError, match=sentence):
        check_user(replace(ANNA, **wrong), ("tributi",), ())  # type: ignore[arg-type] # a table


def test_the_known_positions_are_named_without_the_empty_one() -> None:
    """A person without a position has "", which nobody could type."""
    with pytest.raises(OfficeError, match=r"known are op1, op2$"):
        check_user(replace(ANNA, position="op7"), ("tributi",), ("op1", "op2", ""))


def test_a_hash_is_argon2id_within_the_memory() -> None:
    """16 MiB and no more: a larger one would stop the box at every login."""
    check_hash(f"$argon2id$v=19$m=16384,t=3,p=1${SALT}${SUM}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        f"$argon2i$v=19$m=12288,t=3,p=1${SALT}${SUM}",
        f"$argon2id$v=19$m=16385,t=3,p=1${SALT}${SUM}",
        f"$argon2id$v=19$m=12288,t=3,p=1${SALT}${SUM}\n",
        f"$argon2id$v=19$m=12288,t=3,p=1${SALT}${'A' * 300}",
    ],
)
def test_what_is_no_hash(text: str) -> None:
    """A password in clear, another function, more memory, anything too long."""
    with pytest.raises(OfficeError, match="no argon2id"):
        check_hash(text)


def test_users_are_managed_by_head_and_technician() -> None:
    """Heads by a head; from the shell by whoever has it."""
    check_may_change(None, None, ANNA)
    check_may_change(ANNA, ANNA, replace(ANNA, shown="A"))
    check_may_change(BEPPE, None, CARLA)
    for asking, before, after in (
        (BEPPE, None, ANNA),
        (BEPPE, ANNA, replace(ANNA, roles=frozenset({Role.OPERATOR}))),
        (CARLA, CARLA, replace(CARLA, roles=frozenset({Role.HEAD}))),
        (replace(ANNA, disabled=True), None, CARLA),
    ):
        with pytest.raises(OfficeError, match="may not change"):
            check_may_change(asking, before, after)


@pytest.mark.parametrize("user", [ANNA, BEPPE])
def test_the_last_head_and_technician_stay(user: User) -> None:
    """Neither disabled nor made something else; where there never was one nothing is missing."""
    everybody = (ANNA, BEPPE, CARLA)
    for after in (replace(user, disabled=True), replace(user, roles=frozenset({Role.OPERATOR}))):
        with pytest.raises(OfficeError, match=f"{user.name} is the last"):
            check_last_holder(everybody, after)
        check_last_holder((*everybody, replace(user, name="second")), after)
    check_last_holder((ANNA, CARLA), replace(CARLA, disabled=True))
