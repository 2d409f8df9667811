"""Messages and missed calls on the console: heard, taken, called back, closed (P9, E16–E18)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.calls.orders import Direction, Result
from appliance.calls.outgoing import OUT_OF_BAND
from appliance.console.settings import ConsoleSettings
from appliance.console.waves import wave_of
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.policy.voicemail import MessageOutcome, MessageState, MessageStep
from appliance.store import call_log, voicemail
from appliance.store.voicemail import CaseKind, Message
from tests.calls.examples import up
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.people import ANNA, BEPPE, CARLA, DINO
from tests.console.states import told
from tests.console.visitor import Visitor
from tests.helpers.words import pair
from tests.store.samples import SHOWN, WITHHELD, a_call, a_message

ENGLISH = {"accept-language": "en"}
SOUND = b"RIFF" + bytes(range(256)) * 8


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    with serve_calls(console_settings) as served:
        yield served


def leave(records: sqlite3.Connection, ident: str = "m1", **changes: object) -> int:
    """Have a message left, with its call; returns its number."""
    call = replace(a_call(f"call-{ident}", Result.MESSAGE), message=ident)
    message: Message = replace(a_message(ident, call.call), **changes)  # type: ignore[arg-type] # a test's own keywords
    voicemail.insert_message(records, message, call, "b")
    found = voicemail.find_message(records, ident)
    assert found is not None
    return found.number


def miss(records: sqlite3.Connection, call: str = "lost-1", result: Result = Result.GAVE_UP) -> int:
    """Have a call missed an hour ago; returns its number."""
    rang = datetime.now(UTC) - timedelta(hours=1)
    call_log.upsert_calls(records, [replace(a_call(call, result), rang_at=rang)], "b")
    return voicemail.find_case(records, CaseKind.CALL, call)[1]


def steps(records: sqlite3.Connection, ident: str = "m1") -> list[tuple[MessageStep, str]]:
    """Return what was done about a message, and by whom."""
    return [
        (entry.step, entry.by) for entry in voicemail.list_entries(records, CaseKind.MESSAGE, ident)
    ]


def test_the_list_says_what_a_colleague_must_know(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Number called, caller, when, length; without a number it is flagged (E16)."""
    leave(records, called="051999999")
    leave(records, "m2", caller=WITHHELD, interrupted=True)
    text = operator.get("/messages", headers=ENGLISH).text
    assert "051234567 ROSSI" in text
    assert "051999999" in text
    assert "1:01" in text
    assert "number withheld" in text
    assert "no number" in text
    assert "interrupted" in text


