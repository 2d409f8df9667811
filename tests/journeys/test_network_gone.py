"""The network is silently gone for half a minute: the cable is out behind the switch.

The technician has made Carla's account.

1. Carla logs in and sits down at the first position.
2. The cable is pulled, and no connection is closed. Carla sees nothing of it yet and sets herself
   away; she is told within ten seconds that the console does not answer.
3. A citizen calls: the phone rings. The page says "Collegamento interrotto" by then.
4. She opens "Cambia lo stato…" and sets "Non presidiato": "Non inviato", and it will not be later.
5. Half a minute after it was pulled, the cable is in again: the page says so, and shows the call.
6. Nothing that she asked for meanwhile has been done: the switchboard is attended, her position is
   not away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.harness.browser import computer, window
from tests.journeys.harness.cable import cable
from tests.journeys.harness.front_desk import PATIENCE_S, FrontDesk, citizen_calls, front_desk
from tests.journeys.harness.operator import SIDE, logs_in, makes_an_account, sits_down
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import on_the_box

pytestmark = pytest.mark.system

CALLER = "0512345678"
OUT_S = 30.0
TOLD_MS = 10_000
STALE_MS = 12_000
"""So long after the last sign of life a page may look alive."""
SETTLED_S = 2.0
"""What was sent while the cable was out has arrived by then."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[FrontDesk]:
    """The office's box."""
    with front_desk(tmp_path / "box") as made:
        yield made


@pytest.fixture
def browser(tmp_path: Path, box: FrontDesk) -> Iterator[Browser]:
    """The browser of Carla's computer."""
    with computer(tmp_path / "carla", box.authority) as started:
        yield started


def test_a_network_that_is_gone_is_seen(
    journey: Journey, box: FrontDesk, browser: Browser, tmp_path: Path
) -> None:
    """What is not live looks dead, nothing is carried out later, and it comes back by itself."""
    with on_the_box(journey, tmp_path / "technician", box.folder) as terminal:
        makes_an_account(terminal)
    with (
        box.phone("op1") as op1,
        cable(box.home) as (line, home),
        window(journey, browser, "carla", home) as page,
    ):
        with journey.step(1):
            logs_in(page)
            sits_down(page)
            side = page.region(SIDE)

        with journey.step(2):
            line.pull()
            pulled = time.monotonic()
            page.press("Alt+a")
            page.sees("La console non risponde", limit_ms=TOLD_MS)

        with journey.step(3):
            citizen = citizen_calls(box, 1, CALLER)
            op1.wait_event("invite", PATIENCE_S)
            page.sees("Collegamento interrotto", limit_ms=STALE_MS)
            page.sees_no(CALLER)

        with journey.step(4):
            page.click("button", "Cambia lo stato…")
            dialog = page.page.get_by_role("dialog")
            page.field("Non presidiato: le chiamate vanno allo Sportello Cittadini", dialog).check()
            page.click("button", "Imposta", dialog)
            page.sees("Non inviato", within=dialog)
            page.click("button", "Chiudi", dialog)

        with journey.step(5):
            page.page.wait_for_timeout(max(0.0, OUT_S - (time.monotonic() - pulled)) * 1000)
            page.sees("Collegamento interrotto")
            line.plug()
            page.sees_no("Collegamento interrotto")
            page.sees(CALLER, "Squilla", within=side)

        with journey.step(6):
            page.page.wait_for_timeout(SETTLED_S * 1000)
            service = box.status()["service"]
            assert (service["unattended"], service["away"]) == (None, [])
            page.sees("Metti assente", within=page.region("Chiamata in arrivo"))
            citizen.hang_up()
            citizen.wait(PATIENCE_S)
