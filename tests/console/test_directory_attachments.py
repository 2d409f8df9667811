"""The office's e-mail beside what it declared: given in the forms, fetched by the head (P4)."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.console.pages import directory
from appliance.console.settings import ConsoleSettings
from appliance.store import database
from appliance.store.directory import ATTACHMENT_LIMIT
from tests.console import people
from tests.console.call_control_directory import CallControlStub, serve_directory
from tests.console.test_directory import FIELD, UNIT
from tests.console.visitor import Visitor
from tests.policy.test_directory_changes_attachments import MAIL

ENGLISH = {"accept-language": "en"}
LINK = re.compile(rf'href="({UNIT}/attached/\d+)"')
VARIED = {"unit": "anagrafe", "kind": "closed", "reference": "Rossi, 8:05"}
FILE = {"email": ("Orari di novembre.eml", MAIL, "message/rfc822")}


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


def fields_of(page: Any) -> dict[str, str]:
    """Return a form's fields as a browser would send them."""
    return {name: html.unescape(value) for name, value in FIELD.findall(page.text)}


def preview(head: Visitor) -> dict[str, Any]:
    """Fill the declaration's form in as it is and see what changes; returns the page's fields."""
    form = fields_of(head.get(f"{UNIT}/declare"))
    form |= {"rules": "email", "reference": "Protocollo 9", "declared_by": "Rossi"}
    form |= {f"needs.{n}.numbers.{m}.reach": "pbx" for n in (1, 2, 3) for m in (1, 2)}
    form["needs.3.numbers.1.reach"] = "outside"
    for name in [each for each in form if each.endswith("gone")]:
        del form[name]
    del form["withdraw"]
    page = head.post(f"{UNIT}/declare", data=form | {"do": "preview"}, headers=ENGLISH)
    assert page.status_code == 200, page.text
    assert 'type="file"' in page.text
    return fields_of(page)


def test_a_declarations_email_is_kept_and_fetched(
    head: Visitor, records: sqlite3.Connection
) -> None:
    """Given where it is saved; in the history; a file that no browser shows; audited."""
    fields = preview(head)
    saved = head.post(f"{UNIT}/declare", data=fields | {"do": "save"}, files=FILE)
    assert saved.status_code == 303, saved.text
    links = LINK.findall(head.get(UNIT).text)
    assert len(set(links)) == 1
    answer = head.get(links[0])
    assert (answer.status_code, answer.content) == (200, MAIL)
    assert answer.headers["content-type"] == "message/rfc822"
    disposition = r'attachment; filename="Orari-di-novembre-[0-9a-f]{8}\.eml"'
    assert re.fullmatch(disposition, answer.headers["content-disposition"])
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [each.by for each in database.latest(records, "register.attachment")] == ["anna"]


def test_an_email_is_read_on_the_page(head: Visitor, records: sqlite3.Connection) -> None:
    """Who wrote, when, what; markup is text, nothing of it is run; audited each time."""
    letter = EmailMessage()
    letter["From"], letter["To"] = "Elsa <elsa@b.it>", "centralino@b.it"
    letter["Date"], letter["Subject"] = "Wed, 25 Nov 2026 08:05:00 +0100", "Orari <b>nuovi</b>"
    letter.set_content("Oggi <script>alert(1)</script> solo 11–12")
    letter.add_attachment(b"x", maintype="application", subtype="pdf", filename="firmato.pdf")
    file = {"email": ("a.eml", letter.as_bytes(), "message/rfc822")}
    assert head.post("/register/vary", data=VARIED, files=file).status_code == 303
    link = LINK.findall(head.get(UNIT).text)[0]
    text = head.get(f"{link}/read").text
    for each in ("Elsa &lt;elsa@b.it&gt;", "&lt;b&gt;nuovi&lt;/b&gt;", "firmato.pdf", "08:05:00",
                 "Oggi &lt;script&gt;alert(1)&lt;/script&gt; solo 11–12"):  # fmt: skip
        assert each in text
    assert len(database.latest(records, "register.attachment")) == 1


def test_a_letter_of_markup_is_for_the_mail_programme(head: Visitor) -> None:
    """The page says so, and gives the file; a PDF has no such page."""
    markup = MAIL.replace(b"\r\n\r\nCiao", b"\r\nContent-Type: text/html\r\n\r\n<p>Ciao</p>")
    for name, data, said in (
        ("a.eml", markup, "It has no plain text"),
        ("a.pdf", b"%PDF-1.4", None),
    ):
        file = {"email": (name, data, "message/rfc822")}
        before = set(LINK.findall(head.get(UNIT).text))
        assert head.post("/register/vary", data=VARIED, files=file).status_code == 303
        (link,) = set(LINK.findall(head.get(UNIT).text)) - before
        page = head.get(f"{link}/read", headers=ENGLISH)
        assert page.status_code == (200 if said else 404)
        assert (said or "no such page") in page.text


