"""The year as a calendar: what the front desk reads before it promises anything (E14)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Self

import pytest

from appliance.api import protocol
from appliance.console.pages import hours
from appliance.console.settings import ConsoleSettings
from appliance.errors import OfficeError
from appliance.service.stores import Stores
from tests.calls.examples import TEN
from tests.console.call_control_hours import serve_hours
from tests.console.people import ANNA, CARLA
from tests.console.visitor import Visitor, without_token


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Stores]:
    """Call control behind its control socket, in November 2026."""
    with serve_hours(console_settings) as stores:
        yield stores


class November(datetime):
    """The console's clock, which shows call control's day whenever this is run."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return ten o'clock of that day."""
        return cls.fromtimestamp(TEN.wall.timestamp(), tz)


@pytest.fixture(autouse=True)
def _same_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours, "datetime", November)


@pytest.fixture
def operator(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as an operator."""
    visitor.log_in(CARLA)
    return visitor


def test_the_year(operator: Visitor) -> None:
    """Twelve months; every week's hours; what is special, in a table too."""
    text = operator.get("/hours?year=2026").text
    assert text.count('class="house-month"') == 12
    assert text.count('hx-get="/hours') == 365
    assert "08:30-13:00 · 14:00-18:00" in text
    assert 'aria-label="ven 25 dicembre 2026: chiuso, festa Natale"' in text
    assert 'aria-label="dom 29 novembre 2026: 08:00-14:00, apertura straordinaria Elezioni"' in text
    assert "08:30-11:00 · 12:00-13:00 · 14:00-18:00 – chiusura «Assemblea»" in text
    assert "/hours?year=2027" in text
    assert "/hours?year=2025" not in text


def test_one_day(operator: Visitor) -> None:
    """By a part of the page, or by a page without scripts."""
    part = operator.get("/hours?day=2026-08-12", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "chiuso – orario straordinario «Orario estivo»" in part
    text = operator.get("/hours?day=2026-08-12").text
    assert "chiuso – orario straordinario «Orario estivo»" in text


@pytest.mark.parametrize(
    ("query", "status"),
    [("day=2026-02-30", 404), ("year=2040", 409), ("day=1999-01-01", 409)],
)
def test_days_that_are_none(operator: Visitor, query: str, status: int) -> None:
    """Holidays are not known for ever; a year that is none is this one."""
    none, this = (operator.get(f"/hours{one}").text for one in ("?year=x", ""))
    assert without_token(none) == without_token(this)
    assert operator.get(f"/hours?{query}").status_code == status


def test_without_call_control_it_is_said(visitor: Visitor, records: sqlite3.Connection) -> None:
    """The hours are call control's."""
    visitor.log_in(ANNA)
    answer = visitor.get("/hours")
    assert answer.status_code == 503
    assert "Il centralino non risponde" in answer.text


def test_what_is_no_year(control: Stores, console_settings: ConsoleSettings) -> None:
    """One sentence says which may be asked."""
    years: tuple[Any, ...] = (True, "2026", 2025, 2032)
    for year in years:
        with pytest.raises(OfficeError, match=r"from 2026 to 2031|a whole number"):
            protocol.ask(console_settings.control_socket, {"ask": "calendar", "year": year})
    assert protocol.ask(console_settings.control_socket, {"ask": "calendar"})["year"] == 2026


# --- what the head enters -------------------------------------------------------------------------

SUNDAY = {
    "first": "2026-12-06", "last": "", "whose": "house", "kind": "hours", "week.7": "9-12",
    "reason": "Mercatini <b>", "reason_en": "", "greeting": "", "reference": "mail 8:05",
    "ends": "",
}  # fmt: skip


@pytest.fixture
def head(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as the head."""
    visitor.log_in(ANNA)
    return visitor


def test_the_days_come_first(head: Visitor) -> None:
    """Then the weekdays among them, with their ordinary hours to change."""
    days = head.get("/hours/new?first=2026-12-06").text
    assert 'value="2026-12-06"' in days
    assert 'name="step" value="what"' in days
    chosen = "/hours/new?step=what&whose=house&first=2026-12-06&last="
    sunday = head.get(chosen).text
    assert 'name="week.7"' in sunday
    assert 'name="week.1"' not in sunday
    three = head.get(f"{chosen}2026-12-08").text
    assert 'name="week.1" type="text" value="08:30-13:00 14:00-18:00"' in three
    assert "Le feste comprese in più giorni restano chiuse" in three
    assert 'role="alert"' in head.get(f"{chosen}2026-12-01").text
    assert 'role="alert"' in head.get("/hours/new?step=what&first=domani").text


def test_a_past_day_is_refused_at_once(head: Visitor) -> None:
    """Before its hours are asked for; an entry that has begun may keep its first day."""
    text = head.get("/hours/new?step=what&whose=house&first=2026-11-24&last=2026-12-01").text
    assert "Il primo giorno è passato: scegliere oggi o un giorno a venire." in text
    assert 'value="2026-11-24"' in text
    assert 'name="step" value="what"' in text
    assert 'name="step"' not in head.get("/hours/new?step=what&first=2026-11-25").text


def test_a_second_entry_of_a_day_says_that_it_holds(head: Visitor) -> None:
    """Before it is saved."""
    head.post("/hours/new", data=SUNDAY | {"do": "save"})
    shut = SUNDAY | {"kind": "closed", "reason": "Lavori", "do": "preview"}
    text = head.post("/hours/new", data=shut).text
    assert "Anche la voce 1, «Mercatini &lt;b&gt;», riguarda dom 6 dicembre 2026" in text
    assert "lì vale ciò che si inserisce ora." in text


def test_a_sunday_is_opened(head: Visitor) -> None:
    """Preview, back to the form, save; the calendar and the list have it, with who and why."""
    told = head.post("/hours/new", data=SUNDAY | {"do": "preview"}).text
    assert (
        "dom 6 dicembre 2026, Centralino: 09:00-12:00, «Mercatini &lt;b&gt;» (prima chiuso)" in told
    )
    assert 'value="9-12"' in head.post("/hours/new", data=SUNDAY | {"do": "edit"}).text
    assert "Non è ancora stato inserito nulla." in head.get("/hours").text
    saved = head.post("/hours/new", data=SUNDAY | {"do": "save"})
    assert (saved.status_code, saved.headers["location"]) == (303, "/hours?saved=1#entered")
    text = head.get("/hours?year=2026&saved=1").text
    assert "Salvato: vale da subito per le nuove chiamate." in text
    assert "dom 6 dicembre 2026: 09:00-12:00, orario straordinario Mercatini &lt;b&gt;" in text
    assert "voce 1 di Anna Verdi" in text
    assert "riferimento: mail 8:05" in text
    assert "/hours/new?first=2026-12-06" in head.get("/hours?day=2026-12-06").text


def test_mistakes_stand_at_their_fields(head: Visitor) -> None:
    """And nothing that was written is lost."""
    wrong = SUNDAY | {"week.7": "12-9", "reference": "", "do": "preview"}
    answer = head.post("/hours/new", data=wrong)
    assert answer.status_code == 422
    assert 'id="week.7-problem"' in answer.text
    assert 'id="reference-problem"' in answer.text
    assert 'value="12-9"' in answer.text
    past = head.post("/hours/new", data=SUNDAY | {"first": "2026-11-01", "do": "save"})
    assert 'id="first-problem"' in past.text


def test_an_entry_is_corrected_and_revoked(head: Visitor) -> None:
    """The form has what was entered; a revocation says first what changes."""
    head.post("/hours/new", data=SUNDAY | {"do": "save"})
    form = head.get("/hours/new?ends=1&step=what").text
    assert 'value="09:00-12:00"' in form
    assert "Mercatini &lt;b&gt;" in form
    head.post("/hours/new", data=SUNDAY | {"kind": "closed", "ends": "1", "do": "save"})
    assert head.get("/hours/new?ends=1").status_code == 404
    assert "corregge la voce 1" in head.get("/hours").text
    end = {"number": "2", "reference": "sindaco"}
    assert "dom 6 dicembre 2026" in head.post("/hours/revoke", data=end).text
    assert head.post("/hours/revoke", data=end | {"do": "save"}).status_code == 303
    assert "Revoca della voce 2" in head.get("/hours").text
    again = head.post("/hours/revoke", data=end)
    assert again.status_code == 409
    assert "La voce 2 è già stata revocata da Anna Verdi, mer 25 novembre, " in again.text
    assert "Riprova" not in again.text
    assert 'href="/hours#entered"' in again.text
    corrected = head.post("/hours/revoke", data=end | {"number": "1"}).text
    assert "La voce 1 è già stata corretta da Anna Verdi, mer 25 novembre, " in corrected
    none = head.post("/hours/revoke", data=end | {"number": "9"}).text
    assert "la registrazione 9 non c" in none
    assert "Riprova" not in none
    assert head.post("/hours/revoke", data={"number": "x"}).status_code == 404


def test_only_the_head_enters_hours(operator: Visitor) -> None:
    """An operator reads the calendar, and finds neither form nor list."""
    assert "/hours/new" not in operator.get("/hours").text
    assert operator.get("/hours/new").status_code == 403
    assert operator.post("/hours/new", data=SUNDAY | {"do": "save"}).status_code == 403
    assert operator.post("/hours/revoke", data={"number": "1"}).status_code == 403


def test_without_call_control_nothing_is_entered(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """It is said, and nothing that was written seems saved."""
    visitor.log_in(ANNA)
    assert visitor.get("/hours/new").status_code == 503
    assert visitor.post("/hours/new", data=SUNDAY | {"do": "save"}).status_code == 503
    assert visitor.post("/hours/new", data=SUNDAY | {"do": "edit"}).status_code == 503


# --- the ordinary week ----------------------------------------------------------------------------

WEEK = {f"week.{number}": "8:30-13" for number in range(1, 6)} | {
    "since": "2026-12-01", "whose": "switchboard", "kind": "hours", "reference": "delibera <9>",
}  # fmt: skip


def test_the_form_has_the_hours_of_today(head: Visitor) -> None:
    """Of whom is chosen; where switchboard and counter differ, the switchboard's first."""
    text = head.get("/hours/week").text
    assert 'name="whose" value="switchboard"' in text
    assert 'name="week.1" type="text" value="08:30-13:00 14:00-18:00"' in text
    assert 'name="whose" value="house"' in head.get("/hours/week?whose=house").text
    counter = head.get("/hours/week?whose=citizens_desk").text
    assert 'value="08:30-13:00 14:00-18:00"' not in counter


def test_a_week_is_drawn_and_saved(head: Visitor) -> None:
    """What closes, what a caller at 14:05 meets; saved, the page says what holds from when."""
    told = head.post("/hours/week", data=WEEK | {"do": "preview"}).text
    assert "chiude 14:00-18:00" in told
    assert 'class="house-closes" x="840"' in told
    assert "Mar 1 dicembre, 14:05" in told
    asked = {"ask_day": "2026-12-03", "ask_time": "15:10", "do": "preview"}
    assert "Gio 3 dicembre, 15:10" in head.post("/hours/week", data=WEEK | asked).text
    assert 'value="8:30-13"' in head.post("/hours/week", data=WEEK | {"do": "edit"}).text
    saved = head.post("/hours/week", data=WEEK | {"do": "save"})
    assert (saved.status_code, saved.headers["location"]) == (303, "/hours?saved=week#weeks")
    text = head.get("/hours?saved=1").text
    assert "come configurato dal tecnico" in text
    assert "riferimento: delibera &lt;9&gt;" in text
    assert 'aria-label="mer 2 dicembre 2026: 08:30-13:00"' in text
    assert 'aria-label="mer 25 novembre 2026: 08:30-13:00 14:00-18:00"' in text
    days = head.get("/hours/new?step=what&whose=house&first=2026-12-02").text
    assert 'name="week.3" type="text" value="08:30-13:00"' in days


def test_the_configured_hours_come_back(head: Visitor) -> None:
    """Until a week that is to come; that one is taken back once its changes were read."""
    head.post("/hours/week", data=WEEK | {"do": "save"})
    back = {"since": "2026-11-26", "whose": "house", "kind": "configured", "reference": "r"}
    told = head.post("/hours/week", data=back | {"do": "preview"}).text
    assert "finché" in told
    assert "Nulla di diverso da prima." in told
    ended = {"number": "1", "reference": "sindaco"}
    told = head.post("/hours/week/revoke", data=ended | {"do": "preview"}).text
    assert "apre 14:00-18:00" in told
    done = head.post("/hours/week/revoke", data=ended | {"do": "save"})
    assert done.headers["location"] == "/hours?saved=week#weeks"
    assert "Revoca della voce 1" in head.get("/hours").text
    refused = head.post("/hours/week/revoke", data=ended | {"do": "save"})
    assert "La voce 1 è già stata revocata da Anna Verdi, mer 25 novembre, " in refused.text
    assert "Riprova" not in refused.text
    assert head.post("/hours/week/revoke", data=ended | {"number": "x"}).status_code == 404


def test_mistakes_of_a_week(head: Visitor) -> None:
    """Each at its field; nothing that was written is lost."""
    answer = head.post("/hours/week", data=WEEK | {"week.1": "12-9", "since": "", "do": "save"})
    assert answer.status_code == 422
    assert 'id="week.1-problem"' in answer.text
    assert 'id="since-problem"' in answer.text
    assert "delibera &lt;9&gt;" in answer.text
    again = head.post("/hours/week", data=WEEK | {"ask_day": "x", "do": "preview"})
    assert again.status_code == 200


def test_an_operator_reads_the_week_and_changes_none(operator: Visitor) -> None:
    """Which hours hold is everybody's to read."""
    assert "come configurato dal tecnico" in operator.get("/hours").text
    assert operator.get("/hours/week").status_code == 403
    assert "/hours/week" not in operator.get("/hours").text


def test_what_was_typed_stays_while_call_control_is_away(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """E18: each step's form comes back as it was, and one sentence says that it was not saved."""
    visitor.log_in(ANNA)
    days = visitor.get("/hours/new?step=what&first=2026-12-06&last=2026-12-08&whose=house")
    asked = SUNDAY | {"do": "preview", "greeting": "it/x"}
    week = {"since": "2027-01-11", "whose": "house", "kind": "hours", "week.1": "9-12"}
    answers = (
        (days, ("2026-12-06", "2026-12-08")),
        (visitor.post("/hours/new", data=asked), ("9-12", "Mercatini &lt;b&gt;", "mail 8:05")),
        (visitor.post("/hours/new", data=asked | {"do": "edit"}), ("9-12", "it/x")),
        (visitor.post("/hours/week", data=week | {"reference": "AB"}), ("2027-01-11", "AB")),
        (visitor.post("/hours/revoke", data={"number": "1", "reference": "AB"}), ("1", "AB")),
        (visitor.post("/hours/week/revoke", data={"number": "1", "reference": "AB"}), ("1", "AB")),
    )
    for answer, kept in answers:
        assert answer.status_code == 503
        for each in kept:
            assert f'value="{each}"' in answer.text
    assert "Il centralino non risponde" in days.text
    assert all("Non salvato. Il centralino non risponde" in a.text for a, _ in answers[1:])


def test_the_list_of_mistakes_names_each_field(head: Visitor) -> None:
    """Two that are missing are told apart; a weekday by its name."""
    wrong = SUNDAY | {"do": "preview", "reason": "", "reference": "", "week.7": "x"}
    text = head.post("/hours/new", data=wrong).text
    assert '<a href="#reason">Motivo: manca, va compilato</a>' in text
    assert '<a href="#reference">Riferimento: manca, va compilato</a>' in text
    assert '<a href="#week.7">Domenica: ' in text
