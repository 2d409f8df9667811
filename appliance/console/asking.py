"""Has the desk do what a page's form asks, and turns its refusal into the reader's language."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from appliance.console.desk import DeskAway
from appliance.console.say import N_
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.words import NOTHING, SaidError, Words


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when nothing was done; its text is in the reader's language, `status` for the page.

    `words` are the desk's, where it said why in both languages.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


async def ask(request: Request, question: dict[str, Any]) -> dict[str, Any]:
    """Ask the desk and return its answer; raises NotDone when it refuses or is away."""
    say = request.state.speaker
    try:
        answer: dict[str, Any] = await request.app.state.desk.ask(question)
    except DeskAway as away:
        raise NotDone(503, say.words(away.words)) from away
    except SaidError as refused:
        raise NotDone(409, say.words(refused.words), refused.words) from refused
    except OfficeError as refused:
        raise NotDone(409, say(N_("Not done: %(why)s"), why=refused)) from refused
    if answer.get("done") is False:
        words = Words(**answer["said"])
        raise NotDone(409, say.words(words), words)
    return answer
