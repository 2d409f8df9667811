"""`centralino calls erase`: a person's records go whole, others' stay, through the socket (E20)."""

from __future__ import annotations

import json
import queue
import random
import selectors
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from icalendar import Calendar

from appliance.__main__ import main
from appliance.api import users
from appliance.api.control_socket import ControlSocket
from appliance.api.privacy import ErasureCommands
from appliance.calls import events
from appliance.calls.events import Caller, Event, Presentation
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.config import read as configuration
from appliance.errors import OfficeError
from appliance.mail import Meeting, invitation
from appliance.policy.dialling import DialLedger, DialRules, PlacedCall
from appliance.policy.hours import moment_words
from appliance.policy.mail import Mail, MailState, QueuedMail
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    RequestStep,
)
from appliance.policy.users import User
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.service.stores import Stores
from appliance.store import call_log, database, outbox, requests, voicemail
from appliance.store import (
    users as store_users,
)
from appliance.store.database import database_path
from appliance.store.requests import RequestToStore
from appliance.store.voicemail import CaseKind
from tests.commands.test_requests import CONFIG
from tests.store.samples import TEN, a_call, a_message
from tests.store.test_requests import AT, LETTERS, WANTED, step

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HERS, HIS = "3470000001", "051234567"
ANNA = Caller(Presentation.SHOWN, HERS, "ANNA VERDI")
BY = ("--by", "Dott. Neri", "--reason", "asked by the citizen")


@dataclass
class Box:
    """The stores behind a control socket, and what call control was told."""

    file: Path
    state: Path
    stores: Stores
    posted: queue.SimpleQueue[Event]

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command line to its expected end; what it refuses it says in English."""
        language = ("--language", "en") if code else ()
        line = [*language, words[0], "--config", str(self.file), *words[1:]]
        result = CliRunner().invoke(main, line)
        assert result.exit_code == code, result.output
        return result.output.strip()

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the records."""
        return self.stores.records.ask(lambda c: [tuple(row) for row in c.execute(sql)])

    def files_naming(self, *needles: str) -> list[str]:
        """Return the files below the state folder in which any of these stands."""
        return [
            path.name
            for path in sorted(self.state.rglob("*"))
            if path.is_file() and any(needle.encode() in path.read_bytes() for needle in needles)
        ]

    def told(self) -> DialLedger:
        """Wait for call control to be told who has called, erased numbers forgotten before."""
        while True:
            event = self.posted.get(timeout=5)
            if isinstance(event, events.NumbersKnown) and event.forgotten:
                assert isinstance(event.ledger, DialLedger)
                return event.ledger.with_newer(DialLedger({HERS: AT}).forget(event.forgotten))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Open a control socket behind which Anna's and Rossi's records are kept, and one of nobody's
    number.
    """
    file, state = tmp_path / "centralino.toml", tmp_path / "state"
    file.write_text(CONFIG.format(folder=tmp_path, language="it"), encoding="utf-8")
    posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stores = Stores(state, "b", posted.put, lambda *_: None)
    stores.start()
    # The calls are of one November: whoever called then is known on any day that this is run.
    stores.load_numbers(DialRules(known_days=36_500))
    users.prepare_proof(state)
    stores.records.ask(fill)
    for ident, number in (("m1", HERS), ("m2", HIS)):
        write_sound(state / "voicemail" / "new", ident, number)
    write_sound(state / "voicemail" / "corrupt", "m9", HERS)
    erasures = ErasureCommands(configuration.load(file), stores, lambda: NOW)
    selector, stopping = selectors.DefaultSelector(), threading.Event()
    served = ControlSocket(tmp_path / "run" / "desk.sock", selector, erasures.known["erase"])

    def serve() -> None:
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    yield Box(file, state, stores, posted)
    stopping.set()
    thread.join()
    served.close()
    stores.stop(lambda: None)


def write_sound(folder: Path, ident: str, number: str) -> None:
    """Lay a message's sound and description."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{ident}.wav").write_bytes(b"RIFF sound")
    (folder / f"{ident}.meta").write_text(f'{{"caller_number": "{number}"}}', encoding="utf-8")


