"""The shell of every page in a real browser: keys, the language, errors, and what checks see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.console.browser import axe, screen
from tests.console.running import Running

pytestmark = pytest.mark.system


def test_an_error_is_a_page_like_others(browser: Browser, house: Running) -> None:
    """Who mistypes an address finds the way back (test_every_page.py looks at the page itself)."""
    with screen(browser, house.home) as shown:
        page = shown.open("/static/nowhere", status=404)
        page.get_by_role("main").get_by_role("link").click()
        assert page.url == house.home + "/"


def test_the_content_is_one_key_away(browser: Browser, house: Running) -> None:
    """The first key Tab offers to skip what stands on every page; Enter goes to the content."""
    with screen(browser, house.home) as shown:
        page = shown.open("/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_language_is_chosen_by_keys_and_stays(browser: Browser, house: Running) -> None:
    """Who wants the other language has it from then on."""
    with screen(browser, house.home) as shown:
        page = shown.open("/")
        button = page.get_by_role("button", name="English")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.documentElement.lang === 'en'")
        assert shown.open("/").locator("html").get_attribute("lang") == "en"


def test_the_checks_see_what_is_wrong(browser: Browser, house: Running) -> None:
    """A picture without words, a script in the page and an outside host are noticed."""
    with screen(browser, house.home) as shown:
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
        page.wait_for_function("() => performance.now() > 0")
        assert any("Content Security Policy" in one for one in shown.troubles)
        assert page.evaluate("window.wrong") is None
