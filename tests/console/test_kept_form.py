"""What was typed in a form that was not taken is in it again, for its writer alone (E18)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from appliance.console.process import ConsoleServer, _config, build, listen
from appliance.console.settings import ConsoleSettings
from appliance.policy.users import User
from tests.console import people
from tests.console.browser import Screen, running_loop, screen
from tests.console.screens.entering import log_in

START_S: Final = 30.0
NAME: Final = "#name"
WORDS: Final = "Nome non più scritto due volte"


@pytest.fixture
def home(console_settings: ConsoleSettings, records: object) -> Iterator[str]:
    """Return the address of a console of its own, without call control."""
    made = replace(console_settings, names=("127.0.0.1",))
    server, listening = ConsoleServer(_config(build(made))), listen("127.0.0.1", 0)

    def serve() -> None:
        asyncio.run(server.serve(sockets=[listening]))

    with running_loop(None):
        thread = threading.Thread(target=serve)
        thread.start()
    # The port is bound already, but refuses whoever comes before the server listens.
    end = time.monotonic() + START_S
    while not server.started:
        assert time.monotonic() < end, "the console has not started"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.force_exit = server.should_exit = True
    thread.join()


def begin(shown: Screen, user: User) -> Page:
    """Have somebody write a new user's name."""
    page = log_in(shown, user.name, "/users")
    page.locator("#name").fill("nuova.persona")
    page.locator("#shown").fill(WORDS)
    page.locator("#role-operator").check()
    return page


def end_session(page: Page) -> None:
    """Log out in another window of the same browser."""
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("#person summary").click()
    other.locator("form[action='/logout'] button").click()
    other.wait_for_url(lambda url: "/login" in url)
    other.close()


def again(page: Page, user: User) -> None:
    """Log in at the login that is shown."""
    page.locator("[name=name]").fill(user.name)
    page.locator("[name=password]").fill(people.PHRASE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/users")


def test_a_form_is_filled_again_for_who_typed_it(browser: Browser, home: str) -> None:
    """The login says why, and that nothing is lost; another person finds nothing."""
    with screen(browser, home) as shown:
        page = begin(shown, people.ANNA)
        end_session(page)
        page.locator("form[action='/users'] button").click()
        page.wait_for_url(lambda url: "/login" in url)
        expect(page.get_by_role("alert").first).to_contain_text("La sessione è finita")
        expect(page.locator("#form-kept")).to_be_visible()
        again(page, people.ANNA)
        expect(page.locator("#shown")).to_have_value(WORDS)
        expect(page.locator("#role-operator")).to_be_checked()
        expect(page.get_by_text("Non ancora salvato")).to_be_visible()
        page.locator("#shown").press_sequentially("!")
        end_session(page)
        page.locator("form[action='/users'] button").click()
        page.wait_for_url(lambda url: "/login" in url)
        again(page, people.BEPPE)
        expect(page.locator("#shown")).to_have_value("")
        assert page.evaluate("sessionStorage.getItem('form-kept')") is None
        assert shown.troubles == []


def test_a_log_out_forgets_what_was_typed(browser: Browser, home: str) -> None:
    """So does a form that the console has taken; a refused one is kept."""
    with screen(browser, home) as shown:
        page = begin(shown, people.ANNA)
        page.locator("form[action='/users'] button").click()
        page.wait_for_selector(".note.bad")
        assert WORDS in page.evaluate("sessionStorage.getItem('form-kept')")
        page.locator("#person summary").click()
        page.locator("form[action='/logout'] button").click()
        page.wait_for_url(lambda url: "/login" in url)
        assert page.evaluate("sessionStorage.getItem('form-kept')") is None
        expect(page.locator("#form-kept")).to_be_hidden()


def test_the_login_after_a_save_speaks_of_nothing_kept(browser: Browser, home: str) -> None:
    """The console took the form, and the session ended before its next page was shown."""
    with screen(browser, home) as shown:
        page = begin(shown, people.ANNA)

        def take(route: Route) -> None:
            page.context.clear_cookies()
            led = "<meta http-equiv='refresh' content='0;url=/login?next=%2Fusers'>"
            route.fulfill(status=200, content_type="text/html", body=led)

        page.route("**/users", take)
        page.locator("form[action='/users'] button").click()
        page.wait_for_url(lambda url: "/login" in url)
        page.unroute("**/users")
        expect(page.locator("[name=password]")).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.locator("#form-kept")).to_be_hidden()
        again(page, people.ANNA)
        expect(page.locator("#shown")).to_have_value("")
