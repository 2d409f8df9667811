"""What is half typed in a real browser that ends is there in the next one (E18)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.commands.register_changes import take
from appliance.commands.register_place import Place
from appliance.daemon import door
from appliance.daemon.stores import database_path
from appliance.policy.accounts import User
from appliance.records import drafts
from appliance.records.database import connect, open_reader
from tests.console import people
from tests.console.browser import every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.console.screens.test_register import EXAMPLE

pytestmark = pytest.mark.system
DECLARE = "/register/office/tributi/declare"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with the example register and people who may log in."""
    with running(tmp_path_factory.mktemp("box")) as found:
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
        take(Place(found.box.config_path), Path(str(EXAMPLE)), "Responsabile")
        door.ask(found.box.folder / "run" / "desk.sock", {"ask": "register_changed"})
        yield found


def kept(house: Running, user: User, place: str) -> str:
    """Return what the box has kept."""
    with contextlib.closing(open_reader(database_path(house.box.state))) as connection:
        return drafts.find(connection, user.name, place, datetime.now(UTC))


def test_a_note_outlives_the_browser(browser: Browser, house: Running) -> None:
    """A browser that knows nothing of the one before has it; taken out, it is gone for good."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/desk")
        page.locator("#note").fill("Ada Rossi, residenza")
        house.box.wait_until(
            lambda: "Ada Rossi" in kept(house, people.CARLA, "desk"), 10.0, "it was not kept"
        )
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/desk")
        expect(page.locator("#note")).to_have_value("Ada Rossi, residenza")
        page.locator("#note").fill("")
        house.box.wait_until(
            lambda: kept(house, people.CARLA, "desk") == "", 10.0, "it was not forgotten"
        )


def test_what_is_typed_last_is_kept_as_the_page_is_left(browser: Browser, house: Running) -> None:
    """No moment is waited for: whoever goes to another page loses no word."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.DINO.name)
        shown.open("/desk")
        page.locator("#note").fill("ultima parola")
        shown.open("/account")
        house.box.wait_until(
            lambda: "ultima parola" in kept(house, people.DINO, "desk"), 10.0, "it was not kept"
        )


def test_what_is_too_long_to_be_kept_is_said(browser: Browser, house: Running) -> None:
    """Whoever types is told while there is time to save it; shorter again, it is kept."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.ANNA.name, "/desk")
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
        assert "di nuovo breve" in kept(house, people.ANNA, "desk")


@every_screen
def test_a_declaration_outlives_the_browser(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Said as what it is, in both languages and sizes; the office's number is not kept (P7)."""
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown, people.ANNA.name)
        shown.open(DECLARE)
        page.locator("[name=declared_by]").fill(f"Rossi {language} {size}")
        page.locator("[name='needs.1.numbers.1.number']").fill("0541704199")
        house.box.wait_until(
            lambda: f"Rossi {language} {size}" in kept(house, people.ANNA, "declare:tributi"),
            10.0,
            "it was not kept",
        )
        assert "0541704199" not in kept(house, people.ANNA, "declare:tributi")
    with screen(browser, house.home, language, size) as shown:
        page = log_in(shown, people.ANNA.name)
        shown.open(DECLARE)
        expect(page.locator("[name=declared_by]")).to_have_value(f"Rossi {language} {size}")
        shown.look("register-drafted")
        page.locator("button[value=anew]").click()
        expect(page.locator("[name=declared_by]")).not_to_have_value(f"Rossi {language} {size}")
        assert kept(house, people.ANNA, "declare:tributi") == ""
