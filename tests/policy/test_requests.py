"""Requests for an office (P6, E9, E15): what they must hold, how they go on, when they are late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import OfficeError
from appliance.policy import requests
from appliance.policy.hours import Schedule, week
from appliance.policy.requests import (
    LONGEST_SUBJECT,
    NEXT,
    Appointment,
    Citizen,
    Closing,
    Contact,
    Form,
    Request,
    RequestStep,
    Slot,
    State,
    in_few_words,
)
from tests.policy.town import APPOINTMENT, CALENDAR, EMAIL, rome

ANNA = Citizen("Anna Verdi", "3470000001")
AT = rome("2026-11-23 10:00")
WORKDAYS = Schedule(
    CALENDAR.zone,
    week(monday="8-20", tuesday="8-20", wednesday="8-20", thursday="8-20"),
    CALENDAR.holidays,
)
SLOT = Slot(rome("2026-12-01 15:00"), rome("2026-12-01 15:20"))
AGREED = Appointment(SLOT, Form.IN_PERSON, confirmed=True)
ASKED = Request(7, EMAIL, "anagrafe", "aire", ANNA, "Iscrizione AIRE", "Chiede i tempi", AT, "op1")
DONE = Closing(rome("2026-11-24 12:00"), "op1", "Anagrafe, per telefono")


@pytest.mark.parametrize(
    ("name", "phone", "email", "prefers", "said"),
    [
        (" ", "347", "", Contact.PHONE, "name is missing"),
        ("Anna", "", "", Contact.PHONE, "no way to reach"),
        ("Anna", "", "anna", Contact.EMAIL, "no e-mail address"),
        ("Anna", "347", "", Contact.EMAIL, "prefers email"),
        ("Anna", "", "a@example.org", Contact.PHONE, "prefers phone"),
    ],
)
def test_what_is_needed_of_a_citizen(
    name: str, phone: str, email: str, prefers: Contact, said: str
) -> None:
    """E15: a name, at least one contact, and the preferred one."""
    with pytest.raises(OfficeError, match=said):
        Citizen(name, phone, email, prefers)


def test_what_is_needed_of_a_request() -> None:
    """A subject; a time where it is an appointment, and only there."""
    with pytest.raises(OfficeError, match="no subject"):
        replace(ASKED, subject=" ")
    with pytest.raises(OfficeError, match="needs its time"):
        replace(ASKED, rule=APPOINTMENT)
    with pytest.raises(OfficeError, match="needs its time"):
        replace(ASKED, appointment=AGREED)


def test_its_way() -> None:
    """Open until the mail server has it, sent until the office has it, then done."""
    sent = requests.mailed(ASKED)
    taken = requests.take(sent, "Rossi")
    done = requests.closed(taken, DONE)
    assert [r.state for r in (ASKED, sent, taken, done)] == list(State)
    assert (taken.taken_by, done.closing) == ("Rossi", DONE)
    assert requests.mailed(done).state is State.DONE  # a receipt that comes late


def test_every_state_and_step() -> None:
    """The table is whole: what is not in it is refused in words."""
    for state in State:
        for step in RequestStep:
            assert (step in NEXT[state]) is (state is not State.DONE or step is RequestStep.MAILED)
    with pytest.raises(OfficeError, match="request 7 is done: it needs no take any more"):
        requests.take(requests.closed(ASKED, DONE), "Rossi")


def test_never_closed_by_nobody() -> None:
    """E15: who said so is part of it."""
    with pytest.raises(OfficeError, match="who said"):
        requests.closed(ASKED, replace(DONE, said_by=" "))


def test_a_reminder_is_no_second_request() -> None:
    """E9: words are added, those before stay."""
    once = requests.reminded(ASKED, "Richiama: ancora niente")
    twice = requests.reminded(once, "Terza telefonata")
    assert twice.reminders == ("Richiama: ancora niente", "Terza telefonata")


def test_when_it_is_late() -> None:
    """Within three working days: from a Monday to Thursday, from a Wednesday over the weekend."""
    assert requests.due(ASKED, WORKDAYS) == date(2026, 11, 26)
    wednesday = replace(ASKED, at=rome("2026-11-25 10:00"))
    assert requests.due(wednesday, WORKDAYS) == date(2026, 12, 1)
    assert not requests.is_overdue(ASKED, WORKDAYS, rome("2026-11-26 23:00"))
    assert requests.is_overdue(ASKED, WORKDAYS, rome("2026-11-27 00:01"))
    assert not requests.is_overdue(requests.closed(ASKED, DONE), WORKDAYS, rome("2027-01-01 10:00"))


def test_where_no_day_is_a_working_day() -> None:
    """A house without hours still has days."""
    never = Schedule(CALENDAR.zone, week())
    assert requests.due(ASKED, never) == date(2026, 11, 26)


def test_when_an_appointment_is_late() -> None:
    """An agreed one on its day; one that the office must agree to within the working days."""
    agreed = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    proposed = replace(agreed, appointment=replace(AGREED, confirmed=False))
    assert requests.due(agreed, WORKDAYS) == date(2026, 12, 1)
    assert requests.due(proposed, WORKDAYS) == date(2026, 11, 26)


STEPS: dict[RequestStep, Callable[[Request], Request]] = {
    RequestStep.MAILED: requests.mailed,
    RequestStep.TAKE: lambda r: requests.take(r, "Rossi"),
    RequestStep.REMIND: lambda r: requests.reminded(r, "ancora"),
    RequestStep.CLOSE: lambda r: requests.closed(r, DONE),
    RequestStep.GIVE: lambda r: requests.given(r, "dino"),
    RequestStep.CANCEL: lambda r: requests.cancelled(r, DONE),
    RequestStep.MOVE: lambda r: requests.moved(r, AGREED),
}


@given(st.lists(st.sampled_from(list(RequestStep)), max_size=12))
def test_done_is_the_end(steps: list[RequestStep]) -> None:
    """Whatever comes in whatever order, nothing leaves DONE; only CLOSE and CANCEL lead there."""
    request = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    for step in steps:
        try:
            request = STEPS[step](request)
        except OfficeError:
            assert request.state is State.DONE
    assert (request.state is State.DONE) is bool(
        {RequestStep.CLOSE, RequestStep.CANCEL} & set(steps)
    )


def test_a_cancelled_one_is_over_and_says_so() -> None:
    """The citizen does not want it any more: not done, but over; somebody must have said so."""
    ended = requests.cancelled(ASKED, DONE)
    assert ended.closing == replace(DONE, cancelled=True)
    with pytest.raises(OfficeError, match="who cancels it"):
        requests.cancelled(ASKED, replace(DONE, said_by=""))


def test_given_to_a_colleague_who_follows_it_from_then_on() -> None:
    """E19: whoever took it over follows it, until it is given on, or to nobody; the office's state
    and who of the office has it stay as they are."""
    given = requests.given(requests.take(ASKED, "Rossi"), "dino")
    assert (ASKED.follower, given.follower) == ("op1", "dino")
    assert (given.state, given.taken_by) == (State.TAKEN, "Rossi")
    assert requests.given(given, "").follower == ""


def test_a_moved_appointment_is_a_newer_one() -> None:
    """RFC 5545: every change has a higher sequence; what has no appointment cannot be moved."""
    wanted = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    later = replace(AGREED, slot=Slot(rome("2026-12-02 15:00"), rome("2026-12-02 15:20")))
    twice = requests.moved(requests.moved(wanted, later), AGREED)
    assert twice.appointment == replace(AGREED, sequence=2)
    with pytest.raises(OfficeError, match="request 7 has no appointment"):
        requests.moved(ASKED, AGREED)


def test_a_callers_own_words_may_hold_name_contact_and_time() -> None:
    """Taken by the keys of a phone: what is typed elsewhere is spoken here, nothing is missing."""
    new = requests.by_voice(
        APPOINTMENT, "anagrafe", "aire", "Italiani all'estero", "", "call-1", AT, "op1"
    )
    request = new.numbered(12)
    assert (request.number, request.citizen.spoken, request.appointment) == (12, True, None)
    assert (request.state, request.call, request.by) == (State.OPEN, "call-1", "op1")
    with pytest.raises(OfficeError, match="needs its time"):
        replace(new, rule=EMAIL, appointment=AGREED)


def test_a_long_subject_ends_after_a_word_and_nothing_is_lost() -> None:
    """A mail's list shows it whole; all of it begins what is asked."""
    short = "Iscrizione AIRE"
    assert in_few_words(short, "Chiede i tempi") == (short, "Chiede i tempi")
    exact = "x" * LONGEST_SUBJECT
    assert in_few_words(exact, "") == (exact, "")
    long = "perché la bolletta dell'acqua è così alta, " * 4 + "e chiede una verifica"
    subject, asked = in_few_words(long, "Contatore 12")
    assert len(subject) <= LONGEST_SUBJECT
    assert subject.endswith("…")
    assert long.startswith(subject[:-1])
    assert long[len(subject) - 1] in " ,"
    assert asked == f"{long}\nContatore 12"
    one_word = "x" * 300
    assert in_few_words(one_word, "")[0] == "x" * (LONGEST_SUBJECT - 1) + "…"
    at_the_edge = "a" * (LONGEST_SUBJECT - 1) + " b" * 20
    assert in_few_words(at_the_edge, "")[0] == "a" * (LONGEST_SUBJECT - 1) + "…"
