"""Sessions: nobody is logged out in a call or a shift (E22), nobody finds another one's."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.console import accounts
from appliance.console.accounts import (
    AGE_S,
    HARD_S,
    IDLE_S,
    MOST_SESSIONS,
    PAUSE_S,
    Session,
    Sessions,
)
from appliance.errors import StoreError

DESK = "192.168.1.21"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Sessions]:
    """Sessions in a file of their own."""
    made = Sessions(tmp_path / "sessions.db")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("age", "idle", "over"),
    [
        (0.0, 0.0, False),
        (IDLE_S - 1, IDLE_S - 1, False),
        (IDLE_S, IDLE_S, True),
        (AGE_S + 3600, PAUSE_S - 1, False),
        (AGE_S + 3600, PAUSE_S, True),
        (HARD_S, 0.0, True),
    ],
)
def test_a_session_ends_in_a_pause(age: float, idle: float, over: bool) -> None:
    """After a night, or past a week at the first pause of hours; never in a shift."""
    session = Session("k", "anna", 1, DESK, began=1000.0, seen=1000.0 + age - idle)
    assert accounts.is_session_over(session, 1000.0 + age) is over


def test_a_word_is_the_browsers_alone(kept: Sessions, tmp_path: Path) -> None:
    """256 random bits; the file holds its hash alone, for our eyes."""
    word = kept.begin("anna", 1, DESK)
    assert len(word) >= 43
    found = kept.find(word)
    assert found is not None
    assert (found.user, found.stamp) == ("anna", 1)
    assert kept.find(found.key) is None
    assert kept.begin("anna", 1, DESK) != word
    files = list(tmp_path.glob("sessions.db*"))
    assert not any(word.encode() in file.read_bytes() for file in files)
    assert stat.S_IMODE((tmp_path / "sessions.db").stat().st_mode) == 0o600


def test_sessions_outlive_a_restart(tmp_path: Path) -> None:
    """The console may be restarted during a shift; who logged out stays out."""
    path = tmp_path / "sessions.db"
    first = Sessions(path)
    word, gone = first.begin("anna", 3, DESK), first.begin("carla", 1, DESK)
    first.end(accounts.session_key(gone))
    token = first.token_of(word)
    first.close()
    second = Sessions(path)
    found = second.find(word)
    assert found is not None
    assert (found.user, found.stamp, found.address) == ("anna", 3, DESK)
    assert second.find(gone) is None
    assert second.was_here("anna", DESK)
    assert not second.was_here("anna", "10.0.0.1")
    assert second.token_of(word) == token
    second.close()


def test_an_old_session_does_not_come_back(tmp_path: Path) -> None:
    """One that came to its end while the console was down is over; one of tomorrow is new."""
    path = tmp_path / "sessions.db"
    first = Sessions(path)
    old, ahead = first.begin("anna", 1, DESK), first.begin("carla", 1, DESK)
    first.close()
    with sqlite3.connect(path) as file:
        for word, seen in ((old, time.time() - IDLE_S), (ahead, time.time() + 1e6)):
            file.execute(
                "UPDATE sessions SET seen = ? WHERE key = ?", (seen, accounts.session_key(word))
            )
    second = Sessions(path)
    assert second.find(old) is None
    assert second.find(ahead) is not None
    second.close()


def test_use_is_written_now_and_then(kept: Sessions) -> None:
    """Not at every page: a card wears out."""
    word = kept.begin("anna", 1, DESK)
    found = kept.find(word)
    assert found is not None
    assert not kept.use(found)
    long_ago = replace(found, seen=found.seen - accounts.NOTED_EVERY_S)
    assert kept.use(long_ago)
    kept.write(found.key)
    again = kept.find(word)
    assert again is not None
    assert again.seen > long_ago.seen


def test_sessions_are_bounded(kept: Sessions) -> None:
    """A thousand last; one more than may be kept ends the one that was unused for longest."""
    words = [kept.begin("anna", 1, DESK) for _ in range(MOST_SESSIONS)]
    assert all(kept.find(word) for word in words)
    words += [kept.begin("anna", 1, DESK) for _ in range(2)]
    assert [word for word in words if not kept.find(word)] == words[:2]


def test_a_damaged_file_costs_a_login(tmp_path: Path) -> None:
    """It is begun anew; a folder that cannot be used is said."""
    path = tmp_path / "sessions.db"
    path.write_bytes(b"no database at all " * 99)
    made = Sessions(path)
    assert made.find(made.begin("anna", 1, DESK)) is not None
    made.close()
    with pytest.raises(StoreError, match="cannot be kept"):
        Sessions(tmp_path / "sessions.db" / "below" / "s.db")
