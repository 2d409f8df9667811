"""The head dictates an announcement in a real browser, with a phone of a real box beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from appliance.calls.dictation_words import SAID, Went
from appliance.console.accounts.passwords import Passwords
from appliance.daemon import door, shell_proof
from appliance.media import g711, wav
from appliance.media.frames import Law
from appliance.prompts import OURS
from appliance.testphone.client import TestPhone
from tests.console.browser import Screen, every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.console.screens.test_accounts import PHRASE, state_of
from tests.console.screens.test_head_pages import LENGTH
from tests.helpers import sound
from tests.helpers.box import Box

pytestmark = pytest.mark.system

HOLD = "/announcements/it/hold"
ASKED_MS = sum(
    wav.read(OURS / "it" / f"{key}.wav").duration_ms for key in ("dictation_ask", "tone_record")
)
SAID_MS = 3000
SPEECH = g711.encode(sound.babble(20.0, dbm0=-25.0, seed=5), Law.ULAW)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box with a head, whose position is op1."""
    with running(tmp_path_factory.mktemp("dictation"), lines=1) as found:
        state, path = state_of(found), found.box.folder / "run" / "desk.sock"
        found.box.wait_until((state / "private").is_dir, 10.0, "the desk did not look for users")
        user = {"name": "anna", "shown": "Anna Verdi", "roles": ["head"], "must_change": False}
        with shell_proof.proof(state) as word:
            asked = {"ask": "user_add", **user, "position": "op1", "by": "root", "proof": word}
            door.ask(path, {**asked, "password": Passwords().hashed(PHRASE)})
        yield found


@pytest.fixture(scope="module")
def phone(office: Running) -> TestPhone:
    """The head's phone, lifted as soon as it rings."""
    made = office.box.phone("op1")
    made.answer_mode("auto", 200)
    return made


def dictate(box: Box, shown: Screen, phone: TestPhone) -> None:
    """Have the phone ring, and say something at it until it is to be heard again."""
    page = shown.page
    phone.say(SPEECH)
    page.locator("#dictation button").last.click()
    page.wait_for_url(f"**{HOLD}?dictating=1#dictation")
    phone.wait_event("ack", 10.0)
    wanted = (ASKED_MS + SAID_MS) * 8
    box.wait_until(lambda: len(phone.received().data) > wanted, 20.0, "the phone heard nothing")
    phone.press("#")


def _language(shown: Screen) -> str | None:
    return shown.page.locator("html").get_attribute("lang")


def told(shown: Screen, went: Went) -> None:
    """Wait until the page says how far it is."""
    text = SAID[went].it if _language(shown) == "it" else SAID[went].en
    shown.page.locator("#dictation").get_by_role("status").filter(has_text=text).wait_for()


def test_an_announcement_is_dictated_heard_and_put_in_force(
    browser: Browser, office: Running, phone: TestPhone
) -> None:
    """The page follows the phone by itself; the draft is played; one button puts it in force."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, "anna")
        shown.open(HOLD)
        assert page.get_by_label("Telefono", exact=True).input_value() == "op1"
        dictate(office.box, shown, phone)
        told(shown, Went.REVIEWS)
        shown.look("dictation-going-on")
        phone.press("1")
        told(shown, Went.KEPT)
        assert page.evaluate(LENGTH.replace('"audio"', '"#dictation audio"')) > 2.5
        shown.look("dictation-draft")
        page.locator("#dictation").get_by_role("button", name="Falla ascoltare agli utenti").click()
        page.wait_for_url(f"**{HOLD}?saved=1")
        assert page.locator("#dictation audio").count() == 0
    assert (office.box.state / "spoken" / "it" / "hold.wav").exists()


@every_screen
def test_a_draft_keeps_nobody_out(
    browser: Browser, office: Running, phone: TestPhone, language: str, size: str
) -> None:
    """Going on and waiting to be put in force: WCAG 2.1 AA in both languages and sizes."""
    with screen(browser, office.home, language, size) as shown:
        log_in(shown, "anna")
        shown.open(HOLD)
        dictate(office.box, shown, phone)
        told(shown, Went.REVIEWS)
        phone.press("1")
        told(shown, Went.KEPT)
        shown.look("dictation-kept")
        shown.page.locator("#dictation form").nth(1).get_by_role("button").press("Enter")
        shown.page.locator("#dictation audio").wait_for(state="detached")


def test_why_it_came_to_nothing_is_told(
    browser: Browser, office: Running, phone: TestPhone
) -> None:
    """Who puts the phone down has discarded it; the phone can ring again at once."""
    with screen(browser, office.home) as shown:
        log_in(shown, "anna")
        shown.open(HOLD)
        dictate(office.box, shown, phone)
        told(shown, Went.REVIEWS)
        phone.hang_up()
        told(shown, Went.HUNG_UP)
        shown.page.get_by_role("button", name="Fallo squillare").wait_for()
        shown.look("dictation-discarded")
