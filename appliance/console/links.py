"""The links in every page's head: each group of pages names its own, and who sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request


def _everybody(_: Request) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Link:
    """One entry: where it leads, its English text, who sees it, its place among the others.

    `badge` is the address of the small number beside it, "" for none.
    """

    path: str
    text: str
    is_for: Callable[[Request], bool] = _everybody
    order: int = 50
    badge: str = ""


def shown(request: Request) -> list[Link]:
    """Return the links that whoever asks may follow, in order."""
    links: tuple[Link, ...] = request.app.state.links
    return [link for link in links if link.is_for(request)]
