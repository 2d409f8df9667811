"""A notice as an e-mail: whatever is in it, the headers are ours and the text arrives."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import mail as appliance_mail
from appliance.errors import OfficeError
from appliance.mail import NOT_ATTACHED, address_in, compose, is_address
from appliance.policy.mail import Mail, OutgoingMail

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SENDER = "Centralino di Città <centralino@comune.example>"
TO = "anagrafe@comune.example"
NOTICE = OutgoingMail(Mail("k1", TO, "Oggetto", "Testo"), "<k1.ab@comune.example>", (), AT)
OURS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
    "Content-Transfer-Encoding", "MIME-Version",
]  # fmt: skip


def read_back(
    letter: OutgoingMail, folder: Path = Path("/nowhere"), sender: str = SENDER
) -> EmailMessage:
    """Write a letter and read it as the office's mail programme does."""
    data = compose(letter, sender, letter.mail.to, folder).as_bytes()
    assert max(map(len, data.split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1
    data.decode("ascii")  # no server need know 8BITMIME
    return message_from_bytes(data, _class=EmailMessage, policy=default)


def text_of(mail: EmailMessage) -> str:
    """Return the text that people read."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@given(subject=st.text(max_size=300), body=st.text(max_size=2000), name=st.text(max_size=60))
def test_nothing_that_comes_in_makes_a_header_or_ends_the_mail(
    subject: str, body: str, name: str
) -> None:
    """Injection is impossible: one of each header, no other, and the text as it was."""
    quoted = " ".join(re.sub(r'[\\"<>]', "", appliance_mail._text(name)).split())
    sender = f'"{quoted}" <centralino@comune.example>'
    letter = replace(NOTICE, mail=replace(NOTICE.mail, subject=subject, body=body))
    mail = read_back(letter, sender=sender)
    assert sorted(mail.keys()) == sorted(OURS)
    assert mail["To"] == TO
    assert mail["From"].addresses[0].addr_spec == "centralino@comune.example"
    kept = appliance_mail._text(body)
    assert text_of(mail).rstrip("\n") == kept.rstrip("\n")


@pytest.mark.parametrize(
    "subject", ["A\r\nBcc: x@y.example", "A\n\nTesto", "A\rTo: x@y.example", "A\u2028B", "A" * 2000]
)
def test_known_ways_of_injecting(subject: str) -> None:
    """The attacks that everybody tries stay words of the subject."""
    mail = read_back(replace(NOTICE, mail=replace(NOTICE.mail, subject=subject)))
    assert sorted(mail.keys()) == sorted(OURS)
    assert mail["Bcc"] is None


def test_a_thread_is_named(tmp_path: Path) -> None:
    """E9: In-Reply-To is the last, References the first and the latest ones."""
    ids = tuple(f"<k{n}@comune.example>" for n in range(40))
    mail = read_back(replace(NOTICE, references=ids))
    assert mail["In-Reply-To"] == ids[-1]
    assert mail["References"].split() == [ids[0], *ids[-20:]]


def test_the_callers_words_go_with_it(tmp_path: Path) -> None:
    """The WAV arrives byte for byte under a name of its own."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "abc.wav").write_bytes(b"RIFF" + bytes(range(256)))
    mail = read_back(
        replace(NOTICE, mail=replace(NOTICE.mail, attachments=("new/abc.wav",))), tmp_path
    )
    (sound,) = mail.iter_attachments()
    assert isinstance(sound, EmailMessage)
    assert sound.get_content() == b"RIFF" + bytes(range(256))
    assert (sound.get_content_type(), sound.get_filename()) == (
        "audio/wav",
        "registrazione-abc.wav",
    )


@pytest.mark.parametrize("name", ["new/missing.wav", "../secret", "long.wav"])
def test_what_cannot_be_attached_is_said(tmp_path: Path, name: str) -> None:
    """Gone, too long, or not the box's to send: the mail leaves all the same and says so."""
    folder = tmp_path / "state"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    with (folder / "long.wav").open("wb") as file:
        file.truncate(appliance_mail.ATTACHMENT_LIMIT + 1)
    mail = read_back(replace(NOTICE, mail=replace(NOTICE.mail, attachments=(name,))), folder)
    assert list(mail.iter_attachments()) == []
    assert all(text in text_of(mail) for text in NOT_ATTACHED.by_language().values())


def test_an_invitation_is_offered_by_mail_programmes() -> None:
    """RFC 6047: text/calendar beside the text, with the invitation's own method."""
    calendar = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n"
    mail = read_back(replace(NOTICE, mail=replace(NOTICE.mail, calendar=calendar)))
    part = mail.get_body(("calendar",)) or next(
        p for p in mail.walk() if p.get_content_type() == "text/calendar"
    )
    assert isinstance(part, EmailMessage)
    assert part.get_param("method") == "CANCEL"
    assert part.get_content().replace("\n", "\r\n").replace("\r\r", "\r") == calendar
    assert mail.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a@b.it", True),
        ("nome.cognome+x@sub.comune.example", True),
        ("a@b\r\nBcc: c@d.it", False),
        ("a@b, c@d", False),
        ("<a@b>", False),
        ("à@b.it", False),
        ("a b@c.it", False),
        ("head", False),
        ("a" * 250 + "@b.it", False),
    ],
)
def test_what_is_an_address(text: str, right: bool) -> None:
    """One plain address, nothing that a server could read as more."""
    assert is_address(text) is right
    if not right:
        with pytest.raises(OfficeError):
            compose(NOTICE, SENDER, text, Path("/nowhere"))


def test_the_senders_address() -> None:
    """With or without a name; none is a sentence."""
    assert address_in(SENDER) == address_in("centralino@comune.example")
    with pytest.raises(OfficeError, match="is no mail address"):
        address_in("Centralino")


@pytest.mark.parametrize(
    "subject",
    [
        "perché è così alto?",
        "[Richiesta 12] Perché è così però più caro? Città già così",
        "Łódź – Приём граждан сегодня – مواعيد الاستقبال – שעות קבלה",
        "Iscrizione AIRE",
        "A word =?utf-8?q?that_looks_encoded?= stays a word",
        "è " * 60,
        "🏛️ " * 30 + "fine",
    ],
)
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    """Python's own parser, as any mail programme: no space is lost between encoded words."""
    letter = replace(NOTICE, mail=replace(NOTICE.mail, subject=subject))
    data = compose(letter, SENDER, TO, Path("/nowhere")).as_bytes()
    head = data.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78  # RFC 2047, 2 and RFC 5322, 2.1.1
    wanted = " ".join(subject.split())
    assert str(read_back(letter)["Subject"]) == wanted
    parsed = decode_header(message_from_bytes(data)["Subject"])  # the older parser
    assert str(make_header(parsed)) == wanted
    assert b"Subject: Iscrizione AIRE\r\n" in data or subject != "Iscrizione AIRE"


@given(st.text(max_size=200))
def test_whatever_the_subject_it_is_read_back(subject: str) -> None:
    """Any text of any script, with its spaces."""
    letter = replace(NOTICE, mail=replace(NOTICE.mail, subject=subject))
    assert str(read_back(letter)["Subject"]) == " ".join(appliance_mail._text(subject).split())
