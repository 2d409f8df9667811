"""The work to be followed: one list of messages, calls, returns and requests, and its steps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.orders import Result
from appliance.calls.outgoing import OUT_OF_BAND
from appliance.console.settings import ConsoleSettings
from appliance.policy.voicemail import MessageEntry, MessageStep
from appliance.store import call_log, requests, sheets, users, voicemail
from appliance.store.requests import RequestMails, RequestToStore
from appliance.store.voicemail import CaseKind
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.people import ANNA, BEPPE, CARLA, DINO
from tests.console.test_messages import leave, miss, steps
from tests.console.test_operator import RESIDENZA
from tests.console.visitor import Visitor
from tests.store.samples import SHOWN, WITHHELD, a_call
from tests.store.test_requests import ASKED, a_letter

ENGLISH = {"accept-language": "en"}


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    with serve_calls(console_settings) as served:
        yield served


def put_request(records: sqlite3.Connection) -> int:
    """Have a request taken over; returns its number."""
    now = datetime.now(UTC)
    taken = RequestToStore("r1", replace(ASKED, at=now, by=CARLA.name), now)
    requests.insert_request(records, taken, RequestMails(a_letter))
    return requests.list_requests(records)[0].request.number


def listed(visitor: Visitor, path: str = "/inbox") -> list[str]:
    """Return the addresses in the list, in their order."""
    text = visitor.get(path).text.split('id="inbox-case"')[0]
    return [part.split('"')[0] for part in text.split('data-work="')[1:]]


def test_the_most_urgent_stands_first(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Late, then one's own, then who asks to be called back, then the others; the oldest first."""
    now = datetime.now(UTC)
    plain, mine = leave(records), leave(records, "m2")
    late = leave(records, "m3")
    older = leave(records, "m4", received_at=now - timedelta(days=1))
    alert = MessageEntry(now, "call control", MessageStep.ALERT_UNCLOSED)
    voicemail.insert_alerts(records, CaseKind.MESSAGE, ["m3"], alert)
    operator.post("/inbox/step", data={"kind": "message", "number": mine, "step": "take"})
    wanted = replace(a_call("wants", Result.GAVE_UP), rang_at=now, trail=("callback_wanted",))
    call_log.upsert_calls(records, [wanted], "b")
    _, number = voicemail.find_case(records, CaseKind.CALL, "wants")
    names = [f"/inbox/message/{one}" for one in (late, mine)]
    assert listed(operator)[:3] == [*names, f"/inbox/call/{number}"]
    rest = listed(operator)[3:]
    assert rest.index(f"/inbox/message/{plain}") >= 0
    assert f"/inbox/message/{older}" in rest
    assert f"message/{late}" in listed(operator, "/inbox?show=message")[0]
    assert listed(operator, "/inbox?show=call") == [f"/inbox/call/{number}"]


def test_the_first_case_is_open(operator: Visitor, records: sqlite3.Connection) -> None:
    """One key from anywhere to what is to be done first."""
    leave(records)
    text = operator.get("/inbox").text
    assert 'data-open="/inbox/message/1"' in text
    assert 'id="sound"' in text
    leave(records, "m2", caller=WITHHELD)
    assert "Messaggio senza numero" in operator.get("/inbox/message/2").text


def test_nothing_to_follow_is_said(operator: Visitor) -> None:
    """True, and what comes next."""
    assert "Niente da seguire" in operator.get("/inbox").text


