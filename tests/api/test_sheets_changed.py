"""Sheets are changed at the control socket by who may edit them; a child gives voice to spoken ones
(P2).
"""

from __future__ import annotations

import functools
import queue
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.api.sheets import SheetCommands
from appliance.calls import events
from appliance.config.sheet_file import parse_sheet, text_of_sheet
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.numbering import PLANS
from appliance.policy.privacy import Disclosure
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused
from appliance.policy.users import Role, User
from appliance.service.stores import Stores
from appliance.store import database, sheets, users
from appliance.store.users import ChangeRequester
from tests.console.call_control_hours import Voices
from tests.helpers.wire import wire
from tests.helpers.words import pair
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.stories.offices import ROME

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HASH = "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43
FULL = Sheet(
    "imu", 'IMU "prima" \\ casa', "tributi", "Delibera\x7f", date(2026, 5, 20), "Giugno, è così.\n",
    ("n1", "n2"), ("tassa", "città"), "https://imu.example", "Ada Bo", "Si paga a giugno.", "en",
)  # fmt: skip
PEOPLE = (
    User("anna", "Anna Verdi", frozenset({Role.HEAD})),
    User("carla", "Carla Blu", frozenset({Role.OPERATOR})),
)
PLAIN = Sheet("tari", "TARI", "", "Delibera", date(2026, 5, 20), "Luglio.\n")


