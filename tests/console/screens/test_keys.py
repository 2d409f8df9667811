"""How many keys the commonest tasks take, at a real browser with real calls (operator's guide)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Result
from appliance.policy.sheets import Sheet
from appliance.policy.voicemail import MessageOutcome
from appliance.simulator.phone.process import TestPhone
from appliance.store import call_log, requests, sheets, voicemail
from appliance.store.database import connect, database_path, open_reader
from appliance.store.requests import RequestMails, RequestToStore
from appliance.store.voicemail import CaseKind
from tests.console import people
from tests.console.browser import screen
from tests.console.running import Running, open_console
from tests.console.screens.entering import log_in
from tests.console.screens.filled_box import leave_message
from tests.console.screens.test_operator import calling
from tests.docs.pages import ROOT, rows
from tests.store.samples import a_call
from tests.store.test_requests import ASKED, a_letter
from tests.system.test_transfer import OfficeBox

pytestmark = pytest.mark.system

MOST: int = 12
"""No common task may take more keys."""
GUIDE = ROOT / "docs" / "operator.it.md"
TOLD = {row[0]: int(row[2]) for row in rows(GUIDE, "Quanti tasti")}
"""Keys of each task as the guide tells them."""
SOUND_RUNS = "() => document.getElementById('sound').currentTime > 0"
KEY_MS = 75
"""Between two keys, of somebody who types well."""
SHEET = Sheet(
    "residenza", "Cambio di residenza", "anagrafe", "Protocollo 3", date(2026, 11, 1),
    "# Documenti\n\n- carta d'identità",
)  # fmt: skip
ALWAYS = """
[outgoing]
band = "0:00-24:00"
days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
"""


@dataclass
class Typist:
    """Somebody who works by keys alone, and counts them: a chord is one."""

    page: Page
    keys: int = 0

    def press(self, key: str) -> None:
        """Press a key or a chord."""
        self.page.keyboard.press(key)
        self.page.wait_for_timeout(KEY_MS)
        self.keys += 1

    def finds(self, letters: str) -> None:
        """Type the letters by which something is found."""
        self.page.keyboard.type(letters, delay=KEY_MS)
        self.keys += len(letters)

    def writes(self, words: str) -> None:
        """Type words that are kept: they have to be written anyway, and are not counted."""
        self.page.keyboard.type(words, delay=KEY_MS)

    def has_done(self, task: str) -> None:
        """Check that the task took as many keys as the guide tells, and not too many."""
        assert self.keys == TOLD[task], task
        assert self.keys <= MOST, task


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A box with an office to transfer to, a sheet, and people who may log in."""
    folder = tmp_path_factory.mktemp("box")
    own = f'console = "{folder}/console"\n\n[console]\nlisten = "127.0.0.1"\nredirect_port = 0\n'
    with OfficeBox(folder, lines=2, ring=60, extra=own + ALWAYS) as box:
        box.declare()
        with contextlib.closing(connect(database_path(box.state))) as connection:
            sheets.store(connection, (SHEET,))
            people.enter(connection)
        with open_console(box) as (process, home):
            yield Running(box, home, process)


@pytest.fixture
def carla(browser: Browser, office: Running) -> Iterator[Typist]:
    """Carla at her position's page."""
    with screen(browser, office.home) as shown:
        page = log_in(shown, people.CARLA.name, "/desk")
        expect(page.locator("#offices [data-office]").first).to_be_visible()
        yield Typist(page)


@pytest.fixture
def op1(office: Running) -> Iterator[TestPhone]:
    """The phone of Carla's position."""
    with office.box.phone("op1") as phone:
        yield phone


def answers(carla: Typist, op1: TestPhone) -> None:
    """Have Carla's phone answer the call that rings."""
    expect(carla.page.locator("[data-call][data-number]")).to_be_visible()
    op1.wait_event("ringing", 30.0)
    op1.answer()
    expect(carla.page.locator(".desk-mine")).to_contain_text("In conversazione")


