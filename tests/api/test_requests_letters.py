"""A request's papers at the control socket: in parts, audited, for who may; an e-mail sent again
(E15).
"""

from __future__ import annotations

import base64
import queue
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from appliance.api import protocol
from appliance.api.requests import PaperCommands
from appliance.config import read
from appliance.config.office import build_office
from appliance.errors import CentralinoError, OfficeError
from appliance.paper.document import from_json, to_json
from appliance.policy import requests
from appliance.policy.directory import Directory, Reach, ReturnRule, make_target
from appliance.policy.mail import TO_HEAD, MailState, QueuedMail
from appliance.policy.numbering import SecretNumber
from appliance.policy.requests import Citizen, NewRequest, RequestStep
from appliance.service.mailroom import Mailroom
from appliance.store import database, outbox, users
from appliance.store import requests as store_requests
from appliance.store.database import database_path
from appliance.store.requests import RequestSound, RequestToStore, StoredStep, look_up_link
from appliance.store.writer import DatabaseWriter
from tests.console import people
from tests.helpers.wire import wire
from tests.policy.small_directory import RESIDENCE, TOWN, declaration, with_declarations

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
head = "responsabile@comune.example"
[folders]
state = "{folder}"
[console]
listen = "127.0.0.1"
"""
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OUTSIDE = replace(RESIDENCE, targets=(make_target(Reach.OUTSIDE, "0541704101"),))
SECRET = with_declarations(replace(declaration(), needs=(OUTSIDE,)))
"""A directory in which an office is reached by a number that is not told."""
ASKED = NewRequest(
    ReturnRule.EMAIL, "anagrafe", "residenza", Citizen("Anna Verdi", "0511", "anna@example.org"),
    "Residenza", "Perché lo 0541 704101 non risponde?", AT, "carla",
)  # fmt: skip


@dataclass
class CallControlStub:
    """Call control's side of papers; the mail thread never runs. `register` may be changed."""

    records: DatabaseWriter
    questions: PaperCommands
    directory: list[Directory]

    def ask(self, ask: str, **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        asked = {"ask": ask, "by": "carla", "number": 1, **question}
        later: Any = self.questions.known[ask](asked)
        later(box.put)
        told = wire(box.get(timeout=10))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def paper(self, mail: int, kind: str) -> bytes:
        """Fetch a whole paper."""
        data, is_last = b"", False
        while not is_last:
            answer = self.ask("request_paper", mail=mail, **{"as": kind, "at": len(data)})
            data += base64.b64decode(answer["data"])
            is_last = answer["last"]
            assert len(data) <= answer["size"]
        return data

    def mails(self) -> tuple[outbox.StoredMail, ...]:
        """Return all that was written about the request."""
        return self.records.ask(lambda c: outbox.mails_of_request(c, 1))

    def settle(self, number: int, state: MailState, said: str) -> None:
        """Let a try of a mail come to something."""
        after = QueuedMail(number, 1, 1000)
        self.records.ask(lambda c: store_requests.settle_mail(c, state, after, said, AT))

    def noted(self) -> list[tuple[str, str, str]]:
        """Return who did what about papers, newest first."""
        found = self.records.ask(lambda c: database.latest(c, "request."))
        return [(one.by, one.what, one.about) for one in found]


@pytest.fixture
def control(tmp_path: Path) -> Iterator[CallControlStub]:
    """Call control with one request, taken by voice, and ten of other numbers that begin alike."""
    settings = read.parse(CONFIG.format(folder=tmp_path))
    sound = tmp_path / "voicemail" / "new" / "abc.wav"
    sound.parent.mkdir(parents=True)
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\2" * 100_000)
    records, directory = DatabaseWriter(database_path(tmp_path), "b").start(), [SECRET]
    office = build_office(settings, 2026)
    room = Mailroom(settings, office, records, lambda: directory[0], lambda _: None)
    records.ask(people.enter)
    for number in range(11):
        taking = RequestToStore(f"r{number}", ASKED, AT, RequestSound("voicemail/new/abc.wav", "x"))
        records.ask(partial(store_requests.insert_request, taking=taking, letters=records.letters))
    yield CallControlStub(records, PaperCommands(records, room, lambda: AT), directory)
    records.stop()


def test_an_email_comes_whole_in_parts(control: CallControlStub) -> None:
    """As the office got it, the recording too; its link closes nothing; who asked is noted once."""
    office, citizen = control.mails()
    data = control.paper(office.number, "eml")
    assert len(data) > 3 * protocol.PART
    mail: Any = message_from_bytes(data, policy=default)
    assert (mail["To"], mail["Message-ID"]) == ("anagrafe@comune.example", office.message_id)
    assert f"{requests.DONE_LINK_PATH}…" in mail.get_body(("plain",)).get_content()
    (attached,) = mail.iter_attachments()
    assert len(attached.get_content()) > 200_000
    assert b"anna@example.org" in control.paper(citizen.number, "eml")
    assert control.noted() == [
        ("carla", "request.paper", f"request 1, mail {citizen.number}, eml"),
        ("carla", "request.paper", f"request 1, mail {office.number}, eml"),
    ]


def test_what_stands_on_paper(control: CallControlStub) -> None:
    """P7: an e-mail, the request itself; no number of an office that is not told stands in them."""
    office = control.mails()[0]
    control.settle(office.number, MailState.SENT, "mail.comune.example: 250 2.0.0 queued as 9A")
    of_mail, of_request = (from_json(control.paper(mail, "pdf")) for mail in (office.number, 0))
    assert of_mail.subject == "E-mail della richiesta 1"
    facts = dict(of_mail.parts[0].facts)
    assert facts["A"] == "anagrafe@comune.example"
    assert facts["Stato"] == "accettata dal server di posta, lun 23 novembre 2026, 10:00"
    assert facts["Allegati"] == "abc.wav"
    assert facts["Identificativo"] == office.message_id
    assert of_request.title == "Comune di Esempio – Richiesta 1"
    for each in (of_mail, of_request):
        told = to_json(each).decode()
        assert "Perché lo ••• non risponde?" in told
        assert "704101" not in told


def test_names_stand_for_codes_on_paper(control: CallControlStub) -> None:
    """Office, need, people and sheets by their names; nothing of what the mail server answered."""
    office = control.mails()[0]
    control.settle(office.number, MailState.SENT, "mail.comune.example: 250 2.0.0 queued as 9A")
    step = StoredStep("s1", RequestStep.REMIND, AT, "carla", "", "Ancora niente")
    letters = control.records.letters
    control.records.ask(
        partial(store_requests.apply_step, number=1, happened=step, letters=letters)
    )
    paper = from_json(control.paper(0, "pdf"))
    shown = {each.name: each.shown for each in control.records.ask(users.everybody)}["carla"]
    assert shown != "carla"
    assert paper.to[0] == "All'ufficio Anagrafe"
    assert paper.opening == (
        f"Richiesta presa in carico dal centralino il 23 novembre 2026 alle 10:00 ({shown})."
    )
    (history,) = (part.rows for part in paper.parts if part.rows)
    at = "lun 23 novembre 2026, 10:00"
    assert (at, "e-mail inviata all'ufficio", "", "") in history
    assert (at, "sollecito", shown, "Ancora niente") in history
    told = to_json(paper).decode()
    for code in ("250 2.0.0", "carla", "[phone", "voicemail/new"):
        assert code not in told


def test_without_the_registers_numbers_there_is_no_pdf(control: CallControlStub) -> None:
    """P7: nobody could tell what may not stand in it; the e-mail itself can be had."""
    lost = replace(OUTSIDE.targets[0], number=SecretNumber(""))
    control.directory[0] = with_declarations(
        replace(declaration(), needs=(replace(OUTSIDE, targets=(lost,)),))
    )
    for mail in (0, control.mails()[0].number):
        with pytest.raises(OfficeError, match="register's numbers cannot be read"):
            control.paper(mail, "pdf")
    assert control.paper(control.mails()[0].number, "eml")


def test_papers_are_for_who_deals_with_requests(control: CallControlStub) -> None:
    """Not for a technician, nor for nobody; an e-mail of another request is not told."""
    mail = control.mails()[0].number
    for by, said in (("beppe", "Your role"), ("eve", "no user")):
        for ask in ("request_paper", "mail_again"):
            answer = control.ask(ask, by=by, mail=mail, **{"as": "eml"})
            assert answer["done"] is False
            assert said in answer["said"]["en"]
    answer = control.ask("request_paper", number=10, mail=mail, **{"as": "eml"})
    assert "not of this request" in answer["said"]["en"]
    assert control.noted() == []


def test_parts_follow_one_another(control: CallControlStub) -> None:
    """What was not begun, or begun long ago, is fetched anew; a nonsense is a sentence."""
    mail = control.mails()[0].number
    with pytest.raises(OfficeError, match="from its beginning"):
        control.ask("request_paper", mail=mail, at=protocol.PART, **{"as": "eml"})
    mails = [one.number for one in control.records.ask(outbox.list_mails) if one.mail.attachments]
    for number, each in enumerate(mails[:3], 1):
        control.ask("request_paper", number=number, mail=each, **{"as": "eml"})
    with pytest.raises(OfficeError, match="from its beginning"):
        control.ask("request_paper", mail=mail, at=protocol.PART, **{"as": "eml"})
    for wrong in ({"as": "doc"}, {"as": "eml"}, {"as": "pdf", "at": -1}, {"as": "pdf", "by": " "}):
        with pytest.raises(OfficeError):
            control.ask("request_paper", **wrong)


def test_one_that_waits_is_tried_now(control: CallControlStub) -> None:
    """Nothing new is written."""
    mail = control.mails()[0].number
    answer = control.ask("mail_again", mail=mail)
    assert (answer["mail"], "si riprova subito" in answer["said"]["it"]) == (mail, True)
    assert len(control.mails()) == 2
    assert control.noted() == [("carla", "request.mail_again", f"request 1, mail {mail}")]


def test_one_that_was_refused_goes_to_the_address_of_today(control: CallControlStub) -> None:
    """The head has mended the address: a copy goes there; the alarm of the first is over."""
    office, _ = control.mails()
    control.settle(office.number, MailState.DEAD, "550 no such office")
    units = tuple(
        replace(one, email="nuova@comune.example") if one.code == "anagrafe" else one
        for one in TOWN.units
    )
    control.directory[0] = replace(SECRET, units=units)
    answer = control.ask("mail_again", mail=office.number)
    assert "nuova@comune.example" in answer["said"]["en"]
    before, _, copy = control.mails()
    assert (before.state, before.settled_by) == (MailState.DROPPED, "carla")
    assert (copy.number, copy.mail.to) == (answer["mail"], "nuova@comune.example")
    assert (copy.mail.thread, copy.mail.request) == ("request-1", 1)
    assert copy.message_id != before.message_id
    assert copy.mail.attachments == before.mail.attachments
    control.settle(copy.number, MailState.SENT, "250 OK")
    kept = control.records.ask(lambda c: store_requests.required_request(c, 1))
    assert [each.step for each in kept.steps] == [RequestStep.MAILED]


def test_a_copy_has_a_link_of_its_own(control: CallControlStub) -> None:
    """E15: that of the first left the box with it; the copy's closes the same request, once."""
    office, _ = control.mails()
    control.settle(office.number, MailState.SENT, "250 OK")
    assert f"{requests.DONE_LINK_PATH}…" in control.mails()[0].mail.body
    number = control.ask("mail_again", mail=office.number)["mail"]
    copy = next(one for one in control.mails() if one.number == number)
    token = copy.mail.body.partition(requests.DONE_LINK_PATH)[2].split()[0]
    looked = control.records.ask(lambda c: look_up_link(c, token, AT))
    assert (looked.state, looked.kept and looked.kept.request.number) == (
        requests.DoneLinkState.OPEN,
        1,
    )
    assert control.mails()[0].state is MailState.SENT
    assert control.mails()[0].mail.body.count("…") == 1


def test_the_citizens_and_the_heads_go_where_they_went(control: CallControlStub) -> None:
    """Only an office has an address of today."""
    _, citizen = control.mails()
    reminded = [
        StoredStep(f"s{n}", RequestStep.REMIND, AT, "carla", "", "Ancora") for n in range(2)
    ]
    for step in reminded:
        letters = control.records.letters
        control.records.ask(
            partial(store_requests.apply_step, number=1, happened=step, letters=letters)
        )
    head = next(one for one in control.mails() if one.mail.to == TO_HEAD)
    for each, to in ((citizen, "anna@example.org"), (head, TO_HEAD)):
        control.settle(each.number, MailState.SENT, "250 OK")
        answer = control.ask("mail_again", mail=each.number)
        assert TO_HEAD not in answer["said"]["en"].split()
        assert control.mails()[-1].mail.to == to
        assert control.mails()[-1].number == answer["mail"]


def test_nobody_is_flooded(control: CallControlStub) -> None:
    """So many copies of one e-mail, copies of copies too; then the office is called."""
    office, _ = control.mails()
    control.settle(office.number, MailState.SENT, "250 OK")
    last = office.number
    for _ in range(outbox.MOST_COPIES):
        last = control.ask("mail_again", mail=last)["mail"]
        control.settle(last, MailState.SENT, "250 OK")
    answer = control.ask("mail_again", mail=last)
    assert answer["done"] is False
    assert "call the office" in answer["said"]["en"]
    assert len(control.mails()) == 2 + outbox.MOST_COPIES
    assert len(control.noted()) == outbox.MOST_COPIES


def test_what_was_erased_is_not_sent_again(control: CallControlStub) -> None:
    """E20: all that is left is that there was one."""
    mail = control.mails()[0].number
    control.records.ask(
        lambda c: c.execute("UPDATE outbox SET body = '' WHERE number = ?", (mail,))
    )
    for ask in ("request_paper", "mail_again"):
        assert "was erased" in control.ask(ask, mail=mail, **{"as": "eml"})["said"]["en"]


def test_the_same_job_twice_is_one_copy(control: CallControlStub) -> None:
    """A write whose outcome is unknown is tried once more."""
    office = control.mails()[0]
    sent = replace(office, state=MailState.SENT)
    made = {
        control.records.ask(
            lambda c: outbox.resend(c, sent, "a@b.example", "x", "t" * 43, "carla", AT, "d")
        )
        for _ in range(2)
    }
    assert len(made) == 1
