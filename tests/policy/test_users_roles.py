"""What each role may do, and how a refusal is said."""

from __future__ import annotations

import pytest

from appliance.policy.users import (
    PERMISSION_WORDS,
    ROLE_PERMISSIONS,
    ROLE_WORDS,
    Permission,
    Role,
    may_change_roles,
    permission_refusal,
    permissions_of,
    who_may,
)


def test_every_role_and_permission_has_its_words() -> None:
    """Nothing is refused, and nobody named, without words in both languages."""
    assert set(ROLE_WORDS) == set(ROLE_PERMISSIONS) == set(Role)
    assert set(PERMISSION_WORDS) == set(Permission)
    assert all(
        words.text("it") and words.text("en")
        for words in (*ROLE_WORDS.values(), *PERMISSION_WORDS.values())
    )


def test_undisclosed_numbers_are_the_heads_alone() -> None:
    """P7: nobody else reveals a number, edits the directory or erases."""
    for permission in (Permission.REVEAL_NUMBERS, Permission.EDIT_DIRECTORY, Permission.ERASE):
        assert who_may(permission) == (Role.HEAD,)


def test_the_counter_does_on_a_call_what_an_operator_does() -> None:
    """E2; the switchboard's states and its voicemail are the operator's."""
    more = ROLE_PERMISSIONS[Role.OPERATOR] - ROLE_PERMISSIONS[Role.CLERK]
    assert ROLE_PERMISSIONS[Role.CLERK] < ROLE_PERMISSIONS[Role.OPERATOR]
    assert more == {Permission.SET_STATES, Permission.MESSAGES}


def test_a_deputy_varies_a_day_and_no_more() -> None:
    """E12: head or named deputy; the declaration itself is the head's."""
    assert who_may(Permission.VARY_DIRECTORY) == (Role.DEPUTY, Role.HEAD)
    assert Permission.EDIT_DIRECTORY not in ROLE_PERMISSIONS[Role.DEPUTY]


def test_the_technicians_pages_are_the_technicians() -> None:
    """No modem word reaches anybody else (E22), no message the technician."""
    assert who_may(Permission.TECHNICAL) == (Role.TECHNICIAN,)
    assert not ROLE_PERMISSIONS[Role.TECHNICIAN] & {
        Permission.MESSAGES,
        Permission.SEE_DESK,
        Permission.REPORTS,
    }


def test_somebody_of_two_roles_may_what_either_may() -> None:
    """In a small office the head is the technician too; nobody is nothing."""
    assert permissions_of((Role.HEAD, Role.TECHNICIAN)) == frozenset(Permission)
    assert permissions_of(()) == frozenset()


@pytest.mark.parametrize(
    ("asking", "touched", "may"),
    [
        ({Role.HEAD}, {Role.HEAD}, True),
        ({Role.HEAD}, {Role.TECHNICIAN}, True),
        ({Role.TECHNICIAN}, {Role.OPERATOR, Role.TECHNICIAN}, True),
        ({Role.TECHNICIAN}, {Role.HEAD}, False),
        ({Role.TECHNICIAN}, {Role.DEPUTY, Role.OPERATOR}, False),
        ({Role.OPERATOR}, {Role.OPERATOR}, False),
        (set(), set(), False),
    ],
)
def test_nobody_makes_himself_more_than_he_is(
    asking: set[Role], touched: set[Role], may: bool
) -> None:
    """A technician gives no role that sees what technicians may not."""
    assert may_change_roles(asking, touched) is may


def test_a_refusal_says_for_whom_it_is() -> None:
    """What is not allowed, and who may."""
    told = permission_refusal(Permission.USERS)
    assert told.text("it") == (
        "Questo ruolo non permette di gestire gli utenti del programma. "
        "Possono farlo: Responsabile, Tecnico."
    )
    assert told.text("en").endswith("It is for: Head of the front desk, Technician.")
