"""Handing over on the console (E19): what is mine goes to a colleague, or to all, once for all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.api import codec
from appliance.calls.states import State
from appliance.calls.status import TransferStatus
from appliance.console.pages.privacy import open_at_position
from appliance.console.settings import ConsoleSettings
from appliance.policy.requests import RequestStep
from appliance.policy.voicemail import MessageEntry, MessageState, MessageStep
from appliance.store import database, requests, voicemail
from appliance.store.requests import StoredStep
from appliance.store.voicemail import CaseKind
from appliance.text import NOTHING
from tests.calls.examples import RANG, TEN, tell, up
from tests.calls.test_transfer import office_switchboard
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.people import ANNA, BEPPE, CARLA, DINO
from tests.console.states import seen, told
from tests.console.test_messages import leave, miss
from tests.console.test_requests import take
from tests.console.visitor import Visitor
from tests.helpers.words import pair

ENGLISH = {"accept-language": "en"}
HOLD = pair("op1 ha un utente in attesa.", "op1 has a caller on hold.")


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    del records
    with serve_calls(console_settings) as served:
        yield served


def taken(records: sqlite3.Connection, kind: CaseKind, name: str, by: str = "carla") -> None:
    """Have a message or call taken by somebody, with a few words."""
    voicemail.add_entry(
        records,
        kind,
        name,
        MessageEntry(datetime.now(UTC), by, MessageStep.TAKE, note="dopo le 15"),
    )


def holder(records: sqlite3.Connection, kind: CaseKind, subject: str) -> str:
    """Return who has it."""
    return voicemail.care_by_id(records, kind)[subject].holder


@pytest.fixture
def work(records: sqlite3.Connection) -> tuple[int, int, int]:
    """A message, a missed call and a request, all Carla's; returns their numbers."""
    numbers = leave(records), miss(records), take(records)
    taken(records, CaseKind.MESSAGE, "m1")
    taken(records, CaseKind.CALL, "lost-1")
    return numbers


def test_the_page_shows_what_is_mine(
    operator: Visitor, records: sqlite3.Connection, work: tuple[int, int, int]
) -> None:
    """Requests, messages and missed calls in my name, and the notes of today; not a colleague's."""
    other = leave(records, "m2")
    taken(records, CaseKind.MESSAGE, "m2", "anna")
    text = operator.get("/handover").text
    message, call, request = work
    for value in (f"message:{message}", f"call:{call}", f"request:{request}"):
        assert f'value="{value}"' in text
    assert f'value="message:{other}"' not in text
    assert text.count("dopo le 15") == 3  # the colleague's note too: notes are for all
    assert "<h1>Consegne</h1>" in text
    assert '<option value="carla">' not in text
    assert '<option value="dino">Dino Rosa (Sportellista)' in text
    assert '<option value="beppe">' not in text


def test_what_was_taken_on_the_phone_is_the_positions(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """A position is not a person: whoever sits there hands it over."""
    number = leave(records)
    taken(records, CaseKind.MESSAGE, "m1", "op1")
    assert f'value="message:{number}"' in operator.get("/handover").text
    operator.post("/handover", data={"to": "anna", "what": "all"})
    assert holder(records, CaseKind.MESSAGE, "m1") == "anna"


def test_all_of_it_goes_to_a_colleague(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub, work: tuple[int, int, int]
) -> None:
    """At once; the colleague finds it, lists name the colleague, the history says who gave it."""
    visitor.log_in(CARLA)
    answer = visitor.post("/handover", data={"to": "anna", "what": "all"}, headers=ENGLISH)
    assert "Handed over to Anna Verdi: 3." in answer.text
    assert "You have taken nothing" in answer.text
    message, call, request = work
    assert (
        holder(records, CaseKind.MESSAGE, "m1")
        == holder(records, CaseKind.CALL, "lost-1")
        == "anna"
    )
    assert requests.required_request(records, request).request.follower == "anna"
    (noted,) = database.latest(records, "handover")
    assert (noted.by, noted.about) == ("carla", "3 -> anna")
    visitor.log_in(ANNA)
    text = visitor.get("/handover", headers=ENGLISH).text
    for value in (f"message:{message}", f"call:{call}", f"request:{request}"):
        assert f'value="{value}"' in text
    assert "taken by Anna Verdi" in visitor.get("/messages", headers=ENGLISH).text
    assert "→ <strong>Anna Verdi" in visitor.get(f"/messages/{message}").text
    assert "la segue: Anna Verdi" in visitor.get(f"/requests/{request}").text
    assert visitor.post(f"/messages/{message}/close", data={"outcome": "not_needed"}).is_redirect


def test_one_by_one(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub, work: tuple[int, int, int]
) -> None:
    """What was not chosen stays."""
    call = work[1]
    operator.post("/handover", data={"to": "anna", "what": "chosen", "item": f"call:{call}"})
    assert holder(records, CaseKind.CALL, "lost-1") == "anna"
    assert holder(records, CaseKind.MESSAGE, "m1") == "carla"


def test_given_to_all_it_is_for_whoever_takes_it(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub, work: tuple[int, int, int]
) -> None:
    """Messages and calls are new again; a request is nobody's until somebody follows it."""
    visitor.log_in(CARLA)
    answer = visitor.post("/handover", data={"to": "*", "what": "all"})
    assert "Consegnate a tutti: 3." in answer.text
    message = voicemail.find_message(records, "m1")
    assert message is not None
    assert (message.state, message.taken_by) == (MessageState.NEW, "")
    assert "non la segue nessuno" in visitor.get("/requests").text
    visitor.log_in(DINO)
    assert "La seguo io" in visitor.get("/handover").text
    assert visitor.post(f"/handover/take/{work[2]}").status_code == 200
    assert requests.required_request(records, work[2]).request.follower == "dino"
    visitor.log_in(CARLA)  # who is quicker has it
    late = visitor.post(f"/handover/take/{work[2]}")
    assert "Non più sue, restano dove sono: 1." in late.text


def test_what_is_no_more_mine_stays_where_it_is(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub, work: tuple[int, int, int]
) -> None:
    """A colleague took it meanwhile, or it is over: it is said, and the rest goes."""
    message, call, request = work
    voicemail.add_entry(
        records,
        CaseKind.MESSAGE,
        "m1",
        MessageEntry(datetime.now(UTC), "anna", MessageStep.RELEASE),
    )
    operator.post(f"/requests/{request}/close", data={"said_by": "Anagrafe"})
    items = [f"message:{message}", f"call:{call}", f"request:{request}"]
    answer = operator.post("/handover", data={"to": "anna", "item": items}, headers=ENGLISH)
    assert "Handed over to Anna Verdi: 1. Not yours any more, left: 2." in answer.text
    assert holder(records, CaseKind.MESSAGE, "m1") == ""


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ({"what": "all"}, 400, "A chi? Scegliere un collega"),
        ({"to": "anna"}, 409, "Non è stato scelto niente"),
        ({"to": "nessuno", "what": "all"}, 409, "Quel collega non c&#39;è"),
        ({"to": "dino", "what": "all"}, 409, "Dino Rosa non può ascoltare"),
        ({"to": "anna", "item": "message:99"}, 409, "Non c&#39;è il messaggio 99"),
        ({"to": "anna", "item": "request:99"}, 409, "La richiesta 99 non c&#39;è"),
    ],
)
def test_what_cannot_be_handed_over_is_said(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    work: tuple[int, int, int],
    data: dict[str, str],
    status: int,
    said: str,
) -> None:
    """In the reader's language, and nothing has changed."""
    answer = operator.post("/handover", data=data)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert holder(records, CaseKind.MESSAGE, "m1") == "carla"
    assert database.latest(records, "handover") == ()


