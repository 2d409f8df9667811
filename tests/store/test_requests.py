"""Requests in the records (P6, E9, E15): stored whole with slot and mail, changed by steps."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.errors import OfficeError
from appliance.policy.directory import AppointmentSlots
from appliance.policy.hours import week_of
from appliance.policy.mail import TO_HEAD, Mail, MailState, QueuedMail
from appliance.policy.requests import (
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    NewRequest,
    RequestState,
    RequestStep,
    spoken_request,
)
from appliance.store import database, outbox, requests
from appliance.store.database import connect, open_database
from appliance.store.requests import (
    RequestMails,
    RequestSound,
    RequestToStore,
    SlotDiary,
    StoredRequest,
    StoredStep,
    new_request_from_json,
    new_request_to_json,
)
from tests.policy.small_directory import APPOINTMENT, CALENDAR, EMAIL, rome
from tests.store.counting import questions

AT = rome("2026-11-23 10:00")
SUNDAY = rome("2026-11-29 10:00")
ANNA = Citizen("Anna Niccolò Verdi", "+39 347 0000001", "anna@example.org")
ASKED = NewRequest(
    EMAIL, "anagrafe", "aire", ANNA, "Iscrizione AIRE", "Chiede i tempi", AT, "op1", "c-1", "aire"
)
DIARY = SlotDiary("anagrafe", AppointmentSlots(week_of(monday="15-17"), 20, places=2), CALENDAR)
SLOT = AppointmentSlot(rome("2026-11-30 15:00"), rome("2026-11-30 15:20"))
WANTED = replace(
    ASKED, rule=APPOINTMENT, appointment=Appointment(SLOT, AppointmentForm.IN_PERSON, True)
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open an empty database."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    yield connection
    connection.close()


def a_letter(kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
    """Write one letter a step, in one thread."""
    number = kept.request.number
    key = f"request-{number}" if happened is None else f"request-{number}-{happened.id}"
    thread = "" if happened is None else f"request-{number}"
    return (Mail(key, "anagrafe@comune.example", "Richiesta", "…", thread, request=number),)


LETTERS = RequestMails(a_letter, "comune.example")


def step(
    ident: str, what: RequestStep, said_by: str = "", words: str = "", minute: int = 0
) -> StoredStep:
    """Let something happen to a request, a little later."""
    return StoredStep(ident, what, AT + timedelta(minutes=minute), "op1", said_by, words)


def test_it_comes_back_as_it_was(db: sqlite3.Connection) -> None:
    """Whatever was taken down is kept, under a short number, with its caller's words."""
    sound = RequestSound("voicemail/new/r1.wav", "ab" * 32)
    stored = requests.insert_request(db, RequestToStore("r1", WANTED, AT, sound))
    assert stored == WANTED.numbered(1)
    assert requests.find_request(db, 1) == StoredRequest(stored, sound, ())
    assert requests.find_request(db, 2) is None
    assert requests.request_ids(db) == {"r1"}


def test_the_same_one_twice_is_one_and_one_mail(db: sqlite3.Connection) -> None:
    """After an unknown outcome the same request may be given again: number and mail are one."""
    numbers = [
        requests.insert_request(db, RequestToStore("r1", ASKED, AT), LETTERS).number
        for _ in range(2)
    ]
    assert (numbers, len(outbox.list_mails(db))) == ([1, 1], 1)


def test_request_and_mail_are_one_transaction(db: sqlite3.Connection) -> None:
    """What cannot be written to the office is not stored either: nobody is told it was."""

    def no_letter(kept: StoredRequest, happened: StoredStep | None) -> tuple[Mail, ...]:
        raise OfficeError("no letter")

    with pytest.raises(OfficeError, match="no letter"):
        requests.insert_request(db, RequestToStore("r1", ASKED, AT), RequestMails(no_letter))
    assert requests.list_requests(db) == ()


