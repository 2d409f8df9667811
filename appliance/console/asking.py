"""Has the desk do what a page's form asks, and turns its refusal into the reader's language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from appliance.console.desk import ANSWER_S, DeskAway
from appliance.console.say import N_, Speaker
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.supervision import in_words
from appliance.policy.text import NOTHING, SaidError, Words


class NotDone(CentralinoError):  # noqa: N818 - it is called what it is
    """Raised when nothing was done; its text is in the reader's language, `status` for the page.

    `words` are the desk's, where it said why in both languages.
    """

    def __init__(self, status: int, said: str, words: Words = NOTHING) -> None:
        super().__init__(said)
        self.status, self.words = status, words


Shows = Callable[[Request, NotDone], Awaitable[Response]]
"""Shows a form's page again, with why nothing was done."""


async def ask(
    request: Request, question: dict[str, Any], limit_s: float = ANSWER_S
) -> dict[str, Any]:
    """Ask the desk and return its answer; raises NotDone when it refuses or is away."""
    say = request.state.speaker
    try:
        answer: dict[str, Any] = await request.app.state.desk.ask(question, limit_s)
    except (DeskAway, OfficeError) as error:
        raise not_done(say, error) from error
    if answer.get("done") is False:
        words = Words(**answer["said"])
        raise NotDone(409, say.words(words), words)
    return answer


def not_done(say: Speaker, error: DeskAway | OfficeError) -> NotDone:
    """Return why the desk did nothing, in the reader's language."""
    if isinstance(error, DeskAway):
        return NotDone(503, say.words(error.words))
    if isinstance(error, SaidError):
        return NotDone(409, say.words(error.words), error.words)
    return NotDone(409, say(N_("Not done: %(why)s"), why=say.words(in_words(str(error)))))


async def lead(request: Request, doing: Awaitable[None], shown: Shows, to: str) -> Response:
    """Wait for what a form asks, then lead to `to`; what was not done is said on its own page."""
    try:
        await doing
    except NotDone as error:
        return await shown(request, error)
    return RedirectResponse(to, 303)
