"""The technician's pages in a real browser, beside a running box with lines and phones."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from appliance.store.database import connect, database_path
from appliance.text import _
from tests.console import people
from tests.console.browser import FILLED, every_language, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.helpers.mail_server import PASSWORD, USER, MailServer
from tests.system.test_mail import MAIL

pytestmark = pytest.mark.system


@pytest.fixture
def box_with_mail(tmp_path: Path) -> Iterator[Running]:
    """A box with a mail server that takes its mails; people who may log in."""
    options: dict[str, Any] = {"lines": 1, "languages": FILLED}
    with served() as server, running(tmp_path, extra=mail_at(server), **options) as found:
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
        yield found


@contextlib.contextmanager
def served() -> Iterator[MailServer]:
    """Have a real mail server run; its user must reach its folder whatever other tests run beside.

    Each start of pytest closes the folder of all its runs to other users.
    """
    with tempfile.TemporaryDirectory(prefix="centralino-mail-") as name:
        folder = Path(name)
        server = MailServer(folder).start()
        (folder / "password").write_text(PASSWORD)
        try:
            yield server
        finally:
            server.stop()


def mail_at(server: MailServer) -> str:
    """Return the configuration of a box that sends its mails there."""
    return MAIL.format(address=server.address, port=server.port, user=USER, folder=server.folder)


@every_language
def test_the_installation_keeps_nobody_out(
    browser: Browser, filled: Running, language: str
) -> None:
    """Every language, both sizes: no violation of WCAG 2.2 AA; the records are looked through."""
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant")
        expect(page.locator("#line-line1")).to_be_visible()
        page.locator("#light").click()
        expect(page.locator("#lit .note.good")).to_be_visible()
        page.locator("#check").click()
        expect(page.locator("#checked .note.good")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        shown.look("plant")
        shown.picture("plant-whole", is_whole=True)


def test_a_phone_that_registers_is_seen_at_once(browser: Browser, filled: Running) -> None:
    """Live; what was opened stays open, the focus where it was."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.BEPPE.name, "/plant")
        phone = page.get_by_role("row").filter(has_text="op1")
        expect(phone).to_contain_text("non registrato")
        ended = page.locator("#releases-line1")
        ended.locator("summary").focus()
        page.keyboard.press("Enter")
        with filled.box.phone("op1"):
            expect(phone).to_contain_text("registrato, risponde")
            assert ended.get_attribute("open") is not None
            assert page.evaluate("document.activeElement.parentElement.id") == "releases-line1"


def test_the_queue_of_mails_keeps_nobody_out(browser: Browser, box_with_mail: Running) -> None:
    """Both languages, both sizes; a test is taken by the real mail server, and the page says so."""
    for language in FILLED:
        with screen(browser, box_with_mail.home, language) as shown:
            page = log_in(shown, people.BEPPE.name, "/plant/mail")
            page.locator("#to").focus()
            page.keyboard.type("tecnico@example.it")
            page.keyboard.press("Enter")
            expect(page.locator(".tested")).to_contain_text(
                _("taken by the mail server").text(language)
            )
            expect(page.locator(".tested")).to_contain_text("250")
            shown.look("mails")


@every_language
def test_the_page_of_the_time_keeps_nobody_out(
    browser: Browser, filled: Running, language: str
) -> None:
    """Every language, both sizes: the time is confirmed by a key, and the page says so."""
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, people.BEPPE.name, "/clock")
        page.locator("#confirm").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".note.good")).to_contain_text(
            _("The time is confirmed.").text(language)
        )
        shown.look("clock")
