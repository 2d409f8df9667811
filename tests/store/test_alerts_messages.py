"""Notices of new messages, alerts of late ones: each once, durably; and what waits (E16)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord, Result
from appliance.policy.hours import Schedule, week_of
from appliance.policy.mail import TO_HEAD
from appliance.policy.voicemail import (
    CallAlerts,
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
)
from appliance.store import call_log, outbox, voicemail
from appliance.store.alerts import (
    MOST_LINES,
    AlertSettings,
    OpenCounts,
    missed_digest_mails,
    queue_alerts,
)
from appliance.store.database import open_database
from appliance.store.voicemail import CaseKind, MissedCall
from tests.policy.small_directory import EVERY_DAY
from tests.store.samples import TEN, WITHHELD, a_call, a_message
from tests.stories.offices import ROME

WORKDAYS = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13 14-17:30")))
DESK = AlertSettings("urp@comune.example")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with two messages: one of ten o'clock, one of ten to eleven."""
    connection = open_database(tmp_path / "c.db", tmp_path / "corrupt").connection
    voicemail.insert_message(connection, a_message(), a_call("a-1", Result.MESSAGE), "b")
    later = TEN + timedelta(minutes=50)
    second = replace(a_message("m2", "a-2"), caller=WITHHELD, received_at=later)
    voicemail.insert_message(connection, second, a_call("a-2", Result.MESSAGE, 50), "b")
    yield connection
    connection.close()


def looked(db: sqlite3.Connection, now: datetime, notices: AlertSettings = DESK) -> OpenCounts:
    """Look at a moment."""
    return queue_alerts(db, WORKDAYS, notices, now)


