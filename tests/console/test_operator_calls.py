"""What an operator does beside the talk: the head's help, notes, interrupted calls (E10, E18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.conference import SupervisorStatus
from appliance.calls.orders import Result
from appliance.calls.switchboard import Switchboard
from appliance.console.control_client import StoreReader
from appliance.console.live import operator_view
from appliance.console.settings import ConsoleSettings
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.store import call_log, voicemail
from tests.calls.examples import TEN, up
from tests.calls.test_transfer import office_switchboard
from tests.console import people
from tests.console.states import seen
from tests.console.test_operator import Home, returned
from tests.helpers.words import pair
from tests.store.samples import a_call

pytestmark = pytest.mark.usefixtures("records")

NUMBER = "051234567"


@pytest.fixture
def talking(console_settings: ConsoleSettings) -> Iterator[Home]:
    """Position op1 talks with a caller."""
    with Home(console_settings, office_switchboard()) as home:
        yield home


@pytest.fixture
def quiet(console_settings: ConsoleSettings) -> Iterator[Home]:
    """Nobody is in a call, and none was interrupted."""
    with Home(console_settings, up()) as home:
        yield home


def call_of(switchboard: Switchboard) -> str:
    """Return the one call's name."""
    (call,) = switchboard.status(TEN).calls
    return call.call


# --- the head -------------------------------------------------------------------------------------


def test_the_key_is_there_where_call_control_can_bring_the_head_in(
    console_settings: ConsoleSettings,
) -> None:
    """E10: a key that could do nothing is not shown."""
    for origin in ("", "porto"):
        home = Home(console_settings, office_switchboard())
        (call,) = home.served.status["calls"]
        call["origin"] = origin
        with home:
            shown = 'data-action="head"' in home.visitor.get("/desk").text
            assert shown is (not origin)


def test_the_head_is_brought_in_by_one_key(talking: Home) -> None:
    """E10: call control is asked for the position's conversation, and to leave it."""
    talking.visitor.post("/desk/head", data={"on": "1"})
    assert talking.question == {"ask": "BringHead", "call": "op1", "by": "carla"}
    talking.visitor.post("/desk/head", data={"on": ""})
    assert talking.question["on"] is False


def test_nobody_is_brought_into_no_call(quiet: Home) -> None:
    """The key is there while one talks, and only then."""
    text = quiet.visitor.get("/desk").text
    assert 'data-action="head"' not in text
    assert "interrupted-count" not in text


def test_the_heads_part_is_told(talking: Home) -> None:
    """Whether the phone rings or three talk, in call control's own words."""
    status = seen(talking.switchboard)
    words = pair("con il responsabile", "with the head")
    call = replace(status.calls[0], head=SupervisorStatus(("resp",), True, words))
    (shown,) = operator_view(replace(status, calls=(call,)), "op1").calls
    assert shown.head == words


def test_a_return_that_waits_is_told_to_whom_it_waits_for(
    console_settings: ConsoleSettings,
) -> None:
    """E6: "Ritorno in attesa" stands on the call while its operator is busy with another."""
    home = Home(console_settings, returned(console_settings))
    (call,) = home.served.status["calls"]
    assert not call["transfer"]["waiting"]
    call["transfer"]["waiting"] = True
    with home:
        assert "Ritorno in attesa" in home.visitor.get("/desk").text


# --- notes ----------------------------------------------------------------------------------------


def test_a_note_is_of_the_call(talking: Home) -> None:
    """It goes to the call that the position is in, with who made it."""
    assert talking.visitor.post("/desk/note", data={"note": " chiede il sindaco "}).json()["done"]
    asked = talking.question
    assert (asked["ask"], asked["kind"], asked["step"], asked["by"]) == (
        "care", "call", "note", "carla",
    )  # fmt: skip
    assert (asked["name"], asked["note"]) == (call_of(talking.switchboard), "chiede il sindaco")


@pytest.mark.parametrize(
    ("words", "kept"), [("", "Chiamata difficile"), ("minacce", "Chiamata difficile: minacce")]
)
def test_a_difficult_call_is_a_note_on_the_call(talking: Home, words: str, kept: str) -> None:
    """E10: with words or without; never a mark on a person."""
    talking.visitor.post("/desk/note", data={"note": words, "difficult": "1"})
    assert talking.question["note"] == kept


def test_a_note_may_be_made_just_after_the_call(quiet: Home, records: sqlite3.Connection) -> None:
    """Within a quarter of an hour, of the position's last one; an older one is another matter."""
    fields = {"note": "richiama domani"}
    now = datetime.now(UTC)
    old = replace(a_call("old"), phone="op1", rang_at=now, ended_at=now - timedelta(hours=1))
    call_log.upsert_calls(records, [old], "boot")
    assert quiet.visitor.post("/desk/note", data=fields).status_code == 409
    fresh = replace(a_call("fresh"), phone="op1", rang_at=now, ended_at=now)
    call_log.upsert_calls(records, [fresh], "boot")
    assert quiet.visitor.post("/desk/note", data=fields).json()["done"]
    assert quiet.question["name"] == "fresh"


def test_a_note_goes_to_the_call_in_which_it_was_begun(
    talking: Home, records: sqlite3.Connection
) -> None:
    """Also where another call has begun since; never to another position's, nor a day later."""
    now = datetime.now(UTC)
    rossi = replace(a_call("rossi"), phone="op1", rang_at=now - timedelta(hours=1), ended_at=now)
    theirs = replace(rossi, call="theirs", phone="op2")
    stale = replace(rossi, call="stale", rang_at=now - timedelta(hours=25))
    call_log.upsert_calls(records, [rossi, theirs, stale], "boot")
    fields = {"note": "vuole il preventivo"}
    assert talking.visitor.post("/desk/note", data=fields | {"call": "rossi"}).json()["done"]
    assert talking.question["name"] == "rossi"
    for other in ("theirs", "stale", "none"):
        assert talking.visitor.post("/desk/note", data=fields | {"call": other}).status_code == 409
    (call,) = talking.switchboard.status(TEN).calls
    assert talking.visitor.post("/desk/note", data=fields | {"call": call.call}).json()["done"]
    assert talking.question["name"] == call.call


