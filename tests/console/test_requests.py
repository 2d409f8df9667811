"""Requests on the console: what is open, due, late; each step with who said so (E9, E15)."""

from __future__ import annotations

import html
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.policy.requests import NewRequest, RequestState, RequestStep
from appliance.policy.users import Role, User
from appliance.store import requests, users
from appliance.store.requests import RequestSound, RequestToStore, StoredRequest
from appliance.store.users import ChangeRequester
from tests.console import people
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.visitor import Visitor
from tests.store.test_requests import ASKED, LETTERS, WANTED

ENGLISH = {"accept-language": "en"}
ELSA = User("elsa", "Elsa Viola", frozenset({Role.OFFICE}), unit="anagrafe")


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    users.add(records, ELSA, people.kept(), ChangeRequester("test", people.AT, shell=True))
    with serve_calls(console_settings) as served:
        yield served


def take(
    records: sqlite3.Connection, new: NewRequest = ASKED, days: int = 0, sound: str = ""
) -> int:
    """Have a request taken over some days ago; returns its number."""
    at = datetime.now(UTC) - timedelta(days=days)
    ident = f"r{datetime.now(UTC).timestamp()}"
    taking = RequestToStore(ident, replace(new, at=at, by="carla"), at, RequestSound(sound))
    return requests.insert_request(records, taking, LETTERS).number


def kept(records: sqlite3.Connection, number: int) -> StoredRequest:
    """Return a request as it stands."""
    return requests.required_request(records, number)


