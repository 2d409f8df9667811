"""A technician asks in the browser whether it is the box or the line; nobody has ever asked before.

The box is one of systemd's with the units of the image.

1. The technician logs in and opens "Impianto". Under "È l'apparecchio o la linea?" stands "Non è
   ancora stato provato."
2. They press "Prova l'apparecchio": "Prova in corso" stands there, and nothing to press. By itself
   the page says "L'apparecchio è in ordine", the date and that it was they who asked; a screen
   reader finds it by the heading's name. Unfolded, every check that was made stands with its word.
3. Somebody has put a folder back from a copy as root. They press again: "L'apparecchio non è in
   ordine" names the folder and what to type; what could not be tried is "non misurato".
4. They open another page and come back: it still stands there.
5. They type what stands there and press once more: the folder is no fault any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.faults.systemd.test_helpers import WHO, add_user
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.front_desk import PATIENCE_S
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.test_technician_changes_settings import log_in

pytestmark = [pytest.mark.journey, pytest.mark.system, pytest.mark.alone]

TITLE = "È l'apparecchio o la linea?"
BUTTON = "Prova l'apparecchio"
RUNS = "Prova in corso"
TRIED_MS = 360_000
"""Half a minute; on a busy machine the unit's own limit."""
WELL = "L'apparecchio è in ordine"
BUSY = "L'apparecchio non è in ordine: il processore non ha tempo"
"""What is said of a healthy box on a machine that does much else: no fault of the box."""
ILL = "L'apparecchio non è in ordine: "
FOLDER = "/var/lib/centralino/voicemail"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box with one line, and a technician."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        authority = tmp_path / "box" / "lib" / "centralino-console" / "tls" / "ca.crt"
        wait_until(authority.exists, PATIENCE_S, "the console has made no authority")
        add_user(machine)
        yield machine


def result_of(page: Window) -> Locator:
    """Return what a screen reader reads by itself, by its name."""
    return page.page.get_by_role("status", name=TITLE)


def tries(page: Window) -> str:
    """Press the button, see that it is done, and wait for what the page says at the end."""
    page.click("button", BUTTON)
    page.sees(RUNS, within=result_of(page))
    expect(page.find("button", BUTTON)).to_have_count(0)
    expect(page.find("button", BUTTON)).to_have_count(1, timeout=TRIED_MS)
    page.sees_no(RUNS, within=result_of(page))
    return page.text(result_of(page))


def checks(page: Window) -> str:
    """Unfold what was tried, and read it."""
    result_of(page).get_by_text("Che cosa è stato provato").click()
    return page.text(result_of(page))


def test_is_it_the_box_in_the_browser(journey: Journey, box: Machine, tmp_path: Path) -> None:
    """See the sentences above."""
    started = box.shown(CALL_CONTROL, "ActiveEnterTimestamp")
    authority = box.folder / "lib" / "centralino-console" / "tls" / "ca.crt"
    with (
        computer(tmp_path / "technician", authority) as browser,
        window(journey, browser, WHO, f"https://{box.address}") as page,
    ):
        with journey.step(1):
            log_in(page)
            page.open("Impianto", under="Impianto")
            page.sees("Non è ancora stato provato.", within=result_of(page))
            assert "è in ordine" not in page.text(result_of(page))

        with journey.step(2):
            said = tries(page)
            assert WELL in said or BUSY in said, said
            assert re.search(rf"\d\d:\d\d \({WHO.title()}\): L'apparecchio", said), said
            told = checks(page)
            assert all(each in told for each in ("orologio", "annunci")), told
            assert box.shown(CALL_CONTROL, "ActiveEnterTimestamp") == started

        with journey.step(3):
            box.inside("sh", "-c", f"mkdir -p {FOLDER}; chown root: {FOLDER}; chmod 700 {FOLDER}")
            said = tries(page)
            found = re.search(rf"{ILL}.*sudo (chown -R centralino: {FOLDER})", said)
            assert found, said
            assert WELL not in said
            assert "non misurato" in checks(page).lower()

        with journey.step(4):
            page.open("Chiamate")
            page.open("Impianto", under="Impianto")
            page.sees(ILL, FOLDER, within=result_of(page))

        with journey.step(5):
            box.inside("sh", "-c", found[1])
            said = tries(page)
            assert WELL in said or BUSY in said, said
            assert FOLDER not in said
