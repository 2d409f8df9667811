"""Spoken sounds on their way to callers: read in the records' thread, handed over as one memfd."""

from __future__ import annotations

import gc
import json
import os
import queue
import selectors
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date, datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from appliance.api import speech
from appliance.api.speech import load_menu, load_spoken_units, note_office_name, withheld_now
from appliance.calls import events
from appliance.calls.announcements import greeting
from appliance.calls.switchboard import Switchboard
from appliance.config.state_folder import speech_folder
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.policy.numbering import PLANS
from appliance.policy.office import VoicemailLimits
from appliance.policy.opening import ReasonCode
from appliance.policy.privacy import Disclosure
from appliance.policy.routing import Decision, Destination
from appliance.policy.sheets import Menu, Sheet, SpokenSheet, sheet_at_key, title_prompts
from appliance.prompts import Catalogue
from appliance.prompts.voices import note_said
from appliance.service.announcements import PromptFile, SpokenSounds, prompt_file
from appliance.service.loop import CallControl, Inbox
from appliance.store import sheets
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.stories.offices import EXAMPLE, ROME

if TYPE_CHECKING:
    from appliance.service.media_link import Legs, MediaLink
    from appliance.service.stores import Stores

CARTA = SpokenSheet("carta", "it", "title_1", "sheet_1")


