"""`centralino requests` and `outbox`: taken and changed through the socket (P6, E9, E15)."""

from __future__ import annotations

import json
import selectors
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from icalendar import Calendar

from appliance.__main__ import main
from appliance.api.control_socket import ControlSocket
from appliance.api.requests import RequestCommands
from appliance.config import read as configuration
from appliance.config.office import build_office
from appliance.errors import OfficeError
from appliance.policy.directory import AppointmentSlots, Directory, Reach, make_target
from appliance.policy.directory_changes import merge_directory
from appliance.policy.hours import week_of
from appliance.policy.mail import TO_HEAD, MailState, QueuedMail
from appliance.policy.requests import RequestStep
from appliance.service.mailroom import Mailroom
from appliance.store import directory as store
from appliance.store import outbox, requests
from appliance.store.database import database_path
from appliance.store.directory import Who, key_path
from appliance.store.requests import StoredStep
from appliance.store.writer import DatabaseWriter
from tests.helpers.paper import AT_ONCE
from tests.policy.small_directory import RESIDENCE as RESIDENCE_NEED
from tests.policy.small_directory import TOWN, declaration, with_declarations

CONFIG = """\
[site]
name = "Comune di Esempio"
patron = "10-04"
languages = ["{language}"]
[hours]
monday = ["08:00-19:00"]
tuesday = ["08:00-19:00"]
wednesday = ["08:00-19:00"]
thursday = ["08:00-19:00"]
friday = ["08:00-19:00"]
[sip]
address = "127.0.13.7"
[mail]
sender = "Centralino <centralino@comune.example>"
head = "responsabile@comune.example"
[folders]
state = "{folder}/state"
run = "{folder}/run"
"""
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OFFERS = AppointmentSlots(week_of(monday="15-17", wednesday="15-17"), 20)
WITH_SLOTS = replace(TOWN, declarations=(replace(declaration(), slots=OFFERS),))
ANNA = ("--name", "Anna Verdi", "--phone", "347 0000001", "--email", "anna@example.org")
AIRE = ("--unit", "anagrafe", "--need", "aire", "--subject", "Iscrizione AIRE", "--by", "op1")
RESIDENCE = ("--unit", "anagrafe", "--need", "residenza", "--subject", "Residenza", "--by", "op1")


@dataclass
class CallControlStub:
    """A configuration and the control socket behind it; `register` may be changed."""

    file: Path
    records: DatabaseWriter
    directory: Directory = WITH_SLOTS

    def run(self, *words: str) -> Result:
        """Run a command line; --config is the first option of the group."""
        return CliRunner().invoke(main, [words[0], "--config", str(self.file), *words[1:]])

    def said(self, *words: str) -> str:
        """Run what works and return what it says."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    def refused(self, *words: str) -> str:
        """Run what does not work and return the sentence in English."""
        result = self.run("--language", "en", *words)
        assert result.exit_code == 1, result.output
        return result.output.strip()

    def mails(self) -> tuple[outbox.StoredMail, ...]:
        """Return all that was written."""
        return self.records.ask(outbox.list_mails)

    def settle(self, number: int, state: MailState, said: str) -> None:
        """Let a try of a mail come to something."""
        after = QueuedMail(number, 1, 1000)
        self.records.ask(lambda c: requests.settle_mail(c, state, after, said, NOW))


@pytest.fixture(params=["it"])
def control(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CallControlStub]:
    """Open a control socket behind which requests are kept; a mail thread never runs."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path, language=request.param), encoding="utf-8")
    (tmp_path / "state").mkdir()
    settings = configuration.load(file)
    records = DatabaseWriter(database_path(tmp_path / "state"), "b").start()
    records.ask(lambda _: None)  # the database is made by now
    opened = CallControlStub(file, records)
    mailroom = Mailroom(
        settings, build_office(settings, 2026), records, lambda: opened.directory, lambda _: None
    )
    known = RequestCommands(records, mailroom, lambda: NOW).known
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(
        tmp_path / "run" / "desk.sock", selector, lambda q: known[str(q["ask"])](q)
    )

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    yield opened
    stopping.set()
    thread.join()
    served.close()
    records.stop()


def test_a_request_is_taken_and_its_office_written_to(control: CallControlStub) -> None:
    """P6: a short number at once; the office's mail and the citizen's wait in the outbox."""
    told = control.said("requests", "new", "--rule", "email", *AIRE, *ANNA, "--asked", "I tempi")
    assert told == "Presa in carico: richiesta 1."
    office, citizen = control.mails()
    assert (office.mail.to, citizen.mail.to) == ("anagrafe@comune.example", "anna@example.org")
    assert "I tempi" in office.mail.body
    (row,) = json.loads(control.said("requests", "list", "--json"))
    assert (row["number"], row["state"], row["name"], row["by"]) == (1, "open", "Anna Verdi", "op1")


