"""A form of the settings outlives a restart of the console: what was typed is sent afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from appliance.store.database import connect, database_path
from tests.console import people
from tests.console.browser import screen
from tests.console.running import STOP_S, Running, open_console, running
from tests.console.screens.entering import log_in

pytestmark = pytest.mark.system

AFTER_MS = 90_000
"""So long the console takes on a busy machine, and call control to write the file."""
WAITS = "non risponde ancora: forse si sta riavviando"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Running]:
    """Return a box of its own: its console is stopped."""
    with running(tmp_path / "box", lines=1) as found:
        with closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
        yield found


@pytest.mark.parametrize("path", ["/start/name", "/settings/office"])
def test_a_form_waits_for_the_console(browser: Browser, own: Running, path: str) -> None:
    """The page says so in a sentence, keeps what was typed, and sends it once."""
    port = int(own.home.rpartition(":")[2])
    with screen(browser, own.home) as shown, ExitStack() as consoles:
        page = log_in(shown, people.BEPPE.name, path)
        page.locator("#site-name").fill("Comune di Altrove")
        own.console.terminate()
        own.console.wait(STOP_S)
        page.locator("button[value=apply]").click()
        waits = page.locator("[data-waiting]")
        expect(waits).to_contain_text(WAITS)
        # Whoever presses again meanwhile sends it no second time.
        page.locator("button[value=apply]").click()
        expect(page.locator("#site-name")).to_have_value("Comune di Altrove")
        shown.picture("waiting")
        consoles.enter_context(open_console(own.box, port=port))
        expect(page).to_have_url(re.compile(r"\?done=1$"), timeout=AFTER_MS)
        expect(page.get_by_text("Applicato.")).to_be_visible(timeout=AFTER_MS)
        # What the page is called has changed without another restart.
        expect(page).to_have_title(re.compile("Comune di Altrove"))
    name = 'name = "Comune di Altrove"'
    assert own.box.config_path.read_text(encoding="utf-8").count(name) == 1
