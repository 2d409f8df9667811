"""A request's e-mails on the console: what became of each; to keep as a file; sent again (E15)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from appliance.console.pages import requests as pages_requests
from appliance.console.settings import ConsoleSettings
from appliance.console.templates import plain_file_name
from appliance.policy.mail import MailState, QueuedMail
from appliance.store import outbox, requests
from tests.console import people
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.test_requests import ENGLISH, take
from tests.console.visitor import Visitor
from tests.helpers.paper import AT_ONCE

SANDBOX = "default-src 'none'; sandbox"


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    del records
    with serve_calls(console_settings) as served:
        yield served


def settle(records: sqlite3.Connection, number: int, state: MailState, said: str) -> None:
    """Let a try of an e-mail come to something."""
    at = datetime(2026, 11, 25, 9, 5, tzinfo=UTC)
    requests.settle_mail(records, state, QueuedMail(number, 2, 1000), said, at)


def first_mail(records: sqlite3.Connection, request: int) -> int:
    """Return the number of the e-mail to the office."""
    return outbox.mails_of_request(records, request)[0].number


@pytest.mark.parametrize(
    ("state", "said", "shown"),
    [
        (MailState.QUEUED, "451 mailbox full", ("waiting", "tried 2 times", "451 mailbox full")),
        (
            MailState.SENT,
            "mail.example: 250 OK",
            ("Wed 25 November, 10:05", "mail.example: 250 OK"),
        ),
        (MailState.DEAD, "550 no such office", ("NOT SENT", "550 no such office")),
    ],
)
def test_what_became_of_each_is_said(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    state: MailState,
    said: str,
    shown: tuple[str, ...],
) -> None:
    """Sent when and taken by which server; waiting since when; failed, and why."""
    number = take(records)
    mail = first_mail(records, number)
    settle(records, mail, state, said)
    for path in (f"/requests/{number}", f"/requests/{number}/mails/{mail}"):
        text = operator.get(path, headers=ENGLISH).text
        for each in (*shown, "anagrafe@comune.example"):
            assert each in text, path


def test_a_mail_that_left_is_told_without_the_servers_words(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E22: it left, and when; neither beside the e-mail nor in the history, nor in the inbox."""
    number = take(records)
    mail = first_mail(records, number)
    settle(records, mail, MailState.SENT, "127.0.14.1: 250 OK id=1")
    for path in ("/requests/{}", f"/requests/{{}}/mails/{mail}", "/inbox/request/{}"):
        text = operator.get(path.format(number), headers=ENGLISH).text
        assert "25 November, 10:05" in text
        shown = re.sub(r'title="[^"]*"', "", text)
        assert "250 OK" not in shown, path


