"""Pages from templates. The ONLY jinja2 import; everything that comes from outside is escaped."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from appliance.console.accounts import may
from appliance.console.house import House, house
from appliance.console.network import url_of
from appliance.console.say import N_, NAMES, Speaker
from appliance.policy.supervision import in_words
from appliance.policy.users import Permission
from appliance.store import managed_config

if TYPE_CHECKING:
    import sqlite3


# ---- head office -------------------------------------------------------------------------------
# What of a page is the head office's, so that whoever edits it sees that first.
#
# Read anew for each page: another bundle may have come into force since. Blocking: for threads.


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """Where the announcements and the schedule lie of the settings that are in force."""

    prompts: Path
    schedule: Path


@dataclass(frozen=True, slots=True)
class Theirs:
    """The codes of the head office's units, the numbers of the register's entries it brought."""

    units: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()


PARTS: Final = {
    "hours": N_("the hours of every week"),
    "citizens_desk": N_("the counter's hours of every week"),
    "closures": N_("closures"),
    "openings": N_("special openings"),
    "periods": N_("periods with other hours"),
}
"""What may be the head office's of the hours, by the table of its schedule."""
WEEKS: Final = {"switchboard": "hours", "citizens_desk": "citizens_desk"}
"""Whose week stands in which table."""


@dataclass(frozen=True, slots=True)
class TheirHours:
    """What of the hours is the head office's, said in a line, and whose weeks."""

    said: str = ""
    weeks: frozenset[str] = frozenset()


async def of_hours(request: Request) -> TheirHours:
    """Read what of the hours is the head office's."""
    tables = await anyio.to_thread.run_sync(_scheduled, request.app.state.settings.head_office)
    say = request.state.speaker
    return TheirHours(
        ", ".join(say(words) for table, words in PARTS.items() if table in tables),
        frozenset(whose for whose, table in WEEKS.items() if table in tables),
    )


def _scheduled(find: Callable[[], HeadOffice | None]) -> frozenset[str]:
    """Name the tables of the schedule; none for one that cannot be read."""
    office = find()
    try:
        text = office.schedule.read_text(encoding="utf-8") if office else ""
        return frozenset(tomllib.loads(text))
    except (OSError, ValueError):
        return frozenset()


async def of_register(request: Request) -> Theirs:
    """Read what of the register is the head office's; raises StoreError."""
    found: Theirs = await request.app.state.reading.do(_theirs)
    return found


def _theirs(connection: sqlite3.Connection) -> Theirs:
    return Theirs(managed_config.units(connection), managed_config.brought(connection))


# ---- keys --------------------------------------------------------------------------------------
# The keys of the pages: each action's name, its keys as delivered, its words for the list (F1).
#
# No letter or digit acts by itself (WCAG 2.1.4), no key changes the state of the whole house, and
# none is one of the browser's or the system's own. A person may give an action another key.


@dataclass(frozen=True, slots=True)
class Key:
    """One action; `keys` as they are written: "Alt+S", "Ctrl+Enter". `text` is English."""

    action: str
    keys: tuple[str, ...]
    text: str


