"""The closed greeting on a line: what a caller makes out, and when the tone comes (E1, E5, E11).

What was heard is recognised by correlation with every recording of the house (helpers/heard.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from appliance.api import speech
from appliance.calls.orders import CallRecord
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.box import ROME, Box
from tests.helpers.heard import made_out
from tests.system.calls import end, in_state, place

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

MOST_S = 20.0
SETTINGS = "[voicemail]\nemergency_112 = true\n"


def today_alone() -> str:
    """Return the settings of a house that is open all of today: no reopening is near enough to be
    said, not even before midnight.
    """
    day = datetime.now(ROME).date()
    return f'[[openings]]\nday = {day}\nhours = ["00:00-24:00"]\n{SETTINGS}'


@pytest.fixture(name="box", scope="module")
def a_closed_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose office is closed, and which has been given its name's voice."""
    pytest.importorskip("py_nanotts", reason="py-nanotts is not installed: make environment")
    folder = tmp_path_factory.mktemp("greeting")
    with Box(folder, lines=1, opened=False, extra=today_alone()) as box:
        name = box.settings.site.name  # what the box would do by itself a little later
        speech.name_office(box.state / "spoken", None, name, "it")
        box.ask("spoken")
        box.ask("SetClosed", on=True, by="test", until=None)
        yield box


def until_tone(box: Box, call: RunningCall) -> CallRecord:
    """Listen until the box records, then hang up; returns the call's record."""
    states: set[str] = set()

    def records() -> bool:
        try:
            call.wait_for("nothing", 0.1)
        except TimeoutError:
            states.update(one["state"] for one in box.status()["calls"])
        return "recording" in states

    box.wait_until(records, 60.0, "the box did not record")
    return end(box, call)


def test_name_reason_how_and_the_tone_within_20_s(box: Box) -> None:
    """Nothing pressed: the town, English, closed, how to leave a message, 112, the notice, tone."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    until_tone(box, call)
    heard = made_out(box, call)
    names = [one.name for one in heard]
    assert names == [
        "it/welcome", "en/language_key", "it/greeting_closed", "it/leave_message",
        "it/emergency_112", "it/privacy",
    ], names  # fmt: skip
    assert heard[-1].ends - heard[0].begins <= MOST_S


def test_nine_is_english_to_the_tone(box: Box) -> None:
    """E5: the key that is named in English leads to English alone, from its beginning."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    call.press("9")
    record = until_tone(box, call)
    heard = made_out(box, call)
    names = [one.name for one in heard]
    assert names[-4:] == [
        "en/greeting_closed", "en/leave_message", "en/emergency_112", "en/privacy",
    ], names  # fmt: skip
    assert "it/leave_message" not in names
    assert "language.en" in record.trail


def test_nine_is_german_where_german_is_the_second_language(tmp_path: Path) -> None:
    """An office of South Tyrol: offered in German, heard in German from the reason to the tone."""
    languages = ("it", "de")
    with Box(tmp_path, lines=1, languages=languages, opened=False, extra=today_alone()) as box:
        box.ask("SetClosed", on=True, by="test", until=None)
        call = place(box, 1, caller="0471123456", hang_up_after_ms=600_000)
        in_state(box, "greeting")
        call.press("9")
        record = until_tone(box, call)
        names = [one.name for one in made_out(box, call)]
    assert names[-4:] == [
        "de/greeting_closed", "de/leave_message", "de/emergency_112", "de/privacy",
    ], names  # fmt: skip
    assert "language.de" in record.trail


def test_hash_is_the_tone_at_once(box: Box) -> None:
    """The key that the greeting names: nothing of it is heard after that."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    call.press("#")
    record = until_tone(box, call)
    heard = made_out(box, call)
    assert "it/leave_message" not in [one.name for one in heard]
    assert "greeting.skipped" in record.trail
