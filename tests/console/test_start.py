"""The first start: step after step, each left and taken up again; what is noted survives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.api.protocol import answered_by
from appliance.api.replies import Said
from appliance.api.technician_commands import RingPhone
from appliance.config import read
from appliance.console.first_start import DONE, FINISHED, LATER, STEPS, FirstStart
from appliance.policy.text import Refused
from appliance.text import unchanged
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.test_settings import FREE, Office, Pages
from tests.console.visitor import Visitor


@pytest.fixture
def marks(visitor: Visitor) -> FirstStart:
    """What is noted of the first start."""
    found: FirstStart = visitor.app.state.first_start
    return found


@pytest.fixture
def pages(console_settings: Any, records: Any, visitor: Visitor, tmp_path: Path) -> Any:
    """Beppe the technician before the first start."""
    del records
    visitor.log_in(people.BEPPE)
    rung: list[str] = []

    def ring(wish: RingPhone) -> Any:
        if wish.name != "op1":
            raise Refused(unchanged("not registered"))
        rung.append(wish.name)
        return Said(unchanged("it rings"))

    with (
        Office(tmp_path / "office") as office,
        serving(console_settings.control_socket, {**office.known, **answered_by(RingPhone, ring)}),
    ):
        found = Pages(visitor, office)
        found.rung = rung  # type: ignore[attr-defined]
        yield found


def test_what_is_noted_survives(tmp_path: Path) -> None:
    """Not begun, begun, left in the middle, finished; a damaged file counts as not done."""
    path = tmp_path / "first-start.json"
    start = FirstStart(path)
    assert not FirstStart(path).is_open
    assert start.next_step is STEPS[0]
    start.begin()
    assert FirstStart(path).is_open
    start.note("name", DONE)
    start.note("hours", LATER)
    start.begin()
    again = FirstStart(path)
    assert again.marks == {"name": DONE, "hours": LATER}
    assert again.next_step is STEPS[2]
    again.note(FINISHED, DONE)
    assert not FirstStart(path).is_open
    for text in ("[1]", "{"):
        path.write_text(text)
        assert FirstStart(path).marks == {}
        assert FirstStart(path).is_open


def test_it_is_the_technicians_alone(pages: Pages, marks: FirstStart) -> None:
    """And the menu names it while it is open."""
    assert 'href="/start"' not in pages.read("/").partition("<main")[0]
    marks.begin()
    before, _, home = pages.read("/").partition("<main")
    assert 'href="/start"' in before
    assert "Il primo avvio non è finito" in home
    for user in (people.ANNA, people.CARLA):
        pages.visitor.log_in(user)
        assert 'href="/start"' not in pages.read("/")
        for path in ("/start", "/start/name", "/start/end", "/start/call/live"):
            assert pages.visitor.get(path).status_code == 403
        for path in ("/start/name", "/start/end", "/start/phone/ring"):
            assert pages.visitor.post(path).status_code == 403


def test_one_step_leads_to_the_next(pages: Pages, marks: FirstStart) -> None:
    """What is typed is applied and said on the next step; what is as it should be is done too."""
    assert pages.visitor.get("/start").headers["location"] == "/start/name"
    form = pages.form("/start/name")
    to = pages.send("/start/name", form | {"site.name": "Comune Nuovo", "do": "apply"})
    assert to == "/start/hours?done=1"
    assert "Ente, nome: da «Comune di Esempio» a «Comune Nuovo»" in pages.read(to)
    assert read.parse(pages.office.text).site.name == "Comune Nuovo"
    assert (
        pages.send("/start/hours", pages.form("/start/hours") | {"do": "apply"}) == "/start/lines"
    )
    assert pages.send("/start/lines", {"do": "later"}) == "/start/phone"
    assert marks.marks == {"name": DONE, "hours": DONE, "lines": LATER}
    assert pages.visitor.get("/start").headers["location"] == "/start/phone"
    text = pages.read("/start/phone")
    assert "fatto" in text
    assert "più tardi" in text


def test_mistakes_stand_at_their_fields_and_keep_the_step_open(
    pages: Pages, marks: FirstStart
) -> None:
    """What was typed is still there."""
    form = pages.form("/start/hours")
    wrong = {"hours.monday": "13:00-8:30", "hours.friday": "x", "hours.sunday": "9-12 15-17"}
    text = pages.send("/start/hours", form | wrong | {"do": "apply"})
    assert pages.status == 422
    assert 'value="13:00-8:30"' in text
    for day in ("monday", "friday"):
        assert f'id="hours-{day}-problem">' in text
    assert marks.marks == {}
    # Also where it is the only field that was touched.
    alone = pages.send("/start/hours", form | {"hours.monday": "x", "do": "apply"})
    assert 'id="hours-monday-problem">' in alone
    right = {"hours.monday": "8.30-13", "hours.friday": "", "hours.sunday": "9-12 15-17"}
    assert pages.send("/start/hours", form | right | {"do": "apply"}) == "/start/lines?done=1"
    days = read.parse(pages.office.text).hours.week.days
    assert [str(band) for band in days[6]] == ["09:00-12:00", "15:00-17:00"]
    assert (str(days[0][0]), days[4]) == ("08:30-13:00", ())


def test_a_free_modem_gets_its_line(pages: Pages) -> None:
    """With its number; what each modem can do stands beside it."""
    text = pages.read("/start/lines")
    assert "USB 1.4 · Rockwell CX93010" in text
    assert "conversazione e segreteria" in text
    assert f'name="new.port" value="{FREE}"' in text
    # The button of the modem is pressed; the step stays open, where the modem is seen being tried.
    new = {"new.port": FREE, "new.label": "Terza", "new.called": ""}
    form = {name: value for name, value in pages.form("/start/lines").items() if name != "do"}
    assert pages.send("/start/lines", form | new) == "/start/lines?done=1"
    assert [one.label for one in read.parse(pages.office.text).lines][-1] == "Terza"


def test_a_phone_is_made_to_ring(pages: Pages) -> None:
    """Or why it cannot stands above."""
    assert "it rings" in pages.send("/start/phone/ring", {"name": "op1"})
    assert "not registered" in pages.send("/start/phone/ring", {"name": "op2"})
    assert pages.status == 409
    assert pages.rung == ["op1"]  # type: ignore[attr-defined]


def test_users_and_calls_are_seen(pages: Pages) -> None:
    """Who there is, with their roles; no call so far."""
    text = pages.read("/start/user")
    assert "Carla Blu" in text
    assert "Ancora nessuna chiamata" in pages.read("/start/call")
    assert "Ancora nessuna chiamata" in pages.read("/start/call/live")
    assert pages.visitor.get("/start/nothing").status_code == 404
    assert pages.visitor.post("/start/nothing").status_code == 404


def test_the_end_names_what_is_left(pages: Pages, marks: FirstStart) -> None:
    """Finishing takes it out of the menu; it can be opened again all the same."""
    marks.begin()
    for step in STEPS[:-1]:
        marks.note(step.code, DONE)
    marks.note("mail", LATER)
    text = pages.read("/start/end").partition("<h1")[2]
    assert "Chiamata di prova" in text
    assert "Posta" in text
    assert "Nome e patrono" not in text
    assert pages.send("/start/call", {"do": "done"}) == "/start/end"
    marks.note("mail", DONE)
    assert "È tutto fatto" in pages.read("/start/end")
    assert pages.visitor.get("/start").headers["location"] == "/start/end"
    assert pages.send("/start/end", {}) == "/"
    assert not marks.is_open
    assert 'href="/start"' not in pages.read("/").partition("<main")[0]


def test_without_call_control_the_step_says_why(pages: Pages, visitor: Visitor) -> None:
    """And nothing is noted."""
    visitor.app.state.control._control_socket = Path("/nowhere")
    pages.read("/start/name")
    assert pages.status == 503
    for path in ("/start/phone", "/start/phone/live", "/start/call"):
        text = pages.read(path).partition("</main>")[0].rpartition("<h1")[2]
        assert pages.status == 200
        assert ("Il centralino non risponde" in text) == ("phone" in path)
        assert "Ancora nessun telefono" not in text
    pages.send("/start/name", {"do": "apply"})
    assert pages.status == 503
    assert visitor.app.state.first_start.marks == {}


def test_the_modems_are_looked_at_again(pages: Pages) -> None:
    """A part of the page: a modem that starts tells its make some seconds later."""
    text = pages.read("/start/lines/live")
    assert "USB 1.4" in text
    assert 'href="/start/lines"' in text
    assert 'data-live="/start/lines/live"' in pages.read("/start/lines")


@pytest.mark.parametrize("step", ["name", "lines", "mail"])
def test_enter_in_a_field_applies_the_step(pages: Pages, step: str) -> None:
    """It is the first button's of the form: no test e-mail leaves, no line is added by it."""
    text = pages.read(f"/start/{step}").partition('id="settings-form"')[2]
    first = text[text.index("<button") :].partition(">")[0]
    assert 'name="do" value="apply"' in first