def test_its_history_is_whole(db: sqlite3.Connection) -> None:
    """E15: who did what when, who said so; each step once, whatever is tried again."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    steps = (
        step("s1", RequestStep.TAKE, "Rossi"),
        step("s2", RequestStep.REMIND, words="ancora niente", minute=5),
        step("s3", RequestStep.CLOSE, "Anagrafe, per telefono", "risposto", minute=9),
    )
    for each in (*steps, steps[1]):
        kept = requests.apply_step(db, 1, each)
    assert kept.steps == steps
    assert kept.request.reminders == ("ancora niente",)
    assert (kept.request.state, kept.request.taken_by) == (RequestState.DONE, "Rossi")
    closing = kept.request.closing
    assert closing is not None
    assert (closing.said_by, closing.note, closing.cancelled) == (
        "Anagrafe, per telefono",
        "risposto",
        False,
    )


def test_given_on_it_is_followed_by_a_colleague(db: sqlite3.Connection) -> None:
    """E19: a gift stands among the other steps, and goes with its request."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    steps = (
        step("s1", RequestStep.GIVE, "dino"),
        step("s2", RequestStep.REMIND, words="ancora niente", minute=5),
        step("s3", RequestStep.GIVE, "", minute=9),
    )
    for each in (*steps, steps[0]):
        kept = requests.apply_step(db, 1, each)
    assert (kept, kept.steps) == (requests.required_request(db, 1), steps)
    assert (kept.request.follower, kept.request.given_to) == ("", "")
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        db.execute("UPDATE request_gifts SET to_whom = 'op2'")
    db.execute("DELETE FROM request_steps")
    db.execute("DELETE FROM requests")
    assert db.execute("SELECT count(*) FROM request_gifts").fetchone()[0] == 0


def test_history_cannot_be_rewritten(db: sqlite3.Connection) -> None:
    """P4's rule holds here too: what became of a request is only added to."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    requests.apply_step(db, 1, step("s1", RequestStep.TAKE, "Rossi"))
    with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        db.execute("UPDATE request_steps SET by_whom = 'op2'")


def test_what_is_refused_changes_nothing(db: sqlite3.Connection) -> None:
    """A step that may not happen leaves neither a row nor a mail."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    requests.apply_step(db, 1, step("s1", RequestStep.CLOSE, "Anagrafe"))
    for refused in (step("s2", RequestStep.TAKE, "Bianchi"), step("s3", RequestStep.CLOSE)):
        with pytest.raises(OfficeError):
            requests.apply_step(db, 1, refused, LETTERS)
    with pytest.raises(OfficeError, match="there is no request 7"):
        requests.apply_step(db, 7, step("s4", RequestStep.TAKE, "Bianchi"))
    with pytest.raises(OfficeError, match="to which time"):
        requests.apply_step(db, 1, step("s5", RequestStep.MOVE))
    kept = requests.required_request(db, 1)
    assert ([each.id for each in kept.steps], outbox.list_mails(db)) == (["s1"], ())


def test_reminders_follow_up_the_same_thread(db: sqlite3.Connection) -> None:
    """E9: a reminder's mail names the request's mail, and the reminders before it."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT), LETTERS)
    for name in ("s1", "s2"):
        requests.apply_step(db, 1, step(name, RequestStep.REMIND, words="ancora"), LETTERS)
    first, second, third = outbox.list_mails(db)
    assert outbox.thread_ids(db, first.mail) == ()
    assert outbox.thread_ids(db, third.mail) == (first.message_id, second.message_id)


def test_sent_is_kept_where_the_mail_is_settled(db: sqlite3.Connection) -> None:
    """Open until the mail server has it; what comes later than the office changes nothing."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    requests.mark_mailed(db, 1, step("m1", RequestStep.MAILED))
    requests.mark_mailed(db, 1, step("m2", RequestStep.MAILED))
    requests.mark_mailed(db, 9, step("m3", RequestStep.MAILED))
    kept = requests.required_request(db, 1)
    assert (kept.request.state, [each.id for each in kept.steps]) == (RequestState.SENT, ["m1"])


@pytest.mark.parametrize(
    ("number", "name", "found"),
    [
        ("3470000001", "", True),
        ("00393470000001", "", True),
        ("393470000001", "", True),
        ("470000001", "", False),
        ("0000001", "", False),
        ("3470000002", "", False),
        ("", "verdi", True),
        ("", "nicco ver", True),
        ("", "erdi", False),
        ("", "", False),
    ],
)
def test_what_is_open_of_a_citizen(
    db: sqlite3.Connection, number: str, name: str, found: bool
) -> None:
    """E9: offered by the caller's number, however written, or by the name; only open ones."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    requests.insert_request(db, RequestToStore("r2", ASKED, AT))
    requests.apply_step(db, 1, step("s1", RequestStep.CLOSE, "Anagrafe"))
    met = [kept.request.number for kept in requests.find_open(db, number, name)]
    assert met == ([2] if found else [])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("+39 347", True),
        ("0001", True),
        ("verd", True),
        ("001", False),
        ("0470", False),
        ("", False),
    ],
)
def test_what_is_open_is_searched_by_a_part(
    db: sqlite3.Connection, typed: str, found: bool
) -> None:
    """E9: of a name its words' beginnings, of a number the first or last digits; open ones."""
    requests.insert_request(db, RequestToStore("r1", ASKED, AT))
    requests.insert_request(db, RequestToStore("r2", ASKED, AT))
    requests.apply_step(db, 1, step("s1", RequestStep.CLOSE, "Anagrafe"))
    met = [kept.request.number for kept in requests.search_open(db, typed)]
    assert met == ([2] if found else [])