class Shelf:
    """A state folder with spoken sounds, call control's reader of it, and what was posted."""

    def __init__(self, state: Path, site: Path | None = None) -> None:
        self.folder = speech_folder(state)
        self.posted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.told: queue.SimpleQueue[Menu | CentralinoError] = queue.SimpleQueue()
        self.records = DatabaseWriter(state / "db", "boot")
        self.records.start()
        self.sounds = SpokenSounds(self.folder, site, self.records, self.posted.put)

    def put(self, name: str, value: int, contents: bytes | None = None) -> None:
        """Lay a sound of 10 ms into the folder."""
        path = self.folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        made = wav.build(bytes([value]) * 160, Law.LINEAR16)
        path.write_bytes(made if contents is None else contents)

    def menu(self, *sheets: SpokenSheet) -> None:
        """Put a menu into force."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "menu.json").write_text(json.dumps([asdict(sheet) for sheet in sheets]))

    def load(self) -> tuple[object, dict[str, bytes]]:
        """Read everything; returns the menu posted and the sounds by name."""
        self.sounds.load(self.told.put)
        event = self.posted.get(timeout=10)
        assert isinstance(event, events.SpokenSheetsChanged)
        assert self.told.get(timeout=10) == event.menu
        given = self.sounds.take()
        assert given is not None
        assert self.sounds.take() is None
        return event.menu, read(given)


def test_a_text_with_a_number_that_its_office_keeps_is_not_heard(shelf: Shelf) -> None:
    """P7: a number declared, or its authorisation ended, after the texts were stored."""
    other = SpokenSheet("imu", "it", "title_2", "sheet_2")
    for name in ("title_1", "sheet_1", "title_2", "sheet_2", "privacy"):
        shelf.put(f"it/{name}", 7)
    shelf.menu(CARTA, other)
    note_said(shelf.folder, "it", "privacy", "Chiami 0541–704 101")
    sheet = Sheet("carta", "Carta", "", "x", date(2026, 5, 1), "", say="Lo 0541 704 101")
    stored = (sheet, replace(sheet, code="imu", say="Lo 051 598111"))
    shelf.records.ask(lambda connection: sheets.store(connection, stored))
    assert shelf.load()[0] == (CARTA, other)
    at = datetime(2026, 11, 30, 9, tzinfo=ROME)
    known = Disclosure(DIRECTORY, PLANS["it"], at, ROME)
    shelf.sounds.disclosure = lambda: known
    shelf.records.ask(shelf.sounds.look)
    event = shelf.posted.get(timeout=10)
    assert isinstance(event, events.SpokenSheetsChanged)
    menu = cast("Menu", event.menu)
    given = shelf.sounds.take()
    assert given is not None
    assert set(read(given)) == {"it/title_2", "it/sheet_2"}
    assert sheet_at_key(menu, "1") is None
    assert sheet_at_key(menu, "2") == other
    assert list(title_prompts(menu, "it")) == ["title_2"]
    shelf.records.ask(shelf.sounds.look)
    assert shelf.posted.empty()
    kept = shelf.records.ask(lambda connection: withheld_now(shelf.folder, connection, known))
    said = [str(words) for words in kept.words()]
    assert [each.split(" is not read")[0] for each in said] == ["carta", "it/privacy"]
    assert not any("704" in each for each in said)


def test_a_house_named_with_a_number_that_an_office_keeps_is_not_named(shelf: Shelf) -> None:
    """P7: the delivered greeting is heard in the place of the generated name."""
    shelf.put("it/welcome", 7)
    note_office_name(shelf.folder, "Comune di Esempio, 0541 704 101", "it")
    assert set(shelf.load()[1]) == {"it/welcome"}
    known = Disclosure(DIRECTORY, PLANS["it"], datetime(2026, 11, 30, 9, tzinfo=ROME), ROME)
    shelf.sounds.disclosure = lambda: known
    assert set(shelf.load()[1]) == set()
    kept = shelf.records.ask(lambda connection: withheld_now(shelf.folder, connection, known))
    assert [str(words).partition(" is not read")[0] for words in kept.words()] == ["it/welcome"]
    shelf.put("it/welcome", 8)
    assert set(shelf.load()[1]) == {"it/welcome"}, "the office's own recording went"


def test_units_names_go_along(shelf: Shelf) -> None:
    """E23: those that have their sound; one that is missing or unnamed is not said."""
    shelf.put("it/unit_1", 7)
    shelf.put("it/unit_9", 7)
    shelf.folder.joinpath("units.json").write_text('{"ana": "it/unit_1", "tri": "it/unit_2"}')
    shelf.sounds.load()
    event = shelf.posted.get(timeout=10)
    assert isinstance(event, events.SpokenSheetsChanged)
    assert event.units == {"ana": "it/unit_1"}
    given = shelf.sounds.take()
    assert given is not None
    assert set(read(given)) == {"it/unit_1"}


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_a_broken_list_of_units_says_no_name(shelf: Shelf, text: str) -> None:
    """Codes are said instead, and the journal tells what to do."""
    shelf.folder.mkdir()
    shelf.folder.joinpath("units.json").write_text(text)
    assert load_spoken_units(shelf.folder) == {}


def read(given: PromptFile) -> dict[str, bytes]:
    """Read the sounds out of a memfd and close it."""
    whole = os.pread(given.fd, 1 << 24, 0)
    os.close(given.fd)
    return {p.name: whole[p.offset : p.offset + p.length] for p in given.prompts}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """An empty shelf."""
    made = Shelf(tmp_path)
    yield made
    made.records.stop(10)


def test_nothing_was_ever_spoken(shelf: Shelf) -> None:
    """A box without spoken sheets has an empty menu and no sounds."""
    assert shelf.load() == ((), {})


def test_the_menu_comes_with_its_sounds(shelf: Shelf) -> None:
    """What the keys lead to, and the office's own notices; what no menu names stays away."""
    for name, value in (("it/title_1", 1), ("it/sheet_1", 2), ("it/sheet_9", 9), ("en/privacy", 3)):
        shelf.put(name, value)
    shelf.menu(CARTA)
    menu, sounds = shelf.load()
    assert menu == (CARTA,)
    assert {name: sound[0] for name, sound in sounds.items()} == {
        "it/title_1": 1,
        "it/sheet_1": 2,
        "en/privacy": 3,
    }


