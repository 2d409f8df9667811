"""Appointments as a week: booked and free, by day and office; closed days with their reason."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import quote

import pytest

from appliance.console.pages.requests import _monday
from appliance.console.settings import ConsoleSettings
from appliance.policy.requests import AppointmentSlot, RequestState, RequestStep
from appliance.store import requests, users
from appliance.store.requests import RequestToStore
from tests.console import people
from tests.console.call_control_calls import CallsStub, serve_calls
from tests.console.test_requests import ELSA, ENGLISH
from tests.console.visitor import Visitor
from tests.policy.small_directory import CALENDAR, declaration, with_declarations
from tests.policy.test_requests_appointments import TUESDAYS
from tests.store.test_requests import LETTERS, WANTED, step
from tests.stories.offices import ROME


def a_tuesday() -> datetime:
    """Return an hour of the first Tuesday three weeks ahead, in a week without Christmas Day."""
    ahead = datetime.now(ROME).replace(hour=15, minute=20, second=0, microsecond=0)
    ahead += timedelta(days=21 + (1 - ahead.weekday()) % 7)
    in_its_week = [(ahead + timedelta(days=day)).date() for day in range(-1, 6)]
    christmas = any((day.month, day.day) == (12, 25) for day in in_its_week)
    return ahead + timedelta(days=7) if christmas else ahead


TUESDAY = a_tuesday()
WEEK = f"/appointments?week={TUESDAY.date()}"
"""A week to come, within the year for which hours are offered."""


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[CallsStub]:
    """Call control of a town in which one office offers hours, as long as it stands."""
    users.add(records, ELSA, people.kept(), users.ChangeRequester("test", people.AT, shell=True))
    with serve_calls(console_settings) as served:
        served.mailroom.calendar = CALENDAR
        served.mailroom.directory = with_declarations(replace(declaration(), slots=TUESDAYS))
        yield served


def booked(records: sqlite3.Connection, at: datetime, unit: str = "anagrafe") -> int:
    """Have an appointment; returns its request's number."""
    assert WANTED.appointment is not None
    wanted = replace(WANTED.appointment, slot=AppointmentSlot(at, at + timedelta(minutes=20)))
    new = replace(WANTED, unit=unit, appointment=wanted)
    return requests.insert_request(records, RequestToStore(f"{unit}{at}", new, at), LETTERS).number


def day_of(text: str, day: date) -> str:
    """Return what stands under a day."""
    return text.split(f'id="day-{day}"')[1].split("</section>")[0]