def test_an_unknown_need_or_language_is_refused_with_the_known_ones(
    control: CallControlStub,
) -> None:
    """A mistyped code is no request that an office finds under none of its needs."""
    new = ("requests", "new", "--rule", "email", "--unit", "anagrafe", "--subject", "x", *ANNA)
    refused = control.refused(*new, "--need", "residenz")
    assert refused == "Error: there is no need 'residenz'; known are residenza, aire"
    result = control.run(*new, "--need", "aire", "--language", "klingon")
    assert (result.exit_code, "'it', 'de', 'en'" in result.output) == (2, True), result.output
    assert control.mails() == ()


def test_the_contact_that_was_left_is_the_preferred_one(control: CallControlStub) -> None:
    """Whoever leaves an e-mail alone need not say that they prefer it."""
    given = ("--name", "Anna Verdi", "--email", "anna@example.org")
    assert "richiesta 1" in control.said("requests", "new", "--rule", "email", *AIRE, *given)
    (row,) = json.loads(control.said("requests", "list", "--json"))
    assert row["prefers"] == "email"


def test_the_citizen_who_calls_again_is_known(control: CallControlStub) -> None:
    """E9: open ones are offered first, by number or name; a reminder is no second request."""
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA)
    again = ("requests", "new", "--rule", "email", *AIRE, "--phone", "+393470000001")
    sentence = control.refused(*again, "--name", "Signora Verdi")
    assert "1 (anagrafe: Iscrizione AIRE)" in sentence
    assert "centralino requests remind 1" in sentence
    for words, count in (("Ancora niente", "1°"), ("Terza volta", "2°")):
        assert count in control.said("requests", "remind", "1", words, "--by", "op2")
    mails = control.mails()
    assert [k.mail.thread for k in mails] == ["", "", "request-1", "request-1", ""]
    assert mails[-1].mail.to == TO_HEAD
    assert "Ancora niente" in control.said("requests", "show", "1")
    assert "richiesta 2" in control.said(*again, "--name", "Signora Verdi", "--anyway")
    assert control.refused("requests", "remind", "1", " ").endswith("adds words for the office")


def test_sent_is_never_shown_as_answered(control: CallControlStub) -> None:
    """E15: sent, with the office, done: each in its own words, done by somebody's word."""
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA)
    assert "e-mail non ancora partita" in control.said("requests", "list")
    control.settle(1, MailState.SENT, "250 OK")
    assert "in attesa dell'ufficio" in control.said("requests", "list")
    assert "ora è di Rossi" in control.said("requests", "take", "1", "--who", "Rossi")
    assert control.run("requests", "close", "1").exit_code == 2  # who said so?
    closed = control.said(
        "requests", "close", "1", "--who", "Rossi, per telefono", "--note", "fatto"
    )
    assert closed == "Richiesta 1: chiusa."
    assert control.said("requests", "list") == "Nessuna richiesta."
    assert "conclusa" in control.said("requests", "list", "--all")
    shown = control.said("requests", "show", "1")
    assert "(Rossi, per telefono): fatto" in shown
    assert "e-mail accettata dal server" in shown
    assert "request 1 is done" in control.refused("requests", "take", "1")


def test_what_should_be_answered_by_now_is_shown(control: CallControlStub) -> None:
    """P6: the duty stays visible, and a late one is told apart."""
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA)
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA, "--anyway")
    now = datetime.now(UTC)  # by which the command itself judges
    taken = (((now - timedelta(days=900)).isoformat(), 1), (now.isoformat(), 2))
    control.records.ask(
        lambda c: c.executemany("UPDATE requests SET at = ? WHERE number = ?", taken)
    )
    rows = json.loads(control.said("requests", "list", "--overdue", "--json"))
    assert [row["number"] for row in rows] == [1]
    assert "IN RITARDO" in control.said("requests", "list")
    assert json.loads(control.said("requests", "show", "1", "--json"))["overdue"] is True
    found = json.loads(control.said("requests", "list", "--citizen", "verdi", "--json"))
    assert [row["number"] for row in found] == [2, 1]


def test_words_are_no_number(control: CallControlStub) -> None:
    """E15: an office that is to call needs a number."""
    who = ("--name", "Bruno Neri", "--phone", "non lo so", "--subject", "AIRE")
    sentence = control.refused("requests", "new", "--rule", "email", *AIRE, *who)
    assert "“non lo so” is no telephone number" in sentence