def test_it_is_read_as_it_was_written(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Word by word, markup as text; of another request, or none, there is none."""
    number, other = take(records), take(records)
    mail = first_mail(records, number)
    body = "<b>Gentile</b> ufficio,\nhttps://centralino.local/done/" + "s" * 43 + "\nCiao"
    records.execute("UPDATE outbox SET body = ? WHERE number = ?", (body, mail))
    text = operator.get(f"/requests/{number}/mails/{mail}").text
    assert "&lt;b&gt;Gentile&lt;/b&gt; ufficio,\nhttps://centralino.local/done/…\nCiao" in text
    for wrong in (f"{other}/mails/{mail}", f"{number}/mails/999", f"{10**12}/mails/{mail}"):
        assert operator.get(f"/requests/{wrong}").status_code == 404
    records.execute("UPDATE outbox SET body = '' WHERE number = ?", (mail,))
    text = operator.get(f"/requests/{number}/mails/{mail}", headers=ENGLISH).text
    assert "The text of this e-mail was erased." in text
    assert "Send again" not in text


def test_it_is_kept_as_a_file(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """EML and PDF, which no browser shows; the request itself as a PDF."""
    monkeypatch.setattr(pages_requests, "PDF_COMMAND", AT_ONCE)
    number = take(records)
    mail = first_mail(records, number)
    eml = operator.get(f"/requests/{number}/mails/{mail}/as/eml")
    message: Any = message_from_bytes(eml.content, policy=default)
    assert message["To"] == "anagrafe@comune.example"
    pdf = operator.get(f"/requests/{number}/mails/{mail}/as/pdf")
    whole = operator.get(f"/requests/{number}/paper")
    for answer, kind, name in (
        (eml, "message/rfc822", f"request-{number}.eml"),
        (pdf, "application/pdf", f"request-{number}.pdf"),
        (whole, "application/pdf", f"request-{number}.pdf"),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["content-security-policy"] == SANDBOX
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert pdf.content.startswith(b"%PDF-")
    assert whole.content.startswith(b"%PDF-")
    assert operator.get(f"/requests/{number}/mails/{mail}/as/doc").status_code == 404


@pytest.mark.parametrize(
    ("command", "limit", "why"),
    [
        (("sh", "-c", "echo no font >&2; exit 3"), 20.0, "no font"),
        (("sleep", "60"), 0.1, "0 s"),
        (("/nowhere/python",), 20.0, "non c&#39;è nessun file"),
    ],
)
def test_a_pdf_that_cannot_be_written_is_one_sentence(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    limit: float,
    why: str,
) -> None:
    """On the request's own page, with what to do; its child is ended."""
    number = take(records)
    monkeypatch.setattr(pages_requests, "PDF_COMMAND", command)
    monkeypatch.setattr(pages_requests, "PDF_LIMIT_S", limit)
    answer = operator.get(f"/requests/{number}/paper")
    assert answer.status_code == 500
    assert f"Il PDF non si è potuto scrivere: {why}" in answer.text
    assert "avvisare il tecnico" in answer.text
    mail = first_mail(records, number)
    assert operator.get(f"/requests/{number}/mails/{mail}/as/eml").status_code == 200


def test_it_is_sent_again(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """One that was given up as a new one; who reads it there knows that it is on its way."""
    number = take(records)
    mail = first_mail(records, number)
    settle(records, mail, MailState.DEAD, "550 no such office")
    answer = operator.post(f"/requests/{number}/mails/{mail}/again")
    copy = outbox.mails_of_request(records, number)[-1]
    where = f"/requests/{number}/mails/{copy.number}?again=1"
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    text = operator.get(where, headers=ENGLISH).text
    assert "It leaves as soon as the mail server takes it." in text
    assert "Try now" in text


def test_while_call_control_is_away_it_is_read(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """A file cannot be made, nothing is sent: the page says so."""
    number = take(records)
    mail = first_mail(records, number)
    page = f"/requests/{number}/mails/{mail}"
    assert operator.get(page).status_code == 200
    for answer in (
        operator.get(f"{page}/as/eml"),
        operator.post(f"{page}/again"),
        operator.get(f"/requests/{number}/paper"),
    ):
        assert answer.status_code == 503
        assert "Il centralino non risponde" in answer.text


def test_they_are_not_for_an_office(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Whose own mailbox they went to; nor for a technician."""
    number = take(records)
    mail = first_mail(records, number)
    visitor.log_in(people.BEPPE)
    for path in (f"mails/{mail}", f"mails/{mail}/as/eml", "paper"):
        assert visitor.get(f"/requests/{number}/{path}").status_code == 403


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("request-7.eml", "request-7.eml"),
        ('a"\r\nset-cookie: x=1.eml', "a-set-cookie-x-1.eml"),
        ("../../etc/passwd", "etc-passwd"),
        ("è così.pdf", "e-cosi.pdf"),
        ("\u202egnp.exe", "gnp.exe"),
        ("…", "file"),
        ("x" * 300 + ".eml", "x" * 96 + ".eml"),
    ],
)
def test_a_files_name_ends_no_header(given: str, kept: str) -> None:
    """Letters, digits, hyphens and full stops; never a path, never hidden."""
    assert plain_file_name(given) == kept
