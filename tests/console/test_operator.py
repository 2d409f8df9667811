"""The operator's page, asked as a browser does: the live part, states, sheets, transfer, return."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

import pytest

from appliance.api.calls import offices
from appliance.calls import commands as wishes
from appliance.calls import events
from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import Result
from appliance.calls.switchboard import Switchboard
from appliance.console.control_client import StoreReader
from appliance.console.settings import ConsoleSettings
from appliance.errors import OfficeError
from appliance.policy.sheets import Sheet
from appliance.policy.text import SaidError
from appliance.policy.users import User
from appliance.policy.voicemail import MessageEntry, MessageStep
from appliance.store import call_log, requests, sheets, voicemail
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import CaseKind
from appliance.text import Words
from tests.calls.examples import RANG, TEN, later, tell, up
from tests.calls.test_branches_inbound import COMES
from tests.calls.test_transfer import asked, office_switchboard
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.states import told
from tests.console.visitor import Visitor
from tests.fuzz.targets.control_socket import CallControlStub
from tests.helpers.wire import wish
from tests.helpers.words import pair
from tests.store.samples import a_call
from tests.store.test_requests import ASKED, AT

pytestmark = pytest.mark.usefixtures("records")

DONE: Any = {"said": {"it": "Fatto.", "en": "Done."}}
NUMBER = "051234567"
SLOT = "2026-11-27T09:00:00+01:00"
RESIDENZA = Sheet(
    "residenza", "Cambio di residenza", "anagrafe", "Protocollo 3", date(2020, 1, 1),
    "# Documenti\n\nCarta d'identità <b>valida</b>.", link="https://app.example/residenza",
    official="Ada Neri",
)  # fmt: skip


class Home:
    """Call control behind a real control socket, and somebody who visits its console: Carla, who
    sits at op1.
    """

    def __init__(
        self, settings: ConsoleSettings, switchboard: Switchboard, user: User = people.CARLA
    ) -> None:
        self.switchboard = switchboard
        self.refusal: str | Words = ""
        settings.control_socket.parent.mkdir(parents=True, exist_ok=True)
        self.served = ServedSocket(settings.control_socket, self._answer, **told(switchboard))
        self.visitor = Visitor(settings)
        self._user = user

    def __enter__(self) -> Self:
        self.served.__enter__()
        self.visitor.__enter__()
        self.visitor.log_in(self._user)
        self.visitor._runner.run(asyncio.wait_for(self._until_live(), 5))
        return self

    def __exit__(self, *_: object) -> None:
        self.visitor.__exit__()
        self.served.__exit__()

    @property
    def question(self) -> dict[str, Any]:
        """The last thing that call control was asked to do."""
        return self.served.asked[-1]

    async def _until_live(self) -> None:
        async for seen in self.visitor.app.state.feed.states():
            if not seen.away:
                return

    def _answer(self, question: dict[str, Any]) -> Any:
        if isinstance(self.refusal, Words):
            raise SaidError(self.refusal)
        if self.refusal:
            raise OfficeError(self.refusal)
        if question["ask"] == "offices":
            control: Any = CallControlStub(self.switchboard)
            return offices(control, wish(question))
        if question["ask"] == "free_slots":
            return {
                "slots": ["2026-11-27T09:00:00+01:00"],
                "offers": question["unit"] == "anagrafe",
            }
        return DONE


@pytest.fixture
def shelf(records: sqlite3.Connection) -> sqlite3.Connection:
    """Records with a sheet and two earlier calls of one caller."""
    sheets.store(records, (RESIDENZA,))
    now = datetime.now(UTC)
    for days, number in ((1, NUMBER), (2, NUMBER), (3, "0519999999"), (200, NUMBER)):
        caller = Caller(Presentation.SHOWN, number)
        rang_at = now - timedelta(days=days)
        call = replace(a_call(f"old-{days}"), rang_at=rang_at, caller=caller)
        call_log.upsert_calls(records, [call], "boot")
    return records


@pytest.fixture
def talking(console_settings: ConsoleSettings, shelf: object) -> Iterator[Home]:
    """Position op1 talks with a caller whose number is known."""
    del shelf
    with Home(console_settings, office_switchboard()) as home:
        yield home


# --- the page and its live part -------------------------------------------------------------------


def test_the_page_opens_with_the_state_as_it_is(talking: Home) -> None:
    """Calls, positions and states at once; the focus is the search's."""
    text = talking.visitor.get("/desk").text
    assert "Ada Rossi" in text
    assert "la mia chiamata" in text
    assert "Non presidiato" in text
    assert '<option value="op1" selected>' in text
    assert text.count("autofocus") == 1