def test_the_page_opens_with_the_call_it_works_for(talking: Home) -> None:
    """The present one, with how it is named."""
    named = (
        f'data-last-call="{call_of(talking.switchboard)}" data-last-caption="{NUMBER} Ada Rossi, '
    )
    assert named in talking.visitor.get("/desk").text


def test_the_page_opens_with_the_call_just_ended(quiet: Home, records: sqlite3.Connection) -> None:
    """Of this position, within a quarter of an hour; else with none."""
    assert 'data-last-call="" data-last-caption=""' in quiet.visitor.get("/desk").text
    now = datetime.now(UTC)
    fresh = replace(a_call("fresh"), phone="op1", rang_at=now, ended_at=now)
    call_log.upsert_calls(records, [fresh], "boot")
    assert 'data-last-call="fresh" data-last-caption="' in quiet.visitor.get("/desk").text


def test_an_empty_note_and_records_that_fail_are_told(quiet: Home) -> None:
    """Nothing is asked of call control."""
    assert quiet.visitor.post("/desk/note", data={"note": " "}).status_code == 400
    quiet.visitor.app.state.store = StoreReader(quiet.visitor.app.state.settings.records / "not")
    assert quiet.visitor.post("/desk/note", data={"note": "x"}).status_code == 503
    assert "non si può leggere" in quiet.visitor.get("/desk/interrupted").text
    assert quiet.served.asked == []


# --- interrupted calls ----------------------------------------------------------------------------


@pytest.fixture
def broken(records: sqlite3.Connection) -> sqlite3.Connection:
    """Records with two interrupted calls, one of which is closed, and one that was not."""
    rang_at = datetime.now(UTC) - timedelta(hours=2)
    call = replace(a_call("cut"), rang_at=rang_at, result=Result.INTERRUPTED, message="")
    cut = replace(call, phone="op2", answered_at=rang_at, unit="anagrafe")
    call_log.upsert_calls(
        records, [cut, replace(call, call="rang", phone="", answered_at=None)], "b"
    )
    call_log.upsert_calls(records, [replace(call, call="closed", result=Result.INTERRUPTED)], "b")
    call_log.upsert_calls(records, [replace(call, call="gone", result=Result.GAVE_UP)], "b")
    entry = MessageEntry(rang_at, "anna", MessageStep.CLOSE, MessageOutcome.CALLED_BACK)
    voicemail.add_entry(records, voicemail.CaseKind.CALL, "closed", entry)
    return records


def test_interrupted_calls_are_listed_with_how_far_they_were(quiet: Home, broken: object) -> None:
    """E18: number, operator, time, stage; those closed, and those that only gave up, are not."""
    del broken
    text = quiet.visitor.get("/desk/interrupted").text
    assert text.count("<li") == 2
    assert "Parlava con op2 · trasferimento: anagrafe" in " ".join(text.split())
    assert "Non ancora risposta" in text
    assert 'value="cut"' in text
    assert 'value="closed"' not in text


def test_none_is_said_so(quiet: Home) -> None:
    """An empty list is a sentence."""
    assert "Non ne restano" in quiet.visitor.get("/desk/interrupted").text


def test_a_banner_counts_them(console_settings: ConsoleSettings) -> None:
    """It stands on every desk until the last one is dealt with."""
    home = Home(console_settings, up())
    home.served.status["care"]["interrupted"] = 2
    with home:
        assert "Chiamate interrotte: 2" in home.visitor.get("/desk").text


def test_an_interrupted_caller_is_called_back_and_the_case_closed(quiet: Home) -> None:
    """By the position's phone (E17); with what came of it."""
    quiet.visitor.post("/desk/call-back", data={"call": "cut"})
    assert quiet.question == {
        "ask": "CallBack", "position": "op1", "case": "call:cut", "by": "carla", "picks_up": True,
    }  # fmt: skip
    quiet.visitor.post("/desk/call-closed", data={"call": "cut", "outcome": "called_back"})
    assert (quiet.question["step"], quiet.question["outcome"]) == ("close", "called_back")
    wrong = {"call": "cut", "outcome": "exploded"}
    assert quiet.visitor.post("/desk/call-closed", data=wrong).status_code == 400


# --- who may --------------------------------------------------------------------------------------


def test_without_a_position_nothing_is_done(console_settings: ConsoleSettings) -> None:
    """Whose phone would it be?"""
    with Home(console_settings, office_switchboard(), people.ANNA) as home:
        for path in ("head", "note", "call-back"):
            fields = {"on": "1", "note": "x", "call": "cut"}
            assert home.visitor.post(f"/desk/{path}", data=fields).status_code == 400, path
        assert home.served.asked == []


@pytest.mark.parametrize("path", ["head", "note", "call-back", "call-closed"])
def test_it_is_for_who_sits_at_the_desk(console_settings: ConsoleSettings, path: str) -> None:
    """A technician reads no caller's number, and calls nobody."""
    with Home(console_settings, up(), people.BEPPE) as home:
        assert home.visitor.post(f"/desk/{path}", data={"call": "cut"}).status_code == 403
        assert home.visitor.get("/desk/interrupted").status_code == 403