def test_a_menu_without_its_sounds_is_not_offered(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that leads to silence would be worse than no key; the journal says what to do."""
    shelf.put("it/title_1", 1)
    shelf.put("it/sheet_1", 2, b"no sound")
    shelf.menu(CARTA)
    assert shelf.load()[0] == ()
    assert "import it again" in caplog.text
    assert "it/sheet_1" in caplog.text


@pytest.mark.parametrize("text", ["{", "[1]", '[{"sheet": "x"}]', "7"])
def test_a_broken_menu_is_none(tmp_path: Path, text: str) -> None:
    """A file that something has damaged costs the menu, not the calls."""
    (tmp_path / "menu.json").write_text(text)
    assert load_menu(tmp_path) == ()


def test_what_the_site_has_recorded_is_never_spoken_over(tmp_path: Path) -> None:
    """A person's voice in folders.prompts wins over the box's."""
    site = tmp_path / "site"
    (site / "it").mkdir(parents=True)
    (site / "it" / "privacy.wav").write_bytes(b"theirs")
    shelf = Shelf(tmp_path, site)
    shelf.put("it/privacy", 3)
    shelf.put("en/privacy", 4)
    assert set(shelf.load()[1]) == {"en/privacy"}
    shelf.records.stop(10)


def test_a_load_nobody_took_is_replaced_by_the_next(shelf: Shelf) -> None:
    """Descriptors are not left open by imports in quick succession."""
    shelf.sounds.load(shelf.told.put)
    shelf.told.get(timeout=10)
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    shelf.load()
    assert len(list(Path("/proc/self/fd").iterdir())) < before


def test_the_media_gateway_has_the_sounds_before_any_call_is_offered_them(shelf: Shelf) -> None:
    """A key pressed at once must not lead to silence."""

    class Link:
        given: PromptFile | None = None

        def speak(self, more: PromptFile) -> None:
            self.given = more

        def next_deadline(self) -> None:
            """Nothing is due."""

    shelf.put("it/title_1", 1)
    shelf.put("it/sheet_1", 2)
    shelf.menu(CARTA)
    shelf.sounds.load(shelf.told.put)
    shelf.told.get(timeout=10)
    link, selector, inbox = Link(), selectors.DefaultSelector(), Inbox()

    class Kept:
        spoken = shelf.sounds

    switchboard = Switchboard(EXAMPLE, "t")
    control = CallControl(switchboard, cast("Stores", Kept()), inbox, selector, lambda _: None)
    control.join(cast("MediaLink", link), cast("Legs", None))
    control.fact(shelf.posted.get(timeout=10))
    assert switchboard._board.menu == (CARTA,)
    assert link.given is not None
    assert set(read(link.given)) == {"it/title_1", "it/sheet_1"}
    inbox.close()
    selector.close()


CLOSED = Decision(
    Destination.VOICEMAIL, ReasonCode.CLOSED_HOURS, Words(), "greeting_closed",
    datetime(2026, 11, 26, 8, 30, tzinfo=ROME), datetime(2026, 11, 26, 8, 30, tzinfo=ROME),
)  # fmt: skip
EVENING = Now(0.0, datetime(2026, 11, 25, 19, 0, tzinfo=ROME))


def closed_greeting(shelf: Shelf) -> dict[str, bytes]:
    """Return what a caller in the evening hears, piece by piece, as the media gateway plays it."""
    shelf.sounds.languages = ("it", "en")
    ours = prompt_file(Catalogue(shelf.sounds.site), ("it", "en"), "it", lambda _: None)
    _, over = shelf.load()
    played = read(ours) | over
    office = replace(EXAMPLE, email=(), voicemail=VoicemailLimits(privacy="privacy"))
    said = [*greeting(office, CLOSED, EVENING), *greeting(office, CLOSED, EVENING, language="it")]
    return {name: played[name] for name in said if name.startswith("it/")}


def by(said: dict[str, bytes], catalogue: Catalogue) -> set[str]:
    """Name the pieces that are of a catalogue."""
    return {name for name, sound in said.items() if sound == catalogue.load(*name.split("/"))}


@pytest.mark.skipif(util.find_spec("py_nanotts") is None, reason="py-nanotts is not installed")
def test_one_greeting_has_one_voice(shelf: Shelf) -> None:
    """Where the box says the house's name, it says every other piece of that greeting too."""
    recorded, device = Catalogue(), Catalogue(device=("it", "en"))
    before = closed_greeting(shelf)
    assert by(before, recorded) == set(before)
    speech.name_office(shelf.folder, None, "Comune di Esempio", "it")
    named = closed_greeting(shelf)
    assert len(named) >= 7
    assert by(named, device) == set(named) - {"it/welcome"}
    assert by(named, recorded) == set()
    shelf.put("it/welcome", 9)
    own = closed_greeting(shelf)
    assert by(own, recorded) == set(own) - {"it/welcome"}


def test_an_offices_own_recording_stays_in_either_voice(tmp_path: Path) -> None:
    """In the technician's folder, or put here: only ours change their voice."""
    site = tmp_path / "site"
    path = site / "it" / "greeting_closed.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(wav.build(bytes([5]) * 160, Law.LINEAR16))
    shelf = Shelf(tmp_path / "state", site)
    shelf.sounds.voice = "device"
    try:
        shelf.put("it/privacy", 6)
        said = closed_greeting(shelf)
    finally:
        shelf.records.stop(10)
    assert (said["it/greeting_closed"], said["it/privacy"]) == (bytes([5]) * 160, bytes([6]) * 160)
    assert by(said, Catalogue(device=("it",))) == set(said) - {"it/greeting_closed", "it/privacy"}