def test_the_list_says_how_far_each_is(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Office, citizen, subject, state, day; one that is late says so, and has its own list."""
    fresh, late = take(records), take(records, replace(ASKED, unit="tributi"), days=30)
    text = operator.get("/requests", headers=ENGLISH).text
    for each in ("Anna Niccolò Verdi", "Iscrizione AIRE", "its mail has not left", "tributi"):
        assert each in text
    assert text.count("overdue</span>") == 1
    overdue = operator.get("/requests?list=late", headers=ENGLISH).text
    assert f"/requests/{late}" in overdue
    assert f'"/requests/{fresh}"' not in overdue
    assert "no request here" in operator.get("/requests?list=done", headers=ENGLISH).text


def test_of_one_office_or_one_citizen(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """By its code; by a number or a part of the name (E9)."""
    mine, other = take(records), take(records, replace(ASKED, unit="tributi"))
    for query in ("unit=tributi", "unit=tributi&citizen=verdi"):
        text = operator.get(f"/requests?list=x&{query}").text
        assert f'"/requests/{other}"' in text
        assert f'"/requests/{mine}"' not in text
    assert f'"/requests/{mine}"' in operator.get("/requests?citizen=3470000001").text


def test_while_call_control_is_away_the_list_is_there(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Without days: they are of the house's calendar, which call control knows."""
    number = take(records, WANTED)
    assert "Anna Niccolò Verdi" in operator.get("/requests").text
    assert operator.get(f"/requests/{number}").status_code == 200


def test_one_goes_its_way(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E9, E15: reminded, taken by somebody, done as somebody said; all of it stays to be read."""
    number = take(records)
    for step, data in (
        ("remind", {"words": "aspetta da ieri"}),
        ("take", {"said_by": "Elsa"}),
        ("close", {"said_by": "Elsa", "words": "certificato inviato"}),
    ):
        assert operator.post(f"/requests/{number}/{step}", data=data).status_code == 303, step
    done = kept(records, number)
    assert done.request.state is RequestState.DONE
    assert [(one.step, one.by) for one in done.steps] == [
        (RequestStep.REMIND, "carla"), (RequestStep.TAKE, "carla"), (RequestStep.CLOSE, "carla"),
    ]  # fmt: skip
    text = operator.get(f"/requests/{number}", headers=ENGLISH).text
    for each in ("aspetta da ieri", "certificato inviato", "Carla Blu", "(Elsa)", "It has ended"):
        assert each in text


@pytest.mark.parametrize(
    ("step", "data", "status", "said"),
    [
        ("close", {}, 409, "who said that it was done?"),
        ("remind", {}, 409, "what did the citizen say?"),
        ("mailed", {}, 409, "cannot be asked"),
        ("move", {"starts": "soon"}, 400, "When? Choose a day and a time."),
    ],
)
def test_what_is_missing_is_said(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    step: str,
    data: dict[str, str],
    status: int,
    said: str,
) -> None:
    """On the request's own page; nothing is done."""
    number = take(records)
    answer = operator.post(f"/requests/{number}/{step}", data=data, headers=ENGLISH)
    assert answer.status_code == status
    assert said in answer.text
    assert kept(records, number).steps == ()


def test_what_has_ended_is_said_in_the_readers_language(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Two people close one request: the second reads why nothing was done."""
    number = take(records)
    for _ in range(2):
        answer = operator.post(f"/requests/{number}/close", data={"said_by": "Elsa"})
    assert "La richiesta è conclusa" in answer.text


@pytest.mark.parametrize(("end", "said"), [("close", "l'ha chiusa"), ("cancel", "l'ha annullata")])
def test_who_comes_second_reads_who_was_first_and_loses_no_word(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub, end: str, said: str
) -> None:
    """Two have the same request open, each with a long note."""
    number = take(records)
    visitor.log_in(people.CARLA)
    visitor.post(f"/requests/{number}/{end}", data={"said_by": "Elsa", "words": "inviato"})
    visitor.log_in(people.DINO)
    late = {"said_by": "Elsa Viola", "words": "ritirato allo sportello, con delega"}
    answer = visitor.post(f"/requests/{number}/close", data=late)
    text = html.unescape(answer.text)
    at = kept(records, number).steps[-1].at.astimezone(visitor.app.state.zone)
    assert answer.status_code == 409
    assert f"{said} Carla Blu, " in text
    assert f", {at:%H:%M}. Ciò che è stato scritto qui non è stato salvato" in text
    assert f"readonly>{late['words']}</textarea>" in text
    assert f"Chi lo ha detto: {late['said_by']}" in text


def test_an_appointment_is_moved_and_given_up(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """To a time of the house's own clock; with the office's word, or to be confirmed."""
    number = take(records, WANTED)
    moved = operator.post(f"/requests/{number}/move", data={"starts": "2027-01-11T15:20"})
    assert moved.status_code == 303
    assert "(to be confirmed)" in operator.get(f"/requests/{number}", headers=ENGLISH).text
    agreed = {"starts": "2027-01-12T15:20:00+01:00", "agreed": "1"}
    operator.post(f"/requests/{number}/move", data=agreed)
    text = operator.get(f"/requests/{number}", headers=ENGLISH).text
    assert "Tue 12 January, 15:20" in text
    assert "to be confirmed" not in text
    operator.post(f"/requests/{number}/cancel", data={"said_by": "Anna"})
    assert kept(records, number).request.state is RequestState.DONE


def test_somebody_of_an_office_sees_that_offices_own(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E15: they say that they have it, or that it is done, in their own name; no more."""
    own, other = take(records), take(records, replace(ASKED, unit="tributi"))
    visitor.log_in(ELSA)
    text = visitor.get("/requests?unit=tributi").text
    assert f'"/requests/{own}"' in text
    assert f'"/requests/{other}"' not in text
    assert visitor.get(f"/requests/{other}").status_code == 404
    assert visitor.post(f"/requests/{other}/close").status_code == 404
    assert visitor.post(f"/requests/{own}/cancel", data={"said_by": "x"}).status_code == 403
    assert visitor.post(f"/requests/{own}/close").status_code == 303
    closing = kept(records, own).request.closing
    assert closing is not None
    assert (closing.by, closing.said_by) == ("elsa", "Elsa Viola")


def test_who_has_nothing_to_do_with_them_sees_none(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """The technician, and somebody of no office."""
    number = take(records)
    users.change(records, "elsa", {"unit": ""}, ChangeRequester("x", people.AT, shell=True))
    for user in (people.BEPPE, replace(ELSA, unit="")):
        visitor.log_in(user)
        for path in ("/requests", f"/requests/{number}", f"/requests/{number}/sound"):
            assert visitor.get(path).status_code == 403
        assert visitor.post(f"/requests/{number}/take").status_code == 403


def test_the_callers_own_words_are_heard(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    console_settings: ConsoleSettings,
) -> None:
    """A recording below the state folder, and nothing else."""
    path = console_settings.records.parent / "words.wav"
    path.write_bytes(b"RIFF")
    number = take(records, sound="words.wav")
    assert f"/requests/{number}/sound" in operator.get(f"/requests/{number}").text
    assert operator.get(f"/requests/{number}/sound").content == b"RIFF"
    for wrong in ("", "../../etc/passwd"):
        assert operator.get(f"/requests/{take(records, sound=wrong)}/sound").status_code == 404


def test_a_number_that_nobody_has(operator: Visitor, control: CallsStub) -> None:
    """Is said to be none."""
    for number in ("99", "9" * 40):
        assert operator.get(f"/requests/{number}").status_code == 404


@pytest.mark.parametrize(
    ("step", "data"),
    [
        ("remind", {"words": "aspetta da ieri"}),
        ("take", {"said_by": "Elsa", "words": "richiama lei"}),
        ("close", {"said_by": "Elsa", "words": "certificato inviato"}),
        ("cancel", {"said_by": "Anna", "words": "ha risolto"}),
        ("move", {"starts": "2027-01-11T15:20"}),
    ],
)
def test_a_step_while_call_control_is_away_comes_back_with_its_words(
    operator: Visitor, records: sqlite3.Connection, step: str, data: dict[str, str]
) -> None:
    """E18: in its own form, open, and one sentence says that it was not saved."""
    number = take(records, WANTED)
    answer = operator.post(f"/requests/{number}/{step}", data=data, headers=ENGLISH)
    assert answer.status_code == 503
    assert "Not saved. The switchboard does not answer" in answer.text
    for each in data.values():
        assert answer.text.count(f'value="{each}"') == 1
    assert answer.text.count('<details class="block" open>') == 1