def mails(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """List what was queued, by recipient and subject."""
    return [(kept.mail.to, kept.mail.subject) for kept in outbox.list_mails(db)]


def test_a_new_message_is_told_to_call_control_once(db: sqlite3.Connection) -> None:
    """Number, caller, time, length; without the sound, which is heard by whoever may."""
    for _ in range(2):
        looked(db, TEN + timedelta(minutes=1))
    first, second = outbox.list_mails(db)
    assert first.mail.subject == "Segreteria: messaggio 1 da 051234567 ROSSI"
    assert "ricevuto mer 25 novembre 2026, 10:00, durata 1:01" in first.mail.body
    assert (first.mail.to, first.mail.attachments) == ("urp@comune.example", ())
    assert "da un telefono con *86. Poi: 1 riascoltare, 2 prossimo, 3 richiamato" in first.mail.body
    assert "pagina" not in first.mail.body
    assert "numero riservato" in second.mail.subject


def test_the_notice_names_the_page_where_there_is_a_console(db: sqlite3.Connection) -> None:
    """The page first: there a message is heard, taken and closed; then the phone's keys."""
    looked(db, TEN, replace(DESK, page="https://centralino.comune.example/messages"))
    body = outbox.list_mails(db)[0].mail.body
    page = "nella pagina Messaggi: https://centralino.comune.example/messages\n"
    assert body.index(page) < body.index("*86")


def test_the_sound_goes_along_where_that_is_wanted(db: sqlite3.Connection) -> None:
    """An office that reads its mail more than its phones."""
    looked(db, TEN, replace(DESK, sound=True, language="en"))
    assert outbox.list_mails(db)[0].mail.attachments == ("voicemail/new/m1.wav",)


def test_what_is_old_or_closed_is_no_news(db: sqlite3.Connection) -> None:
    """An address entered today is not sent all that lies there; nor without one anybody."""
    looked(db, TEN + timedelta(minutes=1), AlertSettings())
    voicemail.close_message(db, "2", "op1", MessageOutcome.NO_NUMBER, TEN)
    looked(db, TEN + timedelta(days=1, minutes=1), replace(DESK, desk=""))
    assert [to for to, _ in mails(db)] == [TO_HEAD] * 2
    looked(db, TEN + timedelta(days=1, minutes=2))
    assert [to for to, _ in mails(db)] == [TO_HEAD] * 2


def test_an_alert_goes_to_desk_and_head_once(db: sqlite3.Connection) -> None:
    """E16: unheard after 30 minutes, all that became late at once in one mail to each."""
    assert looked(db, TEN + timedelta(minutes=29)).unheard == 0
    before = len(mails(db))
    now = TEN + timedelta(minutes=81)
    for _ in range(3):
        assert looked(db, now) == OpenCounts(unheard=2)
    subject = "Segreteria: messaggi non ascoltati (2)"
    assert mails(db)[before:] == [(TO_HEAD, subject), ("urp@comune.example", subject)]
    assert voicemail.list_entries(db, CaseKind.MESSAGE, "m1") == (
        MessageEntry(now, "box", MessageStep.ALERT_UNHEARD),
    )


def test_heard_but_not_closed_after_a_working_day(db: sqlite3.Connection) -> None:
    """E16: what was heard in time is told of when nobody has closed it a working day later."""
    voicemail.add_entry(db, CaseKind.MESSAGE, "1", MessageEntry(TEN, "op1", MessageStep.HEAR))
    voicemail.close_message(db, "2", "op1", MessageOutcome.NO_NUMBER, TEN)
    assert looked(db, TEN + timedelta(hours=1)) == OpenCounts()
    assert looked(db, TEN + timedelta(days=1)) == OpenCounts(unclosed=1)
    assert mails(db)[-1][1] == "Segreteria: messaggi non chiusi (1)"
    voicemail.close_message(db, "1", "op1", MessageOutcome.CALLED_BACK, TEN)
    assert looked(db, TEN + timedelta(days=2)) == OpenCounts()


def test_an_alert_names_whoever_has_it_now(db: sqlite3.Connection) -> None:
    """E19: what was given to a colleague is the colleague's in what desk and head read, too."""
    voicemail.add_entry(db, CaseKind.MESSAGE, "1", MessageEntry(TEN, "carla", MessageStep.TAKE))
    voicemail.add_entry(
        db, CaseKind.MESSAGE, "1", MessageEntry(TEN, "carla", MessageStep.GIVE, to="dino")
    )
    voicemail.close_message(db, "2", "op1", MessageOutcome.NO_NUMBER, TEN)
    looked(db, TEN + timedelta(days=1))
    (*_, last) = outbox.list_mails(db)
    assert "durata 1:01, in carico a dino" in last.mail.body
    assert "carla" not in last.mail.body


def test_a_digest_of_calls_names_whoever_has_them_now() -> None:
    """E19: likewise of calls without a message."""
    given = MissedCall(7, a_call("lost", Result.GAVE_UP), MessageCare(MessageState.TAKEN, "dino"))
    (mail, *_) = missed_digest_mails(MessageStep.ALERT_UNCLOSED, (given,), DESK, ROME, TEN)
    assert ", in carico a dino" in mail.body


def test_who_has_no_address_is_sent_nothing(db: sqlite3.Connection) -> None:
    """Without a head's or a desk's address the alert is given on the box alone, and kept."""
    assert looked(db, TEN + timedelta(hours=2), AlertSettings(head=False)).unheard == 2
    assert mails(db) == []
    assert voicemail.list_entries(db, CaseKind.MESSAGE, "m1")[0].step is MessageStep.ALERT_UNHEARD


def test_a_failed_job_tells_nothing_and_is_done_again(db: sqlite3.Connection) -> None:
    """Alert and mail are one transaction: neither is kept without the other."""
    db.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
    now = TEN + timedelta(hours=2)
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        looked(db, now, AlertSettings())
    assert voicemail.list_entries(db, CaseKind.MESSAGE, "m1") == ()
    db.execute("DROP TRIGGER full")
    assert looked(db, now, AlertSettings()).unheard == 2
    assert len(mails(db)) == 1


def test_what_waits_is_counted(db: sqlite3.Connection) -> None:
    """E18, E24: missed and interrupted calls, and who asked to be called back."""
    wanted = replace(a_call("w", Result.NO_MESSAGE, 3), caller=WITHHELD, trail=("callback_wanted",))
    calls = [
        replace(a_call("i", Result.INTERRUPTED, 1), caller=WITHHELD),
        replace(a_call("g", Result.GAVE_UP, 2), caller=WITHHELD),
        wanted,
    ]
    call_log.upsert_calls(db, calls, "b")
    assert looked(db, TEN + timedelta(minutes=5)) == OpenCounts(0, 0, 3, 1, 1)


HALF_PAST_EIGHT = TEN.replace(hour=8, minute=30)
UNSEEN, UNCALLED = "Chiamate senza messaggio mai guardate", "Chiamate senza messaggio da richiamare"


@pytest.fixture
def missed(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database with calls of the night before, one from a number that nobody knows."""
    connection = open_database(tmp_path / "m.db", tmp_path / "corrupt").connection
    call_log.upsert_calls(connection, [gave_up("n-1", -600), gave_up("n-2", -500)], "b")
    call_log.upsert_calls(connection, [replace(gave_up("n-3", -400), caller=WITHHELD)], "b")
    yield connection
    connection.close()


def gave_up(call: str, minute: int) -> CallRecord:
    """Make a call that left no message, from a number of its own, so many minutes after ten."""
    number = Caller(Presentation.SHOWN, f"0512{abs(minute):06}")
    return replace(a_call(call, Result.GAVE_UP, minute), caller=number)


def test_calls_that_nobody_looks_at_are_told_of_in_one_digest(missed: sqlite3.Connection) -> None:
    """E16: 30 minutes after opening, once, to desk and head; where there is a number to call."""
    half_an_hour = HALF_PAST_EIGHT + timedelta(minutes=30)
    assert looked(missed, half_an_hour - timedelta(minutes=1)).calls_unseen == 0
    assert mails(missed) == []
    for minutes in range(3):
        assert looked(missed, half_an_hour + timedelta(minutes=minutes)).calls_unseen == 2
    assert mails(missed) == [(TO_HEAD, f"{UNSEEN} (2)"), ("urp@comune.example", f"{UNSEEN} (2)")]
    body = outbox.list_mails(missed)[0].mail.body
    assert (
        "0512000600, mer 25 novembre 2026, 00:00\nChiamata 2: 0512000500, 25/11/2026 01:40"
        not in body
    )
    assert "Chiamata 1: 0512000600, mer 25 novembre 2026, 00:00" in body
    assert "Chiamata 3" not in body


def test_what_becomes_late_after_the_digest_waits_for_the_next_one(
    missed: sqlite3.Connection,
) -> None:
    """A busy day floods nobody: at most one mail a day of each kind to each, none at night."""
    looked(missed, TEN)
    call_log.upsert_calls(missed, [gave_up("d-1", 30)], "b")
    evening = TEN.replace(hour=17)
    assert looked(missed, evening).calls_unseen == 2
    night = TEN + timedelta(hours=15)
    assert looked(missed, night).calls_unseen == 2
    assert len(mails(missed)) == 2
    morning = HALF_PAST_EIGHT + timedelta(days=1, minutes=30)
    found = looked(missed, morning)
    assert (found.calls_unseen, found.calls_unclosed) == (3, 2)
    assert [subject for _, subject in mails(missed)[2:]] == [f"{UNSEEN} (1)"] * 2 + [
        f"{UNCALLED} (2)"
    ] * 2


def test_who_is_dealt_with_is_told_of_no_more(missed: sqlite3.Connection) -> None:
    """Looked at: only the working day counts; closed, or served since: nothing."""
    voicemail.add_entry(missed, CaseKind.CALL, "n-1", MessageEntry(TEN, "Anna", MessageStep.FAIL))
    voicemail.add_entry(
        missed,
        CaseKind.CALL,
        "n-2",
        MessageEntry(TEN, "Anna", MessageStep.CLOSE, MessageOutcome.NOT_NEEDED),
    )
    assert looked(missed, TEN).calls_unseen == 0
    assert mails(missed) == []
    assert looked(missed, TEN + timedelta(days=1)).calls_unclosed == 1
    assert mails(missed)[-1][1] == f"{UNCALLED} (1)"
    later = replace(gave_up("a-1", 1500), caller=gave_up("", -600).caller, result=Result.ANSWERED)
    call_log.upsert_calls(missed, [later], "b")
    assert looked(missed, TEN + timedelta(days=2)).calls_unclosed == 0


@pytest.mark.parametrize(
    ("wanted", "told"), [(CallAlerts.UNCLOSED, [UNCALLED] * 2), (CallAlerts.NONE, [])]
)
def test_an_office_may_want_fewer_alerts(
    missed: sqlite3.Connection, wanted: CallAlerts, told: list[str]
) -> None:
    """`voicemail.missed_alerts`: those not called back alone, or none."""
    for day in range(3):
        looked(missed, TEN + timedelta(days=day), replace(DESK, calls=wanted))
    assert [subject for _, subject in mails(missed)] == [f"{each} (2)" for each in told]


def test_a_long_digest_says_how_many_more(missed: sqlite3.Connection) -> None:
    """A month of calls is counted, not listed; in the language of the house."""
    call_log.upsert_calls(missed, [gave_up(f"m-{n}", -700 - n) for n in range(MOST_LINES)], "b")
    looked(missed, TEN, replace(DESK, language="en"))
    mail = outbox.list_mails(missed)[0].mail
    assert mail.subject == f"Missed calls not looked at ({MOST_LINES + 2})"
    assert mail.body.count("Call ") == MOST_LINES
    assert "… and 2 more." in mail.body


def test_an_office_without_hours_is_told_a_week_later(missed: sqlite3.Connection) -> None:
    """It never opens: the digest waits for no opening."""
    never = Schedule(ROME, week_of())
    queue_alerts(missed, never, DESK, TEN + timedelta(days=6))
    assert mails(missed) == []
    queue_alerts(missed, never, DESK, TEN + timedelta(days=8))
    assert mails(missed)[0] == (TO_HEAD, f"{UNSEEN} (2)")