def test_lists(db: sqlite3.Connection) -> None:
    """Newest first; by state, by unit."""
    for n, new in enumerate((ASKED, replace(ASKED, unit="statocivile"), ASKED)):
        requests.insert_request(db, RequestToStore(f"r{n}", new, AT))
    requests.apply_step(db, 1, step("s1", RequestStep.CLOSE, "Anagrafe"))
    assert [k.request.number for k in requests.list_requests(db)] == [3, 2, 1]
    assert [
        k.request.number for k in requests.list_requests(db, RequestState.OPEN, unit="anagrafe")
    ] == [3]


def test_a_list_asks_as_often_for_one_as_for_many(db: sqlite3.Connection) -> None:
    """Requests, and what became of all of them: a long list is no slower for its steps."""
    for n in range(20):
        requests.insert_request(db, RequestToStore(f"r{n}", ASKED, AT))
        requests.apply_step(db, n + 1, step(f"s{n}", RequestStep.REMIND, words="Sollecita"))
    assert all(len(kept.steps) == 1 for kept in requests.list_requests(db))
    assert questions(db, lambda: requests.list_requests(db)) == 2
    assert questions(db, lambda: requests.list_requests(db, limit=1)) == 2


def test_a_slot_is_never_given_twice(db: sqlite3.Connection) -> None:
    """P6: as many as the office has places at a time; then the next caller hears so."""
    for name in ("r1", "r2"):
        requests.insert_request(db, RequestToStore(name, WANTED, AT, diary=DIARY))
    with pytest.raises(OfficeError, match="has just been taken"):
        requests.insert_request(db, RequestToStore("r3", WANTED, AT, diary=DIARY))
    assert [k.request.number for k in requests.list_requests(db)] == [2, 1]
    assert SLOT not in requests.free_slots_of(db, DIARY, SUNDAY)
    requests.apply_step(db, 1, step("s1", RequestStep.CANCEL, "Anna Verdi"))
    assert requests.free_slots_of(db, DIARY, SUNDAY)[0] == SLOT


@pytest.mark.parametrize("weeks", [9, 13, 26, 51])
def test_a_slot_months_ahead_is_not_given_twice_either(db: sqlite3.Connection, weeks: int) -> None:
    """Two operators on the page of one week: the second hears one clear sentence."""
    start = SLOT.start + timedelta(weeks=weeks)
    far = Appointment(
        AppointmentSlot(start, start + timedelta(minutes=20)), AppointmentForm.IN_PERSON, True
    )
    wanted = replace(WANTED, appointment=far)
    for name in ("r1", "r2"):
        requests.insert_request(db, RequestToStore(name, wanted, AT, diary=DIARY))
    with pytest.raises(OfficeError, match="has just been taken: choose another"):
        requests.insert_request(db, RequestToStore("r3", wanted, AT, diary=DIARY))
    assert requests.booked_slots(db, DIARY.unit, AT) == {start: 2}


def test_moving_frees_the_old_slot_and_takes_the_new(db: sqlite3.Connection) -> None:
    """A moved appointment holds one slot; where the new one is taken the old one stays."""
    one_place = replace(DIARY, slots=replace(DIARY.slots, places=1))
    later = AppointmentSlot(rome("2026-11-30 15:20"), rome("2026-11-30 15:40"))
    to_later = Appointment(later, AppointmentForm.IN_PERSON, True)
    for name, new in (("r1", WANTED), ("r2", replace(WANTED, appointment=to_later))):
        requests.insert_request(db, RequestToStore(name, new, AT, diary=one_place))
    with pytest.raises(OfficeError, match="has just been taken"):
        requests.apply_step(
            db, 1, step("s1", RequestStep.MOVE), appointment=to_later, diary=one_place
        )
    requests.apply_step(db, 2, step("s2", RequestStep.CANCEL, "Anna"), diary=one_place)
    kept = requests.apply_step(
        db, 1, step("s3", RequestStep.MOVE), appointment=to_later, diary=one_place
    )
    assert kept.request.appointment == replace(to_later, sequence=1)
    assert requests.find_request(db, 1) == kept
    assert requests.free_slots_of(db, one_place, SUNDAY)[0] == SLOT