def fill(connection: sqlite3.Connection) -> None:
    """Write what is kept of Anna, and of Rossi, in whose note she is named."""
    hers = replace(a_call("a-1", Result.MESSAGE), caller=ANNA)
    voicemail.insert_message(connection, replace(a_message("m1", "a-1"), caller=ANNA), hers, "b")
    voicemail.insert_message(
        connection, a_message("m2", "a-2"), a_call("a-2", Result.MESSAGE, 1), "b"
    )
    missed = replace(hers, call="a-3", result=Result.GAVE_UP)
    out = CallRecord(
        "a-4", "line1", TEN, caller=ANNA, result=Result.ANSWERED, direction=Direction.OUT,
        case="message:1",
    )  # fmt: skip
    call_log.upsert_calls(connection, (missed, out), "b")
    noted = MessageEntry(AT, "op1", MessageStep.NOTE, None, "richiamare anche +39 347 000 0001")
    voicemail.add_entry(connection, CaseKind.CALL, "a-3", noted)
    voicemail.add_entry(connection, CaseKind.MESSAGE, "2", noted)
    requests.insert_request(connection, RequestToStore("r1", replace(WANTED, call=""), AT), LETTERS)
    other = replace(WANTED, call="", citizen=Citizen("Rossi", HIS))
    requests.insert_request(connection, RequestToStore("r2", other, AT), LETTERS)
    requests.settle_mail(connection, MailState.SENT, QueuedMail(1, 1), "250 OK", AT)
    both = f"Due messaggi:\nANNA VERDI {HERS}\nROSSI {HIS}\n"
    outbox.queue_mail(connection, Mail("alert", "head@comune.example", "Segreteria", both), AT)


def test_a_preview_changes_nothing(box: Box) -> None:
    """E20: how much would go, what is open, what left already; nobody needs to be named."""
    before = box.ask("SELECT * FROM calls")
    told = box.run("erase", "+39 347 000 0001", "--preview")
    assert "nulla è stato toccato" in told
    assert "chiamate 3 " in told
    assert "Richieste non chiuse: 1." in told
    assert "anagrafe@comune.example  richiesta 1" in told
    assert "prossima rotazione" in told
    assert box.ask("SELECT * FROM calls") == before
    assert box.ask("SELECT * FROM audit") == []
    assert len(box.files_naming(HERS)) > 2


def test_open_requests_are_closed_first(box: Box) -> None:
    """E20: with a reason, or the erasure is refused and nothing is touched."""
    refused = box.run("erase", HERS, *BY, code=1)
    assert "not closed yet: requests 1." in refused
    assert len(box.files_naming(HERS)) > 2
    box.stores.records.ask(
        lambda c: requests.apply_step(c, 1, step("s1", RequestStep.CLOSE, "Anagrafe"), LETTERS)
    )
    box.run("erase", HERS, *BY)
    assert box.ask("SELECT number FROM requests") == [(2,)]


def test_mails_that_left_are_named_with_their_local_time(box: Box) -> None:
    """E20: to whom it was sent and when, as a person reads a time."""
    said = box.run("erase", "347 0000001", "--preview")
    at = moment_words(AT.astimezone(ZoneInfo("Europe/Rome")), "it")
    assert f"  {at}  anagrafe@comune.example  richiesta 1" in said


def test_nothing_shows_the_number_afterwards(box: Box) -> None:
    """E20: in no listing and no file; the bare calls stay for the figures, closed."""
    answer = json.loads(box.run("erase", "347 0000001", *BY, "--close-requests", "--json"))
    assert answer["mailed"] == [
        {"to": "anagrafe@comune.example", "at": AT.isoformat(), "request": 1}
    ]
    assert box.files_naming(HERS, "347 000", "ANNA VERDI", "Niccol") == []
    bare = box.ask("SELECT call, result, caller_number, caller_name, about FROM calls")
    assert [row for row in bare if row[0] != "a-2"] == [
        ("a-1", "message", "", "", ""), ("a-3", "gave_up", "", "", ""),
        ("a-4", "answered", "", "", ""),
    ]  # fmt: skip
    assert box.ask("SELECT subject, by, step, outcome FROM care WHERE kind = 'call'") == [
        ("a-3", "shell: Dott. Neri", "close", MessageOutcome.NOT_NEEDED)
    ]
    assert HERS not in box.told().heard


def type_in(box: Box, place: str, typed: Mapping[str, object]) -> None:
    """Keep a colleague's draft."""

    def type_it(connection: sqlite3.Connection) -> None:
        if store_users.find_user(connection, "op1") is None:
            store_users.add_first(connection, User("op1", "Op", frozenset()), "hash", AT)
        store_users.keep(connection, "op1", place, json.dumps(typed), AT)

    box.stores.records.ask(type_it)


