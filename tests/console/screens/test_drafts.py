"""What is half typed in a real browser that ends is there in the next one (E18)."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.policy.users import User
from appliance.simulator.exchange.call import CallPlan
from appliance.store import users
from appliance.store.database import database_path, open_reader
from tests.console import people
from tests.console.browser import Screen, every_language, screen
from tests.console.running import Running
from tests.console.screens.entering import carry, log_in, type_in
from tests.console.screens.filled_box import IRMA

pytestmark = pytest.mark.system
DECLARE = "/register/office/tributi/declare"


def at_the_desk(shown: Screen) -> Page:
    """Open the operator's desk, and wait until it has asked for what was half typed before."""
    with shown.page.expect_response("**/drafts/desk"):
        return shown.open("/desk")


def kept(filled: Running, user: User, place: str) -> str:
    """Return what the box has kept."""
    with contextlib.closing(open_reader(database_path(filled.box.state))) as connection:
        return users.find_draft(connection, user.name, place, datetime.now(UTC))


def test_a_note_outlives_the_browser(browser: Browser, filled: Running) -> None:
    """A browser that knows nothing of the one before has it; taken out, it is gone for good."""
    with screen(browser, filled.home) as shown:
        carry(shown, people.CARLA.name)
        page = at_the_desk(shown)
        page.locator("#note").press_sequentially("Ada Rossi, residenza")
        filled.box.wait_until(
            lambda: "Ada Rossi" in kept(filled, people.CARLA, "desk"), 30.0, "it was not kept"
        )
    with screen(browser, filled.home) as shown:
        type_in(shown, people.CARLA.name)
        page = at_the_desk(shown)
        expect(page.locator("#note")).to_have_value("Ada Rossi, residenza")
        page.locator("#note").fill("")
        filled.box.wait_until(
            lambda: kept(filled, people.CARLA, "desk") == "", 30.0, "it was not forgotten"
        )


def test_what_is_typed_last_is_kept_as_the_page_is_left(browser: Browser, filled: Running) -> None:
    """No moment is waited for: whoever goes to another page loses no word."""
    with screen(browser, filled.home) as shown:
        carry(shown, people.DINO.name)
        page = at_the_desk(shown)
        page.locator("#note").press_sequentially("ultima parola")
        shown.open("/account")
        filled.box.wait_until(
            lambda: "ultima parola" in kept(filled, people.DINO, "desk"), 30.0, "it was not kept"
        )


def test_what_is_too_long_to_be_kept_is_said(browser: Browser, filled: Running) -> None:
    """Whoever types is told while there is time to save it; shorter again, it is kept."""
    box = filled.box
    with screen(browser, filled.home) as shown, box.phone("op1") as phone:
        box.wait_until(box.is_idle, 30.0, "the line did not become idle")
        call = box.place(1, CallPlan(caller="0519876543"))
        phone.wait_event("invite", 30.0)
        phone.answer()
        carry(shown, IRMA.name)
        page = at_the_desk(shown)
        page.locator("#note").fill("breve")
        warning = page.locator("#draft-too-long")
        expect(warning).to_be_hidden()
        page.evaluate("document.getElementById('note').maxLength = 9000")
        page.locator("#note").fill("lunga " * 1400)
        expect(warning).to_be_visible()
        expect(page.locator("#said")).to_contain_text("troppo lungo")
        shown.look("draft-too-long")
        page.locator("#note").fill("di nuovo breve")
        expect(warning).to_be_hidden()
        box.wait_until(
            lambda: "di nuovo breve" in kept(filled, IRMA, "desk"), 30.0, "it was not kept"
        )
        call.hang_up()


@every_language
def test_a_declaration_outlives_the_browser(
    browser: Browser, filled: Running, language: str
) -> None:
    """Said as what it is, in every language and size; the office's number is not kept (P7)."""
    who = f"Rossi {language}"
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, people.ANNA.name, DECLARE)
        page.locator("[name=declared_by]").fill(who)
        page.locator("[name='needs.1.numbers.1.number']").fill("0541704199")
        filled.box.wait_until(
            lambda: who in kept(filled, people.ANNA, "declare:tributi"), 30.0, "it was not kept"
        )
        assert "0541704199" not in kept(filled, people.ANNA, "declare:tributi")
    with screen(browser, filled.home, language) as shown:
        type_in(shown, people.ANNA.name)
        page = shown.open(DECLARE)
        expect(page.locator("[name=declared_by]")).to_have_value(who)
        shown.look("register-drafted")
        page.locator("button[value=anew]").click()
        expect(page.locator("[name=declared_by]")).not_to_have_value(who)
        assert kept(filled, people.ANNA, "declare:tributi") == ""