@given(st.binary(max_size=400), st.booleans())
def test_whatever_is_attached_is_read_or_left_out(data: bytes, is_letter: bool) -> None:
    """Whoever makes a letter that nobody sends breaks no page."""
    shown = directory.parse_email(MAIL[:-8] + b"\r\n" + data if is_letter else data)
    assert len(shown.text) <= directory.LONGEST_EMAIL


@pytest.mark.parametrize(
    "data",
    [
        b"From: =?x?\r\nContent-Type: text/plain; charset=nowhere\r\n\r\nCiao",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 3000,
        b"From: " + b"(" * 9000 + b"\r\n\r\nCiao",
        b"Content-Transfer-Encoding: base64\r\n\r\n=====",
        b"Content-Type: multipart/mixed\r\n\r\nCiao",
        b"Content-Disposition: attachment; filename*=x'y'%\r\nContent-Type: a\r\n\r\n",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                 for n in range(2000)),
    ],
)  # fmt: skip
def test_a_made_up_letter_breaks_no_page(data: bytes) -> None:
    """Unknown letters, nests without end, addresses of brackets."""
    assert len(directory.parse_email(data).text) <= directory.LONGEST_EMAIL


def test_a_long_email_goes_and_comes_whole(head: Visitor, control: CallControlStub) -> None:
    """Through the control socket, whose lines are shorter by far."""
    data = MAIL + bytes(range(256)) * 1200
    file = {"email": ("a.eml", data, "message/rfc822")}
    assert head.post("/register/vary", data=VARIED, files=file).status_code == 303
    assert head.get(LINK.findall(head.get(UNIT).text)[0]).content == data


def test_a_file_that_is_not_taken_costs_no_typing(head: Visitor) -> None:
    """What would change is shown again, with what is wrong at the file; saved without, it holds."""
    fields = preview(head)
    wrong = {"email": ("a.eml", b"<html><script>alert(1)</script>", "message/rfc822")}
    page = head.post(f"{UNIT}/declare", data=fields | {"do": "save"}, files=wrong, headers=ENGLISH)
    assert page.status_code == 422
    assert "save it as EML" in page.text
    assert 'href="#email"' in page.text
    again = fields_of(page)
    assert again | {"csrf": ""} == fields | {"csrf": ""}
    empty = {"email": ("", b"", "application/octet-stream")}
    saved = head.post(f"{UNIT}/declare", data=again | {"do": "save"}, files=empty)
    assert saved.status_code == 303
    assert LINK.findall(head.get(UNIT).text) == []


def test_a_variations_email_goes_with_it(head: Visitor, control: CallControlStub) -> None:
    """E12: the deputy's too; operators read that there is one."""
    head.log_in(people.VITO)
    assert head.post("/register/vary", data=VARIED, files=FILE).status_code == 303
    assert control.directory.variations[-1].entry.attachment.endswith(".eml")
    said = head.get(UNIT, headers=ENGLISH).text
    assert "E-mail attached" in said
    assert LINK.findall(said) == []


def test_an_authorisations_email_goes_with_it(head: Visitor, control: CallControlStub) -> None:
    """P7: the written leave itself."""
    form = {"declared": "urgenze/1", "number": "", "authorised_by": "Rossi", "reference": "Prot. 3"}
    pdf = {"email": ("leave.txt", b"%PDF-1.4 ...", "text/plain")}
    assert head.post(f"{UNIT}/authorise", data=form, files=pdf).status_code == 303
    assert control.directory.authorisations[-1].entry.attachment.endswith(".pdf")
    answer = head.get(LINK.findall(head.get(UNIT).text)[0])
    assert answer.headers["content-type"] == "application/pdf"


def test_a_long_file_is_refused(head: Visitor, control: CallControlStub) -> None:
    """An archive is no e-mail; nothing is entered."""
    long = {"email": ("a.eml", MAIL + b"x" * ATTACHMENT_LIMIT, "message/rfc822")}
    page = head.post("/register/vary", data=VARIED, files=long, headers=ENGLISH)
    assert page.status_code == 413
    assert "5 MB at most" in page.text
    assert control.directory.variations == ()


@pytest.mark.parametrize("path", [f"{UNIT}/attached/1", f"{UNIT}/attached/99",
                                  "/register/office/statocivile/attached/1"])  # fmt: skip
def test_where_there_is_none_there_is_no_page(head: Visitor, path: str) -> None:
    """Neither for an entry without one, nor for another office's."""
    assert head.get(path).status_code == 404


def test_while_call_control_is_away_it_is_said(
    visitor: Visitor, records: sqlite3.Connection, console_settings: ConsoleSettings
) -> None:
    """Neither sent nor fetched."""
    with serve_directory(console_settings):
        visitor.log_in(people.ANNA)
        visitor.post("/register/vary", data=VARIED, files=FILE)
        link = LINK.findall(visitor.get(UNIT).text)[0]
    page = visitor.post("/register/vary", data=VARIED, files=FILE)
    assert (page.status_code, "Il centralino non risponde" in page.text) == (503, True)
    assert visitor.get(link).status_code == 503