@dataclass
class Box:
    """Call control's side of sheets."""

    stores: Stores
    questions: SheetCommands
    posted: list[Any]
    voices: Voices

    def ask(self, ask: str, by: str = "anna", **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        later = self.questions.known[ask]({"ask": ask, "by": by, **question})
        if not callable(later):
            return wire(later)
        later(box.put)
        told = wire(box.get(timeout=5))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def refused(self, ask: str, by: str = "anna", **question: Any) -> str:
        """Ask what is refused, and return why in English."""
        answer = self.ask(ask, by, **question)
        assert answer["done"] is False
        assert answer["said"]["it"]
        return str(answer["said"]["en"])

    def kept(self) -> tuple[Sheet, ...]:
        """List the sheets that can be found."""
        return self.stores.records.ask(sheets.all_sheets)

    def audited(self) -> list[tuple[str, str, str]]:
        """List changes, newest first."""
        found = self.stores.records.ask(lambda c: database.latest(c, "sheet."))
        return [(each.by, each.what, each.about) for each in found]


def test_a_number_that_its_office_keeps_is_not_to_be_said(box: Box) -> None:
    """P7: refused before a voice is made, also in the preview; a sheet that is read may name it."""
    at = datetime(2026, 11, 30, 9, tzinfo=ROME)
    box.stores.spoken.disclosure = lambda: Disclosure(DIRECTORY, PLANS["it"], at, ROME)
    spoken = replace(PLAIN, say="Lo 0541–704 101")
    for preview in (True, False):
        said = box.refused("sheet_save", code="tari", text=text_of_sheet(spoken), preview=preview)
        assert "tari: callers may not be told the number •••" in said
    assert PLAIN in box.kept()


def _enter(connection: sqlite3.Connection, user: User, asked: ChangeRequester) -> None:
    users.add(connection, user, HASH, asked)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores with two sheets, a head and an operator."""
    posted: list[Any] = []
    stores = Stores(tmp_path / "state", "b", posted.append, lambda *_: None)
    stores.start()
    asked = ChangeRequester("test", AT, shell=True)
    for user in PEOPLE:
        stores.records.ask(functools.partial(_enter, user=user, asked=asked))
    stores.records.ask(lambda c: sheets.store(c, (FULL, PLAIN)))
    voices: Any = Voices()
    yield Box(stores, SheetCommands(stores, lambda: Now(0.0, AT), voices), posted, voices)
    stores.stop(lambda: None)


@pytest.mark.parametrize("sheet", [FULL, PLAIN, replace(PLAIN, language="en")])
def test_a_sheet_is_written_as_it_is_read(sheet: Sheet) -> None:
    """What is edited is the whole sheet: nothing is lost on the way through its text."""
    assert parse_sheet(text_of_sheet(sheet), sheet.code) == sheet


def test_the_text_of_a_sheet(box: Box) -> None:
    """What is edited is what was imported."""
    assert box.ask("sheet_text", code="tari")["text"] == text_of_sheet(PLAIN)
    assert "no sheet" in box.refused("sheet_text", code="ici")


def test_a_preview_keeps_nothing(box: Box) -> None:
    """What would change is read before it is saved."""
    text = text_of_sheet(replace(PLAIN, body="Agosto.\n")).replace("\n", "\r\n")
    answer = box.ask("sheet_save", code="tari", text=text, preview=True)
    assert (answer["change"], answer["body"]) == ("changed", "Agosto.\n")
    assert "Luglio" in answer["before"]
    assert "Agosto" in answer["after"]
    assert box.kept() == (FULL, PLAIN)
    assert box.audited() == []
    same = box.ask("sheet_save", code="tari", text=text_of_sheet(PLAIN), preview=True)
    assert same["change"] == "same"


def test_a_sheet_is_saved_once(box: Box) -> None:
    """A new one, a changed one; audited by its name; the same again is no change."""
    new = replace(PLAIN, code="ici", official="Ugo Po", office="tributi")
    changed = replace(FULL, body="Dicembre.\n")
    for _ in range(2):
        box.ask("sheet_save", code="ici", text=text_of_sheet(new))
        box.ask("sheet_save", code="imu", text=text_of_sheet(changed))
    assert box.kept() == (new, changed, PLAIN)
    assert box.audited() == [("anna", "sheet.change", "imu"), ("anna", "sheet.change", "ici")]
    told = [e for e in box.posted if isinstance(e, events.DirectoryChanged)]
    assert "Ugo Po" in str(told[-1])


def test_a_sheet_is_taken_away(box: Box) -> None:
    """It is found no more; to take it back is to save it."""
    assert "taken away" in box.ask("sheet_remove", code="tari")["said"]["en"]
    assert box.kept() == (FULL,)
    assert "no sheet" in box.refused("sheet_remove", code="tari")
    assert box.ask("sheet_save", code="tari", text=text_of_sheet(PLAIN))["change"] == "new"
    assert box.kept() == (FULL, PLAIN)


def test_two_who_take_the_same_sheet_away_are_one(box: Box) -> None:
    """What is gone already is noted once."""
    noted = database.Noted(AT, "anna", "sheet.remove", "tari")
    for _ in range(2):
        box.stores.records.ask(lambda c: sheets.remove(c, "tari", noted))
    assert len(box.audited()) == 1


@pytest.mark.parametrize(
    ("code", "text", "why"),
    [
        ("tari", "# TARI\n", "has no head"),
        ("tari", text_of_sheet(PLAIN).replace("title", "titel"), "line 2, titel: unknown key"),
        ("../tari", text_of_sheet(PLAIN), "small letters"),
        ("Tari", text_of_sheet(PLAIN), "small letters"),
    ],
)
def test_what_cannot_be_is_told(box: Box, code: str, text: str, why: str) -> None:
    """With its line."""
    assert why in box.refused("sheet_save", code=code, text=text)
    assert box.kept() == (FULL, PLAIN)


@pytest.mark.parametrize(
    "given",
    [replace(FULL, say="A luglio."), replace(FULL, title="ICI"), replace(FULL, say=""),
     replace(PLAIN, say="A luglio."), replace(FULL, language="it")],
)  # fmt: skip
def test_what_callers_hear_is_changed_by_a_child(box: Box, given: Sheet) -> None:
    """It keeps the sheet with its sounds, or neither: here nothing is kept."""
    text = text_of_sheet(given)
    preview = box.ask("sheet_save", code=given.code, text=text, preview=True)
    assert preview["heard"] == given.say
    assert box.voices.begun == []
    answer = box.ask("sheet_save", code=given.code, text=text)
    assert answer["voice"] is True
    assert given.title in answer["said"]["it"]
    assert box.voices.begun == [(("sheets", "save", given.code, "--by", "anna"), text)]
    assert box.kept() == (FULL, PLAIN)
    assert box.ask("sheet_voice") == {"runs": True, "last": None}


def test_a_spoken_sheet_is_taken_away_by_a_child(box: Box) -> None:
    """The keys of the others move up, so that the menu is made anew."""
    assert box.ask("sheet_remove", code="imu")["voice"] is True
    assert box.voices.begun == [(("sheets", "save", "imu", "--by", "anna", "--remove"), "")]
    assert box.kept() == (FULL, PLAIN)


def test_one_voice_at_a_time(box: Box) -> None:
    """While something else is being done it is refused in words."""
    box.voices.refused = Refused(pair("è già in corso", "something is being done"))
    assert box.refused("sheet_remove", code="imu") == "something is being done"


@pytest.mark.parametrize("ask", ["sheet_text", "sheet_save", "sheet_remove"])
def test_who_may_edit_sheets(box: Box, ask: str) -> None:
    """Call control looks at the right itself."""
    question = {"code": "tari", "text": text_of_sheet(PLAIN)}
    assert "Head of the front desk" in box.refused(ask, by="carla", **question)
    assert "log in again" in box.refused(ask, by="nobody", **question)


@pytest.mark.parametrize("question", [{}, {"code": 1}, {"code": " "}, {"code": "tari", "text": 1}])
def test_what_is_no_question(box: Box, question: dict[str, Any]) -> None:
    """One sentence says what is missing."""
    with pytest.raises(OfficeError, match=r"is needed|has to be a text"):
        box.ask("sheet_save", **question)