def test_the_guide_tells_ten_tasks() -> None:
    """The commonest ones, none of them long."""
    assert len(TOLD) >= 10
    assert max(TOLD.values()) <= MOST


def test_a_call_is_answered(carla: Typist, op1: TestPhone, office: Running) -> None:
    """By one key, where the phone can be told to answer."""
    op1.answer_mode("obeys")
    with calling(office.box):
        expect(carla.page.locator("#call-bar [data-action=answer]")).to_be_visible()
        carla.press("F2")
        expect(carla.page.locator(".desk-mine")).to_contain_text("In conversazione")
        carla.has_done("Rispondere")
    op1.answer_mode("manual")


def test_a_sheet_answers(carla: Typist, op1: TestPhone, office: Running) -> None:
    """Found by a part of a word, opened, noted with the call (P2)."""
    with calling(office.box):
        answers(carla, op1)
        carla.finds("resid")
        carla.press("Enter")
        expect(carla.page.locator("#sheet-title")).to_have_text(SHEET.title)
        carla.press("Alt+Enter")
        expect(carla.page.locator("#told-words")).to_contain_text("annotata con la chiamata")
        carla.has_done("Rispondere con una scheda")


def test_a_call_is_transferred(carla: Typist, op1: TestPhone, office: Running) -> None:
    """To an office that is found by its name, with a reason (P3); it comes back, and its rule is
    followed by three fields, of which two are filled in (P6)."""
    with office.box.phone("ana1") as ana1, calling(office.box):
        ana1.answer_mode("decline", 300)
        answers(carla, op1)
        carla.press("F8")
        carla.finds("anag")
        carla.press("Enter")
        carla.press("Enter")
        expect(carla.page.locator("[name=reason]:checked")).to_be_focused()
        carla.press("ArrowDown")
        carla.press("Enter")
        expect(carla.page.locator(".desk-back")).to_contain_text("ha rifiutato la chiamata")
        carla.has_done("Trasferire")
        expect(carla.page.locator("#return-title")).to_contain_text("Ritorno: Anagrafe")
        back = Typist(carla.page)
        back.press("Alt+2")
        expect(carla.page.locator("#citizen")).to_be_focused()
        back.writes("Ada Rossi")
        back.press("Tab")
        back.press("Tab")
        back.writes("Stato di famiglia")
        back.press("Enter")
        expect(carla.page.locator("#told-words")).to_contain_text("Presa in carico: richiesta ")
        back.has_done("Completare un ritorno per e-mail")


def test_an_office_that_takes_no_calls(carla: Typist, op1: TestPhone, office: Running) -> None:
    """Its rule at once, without a transfer being tried (P5)."""
    with calling(office.box):
        answers(carla, op1)
        carla.press("F8")
        carla.finds("demo")
        carla.press("Enter")
        carla.press("Enter")
        expect(carla.page.locator("#citizen")).to_be_focused()
        carla.writes("Bruno Neri")
        carla.press("Tab")
        carla.press("Tab")
        carla.writes("Certificato")
        carla.press("Enter")
        expect(carla.page.locator("#told-words")).to_contain_text("Presa in carico: richiesta ")
        carla.has_done("Richiesta a un ufficio che ora non riceve")


def test_a_note(carla: Typist, op1: TestPhone, office: Running) -> None:
    """Words on the call that goes on."""
    with calling(office.box):
        answers(carla, op1)
        carla.press("Alt+n")
        carla.writes("richiama lunedì")
        carla.press("Enter")
        expect(carla.page.locator("#told-words")).to_contain_text("Nota aggiunta")
        carla.has_done("Nota sulla chiamata")


def test_away_and_back(carla: Typist, op1: TestPhone) -> None:
    """One key each."""
    button = carla.page.locator("#state-away [type=submit]")
    expect(button).to_have_attribute("aria-pressed", "false")
    carla.press("Alt+a")
    expect(button).to_have_attribute("aria-pressed", "true")
    carla.press("Alt+a")
    expect(button).to_have_attribute("aria-pressed", "false")
    carla.has_done("Assente, e di nuovo presente")