def test_the_week_has_what_is_booked_and_what_is_free(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Time, short number, caller, subject, office, a link; free hours with their places."""
    number = booked(records, TUESDAY)
    text = operator.get(WEEK, headers=ENGLISH).text
    assert TUESDAY.weekday() == 1
    tuesday = day_of(text, TUESDAY.date())
    assert f'<a href="/requests/{number}"><time>15:20</time>' in tuesday
    for each in ("Anna Niccolò Verdi", "Iscrizione AIRE", "in person", "<h3>anagrafe</h3>"):
        assert each in tuesday
    assert "<time>15:00</time></a> (×2)" in tuesday
    assert "<time>15:20</time></a> (×2)" in tuesday  # its place was not one of the office's own
    at_three = quote(TUESDAY.replace(minute=0).isoformat(), safe="")
    assert f"/requests/new?unit=anagrafe&amp;starts={at_three}" in tuesday
    monday = day_of(text, TUESDAY.date() - timedelta(days=1))
    assert "No appointment." in monday
    assert text.count('<section class="week-day') == 5


def test_a_weekend_is_shown_when_it_has_something(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """An appointment on a Saturday is not hidden; one that has no confirmation says so."""
    saturday = TUESDAY + timedelta(days=4)
    number = booked(records, saturday)
    text = operator.get(WEEK).text
    assert f"/requests/{number}" in day_of(text, saturday.date())
    assert text.count('<section class="week-day') == 6


def test_closed_days_say_why(operator: Visitor, control: CallsStub) -> None:
    """A holiday by its name, where no office has a free hour."""
    text = operator.get("/appointments?week=2026-12-25", headers=ENGLISH).text
    assert "Closed: Christmas" in day_of(text, date(2026, 12, 25))
    assert "No appointment" not in day_of(text, date(2026, 12, 25))


def test_the_weeks_before_and_after(operator: Visitor, control: CallsStub) -> None:
    """By links, which the arrows follow, with the office that was chosen; else this week."""
    text = operator.get(f"{WEEK}&unit=anagrafe", headers=ENGLISH).text
    before, after = (TUESDAY.date() + timedelta(days=days) for days in (-8, 6))
    assert f'rel="prev" href="/appointments?week={before}&amp;unit=anagrafe"' in text
    assert f'rel="next" href="/appointments?week={after}&amp;unit=anagrafe"' in text
    today = datetime.now(operator.app.state.zone).date()
    for wrong in ("", "x", "0001-01-01", "9999-12-31"):
        text = operator.get(f"/appointments?week={wrong}", headers=ENGLISH).text
        assert f'id="day-{today}"' in text or today.weekday() > 4
        assert 'aria-current="date"' in text


def test_one_office(operator: Visitor, records: sqlite3.Connection, control: CallsStub) -> None:
    """Chosen, it alone is shown."""
    booked(records, TUESDAY, "tributi")
    assert "tributi" in day_of(operator.get(WEEK).text, TUESDAY.date())
    text = day_of(operator.get(f"{WEEK}&unit=anagrafe").text, TUESDAY.date())
    assert "tributi" not in text
    assert "15:00" in text


def test_an_office_sees_its_own_alone(
    visitor: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Whatever unit the address names; the technician sees none."""
    mine, other = booked(records, TUESDAY), booked(records, TUESDAY, "tributi")
    visitor.log_in(ELSA)
    text = visitor.get(f"{WEEK}&unit=tributi").text
    assert f"/requests/{mine}" in text
    assert f"/requests/{other}" not in text
    assert "tributi" not in text
    assert "<time>15:00</time> (×2)" in text
    assert "/requests/new" not in text
    visitor.log_in(people.BEPPE)
    assert visitor.get(WEEK).status_code == 403


def test_what_is_over_and_what_is_given_up(
    operator: Visitor, records: sqlite3.Connection, control: CallsStub
) -> None:
    """Done it is marked so, given up it is gone."""
    done, gone = booked(records, TUESDAY), booked(records, TUESDAY, "tributi")
    requests.apply_step(records, done, step("s1", RequestStep.CLOSE, "Elsa"), LETTERS)
    requests.apply_step(records, gone, step("s2", RequestStep.CANCEL, "Anna"), LETTERS)
    text = day_of(operator.get(WEEK, headers=ENGLISH).text, TUESDAY.date())
    assert "· ended" in text
    assert f"/requests/{gone}" not in text
    assert requests.required_request(records, done).request.state is RequestState.DONE


def test_while_call_control_is_away_what_is_booked_is_there(
    operator: Visitor, records: sqlite3.Connection
) -> None:
    """And the page says what it does not know."""
    number = booked(records, TUESDAY)
    text = operator.get(WEEK, headers=ENGLISH).text
    assert f"/requests/{number}" in text
    assert "Free hours and closures are not known" in text


def test_on_a_sunday_the_week_to_come_opens() -> None:
    """What is over is one click away; a day that is named opens its own week."""
    saturday, sunday = date(2026, 11, 28), date(2026, 11, 29)
    assert _monday("", saturday) == date(2026, 11, 23)
    assert _monday("", sunday) == _monday("x", sunday) == date(2026, 11, 30)
    assert _monday("2026-11-29", saturday) == date(2026, 11, 23)
