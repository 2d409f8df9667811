"""The palette: what the words find, for whom, and what is found without the database."""

from __future__ import annotations

import sqlite3

import pytest

from appliance.console.pages import palette
from appliance.console.pages.palette import matches
from appliance.console.settings import ConsoleSettings
from appliance.errors import StoreError
from appliance.store import address_book, requests, sheets
from appliance.store.requests import RequestToStore
from tests.calls.examples import up
from tests.console import people
from tests.console.test_address_book import AUSL, OVER
from tests.console.test_operator import RESIDENZA, Home
from tests.store.test_requests import ASKED, AT

pytestmark = pytest.mark.usefixtures("records")


@pytest.mark.parametrize(
    ("typed", "text", "is_found"),
    [
        ("", "Messaggi", True), ("mess", "Messaggi", True), ("PROPRIETA", "proprietà", True),
        ("rete impianto", "Impianto e rete", True), ("rete casa", "Impianto e rete", False),
    ],
)  # fmt: skip
def test_every_word_must_stand_in_it(typed: str, text: str, is_found: bool) -> None:
    """In any order; accents and case do not matter."""
    assert matches(typed, text) is is_found


def test_with_nothing_typed_there_are_the_pages_and_actions(
    console_settings: ConsoleSettings,
) -> None:
    """Those of one's role alone."""
    with Home(console_settings, up()) as home:
        text = home.visitor.get("/find").text
        assert 'data-path="/messages"' in text
        assert 'data-does="state"' in text
        assert "/plant" not in text
        assert 'data-does="dial"' in text
        home.visitor.log_in(people.BEPPE)
        text = home.visitor.get("/find").text
        assert 'data-path="/plant"' in text
        assert 'data-path="/messages"' not in text
        assert 'data-does="state"' not in text


def test_sheets_bodies_and_callers_are_found(
    console_settings: ConsoleSettings, records: sqlite3.Connection
) -> None:
    """By any word; who may not see requests finds no caller."""
    sheets.store(records, (RESIDENZA,))
    requests.insert_request(records, RequestToStore("r1", ASKED, AT))
    address_book.lay(records, (AUSL, OVER), ())
    name = ASKED.citizen.name.split()[0]
    with Home(console_settings, up()) as home:
        assert 'data-path="/sheet/residenza"' in home.visitor.get("/find?q=residenza").text
        assert 'data-path="/inbox/request/' in home.visitor.get(f"/find?q={name}").text
        found = home.visitor.get("/find?q=usl").text
        assert 'data-path="/address-book/entry/ausl"' in found
        assert "CUP 800 884 888" in found
        assert "/address-book/entry" not in home.visitor.get("/find?q=fiera").text
        home.visitor.log_in(people.BEPPE)
        assert "/inbox/request/" not in home.visitor.get(f"/find?q={name}").text


def test_pages_are_found_without_the_database(
    console_settings: ConsoleSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is gone keeps nobody from going elsewhere."""

    class Gone:
        """Records that cannot be read."""

        async def read(self, _: object) -> object:
            raise StoreError("gone")

    with Home(console_settings, up()) as home:
        monkeypatch.setattr(palette, "records_of", lambda _: Gone())
        assert "/messages" in home.visitor.get("/find?q=mess").text
