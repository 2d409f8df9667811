"""A request's e-mails: what was written, what became of it; to keep as a file; sent again (E15)."""

from __future__ import annotations

from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs, somebody
from appliance.console.asking import NotDone, ask
from appliance.console.downloads import download
from appliance.console.reading import Reading
from appliance.console.request_papers import KINDS, fetch
from appliance.console.templates import page
from appliance.policy.requests import HEAD, MAILS, without_secrets
from appliance.policy.users import Permission
from appliance.store import requests
from appliance.store.requests import StoredNotice

HIGHEST: Final = 10**9


@needs(Permission.REQUESTS)
async def show(request: Request) -> Response:
    """Show an e-mail as it was written, and what became of it."""
    return await _show(request)


@needs(Permission.REQUESTS)
async def keep(request: Request) -> Response:
    """Send an e-mail as a file; the desk writes it, and notes who has asked."""
    kept, kind = await _found(request), request.path_params["kind"]
    if kind not in KINDS:
        raise HTTPException(404)
    try:
        data = await fetch(request, _number(request), kept.number, kind)
    except NotDone as error:
        return await _show(request, error)
    return download(data, f"{kept.mail.key}.{kind}", KINDS[kind])


@needs(Permission.REQUESTS)
async def again(request: Request) -> Response:
    """Have an e-mail sent once more; one that waits is tried now."""
    kept, number = await _found(request), _number(request)
    question = {"ask": "mail_again", "number": number, "mail": kept.number}
    try:
        answer = await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(f"/requests/{number}/mails/{answer['mail']}?again=1", 303)


async def _show(request: Request, error: NotDone | None = None) -> Response:
    kept = await _found(request)
    values: dict[str, Any] = {
        "number": _number(request),
        "kept": kept,
        "text": without_secrets(kept.mail.body),
        "is_for_head": kept.mail.to == HEAD,
        "mails": MAILS,
        "wrong": str(error) if error else "",
        "is_again": request.query_params.get("again") == "1",
    }
    return page(request, "requests/mail.html", error.status if error else 200, **values)


async def _found(request: Request) -> StoredNotice:
    """Read the e-mail that the address names; raises HTTPException."""
    number, mail = _number(request), int(request.path_params["mail"])
    reading: Reading = request.app.state.reading
    found = await reading.do(
        lambda c: [one for one in requests.about(c, number) if one.number == mail]
    )
    if not found:
        raise HTTPException(404)
    return found[0]


def _number(request: Request) -> int:
    number = int(request.path_params["number"])
    if number > HIGHEST:
        raise HTTPException(404)
    return number


_OF_ONE: Final = "/requests/{number:int}/mails/{mail:int}"
routes: list[BaseRoute] = [
    Route(_OF_ONE, show),
    Route(f"{_OF_ONE}/again", again, methods=["POST"]),
    Route(f"{_OF_ONE}/as/{{kind}}", keep),
]
