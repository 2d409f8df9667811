"""Twenty wrong passwords are refused; a desk in use is never locked out (E22)."""

from __future__ import annotations

from appliance.console.accounts import (
    FORGOTTEN_S,
    FREE_OF_A_NAME,
    LONGEST_DELAY_S,
    MOST_REMEMBERED,
    Tries,
    after_right,
    after_wrong,
    wait_s,
)

DESK, ELSEWHERE = "192.168.1.21", "192.168.1.99"


def wrong(count: int, name: str = "anna", address: str = ELSEWHERE, at: float = 0.0) -> Tries:
    """Give so many wrong passwords."""
    tries = Tries()
    for _ in range(count):
        tries = after_wrong(tries, name, address, at)
    return tries


def test_a_few_wrong_ones_cost_nothing() -> None:
    """People mistype."""
    assert wait_s(wrong(FREE_OF_A_NAME - 1), "anna", ELSEWHERE, 0.0, is_known_there=False) == 0.0


def test_delays_grow_up_to_a_quarter_of_an_hour() -> None:
    """Each wrong one more doubles what must be waited; twenty are as good as shut."""
    waits = [
        wait_s(wrong(count), "anna", ELSEWHERE, 0.0, is_known_there=False) for count in (5, 6, 7)
    ]
    assert waits == [2.0, 4.0, 8.0]
    tries = wrong(20)
    assert wait_s(tries, "anna", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S
    assert wait_s(tries, "anna", ELSEWHERE, LONGEST_DELAY_S, is_known_there=False) == 0.0
    assert wait_s(tries, "anna", "10.0.0.7", 0.0, is_known_there=False) == LONGEST_DELAY_S


def test_a_known_desk_is_not_locked_out_from_elsewhere() -> None:
    """Twenty wrong ones elsewhere: the person's own desk still takes the right one at once."""
    tries = wrong(20)
    assert wait_s(tries, "anna", DESK, 0.0, is_known_there=True) == 0.0
    there = wrong(20, address=DESK)
    assert wait_s(there, "anna", DESK, 0.0, is_known_there=True) == LONGEST_DELAY_S


def test_an_address_that_tries_many_names_waits() -> None:
    """One password for many names is refused as well; another address is free."""
    tries = Tries()
    for number in range(20):
        tries = after_wrong(tries, f"user{number}", ELSEWHERE, 0.0)
    assert wait_s(tries, "carla", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S
    assert wait_s(tries, "carla", DESK, 0.0, is_known_there=False) == 0.0


def test_the_right_one_frees_the_name_alone() -> None:
    """An attacker's own account does not free the address."""
    tries = after_right(wrong(20), "anna", ELSEWHERE)
    assert wait_s(tries, "anna", DESK, 0.0, is_known_there=False) == 0.0
    assert wait_s(tries, "carla", ELSEWHERE, 0.0, is_known_there=False) == LONGEST_DELAY_S


def test_memory_is_bounded_and_forgets() -> None:
    """A day later all is forgotten; many names cost no memory without end."""
    tries = wrong(20)
    assert wait_s(tries, "anna", ELSEWHERE, FORGOTTEN_S, is_known_there=False) == 0.0
    assert set(after_wrong(tries, "carla", DESK, FORGOTTEN_S).wrong) == {
        ("carla", ""), ("", DESK), ("carla", DESK),
    }  # fmt: skip
    for number in range(MOST_REMEMBERED):
        tries = after_wrong(tries, f"user{number}", ELSEWHERE, float(number))
    assert len(tries.wrong) <= MOST_REMEMBERED + 3
