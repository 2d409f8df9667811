"""Entries of the directory in words: history, lists, special times ahead (E11, E14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date

import pytest

from appliance.policy.directory import (
    AppointmentSlots,
    Authorisation,
    DirectoryEntry,
    target_to_tell,
)
from appliance.policy.directory_review import (
    ahead_rows,
    entered_words,
    history_rows,
    slots_words,
    times_ahead,
    week_words,
)
from appliance.policy.hours import NewWeek, Period, week_of
from tests.helpers.words import pair
from tests.policy.small_directory import (
    TOWN,
    declaration,
    entry,
    rome,
    variation,
    with_declarations,
)
from tests.policy.test_directory_review_ahead import ELECTIONS, MORNINGS, SCHEDULE
from tests.stories.offices import ROME

LEAVE = Authorisation(entry(5), "anagrafe", target_to_tell("051 598204"), "Dirigente")
AFTERNOONS = AppointmentSlots(week_of(tuesday="15-17"), 20)


def both(said: Callable[[str], str | Iterable[str]]) -> tuple[list[str], list[str]]:
    """Return the rows that somebody reads in Italian and in English."""
    found = [said(language) for language in ("it", "en")]
    italian, english = ([rows] if isinstance(rows, str) else list(rows) for rows in found)
    return italian, english


@pytest.mark.parametrize(
    ("entered", "it", "en"),
    [
        (
            declaration(),
            ("comunicazione 1, anagrafe, dal 15 gennaio 2026, "
            "lun mar mer gio ven 09:00-12:30 15:00-17:00"),
            ("declaration 1, anagrafe, from 15 January 2026, "
            "mon tue wed thu fri 09:00-12:30 15:00-17:00"),
        ),
        (
            variation(3, "2026-12-04", None),
            "variazione 3, anagrafe, ven 4 dicembre 2026, come comunicato",
            "variation 3, anagrafe, Fri 4 December 2026, as declared",
        ),
        (
            replace(ELECTIONS, needs=("aire",)),
            ("variazione 7, anagrafe, dal 9 dicembre 2026 all'11 dicembre 2026, "
            "lun mar mer gio ven 09:00-11:00 (aire), «settimana elettorale»"),
            ("variation 7, anagrafe, from 9 December 2026 to 11 December 2026, "
            "mon tue wed thu fri 09:00-11:00 (aire), «settimana elettorale»"),
        ),
        (LEAVE, "autorizzazione 5, anagrafe, •••, Dirigente",
         "authorisation 5, anagrafe, •••, Dirigente"),
        (
            replace(LEAVE, last=date(2027, 1, 31)),
            "autorizzazione 5, anagrafe, •••, Dirigente, fino al 31 gennaio 2027",
            "authorisation 5, anagrafe, •••, Dirigente, until 31 January 2027",
        ),
    ],
)  # fmt: skip
def test_an_entry_is_one_line(entered: DirectoryEntry, it: str, en: str) -> None:
    """Kind, number, unit, days, bands; a number that may be told is masked (P7)."""
    assert both(lambda language: entered_words(entered, language)) == ([it], [en])


def test_a_declaration_in_full() -> None:
    """Who entered it and by which paper, who declared it, what a return leads to, its needs.

    Numbers are masked (P7); a need's own return rule stands behind the common ones.
    """
    stamp = replace(entry(1), attachment="lettera.pdf")
    declared = replace(declaration(), entry=stamp, last=date(2026, 12, 31), slots=AFTERNOONS)
    italian, english = both(lambda language: history_rows(declared, language, ROME))
    assert italian == [
        (
            "lun 12 gennaio 2026, 09:00  comunicazione 1, anagrafe, dal 15 gennaio 2026 al 31 "
            "dicembre 2026, lun mar mer gio ven 09:00-12:30 15:00-17:00"
        ),
        "    Responsabile: Protocollo 1/2026 [lettera.pdf]",
        (
            "    comunicata da Dirigente; ritorno: appuntamento, e-mail; aire: e-mail; "
            "appuntamenti mar 15:00-17:00, 20 min"
        ),
        "    residenza (Cambio di residenza): interno 1 •••, interno 2 •••",
        "    aire (Italiani all'estero): pbx •••",
    ]
    assert english[0].startswith("Mon 12 January 2026, 09:00  declaration 1, anagrafe, from 15")
    assert english[2] == (
        "    declared by Dirigente; return: appointment, e-mail; aire: e-mail; appointments tue "
        "15:00-17:00, 20 min"
    )
    assert english[3:] == italian[3:]


def test_a_declaration_without_appointments_says_nothing_of_them() -> None:
    """Nor of an attachment that it does not have."""
    italian, english = both(lambda language: history_rows(declaration(), language, ROME))
    assert italian[1] == "    Responsabile: Protocollo 1/2026"
    assert italian[2].endswith("ritorno: appuntamento, e-mail; aire: e-mail")
    assert english[2].endswith("return: appointment, e-mail; aire: e-mail")


def test_the_history_shows_when_and_why_an_authorisation_was_revoked() -> None:
    """P7: nothing is removed; the revocation has its own day, person and paper."""
    revoked = replace(LEAVE, revoked=entry(7, "2026-11-01 10:00"))
    italian, english = both(
        lambda language: history_rows(revoked, language, ROME, lambda login: f"{login} X")
    )
    assert italian[-1] == (
        "    revocata dom 1 novembre 2026, 10:00, Responsabile X: Protocollo 7/2026"
    )
    assert english[-1] == (
        "    revoked Sun 1 November 2026, 10:00, Responsabile X: Protocollo 7/2026"
    )
    assert len(italian) == len(english) == 3
    assert [len(list(history_rows(e, "it", ROME))) for e in (LEAVE, ELECTIONS)] == [2, 2]


def test_the_history_is_in_the_zone_of_the_site() -> None:
    """An entry made in another zone is shown with the office's own time."""
    summer = replace(LEAVE, entry=replace(entry(5), at=rome("2026-06-01 09:00").astimezone(UTC)))
    assert next(history_rows(summer, "en", ROME)).startswith("Mon 1 June 2026, 09:00  ")


