"""Rubrica uffici: who sees what, numbers on demand alone, every change previewed and in force."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.console.directory_forms import (
    DirectoryState,
    as_command,
    as_fields,
    as_form,
    bands_text,
)
from appliance.console.say import Speaker
from appliance.console.settings import ConsoleSettings
from appliance.policy.forms import bands_of
from appliance.policy.users import Role
from appliance.store import database
from tests.console import people
from tests.console.call_control_directory import SECRET, CallControlStub, serve_directory
from tests.console.visitor import Visitor
from tests.stories.offices import ROME

UNIT = "/register/office/anagrafe"
FIELD = re.compile(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"')


def today() -> date:
    """Return the day as the box counts it; a run of the tests may go past midnight."""
    return datetime.now(ROME).date()


@pytest.fixture
def control(
    records: sqlite3.Connection, console_settings: ConsoleSettings
) -> Iterator[CallControlStub]:
    """Serve the control socket, over records in which there are people."""
    del records
    with serve_directory(console_settings) as found:
        yield found


@pytest.fixture
def head(visitor: Visitor, control: CallControlStub) -> Visitor:
    """Return a visitor who has logged in as the head."""
    del control
    visitor.log_in(people.ANNA)
    return visitor


def text_of(page: Any) -> str:
    """Return what a page says, as people read it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


# --- what is seen -------------------------------------------------------------------------------


def test_offices_stand_in_their_services_with_how_they_stand_now(head: Visitor) -> None:
    """What must be looked after comes first; a search narrows the list by name or need."""
    page = head.get("/register")
    said = text_of(page)
    assert page.status_code == 200
    assert said.rindex("Da seguire") < said.index("Servizi demografici")
    assert "Stato civile (statocivile): nessuna comunicazione valida" in said
    assert "Cambio di residenza · Italiani all'estero · Urgenze" in said
    assert "senza comunicazione valida" in said
    part = head.get("/register?q=estero", headers={"hx-request": "true"})
    assert "Anagrafe" in part.text
    assert "Stato civile" not in part.text
    assert "<html" not in part.text
    assert "Nessun ufficio corrisponde" in head.get("/register?q=zebra").text


@pytest.mark.parametrize(("days", "said"), [(0, "fino alle 12:30"), (3, "fino a {day}, 12:30")])
def test_until_when_an_office_takes_calls(
    head: Visitor, monkeypatch: pytest.MonkeyPatch, days: int, said: str
) -> None:
    """An hour of today, or a day with its hour."""
    until = datetime.now(ROME).replace(hour=12, minute=30) + timedelta(days=days)
    state = SimpleNamespace(undeclared=False, open=True, until=until, needs=())

    async def standing(_: Any) -> DirectoryState:
        return DirectoryState(True, cast("Any", {"anagrafe": state}))

    monkeypatch.setattr("appliance.console.pages.directory.read_directory_state", standing)
    day = Speaker("it", ROME).moment(until).rpartition(",")[0]
    assert "aperto " + said.format(day=day) in text_of(head.get(UNIT))


def test_one_unit_tells_all_that_was_declared(head: Visitor) -> None:
    """Bands, needs, rule, who declared and who entered it on what ground, the history."""
    said = text_of(head.get(UNIT))
    for expected in (
        "Comunicazione in vigore", "Dirigente", "Protocollo 1/2026", "Responsabile",
        "appuntamento, e-mail", "Lunedì", "00:00-24:00", "interno 1", "Reperibile",
        "comunicazione 1, anagrafe",
    ):  # fmt: skip
        assert expected in said


def test_an_operator_sees_how_it_stands_and_no_number_at_all(
    visitor: Visitor, control: CallControlStub
) -> None:
    """Neither a way to show one nor to change anything (P7)."""
    del control
    visitor.log_in(people.CARLA)
    page = visitor.get(UNIT)
    assert "Comunicazione in vigore" in page.text
    assert "Mostra il numero" not in page.text
    assert "Nuova comunicazione" not in page.text
    question = {"entry": "1", "need": "urgenze", "which": "1"}
    assert visitor.post(f"{UNIT}/number", data=question).status_code == 403
    for path in (f"{UNIT}/declare", "/register/vary", f"{UNIT}/authorise", "/register/new"):
        assert visitor.get(path).status_code == 403
    assert 'id="attention"' not in visitor.get("/register").text