def test_the_counter_hands_over_its_requests_alone(
    visitor: Visitor, records: sqlite3.Connection, work: tuple[int, int, int]
) -> None:
    """Whoever does not hear messages sees neither them nor their notes (E2)."""
    heard = leave(records, "m2")
    taken(records, CaseKind.MESSAGE, "m2", "sportello1")  # on the phone where Dino sits
    own = take(records)
    requests.apply_step(
        records, own, StoredStep("g", RequestStep.GIVE, datetime.now(UTC), "carla", "dino")
    )
    visitor.log_in(DINO)
    text = visitor.get("/handover").text
    assert f'value="request:{own}"' in text
    assert f'value="message:{heard}"' not in text
    assert "dopo le 15" not in text
    assert "Note di oggi" not in text
    visitor.log_in(BEPPE)
    assert visitor.get("/handover").status_code == 403


def test_leaving_is_refused_in_words(operator: Visitor, control: CallsStub) -> None:
    """E19: with a caller on hold or a return open; else the position is away."""
    assert "Postazione assente." in operator.post("/handover/leave").text
    assert control.called[-1] == {"ask": "SetAway", "on": True, "by": "op1"}
    control.refuses = HOLD
    answer = operator.post("/handover/leave")
    assert (answer.status_code, HOLD.text("it") in answer.text) == (409, True)


def test_without_a_position_nobody_leaves(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """It is chosen first; nothing is asked of call control."""
    del records
    visitor.log_in(ANNA)
    assert visitor.post("/handover/leave").status_code == 400
    assert control.called == []


def test_what_would_be_left_behind() -> None:
    """A caller held by this position, a return that came back to it; not a colleague's, not a
    conversation."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    call = seen(switchboard).calls[0]
    office = TransferStatus("", "Anagrafe", "", "op1", (), "", False, NOTHING)
    calls = (
        replace(call, state=State.TRANSFER_RETURNING, phone="", transfer=office),
        replace(call, state=State.TRANSFER_CHOICE, phone="op1"),
        replace(call, state=State.TALKING, phone="op1"),
        replace(call, state=State.TRANSFER_RETURNING, transfer=replace(office, operator="op2")),
    )
    status = replace(seen(switchboard), calls=calls)
    found = open_at_position(status, "op1")
    assert [
        "ritorno aperto (Anagrafe)" in found[0].text("it"),
        "in attesa" in found[1].text("it"),
    ] == [
        True,
        True,
    ]
    assert len(found) == 2
    assert open_at_position(status, "") == ()


def test_an_open_return_is_shown_before_one_leaves(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """The same words as the refusal, on the page."""
    del records
    status = told(office_switchboard())
    (call,) = status["calls"]
    back = TransferStatus("", "Anagrafe", "", "op1", (), "", False, NOTHING)
    call |= {"state": "transfer_returning", "phone": "", "transfer": codec.to_json(back)}
    calls = (call,)
    with serve_calls(console_settings, calls=calls):
        visitor.log_in(CARLA)
        visitor.hear_control()
        assert "op1 ha un ritorno aperto (Anagrafe)" in visitor.get("/handover").text
