"""Accounts in a real browser before a real box: by keys alone, both languages, both sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.console.accounts.passwords import Passwords
from appliance.daemon import door, first_user, shell_proof
from tests.console.browser import every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in

pytestmark = pytest.mark.system

PHRASE, OTHER = "pane burro alici", "acqua e sale grosso"


@pytest.fixture(scope="module")
def with_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box with a head, made from its shell."""
    with running(tmp_path_factory.mktemp("accounts")) as found:
        state = state_of(found)
        found.box.wait_until((state / "private").is_dir, 10.0, "the desk did not look for users")
        user = {"name": "anna", "shown": "Anna Verdi", "roles": ["head"], "must_change": False}
        with shell_proof.proof(state) as word:
            asked = {"ask": "user_add", **user, "password": Passwords().hashed(PHRASE)}
            door.ask(found.box.folder / "run" / "desk.sock", {**asked, "by": "root", "proof": word})
        yield found


def state_of(found: Running) -> Path:
    """Return the desk's state folder."""
    return found.box.folder / "state"


def type_on(page: Page, *texts: str) -> None:
    """Type into the field that has the focus, and into the next ones; then Enter."""
    page.wait_for_function("document.activeElement.tagName == 'INPUT'")
    for text in texts[:-1]:
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.type(texts[-1])
    page.keyboard.press("Enter")


def test_from_the_first_user_to_an_operators_pages(browser: Browser, tmp_path: Path) -> None:
    """The code on the box makes the head, who makes an operator, who sees an operator's pages."""
    with running(tmp_path) as found, screen(browser, found.home) as shown:
        code = first_user.code_path(state_of(found))
        found.box.wait_until(code.exists, 10.0, "there is no code for the first user")
        page = shown.open("/login")
        assert page.url.endswith("/first")
        shown.look("first-user")
        type_on(page, code.read_text().strip(), "anna", "Anna Verdi", PHRASE, PHRASE)
        page.wait_for_url(found.home + "/")
        assert not code.exists()
        page.get_by_role("link", name="Utenti").first.click()
        page.get_by_label("Nome utente").fill("carla")
        page.get_by_label("Nome e cognome").fill("Carla Blu")
        page.get_by_label("Operatore").check()
        page.get_by_role("button", name="Crea l'utente").click()
        given = page.locator(".account-password").inner_text()
        shown.look("user-made")
        page.get_by_role("button", name="Esci").click()
        page.wait_for_url(found.home + "/login")
        log_in(shown, "carla", password=given)
        assert page.url.endswith("/account")
        page.get_by_label("Password attuale").focus()
        type_on(page, given, OTHER, OTHER)
        page.wait_for_url(found.home + "/")
        assert page.get_by_role("link", name="Carla Blu").is_visible()
        assert page.get_by_role("link", name="Utenti").count() == 0
        shown.open("/users", status=403)
        assert "Possono farlo: Responsabile, Tecnico." in page.inner_text("main")
        shown.look("not-allowed")


@every_screen
def test_the_pages_of_accounts_keep_nobody_out(
    browser: Browser, with_head: Running, language: str, size: str
) -> None:
    """In both languages and sizes: no violation of WCAG 2.1 AA, none of the page's own policy."""
    with screen(browser, with_head.home, language, size) as shown:
        shown.open("/login")
        shown.look("login")
        page = log_in(shown, "anna")
        for path, name in (
            ("/account", "account"),
            ("/users", "users"),
            ("/users/anna", "user"),
            ("/audit", "changes"),
        ):
            shown.open(path)
            assert page.locator("html").get_attribute("lang") == language
            shown.look(name)


@every_screen
def test_the_menus_are_opened_by_keys(
    browser: Browser, with_head: Running, language: str, size: str
) -> None:
    """A heading opens its links, Escape closes them and gives the focus back; one row on a desk."""
    with screen(browser, with_head.home, language, size) as shown:
        page = log_in(shown, "anna")
        shown.open("/hours")
        menu = page.locator(".console-menu", has=page.locator("a[href='/register']"))
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
        row = page.evaluate("document.querySelector('.console-links').offsetHeight")
        assert row < (60 if size == "desk" else 100)


def test_on_a_small_screen_the_menu_is_folded(browser: Browser, with_head: Running) -> None:
    """Where one is and what waits stay in sight; a key shows all, Escape folds it away again."""
    with screen(browser, with_head.home, "it", "phone") as shown:
        page = log_in(shown, "anna", "/hours")
        fold, links = page.get_by_role("button", name="Menù"), page.locator("#menu > li")
        seen = links.filter(visible=True)
        expect(seen).to_have_text([re.compile("Messaggi"), re.compile("Uffici, orari, schede")])
        shown.look("menu-folded")
        fold.press("Enter")
        expect(fold).to_have_attribute("aria-expanded", "true")
        expect(seen).to_have_count(links.count())
        shown.look("menu-unfolded")
        page.get_by_role("link", name="Chiamate", exact=True).press("Escape")
        expect(fold).to_be_focused()
        expect(seen).to_have_count(2)


def test_a_wrong_password_is_heard(browser: Browser, with_head: Running) -> None:
    """Who does not see the page is told; the name stays, the focus is where one types again."""
    with screen(browser, with_head.home) as shown:
        page = shown.open("/login")
        type_on(page, "anna", "wrong password")
        page.get_by_role("alert").wait_for()
        assert page.get_by_label("Nome utente").input_value() == "anna"
        assert page.evaluate("document.activeElement.id") == "password"
        shown.look("login-wrong")


def test_a_login_leads_back_to_the_page_that_was_wanted(
    browser: Browser, with_head: Running
) -> None:
    """Whoever opens a page before logging in comes there; the cookie is no script's."""
    with screen(browser, with_head.home) as shown:
        page = shown.open("/audit?by=anna")
        type_on(page, "anna", PHRASE)
        page.wait_for_url(with_head.home + "/audit?by=anna")
        assert page.evaluate("document.cookie") == ""
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == (
            "__Host-centralino", True, True,
        )  # fmt: skip
        assert (cookie["sameSite"], cookie["expires"]) == ("Strict", -1)