def test_lists_are_by_state(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Taken by whom, closed with which outcome; what is closed is not in the way."""
    taken, closed = leave(records), leave(records, "m2")
    operator.post(f"/messages/{taken}/take")
    operator.post(f"/messages/{closed}/close", data={"outcome": "not_needed", "note": "ok"})
    still = operator.get("/messages?state=taken", headers=ENGLISH).text
    assert "taken by Carla Blu" in still
    assert f"Message {closed}<" not in still
    assert f"Message {closed}<" not in operator.get("/messages?state=x", headers=ENGLISH).text
    gone = operator.get("/messages?state=closed", headers=ENGLISH).text
    assert "not needed · Carla Blu" in gone
    assert "no message here" in operator.get("/messages?state=new", headers=ENGLISH).text


@pytest.mark.parametrize("path", ["/messages", "/messages/1", "/messages/1/sound", "/missed"])
def test_only_who_deals_with_messages_sees_them(
    visitor: Visitor, records: sqlite3.Connection, path: str
) -> None:
    """Neither technician nor counter (E2: the counter has calls, not the voicemail)."""
    leave(records)
    for user in (BEPPE, DINO):
        visitor.log_in(user)
        assert visitor.get(path).status_code == 403
        for kind in ("messages", "missed"):
            assert visitor.post(f"/{kind}/1/call-back").status_code == 403


@pytest.mark.parametrize("path", ["/messages/99", "/missed/99", "/messages/99/sound"])
def test_what_is_not_there_is_said(operator: Visitor, path: str) -> None:
    """A number that nobody has."""
    assert operator.get(path).status_code == 404


def test_a_message_is_heard_from_anywhere_in_it(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    console_settings: ConsoleSettings,
) -> None:
    """HTTP ranges, so that one can seek; who began it has heard it, once for each beginning."""
    number = leave(records)
    path = console_settings.voicemail / "new" / "m1.wav"
    path.write_bytes(SOUND)
    whole = operator.get(f"/messages/{number}/sound")
    assert (whole.status_code, whole.content) == (200, SOUND)
    assert whole.headers["content-type"] == "audio/wav"
    part = operator.get(f"/messages/{number}/sound", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, SOUND[100:200])
    assert steps(records) == [(MessageStep.HEAR, "carla")]


def test_the_page_shows_the_wave_and_nobody_has_heard(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    console_settings: ConsoleSettings,
) -> None:
    """P9: a message counts as heard once its sound is played."""
    number = leave(records)
    path = console_settings.voicemail / "new" / "m1.wav"
    path.write_bytes(wav.build(bytes(800), Law.ULAW))
    page = operator.get(f"/messages/{number}").text
    assert f'href="/messages/{number}/wave.svg#bars"' in page
    answer = operator.get(f"/messages/{number}/wave.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.text == wave_of(path)
    assert steps(records) == []
    path.write_bytes(b"RIFF")
    assert operator.get(f"/messages/{number}/wave.svg").status_code == 404
    path.unlink()
    assert operator.get(f"/messages/{number}/wave.svg").status_code == 404


@pytest.mark.usefixtures("control")
def test_a_message_has_one_length(operator: Visitor, records: sqlite3.Connection) -> None:
    """In the lists, on its page and in its player: whole seconds, none that was only begun."""
    number = leave(records, length_ms=64_600)
    for path in ("/messages", f"/messages/{number}", "/inbox", f"/inbox/message/{number}"):
        shown = set(re.findall(r"\b1:0\d\b", operator.get(path).text))
        assert shown == {"1:04"}, path


@pytest.mark.parametrize("path", ["../centralino.db", "/etc/passwd", "new/none.wav", "new"])
def test_nothing_but_a_message_is_sent(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub, path: str
) -> None:
    """Whatever stands in the records: no file outside the voicemail."""
    number = leave(records, path=path)
    assert operator.get(f"/messages/{number}/sound").status_code == 404


def test_two_people_do_not_call_back_at_once(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E16: the second is told who has it, in the reader's language; nobody is rung."""
    number = leave(records)
    visitor.log_in(CARLA)
    assert visitor.post(f"/messages/{number}/call-back").status_code == 303
    visitor.log_in(ANNA)
    visitor.client.cookies.set("position", "op2")
    refused = visitor.post(f"/messages/{number}/call-back")
    assert refused.status_code == 409
    assert "Già in carico a Carla Blu" in refused.text
    assert "non si richiama in due" in refused.text
    assert [(one["position"], one["case"]) for one in control.called] == [
        ("op1", f"message:{number}")
    ]


def test_outside_the_band_a_reason_is_asked(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E17: it is asked for, then noted with the message."""
    number, control.refuses = leave(records), OUT_OF_BAND
    asked = operator.post(f"/messages/{number}/call-back", headers=ENGLISH)
    assert asked.status_code == 409
    assert "only what is urgent is called back" in asked.text
    assert 'name="reason"' in asked.text
    reason = {"reason": "a burst pipe"}
    done = operator.post(f"/messages/{number}/call-back", data=reason, headers=ENGLISH)
    assert done.headers["location"] == f"/messages/{number}?ringing=1"
    assert control.called[0]["urgent"]
    assert "Called back outside the band: a burst pipe" in operator.get(f"/messages/{number}").text


def test_another_refusal_asks_for_no_reason(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Why nobody is rung, and nothing to fill in."""
    number, control.refuses = leave(records), pair("Telefono occupato.", "Phone engaged.")
    answer = operator.post(f"/messages/{number}/call-back")
    assert "Telefono occupato." in answer.text
    assert 'name="reason"' not in answer.text


def test_without_a_position_nobody_is_rung(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """A position is not a person (E19): it is chosen first."""
    number = leave(records)
    visitor.log_in(ANNA)
    answer = visitor.post(f"/messages/{number}/call-back", headers=ENGLISH)
    assert (answer.status_code, control.called) == (400, [])
    assert "Choose your position" in answer.text


def test_how_a_call_back_goes_is_shown_until_it_is_over(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """First the own phone, then the call, then how it ended; then nothing is asked any more."""
    number = leave(records)
    address = f"/messages/{number}/progress"
    first = operator.get(f"{address}?ringing=1", headers=ENGLISH).text
    assert "Your phone rings" in first
    out = replace(a_call("out-1"), direction=Direction.OUT, phone="op1", case=f"message:{number}")
    call_log.upsert_calls(records, [out], "b")
    going_on = operator.get(address, headers=ENGLISH).text
    assert "going on, from op1" in going_on
    assert "every 2s" in going_on
    call_log.upsert_calls(records, [replace(out, result=Result.NOT_REACHED)], "b")
    over = operator.get(address, headers=ENGLISH).text
    assert "not reached" in over
    assert "every 2s" not in over


def test_a_message_without_a_number_has_hints(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """E16: who called in the ten minutes before; nobody can be called back about it itself."""
    at = datetime.now(UTC)
    call_log.upsert_calls(
        records, [replace(a_call("e", Result.GAVE_UP), rang_at=at - timedelta(minutes=3))], "b"
    )
    number = leave(records, caller=WITHHELD, received_at=at)
    text = operator.get(f"/messages/{number}", headers=ENGLISH).text
    assert "051234567 ROSSI" in text
    assert "/call-back" not in text
    alone = leave(records, "m2", caller=WITHHELD, received_at=at - timedelta(days=1))
    assert "nobody else called" in operator.get(f"/messages/{alone}", headers=ENGLISH).text


def test_a_message_goes_its_way(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Taken, tried in vain, noted, released, closed, opened again: each by one button."""
    number = leave(records)
    for step, data in (
        ("take", {}),
        ("fail", {}),
        ("note", {"note": "dopo le 15"}),
        ("release", {}),
        ("close", {"outcome": "called_back"}),
        ("reopen", {}),
    ):
        assert operator.post(f"/messages/{number}/{step}", data=data).status_code == 303, step
    kept = [step for step, _ in steps(records)]
    assert kept == [
        MessageStep.TAKE,
        MessageStep.FAIL,
        MessageStep.NOTE,
        MessageStep.RELEASE,
        MessageStep.CLOSE,
        MessageStep.REOPEN,
    ]
    text = operator.get(f"/messages/{number}").text
    assert "dopo le 15" in text
    assert "Carla Blu" in text


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [("reopen", 409, "Nessuno segue questo caso"), ("alert_unheard", 400, "non esiste")],
)
def test_what_cannot_be_done_is_said(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    step: str,
    status: int,
    said: str,
) -> None:
    """In the reader's language, on the message's own page."""
    number = leave(records)
    answer = operator.post(f"/messages/{number}/{step}")
    assert answer.status_code == status
    assert said in answer.text


def test_words_of_others_are_only_words(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """A note, or a caller's name, that looks like a page is shown as it was typed."""
    bad = "<script>alert(1)</script>"
    number = leave(records, caller=replace(SHOWN, name=bad))
    operator.post(f"/messages/{number}/note", data={"note": bad})
    for path in ("/messages", f"/messages/{number}"):
        assert "<script>alert" not in operator.get(path).text


def test_the_small_number_beside_the_link(
    operator: Visitor, console_settings: ConsoleSettings
) -> None:
    """As call control tells it, named as messages: the page behind it lists more than these.
    Nothing while nothing is known, nor for none.
    """
    hidden = '<span class="count" data-badge hidden>'
    assert hidden in operator.get("/").text
    with serve_calls(console_settings, **told(up()) | {"waiting": 7}):
        operator.hear_control()
        text = operator.get("/").text
    assert hidden not in text
    badge = text.split("data-badge>")[1].split("</a>")[0]
    assert "<span data-number>7</span>" in badge
    assert "#message" in badge
    assert "Messaggi da seguire" in badge


def test_calls_without_a_message_are_dealt_with_in_the_same_way(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Listed, called back under their own case, closed with an outcome (E16)."""
    number = miss(records)
    assert "051234567 ROSSI" in operator.get("/missed", headers=ENGLISH).text
    assert operator.post(f"/missed/{number}/call-back").status_code == 303
    assert control.called[0]["case"] == "call:lost-1"
    assert (
        "Your phone rings"
        in operator.get(f"/missed/{number}/progress?ringing=1", headers=ENGLISH).text
    )
    assert operator.post(f"/missed/{number}/reopen").status_code == 409
    operator.post(f"/missed/{number}/close", data={"outcome": MessageOutcome.CALLED_BACK.value})
    assert voicemail.care_by_id(records, CaseKind.CALL)["lost-1"].state is MessageState.CLOSED
    assert "There is no call here" in operator.get("/missed?list=x", headers=ENGLISH).text
    assert "called back · Carla Blu" in operator.get("/missed?list=all", headers=ENGLISH).text


def test_a_call_back_that_is_refused_is_said_on_the_calls_page(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """As with messages."""
    number, control.refuses = miss(records), OUT_OF_BAND
    answer = operator.post(f"/missed/{number}/call-back")
    assert answer.status_code == 409
    assert 'name="reason"' in answer.text


def test_interrupted_calls_have_a_list_of_their_own(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """E18: after a power cut call control finds whom to call back."""
    miss(records)
    cut = miss(records, "cut-1", Result.INTERRUPTED)
    text = operator.get("/missed?list=interrupted", headers=ENGLISH).text
    assert f'href="/missed/{cut}"' in text
    assert text.count('<th scope="row">') == 1
    assert "interrupted" in operator.get(f"/missed/{cut}", headers=ENGLISH).text
