"""Logging in in a real browser, as a person does: both fields, Enter, and the page that follows."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.console import people
from tests.console.browser import Screen


def log_in(shown: Screen, name: str, path: str = "", password: str = people.PHRASE) -> Page:
    """Log somebody in, and open a page where one is named; returns what is shown then."""
    page = shown.open("/login")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return shown.open(path) if path else page
