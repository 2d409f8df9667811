"""Twenty wrong passwords are refused; a desk in use is never locked out (E22)."""

from __future__ import annotations

from appliance.console.accounts import (
    FORGOTTEN_S,
    FREE_OF_A_NAME,
    LONGEST_DELAY_S,
    MOST_REMEMBERED,
    LoginLockOut,
)

DESK, ELSEWHERE = "192.168.1.21", "192.168.1.99"


def wrong(
    count: int, name: str = "anna", address: str = ELSEWHERE, at: float = 0.0
) -> LoginLockOut:
    """Give so many wrong passwords."""
    tries = LoginLockOut()
    for _ in range(count):
        tries.count_wrong(name, address, at)
    return tries


def test_a_few_wrong_ones_cost_nothing() -> None:
    """People mistype."""
    assert wrong(FREE_OF_A_NAME - 1).wait_s("anna", ELSEWHERE, 0.0, is_known_there=False) == 0.0


def test_delays_grow_up_to_a_quarter_of_an_hour() -> None:
    """Each wrong one more doubles what must be waited; twenty are as good as shut."""
    waits = [
        wrong(count).wait_s("anna", ELSEWHERE, 0.0, is_known_there=False) for count in (5, 6, 7)
    ]
    assert waits == [2.0, 4.0, 8.0]
    tries = wrong(20)
    assert tries.wait_s("anna", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S
    assert tries.wait_s("anna", ELSEWHERE, LONGEST_DELAY_S, is_known_there=False) == 0.0
    assert tries.wait_s("anna", "10.0.0.7", 0.0, is_known_there=False) == LONGEST_DELAY_S


def test_a_known_desk_is_not_locked_out_from_elsewhere() -> None:
    """Twenty wrong ones elsewhere: the person's own desk still takes the right one at once."""
    tries = wrong(20)
    assert tries.wait_s("anna", DESK, 0.0, is_known_there=True) == 0.0
    there = wrong(20, address=DESK)
    assert there.wait_s("anna", DESK, 0.0, is_known_there=True) == LONGEST_DELAY_S


def test_an_address_that_tries_many_names_waits() -> None:
    """One password for many names is refused as well; another address is free."""
    tries = LoginLockOut()
    for number in range(20):
        tries.count_wrong(f"user{number}", ELSEWHERE, 0.0)
    assert tries.wait_s("carla", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S
    assert tries.wait_s("carla", DESK, 0.0, is_known_there=False) == 0.0


def test_the_right_one_frees_the_name_alone() -> None:
    """An attacker's own account does not free the address."""
    tries = wrong(20)
    tries.forget("anna", ELSEWHERE)
    assert tries.wait_s("anna", DESK, 0.0, is_known_there=False) == 0.0
    assert tries.wait_s("carla", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S


def test_memory_is_bounded_and_forgets() -> None:
    """A day later all is forgotten; many names cost no memory without end."""
    tries = wrong(20)
    assert tries.wait_s("anna", ELSEWHERE, FORGOTTEN_S, is_known_there=False) == 0.0
    tries.count_wrong("carla", DESK, FORGOTTEN_S)
    assert set(tries.wrong.keys) == {
        ("carla", ""), ("", DESK), ("carla", DESK),
    }  # fmt: skip
    tries = wrong(20)
    for number in range(MOST_REMEMBERED):
        tries.count_wrong(f"user{number}", ELSEWHERE, float(number))
    assert len(tries.wrong.keys) == MOST_REMEMBERED