def test_an_appointment_takes_a_slot_and_gives_it_back(control: CallControlStub) -> None:
    """P6: in the office's slots, never twice; moved and cancelled the slot is free again."""
    free = control.said("requests", "free-slots", "anagrafe").splitlines()
    assert free[0] == "lun 23 novembre 2026, 15:00"
    asked = ("requests", "new", "--rule", "appointment", *RESIDENCE, "--form", "office_calls")
    assert "richiesta 1" in control.said(*asked, *ANNA, "--at", "2026-11-23 15:00")
    other = ("--name", "Bruno Neri", "--phone", "3480000002")
    sentence = control.refused(*asked, *other, "--at", "2026-11-23 15:00")
    assert "has just been taken" in sentence
    sentence = control.refused(*asked, *other, "--at", "2026-11-24 15:00")
    assert "gives no appointment on 24 November 2026 at 15:00" in sentence
    assert "spostato" in control.said("requests", "move", "1", "--at", "2026-11-25 15:20")
    first, *_ = json.loads(control.said("requests", "free-slots", "anagrafe", "--json"))
    assert datetime.fromisoformat(first).astimezone(UTC) == datetime(2026, 11, 23, 14, tzinfo=UTC)
    control.said("requests", "cancel", "1", "--who", "Anna Verdi")
    assert "annullata" in control.said("requests", "list", "--all")
    invitations = [
        Calendar.from_ical(kept.mail.calendar) for kept in control.mails() if kept.mail.calendar
    ]
    methods = [str(c["method"]) for c in invitations]
    assert methods[0::2] == ["REQUEST", "REQUEST", "CANCEL"]  # the office's
    assert methods[1::2] == ["PUBLISH"] * 3  # the citizen's
    events = [c.walk("VEVENT")[0] for c in invitations]
    assert [event["sequence"] for event in events] == [0, 0, 1, 1, 2, 2]
    for own in (events[0::2], events[1::2]):
        assert len({str(event["uid"]) for event in own}) == 1
    assert "per telefono: l'ufficio chiama l'utente" in str(events[0]["description"])


def test_where_the_office_offers_no_slots_a_time_is_proposed(control: CallControlStub) -> None:
    """P6: to be confirmed, until the office agrees."""
    control.directory = TOWN
    assert "non offre orari" in control.said("requests", "free-slots", "anagrafe")
    asked = ("requests", "new", "--rule", "appointment", *RESIDENCE, *ANNA)
    control.said(*asked, "--at", "2026-11-24 15:00")
    assert "da confermare" in control.said("requests", "show", "1")
    (event,) = Calendar.from_ical(control.mails()[0].mail.calendar).walk("VEVENT")
    assert event["status"] == "TENTATIVE"
    control.said("requests", "move", "1", "--at", "2026-11-24 15:30", "--agreed")
    assert "da confermare" not in control.said("requests", "show", "1")


def test_what_is_refused_says_what_to_do(control: CallControlStub) -> None:
    """Each in one sentence: an unknown office, a rule it has not declared, a missing contact."""
    unknown = ("--unit", "tributi", "--need", "x", "--subject", "y")
    cases = {
        "there is no office 'tributi'": ("--rule", "email", *unknown, *ANNA),
        "anagrafe has declared: e-mail": ("--rule", "appointment", *AIRE, *ANNA),
        "no way to reach": ("--rule", "email", *AIRE, "--name", "Anna"),
        "when does the appointment start": ("--rule", "appointment", *RESIDENCE, *ANNA),
    }
    for sentence, words in cases.items():
        assert sentence in control.refused("requests", "new", *words)
    assert "there is no request 9" in control.refused("requests", "show", "9")
    assert "there is no request 9" in control.refused("requests", "take", "9")
    assert "there is no office 'x'" in control.refused("requests", "free-slots", "x")
    assert control.records.ask(requests.list_requests) == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"ask": "request_step", "number": 1, "step": "mailed", "by": "x"}, "cannot be asked"),
        ({"ask": "request_step", "number": "1", "step": "take", "by": "x"}, "whole number"),
        ({"ask": "request_step", "number": 10**12, "step": "take", "by": "x"}, "no number"),
        ({"ask": "request_step", "number": 1, "step": "fly", "by": "x"}, "is unknown"),
        ({"ask": "request_step", "number": 1, "step": "take"}, "by is needed"),
        ({"ask": "new_request", "by": "x", "rule": []}, "is unknown"),
        ({"ask": "outbox_retry", "by": "x", "number": None}, "no number"),
    ],
)
def test_what_a_programme_may_ask_wrongly(
    tmp_path: Path, question: dict[str, object], said: str
) -> None:
    """Whatever comes in at the control socket is answered in a sentence."""
    file = tmp_path / "centralino.toml"
    file.write_text(CONFIG.format(folder=tmp_path, language="it"), encoding="utf-8")
    settings = configuration.load(file)
    records = DatabaseWriter(database_path(tmp_path), "b")
    office = build_office(settings, 2026)
    mailroom = Mailroom(settings, office, records, lambda: WITH_SLOTS, lambda _: None)
    known = RequestCommands(records, mailroom, lambda: NOW).known
    with pytest.raises(OfficeError, match=said):
        known[str(question["ask"])](question)


