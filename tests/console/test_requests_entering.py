"""A request entered outside a call: from the counter, or after somebody has rung off (P6, E9)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import AppointmentForm, Request
from appliance.policy.text import SaidError
from appliance.policy.users import User
from appliance.store import call_log, database, requests, users
from tests.console import people
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.test_requests import ELSA, ENGLISH, take
from tests.console.visitor import Visitor
from tests.store.samples import WITHHELD, a_call
from tests.store.test_requests import DIARY
from tests.stories.offices import ROME

pytestmark = pytest.mark.usefixtures("records")

ABOUT = "anagrafe|aire"
MARIO = {
    "about": ABOUT, "rule": "email", "name": "Mario Ceri", "phone": "051 234567", "email": "",
    "prefers": "phone", "language": "it", "subject": "Iscrizione", "asked": "Chiede i tempi",
    "starts": "", "form": "",
}  # fmt: skip


@pytest.fixture
def control(console_settings: ConsoleSettings) -> Iterator[CallsStub]:
    """Call control behind its control socket."""
    with serve_calls(console_settings) as served:
        yield served


def only(records: sqlite3.Connection) -> Request:
    """Return the one request that there is."""
    (kept,) = requests.list_requests(records)
    return kept.request


@pytest.mark.parametrize("user", [people.ANNA, people.CARLA, people.DINO])
def test_it_is_taken_over_and_its_number_told(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub, user: User
) -> None:
    """By head, operator and counter clerk; of no call; in the list of changes, without a number."""
    visitor.log_in(user)
    answer = visitor.post("/requests/new", data=MARIO)
    assert answer.status_code == 303
    stored = only(records)
    assert (stored.rule, stored.unit, stored.need) == (ReturnRule.EMAIL, "anagrafe", "aire")
    assert (stored.citizen.name, stored.citizen.phone) == ("Mario Ceri", "051 234567")
    assert (stored.by, stored.call, stored.asked) == (user.name, "", "Chiede i tempi")
    text = visitor.get(answer.headers["location"], headers=ENGLISH).text
    assert f"Tell the citizen its number: {stored.number}." in text
    (noted,) = database.latest(records, "request.")
    assert (noted.by, noted.what, noted.about) == (user.name, "request.entered", "1 anagrafe")


def test_the_office_is_chosen_first(operator: Visitor, control: CallsStub) -> None:
    """Every office and need, those that take no calls now, too; then the form of the one."""
    text = operator.get("/requests/new", headers=ENGLISH).text
    assert "Anagrafe · AIRE" in text
    assert 'value="tributi|"' in text
    assert 'name="subject"' not in text
    text = operator.get(f"/requests/new?about={ABOUT}", headers=ENGLISH).text
    assert f'value="{ABOUT}" selected' in text
    assert 'type="datetime-local"' in text  # it offers no hours of its own
    answer = operator.post("/requests/new", data=MARIO | {"about": "x|y"}, headers=ENGLISH)
    assert answer.status_code == 400
    assert "Choose the office first." in answer.text


def test_an_appointment_takes_one_of_the_offices_free_hours(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
) -> None:
    """P6: call control offers them, and books the chosen one; another is refused in words."""
    calendar = control.mailroom.sender().calendar
    diary = replace(DIARY, calendar=calendar)
    control.mailroom.slots = diary
    free = requests.free_slots_of(records, diary, datetime.now(UTC))[0].start
    text = operator.get(f"/requests/new?about={ABOUT}").text
    assert f'<option value="{free.isoformat()}"' in text
    wanted = MARIO | {"rule": "appointment", "form": "in_person"}
    answer = operator.post("/requests/new", data=wanted, headers=ENGLISH)
    assert (answer.status_code, "When? Choose a day" in answer.text) == (400, True)
    wrong = wanted | {"starts": (free + timedelta(minutes=1)).isoformat()}
    answer = operator.post("/requests/new", data=wrong, headers=ENGLISH)
    assert (answer.status_code, "choose another" in answer.text) == (409, True)
    assert 'value="Mario Ceri"' in answer.text
    operator.post("/requests/new", data=wanted | {"starts": free.isoformat()})
    appointment = only(records).appointment
    assert appointment is not None
    assert (appointment.slot.start, appointment.confirmed) == (free, True)
    assert appointment.form is AppointmentForm.IN_PERSON
    assert requests.booked_slots(records, "anagrafe", datetime.now(UTC)) == {free: 1}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": " "}, "name is missing"),
        ({"phone": ""}, "no way to reach"),
        ({"phone": "non lo so"}, "“non lo so” is no telephone number"),
        ({"subject": ""}, "no subject"),
        ({"prefers": "email"}, "prefers email"),
        ({"rule": "pigeon"}, "pigeon"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    operator: Visitor,
    records: sqlite3.Connection,
    control: CallsStub,
    given: dict[str, str],
    why: str,
) -> None:
    """E15: the same as during a call, in call control's words."""
    answer = operator.post("/requests/new", data=MARIO | given, headers=ENGLISH)
    assert answer.status_code == 409
    assert why in answer.text
    assert "Chiede i tempi" in answer.text
    assert requests.list_requests(records) == ()


