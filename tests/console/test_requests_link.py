"""The page behind the link in an office's mail (E15): a button closes one request, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.policy.mail import Mail
from appliance.policy.requests import RequestState, RequestStep
from appliance.store import requests
from appliance.store.requests import RequestMails, RequestToStore, StoredRequest, StoredStep
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.visitor import Visitor, without_token
from tests.store.test_requests import ASKED, a_letter

ENGLISH = {"accept-language": "en"}
TOKEN = "one-of-forty-three-characters-that-is-random"
WRONG = "This link is not valid"
SUBJECT = "Iscrizione AIRE, tel. 347 0000001"


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    del records
    with serve_calls(console_settings) as served:
        yield served


def take(records: sqlite3.Connection, days: int = 0) -> None:
    """Have a request taken over some days ago, whose mail has the link."""

    def write(kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
        return tuple(replace(mail, token=TOKEN) for mail in a_letter(kept, happened))

    at = datetime.now(UTC) - timedelta(days=days)
    new = replace(ASKED, at=at, subject=SUBJECT)
    requests.insert_request(records, RequestToStore("r1", new, at), RequestMails(write))


def state(records: sqlite3.Connection) -> RequestState:
    """Say how the request stands."""
    return requests.required_request(records, 1).request.state


def close(visitor: Visitor, said_by: str = "Elsa Viola", token: str = TOKEN) -> tuple[int, str]:
    """Press the button and follow where it leads; returns status and text."""
    answer = visitor.post(f"/done/{token}", data={"said_by": said_by}, headers=ENGLISH)
    if answer.status_code == 303:
        answer = visitor.get(answer.headers["location"], headers=ENGLISH)
    return answer.status_code, answer.text


def test_opening_it_shows_the_request_and_closes_nothing(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Number, office, subject, nothing of the citizen; a scanner may look as often as it likes."""
    take(records)
    for _ in range(20):
        answer = visitor.get(f"/done/{TOKEN}", headers=ENGLISH)
        assert answer.status_code == 200
    for said in ("Request 1", "anagrafe", "Iscrizione AIRE", "Who says so"):
        assert said in answer.text
    for hidden in ("Verdi", "0000001", "anna@example.org", "Chiede i tempi"):
        assert hidden not in answer.text
    assert state(records) is RequestState.OPEN


def test_the_button_closes_it_once(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Without a login, for whoever says so; the second time it says that it was used."""
    take(records)
    assert close(visitor, "  ")[0] == 409
    assert state(records) is RequestState.OPEN
    status, text = close(visitor)
    assert (status, "was closed by this link" in text) == (410, True)
    again = close(visitor, "Somebody else")
    # Only the mark differs by which the page's script leaves a refused form alone.
    said_again = without_token(again[1]).replace(" data-refused", "")
    assert (again[0], said_again) == (status, without_token(text))
    last = requests.required_request(records, 1).steps[-1]
    assert (state(records), last.said_by, last.by) == (
        RequestState.DONE,
        "Elsa Viola",
        "link e-mail",
    )


def test_its_page_tells_who_closed_it(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Call control reads who said so, and that it was by the link."""
    take(records)
    close(operator)
    text = operator.get("/requests/1", headers=ENGLISH).text
    assert "the link in the e-mail (Elsa Viola)" in text


def test_one_that_has_expired_or_was_closed_says_so(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """One sentence, with what to do; nothing can be pressed."""
    take(records, days=91)
    status, text = close(visitor)
    assert (status, "has expired: call the switchboard" in text) == (410, True)
    assert state(records) is RequestState.OPEN
    said = StoredStep("s1", RequestStep.CLOSE, datetime.now(UTC), "carla", "Elsa Viola")
    control.stores.records.ask(lambda c: requests.apply_step(c, 1, said))
    text = visitor.get(f"/done/{TOKEN}", headers=ENGLISH).text
    assert "was closed already" in text
    assert "said_by" not in text


def test_a_wrong_one_tells_nothing_and_has_to_wait(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Of whatever form, the same page; after five the address waits, for right ones too."""
    take(records)
    guesses = (TOKEN[:-1], "x", "a" * 43, "%00", "é")
    texts = [visitor.get(f"/done/{guess}", headers=ENGLISH) for guess in guesses]
    assert {answer.status_code for answer in texts} == {404}
    assert all(WRONG in answer.text for answer in texts)
    answer = visitor.get(f"/done/{TOKEN}", headers=ENGLISH)
    assert (answer.status_code, "Too many wrong links" in answer.text) == (429, True)
    assert close(visitor)[0] == 429
    assert state(records) is RequestState.OPEN


def test_without_call_control_nothing_is_closed(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """The page says so and may be sent again."""
    take(records)
    status, text = close(visitor)
    assert (status, "does not answer" in text, "said_by" in text) == (503, True, True)
    assert state(records) is RequestState.OPEN


def test_the_journal_never_holds_the_secret(
    console_settings: ConsoleSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a page fails (here: nothing can be read) its address is told without it."""
    with Visitor(console_settings, fails=True) as visitor:
        assert visitor.get(f"/done/{TOKEN}").status_code == 500
    assert "GET /done/… failed" in caplog.text
    assert TOKEN not in caplog.text


def test_it_reads_in_italian(visitor: Visitor, records: sqlite3.Connection) -> None:
    """As everything does for who asks for nothing else."""
    take(records)
    text = visitor.get(f"/done/{TOKEN}", headers={"accept-language": "it"}).text
    assert "Chi lo dice: il proprio nome" in text