def test_the_page_opens_without_call_control(operator: Visitor) -> None:
    """Call control that was never heard of: the page says so, and sheets can be searched."""
    text = operator.get("/desk").text
    assert "Del centralino non si sa ancora nulla." in text
    assert 'id="search"' in text


def test_the_page_speaks_english_to_who_reads_it(talking: Home) -> None:
    """Both languages, every word."""
    text = talking.visitor.get("/desk", headers={"accept-language": "en"}).text
    assert "my call" in text
    assert "Unattended" in text


def test_a_callers_name_is_text_and_nothing_else(console_settings: ConsoleSettings) -> None:
    """A name comes from outside: markup in it is shown, not obeyed."""
    switchboard = up()
    evil = "<script>alert(1)</script>"
    caller = Caller(Presentation.SHOWN, NUMBER, evil)
    tell(switchboard, TEN, RANG, events.CallerIdentified("line1", caller))
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
    assert evil not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_call_from_another_branch_says_so(console_settings: ConsoleSettings) -> None:
    """B9: in the place of the number called, which nobody over here knows."""
    switchboard = up()
    tell(switchboard, TEN, COMES)
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
    assert "Arriva da: porto" in text
    assert "Chiamato: " not in text


# --- states ---------------------------------------------------------------------------------------


def test_a_state_is_set_and_can_be_taken_back(talking: Home) -> None:
    """Call control is asked with who and until when; the answer says how to undo it (E22)."""
    answer = talking.visitor.post("/desk/state", data={"what": "unattended", "on": "1"})
    assert answer.json() == {
        "done": True, "said": "Fatto.", "undo": {"what": "unattended", "on": ""},
    }  # fmt: skip
    assert talking.question == {
        "ask": "SetUnattended", "on": True, "by": "carla",
    }  # fmt: skip


def test_away_is_the_positions_own_state(talking: Home) -> None:
    """A position goes away, not a person (E19)."""
    talking.visitor.post("/desk/state", data={"what": "away", "on": "1"})
    assert (talking.question["ask"], talking.question["by"]) == ("SetAway", "op1")


def test_what_was_on_until_a_time_is_put_back_until_then(
    console_settings: ConsoleSettings,
) -> None:
    """Undoing restores the end, too; the moment is in call control's future."""
    switchboard = up()
    until = TEN.wall + timedelta(hours=1)
    mark = wishes.SetAllAbsent(on=True, by="anna", until=until)
    tell(switchboard, TEN, events.ServiceStateChanged(mark))
    with Home(console_settings, switchboard) as home:
        undo = home.visitor.post("/desk/state", data={"what": "absent", "on": ""}).json()["undo"]
        assert undo == {"what": "absent", "on": "1", "until": until.isoformat()}
        home.visitor.post("/desk/state", data=undo)
        assert datetime.fromisoformat(home.question["until"]) == until


