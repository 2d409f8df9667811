"""Where the link in an office's mail leads: it closes one request, once, without a login (E15).

The address holds the secret. Opening the page closes nothing, so that a mail scanner that looks at
every link does no harm: somebody must give a name and press the button.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.guesses import Guesses
from appliance.console.asking import NotDone, ask
from appliance.console.pages.accounts import address_of, field
from appliance.console.reading import Reading
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.letters import without_numbers
from appliance.policy.requests import PATH, SAID, Standing
from appliance.store import directory, request_papers
from appliance.store.request_papers import Looked

TOO_MANY: Final = N_("Too many wrong links from this computer: wait a quarter of an hour.")
UNKNOWN: Final = 404
GONE: Final = 410
"""Used, expired, or closed in another way."""


async def show(request: Request) -> Response:
    """Show which request the link closes: number, office, subject; nothing of the citizen."""
    return await _show(request)


async def close(request: Request) -> Response:
    """Have the desk close it, for whoever says so; the page then says that it is closed."""
    looked = await _looked(request)
    if looked is None or looked.standing is not Standing.OPEN:
        return await _answer(request, looked)
    token, form = request.path_params["token"], await request.form()
    question = {"ask": "request_by_link", "token": token, "said_by": field(form, "said_by")}
    try:
        await ask(request, question)
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(f"{PATH}{token}", 303)


async def _show(request: Request, error: NotDone | None = None) -> Response:
    return await _answer(request, await _looked(request), error)


async def _looked(request: Request) -> Looked | None:
    """Look the link up; None where this address has to wait."""
    guesses: Guesses = request.app.state.guesses
    reading: Reading = request.app.state.reading
    address, token = address_of(request), request.path_params["token"]
    if guesses.wait_s(address) > 0:
        return None
    now = datetime.now(UTC)
    looked: Looked = await reading.do(lambda c: request_papers.look(c, token, now))
    if looked.standing is Standing.UNKNOWN:
        guesses.wrong(address)
    return looked


async def _answer(
    request: Request, looked: Looked | None, error: NotDone | None = None
) -> Response:
    say = request.state.speaker
    if looked is None:
        return _closes_nothing(request, 429, say(TOO_MANY))
    if looked.kept is None or looked.standing is not Standing.OPEN:
        number = looked.kept.request.number if looked.kept else 0
        status = GONE if looked.kept else UNKNOWN
        return _closes_nothing(request, status, say.words(SAID[looked.standing]), number)
    one, wrong = looked.kept.request, str(error) if error else ""
    values = {"office": await _office(request, one.unit), "subject": without_numbers(one.subject)}
    status = error.status if error else 200
    return page(request, "done/one.html", status, number=one.number, wrong=wrong, **values)


def _closes_nothing(request: Request, status: int, said: str, number: int = 0) -> Response:
    return page(request, "done/none.html", status, said=said, number=number)


async def _office(request: Request, code: str) -> str:
    reading: Reading = request.app.state.reading
    units = await reading.do(directory.units)
    return next((unit.name for unit in units if unit.code == code), code)


routes: list[BaseRoute] = [
    Route("/done/{token}", show, methods=["GET"]),
    Route("/done/{token}", close, methods=["POST"]),
]