def drafts(box: Box) -> dict[object, dict[str, Any]]:
    """Return what is left of the drafts, by place."""
    rows = box.ask("SELECT place, body FROM drafts")
    return {place: json.loads(str(body)) for place, body in rows}


FORM = {"about": {"call": "a-3"}, "values": [["name", "Ugo Verdi"], ["phone", HERS]]}
HIS_FORM = {"about": {"call": "a-2"}, "values": [["name", "Rossi"], ["phone", HIS]]}


@pytest.mark.parametrize("what", [("347 0000001", "--close-requests"), ("--call", "a-3")])
def test_nor_does_what_somebody_has_half_typed(box: Box, what: tuple[str, ...]) -> None:
    """E18, E20: a colleague's form and note of an erased call go whole, with the name; another
    caller's stay. A page that still holds them is told to drop them.
    """
    own = {"call": "a-3", "form": None}
    captions = {"a-3": f"{HERS}, 10:31", "a-2": f"{HIS}, 10:40"}
    form = {"call": "a-2", "form": FORM, "pending": [own | {"note": "Ugo"}], "captions": captions}
    type_in(box, "desk", form | {"note": "residenza", "noteCall": "a-2"})
    type_in(box, "inbox", {"/inbox/call/3": "Ugo Verdi", "/inbox/message/2": "domani"})
    box.run("erase", *what, *BY)
    assert box.files_naming("Ugo") == []
    left = drafts(box)
    assert (left["desk"]["form"], left["desk"]["pending"]) == (None, [])
    assert (left["desk"]["note"], list(left["desk"]["captions"])) == ("residenza", ["a-2"])
    assert "a-3" in left["desk"]["erased"]["names"]
    assert (left["inbox"]["/inbox/message/2"], "/inbox/call/3" in left["inbox"]) == (
        "domani",
        False,
    )
    assert "/inbox/call/3" in left["inbox"]["erased"]["names"]


def test_a_half_typed_number_takes_its_note_along(box: Box) -> None:
    """E20: a name may stand beside it, whatever call it was typed in; of any form."""
    type_in(box, "desk", {"note": "richiamare Verdi 347 000 0001", "form": HIS_FORM, "call": ""})
    type_in(box, "declare:x", {"fields": [["said_by", f"Verdi {HERS}"]]})
    box.run("erase", "347 0000001", *BY, "--close-requests")
    left = drafts(box)
    assert list(left) == ["desk"]
    assert (left["desk"]["note"], left["desk"]["form"]) == ("", HIS_FORM)
    assert "" in left["desk"]["erased"]["names"]


@pytest.mark.parametrize("typed", [{"form": 7}, {"pending": [3]}, {"erased": {"at": 7}}])
def test_a_draft_that_is_none_goes(box: Box, typed: dict[str, object]) -> None:
    """E20: whatever a browser has written keeps nobody from erasing."""
    type_in(box, "desk", typed)
    box.run("erase", HERS, *BY, "--close-requests")
    assert box.files_naming(HERS) == []


def test_a_page_that_has_not_heard_of_it_keeps_nothing(box: Box) -> None:
    """E20: its own copy would bring the erased person back; having heard, it keeps what is left."""
    type_in(box, "desk", {"form": FORM})
    box.run("erase", HERS, *BY, "--close-requests")
    mark = drafts(box)["desk"]["erased"]
    with pytest.raises(OfficeError, match="may hold what was erased"):
        type_in(box, "desk", {"form": FORM})
    type_in(box, "desk", {"form": HIS_FORM, "erased": mark["at"]})
    assert drafts(box)["desk"] == {"form": HIS_FORM, "erased": mark}


def test_others_are_untouched(box: Box) -> None:
    """E20: only the number itself leaves a note, and its line an e-mail, that concern another."""
    box.run("erase", HERS, *BY, "--close-requests")
    assert box.ask("SELECT id, caller_number FROM messages") == [("m2", HIS)]
    assert box.ask("SELECT number, phone FROM requests") == [(2, HIS)]
    assert box.ask("SELECT note FROM care WHERE subject = 'm2'") == [("richiamare anche […]",)]
    assert box.ask("SELECT body FROM outbox WHERE key = 'alert'") == [
        (f"Due messaggi:\nROSSI {HIS}\n",)
    ]
    assert (box.state / "voicemail" / "new" / "m2.wav").exists()
    assert HIS in box.told().heard
    with (
        closing(sqlite3.connect(database_path(box.state))) as connection,
        pytest.raises(sqlite3.Error, match="what was done stands"),
    ):
        connection.execute("UPDATE care SET note = ''")


