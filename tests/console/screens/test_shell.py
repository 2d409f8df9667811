"""The shell of every page in a real browser: both languages, large and small screens, keys."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser

from tests.console.browser import axe, every_screen, screen
from tests.console.running import Running

pytestmark = pytest.mark.system


@every_screen
def test_the_first_page_keeps_nobody_out(
    browser: Browser, box_and_console: Running, language: str, size: str
) -> None:
    """In both languages and sizes: no violation of WCAG 2.1 AA, none of the page's own policy."""
    with screen(browser, box_and_console.home, language, size) as shown:
        page = shown.open("/")
        assert page.locator("html").get_attribute("lang") == language
        shown.look("home")


@every_screen
def test_an_error_is_a_page_like_others(
    browser: Browser, box_and_console: Running, language: str, size: str
) -> None:
    """Who mistypes an address reads it in words, and finds the way back."""
    with screen(browser, box_and_console.home, language, size) as shown:
        page = shown.open("/static/nowhere", status=404)
        shown.look("error")
        page.get_by_role("main").get_by_role("link").click()
        assert page.url == box_and_console.home + "/"


def test_the_content_is_one_key_away(browser: Browser, box_and_console: Running) -> None:
    """The first key Tab offers to skip what stands on every page; Enter goes to the content."""
    with screen(browser, box_and_console.home) as shown:
        page = shown.open("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_language_is_chosen_by_keys_and_stays(
    browser: Browser, box_and_console: Running
) -> None:
    """Who wants the other language has it from then on."""
    with screen(browser, box_and_console.home) as shown:
        page = shown.open("/")
        button = page.get_by_role("button", name="English")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.documentElement.lang === 'en'")
        assert shown.open("/").locator("html").get_attribute("lang") == "en"


def test_with_the_desk_away_pages_say_so_and_open(
    browser: Browser, box_and_console: Running
) -> None:
    """A banner tells that the switchboard does not answer; the pages show what is kept."""
    with screen(browser, box_and_console.home) as shown:
        away = shown.open("/").locator("#desk-away")
        assert away.is_hidden()
        box_and_console.box.stop()
        try:
            deadline = time.monotonic() + 20.0
            while away.is_hidden():
                assert time.monotonic() < deadline, "no banner within 20 s"
                shown.open("/")
            shown.look("desk-away")
        finally:
            box_and_console.box.start()


def test_the_checks_see_what_is_wrong(browser: Browser, box_and_console: Running) -> None:
    """A picture without words, a script in the page and an outside host are noticed."""
    with screen(browser, box_and_console.home) as shown:
        page = shown.open("/")
        page.evaluate(
            """() => {
                document.querySelector("main").innerHTML = '<img src="/static/icon.svg">';
                const script = document.createElement("script");
                script.textContent = "window.wrong = true";
                document.body.append(script);
                fetch("https://outside.example/").catch(() => {});
            }"""
        )
        assert any("image-alt" in one for one in axe(page))
        page.wait_for_function("performance.now() > 0")
        assert any("Content Security Policy" in one for one in shown.troubles)
        assert page.evaluate("window.wrong") is None