def test_an_end_is_minutes_or_a_time_of_day(talking: Home) -> None:
    """15, 30, 60 minutes, or until 11:30: today's, or tomorrow's where that is past (E4)."""
    before = datetime.now(UTC)
    talking.visitor.post("/desk/state", data={"what": "absent", "on": "1", "minutes": "15"})
    until = datetime.fromisoformat(talking.question["until"])
    assert timedelta(minutes=14) < until - before < timedelta(minutes=16)
    talking.visitor.post("/desk/state", data={"what": "absent", "on": "1", "until": "11:30"})
    until = datetime.fromisoformat(talking.question["until"])
    assert (f"{until:%H:%M}", until > before) == ("11:30", True)


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "explode", "on": "1"},
        {"what": "absent", "on": "1", "minutes": "soon"},
        {"what": "absent", "on": "1", "minutes": "-5"},
        {"what": "absent", "on": "1", "until": "25:61"},
    ],
)
def test_what_cannot_be_read_is_said_so(talking: Home, fields: dict[str, str]) -> None:
    """Nothing is asked of call control then."""
    answer = talking.visitor.post("/desk/state", data=fields)
    assert (answer.status_code, answer.json()["done"]) == (400, False)
    assert talking.served.asked == []


def test_a_refusal_and_an_absence_are_said(console_settings: ConsoleSettings) -> None:
    """Call control's own reason; or that it does not answer."""
    fields = {"what": "closed", "on": "1"}
    with Home(console_settings, up()) as home:
        home.refusal = "no"
        answer = home.visitor.post("/desk/state", data=fields)
        assert (answer.status_code, answer.json()["said"]) == (409, "Non fatto: no")
        home.refusal = pair("Ora no.", "Not now.")
        answer = home.visitor.post("/desk/state", data=fields)
        assert (answer.status_code, answer.json()["said"]) == (409, "Ora no.")
    with Visitor(console_settings) as visitor:
        visitor.log_in(people.CARLA)
        answer = visitor.post("/desk/state", data=fields)
    assert answer.status_code == 503
    assert answer.json()["said"].startswith("Il centralino non risponde")


