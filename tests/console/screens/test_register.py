"""The register in a real browser before a real box: seen, varied by keys, declared, explained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from appliance.commands.register_changes import take
from appliance.commands.register_place import Place
from appliance.console.accounts.passwords import Passwords
from appliance.daemon import door, shell_proof
from tests.console.browser import every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.console.screens.test_accounts import PHRASE, state_of
from tests.policy.test_attachments import MAIL

pytestmark = pytest.mark.system

EXAMPLE = resources.files("appliance.daemon") / "example_register.toml"
E12_S = 30.0


@pytest.fixture(scope="module")
def with_register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box with the example register and a head."""
    folder = tmp_path_factory.mktemp("register")
    with running(folder) as found:
        state = state_of(found)
        found.box.wait_until((state / "private").is_dir, 10.0, "the desk did not look for users")
        user = {"name": "anna", "shown": "Anna Verdi", "roles": ["head"], "must_change": False}
        with shell_proof.proof(state) as word:
            asked = {"ask": "user_add", **user, "password": Passwords().hashed(PHRASE)}
            door.ask(found.box.folder / "run" / "desk.sock", {**asked, "by": "root", "proof": word})
        take(Place(found.box.config_path), Path(str(EXAMPLE)), "Responsabile")
        door.ask(found.box.folder / "run" / "desk.sock", {"ask": "register_changed"})
        yield found


@every_screen
def test_the_pages_of_the_register_keep_nobody_out(
    browser: Browser, with_register: Running, language: str, size: str
) -> None:
    """Each page in both languages and sizes: WCAG 2.1 AA, its own policy, no sideways scrolling."""
    with screen(browser, with_register.home, language, size) as shown:
        log_in(shown, "anna")
        for path, what in (
            ("/register", "register"),
            ("/register/office/anagrafe", "register-unit"),
            ("/register/office/anagrafe/declare", "register-declare"),
            ("/register/office/anagrafe/authorise", "register-authorise"),
            ("/register/vary?unit=scuola", "register-vary"),
            ("/register/new", "register-new"),
            ("/register/year", "register-year"),
            ("/explain?day=2026-11-25&time=10:00&need=anagrafe/residenza", "explain"),
        ):
            shown.open(path)
            shown.look(what)


def test_a_variation_of_today_by_keys(browser: Browser, with_register: Running) -> None:
    """E12: from the list to "in force" by keys alone, in far less than half a minute."""
    with screen(browser, with_register.home) as shown:
        page = log_in(shown, "anna")
        shown.open("/register")
        began = time.monotonic()
        page.get_by_role("link", name="Variazione di oggi").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/register/vary")
        page.keyboard.type("Servizi scol")  # the list has the focus
        page.get_by_label("Orario, per esempio 11-12").focus()
        page.keyboard.type("11-12")
        page.get_by_label("Riferimento").focus()
        page.keyboard.type("e-mail di Rossi, 8:05")
        page.keyboard.press("Enter")
        page.wait_for_url("**/register/office/scuola?saved=1")
        assert page.get_by_text("e-mail di Rossi, 8:05").first.is_visible()
        assert time.monotonic() - began < E12_S
        shown.look("register-varied")


def test_a_declaration_is_made_and_a_number_shown(browser: Browser, with_register: Running) -> None:
    """The form is filled from the one before; what changes is read; then it is in force."""
    with screen(browser, with_register.home) as shown:
        page = log_in(shown, "anna")
        shown.open("/register/office/tributi/declare")
        page.get_by_role("button", name="Vedi che cosa cambia").click()
        page.get_by_role("alert").wait_for()
        shown.look("register-problems")
        page.get_by_label("Lunedì").first.fill("9-12")
        page.get_by_label("Riferimento").fill("Protocollo 77/2026")
        page.get_by_role("button", name="Vedi che cosa cambia").click()
        page.get_by_text("Lunedì: 09:00-12:00").wait_for()
        page.locator("[name=email]").set_input_files(
            {"name": "orari.eml", "mimeType": "message/rfc822", "buffer": b"MZ"}
        )
        page.get_by_role("button", name="Salva: in vigore da subito").click()
        page.get_by_role("alert").wait_for()
        shown.look("register-preview")
        page.locator("[name=email]").set_input_files(
            {"name": "orari.eml", "mimeType": "message/rfc822", "buffer": MAIL}
        )
        page.get_by_role("button", name="Salva: in vigore da subito").click()
        page.wait_for_url("**/register/office/tributi?saved=1")
        page.get_by_role("link", name="Leggi l'e-mail").first.press("Enter")
        page.get_by_text("Ciao").wait_for()
        shown.look("register-email")
        page.go_back()
        button = page.get_by_role("button", name="Mostra il numero").first
        button.focus()
        page.keyboard.press("Enter")
        told = page.locator(".reg-told")
        told.wait_for()
        assert (told.inner_text() or "").isdigit()
        page.reload()
        assert page.locator(".reg-told").count() == 0
