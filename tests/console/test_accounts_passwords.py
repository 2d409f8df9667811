"""Passwords cost little memory, one after the other, and say nothing of who exists."""

from __future__ import annotations

import asyncio
import threading

import pytest
from argon2 import extract_parameters

from appliance.console.accounts import DUMMY_HASH, Busy, HashQueue, Passwords, check_new_password
from appliance.policy.users import MOST_HASH_MEMORY_KIB, AccountError, check_hash

pytestmark = pytest.mark.usefixtures("real_cost")

PHRASE = "pane burro alici"


def test_a_password_is_kept_as_argon2id_within_the_boxs_memory() -> None:
    """16 MiB at most, and call control takes it; two hashes of one password differ."""
    passwords = Passwords()
    kept = passwords.hashed(PHRASE)
    parameters = extract_parameters(kept)
    assert parameters.memory_cost <= MOST_HASH_MEMORY_KIB
    assert (parameters.type.name, parameters.parallelism) == ("ID", 1)
    check_hash(kept)
    assert kept != passwords.hashed(PHRASE)
    assert passwords.matches(kept, PHRASE)
    assert not passwords.matches(kept, PHRASE + "x")
    assert not passwords.matches(kept, "x" * 129)


@pytest.mark.parametrize("kept", ["", "no hash at all"])
def test_nobodys_password_is_never_right(kept: str) -> None:
    """Neither for an unknown name nor for a damaged row."""
    assert not Passwords().matches(kept, PHRASE)


def test_an_unknown_name_costs_as_much_as_a_known_one() -> None:
    """What it is compared with has the parameters of everybody's: time does not tell who exists."""
    assert extract_parameters(DUMMY_HASH) == extract_parameters(Passwords().hashed(PHRASE))


def test_one_is_compared_at_a_time() -> None:
    """However many log in at once: memory and core of one are used."""
    passwords, running, most = Passwords(), [0], [0]
    kept, lock = passwords.hashed(PHRASE), threading.Lock()

    def compare() -> bool:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        right = passwords.matches(kept, PHRASE)
        with lock:
            running[0] -= 1
        return right

    async def all_at_once() -> list[bool]:
        turns = HashQueue()
        return await asyncio.gather(*(turns.take(compare) for _ in range(5)))

    assert asyncio.run(all_at_once()) == [True] * 5
    assert most == [1]


def test_who_comes_when_the_queue_is_full_is_asked_to_come_again() -> None:
    """At once and without a hash; those who wait are served, then there is a place again."""

    async def crowd() -> list[object]:
        turns, go = HashQueue(waiting=1), threading.Event()
        served = [asyncio.create_task(turns.take(lambda: go.wait(5))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="try again"):
            await turns.take(lambda: pytest.fail("one too many"))
        go.set()
        return [*await asyncio.gather(*served), await turns.take(lambda: "again")]

    assert asyncio.run(crowd()) == [True, True, "again"]


@pytest.mark.parametrize("wrong", ["short", "x" * 129, "aaaaaaaaaaab", "la mia anna mia"])
def test_what_is_no_good_password(wrong: str) -> None:
    """Length counts; a few signs repeated, or one's own name, do not."""
    with pytest.raises(AccountError):
        check_new_password(wrong, "anna")
    check_new_password(PHRASE, "anna")
