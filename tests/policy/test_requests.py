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
from appliance.policy.hours import Schedule, week_of
from appliance.policy.requests import (
    LONGEST_SUBJECT,
    REQUEST_STATE_AFTER,
    Appointment,
    AppointmentForm,
    AppointmentSlot,
    Citizen,
    Contact,
    Request,
    RequestClosing,
    RequestState,
    RequestStep,
    short_subject,
)
from tests.helpers.words import pair
from tests.policy.small_directory import APPOINTMENT, CALENDAR, EMAIL, rome

ANNA = Citizen("Anna Verdi", "3470000001")
AT = rome("2026-11-23 10:00")
WORKDAYS = Schedule(
    CALENDAR.zone,
    week_of(monday="8-20", tuesday="8-20", wednesday="8-20", thursday="8-20"),
    CALENDAR.holidays,
)
SLOT = AppointmentSlot(rome("2026-12-01 15:00"), rome("2026-12-01 15:20"))
AGREED = Appointment(SLOT, AppointmentForm.IN_PERSON, confirmed=True)
ASKED = Request(
    EMAIL, "anagrafe", "aire", ANNA, "Iscrizione AIRE", "Chiede i tempi", AT, "op1", number=7
)
DONE = RequestClosing(rome("2026-11-24 12:00"), "op1", "Anagrafe, per telefono")


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


@pytest.mark.parametrize(
    "phone",
    [
        "051 234567",
        "+39 051/12.34.56 int. 3",
        "051 234567 dopo le 14",
        "(051) 23-45-67",
        "casa 12345",
    ],
)
def test_a_number_may_be_written_in_any_way(phone: str) -> None:
    """With words beside it, too."""
    requests.check_phone(Citizen("Anna", phone))


@pytest.mark.parametrize("phone", ["abc", "non lo so", "vuoto", "1234", "dopo le 14, int. 123"])
def test_words_are_no_number(phone: str) -> None:
    """E15: refused where the office is to call, and taken where it writes."""
    with pytest.raises(OfficeError, match=f"{phone}. is no telephone number"):
        requests.check_phone(Citizen("Anna", phone))
    with pytest.raises(OfficeError, match="at least 5 digits"):
        requests.check_phone(Citizen("Anna", phone, "anna@example.org"))
    requests.check_phone(Citizen("Anna", phone, "anna@example.org", Contact.EMAIL))


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
    sent = requests.mail_accepted(ASKED)
    taken = requests.take_request(sent, "Rossi")
    done = requests.close_request(taken, DONE)
    assert [r.state for r in (ASKED, sent, taken, done)] == list(RequestState)
    assert (taken.taken_by, done.closing) == ("Rossi", DONE)
    assert requests.mail_accepted(done).state is RequestState.DONE  # a receipt that comes late


def test_every_state_and_step() -> None:
    """The table is whole: what is not in it is refused in words."""
    for state in RequestState:
        for step in RequestStep:
            assert (step in REQUEST_STATE_AFTER[state]) is (
                state is not RequestState.DONE or step is RequestStep.MAILED
            )
    with pytest.raises(OfficeError, match="request 7 is done: it needs no take any more"):
        requests.take_request(requests.close_request(ASKED, DONE), "Rossi")


def test_never_closed_by_nobody() -> None:
    """E15: who said so is part of it."""
    with pytest.raises(OfficeError, match="who said"):
        requests.close_request(ASKED, replace(DONE, said_by=" "))


def test_a_reminder_is_no_second_request() -> None:
    """E9: words are added, those before stay."""
    once = requests.remind(ASKED, "Richiama: ancora niente")
    twice = requests.remind(once, "Terza telefonata")
    assert twice.reminders == ("Richiama: ancora niente", "Terza telefonata")


def test_when_it_is_late() -> None:
    """Within three working days: from a Monday to Thursday, from a Wednesday over the weekend."""
    assert requests.due_day(ASKED, WORKDAYS) == date(2026, 11, 26)
    wednesday = replace(ASKED, at=rome("2026-11-25 10:00"))
    assert requests.due_day(wednesday, WORKDAYS) == date(2026, 12, 1)
    assert not requests.is_overdue(ASKED, WORKDAYS, rome("2026-11-26 23:00"))
    assert requests.is_overdue(ASKED, WORKDAYS, rome("2026-11-27 00:01"))
    assert not requests.is_overdue(
        requests.close_request(ASKED, DONE), WORKDAYS, rome("2027-01-01 10:00")
    )


