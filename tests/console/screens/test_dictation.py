"""The head dictates an announcement in a real browser, with a phone of a real box beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from appliance.calls.status import SAID, Went
from appliance.config.state_folder import drafts_of
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import OURS
from appliance.simulator.phone.process import TestPhone
from tests.console.browser import Screen, every_language, screen
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.console.screens.filled_box import DORA
from tests.console.screens.test_head_pages import LENGTH
from tests.helpers import sound
from tests.helpers.box import Box

pytestmark = pytest.mark.system

KEY = "connecting"
"""An announcement that no other test of this house replaces."""
PAGE = f"/announcements/it/{KEY}"
ASKED_MS = sum(
    wav.read(OURS / "it" / f"{key}.wav").duration_ms for key in ("dictation_ask", "tone_record")
)
SAID_MS = 2000
SPEECH = g711.encode(sound.babble(20.0, dbm0=-25.0, seed=5), Law.ULAW)


@pytest.fixture
def phone(filled: Running) -> Iterator[TestPhone]:
    """The head's phone, lifted as soon as it rings."""
    with filled.box.phone(DORA.position) as made:
        made.answer_mode("auto", 200)
        yield made


@pytest.fixture
def as_before(filled: Running) -> Iterator[None]:
    """Our own announcement is back after the test."""
    yield
    filled.box.ask("announcement_restore", by=DORA.name, language="it", key=KEY)


def dictate(box: Box, shown: Screen, phone: TestPhone) -> None:
    """Have the phone ring, and say something at it until it is to be heard again."""
    page = shown.page
    phone.say(SPEECH)
    page.locator("#dictation button").last.click()
    page.wait_for_url(f"**{PAGE}?dictating=1#dictation")
    phone.wait_event("ack", 30.0)
    wanted = (ASKED_MS + SAID_MS) * 8
    box.wait_until(lambda: len(phone.received().data) > wanted, 30.0, "the phone heard nothing")
    phone.press("#")


def told(shown: Screen, went: Went) -> None:
    """Wait until the page says how far it is."""
    status = shown.page.locator("#dictation").get_by_role("status")
    status.filter(has_text=SAID[went].text("it")).wait_for()


@pytest.mark.usefixtures("as_before")
def test_an_announcement_is_dictated_heard_and_put_in_force(
    browser: Browser, filled: Running, phone: TestPhone
) -> None:
    """The page follows the phone by itself; the draft is played; one button puts it in force."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, DORA.name, PAGE)
        assert page.get_by_label("Telefono", exact=True).input_value() == DORA.position
        dictate(filled.box, shown, phone)
        told(shown, Went.REVIEWS)
        shown.look("dictation-going-on")
        phone.press("1")
        told(shown, Went.KEPT)
        length = page.evaluate(LENGTH.replace('"audio"', '"#dictation audio"'))
        assert length > 0.8 * SAID_MS / 1000
        shown.look("dictation-draft")
        page.locator("#dictation").get_by_role("button", name="Falla ascoltare agli utenti").click()
        page.wait_for_url(f"**{PAGE}?saved=1")
        assert page.locator("#dictation audio").count() == 0
    assert (filled.box.state / "spoken" / "it" / f"{KEY}.wav").exists()


@every_language
def test_a_draft_is_discarded_by_keys(browser: Browser, filled: Running, language: str) -> None:
    """One that waits to be put in force keeps nobody out: WCAG 2.2 AA in every language, size."""
    path = drafts_of(filled.box.state) / "it" / f"{KEY}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav.build(SPEECH[: 8 * SAID_MS], Law.ULAW))
    with screen(browser, filled.home, language) as shown:
        page = log_in(shown, DORA.name, PAGE)
        page.locator("#dictation audio").wait_for()
        shown.look("dictation-kept")
        page.locator("#dictation form").nth(1).get_by_role("button").press("Enter")
        page.locator("#dictation audio").wait_for(state="detached")
    assert not path.exists()


def test_why_it_came_to_nothing_is_told(
    browser: Browser, filled: Running, phone: TestPhone
) -> None:
    """Who puts the phone down has discarded it; the phone can ring again at once."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, DORA.name, PAGE)
        dictate(filled.box, shown, phone)
        told(shown, Went.REVIEWS)
        phone.hang_up()
        told(shown, Went.HUNG_UP)
        page.get_by_role("button", name="Fallo squillare").wait_for()
        shown.look("dictation-discarded")