KEYS: Final = (
    Key("keys", ("F1",), N_("All keys")),
    Key("search", ("Alt+S",), N_("Search the sheets")),
    Key("answered", ("Alt+Enter",), N_("Answered by this sheet")),
    Key("offices", ("F8", "Alt+U"), N_("Transfer: choose the office")),
    Key("note", ("Alt+N",), N_("Note on the call")),
    Key("head", ("Alt+H",), N_("Bring in the head")),
    Key("away", ("Alt+A",), N_("Away from the position, or back")),
    Key("interrupted", ("Alt+I",), N_("Interrupted calls")),
    Key("pane", ("F6",), N_("Next part of the page")),
    Key("play", ("Alt+L",), N_("Play or pause the message")),
    Key("back", ("Alt+,",), N_("5 seconds back")),
    Key("forward", ("Alt+.",), N_("5 seconds forward")),
    Key("take", ("Alt+P",), N_("Take charge")),
    Key("call-back", ("Alt+R",), N_("Call back")),
    *(
        Key(f"choice-{number}", (f"Alt+{number}",), text)
        for number, text in enumerate(
            (
                N_("First outcome, or way of the return"),
                N_("Second outcome, or way of the return"),
                N_("Third outcome, or way of the return"),
                N_("Fourth outcome"),
                N_("Fifth outcome"),
            ),
            1,
        )
    ),
    Key("send", ("Ctrl+Enter",), N_("Send the form one is in")),
    Key("undo", ("Ctrl+Z",), N_("Undo the last action, outside text fields")),
)
TAKEN: Final = (
    "F3", "F5", "F7", "F10", "F11", "F12", "Alt+F4", "Alt+Space", "Alt+ArrowLeft", "Alt+ArrowRight",
    "Alt+Tab", "Alt+Home", "Alt+D", "Alt+E", "Alt+F", "Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X",
    "Ctrl+F", "Ctrl+N", "Ctrl+P", "Ctrl+R", "Ctrl+T", "Ctrl+W", "Ctrl+L", "Ctrl+Tab", "Ctrl++",
    "Ctrl+-", "Ctrl+0", "Ctrl+Shift+N", "Ctrl+Shift+T", "Ctrl+Shift+W",
)  # fmt: skip
"""Keys of the browser or the system, which no action may be given."""


def shown_key(action: str) -> str:
    """Return an action's first key as delivered, as it is written on its button."""
    return next(key.keys[0] for key in KEYS if key.action == action)


# ---- links -------------------------------------------------------------------------------------
# The links in every page's head: each group of pages names its own, and who sees them.

MENUS: Final = (
    (range(22, 30), N_("Requests")),
    (range(40, 60), N_("Offices, hours, sheets")),
    (range(80, 90), N_("Installation and network")),
    (range(60, 1000), N_("Management")),
)
"""Under which heading links stand, by their order; the first that fits. Calls have none."""


def _everybody(_: Request) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Link:
    """One entry: where it leads, its English text, who sees it, its place among the others.

    `has_badge`: the number of messages that wait stands beside it.
    """

    path: str
    text: str
    is_for: Callable[[Request], bool] = _everybody
    order: int = 50
    has_badge: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """Links under one heading, "" for one that stands by itself; `is_here` with the page's own."""

    heading: str
    links: tuple[Link, ...]
    is_here: bool


def shown_links(request: Request) -> list[Link]:
    """Return the links that whoever asks may follow, in order; none before a new password."""
    user = getattr(request.state, "user", None)
    if user is not None and user.must_change:
        return []
    links: tuple[Link, ...] = request.app.state.links
    return [link for link in links if link.is_for(request)]


def menus(links: list[Link], path: str) -> list[Menu]:
    """Put links under their headings, in their order; a heading of one link is left out."""
    headings = list(dict.fromkeys(map(heading, links)))
    found: list[Menu] = []
    for name in headings:
        some = tuple(link for link in links if heading(link) == name)
        if name and len(some) > 1:
            found.append(Menu(name, some, any(is_at(link, path) for link in some)))
        else:
            found += (Menu("", (link,), is_at(link, path)) for link in some)
    return found


def is_at(link: Link, path: str) -> bool:
    """Tell whether a page is a link's own, or one below it: /sheet/imu is of /sheets."""
    if link.path == "/":
        return path == "/"
    return f"{path}/".startswith((f"{link.path}/", f"{link.path.removesuffix('s')}/"))


def heading(link: Link) -> str:
    """Return the heading that a link stands under, "" for none."""
    return next((name for orders, name in MENUS if link.order in orders), "")


# ---- templates ---------------------------------------------------------------------------------

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
    settings, links = request.app.state.settings, shown_links(request)
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