def test_the_outbox_is_looked_after(control: CallControlStub) -> None:
    """What waits, what could not be sent; tried again, or given up by somebody for a reason."""
    assert control.said("outbox", "list") == "Nessuna e-mail."
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA)
    control.settle(1, MailState.DEAD, "550 no such office")
    told = control.said("outbox", "list").splitlines()
    assert "NON PARTITA" in told[1]
    assert "550 no such office" in told[1]
    assert "in attesa" in told[2]
    assert "si riprova subito" in control.said("outbox", "retry", "1")
    assert [k.state for k in control.mails()] == [MailState.QUEUED] * 2
    assert control.run("outbox", "drop", "1").exit_code == 2  # for which reason?
    control.said("outbox", "drop", "1", "--by", "op1", "--reason", "detto a voce")
    rows = json.loads(control.said("outbox", "list", "--all", "--json"))
    assert (rows[0]["state"], rows[0]["settled_by"], rows[0]["reason"]) == (
        "dropped",
        "op1",
        "detto a voce",
    )
    control.settle(2, MailState.SENT, "250 OK")
    assert "has left already" in control.refused("outbox", "retry", "2")


def test_the_protocol_office_gets_files(control: CallControlStub, tmp_path: Path) -> None:
    """E15: every mail of a request as EML, as the office got it; its link closes nothing."""
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA)
    control.said("requests", "new", "--rule", "email", *AIRE, *ANNA, "--anyway")
    control.said("requests", "remind", "1", "Ancora niente")
    folder = tmp_path / "protocollo"
    paths = control.said("requests", "export", "1", str(folder)).splitlines()
    assert len(paths) == 3
    mail = message_from_bytes(Path(paths[0]).read_bytes(), _class=EmailMessage, policy=default)
    assert mail["Message-ID"] == control.mails()[0].message_id
    assert mail["Subject"] == "[Richiesta 1] Iscrizione AIRE"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "https://centralino.local/done/…\r\n" in body.get_content()
    assert "there is no request 9" in control.refused("requests", "export", "9", str(folder))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs Debian's poppler-utils")
def test_the_protocol_office_gets_paper(
    control: CallControlStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E15, P7: the request and its history as a PDF; no number of an office stands in it."""
    monkeypatch.setattr("appliance.paper.document.PDF_COMMAND", AT_ONCE)
    outside = replace(RESIDENCE_NEED, targets=(make_target(Reach.OUTSIDE, "0541704101"),))
    declared = with_declarations(replace(declaration(), needs=(outside,)))
    key = key_path(database_path(tmp_path / "state"))
    who = Who("Responsabile", NOW, "import")
    control.records.ask(
        lambda c: store.change(c, key, who, lambda r: merge_directory(r, declared), {})
    )
    asked = "Perché non è così? L'ufficio è lo 0541 704101"
    control.said("requests", "new", "--rule", "email", *RESIDENCE, *ANNA, "--asked", asked)
    control.said("requests", "remind", "1", "Ancora niente dallo +39 0541704101")
    control.said("requests", "close", "1", "--who", "Rossi", "--note", "risposto")
    folder = tmp_path / "protocollo"
    path = control.said("requests", "export", "1", str(folder), "--pdf")
    assert path == str(folder / "request-1.pdf")
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
    ).stdout
    text = " ".join(text.split())
    for each in (
        "Comune di Esempio",
        "All'ufficio Anagrafe",
        "Oggetto: richiesta n. 1 –",
        "Nome Anna Verdi Telefono 347 0000001 (preferito) E-mail anna@example.org",
        "Ufficio Anagrafe",
        "Perché non è così? L'ufficio è lo •••",
        "Ancora niente dallo •••",
        "(Rossi)",
        "risposto",
        "Stato conclusa",
        "Pagina 1 di 1",
    ):
        assert each in text
    assert "[phone" not in text
    assert "704101" not in text
    key.unlink()
    assert "is missing" in control.refused("requests", "export", "1", str(folder), "--pdf")
    assert "there is no request 9" in control.refused("requests", "export", "9", "--pdf")


@pytest.mark.parametrize("control", ["en"], indirect=True)
def test_an_english_house_reads_english(control: CallControlStub) -> None:
    """The commands speak the first language of the site."""
    told = control.said("requests", "new", "--rule", "email", *AIRE, *ANNA, "--sheet", "aire")
    assert told == "Taken over: request 1."
    assert "open, its mail has not left" in control.said("requests", "list")
    assert "Sheet: aire" in control.said("requests", "show", "1")
    assert "waiting" in control.said("outbox", "list")
    step = StoredStep("s", RequestStep.TAKE, NOW, "op1", "Rossi")
    control.records.ask(lambda c: requests.apply_step(c, 1, step))
    assert "taken" in control.said("requests", "show", "1")
