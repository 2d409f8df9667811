"""Messages and missed calls in a real browser: heard by keys, taken, closed, by everybody."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Result
from appliance.daemon.stores import database_path
from appliance.media import wav
from appliance.media.frames import Law
from appliance.media.g711 import encode
from appliance.policy.messages import Step
from appliance.records import call_log, care, messages
from appliance.records.care import Kind
from appliance.records.database import connect, open_reader
from tests.console import people
from tests.console.browser import every_screen, screen
from tests.console.running import Running, running
from tests.console.screens.entering import log_in
from tests.records.samples import SHOWN, WITHHELD, a_call, a_message

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


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with three messages and two missed calls, and people who may log in."""
    with running(tmp_path_factory.mktemp("box")) as found:
        with contextlib.closing(connect(database_path(found.box.state))) as connection:
            people.enter(connection)
            now = datetime.now(UTC)
            for number, who in enumerate(
                (SHOWN, WITHHELD, Caller(Presentation.SHOWN, "3391234567"))
            ):
                call = replace(a_call(f"c{number}", Result.MESSAGE), message=f"m{number}")
                at = now - timedelta(minutes=20 - number)
                left = replace(
                    a_message(f"m{number}", call.call), received_at=at, caller=who,
                    called="0510000001", length_ms=LENGTH_S * 1000, interrupted=number == 2,
                )  # fmt: skip
                messages.insert(connection, left, call, "b")
                path = found.box.state / "voicemail" / left.path
                path.write_bytes(wav.build(tone(), Law.ULAW))
            lost = [
                replace(
                    a_call("lost-1", Result.GAVE_UP), rang_at=now - timedelta(minutes=22),
                    called="0510000001", trail=("rang", "callback_wanted"),
                ),
                replace(a_call("cut-1", Result.INTERRUPTED), rang_at=now, phone="op1"),
            ]  # fmt: skip
            call_log.upsert(connection, lost, "b")
        yield found


def tone() -> bytes:
    """Return a sound of some seconds, as a modem's line has it."""
    samples = (int(8000 * math.sin(n * 0.35)) for n in range(8000 * LENGTH_S))
    return encode(b"".join(each.to_bytes(2, "little", signed=True) for each in samples), Law.ULAW)


@every_screen
def test_the_lists_and_a_message_keep_nobody_out(
    browser: Browser, house: Running, language: str, size: str
) -> None:
    """Both languages, both sizes: no violation of WCAG 2.1 AA, nothing scrolls sideways."""
    with screen(browser, house.home, language, size) as shown:
        log_in(shown, people.CARLA.name)
        for path, what in (
            ("/messages", "messages"),
            ("/messages/1", "message"),
            ("/messages/2", "message-without-number"),
            ("/missed", "missed"),
            ("/missed?list=interrupted", "interrupted"),
        ):
            shown.open(path)
            shown.look(what)


def test_a_message_is_heard_taken_and_closed_by_keys(browser: Browser, house: Running) -> None:
    """P9: sought in, faster, noted as heard; taken and closed with an outcome; no mouse."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/messages/3")
        page.keyboard.press("3")
        page.keyboard.press("p")
        assert page.evaluate(PLAYED, 0.3)
        assert page.evaluate("document.getElementById('sound').playbackRate") == 1.5
        assert page.evaluate("document.getElementById('sound').duration") == LENGTH_S
        page.keyboard.press("p")
        page.keyboard.press("l")
        assert page.evaluate(PLAYED, 5.0)
        page.get_by_role("button", name="Prendi in carico").press("Enter")
        expect(page.get_by_text("In carico a lei")).to_be_visible()
        page.get_by_label("richiamato", exact=True).press("Space")
        page.locator("#close-note").press("Enter")
        expect(page.get_by_text("È chiuso")).to_be_visible()
        with contextlib.closing(open_reader(database_path(house.box.state))) as connection:
            done = care.history(connection, Kind.MESSAGE, "m2")
        assert [(one.step, one.by) for one in done] == [
            (Step.HEAR, "carla"), (Step.TAKE, "carla"), (Step.CLOSE, "carla"),
        ]  # fmt: skip


def test_a_key_typed_into_a_note_is_a_letter(browser: Browser, house: Running) -> None:
    """E22: keys act outside text fields only."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/messages/1")
        page.locator("#note").press("p")
        assert page.locator("#note").input_value() == "p"
        assert page.evaluate("document.getElementById('sound').paused")


def test_why_nobody_is_rung_is_said(browser: Browser, house: Running) -> None:
    """E17: the desk's own sentence, where the phone is not there."""
    with screen(browser, house.home) as shown:
        page = log_in(shown, people.CARLA.name)
        shown.open("/messages/1")
        page.get_by_role("button", name="Richiama").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("postazione")
        shown.look("message-not-called-back")
