"""The first page, the choice of language, and the sign of life."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.say import LANGUAGES, N_
from appliance.console.templates import Link, page

LANGUAGE_COOKIE = "language"
YEAR_S = 365 * 24 * 3600


async def home(request: Request) -> Response:
    """Show where one is and what one may open."""
    return page(request, "home/home.html")


async def choose_language(request: Request) -> Response:
    """Keep the chosen language in a cookie and go back to the page."""
    form = await request.form()
    answer = RedirectResponse(local(str(form.get("next", "/"))), 303)
    if (wanted := str(form.get("language", ""))) in LANGUAGES:
        secure = request.app.state.settings.is_secure
        answer.set_cookie(
            LANGUAGE_COOKIE, wanted, YEAR_S, httponly=True, samesite="lax", secure=secure
        )
    return answer


async def alive(_: Request) -> Response:
    """Say that the console turns: nothing is read for it."""
    return PlainTextResponse("alive\n")


def local(path: str) -> str:
    """Never lead to another host: "//elsewhere" and "/\\elsewhere" are ones to a browser."""
    is_path = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_path else "/"


routes: list[BaseRoute] = [
    Route("/", home),
    Route("/language", choose_language, methods=["POST"]),
    Route("/alive", alive),
]
links = (Link("/", N_("Home"), order=0),)
