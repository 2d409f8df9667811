"""Logging in in a real browser: as a person does, or with the session of an earlier login."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

from tests.console import people
from tests.console.browser import Screen

_SESSIONS: Final[dict[tuple[str, str], Any]] = {}
"""The cookies of who has logged in before, by the console's address and the user's name."""


def carry(shown: Screen, name: str) -> None:
    """Have a window carry a user's session: the password is typed the first time only."""
    known = _SESSIONS.get((shown.home, name))
    if known is None:
        type_in(shown, name)
        _SESSIONS[shown.home, name] = shown.page.context.cookies()
    else:
        shown.page.context.add_cookies(known)


def log_in(shown: Screen, name: str, path: str = "/") -> Page:
    """Open a page as somebody who has logged in; returns what is shown then."""
    carry(shown, name)
    return shown.open(path)


def type_in(shown: Screen, name: str, password: str = people.PHRASE) -> Page:
    """Log somebody in as a person does: both fields, Enter, and the page that follows."""
    page = shown.open("/login")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page
