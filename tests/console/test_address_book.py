"""The address book is found and read by whoever answers, edited by the head, checked in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from appliance.api.address_book import BookCommands
from appliance.console.pages import users
from appliance.console.settings import ConsoleSettings
from appliance.errors import StoreError
from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.clock import Now
from appliance.service.stores import Stores
from appliance.store import address_book
from appliance.store.database import Noted
from tests.calls.examples import up
from tests.console.call_control_users import serving
from tests.console.people import ANNA, CARLA
from tests.console.test_operator import Home
from tests.console.visitor import Visitor
from tests.stories.offices import ROME


def today() -> date:
    """Return the day as the box counts it; a run of the tests may go past midnight."""
    return datetime.now(ROME).date()


NEXT_YEAR = today() + timedelta(days=365)
AUSL = BookEntry(
    "ausl", "Azienda USL", "carla", today(), NEXT_YEAR,
    (BookNumber("800 884 888", "CUP", "lun-ven"), BookNumber("051 6478999", may_tell=False)),
    ("ticket",), "via Castiglione 29", "https://www.ausl.example", "Nota <b>.", "Chiami il CUP.",
)  # fmt: skip
OLD = BookEntry("poste", "Poste", "shell: root", date(2024, 1, 2), date(2025, 1, 2),
                (BookNumber("803160"),))  # fmt: skip
OVER = replace(OLD, code="fiera", name="Fiera", last=date(2025, 1, 2))
FORM = {
    "code": "", "name": "Canile", "keywords": "cane, gatto", "numbers.1.number": "051 5551000",
    "numbers.1.label": "rifugio", "numbers.1.may_tell": "1", "numbers.2.number": "",
    "numbers.3.number": "051 5551001", "check_by": NEXT_YEAR.isoformat(),
}  # fmt: skip


class Desk:
    """Call control that has nothing to do but the address book."""

    def __init__(self) -> None:
        self.office = up().office

    def now(self) -> Now:
        """Say when it is."""
        return Now(0.0, datetime.now(UTC))


class Gone:
    """Records that cannot be read."""

    async def read(self, _: object) -> object:
        """Fail."""
        raise StoreError("gone")


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Stores]:
    """Call control behind its control socket, with three entries."""
    stores = Stores(console_settings.records.parent, "b", lambda _: None, lambda *_: None)
    stores.start()
    noted = Noted(datetime.now(UTC), "anna", address_book.CHANGED, "x")
    for entry in (AUSL, OLD, OVER):
        address_book.put(records, entry, noted)
    desk: Any = Desk()
    with serving(console_settings.control_socket, BookCommands(stores, desk, ROME).known):
        yield stores
    stores.stop(lambda: None)


@pytest.fixture
def head(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as head."""
    visitor.log_in(ANNA)
    return visitor


def kept(control: Stores, code: str) -> BookEntry | None:
    """Return an entry as call control keeps it."""
    return control.records.ask(lambda c: address_book.find(c, code))


def test_an_operator_finds_and_reads(head: Visitor) -> None:
    """The list, what a search finds, an entry; nothing to edit, nothing that runs."""
    head.log_in(CARLA)
    text = head.get("/address-book").text
    assert 'href="/address-book/entry/ausl"' in text
    assert 'data-dial="800 884 888"' in text
    assert "051 6478999" not in text
    assert "/address-book/edit" not in text
    found = head.get("/address-book?q=tiket", headers={"hx-request": "true"}).text
    assert ("Azienda USL" in found, "Poste" in found, "<html" in found) == (True, False, False)
    assert "Nessun ente ha tutte" in head.get("/address-book?q=zzzz").text
    one = head.get("/address-book/entry/ausl").text
    for said in ("Chiami il CUP.", "lun-ven", "da non dire agli utenti", "Nota &lt;b&gt;",
                 "Carla Blu", "ticket"):  # fmt: skip
        assert said in one
    assert "/address-book/edit" not in one
    assert head.get("/address-book/entry/none").status_code == 404
    assert head.get("/address-book/edit").status_code == 403
    assert head.post("/address-book/edit", data=FORM).status_code == 403


def test_beside_a_call(head: Visitor) -> None:
    """The sentence, the numbers, and one button; none where nothing may be told."""
    head.log_in(CARLA)
    text = head.get("/desk/book/ausl").text
    assert "Chiami il CUP." in text
    assert 'action="/desk/book-told"' in text
    over = head.get("/desk/book/fiera").text
    assert "non vale più" in over
    assert "/desk/book-told" not in over
    assert "può essere errato" in head.get("/desk/book/poste").text
    found = head.get("/desk/search?q=usl").text
    assert ('data-found="entry" data-code="ausl"' in found, "altro ente" in found) == (True, True)
    assert head.get("/desk/search?q=fiera").text.count("data-found") == 0


