"""The first login of each role: with the password that was handed over, which must be changed.

The technician has installed the box and its authority; the head of the front desk sits at the
office's computer.

1. The head types the code of the first user, a name and a password, and is logged in.
2. Under "Utenti" the head makes one user of each role, and writes down the password that the page
   shows for each.
3. The operator types the console's address, name and that password, and reads "Per continuare,
   scegliere una propria password": the page stands still meanwhile. The operator types the old
   password and twice a new one, then Enter, and sees the first page with their own name.
4. Each of the others does the same, with the same result.
5. The head gives the operator a new password; the operator logs in, changes it, and sees the first
   page again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, expect

from appliance.api import users
from tests.console.running import Running, running
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.steps import Journey

pytestmark = [pytest.mark.journey, pytest.mark.system]

HEADS, OWN, LATER = "pane burro alici", "onda e sale", "vento e mare"
ROLES = {
    "carla": ("Carla Blu", "Operatore"),
    "dino": ("Dino Rosa", "Sportellista"),
    "vito": ("Vito Ceri", "Delegato/a"),
    "bice": ("Bice Nero", "Responsabile"),
    "beppe": ("Beppe Neri", "Tecnico"),
}
"""Of each user: the full name and the role, by its words on the page."""
READS_MS = 2000
"""So long a person looks at a page before the first key."""
MOST_REQUESTS = 3
"""So much may a page ask for by itself while somebody reads it."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Running]:
    """A box on which nobody has logged in yet."""
    with running(tmp_path / "box", lines=1) as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: Running) -> Iterator[Browser]:
    """The browser of the office's computer, on which the authority is installed."""
    authority = box.box.folder / "console" / "tls" / "ca.crt"
    with computer(tmp_path / "office", authority) as started:
        yield started


def test_the_first_login_of_each_role(journey: Journey, box: Running, browser: Browser) -> None:
    """The page for the new password stands still, and the new password opens the pages."""
    given: dict[str, str] = {}
    with window(journey, browser, "head", box.home) as head:
        with journey.step(1):
            code = users.code_path(box.box.state)
            box.box.wait_until(code.exists, 30.0, "there is no code for the first user")
            head.go_to(box.home)
            head.click("link", "Entra")
            head.write("Codice", code.read_text(encoding="utf-8").strip())
            fills(head, "anna", "Anna Verdi", HEADS, HEADS)
            head.sees("Anna Verdi")

        with journey.step(2):
            for name, (shown, role) in ROLES.items():
                given[name] = makes(head, name, shown, role)

        with journey.step(3):
            begins(journey, browser, box.home, "carla", (given["carla"], OWN))

        with journey.step(4):
            for name in list(ROLES)[1:]:
                begins(journey, browser, box.home, name, (given[name], OWN))

        with journey.step(5):
            head.open("Utenti", under="Gestione")
            row = head.page.get_by_role("row").filter(has_text="Carla Blu")
            row.get_by_role("link", name="carla").click()
            head.click("button", "Crea una nuova password")
            again = head.page.locator(".secret").inner_text()
            begins(journey, browser, box.home, "carla", (again, LATER))


def fills(page: Window, *words: str) -> None:
    """Go from field to field by Tab, type into each, and send the form by Enter."""
    for each in words:
        page.press("Tab")
        page.type(each)
    page.press("Enter")


def makes(head: Window, name: str, shown: str, role: str) -> str:
    """Make a user; returns the password that the page shows once."""
    head.open("Utenti", under="Gestione")
    head.write("Nome utente", name)
    head.write("Nome e cognome", shown)
    head.field(role).check()
    head.click("button", "Crea l'utente")
    return head.page.locator(".secret").inner_text()


def begins(
    journey: Journey, browser: Browser, home: str, name: str, words: tuple[str, str]
) -> None:
    """Log in with a password that was given, read in peace, and choose another one."""
    old, new = words
    with window(journey, browser, name, home) as page:
        page.go_to("/")
        page.click("link", "Entra")
        page.write("Nome utente", name)
        fills(page, old)
        page.sees("Per continuare, scegliere una propria password")
        reads_in_peace(page)
        page.write("Password attuale", old)
        fills(page, new, new)
        page.page.wait_for_url(home + "/")
        page.sees(ROLES[name][0], within=page.page.locator("header"))


def reads_in_peace(page: Window) -> None:
    """Look at the page: one head, one form, and it asks for nothing again and again."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.page.on("request", note)
    page.page.wait_for_timeout(READS_MS)
    page.page.remove_listener("request", note)
    assert len(asked) <= MOST_REQUESTS, asked
    expect(page.page.locator("header")).to_have_count(1)
    expect(page.page.get_by_label("Password attuale")).to_have_count(1)
