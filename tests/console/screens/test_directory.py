"""The directory in a real browser before a real box: seen, varied by keys, declared, explained."""

from __future__ import annotations

import itertools
import time

import pytest
from playwright.sync_api import Browser

from tests.console.browser import screen
from tests.console.people import ANNA
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.policy.test_directory_changes_attachments import MAIL

pytestmark = pytest.mark.system

E12_S = 30.0
MINUTES = itertools.count(1)
"""Each declaration ends its Monday at another minute, so that it changes something."""


@pytest.mark.promise("P4")
def test_a_variation_of_today_by_keys(browser: Browser, filled: Running) -> None:
    """E12: from the list to "in force" by keys alone, in far less than half a minute."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, "/register")
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


def test_a_declaration_is_made_and_a_number_shown(browser: Browser, filled: Running) -> None:
    """The form is filled from the one before; what changes is read; then it is in force."""
    until = f"12:{next(MINUTES):02d}"
    with screen(browser, filled.home) as shown:
        page = log_in(shown, ANNA.name, "/register/office/tributi/declare")
        page.get_by_role("button", name="Vedi che cosa cambia").click()
        page.get_by_role("alert").wait_for()
        shown.look("register-problems")
        page.get_by_label("Lunedì").first.fill(f"9-{until}")
        page.get_by_label("Riferimento").fill("Protocollo 77/2026")
        page.get_by_role("button", name="Vedi che cosa cambia").click()
        page.get_by_text(f"Lunedì: 09:00-{until}").wait_for()
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
        told = page.locator(".secret")
        told.wait_for()
        assert (told.inner_text() or "").isdigit()
        page.reload()
        assert page.locator(".secret").count() == 0
