"""What waits for the mail server: seen, tried again, given up for a reason; and a test of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.api import requests
from appliance.api.requests import MailTestCommands, RequestCommands
from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import Now
from appliance.policy.mail import TO_HEAD, Mail, MailState, QueuedMail
from appliance.service.stores import Stores
from appliance.store import database, outbox
from appliance.store import requests as store_requests
from tests.console import people
from tests.console.call_control_users import serving
from tests.console.visitor import Visitor

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
REQUEST = Mail("request-7-new", "anagrafe@example.it", "Ada Rossi", "secret words", request=7)


@dataclass
class Post:
    """A technician before call control's outbox; `woken` counts what was queued."""

    visitor: Visitor
    records: sqlite3.Connection
    woken: list[bool]

    def text(self, path: str = "/plant/mail") -> str:
        """Return a page as it is read in Italian."""
        return self.visitor.get(path, headers={"accept-language": "it"}).text

    def test(self, to: str = "tecnico@example.it") -> Any:
        """Ask for a test mail."""
        return self.visitor.post("/plant/mail/test", data={"to": to})

    def settle(self, number: int, state: MailState, said: str) -> None:
        """Let a try have come to something."""
        store_requests.settle_mail(self.records, state, QueuedMail(number, 1, 0), said, AT)


@pytest.fixture
def post(
    console_settings: ConsoleSettings, records: sqlite3.Connection, visitor: Visitor
) -> Iterator[Post]:
    """Beppe the technician has logged in; two notices wait."""
    stores = Stores(console_settings.records.parent, "b", lambda _: None, lambda *_: None)
    woken: list[bool] = []
    mailroom: Any = SimpleNamespace(wake=woken.append)
    now = lambda: Now(0.0, AT)  # noqa: E731 - said twice
    requests = RequestCommands(stores.records, mailroom, lambda: AT)
    known = {**requests.known, **MailTestCommands(stores, now).known}
    for mail in (REQUEST, Mail("care-1", TO_HEAD, "Avviso", "secret words")):
        outbox.queue_mail(records, mail, AT)
    stores.start()
    visitor.log_in(people.BEPPE)
    with serving(console_settings.control_socket, known):
        yield Post(visitor, records, woken)
    stores.stop(lambda: None)


def test_the_queue_is_the_technicians_alone(post: Post) -> None:
    """Neither to look, nor to change."""
    for user in (people.ANNA, people.CARLA, people.DINO):
        post.visitor.log_in(user)
        assert post.visitor.get("/plant/mail").status_code == 403
        for path in ("test", "1/retry", "1/drop"):
            assert post.visitor.post(f"/plant/mail/{path}").status_code == 403
    assert all(kept.state is MailState.QUEUED for kept in outbox.list_mails(post.records))


def test_what_waits_is_shown_without_its_words(post: Post) -> None:
    """Since when, to whom, for which request, the server's last answer; not what citizens asked."""
    post.settle(1, MailState.DEAD, "550 no such <user>")
    text = post.text()
    assert text.index('id="mail-2"') < text.index('id="mail-1"')
    for part in ("anagrafe@example.it", "richiesta 7", "NON PARTITA", "550 no such &lt;user&gt;",
                 "il responsabile", "gio 26 novembre, 10:00"):  # fmt: skip
        assert part in text, part
    assert "secret words" not in text
    assert "Ada Rossi" not in text


def test_what_left_is_shown_when_asked_for(post: Post) -> None:
    """By itself the page shows what somebody may have to see to."""
    post.settle(1, MailState.SENT, "250 OK")
    post.settle(2, MailState.SENT, "250 OK")
    assert "Nessuna e-mail in attesa." in post.text()
    text = post.text("/plant/mail?all=1")
    assert "accettata dal server di posta" in text
    assert "Rinuncia all" not in text


def test_a_mail_is_given_up_for_a_reason(post: Post) -> None:
    """Who gave it up and why stays with it; without a reason nothing is done."""
    refused = post.visitor.post("/plant/mail/1/drop", data={"reason": " "})
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert post.visitor.post("/plant/mail/1/drop", data={"reason": "told"}).status_code == 303
    kept = outbox.required_mail(post.records, 1)
    assert (kept.state, kept.settled_by, kept.reason) == (MailState.DROPPED, "beppe", "told")
    assert "beppe: told" in post.text("/plant/mail?all=1")


def test_a_mail_that_was_given_up_is_tried_again(post: Post) -> None:
    """At once: the mail thread is woken in a hurry."""
    post.settle(1, MailState.DEAD, "550 no")
    assert post.visitor.post("/plant/mail/1/retry").status_code == 303
    assert outbox.required_mail(post.records, 1).state is MailState.QUEUED
    assert post.woken == [True]
    assert post.visitor.post("/plant/mail/99/retry").status_code == 409


def test_a_test_goes_through_the_outbox_and_tells_what_became_of_it(post: Post) -> None:
    """The page asks again while it waits, and shows the server's answer once it has come."""
    answer = post.test()
    assert answer.headers["location"] == "/plant/mail?test=3"
    kept = outbox.required_mail(post.records, 3)
    assert kept.mail.to == "tecnico@example.it"
    assert "beppe" in kept.mail.body
    page = post.text("/plant/mail?test=3")
    assert 'hx-get="/plant/mail/test/3"' in page
    assert 'id="mail-3"' not in page  # it would be told twice, and the list is not live
    post.settle(3, MailState.SENT, "250 OK id=1x")
    settled = post.text("/plant/mail/test/3")
    assert "250 OK id=1x" in settled
    assert "hx-get" not in settled
    assert database.latest(post.records, "mail.")[0].by == "beppe"


@pytest.mark.parametrize("to", ["", "nobody", "a@b\nc: d", "a@example.it, b@example.it"])
def test_a_test_goes_to_one_plain_address(post: Post, to: str) -> None:
    """Nothing is queued for anything else, and the page says so."""
    answer = post.test(to)
    assert answer.status_code == 409
    assert "non è un indirizzo e-mail" in answer.text
    assert len(outbox.list_mails(post.records)) == 2


def test_tests_are_few(post: Post) -> None:
    """A technician's session in wrong hands floods nobody."""
    assert [post.test().status_code for _ in range(requests.MOST_MAILS)] == [303] * 5
    answer = post.test()
    assert answer.status_code == 409
    assert "bastano" in answer.text


def test_call_control_looks_at_who_asks(post: Post) -> None:
    """Somebody who may open no technician's page gets no test, whatever the console believes."""
    control = post.visitor.app.state.control
    question = {"ask": "mail_test", "to": "a@example.it", "by": "carla"}
    answer = post.visitor._runner.run(control.ask(question))
    assert answer["done"] is False
    assert "Tecnico" in answer["said"]["it"]


@pytest.mark.parametrize("number", ["1", "99", "x", "²", "9" * 30])
def test_only_a_test_is_shown_as_one(post: Post, number: str) -> None:
    """Another mail's answer, or none, is not told by that address."""
    assert 'class="tested"' not in post.text(f"/plant/mail?test={number}")
    assert post.visitor.get(f"/plant/mail/test/{number}").status_code == 404