def test_where_no_day_is_a_working_day() -> None:
    """A house without hours still has days."""
    never = Schedule(CALENDAR.zone, week_of())
    assert requests.due_day(ASKED, never) == date(2026, 11, 26)


def test_when_an_appointment_is_late() -> None:
    """An agreed one on its day; one that the office must agree to within the working days."""
    agreed = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    proposed = replace(agreed, appointment=replace(AGREED, confirmed=False))
    assert requests.due_day(agreed, WORKDAYS) == date(2026, 12, 1)
    assert requests.due_day(proposed, WORKDAYS) == date(2026, 11, 26)


STEPS: dict[RequestStep, Callable[[Request], Request]] = {
    RequestStep.MAILED: requests.mail_accepted,
    RequestStep.TAKE: lambda r: requests.take_request(r, "Rossi"),
    RequestStep.REMIND: lambda r: requests.remind(r, "ancora"),
    RequestStep.CLOSE: lambda r: requests.close_request(r, DONE),
    RequestStep.GIVE: lambda r: requests.give_request(r, "dino"),
    RequestStep.CANCEL: lambda r: requests.cancel_request(r, DONE),
    RequestStep.MOVE: lambda r: requests.move_appointment(r, AGREED),
}


@given(st.lists(st.sampled_from(list(RequestStep)), max_size=12))
def test_done_is_the_end(steps: list[RequestStep]) -> None:
    """Whatever comes in whatever order, nothing leaves DONE; only CLOSE and CANCEL lead there."""
    request = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    for step in steps:
        try:
            request = STEPS[step](request)
        except OfficeError:
            assert request.state is RequestState.DONE
    assert (request.state is RequestState.DONE) is bool(
        {RequestStep.CLOSE, RequestStep.CANCEL} & set(steps)
    )


def test_a_cancelled_one_is_over_and_says_so() -> None:
    """The citizen does not want it any more: not done, but over; somebody must have said so."""
    ended = requests.cancel_request(ASKED, DONE)
    assert ended.closing == replace(DONE, cancelled=True)
    with pytest.raises(OfficeError, match="who cancels it"):
        requests.cancel_request(ASKED, replace(DONE, said_by=""))


def test_given_to_a_colleague_who_follows_it_from_then_on() -> None:
    """E19: whoever took it over follows it, until it is given on, or to nobody; the office's state
    and who of the office has it stay as they are."""
    given = requests.give_request(requests.take_request(ASKED, "Rossi"), "dino")
    assert (ASKED.follower, given.follower) == ("op1", "dino")
    assert (given.state, given.taken_by) == (RequestState.TAKEN, "Rossi")
    assert requests.give_request(given, "").follower == ""


def test_a_moved_appointment_is_a_newer_one() -> None:
    """RFC 5545: every change has a higher sequence; what has no appointment cannot be moved."""
    wanted = replace(ASKED, rule=APPOINTMENT, appointment=AGREED)
    later = replace(
        AGREED, slot=AppointmentSlot(rome("2026-12-02 15:00"), rome("2026-12-02 15:20"))
    )
    twice = requests.move_appointment(requests.move_appointment(wanted, later), AGREED)
    assert twice.appointment == replace(AGREED, sequence=2)
    with pytest.raises(OfficeError, match="request 7 has no appointment"):
        requests.move_appointment(ASKED, AGREED)


def test_a_callers_own_words_may_hold_name_contact_and_time() -> None:
    """Taken by the keys of a phone: what is typed elsewhere is spoken here, nothing is missing."""
    new = requests.spoken_request(
        APPOINTMENT, "anagrafe", "aire", "Italiani all'estero", "", "call-1", AT, "op1"
    )
    request = new.numbered(12)
    assert (request.number, request.citizen.spoken, request.appointment) == (12, True, None)
    assert (request.state, request.call, request.by) == (RequestState.OPEN, "call-1", "op1")
    with pytest.raises(OfficeError, match="needs its time"):
        replace(new, rule=EMAIL, appointment=AGREED)


