"""Asks the desk at its door, without keeping the console's loop waiting."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from appliance.errors import CentralinoError, OfficeError
from appliance.policy.text import SaidError, Words

LINE_LIMIT: Final = 4_000_000
"""Longest line of the desk's that is read, in bytes; a status has some thousand."""
ANSWER_S: Final = 5.0
"""An answer that takes longer comes too late for whoever is on the phone."""
PERSON: Final[ContextVar[str]] = ContextVar("person", default="")
"""Whose request is being served, "" for nobody's: the desk is told with every question, and looks
itself whether that person may. The doorkeeper sets it before every page."""
AWAY: Final = Words(
    "Il centralino non risponde: le pagine mostrano quanto già registrato. Se dura più di un "
    "minuto, avvisare il tecnico.",
    "The switchboard does not answer: pages show what is on record. If it lasts for more than a "
    "minute, tell the technician.",
)
LATE: Final = Words(
    "Il centralino non ha risposto in tempo: quanto chiesto può essere stato fatto, controllare.",
    "The switchboard did not answer in time: what was asked may have been done, look.",
)


class DeskAway(CentralinoError):  # noqa: N818 - reads as what it is
    """The desk cannot be asked, or has not answered; `words` are for people."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Desk:
    """The desk, by its socket `door`. Every question is a visit of its own."""

    def __init__(self, door: Path) -> None:
        self._door = door

    async def ask(self, question: dict[str, Any], limit: float = ANSWER_S) -> dict[str, Any]:
        """Ask one question within `limit` s; returns the answer.

        Raises OfficeError with the desk's own sentence when it refuses, DeskAway when there is
        no answer.
        """
        try:
            async with asyncio.timeout(limit):
                async with self._visit(question) as reader:
                    return _accepted(await reader.readline())
        except TimeoutError as error:
            raise DeskAway(LATE) from error
        except (OSError, ValueError) as error:
            raise DeskAway(AWAY) from error

    async def watch(self, silence: float) -> AsyncIterator[dict[str, Any]]:
        """Yield the desk's status now and at every change, until the desk is gone.

        Raises DeskAway then: there is nothing to hear for `silence` s, it hung up, or refused.
        """
        try:
            async with self._visit({"ask": "watch"}) as reader:
                while True:
                    async with asyncio.timeout(silence):
                        line = await reader.readline()
                    yield _accepted(line)["status"]
        except (TimeoutError, OSError, ValueError, KeyError, OfficeError) as error:
            raise DeskAway(AWAY) from error

    @contextlib.asynccontextmanager
    async def _visit(self, question: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        """Go to the door and ask."""
        reader, writer = await asyncio.open_unix_connection(self._door, limit=LINE_LIMIT)
        try:
            asked = question | {"person": PERSON.get()}
            writer.write(json.dumps(asked).encode() + b"\n")
            await writer.drain()
            yield reader
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _accepted(line: bytes) -> dict[str, Any]:
    """Read an answer; raises OSError where there is none, OfficeError for a refusal."""
    if not line.endswith(b"\n"):
        raise OSError("the desk hung up")
    answer: dict[str, Any] = json.loads(line)
    if not answer.get("ok"):
        if isinstance(answer.get("said"), dict):
            raise SaidError(Words(**answer["said"]))
        raise OfficeError(str(answer.get("error")))
    return answer
