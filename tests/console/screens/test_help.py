"""The guides at /help in a real browser: every page of every language, and the search."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from appliance.console import process
from appliance.console.settings import ConsoleSettings
from scripts import docs_site
from tests.console.browser import LOCALES, Screen, every_language, screen

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

SITE = docs_site.plan()
LIMIT_S = 60.0
"""Seconds within which a server of this process has opened."""
FOUND = {"it": ("segreterie", "segreteria"), "en": ("announcement", "announcements")}
"""A word that is searched, and one of the same stem that is found.

Not in German, whose site has five guides: the search is the same.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site as it is built: a warning of any page fails here."""
    try:
        return docs_site.build(tmp_path_factory.mktemp("built") / "docs")
    except docs_site.SiteError as error:
        if "apt-get install" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture
def home(site: Path, console_settings: ConsoleSettings) -> Iterator[str]:
    """Return the address of a console beside the site, in a thread of its own."""
    listening = process.listen("127.0.0.1", 0)
    app = process.build(console_settings)
    app.state.help_folder = site
    server = process.ConsoleServer(process._config(app))
    opened = threading.Event()

    async def serve() -> None:
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not task.done():
            await asyncio.sleep(0.02)
        opened.set()
        await task

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert opened.wait(LIMIT_S)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        app.state.feed.stop()
        server.should_exit = True
        thread.join(LIMIT_S)


def search(page: Page, words: str) -> None:
    """Type words into the search, as a person does."""
    field = page.locator("[name=query]")
    field.click()
    field.press_sequentially(words)


@pytest.mark.parametrize("language", FOUND)
def test_the_search_finds_without_another_host(home: str, browser: Browser, language: str) -> None:
    """A word of the same stem is found, the result leads to the page, and no other host is asked.

    What the policy forbids and what any script fails at is a trouble of the screen.
    """
    typed, found = FOUND[language]
    with screen(browser, home, language) as shown:
        page = shown.open("/help")
        assert page.url == f"{home}/help/{language}/index.html"
        assert page.locator("html").get_attribute("lang") == language
        search(page, typed)
        result = page.locator(".md-search-result__link").first
        expect(result).to_be_visible()
        expect(page.locator(".md-search-result mark").first).to_be_visible()
        assert found in page.locator(".md-search-result__list").inner_text().lower()
        result.click()
        expect(page.locator("article h1")).to_be_visible()
        assert page.url.startswith(f"{home}/help/{language}/")
        assert shown.troubles == []


@every_language
def test_the_other_language_is_a_click_away(home: str, browser: Browser, language: str) -> None:
    """It leads to the same page, also of a page in a folder."""
    with screen(browser, home, language) as shown:
        page = shown.open(f"/help/{language}/fleet/boxes.html")
        other = next(one for one in LOCALES if one != language)
        page.get_by_role("link", name=docs_site.NAMES[other], exact=True).click()
        page.wait_for_url(f"{home}/help/{other}/fleet/boxes.html")
        expect(page.locator("html")).to_have_attribute("lang", other)
        assert shown.troubles == []


def missing(shown: Screen, answer: Response) -> None:
    """Note a file that is not there."""
    if answer.status >= 400:
        shown.troubles.append(f"{answer.status} {answer.url}")


@every_language
def test_every_page_opens(home: str, browser: Browser, language: str) -> None:
    """Nothing on it is forbidden by the policy, asked of another host, or missing."""
    # A page without German is the Italian one below another menu: it has been opened already.
    names = [name for name in SITE.pages if language in ("it", "en", SITE.source(name, "de")[1])]
    with screen(browser, home, language) as shown:
        shown.page.on("response", lambda answer: missing(shown, answer))
        for name in names:
            page = shown.open(f"/help/{language}/{name}.html")
            expect(page.locator("article h1").first).to_be_visible()
            assert shown.troubles == [], name


def test_guides_keep_nobody_out(home: str, browser: Browser) -> None:
    """Steps and wide tables, in both colours, at a desk and on a phone (axe-core)."""
    with screen(browser, home) as shown:
        for name in ("installation", "fleet/boxes"):
            shown.open(f"/help/it/{name}.html")
            shown.look(f"help-{name.replace('/', '-')}")
