"""Letters and invitations in call control: whatever people type, they are written and leave."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from appliance.config import read
from appliance.config.office import build_office
from appliance.mail import SmtpServer, compose
from appliance.policy.directory import Authorisation, Directory, ReturnRule, target_to_tell
from appliance.policy.hours import Period, Week
from appliance.policy.mail import (
    TO_HEAD,
    DeliveryReply,
    DeliveryVerdict,
    Mail,
    MailState,
    OutboxHealth,
    OutgoingMail,
)
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    NewRequest,
    RequestStep,
)
from appliance.service import mailroom
from appliance.service.mailroom import Mailroom, trouble_of
from appliance.store import outbox
from appliance.store.requests import RequestSound, StoredRequest, StoredStep
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from tests.policy.small_directory import ANAGRAFE, APPOINTMENT, EMAIL, TOWN, entry, rome
from tests.policy.test_privacy_declared_numbers import DIRECTORY

AT = rome("2026-11-23 10:00")
CONFIG = """
[site]
name = "Comune di Esempio"
patron = "10-04"
[hours]
monday = ["08:00-19:00"]
[sip]
address = "127.0.13.9"
[mail]
sender = "Centralino <centralino@comune.example>"
"""
texts = st.text(max_size=80)
words = texts.filter(lambda text: bool(text.strip()))


def a_mailroom(text: str = CONFIG, town: Directory = TOWN) -> Mailroom:
    """Make a mail room whose thread never runs."""
    settings = read.parse(text)
    records = cast(DatabaseWriter, SimpleNamespace(letters=None))
    office = build_office(settings, 2026)
    return Mailroom(settings, office, records, lambda: town, lambda _: None)


MAILS = a_mailroom()


def request(rule: ReturnRule, subject: str, asked: str, name: str, starts: datetime) -> NewRequest:
    """Make a request of what was typed."""
    slot = AppointmentSlot(starts, starts + timedelta(minutes=20))
    wanted = Appointment(slot, AppointmentForm.IN_PERSON, confirmed=False)
    citizen = Citizen(name, "0511", "anna@example.org")
    return NewRequest(
        rule, "anagrafe", "aire", citizen, subject, asked, AT, "op1", "c", "aire",
        wanted if rule is APPOINTMENT else None,
    )  # fmt: skip


def test_letters_live_by_the_hours_in_force() -> None:
    """What the head has entered lies over the written hours (E14)."""
    mails, entered = (
        a_mailroom(),
        (Period(AT.date(), AT.date(), Words("Sciopero"), Week(((),) * 7)),),
    )
    assert mails.sender().calendar.entered == ()
    mails.over = lambda hours: replace(hours, entered=entered)
    assert mails.sender().calendar.entered == entered


@given(
    st.sampled_from(ReturnRule),
    words,
    texts,
    words,
    texts,
    st.sampled_from([None, RequestStep.REMIND, RequestStep.MOVE, RequestStep.CANCEL]),
    st.integers(0, 2_000_000_000),
)
def test_whatever_was_typed_is_written_and_leaves(
    rule: ReturnRule,
    subject: str,
    asked: str,
    name: str,
    note: str,
    step: RequestStep | None,
    seconds: int,
) -> None:
    """A letter that could not be written would end the records' thread, and a request with it."""
    new = request(rule, subject, asked, name, AT + timedelta(seconds=seconds))
    happened = StoredStep("s1", step, AT, "op1", "x", note) if step else None
    written = MAILS.write(StoredRequest(new.numbered(7), RequestSound(), ()), happened)
    assert written
    for mail in written:
        to = "head@comune.example" if mail.to == TO_HEAD else mail.to
        letter = OutgoingMail(mail, "<k@comune.example>", (), AT)
        assert compose(letter, "Centralino <c@comune.example>", to, Path("/nowhere")).as_bytes()
        if mail.calendar:
            (event,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
            assert str(event["uid"]).startswith("request-7-")


def test_no_citizen_reads_a_number_that_its_office_keeps() -> None:
    """P7: neither in the house's name nor in an office's, in the letter and in the calendar."""
    text = CONFIG.replace('"Comune di Esempio"', '"Comune, 0541–704 101"')
    held = replace(DIRECTORY, units=(replace(ANAGRAFE, name="Anagrafe 0541 704101", service=""),))
    mails = a_mailroom(text, held)
    new = request(APPOINTMENT, "S", "A", "Anna", rome("2026-12-01 10:00"))
    kept = StoredRequest(new.numbered(7), RequestSound(), ())
    _, citizen = mails.write(kept, None)
    assert citizen.to == "anna@example.org"
    told = f"{citizen.subject}{citizen.body}{Calendar.from_ical(citizen.calendar).to_ical()!r}"
    assert "Comune" in told
    assert "704" not in told
    leave = Authorisation(entry(9), "anagrafe", target_to_tell("0541704101"), "Dirigente")
    free = a_mailroom(text, replace(held, authorisations=(leave,)))
    assert "Comune, 0541–704 101" in free.write(kept, None)[1].subject


def test_an_e_mails_paper_shows_no_number_that_its_office_keeps() -> None:
    """P7: its text and the house that it is headed with."""
    papers = a_mailroom(CONFIG.replace('"Comune di Esempio"', '"Comune, 0541704101"')).papers
    sent = Mail("k", "a@b.example", "S", "Lo 0541 704101")
    kept = outbox.StoredMail(1, sent, "<k@b.example>", AT, MailState.QUEUED)
    paper = papers.mail_document(kept, 7, DIRECTORY)
    assert (paper.house, paper.title.partition(" –")[0]) == ("Comune, •••", "Comune, •••")
    assert "704" not in f"{paper}"


def test_the_heads_copy_is_for_a_head_who_can_be_reached() -> None:
    """Without `[mail] head` no copy waits for days and then is an alarm."""
    reminded = replace(request(EMAIL, "S", "A", "Anna", AT).numbered(7), reminders=("una", "due"))
    happened = StoredStep("s2", RequestStep.REMIND, AT, "op1", "", "due")
    kept = StoredRequest(reminded, RequestSound(), (happened,))
    assert [mail.to for mail in MAILS.write(kept, happened)] == ["anagrafe@comune.example"]
    with_head = a_mailroom(CONFIG + '\nhead = "capo@comune.example"\n')
    assert [mail.to for mail in with_head.write(kept, happened)][1:] == [TO_HEAD]


def test_nobody_invites_without_a_sender() -> None:
    """An invitation needs an organizer: without a sender configured the letter goes alone."""
    mails = a_mailroom(CONFIG.partition("[mail]")[0])
    new = request(APPOINTMENT, "S", "A", "Anna", AT)
    office, _ = mails.write(StoredRequest(new.numbered(7), RequestSound(), ()), None)
    assert (office.calendar, office.to) == ("", "anagrafe@comune.example")
    assert MAILS.write(StoredRequest(new.numbered(7), RequestSound(), ()), None)[0].calendar
    email = replace(new, rule=EMAIL, appointment=None)
    assert not MAILS.write(StoredRequest(email.numbered(7), RequestSound(), ()), None)[0].calendar


@pytest.mark.parametrize(
    ("to", "verdict", "said"),
    [
        (TO_HEAD, DeliveryVerdict.LATER, "write [mail] head"),
        ("nobody at all", DeliveryVerdict.REFUSED, "is no mail address"),
    ],
)
def test_a_mail_that_has_no_address(to: str, verdict: DeliveryVerdict, said: str) -> None:
    """The head's waits until there is one; any other is an alarm at once."""
    mails = a_mailroom(CONFIG + '\nserver = "127.0.13.9"\nport = 9\n')
    reply = mails._deliver(OutgoingMail(Mail("k", to, "S", "B"), "<k@b>", (), AT))
    assert reply.verdict is verdict
    assert said in reply.said


class Taking(SmtpServer):
    """A mail server that answers one thing."""

    def __init__(self, reply: DeliveryReply) -> None:
        self.reply = reply

    def send(self, message: EmailMessage, to: str) -> DeliveryReply:
        """Answer."""
        return self.reply


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            DeliveryReply(DeliveryVerdict.SENT, "250 queued as 9A"),
            "smtp.comune.example: 250 queued as 9A",
        ),
        (DeliveryReply(DeliveryVerdict.LATER, "451 full"), "451 full"),
    ],
)
def test_by_which_server_it_was_taken_is_kept(reply: DeliveryReply, said: str) -> None:
    """Where somebody looks for it if the office says that nothing came."""
    mails = a_mailroom(CONFIG + '\nserver = "smtp.comune.example"\n')
    mails._server = Taking(reply)
    told = mails._deliver(OutgoingMail(Mail("k", "a@b.example", "S", "B"), "<k@b>", (), AT))
    assert (told.verdict, told.said) == (reply.verdict, said)