def test_the_audit_says_who_when_and_how_much(box: Box) -> None:
    """E20: never the number, not even in the reason."""
    assert "the audit never holds" in box.run(
        "erase", HERS, "--by", "Neri", "--reason", f"+39 {HERS}", "--close-requests", code=1
    )
    box.run("erase", HERS, *BY, "--close-requests")
    (noted,) = box.stores.records.ask(lambda c: database.latest(c, "erasure"))
    assert (noted.at, noted.by) == (NOW, "shell: Dott. Neri")
    assert noted.about.startswith("3 calls, 1 messages, 1 requests, 1 of them closed for it")
    assert noted.about.endswith("asked by the citizen")


def test_a_chosen_record_goes_alone(box: Box) -> None:
    """E20: a message takes its call with it; the same person's other calls stay."""
    box.run("erase", "--message", "1", *BY)
    assert box.ask("SELECT call FROM calls WHERE caller_number = '3470000001'") == [("a-3",)]
    assert not (box.state / "voicemail" / "new" / "m1.meta").exists()
    box.run("erase", "--call", "a-3", *BY)
    box.run("erase", "--request", "1", *BY, "--close-requests")
    assert box.ask("SELECT number FROM requests") == [(2,)]
    assert "there is no message 1" in box.run("erase", "--message", "1", *BY, code=1)
    assert "no number of a request" in box.run("erase", "--request", "x", *BY, code=1)


def invite(box: Box, start: datetime, calendar: str = "") -> None:
    """Let request 1, which was sent, have been an appointment of the office."""
    slot = AppointmentSlot(start, start + timedelta(minutes=20))
    meeting = Meeting(
        "request-1-7@comune.example",
        Appointment(slot, AppointmentForm.IN_PERSON, confirmed=True, sequence=2),
        "AIRE (ANNA VERDI)",
        f"telefono: {HERS}",
        "centralino@comune.example",
        "anagrafe@comune.example",
        AT,
    )
    text = calendar or invitation(meeting)
    box.stores.records.ask(
        lambda c: c.execute("UPDATE outbox SET calendar = ? WHERE number = 1", (text,)) and None
    )


def test_the_office_hears_that_its_appointment_is_off(box: Box) -> None:
    """E20: an iCalendar CANCEL by the same UID, told in the preview, and nothing of the person."""
    invite(box, NOW + timedelta(days=4))
    told = box.run("erase", HERS, "--preview")
    assert "l'ufficio riceve l'annullamento" in told
    assert box.ask("SELECT key FROM outbox WHERE key LIKE 'erased-%'") == []
    told = box.run("erase", HERS, *BY, "--close-requests")
    assert "All'ufficio parte l'annullamento dell'appuntamento" in told
    ((to, subject, body, calendar, state),) = box.ask(
        "SELECT recipient, subject, body, calendar, state FROM outbox WHERE key = 'erased-1'"
    )
    assert (to, state) == ("anagrafe@comune.example", "queued")
    assert subject == "Appuntamento annullato: [Richiesta 1]"
    assert "della richiesta 1, lun 30 novembre 2026, 10:00, è annullato" in str(body)
    (event,) = Calendar.from_ical(str(calendar)).walk("VEVENT")
    assert (event["uid"], event["sequence"], event["status"]) == (
        "request-1-7@comune.example", 3, "CANCELLED",
    )  # fmt: skip
    assert box.files_naming(HERS, "ANNA VERDI", "Niccol") == []


@pytest.mark.parametrize("when", [timedelta(0), timedelta(days=-1)])
def test_an_appointment_that_is_over_is_not_cancelled(box: Box, when: timedelta) -> None:
    """Whoever was there was there."""
    invite(box, NOW + when)
    assert "annullamento" not in box.run("erase", HERS, *BY, "--close-requests")
    assert box.ask("SELECT key FROM outbox WHERE key LIKE 'erased-%'") == []