def test_a_position_is_chosen_once_for_a_browser(console_settings: ConsoleSettings) -> None:
    """Without one nothing is done that concerns a position."""
    with Home(console_settings, office_switchboard(), people.ANNA) as home:
        for path, fields in (
            ("/desk/state", {"what": "away", "on": "1"}),
            ("/desk/sheet-used", {"sheet": "residenza"}),
            ("/desk/transfer", {"unit": "anagrafe"}),
        ):
            said = home.visitor.post(path, data=fields).json()["said"]
            assert said == "Scegliere prima la postazione."
        answer = home.visitor.post("/desk/position", data={"position": "op1"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
        home.visitor.post("/desk/state", data={"what": "away", "on": "1"})
        assert home.question["by"] == "op1"


def test_whoever_sits_down_second_is_told(console_settings: ConsoleSettings) -> None:
    """E19: who works there already, by name; both may, and each sees the other."""
    with Home(console_settings, office_switchboard()) as home:
        seats = home.visitor.app.state.seats
        with seats.taken("op1", people.CARLA), seats.taken("op1", people.CARLA):
            assert "Anche Carla Blu sta" not in home.visitor.get("/desk").text
            home.visitor.log_in(people.ANNA)
            answer = home.visitor.post("/desk/position", data={"position": "op1"})
            assert answer.headers["location"] == "/desk?wanted=op1"
            assert "position=" not in answer.headers.get("set-cookie", "")
            text = home.visitor.get(answer.headers["location"]).text
            assert "La postazione op1 è in uso: Carla Blu." in text
            home.visitor.post("/desk/position", data={"position": "op1", "anyway": "1"})
            assert "Anche Carla Blu sta usando questa postazione." in home.visitor.get("/desk").text
        assert "Carla Blu" not in home.visitor.get("/desk").text
        assert (
            home.visitor.post("/desk/position", data={"position": "op1"})
            .headers["location"]
            .endswith("/desk")
        )


@pytest.mark.parametrize("what", ["unattended", "closed", "opened", "absent"])
def test_the_house_is_closed_by_who_may(console_settings: ConsoleSettings, what: str) -> None:
    """A clerk of the counter goes away and comes back; the house's states are not a clerk's."""
    with Home(console_settings, up(), people.DINO) as home:
        answer = home.visitor.post("/desk/state", data={"what": what, "on": "1"})
        assert (answer.status_code, home.served.asked) == (403, [])
        assert 'value="unattended"' not in home.visitor.get("/desk").text
        home.visitor.post("/desk/state", data={"what": "away", "on": "1"})
        assert home.question["by"] == "sportello1"


def test_who_sits_nowhere_goes_away_from_nowhere(console_settings: ConsoleSettings) -> None:
    """The button that sets a position away is there for who has one of the house."""
    with Home(console_settings, up()) as home:
        assert 'id="state-away"' in home.visitor.get("/desk").text
        home.visitor.post("/desk/position", data={"position": "elsewhere"})
        assert 'id="state-away"' not in home.visitor.get("/desk").text


@pytest.mark.parametrize(
    ("end", "until", "lasts"), [("next", None, None), ("lasts", None, True), ("", None, None)]
)
def test_an_end_is_the_next_change_of_the_hours_or_a_persons(
    talking: Home, end: str, until: None, lasts: bool | None
) -> None:
    """Call control looks the next change up; what lasts is said so."""
    fields = {"what": "closed", "on": "1", "end": end, "until": "11:30" if end else ""}
    assert talking.visitor.post("/desk/state", data=fields).json()["done"]
    assert (talking.question.get("until"), talking.question.get("lasts")) == (until, lasts)


def test_an_end_is_chosen_in_the_dialog(talking: Home) -> None:
    """Minutes and a time, by the same field; a time that was not written is asked for."""
    before = datetime.now(UTC)
    fields = {"what": "closed", "on": "1", "end": "30", "until": "11:30"}
    talking.visitor.post("/desk/state", data=fields)
    until = datetime.fromisoformat(talking.question["until"])
    assert timedelta(minutes=29) < until - before < timedelta(minutes=31)
    talking.visitor.post("/desk/state", data=fields | {"end": "at"})
    assert f"{datetime.fromisoformat(talking.question['until']):%H:%M}" == "11:30"
    asked_for = len(talking.served.asked)
    answer = talking.visitor.post("/desk/state", data=fields | {"end": "at", "until": ""})
    assert (answer.status_code, len(talking.served.asked)) == (400, asked_for)


def test_what_lasted_lasts_again_when_its_end_is_taken_back(
    console_settings: ConsoleSettings,
) -> None:
    """Undo gives back what was, not a state with another end."""
    switchboard = up()
    asks = wishes.SetClosed(on=True, by="anna", lasts=True)
    tell(switchboard, TEN, events.ServiceStateChanged(asks))
    with Home(console_settings, switchboard) as home:
        undo = home.visitor.post("/desk/state", data={"what": "closed", "on": ""}).json()["undo"]
        assert undo == {"what": "closed", "on": "1", "end": "lasts"}
        home.visitor.post("/desk/state", data=undo)
        assert home.question["lasts"] is True


@pytest.mark.parametrize("user", [None, people.BEPPE], ids=["nobody", "technician"])
def test_the_desk_is_for_who_sits_there(console_settings: ConsoleSettings, user: Any) -> None:
    """Nobody else sees who calls, or does anything (P7)."""
    with Visitor(console_settings) as visitor:
        if user:
            visitor.log_in(user)
        for path in ("", "/live", "/search?q=x", "/sheet/x", "/known/x", "/offices", "/return"):
            assert visitor.get(f"/desk{path}").status_code in (303, 401, 403), path
        for path in ("/state", "/position", "/sheet-used", "/transfer", "/request", "/remind"):
            assert visitor.post(f"/desk{path}").status_code in (303, 401, 403), path


# --- sheets and callers ---------------------------------------------------------------------------


def test_sheets_are_found_as_one_types(talking: Home) -> None:
    """Beginnings of words, accents folded; nothing for nothing."""
    assert "Cambio di residenza" in talking.visitor.get("/desk/search?q=resid").text
    assert talking.visitor.get("/desk/search?q=").text.strip() == ""
    assert "Nessuna scheda" in talking.visitor.get("/desk/search?q=zzz").text


def test_a_sheet_is_shown_with_its_source_and_its_age(talking: Home) -> None:
    """P2: source, link to the counter's application, official in charge; an old one says so."""
    text = talking.visitor.get("/desk/sheet/residenza").text
    assert "<h3>Documenti</h3>" in text
    assert "&lt;b&gt;valida" in text
    for what in ("Protocollo 3", "https://app.example/residenza", "Ada Neri", "più di un anno"):
        assert what in text
    assert talking.visitor.get("/desk/sheet/none").status_code == 404


def test_the_sheet_that_answered_is_noted_with_the_positions_call(talking: Home) -> None:
    """One key (P2); in the call in which it was opened, where the page knows it."""
    assert talking.visitor.post("/desk/sheet-used", data={"sheet": "residenza"}).json()["done"]
    assert talking.question == {"ask": "NoteSheet", "sheet": "residenza", "position": "op1"}
    (call,) = talking.switchboard.status(TEN).calls
    opened = {"sheet": "residenza", "call": call.call}
    assert talking.visitor.post("/desk/sheet-used", data=opened).json()["done"]
    assert talking.question == {"ask": "NoteSheet", "sheet": "residenza", "call": call.call}
    another = {"sheet": "residenza", "call": "old-1"}
    assert talking.visitor.post("/desk/sheet-used", data=another).status_code == 409


def test_a_number_told_is_noted_with_the_positions_call(talking: Home) -> None:
    """As a sheet is: in the call in which the entry of the address book was opened."""
    assert talking.visitor.post("/desk/book-told", data={"entry": "ausl"}).json()["done"]
    assert talking.question == {"ask": "book_told", "entry": "ausl", "position": "op1"}
    (call,) = talking.switchboard.status(TEN).calls
    opened = {"entry": "ausl", "call": call.call}
    assert talking.visitor.post("/desk/book-told", data=opened).json()["done"]
    assert talking.question == {"ask": "book_told", "entry": "ausl", "call": call.call}
    another = {"entry": "ausl", "call": "old-1"}
    assert talking.visitor.post("/desk/book-told", data=another).status_code == 409


def test_earlier_calls_of_the_same_number_are_shown(talking: Home) -> None:
    """E9, E22: of three months, of that number alone."""
    (call,) = talking.switchboard.status(TEN).calls
    text = talking.visitor.get(f"/desk/known/{call.call}").text
    assert text.count("<li>") == 2
    assert talking.visitor.get("/desk/known/none").text == ""


def test_whoever_rings_back_finds_the_case(talking: Home, records: sqlite3.Connection) -> None:
    """E17: the message or call that is open of the same number, with who has it; one click away."""
    (call,) = talking.switchboard.status(TEN).calls
    now = datetime.now(UTC)
    sent = Caller(Presentation.SHOWN, "+39" + NUMBER)
    missed = replace(a_call("m-1", Result.GAVE_UP), caller=sent, rang_at=now)
    call_log.upsert_calls(records, [missed], "b")
    voicemail.add_entry(records, CaseKind.CALL, "m-1", MessageEntry(now, "carla", MessageStep.TAKE))
    voicemail.add_entry(records, CaseKind.CALL, "m-1", MessageEntry(now, "carla", MessageStep.FAIL))
    number = voicemail.find_case(records, CaseKind.CALL, "m-1")[1]
    text = talking.visitor.get(f"/desk/known/{call.call}").text
    case = text.split("Da richiamare")[1].split("</ul>")[0]
    assert f'<a href="/missed/{number}" target="_blank"' in case
    assert "Carla Blu" in case
    assert "1 richiamata a vuoto" in case
    talking.visitor.log_in(people.DINO)
    text = talking.visitor.get(f"/desk/known/{call.call}").text
    assert f"/missed/{number}" not in text
    assert f"Chiamata {number}" in text


def test_records_that_cannot_be_read_leave_the_page(console_settings: ConsoleSettings) -> None:
    """Calls go on being shown; the search says that it cannot."""
    with Home(console_settings, office_switchboard()) as home:
        home.visitor.app.state.store = StoreReader(console_settings.records / "not")
        (call,) = home.switchboard.status(TEN).calls
        for path in ("search?q=imu", "sheet/imu", f"known/{call.call}"):
            assert "non si può leggere" in home.visitor.get(f"/desk/{path}").text


# --- transfer and return --------------------------------------------------------------------------


def test_offices_stand_in_two_lists(talking: Home) -> None:
    """Open now with until when; the others with the reason and what to offer (P5, E23)."""
    text = talking.visitor.get("/desk/offices").text
    now, later_on = text.split("Non adesso")
    assert 'data-unit="anagrafe" data-need="residenza"' in now
    assert "fino a" in now
    assert "data-later" in later_on
    assert "data-later" not in now


def test_the_office_of_the_open_sheet_stands_first(talking: Home) -> None:
    """Whoever read its sheet wants that office: one key less."""
    now = talking.visitor.get("/desk/offices").text.split("Non adesso")[0]
    usual = re.findall(r'data-unit="(\w+)"', now)
    text = talking.visitor.get(f"/desk/offices?unit={usual[-1]}").text
    assert re.findall(r'data-unit="(\w+)"', text)[0] == usual[-1] != usual[0]


def test_a_transfer_is_asked_for_by_the_position(talking: Home) -> None:
    """With the reason (P3); attended unless said otherwise; anyway once told of E8."""
    fields = {"unit": "anagrafe", "need": "residenza", "reason": "topic"}
    talking.visitor.post("/desk/transfer", data=fields)
    assert talking.question == {
        "ask": "TransferCall", "call": "op1", "by": "carla", **fields,
    }  # fmt: skip
    talking.visitor.post("/desk/transfer", data={**fields, "blind": "1", "anyway": "1"})
    assert (talking.question["attended"], talking.question["anyway"]) == (False, True)


def test_an_office_is_chosen_for_one_call(talking: Home) -> None:
    """The caller hung up and another was answered meanwhile: that one goes nowhere."""
    fields = {"unit": "anagrafe", "need": "residenza", "reason": "topic"}
    answer = talking.visitor.post("/desk/transfer", data=fields | {"of": "the-call-before"})
    assert (answer.status_code, answer.json()["stays"]) == (409, True)
    assert "è terminata" in answer.json()["said"]
    assert talking.served.asked == []
    (call,) = talking.switchboard.status(TEN).calls
    assert talking.visitor.post("/desk/transfer", data=fields | {"of": call.call}).json()["done"]


def returned(console_settings_of: ConsoleSettings) -> Switchboard:
    """Return call control on which the Anagrafe did not take the call of op1."""
    del console_settings_of
    switchboard = office_switchboard()
    asked(switchboard)
    (call,) = switchboard._board.calls.values()
    while call.transfer is not None and call.transfer.leg:
        tell(switchboard, later(TEN, 1), events.PhoneDeclined(call.transfer.leg))
    return switchboard


def test_a_return_comes_with_office_reason_and_the_rules_form(
    console_settings: ConsoleSettings, shelf: object
) -> None:
    """P6: filled in with the caller; the office's slots where it offers some."""
    del shelf
    with Home(console_settings, returned(console_settings)) as home:
        (call,) = home.switchboard.status(TEN).calls
        text = home.visitor.get(f"/desk/return?call={call.call}").text
        assert "Ritorno: Anagrafe" in " ".join(text.split())
        assert "ha rifiutato la chiamata" in text
        assert f'value="{NUMBER}"' in text
        assert 'value="2026-11-27T09:00:00+01:00"' in text
        email = home.visitor.get(f"/desk/return?call={call.call}&rule=email").text
        assert 'name="starts"' not in email


def test_an_office_that_cannot_be_had_has_its_rule_at_once(talking: Home) -> None:
    """P5: nothing need be tried first; a call that came back from nowhere has no form."""
    (call,) = talking.switchboard.status(TEN).calls
    closed = next(one for one in talking.switchboard.offered(TEN) if not one.open)
    about = f"call={call.call}&unit={closed.unit.code}&need={closed.need}"
    text = talking.visitor.get(f"/desk/return?{about}").text
    assert closed.unit.name in text
    assert f'value="{NUMBER}"' in text
    assert talking.visitor.get(f"/desk/return?call={call.call}").text == ""
    assert talking.visitor.get("/desk/return?unit=nowhere&need=x").text == ""


FIELDS = {
    "rule": "email", "unit": "anagrafe", "need": "residenza", "name": "Ada Rossi",
    "phone": NUMBER, "subject": "Cambio di residenza", "call": "c1",
}  # fmt: skip


def test_a_request_is_taken_in_three_fields(talking: Home) -> None:
    """Name, number, subject; the rest was filled in."""
    assert talking.visitor.post("/desk/request", data=FIELDS).json()["done"]
    asked_for = talking.question
    assert asked_for["ask"] == "new_request"
    assert {name: asked_for[name] for name in FIELDS} == FIELDS
    assert (asked_for["prefers"], asked_for["by"]) == ("phone", "carla")


def test_an_appointment_has_its_time_in_the_offices_own(talking: Home) -> None:
    """A time without an offset is of the office's zone; none at all is asked for."""
    fields = FIELDS | {"rule": "appointment", "form": "in_person", "starts": "2026-11-27T09:00"}
    talking.visitor.post("/desk/request", data=fields)
    assert talking.question["starts"] == "2026-11-27T09:00:00+01:00"
    answer = talking.visitor.post("/desk/request", data=fields | {"starts": ""})
    assert (answer.status_code, answer.json()["done"]) == (400, False)


@pytest.mark.parametrize("missing", ["name", "phone", "subject"])
def test_what_is_missing_is_asked_for(talking: Home, missing: str) -> None:
    """E15: a name and one contact; nothing half is stored."""
    answer = talking.visitor.post("/desk/request", data=FIELDS | {missing: " "})
    assert answer.status_code == 400
    assert not any(one["ask"] == "new_request" for one in talking.served.asked)


def in_hand(records: sqlite3.Connection) -> int:
    """Keep a request that the caller has open; returns its number."""
    citizen = replace(ASKED.citizen, phone=f"+39 {NUMBER}")
    return requests.insert_request(
        records, RequestToStore("r1", replace(ASKED, citizen=citizen), AT)
    ).number


def test_what_is_open_already_is_offered_first(talking: Home, shelf: sqlite3.Connection) -> None:
    """E9: beside the call, in the form, and before a second one is stored; then it is."""
    number = in_hand(shelf)
    (call,) = talking.switchboard.status(TEN).calls
    assert ASKED.subject in talking.visitor.get(f"/desk/known/{call.call}").text
    form = talking.visitor.get(f"/desk/return?call={call.call}&unit=anagrafe&need=residenza").text
    assert f'name="number" value="{number}"' in form
    answer = talking.visitor.post("/desk/request", data=FIELDS)
    assert (answer.status_code, answer.json()["again"]) == (409, True)
    assert ASKED.subject in answer.json()["said"]
    assert talking.served.asked[-1]["ask"] != "new_request"
    assert talking.visitor.post("/desk/request", data=FIELDS | {"anyway": "1"}).json()["done"]
    assert talking.question["ask"] == "new_request"


def test_a_reminder_adds_the_citizens_words(talking: Home) -> None:
    """E9: to the request that is there; without words there is nothing to send."""
    assert talking.visitor.post("/desk/remind", data={"number": "7", "words": "ancora"}).json()[
        "done"
    ]
    assert talking.question == {
        "ask": "request_step", "step": "remind", "number": 7, "words": "ancora", "by": "carla",
    }  # fmt: skip
    for fields in ({"number": "7", "words": " "}, {"number": "x", "words": "ancora"}):
        assert talking.visitor.post("/desk/remind", data=fields).status_code == 400