class Deaf(SmtpServer):
    """A mail server's name that is being looked up for ever: no abort ends that."""

    def __init__(self) -> None:
        self.asked, self.answered = threading.Event(), threading.Event()

    def send(self, message: EmailMessage, to: str) -> DeliveryReply:
        """Be stuck until the test is over."""
        self.asked.set()
        self.answered.wait(20.0)
        return DeliveryReply(DeliveryVerdict.AWAY, "too late")


def test_a_stop_never_waits_for_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stores are closed all the same: a mail thread that is stuck keeps nobody."""
    assert mailroom.STOP_LIMIT_S <= 2.0
    monkeypatch.setattr(mailroom, "STOP_LIMIT_S", 0.05)
    settings = read.parse(CONFIG + '\nserver = "mail.comune.example"\n')
    records = DatabaseWriter(tmp_path / "c.db", "b").start()
    office, deaf = build_office(settings, 2026), Deaf()
    mails = Mailroom(settings, office, records, lambda: TOWN, lambda _: None)
    mails._server = deaf
    records.ask(lambda c: outbox.queue_mail(c, Mail("k", "a@b.example", "S", "B"), AT))
    mails.start()
    assert deaf.asked.wait(20.0)
    mails.stop()
    deaf.answered.set()
    records.stop()


def test_without_a_mail_server_it_is_said_what_to_write() -> None:
    """Notices wait on the disk; status tells the technician why."""
    reply = MAILS._deliver(OutgoingMail(Mail("k", "a@b.example", "S", "B"), "<k@b>", (), AT))
    assert reply.verdict is DeliveryVerdict.MISSET
    trouble = trouble_of(OutboxHealth(2, 0, reply.said, misset=True))
    assert trouble is not None
    assert (trouble.code, "[mail] server" in trouble.words.text("en")) == ("mail.misset", True)


def test_what_the_outbox_tells_call_control() -> None:
    """All is well; one waits; two were given up: each in one sentence, in both languages."""
    assert trouble_of(OutboxHealth()) is None
    assert trouble_of(OutboxHealth(3, 0, "")) is None  # they leave, one after the other
    one = trouble_of(OutboxHealth(1, 0, "timed out"))
    assert one is not None
    assert one.words.text("en") == "1 e-mail waits for the mail server (timed out)."
    two = trouble_of(OutboxHealth(1, 2, "timed out"))
    assert two is not None
    assert (two.code, two.words.text("it").startswith("2 e-mail non sono partite:")) == (
        "mail.dead",
        True,
    )


def test_a_citizen_gets_the_appointment_for_their_calendar() -> None:
    """Nothing that was typed stands in it, nobody is asked to answer; moved and cancelled under
    the same UID, which is not the office's.
    """
    new = request(APPOINTMENT, "Multa al 3470000001", "A", "Anna", AT)
    kept = StoredRequest(new.numbered(7), RequestSound(), ())
    office, citizen = MAILS.write(kept, None)
    (theirs,) = Calendar.from_ical(office.calendar).walk("VEVENT")
    calendar = Calendar.from_ical(citizen.calendar)
    (event,) = calendar.walk("VEVENT")
    assert calendar["method"] == "PUBLISH"
    assert "attendee" not in event
    assert event["uid"] != theirs["uid"]
    assert event.decoded("dtstart") == theirs.decoded("dtstart")
    assert "3470000001" not in citizen.calendar
    assert str(event["summary"]).startswith("Appuntamento: ")
    cancelled = StoredStep("s1", RequestStep.CANCEL, AT, "op1", "x", "")
    _, off = MAILS.write(kept, cancelled)
    (over,) = Calendar.from_ical(off.calendar).walk("VEVENT")
    assert (over["uid"], str(over["status"])) == (event["uid"], "CANCELLED")
    assert int(over["sequence"]) > int(event["sequence"])
