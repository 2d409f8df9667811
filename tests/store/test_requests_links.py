"""Links that close a request (E15): once, for ninety days, gone with it; kept as a hash alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.policy import requests
from appliance.policy.mail import Mail, MailState, QueuedMail
from appliance.policy.requests import DoneLinkState, RequestState, RequestStep
from appliance.policy.text import Refused
from appliance.store import database, outbox, privacy
from appliance.store import requests as store_requests
from appliance.store.database import Noted, open_database
from appliance.store.privacy import Chosen, Ordered, PersonalData
from appliance.store.requests import RequestMails, RequestToStore, StoredRequest, StoredStep
from appliance.store.retention import erase_requests
from tests.store.test_requests import ASKED, AT, a_letter, step

LATER = AT + timedelta(days=1)
YEARS = AT + timedelta(days=1100)


def with_link(kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
    """Write one letter a step, with a link of its own."""
    token = f"{'secret' * 7}{len(kept.steps)}"
    return tuple(
        replace(mail, body=f"https://box/done/{token}\n", token=token)
        for mail in a_letter(kept, happened)
    )


FIRST, SECOND = f"{'secret' * 7}0", f"{'secret' * 7}1"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with a request that has been reminded of: two links."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    letters = RequestMails(with_link)
    store_requests.insert_request(connection, RequestToStore("r1", ASKED, AT), letters)
    store_requests.apply_step(
        connection, 1, step("s1", RequestStep.REMIND, words="Aspetta"), letters
    )
    yield connection
    connection.close()


def how(db: sqlite3.Connection, token: str) -> DoneLinkState:
    """Say how a link stands a day later."""
    return store_requests.look_up_link(db, token, LATER).state


def links(db: sqlite3.Connection) -> int:
    """Count the links that are kept."""
    return int(db.execute("SELECT count(*) FROM request_links").fetchone()[0])


def test_it_closes_its_request_and_tells_who_said_so(db: sqlite3.Connection) -> None:
    """One step, who said so in it; audited by the request's number alone."""
    assert how(db, FIRST) is DoneLinkState.OPEN
    assert store_requests.close_by_link(db, FIRST, "Rossi", LATER) == 1
    kept = store_requests.required_request(db, 1)
    assert kept.request.state is RequestState.DONE
    last = kept.steps[-1]
    assert (last.step, last.by, last.said_by) == (RequestStep.CLOSE, "link e-mail", "Rossi")
    assert database.latest(db) == (Noted(LATER, "link e-mail", "request.link", "1"),)


def test_twice_is_refused_and_changes_nothing(db: sqlite3.Connection) -> None:
    """By the same link, or by the reminder's; each says why."""
    store_requests.close_by_link(db, FIRST, "Rossi", LATER)
    before = store_requests.required_request(db, 1)
    for token, how_it_stands in ((FIRST, DoneLinkState.USED), (SECOND, DoneLinkState.CLOSED)):
        assert how(db, token) is how_it_stands
        with pytest.raises(Refused) as refused:
            store_requests.close_by_link(db, token, "Bianchi", LATER)
        assert refused.value.words == requests.DONE_LINK_WORDS[how_it_stands]
    assert store_requests.required_request(db, 1) == before
    assert len(database.latest(db)) == 1


def test_one_that_is_guessed_or_expired_closes_nothing(db: sqlite3.Connection) -> None:
    """The hash itself is no link either."""
    guessed = ("", "x", FIRST[:-1], requests.done_link_hash(FIRST), "' OR 1=1 --")
    assert {how(db, token) for token in guessed} == {DoneLinkState.UNKNOWN}
    with pytest.raises(Refused, match="not valid"):
        store_requests.close_by_link(db, guessed[-1], "Rossi", LATER)
    with pytest.raises(Refused, match="expired"):
        store_requests.close_by_link(db, FIRST, "Rossi", AT + requests.DONE_LINK_VALID)
    assert store_requests.required_request(db, 1).request.state is RequestState.OPEN


def test_it_goes_with_its_request(db: sqlite3.Connection) -> None:
    """By age; a link of what is gone is as good as a wrong one."""
    store_requests.close_by_link(db, FIRST, "Rossi", LATER)
    erase_requests(db, (1,), 1095, YEARS)
    assert how(db, FIRST) is DoneLinkState.UNKNOWN
    assert links(db) == 0


def test_it_goes_with_what_the_head_erases(db: sqlite3.Connection) -> None:
    """E20: whole."""
    found = PersonalData(requests=(1,), open_requests=(1,), mails=(1, 2))
    ordered = Ordered("carla", "chiesto dall'interessato", LATER, close_requests=True)
    privacy.erase(db, found, Chosen(), ordered)
    assert how(db, FIRST) is DoneLinkState.UNKNOWN
    assert links(db) == 0


def test_the_secret_stands_in_the_waiting_mail_alone(db: sqlite3.Connection) -> None:
    """Every try sends it; once it has left it stands nowhere in the records."""
    store_requests.settle_mail(db, MailState.QUEUED, QueuedMail(1, 1), "451 busy", LATER)
    assert FIRST in outbox.load_letter(db, 1).mail.body
    rest = "\n".join(db.iterdump()).replace(outbox.load_letter(db, 1).mail.body, "")
    assert FIRST not in rest
    store_requests.settle_mail(db, MailState.SENT, QueuedMail(1, 2), "250 OK", LATER)
    assert FIRST not in "\n".join(db.iterdump())
    assert outbox.required_mail(db, 1).mail.body == "https://box/done/…\n"
    assert how(db, FIRST) is DoneLinkState.OPEN


def test_links_are_only_ever_added(db: sqlite3.Connection) -> None:
    """Nobody turns a link to another request; the programme of before may erase the request."""
    with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        db.execute("UPDATE request_links SET request = 2")
    db.execute("DELETE FROM request_steps WHERE request = 1")
    db.execute("DELETE FROM requests WHERE number = 1")
    assert links(db) == 0
