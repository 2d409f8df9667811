"""The technician's page of divert-on-busy: what is proven, which lines are free, a new proof."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.service import reports
from appliance.service.stores import Stores
from tests.commands.test_reports_divert import ORDINARY
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.visitor import Visitor
from tests.service.test_reports_divert import SEIZED, Box

PATH = "/plant/divert"
ITALIAN = {"accept-language": "it"}


class Page:
    """A technician before the page of an office with two lines."""

    def __init__(self, visitor: Visitor, box: Box) -> None:
        self.visitor, self.box = visitor, box

    def read(self, path: str = PATH) -> str:
        """Return what is read in Italian."""
        answer = self.visitor.get(path, headers=ITALIAN)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    def send(self, **form: str) -> tuple[int, str]:
        """Send a form as the page has it now; returns what is answered."""
        (asked,) = re.findall(r'name="asked" form="prove" value="([^"]*)"', self.read())
        given = {"number": ORDINARY, "outcome": "diverted", "where": "", "asked": asked} | form
        answer = self.visitor.post(PATH, data=given, headers=ITALIAN)
        return answer.status_code, html.unescape(answer.text)


@pytest.fixture
def page(
    console_settings: ConsoleSettings, records: Any, visitor: Visitor, tmp_path: Path
) -> Iterator[Page]:
    """Beppe the technician has logged in; both lines are idle."""
    del records
    (tmp_path / "office").mkdir()
    box = Box(tmp_path / "office")
    box.lines("idle", "idle")
    state = Path(box.settings.folders.state)
    stores = Stores(state, "b", lambda _: None, lambda *_: None)
    stores.start()
    box.questions.stores = stores
    visitor.log_in(people.BEPPE)
    with serving(console_settings.control_socket, box.questions.known):
        yield Page(visitor, box)
    stores.stop(lambda: None)


def test_it_is_the_technicians_alone(page: Page) -> None:
    """Neither to look, nor to prove."""
    for user in (people.ANNA, people.CARLA, people.DINO):
        page.visitor.log_in(user)
        assert page.visitor.get(PATH).status_code == 403
        assert page.visitor.post(PATH).status_code == 403


def test_the_page_says_what_is_missing_and_which_lines_are_free(page: Page) -> None:
    """Each number, each line; once all are seized, to call now."""
    text = page.read()
    assert f"{ORDINARY}: non ancora provato." in text
    assert "Ancora libere: Linea 1, Linea 2." in text
    page.box.lines(*SEIZED)
    assert "Tutte le linee sono occupate, dalle 12:00" in page.read(f"{PATH}/live")


def test_the_part_changes_only_with_the_lines(page: Page) -> None:
    """A screen reader is told once."""
    (again,) = re.findall(r'hx-get="([^"]*)"', page.read(f"{PATH}/live"))
    assert page.visitor.get(again).status_code == 204
    page.box.lines("in_use", "idle")
    assert page.visitor.get(again).status_code == 200


def test_a_proof_is_recorded_by_whoever_is_logged_in(page: Page) -> None:
    """And shown at once."""
    page.box.lines(*SEIZED)
    status, text = page.send(where="Sportello Cittadini")
    assert (status, "La prova è registrata." in text) == (200, True)
    assert "la chiamata arriva a: Sportello Cittadini" in text
    (proof,) = reports.load_proofs(page.box.settings)
    assert proof.by == people.BEPPE.shown


def test_a_refusal_keeps_what_was_typed(page: Page) -> None:
    """One sentence above the form."""
    status, text = page.send(where="Sportello")
    assert (status, "ancora libere: Linea 1, Linea 2" in text) == (409, True)
    assert 'value="Sportello"' in text


def test_the_heads_word_is_recorded(page: Page) -> None:
    """Under the head's name."""
    assert "per dichiarazione del responsabile" in page.send(outcome="no_divert", who="Anna")[1]


def test_without_call_control_the_page_says_so(visitor: Visitor, records: Any) -> None:
    """It opens all the same, and its part asks on."""
    del records
    visitor.log_in(people.BEPPE)
    assert 'role="alert"' in visitor.get(PATH, headers=ITALIAN).text
    assert "riprova ogni pochi secondi" in visitor.get(f"{PATH}/live", headers=ITALIAN).text
