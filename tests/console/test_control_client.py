"""The console asks call control by its socket: an answer, its refusal, or that it is away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance.console.control_client import (
    NO_REPLY_IN_TIME,
    UNREACHABLE,
    ControlClient,
    ControlUnreachable,
)
from appliance.errors import OfficeError
from tests.console.control_socket import ServedSocket


def answer(question: dict[str, Any]) -> Any:
    """Answer what the tests ask."""
    if question["ask"] == "no":
        raise OfficeError("that cannot be")
    if question["ask"] == "never":
        return lambda _: None
    return {"said": "x" * 100_000 if question["ask"] == "much" else question["ask"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the control socket is."""
    return tmp_path / "desk.sock"


def test_an_answer_comes_back(path: Path) -> None:
    """However long it is."""
    with ServedSocket(path, answer):
        assert asyncio.run(ControlClient(path).ask({"ask": "hello"}))["said"] == "hello"
        assert len(asyncio.run(ControlClient(path).ask({"ask": "much"}))["said"]) == 100_000


def test_call_control_s_own_refusal_is_told(path: Path) -> None:
    """The console invents no reason."""
    with ServedSocket(path, answer), pytest.raises(OfficeError, match="that cannot be"):
        asyncio.run(ControlClient(path).ask({"ask": "no"}))


def test_call_control_that_is_away_is_said_so_in_both_languages(path: Path) -> None:
    """There is no call control: words for the page."""
    with pytest.raises(ControlUnreachable) as away:
        asyncio.run(ControlClient(path).ask({"ask": "hello"}))
    assert away.value.words == UNREACHABLE


def test_call_control_that_does_not_answer_in_time_is_not_waited_for(path: Path) -> None:
    """What was asked may have been done: nobody is told that it was not."""
    with ServedSocket(path, answer), pytest.raises(ControlUnreachable) as away:
        asyncio.run(ControlClient(path).ask({"ask": "never"}, 0.05))
    assert away.value.words == NO_REPLY_IN_TIME


async def two(control: ControlClient) -> list[Any]:
    """Return the first two things that a watcher is told."""
    told = []
    async for status in control.watch(5.0):
        told.append(status)
        if len(told) == 2:
            break
    return told


def test_who_watches_hears_the_state_first_then_its_changes(path: Path) -> None:
    """One connection, for as long as call control lives."""
    with ServedSocket(path, waiting=0) as served:
        served.change(waiting=1)
        told = asyncio.run(two(ControlClient(path)))
    assert told[-1].waiting == 1


def test_call_control_that_says_nothing_any_more_is_away(path: Path) -> None:
    """A connection that stays open behind a dead process is not believed."""

    async def all_of_it() -> None:
        async for _ in ControlClient(path).watch(0.05):
            pass

    with ServedSocket(path, waiting=0), pytest.raises(ControlUnreachable):
        asyncio.run(all_of_it())
