"""Accounts in a real browser before a real box: by keys alone, every language, both sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.api import users
from tests.console.browser import SIZES, every_language, screen
from tests.console.people import ANNA, PHRASE
from tests.console.running import Running, running
from tests.console.screens.entering import log_in, type_in
from tests.console.screens.filled_box import ZOE

pytestmark = pytest.mark.system

OTHER = "acqua e sale grosso"
HIGHEST = {"desk": 60, "phone": 100}
"""How high the row of menus may be."""


def type_on(page: Page, *texts: str) -> None:
    """Type into the field that has the focus, and into the next ones; then Enter."""
    page.wait_for_function("() => document.activeElement.tagName === 'INPUT'")
    for text in texts[:-1]:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type(texts[-1])
    page.keyboard.press("Enter")


def test_from_the_first_user_to_an_operators_pages(browser: Browser, tmp_path: Path) -> None:
    """The code on the box makes the head, who makes an operator, who sees an operator's pages."""
    with running(tmp_path, lines=1) as found, screen(browser, found.home) as shown:
        code = users.code_path(found.box.state)
        found.box.wait_until(code.exists, 30.0, "there is no code for the first user")
        page = shown.open("/login")
        assert page.url.endswith("/first")
        shown.look("first-user")
        type_on(page, code.read_text().strip(), "anna", "Anna Verdi", PHRASE, PHRASE)
        page.wait_for_url(found.home + "/")
        assert not code.exists()
        expect(page.get_by_role("link", name="continua passo per passo")).to_be_visible()
        page.get_by_role("link", name="Utenti").first.click()
        page.get_by_label("Nome utente").fill("carla")
        page.get_by_label("Nome e cognome").fill("Carla Blu")
        page.get_by_label("Operatore").check()
        page.get_by_role("button", name="Crea l'utente").click()
        given = page.locator(".secret").inner_text()
        shown.look("user-made")
        page.locator("#person > summary").click()
        page.get_by_role("button", name="Esci").click()
        page.wait_for_url(found.home + "/login")
        type_in(shown, "carla", given)
        assert page.url.endswith("/account")
        page.get_by_label("Password attuale").focus()
        type_on(page, given, OTHER, OTHER)
        page.wait_for_url(found.home + "/")
        expect(page.locator("#person > summary")).to_contain_text("Carla Blu")
        assert page.get_by_role("link", name="Utenti").count() == 0
        shown.open("/users", status=403)
        assert "Possono farlo: Responsabile, Tecnico." in page.inner_text("main")
        shown.look("not-allowed")


@every_language
def test_the_menus_are_opened_by_keys(browser: Browser, filled: Running, language: str) -> None:
    """A heading opens its links, Escape closes them and gives the focus back; one row on a desk."""
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, ANNA.name, "/hours")
        for size in SIZES:
            shown.resize(size)
            shown.open("/hours")
            menu = page.locator(".menu-group", has=page.locator("a[href='/register']"))
            assert menu.locator("summary").get_attribute("aria-current") == "true"
            menu.locator("summary").press("Enter")
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.getAttribute('href')") == "/register"
            shown.look("menu-open")
            page.keyboard.press("Escape")
            assert menu.get_attribute("open") is None
            assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
            menu.locator("summary").click()
            page.locator("h1").click()
            assert menu.get_attribute("open") is None
            row = page.evaluate("document.querySelector('.menu').offsetHeight")
            assert row < HIGHEST[size]


def test_on_a_small_screen_the_menu_is_folded(browser: Browser, filled: Running) -> None:
    """Where one is and what waits stay in sight; a key shows all, Escape folds it away again."""
    with screen(browser, filled.home, "it", "phone") as shown:
        page = log_in(shown, ANNA.name, "/hours")
        fold, links = page.get_by_role("button", name="Menù"), page.locator("#menu > li")
        seen = links.filter(visible=True)
        expect(seen).to_have_text([re.compile("Da seguire"), re.compile("Uffici")])
        shown.look("menu-folded")
        fold.press("Enter")
        expect(fold).to_have_attribute("aria-expanded", "true")
        expect(seen).to_have_count(links.count())
        shown.look("menu-unfolded")
        page.locator("#menu").get_by_role("link", name="Postazione operatore").press("Escape")
        expect(fold).to_be_focused()
        expect(seen).to_have_count(2)


def test_a_wrong_password_is_heard(browser: Browser, filled: Running) -> None:
    """Who does not see the page is told; the name stays, the focus is where one types again."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/login")
        type_on(page, ZOE.name, "wrong password")
        page.get_by_role("alert").wait_for()
        assert page.get_by_label("Nome utente").input_value() == ZOE.name
        assert page.evaluate("document.activeElement.id") == "password"
        shown.look("login-wrong")


def test_a_login_leads_back_to_the_page_that_was_wanted(browser: Browser, filled: Running) -> None:
    """Whoever opens a page before logging in comes there; the cookie is no script's."""
    with screen(browser, filled.home) as shown:
        page = shown.open("/audit?by=anna")
        type_on(page, ANNA.name, PHRASE)
        page.wait_for_url(filled.home + "/audit?by=anna")
        assert page.evaluate("document.cookie") == ""
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == (
            "__Host-centralino", True, True,
        )  # fmt: skip
        assert (cookie["sameSite"], cookie["expires"]) == ("Strict", -1)