def test_two_at_once_share_no_slot(tmp_path: Path) -> None:
    """Twelve desks want the same slot of two places in the same moment: two have it."""
    path = tmp_path / "c.db"
    open_database(path, tmp_path / "corrupt").connection.close()
    together = threading.Barrier(12)
    had: list[bool] = []

    def want(n: int) -> None:
        with closing(connect(path)) as connection:
            together.wait(20)
            try:
                requests.insert_request(
                    connection, RequestToStore(f"r{n}", WANTED, AT, diary=DIARY)
                )
            except OfficeError:
                had.append(False)
            else:
                had.append(True)

    writers = [threading.Thread(target=want, args=(n,)) for n in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert sorted(had) == [False] * 10 + [True] * 2


def test_the_table_itself_forbids_two_in_one_place(db: sqlite3.Connection) -> None:
    """Were the look and the taking ever apart, the key would still refuse the second."""
    for name in ("r1", "r2"):
        requests.insert_request(db, RequestToStore(name, ASKED, AT))
    db.execute("INSERT INTO bookings VALUES ('anagrafe', 1, 0, 1)")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO bookings VALUES ('anagrafe', 1, 0, 2)")


def test_beside_a_recording_it_is_json_and_comes_back(db: sqlite3.Connection) -> None:
    """What a power cut leaves on the disk is enough to make the request."""
    spoken = spoken_request(APPOINTMENT, "anagrafe", "aire", "AIRE", "051234567", "c-1", AT, "op1")
    for new in (ASKED, WANTED, spoken):
        assert new_request_from_json(new_request_to_json(new)) == new


def test_notices_are_kept_as_they_were(db: sqlite3.Connection) -> None:
    """The outbox keeps text, attachments and invitation; the same key twice is one."""
    mail = Mail(
        "k 1", TO_HEAD, "Oggetto", "Testo", "k0", ("voicemail/new/x.wav",), "BEGIN:VCALENDAR"
    )
    for _ in range(2):
        outbox.queue_mail(db, mail, AT, "comune.example")
    (kept,) = outbox.list_mails(db)
    assert (kept.mail, kept.queued_at) == (mail, AT)
    assert kept.message_id.startswith("<k-1.")
    assert kept.message_id.endswith("@comune.example>")


def test_what_has_left_is_not_dropped(db: sqlite3.Connection) -> None:
    """The mail server has it: nobody can say that it was not sent."""
    outbox.queue_mail(db, Mail("k1", "a@b.example", "S", "B"), AT)
    requests.settle_mail(db, MailState.SENT, QueuedMail(1, 1), "250 OK", AT)
    with pytest.raises(OfficeError, match="mail 1 has left already: 250 OK"):
        outbox.drop_mail(db, 1, "op1", "doppio", AT)
    with pytest.raises(OfficeError, match="mail 1"):
        outbox.retry_mail(db, 1, "op1", AT)
    assert outbox.required_mail(db, 1).state is MailState.SENT


def test_dropped_by_somebody_for_a_reason(db: sqlite3.Connection) -> None:
    """Nothing leaves the outbox silently: who and why stay; it may be tried again."""
    outbox.queue_mail(db, Mail("k1", "a@b.example", "S", "B"), AT)
    with pytest.raises(OfficeError, match="say both"):
        outbox.drop_mail(db, 1, "op1", " ", AT)
    with pytest.raises(OfficeError, match="there is no mail 2"):
        outbox.drop_mail(db, 2, "op1", "doppio", AT)
    outbox.drop_mail(db, 1, "op1", "doppio", AT)
    (kept,) = outbox.list_mails(db)
    assert (kept.state, kept.settled_by, kept.reason, kept.settled_at) == (
        MailState.DROPPED,
        "op1",
        "doppio",
        AT,
    )
    outbox.retry_mail(db, 1, "op2", AT)
    assert [k.number for k in outbox.list_mails(db, MailState.QUEUED)] == [1]
    noted = [(one.by, one.what, one.about) for one in database.latest(db, "outbox.")]
    assert noted == [("op2", "outbox.retry", "1"), ("op1", "outbox.drop", "1")]
