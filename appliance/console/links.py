"""The links in every page's head: each group of pages names its own, and who sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from appliance.console.say import N_

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


def shown(request: Request) -> list[Link]:
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