def test_numbers_reach_the_browser_on_demand_alone_and_are_audited(
    head: Visitor, records: sqlite3.Connection
) -> None:
    """One at a time, for that view; the list of changes says who, and not the number (P7)."""
    for path in ("/register", UNIT, f"{UNIT}/declare", f"{UNIT}/authorise", "/explain"):
        assert SECRET not in head.get(path).text
    question = {"entry": "1", "need": "urgenze", "which": "1"}
    part = head.post(f"{UNIT}/number", data=question, headers={"hx-request": "true"})
    assert part.text.strip() == f'<strong class="secret">{SECRET}</strong>'
    assert SECRET in head.post(f"{UNIT}/number", data=question).text
    assert SECRET not in head.get(UNIT).text
    noted = database.latest(records, "register.number")
    assert [(each.by, each.about) for each in noted] == [("anna", "entry 1 urgenze 1")] * 2
    wrong = head.post(f"{UNIT}/number", data={"entry": "x" * 99, "need": "", "which": ""})
    assert (wrong.status_code, "non è nella rubrica" in wrong.text) == (409, True)
    nothing = {"entry": "99", "need": "", "which": "0"}
    part = head.post(f"{UNIT}/number", data=nothing, headers={"hx-request": "true"})
    assert (part.status_code, "non è nella rubrica" in part.text) == (200, True)


def test_the_year_ahead_is_listed_by_month(head: Visitor) -> None:
    """E14: holidays of the house and variations of offices, all in one place."""
    form = {"unit": "anagrafe", "kind": "closed", "reference": "r", "first": f"{today()}"}
    assert head.post("/register/vary", data=form).status_code == 303
    said = text_of(head.get("/register/year"))
    assert "Dicembre 2026" in said
    assert "tutto il centralino" in said


def test_an_unknown_unit_is_no_page(head: Visitor) -> None:
    """Whatever is done with it."""
    for path in ("", "/declare", "/authorise"):
        assert head.get(f"/register/office/nowhere{path}").status_code == 404
    assert head.post("/register/office/nowhere/revoke", data={}).status_code == 404


