"""A message in a real browser: heard by keys, taken, closed; why nobody is rung."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from appliance.policy.voicemail import MessageStep
from appliance.store import voicemail
from appliance.store.database import connect, database_path, open_reader
from appliance.store.voicemail import CaseKind
from tests.console import people
from tests.console.browser import screen
from tests.console.running import Running
from tests.console.screens.entering import log_in
from tests.console.screens.filled_box import leave_message

pytestmark = pytest.mark.system
LENGTH_S = 6
PLAYED = """after => new Promise(done => {
    const sound = document.getElementById("sound");
    const look = () => { if (sound.currentTime > after) { done(true); } };
    sound.addEventListener("timeupdate", look);
    setTimeout(() => done(false), 10000);
    look();
})"""
"""Wait until the player stands behind a moment, in seconds."""


@dataclass(frozen=True)
class Left:
    """A message of one test alone, and the page that it has."""

    name: str
    path: str


@pytest.fixture
def left(filled: Running) -> Left:
    """Have a caller leave a message."""
    name = f"left-{time.monotonic_ns()}"
    with contextlib.closing(connect(database_path(filled.box.state))) as connection:
        number = leave_message(connection, filled.box.state, name, length_s=LENGTH_S)
    return Left(name, f"/messages/{number}")


@pytest.mark.promise("P9")
def test_a_message_is_heard_taken_and_closed_by_keys(
    browser: Browser, filled: Running, left: Left
) -> None:
    """P9: sought in, faster, noted as heard; taken and closed with an outcome; no mouse."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, left.path)
        page.get_by_role("button", name="1,5×").press("Enter")
        page.keyboard.press("Alt+l")
        assert page.evaluate(PLAYED, 0.3)
        assert page.evaluate("document.getElementById('sound').playbackRate") == 1.5
        assert page.evaluate("document.getElementById('sound').duration") == LENGTH_S
        page.keyboard.press("Alt+l")
        page.keyboard.press("Alt+.")
        assert page.evaluate(PLAYED, 5.0)
        page.keyboard.press("Alt+p")
        expect(page.get_by_text("Lo segui tu")).to_be_visible()
        page.keyboard.press("Alt+1")
        page.locator("#close-note").press("Enter")
        expect(page.get_by_text("È chiuso")).to_be_visible()
        with contextlib.closing(open_reader(database_path(filled.box.state))) as connection:
            done = voicemail.list_entries(connection, CaseKind.MESSAGE, left.name)
        assert [(one.step, one.by) for one in done] == [
            (MessageStep.HEAR, "carla"), (MessageStep.TAKE, "carla"), (MessageStep.CLOSE, "carla"),
        ]  # fmt: skip


def test_a_key_typed_into_a_note_is_a_letter(browser: Browser, filled: Running) -> None:
    """E22: keys act outside text fields only."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, "/messages/1")
        page.locator("#note").press("p")
        assert page.locator("#note").input_value() == "p"
        assert page.evaluate("document.getElementById('sound').paused")


def test_why_nobody_is_rung_is_said(browser: Browser, filled: Running) -> None:
    """E17: call control's own sentence, where the phone is not there."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, "/messages/1")
        page.get_by_role("button", name="Richiama").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("non è raggiungibile")
        shown.look("message-not-called-back")


def test_one_goes_to_a_place_in_a_message_by_click_and_by_keys(
    browser: Browser, filled: Running, left: Left
) -> None:
    """The wave is drawn, a click leads to its place, arrows of the position go on from there."""
    with screen(browser, filled.home) as shown:
        page = log_in(shown, people.CARLA.name, left.path)
        bars = page.locator(".wave-bars")
        box = bars.bounding_box()
        assert box is not None
        assert box["width"] > 200
        bars.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        place = page.get_by_label("Posizione nel messaggio")
        expect(place).to_have_value(str(LENGTH_S // 2))
        expect(page.locator(".wave-time")).to_contain_text(f"0:0{LENGTH_S // 2}")
        place.press("ArrowRight")
        expect(place).to_have_value(str(LENGTH_S // 2 + 1))
        expect(place).to_have_attribute(
            "aria-valuetext", f"{LENGTH_S // 2 + 1} secondi su {LENGTH_S}"
        )
        shown.look("message-wave")
        page.keyboard.press("Alt+l")
        assert page.evaluate(PLAYED, LENGTH_S / 2 + 1.2)