def test_the_head_adds_one(head: Visitor, control: Stores) -> None:
    """Found at once; rows without a number are left out."""
    assert 'name="numbers.2.number"' in head.get("/address-book/edit").text
    answer = head.post("/address-book/edit", data=FORM)
    assert answer.headers["location"] == "/address-book/entry/canile?done=saved"
    assert "Salvato" in head.get(answer.headers["location"]).text
    entry = kept(control, "canile")
    assert entry is not None
    assert entry.numbers == (
        BookNumber("051 5551000", "rifugio"), BookNumber("051 5551001", may_tell=False),
    )  # fmt: skip
    assert 'data-code="canile"' in head.get("/desk/search?q=gatti").text


def test_what_is_wrong_is_said_beside_its_field(head: Visitor, control: Stores) -> None:
    """What was typed stays; a number that looks like ours is confirmed."""
    number = f"{up().office.public_numbers[0][:-2]}77"
    wrong = FORM | {"name": "", "numbers.1.number": number, "note": "<i>"}
    answer = head.post("/address-book/edit", data=wrong)
    assert answer.status_code == 422
    for said in ('id="name-problem"', 'id="numbers.1.number-problem"', 'name="anyway"', "&lt;i&gt;",
                 "numero interno", f'value="{number}"'):  # fmt: skip
        assert said in answer.text
    assert kept(control, "canile") is None
    sure = wrong | {"name": "Canile", "anyway": "1"}
    assert head.post("/address-book/edit", data=sure).status_code == 303
    assert kept(control, "canile")


def test_one_is_changed(head: Visitor, control: Stores) -> None:
    """Saving counts as checking: a year from now is proposed."""
    before = today()
    form = head.get("/address-book/edit?code=poste").text
    proposed = {day + timedelta(days=365) for day in (before, today())}
    assert any(f'value="{day.isoformat()}"' in form for day in proposed)
    assert head.get("/address-book/edit?code=none").status_code == 404
    changed = FORM | {"code": "poste", "name": "Poste Italiane"}
    assert head.post("/address-book/edit", data=changed).status_code == 303
    entry = kept(control, "poste")
    assert entry is not None
    assert (entry.name, entry.checked_by) == ("Poste Italiane", "anna")
    assert entry.checked_on in {before, today()}
    gone = head.post("/address-book/edit", data=changed | {"code": "none"})
    assert (gone.status_code, "non c&#39;è" in gone.text) == (409, True)


def test_what_has_to_be_checked(head: Visitor, control: Stores) -> None:
    """Listed, with who checked it last; confirmed there by one button, or on its page."""
    assert "2 enti da verificare" in head.get("/address-book").text
    text = head.get("/address-book?due=1").text
    assert ("Poste" in text, "Fiera" in text, "Azienda USL" in text) == (True, True, False)
    assert text.count("/confirm") == 1  # what holds no more is changed, not confirmed
    answer = head.post("/address-book/entry/poste/confirm", data={"from": "due"})
    assert answer.headers["location"] == "/address-book?due=1&done=confirmed"
    assert "Poste" not in head.get("/address-book?due=1").text
    answer = head.post("/address-book/entry/ausl/confirm")
    assert answer.headers["location"] == "/address-book/entry/ausl?done=confirmed"
    refused = head.post("/address-book/entry/fiera/confirm")
    assert (refused.status_code, "non vale più" in refused.text) == (409, True)


def test_the_first_page_says_so(
    console_settings: ConsoleSettings,
    records: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the head alone; without the database it is there all the same."""
    address_book.lay(records, (AUSL, OLD, OVER), ())
    said = "2 enti della rubrica da verificare"
    with Home(console_settings, up(), ANNA) as home:
        assert said in home.visitor.get("/").text
        home.visitor.log_in(CARLA)
        assert said not in home.visitor.get("/").text
        home.visitor.log_in(ANNA)
        monkeypatch.setattr(users, "records_of", lambda _: Gone())
        answer = home.visitor.get("/")
        assert (answer.status_code, said in answer.text) == (200, False)


def test_one_is_removed(head: Visitor, control: Stores) -> None:
    """No search finds it any more."""
    answer = head.post("/address-book/entry/ausl/remove")
    assert answer.headers["location"] == "/address-book?done=removed"
    assert "Azienda USL" not in head.get("/address-book").text
    assert "Tolto" in head.get("/address-book?done=removed").text
    for code in ("fiera", "poste"):
        head.post(f"/address-book/entry/{code}/remove")
    assert "vuota" in head.get("/address-book").text
    assert "nulla da verificare" in head.get("/address-book?due=1").text