def test_a_message_from_badge_to_outcome(carla: Typist, office: Running) -> None:
    """Opened from the operator's page, heard, taken, closed with an outcome."""
    with contextlib.closing(connect(database_path(office.box.state))) as connection:
        number = leave_message(connection, office.box.state, "counted")
    badge = carla.page.locator("[data-badge]").first
    expect(badge).to_be_visible()
    carla.press("F9")
    title = carla.page.locator("#case-title")
    expect(title).to_contain_text("051234567")
    carla.press("Alt+l")
    carla.page.wait_for_function(SOUND_RUNS)
    carla.press("Alt+p")
    expect(carla.page.locator("#inbox-case")).to_contain_text("lo segui tu")
    carla.press("Alt+1")
    expect(carla.page.locator("#inbox-case")).to_contain_text("È chiuso")
    carla.has_done("Messaggio, dal numero in alto all'esito")
    with contextlib.closing(open_reader(database_path(office.box.state))) as connection:
        message = voicemail.find_message(connection, str(number))
    assert message is not None
    assert message.outcome is MessageOutcome.CALLED_BACK


def test_a_missed_call_is_called_back(carla: Typist, op1: TestPhone, office: Running) -> None:
    """The phone rings first; the outcome closes the case."""
    caller = Caller(Presentation.SHOWN, "0517771111")
    with contextlib.closing(connect(database_path(office.box.state))) as connection:
        wants = replace(
            a_call("wants-1", Result.GAVE_UP), rang_at=datetime.now(UTC), caller=caller,
            trail=("callback_wanted",),
        )  # fmt: skip
        call_log.upsert_calls(connection, [wants], "b")
    carla.press("F9")
    expect(carla.page.locator("#case-title")).to_contain_text(caller.number)
    carla.press("Alt+r")
    op1.wait_event("invite", 30.0)
    expect(carla.page.locator("#inbox-case")).to_contain_text("lo segui tu")
    carla.press("Alt+2")
    expect(carla.page.locator("#inbox-case")).to_contain_text("È chiuso")
    carla.has_done("Richiamare chi non ha lasciato messaggi")
    with contextlib.closing(open_reader(database_path(office.box.state))) as connection:
        (*_, closing) = voicemail.list_entries(connection, CaseKind.CALL, "wants-1")
    assert closing.outcome is MessageOutcome.NOT_REACHABLE


def test_a_citizen_asks_again(carla: Typist, office: Running) -> None:
    """The open request is found by the citizen's name; the words join it (E9)."""
    now = datetime.now(UTC)
    citizen = replace(ASKED.citizen, name="Zeno Ferri")
    with contextlib.closing(connect(database_path(office.box.state))) as connection:
        asked = replace(ASKED, at=now, by=people.CARLA.name, citizen=citizen)
        requests.insert_request(
            connection, RequestToStore("counted", asked, now), RequestMails(a_letter)
        )
    carla.press("Control+k")
    carla.finds("ferri")
    carla.press("Enter")
    expect(carla.page.locator("#case-title")).to_have_text("Zeno Ferri")
    carla.press("Alt+n")
    carla.writes("ha fretta")
    carla.press("Enter")
    expect(carla.page.locator("#inbox-case")).to_contain_text("ha fretta")
    carla.has_done("Sollecito di una richiesta")


def test_a_key_is_obeyed_that_comes_before_the_page_is_ready(
    carla: Typist, office: Running
) -> None:
    """A page is seen before its modules have run: what is pressed then is done, not lost (E22)."""
    with contextlib.closing(connect(database_path(office.box.state))) as connection:
        leave_message(connection, office.box.state, "early")
    held: list[Route] = []
    carla.page.route("**/keys.js*", lambda route: held.append(route))
    carla.press("F9")
    expect(carla.page.locator("#case-title")).to_be_visible()
    carla.press("Alt+l")
    (module,) = held
    module.continue_()
    carla.page.wait_for_function(SOUND_RUNS)