def test_appointment_hours_in_words() -> None:
    """Several places at a time are told; without hours nobody promises an appointment."""
    assert both(lambda language: slots_words(None, language)) == (
        ["nessun orario offerto"],
        ["no hours offered"],
    )
    three = replace(AFTERNOONS, places=3)
    assert both(lambda language: slots_words(three, language)) == (
        ["mar 15:00-17:00, 20 min x 3"],
        ["tue 15:00-17:00, 20 min x 3"],
    )


def test_days_with_the_same_bands_are_joined() -> None:
    """A week reads in one line; a week without bands says so."""
    week = week_of(monday="9-12", tuesday="9-12", friday="15-17")
    assert both(lambda language: week_words(week, language)) == (
        ["lun mar 09:00-12:00; ven 15:00-17:00"],
        ["mon tue 09:00-12:00; fri 15:00-17:00"],
    )
    assert both(lambda language: week_words(week_of(), language)) == (
        ["nessuna fascia"],
        ["no band"],
    )


def test_each_special_time_ahead_is_a_row() -> None:
    """E14: when, for whom, what holds or why it is closed, in columns under one another."""
    bridge = Period(date(2026, 12, 7), date(2026, 12, 8), pair("Ponte", "Long weekend"), week_of())
    winter = replace(SCHEDULE.periods[0], notice=pair("orario breve", "short hours"))
    schedule = replace(
        SCHEDULE,
        periods=(winter,),
        entered=(bridge,),
        weeks=(NewWeek(date(2027, 2, 1), None), NewWeek(date(2027, 3, 1), MORNINGS)),
    )
    one_need = replace(variation(3, "2026-12-04", None), needs=("aire",))
    directory = with_declarations(*TOWN.declarations, declaration(8, first="2027-01-01"))
    directory = replace(directory, variations=(ELECTIONS, one_need))
    found = times_ahead(directory, schedule, date(2026, 11, 27), date(2027, 4, 1))
    italian, english = both(lambda language: ahead_rows(found, language))
    site, mornings = "tutto il centralino", "lun mar mer gio ven 09:00-11:00"
    assert [(row[:47].rstrip(), row[48:68].rstrip(), row[69:]) for row in italian] == [
        ("ven 27 novembre 2026", site, "chiuso, «Trasloco»"),
        (
            "mar 1 dicembre 2026 – mer 6 gennaio 2027",
            site,
            f"Inverno: {mornings}, «orario breve»",
        ),
        ("ven 4 dicembre 2026", "anagrafe", "come comunicato (aire)"),
        ("lun 7 dicembre 2026 – mar 8 dicembre 2026", site, "chiuso, «Ponte»"),
        (
            "mer 9 dicembre 2026 – ven 11 dicembre 2026",
            "anagrafe",
            f"{mornings}, «settimana elettorale»",
        ),
        ("dom 13 dicembre 2026", site, "aperto 09:00-12:00, «Fiera»"),
        ("gio 24 dicembre 2026", site, "chiuso"),
        ("ven 25 dicembre 2026", site, "festa, «Natale»"),
        (
            "dal 1° gennaio 2027",
            "anagrafe",
            "comunicazione 8: lun mar mer gio ven 09:00-12:30 15:00-17:00",
        ),
        ("dal 1° febbraio 2027", site, "ogni settimana: l'orario configurato"),
        ("dal 1° marzo 2027", site, f"ogni settimana: {mornings}"),
    ]
    mornings = "mon tue wed thu fri 09:00-11:00"
    assert [row[69:] for row in english] == [
        "closed, «Moving»",
        f"Winter: {mornings}, «short hours»",
        "as declared (aire)",
        "closed, «Long weekend»",
        f"{mornings}, «settimana elettorale»",
        "open 09:00-12:00, «Fair»",
        "closed",
        "holiday, «Christmas»",
        "declaration 8: mon tue wed thu fri 09:00-12:30 15:00-17:00",
        "every week: the configured hours",
        f"every week: {mornings}",
    ]
    assert english[-1].startswith("from 1 March 2027  ")
