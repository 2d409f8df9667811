"""Who may open a page: a decorator for pages, and who sees a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from appliance.console.say import N_
from appliance.policy.users import Permission, User, permissions_of, refusal

Page = Callable[[Request], Awaitable[Response]]


class NotAllowed(HTTPException):
    """Raised for somebody whose roles do not include a page; `detail` says it in their language."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


def user_of(request: Request) -> User | None:
    """Return who asks, None for somebody who has not logged in."""
    user = getattr(request.state, "user", None)
    return user if isinstance(user, User) else None


def somebody(request: Request) -> User:
    """Return who asks; raises NotAllowed for nobody."""
    user = user_of(request)
    if user is None:
        raise NotAllowed(request.state.speaker(N_("Log in first.")))
    return user


def may(request: Request, permission: Permission) -> bool:
    """Tell whether whoever asks may do something."""
    user = user_of(request)
    return user is not None and permission in permissions_of(user.roles)


def needs(permission: Permission) -> Callable[[Page], Page]:
    """Open a page to those who may do something, and say to others for whom it is."""

    def decorate(page: Page) -> Page:
        @wraps(page)
        async def guarded(request: Request) -> Response:
            somebody(request)
            if not may(request, permission):
                raise NotAllowed(request.state.speaker.words(refusal(permission)))
            return await page(request)

        return guarded

    return decorate


def for_those_who_may(permission: Permission) -> Callable[[Request], bool]:
    """Make a link's `is_for`."""
    return lambda request: may(request, permission)