def test_what_is_open_of_the_same_citizen_is_offered_first(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """E9: by the number however it is written; a second one only when asked for again."""
    number = take(records)
    same = MARIO | {"phone": "0039 347 0000001"}
    answer = operator.post("/requests/new", data=same, headers=ENGLISH)
    assert answer.status_code == 409
    # Looked at in a tab of its own: Back would not find what was typed.
    assert f'<a href="/requests/{number}" target="_blank" rel="noopener">' in answer.text
    assert f"Request {number} (opens in a new tab)" in answer.text
    assert 'role="alert">Not saved yet: this citizen has open requests.' in answer.text
    assert "Take a new request over all the same" in answer.text
    assert "Chiede i tempi</textarea>" in answer.text
    assert len(requests.list_requests(records)) == 1
    operator.post("/requests/new", data=same | {"anyway": "1"})
    assert len(requests.list_requests(records)) == 2


def test_somebody_of_an_office_enters_none(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Offices take requests, they make none; call control says so too, whoever asks it."""
    users.add(records, ELSA, people.kept(), users.ChangeRequester("test", people.AT, shell=True))
    visitor.log_in(ELSA)
    assert visitor.get("/requests/new").status_code == 403
    assert visitor.post("/requests/new", data=MARIO).status_code == 403
    assert "/requests/new" not in visitor.get("/requests").text


def test_call_control_looks_for_itself_who_may(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Whoever asks it, and by whatever way: the role counts as it is at that moment."""
    records.execute("UPDATE users SET roles = 'deputy' WHERE name = 'carla'")
    question = {"ask": "counter_request", "unit": "anagrafe", **MARIO, "by": "carla"}
    with pytest.raises(SaidError, match="Your role does not include"):
        operator._runner.run(operator.app.state.control.ask(question))
    assert requests.list_requests(records) == ()


def test_of_somebody_who_has_rung_off_the_form_knows_the_number(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """From the call's page: number and name stand in the form, unless the number was withheld."""
    call_log.upsert_calls(records, [a_call("c-1"), replace(a_call("c-2"), caller=WITHHELD)], "b")
    text = operator.get(f"/requests/new?about={ABOUT}&call=c-1").text
    assert 'value="051234567"' in text
    assert 'value="ROSSI"' in text
    assert '<input type="hidden" name="call" value="c-1">' in text
    for call in ("c-2", "none"):
        text = operator.get(f"/requests/new?about={ABOUT}&call={call}").text
        assert 'name="call"' not in text
    assert 'href="/requests/new?call=c-1"' in operator.get("/calls/c-1").text


def test_from_a_free_hour_of_the_week(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """The office's own needs alone, the one there is chosen; the hour is, however far ahead."""
    diary = replace(DIARY, calendar=control.mailroom.calendar)
    control.mailroom.slots = diary
    free = requests.free_slots_of(records, diary, datetime.now(UTC), most=25)[24].start
    wanted = quote(free.astimezone(ROME).isoformat())
    text = operator.get(f"/requests/new?unit=anagrafe&starts={wanted}", headers=ENGLISH).text
    assert f'value="{ABOUT}" selected' in text
    assert "Tributi" not in text
    assert text.count(" selected>") == 3  # the office, the hour, the language
    (chosen,) = re.findall(r'<option value="(2[^"]+)" selected>', text)
    assert datetime.fromisoformat(chosen) == free
    operator.post(
        "/requests/new", data=MARIO | {"rule": "appointment", "form": "in_person", "starts": chosen}
    )
    assert requests.booked_slots(records, "anagrafe", datetime.now(UTC)) == {free: 1}
    assert "Tributi" in operator.get("/requests/new?unit=nobody&starts=x").text


def test_while_call_control_is_away_the_page_says_so(operator: Visitor) -> None:
    """Nothing can be chosen, nothing is lost."""
    answer = operator.get("/requests/new", headers=ENGLISH)
    assert answer.status_code == 503
    assert "does not answer" in answer.text


@pytest.mark.parametrize("weeks", [1, 12, 50])
def test_two_operators_on_the_week_page_want_the_last_place(
    visitor: Visitor,
    console_settings: ConsoleSettings,
    records: sqlite3.Connection,
    control: CallsStub,
    weeks: int,
) -> None:
    """One has it; the other reads one clear sentence, keeps what was typed, and takes another. So
    it is also months ahead, and call control answers whoever asks next.
    """
    calendar = control.mailroom.sender().calendar
    diary = replace(DIARY, slots=replace(DIARY.slots, places=1), calendar=calendar)
    control.mailroom.slots = diary
    ahead = datetime.now(UTC) + timedelta(weeks=weeks)
    first, second, *_ = (slot.start for slot in requests.free_slots_of(records, diary, ahead))
    wanted = MARIO | {"rule": "appointment", "form": "in_person", "starts": first.isoformat()}
    visitor.log_in(people.CARLA)
    with Visitor(console_settings) as other:
        other.log_in(people.ANNA)
        assert visitor.post("/requests/new", data=wanted).status_code == 303
        late = wanted | {"name": "Anna Neri", "phone": "051 765432"}
        refused = other.post("/requests/new", data=late)
        assert refused.status_code == 409
        assert "è appena stato preso: cambiare orario." in refused.text
        assert 'value="Anna Neri"' in refused.text
        taken = other.post("/requests/new", data=late | {"starts": second.isoformat()})
        assert taken.status_code == 303
    assert requests.booked_slots(records, "anagrafe", datetime.now(UTC)) == {first: 1, second: 1}
    assert control.stores.records.is_alive


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"rule": "appointment", "starts": "2027-01-12T15:20", "form": "in_person"},
        {"rule": "appointment", "starts": "2027-01-12T15:20:00+01:00", "form": "in_person"},
    ],
)
def test_a_form_that_is_sent_while_call_control_is_away_comes_back_filled(
    operator: Visitor, records: sqlite3.Connection, given: dict[str, str]
) -> None:
    """E18: nothing that was typed is lost, and one sentence says that it was not saved."""
    answer = operator.post("/requests/new", data=MARIO | given, headers=ENGLISH)
    assert answer.status_code == 503
    assert 'role="alert">Not saved. The switchboard does not answer' in answer.text
    for each in ("Mario Ceri", "051 234567", "Iscrizione", given.get("starts", "")):
        assert f'value="{each}"' in answer.text
    assert "Chiede i tempi</textarea>" in answer.text
    assert f'<option value="{ABOUT}" selected>' in answer.text
    assert f'name="about" value="{ABOUT}"' in answer.text


def test_a_form_of_no_office_is_not_shown_while_call_control_is_away(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """Nobody can send one with a browser."""
    for given in ({"about": ""}, {"rule": "pigeon"}):
        answer = operator.post("/requests/new", data=MARIO | given, headers=ENGLISH)
        assert (answer.status_code, 'name="subject"' in answer.text) == (503, False)