def test_every_step_can_be_taken_back(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E22: taken and released, closed and open again, for who had it."""
    leave(records)
    named = {"kind": "message", "number": "1"}
    taken = operator.post("/inbox/step", data=named | {"step": "take"}).json()
    assert taken["undo"] == named | {"step": "release"}
    closed = operator.post(
        "/inbox/step", data=named | {"outcome": "called_back", "mine": "1"}
    ).json()
    assert closed["done"]
    assert closed["undo"] == named | {"step": "reopen", "take": "1"}
    assert operator.post("/inbox/step", data=closed["undo"]).json()["undo"] is None
    assert [step for step, _ in steps(records)] == [
        MessageStep.TAKE, MessageStep.CLOSE, MessageStep.REOPEN, MessageStep.TAKE,
    ]  # fmt: skip
    noted = operator.post("/inbox/step", data=named | {"step": "note", "note": "ciao"}).json()
    assert (noted["done"], noted["undo"]) == (True, named | {"step": "take_back"})
    before = steps(records)
    assert operator.post("/inbox/step", data=noted["undo"]).json()["done"]
    assert steps(records) == before[:-1], "as if it had not been written"
    again = operator.post("/inbox/step", data=noted["undo"])
    assert (again.status_code, again.json()["done"]) == (409, False)


@pytest.mark.parametrize(
    "sent",
    [{}, {"kind": "request", "number": "1", "step": "take"}, {"kind": "call", "number": "x"},
     {"kind": "message", "number": "1", "step": "alert_unheard"},
     {"kind": "message", "number": "1", "outcome": "sold"},
     {"kind": "message", "number": "9" * 30, "step": "take"}],
)  # fmt: skip
def test_no_other_step_is_taken(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub, sent: dict[str, str]
) -> None:
    """A browser may send anything."""
    leave(records)
    answer = operator.post("/inbox/step", data=sent)
    assert answer.status_code in (400, 409)
    assert not answer.json()["done"]
    assert steps(records) == []


def test_two_people_do_not_follow_one_case(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E16: the second one is told who has it, and may listen."""
    leave(records)
    visitor.log_in(ANNA)
    visitor.post("/inbox/step", data={"kind": "message", "number": "1", "step": "take"})
    visitor.log_in(CARLA)
    text = visitor.get("/inbox/message/1").text
    assert "Già in carico a Anna Verdi." in text
    assert 'name="outcome"' not in text
    assert 'id="sound"' in text
    refused = visitor.post("/inbox/step", data={"kind": "message", "number": "1", "step": "take"})
    assert not refused.json()["done"]


def test_a_call_back_asks_why_outside_its_hours(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E17: the phone rings first; outside the band a reason, which is kept."""
    number = miss(records)
    named = {"kind": "call", "number": str(number)}
    control.refuses = OUT_OF_BAND
    answer = operator.post("/inbox/call-back", data=named).json()
    assert (answer["done"], answer["asks_reason"]) == (False, True)
    answer = operator.post("/inbox/call-back", data=named | {"reason": "urgente"}).json()
    assert answer["done"]
    assert control.called[-1]["case"] == "call:lost-1"
    kept = voicemail.list_entries(records, CaseKind.CALL, "lost-1")
    assert [one.step for one in kept] == [MessageStep.TAKE, MessageStep.TAKE, MessageStep.NOTE][-2:]
    assert operator.post("/inbox/call-back", data={}).status_code == 404


def test_a_request_is_followed_in_its_place(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E9: a reminder is added to it; what it needs is asked for."""
    number = put_request(records)
    assert f"/inbox/request/{number}" in listed(operator)
    text = operator.get(f"/inbox/request/{number}").text
    # Its number is called by a click, here and on its own page.
    for shown in (text, operator.get(f"/requests/{number}").text):
        assert f'data-dial="{ASKED.citizen.phone}"' in shown
    assert "Il cittadino sollecita" in text or "sollecit" in text.lower()
    sent = {"number": str(number), "step": "remind", "words": "ha fretta"}
    assert operator.post("/inbox/request", data=sent).json()["done"]
    assert operator.post("/inbox/request", data=sent | {"step": "move"}).status_code == 400
    assert not operator.post("/inbox/request", data=sent | {"number": "x"}).json()["done"]


def test_what_is_half_typed_waits_in_the_list(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """A return that was begun in another call is to be completed, or a request without a transfer;
    whatever else is kept is not.
    """
    form = {
        "about": {"unit": "tributi", "need": "", "call": "c1"},
        "values": [["name", "Lidia Orsi"], ["back", "1"]],
    }
    asked = form | {"values": [["name", "Ugo Verdi"], ["back", ""]]}
    draft = {
        "by": "carla",
        "form": form,
        "pending": [{"call": "c0", "note": "ciao"}, {"call": "c1", "form": asked}],
        "captions": {},
    }
    users.keep(records, "carla", "desk", json.dumps(draft), datetime.now(UTC))
    text = operator.get("/inbox?show=return").text
    assert "Lidia Orsi" in text
    assert "Ritorno da tributi, da completare" in text
    assert "Ugo Verdi" not in text
    text = operator.get("/inbox?show=request").text
    assert "Ugo Verdi" in text
    assert "Richiesta per tributi, da completare" in text
    assert "Lidia Orsi" not in text
    assert 'href="/desk" data-work="/desk"' in text
    for broken in ("[1]", "{", '{"form": 7}', '{"pending": [3]}'):
        users.keep(records, "carla", "desk", broken, datetime.now(UTC))
        assert operator.get("/inbox?show=return").status_code == 200


def test_who_hears_no_messages_sees_requests_alone(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """E2: the counter has calls and requests, not the voicemail."""
    leave(records)
    number = put_request(records)
    visitor.log_in(DINO)
    assert listed(visitor) == [f"/inbox/request/{number}"]
    assert visitor.get("/inbox/message/1").status_code == 404
    visitor.log_in(BEPPE)
    assert visitor.get("/inbox").status_code == 403


@pytest.mark.parametrize(
    "path", ["/inbox/message/99", "/inbox/call/99", "/inbox/request/99", "/inbox/return/1",
             "/inbox/request/99999999999999999999"],
)  # fmt: skip
def test_what_is_not_there_is_said(operator: Visitor, path: str) -> None:
    """A number that nobody has."""
    assert operator.get(path).status_code == 404


def test_the_same_number_is_beside(operator: Visitor, records: sqlite3.Connection) -> None:
    """E9: earlier calls and open cases of the number, without the case's own call."""
    leave(records, caller=SHOWN)
    rang = datetime.now(UTC) - timedelta(days=2)
    earlier = replace(a_call("old"), rang_at=rang, caller=SHOWN)
    call_log.upsert_calls(records, [earlier], "b")
    beside = operator.get("/inbox/message/1").text.split('id="inbox-beside"')[1]
    assert 'href="/calls/old"' in beside
    assert 'href="/calls/call-m1"' not in beside


def test_sheets_and_offices_of_earlier_calls_may_be_of_use(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Whoever calls again about the same is answered from the same sheet; one link a thing."""
    leave(records, caller=SHOWN)
    sheets.store(records, (RESIDENZA,))
    for number in range(2):
        rang = datetime.now(UTC) - timedelta(days=2 + number)
        used = ("residenza", "gone")
        one = replace(a_call(f"old{number}"), rang_at=rang, caller=SHOWN, sheets=used)
        call_log.upsert_calls(records, [one], "b")
    beside = operator.get("/inbox/message/1").text.split('id="inbox-beside"')[1]
    assert "Può servire" in beside
    assert beside.count('href="/sheet/residenza"') == 1
    assert "gone" not in beside
    assert "Cambio di residenza" in beside


def test_the_desk_shows_the_latest_calls_of_the_position(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Its own of today, the newest first, by what came of them; nobody else's (E21)."""
    sheets.store(records, (RESIDENZA,))
    now = datetime.now(UTC)
    mine = replace(
        a_call("mine", Result.ANSWERED), rang_at=now, answered_at=now, ended_at=now, phone="op1",
        caller=SHOWN, sheets=("residenza",),
    )  # fmt: skip
    calls = [
        replace(mine, call="sent", unit="anagrafe"),
        mine,
        replace(mine, call="theirs", phone="op2"),
        replace(mine, call="old", rang_at=now - timedelta(days=2)),
    ]
    call_log.upsert_calls(records, calls, "b")
    text = operator.get("/desk/work").text
    assert text.index('href="/calls/mine"') < text.index('href="/calls/sent"')
    assert "scheda «Cambio di residenza»" in text
    assert "trasferita: anagrafe" in text
    assert "/calls/theirs" not in text
    assert "/calls/old" not in text


def test_the_desk_tells_a_latest_call_that_came_back(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """P6: with the words of the call's own page; nor was one transferred that ended before."""
    now = datetime.now(UTC)
    sent = ("transfer.anagrafe.aire.topic.keys",)
    one = replace(
        a_call("back", Result.ANSWERED), rang_at=now, answered_at=now, ended_at=now, phone="op1",
        caller=SHOWN, unit="anagrafe", returned="no_answer",
        trail=(*sent, "returned.anagrafe.no_answer"),
    )  # fmt: skip
    calls = [one, replace(one, call="cut", returned="", trail=sent)]
    call_log.upsert_calls(records, calls, "b")
    text = operator.get("/desk/work", headers=ENGLISH).text
    assert "Return from anagrafe: did not answer" in text
    assert "anagrafe: the call ended before" in text
    assert "transferred to" not in text


def test_the_desk_shows_the_most_urgent_while_nothing_rings(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Six of them, today's appointments, and how many there are in all, as on their page."""
    for number in range(8):
        leave(records, f"m{number}")
    text = operator.get("/desk/work").text
    assert text.count("data-work=") == 6
    assert "Apri tutti" in text
    for path in ("/desk/work", "/inbox"):
        assert '<span class="count">8</span>' in operator.get(path).text
    assert 'data-work="/inbox/message/' in operator.get("/desk").text


def test_the_desk_tells_what_only_the_offices_have_to_do(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Nothing is to be done, yet not nothing is listed: one count, the page's own."""
    put_request(records)
    records.execute("UPDATE requests SET at = ?", (datetime.now(UTC).isoformat(),))
    text = operator.get("/desk/work", headers=ENGLISH).text
    assert "data-work=" not in text
    assert "Nothing is to be done now: 1 request is with its office." in text
    assert "Nothing is to be followed." not in text
    for path in ("/desk/work", "/inbox"):
        assert '<span class="count">1</span>' in operator.get(path).text