def test_a_long_subject_ends_after_a_word_and_nothing_is_lost() -> None:
    """A mail's list shows it whole; all of it begins what is asked."""
    short = "Iscrizione AIRE"
    assert short_subject(short, "Chiede i tempi") == (short, "Chiede i tempi")
    exact = "x" * LONGEST_SUBJECT
    assert short_subject(exact, "") == (exact, "")
    long = "perché la bolletta dell'acqua è così alta, " * 4 + "e chiede una verifica"
    subject, asked = short_subject(long, "Contatore 12")
    assert len(subject) <= LONGEST_SUBJECT
    assert subject.endswith("…")
    assert long.startswith(subject[:-1])
    assert long[len(subject) - 1] in " ,"
    assert asked == f"{long}\nContatore 12"
    one_word = "x" * 300
    assert short_subject(one_word, "")[0] == "x" * (LONGEST_SUBJECT - 1) + "…"
    at_the_edge = "a" * (LONGEST_SUBJECT - 1) + " b" * 20
    assert short_subject(at_the_edge, "")[0] == "a" * (LONGEST_SUBJECT - 1) + "…"


@pytest.mark.parametrize(
    ("step", "it", "en"),
    [
        (RequestStep.TAKE, "Richiesta 7: ora è di Rossi.", "Request 7: Rossi has it now."),
        (
            RequestStep.REMIND,
            "Richiesta 7: sollecito aggiunto, il 1°.",
            "Request 7: reminder 1 added.",
        ),
        (RequestStep.CLOSE, "Richiesta 7: chiusa.", "Request 7: closed."),
        (
            RequestStep.MOVE,
            "Richiesta 7: appuntamento spostato.",
            "Request 7: appointment moved.",
        ),
        (RequestStep.CANCEL, "Richiesta 7: annullata.", "Request 7: cancelled."),
    ],
)
def test_a_step_is_confirmed_with_the_requests_number(step: RequestStep, it: str, en: str) -> None:
    """E15: the operator reads the number to the citizen, and which reminder it was."""
    request = requests.take_request(requests.remind(ASKED, "ancora"), "Rossi")
    assert requests.step_done_words(request, step) == pair(it, en)


def test_a_stored_request_is_told_by_its_number() -> None:
    """E15: "taken over" with the number that the citizen may ask by."""
    assert requests.stored_words(ASKED) == pair(
        "Presa in carico: richiesta 7.", "Taken over: request 7."
    )


def test_open_requests_are_offered_before_a_second_one() -> None:
    """E9: each with its office and subject; the reminder proposed is the first one's."""
    other = replace(ASKED, number=9, unit="imu", subject="Rate")
    assert requests.open_already_words([ASKED, other]) == pair(
        "l'utente ha già richieste aperte: 7 (anagrafe: Iscrizione AIRE), 9 (imu: Rate); "
        "sollecitare con centralino requests remind 7, o --anyway per una nuova",
        "the citizen has open requests: 7 (anagrafe: Iscrizione AIRE), 9 (imu: Rate); remind "
        "with centralino requests remind 7, or use --anyway for a new one",
    )


def test_an_undeclared_rule_is_refused_with_the_declared_ones() -> None:
    """P6, E13: the operator may choose only what the office has declared."""
    assert requests.other_rule_words("Anagrafe", (EMAIL, APPOINTMENT)) == pair(
        "Anagrafe ha comunicato: e-mail o appuntamento",
        "Anagrafe has declared: e-mail or appointment",
    )


def test_a_refusal_says_what_to_give_instead() -> None:
    """An unknown request is looked up in the list; an appointment needs a day and a time."""
    assert requests.no_request(7) == pair(
        "La richiesta 7 non c'è: cercarla nell'elenco.",
        "there is no request 7: list them with `centralino requests list`",
    )
    assert requests.no_start("give day and time").text("it") == (
        "Quando comincia l'appuntamento? Servono giorno e ora."
    )
    assert requests.no_start("give day and time").text("en") == (
        "when does the appointment start? give day and time"
    )


@pytest.mark.parametrize(
    ("step", "it", "en"),
    [
        (RequestStep.MAILED, "inviata, in attesa dell'ufficio", "sent, waiting for the office"),
        (RequestStep.TAKE, "dell'ufficio", "with the office"),
        (RequestStep.CLOSE, "conclusa", "done"),
        (RequestStep.CANCEL, "annullata", "cancelled"),
    ],
)
def test_a_state_is_told_as_people_mean_it(step: RequestStep, it: str, en: str) -> None:
    """E15: "sent" never reads as answered, and what was cancelled never as done."""
    assert requests.state_words(STEPS[step](ASKED)) == pair(it, en)
