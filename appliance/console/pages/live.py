"""What every page shows live: the state of the house, who rings, how many messages wait."""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import may, somebody
from appliance.console.feed import Seen
from appliance.console.once import Once
from appliance.console.streaming import event, stream
from appliance.console.templates import house_of, page, text
from appliance.policy.users import Permission


async def live(request: Request) -> Response:
    """Send the state of the house at each change."""
    somebody(request)
    return stream(request, lambda seen: house_events(request, seen))


async def keys(request: Request) -> Response:
    """Show all keys, for the dialog of F1."""
    somebody(request)
    return page(request, "house/keys.html")


def house_events(request: Request, seen: Seen) -> Iterator[str]:
    """Yield what every page shows of a state; nothing while the desk cannot be heard."""
    shown = None if seen.away else house_of(request)
    if shown is None:
        return
    yield event("house", _bar(request, seen))
    ringing = len(shown.ringing) if may(request, Permission.SEE_DESK) else 0
    messages = shown.messages if may(request, Permission.MESSAGES) else 0
    yield event("counts", json.dumps({"ringing": ringing, "messages": messages}))


def _bar(request: Request, seen: Seen) -> str:
    """Render the bar, which is the same to all who may do the same and read the same language."""

    def make() -> str:
        return text(request, "house/bar.html")

    once: Once = request.app.state.live_parts
    rights = (may(request, Permission.SET_STATES), may(request, Permission.SEE_DESK))
    return once.of(seen.number, ("house", request.state.speaker.language, *rights), make)


routes: list[BaseRoute] = [Route("/live", live), Route("/keys", keys)]