def test_an_invitation_that_never_left_needs_no_cancelling(box: Box) -> None:
    """It goes from the queue with the rest."""
    invite(box, NOW + timedelta(days=4))
    box.stores.records.ask(
        lambda c: c.execute("UPDATE outbox SET state = 'queued', tries = 0") and None
    )
    assert "annullamento" not in box.run("erase", HERS, "--preview")
    box.run("erase", HERS, *BY, "--close-requests")
    assert box.ask("SELECT key FROM outbox WHERE key LIKE 'erased-%'") == []


def test_an_invitation_that_cannot_be_read_hinders_nothing(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    """The erasure is what matters; the journal names the request, whose office is to be told."""
    invite(box, NOW, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    box.run("erase", HERS, *BY, "--close-requests")
    assert box.ask("SELECT number FROM requests") == [(2,)]
    assert "request 1 cannot be taken back" in caplog.text


def test_what_cannot_be_erased_is_said(box: Box) -> None:
    """One sentence for what is wrong."""
    assert "say one" in box.run("erase", *BY, code=1)
    assert "say one" in box.run("erase", HERS, "--call", "a-1", *BY, code=1)
    assert "say both" in box.run("erase", HERS, "--by", "Neri", code=1)
    assert "nothing to erase" in box.run("erase", "0599999999", *BY, code=1)
    going_on = replace(a_call("a-7"), caller=ANNA)
    box.stores.records.ask(lambda c: call_log.upsert_calls(c, (going_on,), "b"))
    assert "is going on" in box.run("erase", HERS, *BY, "--close-requests", code=1)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_kept_nothing_of_the_number_stays(box: Box, seed: int) -> None:
    """E20: among many callers, written in any way, grown and moved about in the file."""
    dice = random.Random(seed)
    written = [HERS, f"+39{HERS}", f"0039{HERS}", "347 0000001"]
    others = [f"05155{n:05}" for n in range(40)]
    for turn in range(300):
        number = dice.choice(written if turn % 5 == 0 else others)
        record = replace(
            a_call(f"z-{turn}", Result.ANSWERED, turn), caller=Caller(ANNA.presentation, number),
            trail=("x" * dice.randrange(400),),
        )  # fmt: skip
        box.stores.records.ask(
            lambda c, r=record: call_log.upsert_calls(c, (replace(r, trail=()),), "b")  # type: ignore[misc] # a default binds it
        )
        box.stores.records.ask(lambda c, r=record: call_log.upsert_calls(c, (r,), "b"))  # type: ignore[misc] # a default binds it
    theirs = "SELECT rowid, * FROM calls WHERE caller_number LIKE '05155%'"
    before = box.ask(theirs)
    box.run("erase", HERS, *BY, "--close-requests")
    assert box.files_naming(HERS, "347 0000001") == []
    assert box.ask(theirs) == before


def test_a_log_that_somebody_reads_is_said(box: Box) -> None:
    """The answer never says "erased" while the log beside the file still holds the number."""
    box.stores.records.ask(lambda c: c.execute("PRAGMA busy_timeout = 50").fetchall())
    with closing(sqlite3.connect(database_path(box.state), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM calls").fetchone()
        assert "non si è potuto accorciare" in box.run("erase", HERS, *BY, "--close-requests")
        assert HERS not in box.told().heard
        assert box.files_naming(HERS) == ["centralino.db-wal"]
    assert "nothing to erase" in box.run("erase", HERS, *BY, code=1)
    assert box.files_naming(HERS) == []


def test_a_file_written_anew_keeps_short_numbers(box: Box) -> None:
    """`calls list --missed` names calls by their row: VACUUM must leave that as it is."""
    before = box.ask("SELECT rowid, call FROM calls")
    box.stores.records.ask(lambda c: c.execute("DELETE FROM calls WHERE call = 'a-4'"))
    box.stores.records.ask(lambda c: c.execute("VACUUM").fetchall())
    assert box.ask("SELECT rowid, call FROM calls") == [r for r in before if r[1] != "a-4"]


def test_call_control_keeps_what_is_going_on() -> None:
    """A call out that goes on still counts; one that is over counts from the log."""
    over = PlacedCall("o-1", "op1", HERS, AT, talked_s=3.0)
    ledger = DialLedger({HERS: AT, HIS: AT}, (over, replace(over, call="o-2", talked_s=None)))
    left = ledger.forget((HERS,))
    assert list(left.heard) == [HIS]
    assert [placed.call for placed in left.placed] == ["o-2"]
