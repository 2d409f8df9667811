"""Pages from templates. The ONLY jinja2 import; everything that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from appliance.console.accounts.rights import may
from appliance.console.assets import url_of
from appliance.console.house import House, house
from appliance.console.keys import KEYS, TAKEN
from appliance.console.keys import shown as shown_key
from appliance.console.links import is_at, menus, shown
from appliance.console.say import N_, NAMES, Speaker
from appliance.policy.supervision import in_words
from appliance.policy.users import Permission

ENTER = N_("Enter")
"""The key's name, which an Italian keyboard calls otherwise."""


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Return the one environment; a name that a page was not given is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.console", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def page(request: Request, name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Answer with a page; `values` are what its template names, beside those of every page."""
    return HTMLResponse(text(request, name, **values), status)


def text(request: Request, name: str, **values: object) -> str:
    """Render a template, whole or a part of a page."""
    return environment().get_template(name).render(**common(request), **values)


def common(request: Request) -> Mapping[str, Any]:
    """Return what every page may name: `_` and its sisters, where it is, what stands in its head.

    What the accounts know is in the request's state: `user` and `csrf`.
    """
    speaker: Speaker = request.state.speaker
    settings, links = request.app.state.settings, shown(request)
    return {
        "_": speaker,
        "plural": speaker.plural,
        "words": speaker.words,
        "plainly": lambda text: speaker.words(in_words(text)),
        "day": speaker.day,
        "clock": speaker.clock,
        "moment": speaker.moment,
        "language": speaker.language,
        "languages": [(one, NAMES[one]) for one in settings.languages if one in NAMES],
        "site": settings.site,
        "has_authority": settings.is_secure and not settings.certificate,
        "path": request.url.path,
        "links": links,
        "is_at": is_at,
        "menus": menus(links, request.url.path),
        "static": url_of,
        "user": getattr(request.state, "user", None),
        "csrf": getattr(request.state, "csrf", ""),
        "desk_away": is_desk_away(request),
        "house": house_of(request),
        "all_keys": KEYS,
        "keys_taken": TAKEN,
        "key_of": lambda action: keys_shown(speaker, action),
        "may_set_states": may(request, Permission.SET_STATES),
        "may_see_desk": may(request, Permission.SEE_DESK),
        "may_hear_messages": may(request, Permission.MESSAGES),
    }


def keys_shown(speaker: Speaker, action: str) -> str:
    """Return an action's key as it is written on the keyboard of who reads."""
    return shown_key(action).replace("Enter", speaker(ENTER))


def house_of(request: Request) -> House | None:
    """Return the state of the house as it was last heard, None for who has not logged in."""
    user, feed = getattr(request.state, "user", None), getattr(request.app.state, "feed", None)
    if user is None or feed is None or feed.newest.status is None:
        return None
    if not {"service", "calls", "positions"} <= feed.newest.status.keys():
        return None  # a desk of another version, during an update
    return house(feed.newest.status)


def is_desk_away(request: Request) -> bool:
    """Tell whether the desk cannot be heard; as long as nothing is known it is not away."""
    feed = getattr(request.app.state, "feed", None)
    return feed is not None and feed.newest.number > 0 and feed.newest.away