def test_without_call_control_what_is_on_record_is_shown(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """Nothing can be changed until it is back, and that is said."""
    del records
    visitor.log_in(people.ANNA)
    page = visitor.get("/register")
    assert page.status_code == 200
    answer = visitor.post("/register/vary", data={"unit": "anagrafe", "hours": "9-12"})
    assert (answer.status_code, "non risponde" in answer.text) == (503, True)
    assert visitor.get("/explain").status_code == 200
    assert "non risponde" in visitor.get("/register/year").text


# --- a variation of today (E12) -----------------------------------------------------------------


def test_a_variation_takes_three_fields_and_is_in_force(
    head: Visitor, control: CallControlStub
) -> None:
    """Unit, hours, reference; call control has it when the page comes back."""
    form = {"unit": "anagrafe", "kind": "bands", "hours": "11-12", "reference": "Rossi, 8:05"}
    answer = head.post("/register/vary", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{UNIT}?saved=1")
    (varied,) = control.directory.variations
    assert (varied.entry.by, varied.first) == ("anna", today())
    assert "Salvato" in head.get(f"{UNIT}?saved=1").text
    assert "Rossi, 8:05" in head.get(UNIT).text


def test_a_deputy_varies_and_does_no_more(visitor: Visitor, control: CallControlStub) -> None:
    """E12: the head or a named deputy."""
    assert Role.DEPUTY in people.VITO.roles
    visitor.log_in(people.VITO)
    form = {"unit": "anagrafe", "kind": "closed", "reference": "telefonata"}
    assert visitor.post("/register/vary", data=form).status_code == 303
    assert control.directory.variations[0].week is not None
    assert visitor.get(f"{UNIT}/declare").status_code == 403


def test_what_is_wrong_in_a_variation_stands_at_its_field(head: Visitor) -> None:
    """What was typed is still there."""
    form = {"unit": "anagrafe", "kind": "bands", "hours": "9-8", "reference": "", "notice": "Prova"}
    page = head.post("/register/vary", data=form)
    assert page.status_code == 422
    assert 'id="hours-problem"' in page.text
    assert 'id="reference-problem"' in page.text
    assert 'value="9-8"' in page.text
    assert "la fine viene dopo" in html.unescape(page.text)


# --- a new declaration --------------------------------------------------------------------------


def form_of(page: Any) -> dict[str, Any]:
    """Return what a page's form would send if nothing were touched."""
    found: dict[str, Any] = {}
    for name, value in FIELD.findall(page.text):
        found[html.unescape(name)] = html.unescape(value)
    for name in [n for n in found if n.endswith((".gone", "withdraw", ".service_mobile"))]:
        del found[name]
    for name in [n for n in found if n.endswith(".rules")]:
        del found[name]
    found["rules"] = ["appointment", "email"]
    return found


def test_a_declaration_is_read_before_it_is_saved(head: Visitor, control: CallControlStub) -> None:
    """What changes, then one button; numbers that were not touched are taken over unseen."""
    form = form_of(head.get(f"{UNIT}/declare"))
    assert form["week.1"] == "0-24"
    form |= {"reference": "Protocollo 9", "week.1": "9-12", "do": "preview"}
    page = head.post(f"{UNIT}/declare", data=form)
    said = text_of(page)
    assert page.status_code == 200
    assert "Lunedì: 09:00-12:00 (prima: 00:00-24:00)." in said
    assert "numeri cambiati" not in said
    assert [d.entry.number for d in control.directory.declarations] == [1]
    kept = form_of(page) | {"do": "save"}
    answer = head.post(f"{UNIT}/declare", data=kept)
    assert answer.status_code == 303, text_of(answer)
    before, now = list(control.directory.declarations)
    assert [n.targets for n in now.needs] == [n.targets for n in before.needs]
    assert (now.entry.by, now.entry.reference) == ("anna", "Protocollo 9")
    assert str(now.week.days[0][0]) == "09:00-12:00"


def test_a_private_mobile_is_refused_in_words(head: Visitor, control: CallControlStub) -> None:
    """At its field, and nothing is stored (P7)."""
    form = form_of(head.get(f"{UNIT}/declare")) | {
        "reference": "r",
        "needs.1.numbers.1.number": "333 1234567",
        "needs.1.numbers.1.reach": "outside",
        "do": "save",
    }
    page = head.post(f"{UNIT}/declare", data=form)
    assert page.status_code == 422
    assert 'id="needs.1.numbers.1.number-problem"' in page.text
    assert "uno privato mai" in page.text
    assert len(control.directory.declarations) == 1


def test_rows_are_added_and_taken_out(head: Visitor) -> None:
    """Without a script; what was typed stays."""
    form = form_of(head.get(f"{UNIT}/declare")) | {"reference": "typed"}
    more = head.post(f"{UNIT}/declare", data=form | {"do": "add_need"})
    assert 'name="needs.4.name"' in more.text
    assert 'value="typed"' in more.text
    number = head.post(f"{UNIT}/declare", data=form | {"do": "add_number.3"})
    assert 'name="needs.3.numbers.2.number"' in number.text
    fewer = head.post(f"{UNIT}/declare", data=form | {"do": "edit", "needs.1.gone": "1"})
    assert 'name="needs.3.name"' not in fewer.text
    assert "Cambio di residenza" not in fewer.text


def test_an_office_without_a_declaration_begins_with_an_empty_form(head: Visitor) -> None:
    """Its first one."""
    page = head.get("/register/office/statocivile/declare")
    assert 'name="needs.1.numbers.1.number"' in page.text


def test_a_form_comes_back_as_it_was() -> None:
    """A page that only carries it on changes nothing of it."""
    sent = [
        ("reference", "r"), ("rules", "email"), ("week.1", "9-12"), ("withdraw", "1"),
        ("slots.week.2", "15-17"), ("slots.minutes", "30"), ("slots.places", "2"),
        ("csrf", "x"), ("do", "save"),
        ("needs.1.name", "Uno"), ("needs.1.rules", "email"), ("needs.1.numbers.1.number", "204"),
        ("needs.1.numbers.1.reach", "pbx"), ("needs.1.numbers.2.declaration", "1"),
        ("needs.1.numbers.2.need", "uno"), ("needs.1.numbers.2.which", "2"),
        ("needs.1.numbers.3.label", "gone"), ("needs.1.numbers.3.gone", "1"), ("needs.2.name", ""),
    ]  # fmt: skip
    form = as_form(sent)
    assert "csrf" not in form
    assert as_form(as_fields(form)) == form
    numbers = as_command(form)["needs"][0]["numbers"]
    assert len(numbers) == 2
    assert numbers[1]["kept"] == {"declaration": "1", "need": "uno", "which": "2"}
    assert "kept" not in numbers[0]


# --- authorisations, the sentence to say, new offices -------------------------------------------


def test_a_number_may_be_told_until_it_is_revoked(head: Visitor, control: CallControlStub) -> None:
    """It reads "si può dire", with its reference."""
    form = {"declared": "urgenze/1", "authorised_by": "Dirigente", "reference": "Prot. 12"}
    assert head.post(f"{UNIT}/authorise", data=form).status_code == 303
    said = text_of(head.get(UNIT))
    assert "si può dire Prot. 12, Dirigente" in said
    entry = control.directory.authorisations[0].entry.number
    told = head.post(f"{UNIT}/tell", data={"entry": f"{entry}"}, headers={"hx-request": "true"})
    assert SECRET in told.text
    assert SECRET in head.post(f"{UNIT}/tell", data={"entry": f"{entry}"}).text
    missing = head.post(f"{UNIT}/revoke", data={"number": f"{entry}", "reference": ""})
    assert (missing.status_code, "riferimento" in missing.text) == (422, True)
    done = head.post(f"{UNIT}/revoke", data={"number": f"{entry}", "reference": "Prot. 13"})
    assert done.status_code == 303
    assert "revocata" in text_of(head.get(UNIT))
    late = head.post(f"{UNIT}/tell", data={"entry": f"{entry}"})
    assert (late.status_code, "non vale più" in late.text) == (409, True)
    assert control.directory.authorisations[0].revoked is not None
    again = head.post(f"{UNIT}/revoke", data={"number": f"{entry}", "reference": "Prot. 13"})
    assert again.status_code == 422
    assert "Questa autorizzazione è già stata revocata da Anna Verdi, " in again.text


@pytest.mark.parametrize("number", ["333 1234567", "12", ""])
def test_what_may_not_be_told_is_said(head: Visitor, number: str) -> None:
    """A private mobile, what is no number, nothing at all."""
    form = {"declared": "", "number": number, "authorised_by": "D", "reference": "r"}
    page = head.post(f"{UNIT}/authorise", data=form)
    assert page.status_code == 422
    assert "-problem" in page.text


def test_the_sentence_to_say_is_the_heads(head: Visitor, control: CallControlStub) -> None:
    """E10; a wrong e-mail is refused in words."""
    form = {"say": "<b>Provi</b> allo Sportello.", "email": "anagrafe@comune.example"}
    assert head.post(f"{UNIT}/edit", data=form).status_code == 303
    unit = control.directory.unit("anagrafe")
    assert unit is not None
    assert unit.say == "<b>Provi</b> allo Sportello."
    assert "&lt;b&gt;Provi" in head.get(UNIT).text
    assert "<b>Provi" not in head.get(UNIT).text
    wrong = head.post(f"{UNIT}/edit", data={"email": "nessuna"})
    assert "non è un indirizzo e-mail" in wrong.text


def test_an_offices_name_is_corrected(head: Visitor, control: CallControlStub) -> None:
    """A name that was mistyped; the code, which calls and entries name, stays."""
    assert 'name="name" value="Anagrafe"' in head.get(UNIT).text
    form = {"name": "Anagrafe e stato civile", "say": "", "email": "anagrafe@comune.example"}
    assert head.post(f"{UNIT}/edit", data=form).status_code == 303
    unit = control.directory.unit("anagrafe")
    assert unit is not None
    assert unit.name == "Anagrafe e stato civile"
    assert "manca" in head.post(f"{UNIT}/edit", data=form | {"name": " "}).text
    assert control.directory.unit("anagrafe") == unit


def test_a_new_office_is_added(head: Visitor, control: CallControlStub) -> None:
    """Without declaration it is listed among what must be looked after."""
    form = {"name": "Leva", "email": "leva@comune.example", "service": "demografici", "say": ""}
    assert head.post("/register/new", data=form).status_code == 303
    assert control.directory.unit("leva") is not None
    wrong = head.post("/register/new", data={"name": "", "email": ""})
    assert (wrong.status_code, 'id="name-problem"' in wrong.text) == (422, True)


# --- what happens if somebody calls -------------------------------------------------------------


def test_the_way_of_a_call_is_drawn(head: Visitor) -> None:
    """Step by step, and what becomes of a transfer then; for now or for a moment."""
    said = text_of(head.get("/explain"))
    assert "Adesso" in said
    assert "Centralino" in said
    assert "Segreteria" in said
    late = text_of(head.get("/explain?day=2026-11-25&time=22:00&need=anagrafe/residenza"))
    assert "22:00" in late
    assert "Se l'operatore la trasferisce" in late
    assert "interno 1" in late
    assert "Scrivere il giorno" in text_of(head.get("/explain?day=boh&time=22:00"))


def test_a_line_that_there_is_not(head: Visitor) -> None:
    """It is said, in a page."""
    page = head.get("/explain?line=nowhere")
    assert page.status_code == 200
    assert "le linee note sono" in page.text


@pytest.mark.parametrize("text", ["9-12:30 15-17", "0-24", "8:05-13:30", "10-12", ""])
def test_bands_are_written_as_short_as_people_do_and_read_again(text: str) -> None:
    """What fills the form is what somebody would have typed."""
    assert bands_text(bands_of(text)) == text
