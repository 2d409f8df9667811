"""May a call go on to an office (P3–P5)? Bands, variations, holidays, what the operator reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import OfficeError
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Directory, Reach, TransferHindrance, TransferTarget
from appliance.policy.hours import week_of
from appliance.policy.numbering import SecretNumber
from appliance.policy.transfers import (
    TransferAllowed,
    TransferLater,
    check_need,
    later_words,
    may_transfer,
    offices_of_phone,
)
from appliance.text import NOTHING
from tests.policy.small_directory import (
    APPOINTMENT,
    BANDS,
    CALENDAR,
    CLERKS,
    EMAIL,
    EVERY_DAY,
    MOVING,
    RESIDENCE,
    TOWN,
    declaration,
    rome,
    variation,
    with_declarations,
)

ELEVEN = week_of(**dict.fromkeys(EVERY_DAY, "11-12"))


def ask(
    at: str, directory: Directory = TOWN, need: str = "residenza", unit: str = "anagrafe"
) -> TransferAllowed | TransferLater:
    """Ask the policy at a local moment."""
    return may_transfer(directory, CALENDAR, unit, need, Now(0.0, rome(at)))


def read(
    at: str, directory: Directory = TOWN, need: str = "residenza", unit: str = "anagrafe"
) -> str:
    """Return what the operator reads in Italian."""
    answer = ask(at, directory, need, unit)
    assert isinstance(answer, TransferLater)
    return later_words(answer, rome(at)).text("it")


def why(at: str, directory: Directory = TOWN, need: str = "residenza") -> TransferHindrance:
    """Return why a call may not go on."""
    answer = ask(at, directory, need)
    assert isinstance(answer, TransferLater)
    return answer.why


def test_a_band_is_known_by_its_end() -> None:
    """E8: unanswered transfers are counted within one band."""
    answer = ask("2026-11-25 10:00")
    assert isinstance(answer, TransferAllowed)
    assert answer.band_ends == rome("2026-11-25 12:30")


def test_within_its_band() -> None:
    """P4: the declared numbers in the declared order, and what a return leads to."""
    answer = ask("2026-11-25 10:00")
    assert isinstance(answer, TransferAllowed)
    assert (answer.targets, answer.rules, answer.declaration) == (CLERKS, (APPOINTMENT, EMAIL), 1)
    abroad = ask("2026-11-25 10:00", need="aire")
    assert abroad.rules == (EMAIL,)  # E13: the rule may differ per need


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (
            "2026-11-25 13:00",
            "Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00. Appuntamento o e-mail?",
        ),
        ("2026-11-25 08:00", "Anagrafe: riprende oggi alle 9:00. Appuntamento o e-mail?"),
        (
            "2026-11-25 18:00",
            (
                "Anagrafe: trasferibile 9:00–12:30 e 15:00–17:00, riprende domani alle 9:00. "
                "Appuntamento o e-mail?"
            ),
        ),
        ("2026-11-28 10:00", "Anagrafe: riprende lunedì alle 9:00. Appuntamento o e-mail?"),
    ],
)
def test_what_the_operator_reads(at: str, words: str) -> None:
    """E23: the bands, when it resumes, the rule at once; never "refused", never "policy"."""
    assert read(at) == words


def test_in_english() -> None:
    """The second language of the house."""
    answer = ask("2026-11-25 13:00")
    assert isinstance(answer, TransferLater)
    said = "Anagrafe: takes calls 9:00–12:30, resumes today at 15:00. Appointment or e-mail?"
    assert later_words(answer, rome("2026-11-25 13:00")).text("en") == said


def test_far_ahead_and_until_midnight() -> None:
    """A date when it is not within the week; 24:00 is said as that."""
    night = replace(declaration(), week=week_of(wednesday="20-24"))
    later = declaration(2, first="2026-12-21")
    gone = replace(night, last=date(2026, 11, 25))
    directory = with_declarations(gone, later)
    assert read("2026-11-26 10:00", directory) == (
        "Anagrafe: la comunicazione è scaduta, riprende il 21 dicembre alle 9:00. "
        "Appuntamento o e-mail?"
    )
    wednesday = with_declarations(
        replace(declaration(), week=week_of(wednesday="20-24", tuesday="9-10"))
    )
    assert "riprende martedì alle 9:00" in read("2026-11-26 00:10", wednesday)


def test_holiday_and_closure_of_the_house() -> None:
    """Nobody is there on a holiday, nor when the house is closed."""
    assert why("2026-12-25 10:00") is TransferHindrance.BAND
    assert why("2026-11-27 10:00") is TransferHindrance.BAND
    assert "riprende lunedì alle 9:00" in read("2026-11-27 10:00")


@pytest.mark.parametrize(
    ("at", "directory", "words"),
    [
        (
            "2026-12-25 10:00",
            TOWN,
            (
                "Anagrafe: oggi chiuso per festività (Natale), riprende lunedì alle 9:00. "
                "Appuntamento o e-mail?"
            ),
        ),
        (
            "2026-11-27 11:13",
            TOWN,
            "Anagrafe: chiuso (Trasloco), riprende lunedì alle 9:00. Appuntamento o e-mail?",
        ),
        (
            "2026-12-25 10:00",
            with_declarations(),
            (
                "Anagrafe: oggi chiuso per festività (Natale), non ha ancora una comunicazione. "
                "E-mail?"
            ),
        ),
        (
            "2026-11-27 11:13",
            with_declarations(replace(declaration(), last=date(2026, 11, 1))),
            ("Anagrafe: chiuso (Trasloco), la comunicazione è scaduta. Appuntamento o e-mail?"),
        ),
    ],
)
def test_on_a_closing_day_the_operator_reads_why(at: str, directory: Directory, words: str) -> None:
    """E23: no band is named that nobody keeps today; the reason is what the caller asks for."""
    assert read(at, directory) == words


def test_a_closing_without_a_name_and_one_of_another_town() -> None:
    """The reason alone; another branch's group lives by its own days (B9)."""
    nameless = replace(CALENDAR, closures=(replace(MOVING, reason=NOTHING),))
    now = Now(0.0, rome("2026-11-27 10:00"))
    answer = may_transfer(TOWN, nameless, "anagrafe", "residenza", now)
    assert isinstance(answer, TransferLater)
    assert (
        later_words(answer, now.wall).text("en").startswith("Anagrafe: closed, resumes on Monday")
    )
    away = replace(CALENDAR, elsewhere=frozenset({("anagrafe", "residenza")}))
    undeclared = may_transfer(with_declarations(), away, "anagrafe", "residenza", now)
    assert isinstance(undeclared, TransferLater)
    assert undeclared.closing is None
    unset = Now(0.0, now.wall, ClockState.UNSET)
    for directory in (TOWN, with_declarations()):
        told = may_transfer(directory, CALENDAR, "anagrafe", "residenza", unset)
        assert isinstance(told, TransferLater)
        assert told.closing is None


def test_only_from_eleven_to_twelve_today() -> None:
    """E12: a variation lies over the declared bands and ends by itself."""
    directory = replace(TOWN, variations=(variation(2, "2026-11-25", ELEVEN),))
    assert why("2026-11-25 10:00", directory) is TransferHindrance.BAND
    assert isinstance(ask("2026-11-25 11:30", directory), TransferAllowed)
    assert isinstance(ask("2026-11-26 10:00", directory), TransferAllowed)
    none = replace(TOWN, variations=(variation(2, "2026-11-25", week_of()),))
    assert read("2026-11-25 10:00", none) == (
        "Anagrafe: riprende domani alle 9:00. Appuntamento o e-mail?"
    )


def test_a_variation_is_taken_back_by_another() -> None:
    """Nothing is edited: the last one entered for a day holds, "as declared" too."""
    entered = (variation(2, "2026-11-25", ELEVEN), variation(3, "2026-11-25", None))
    directory = replace(TOWN, variations=entered)
    assert isinstance(ask("2026-11-25 10:00", directory), TransferAllowed)


def test_a_variation_of_one_need() -> None:
    """It leaves the others as they are."""
    one = replace(variation(2, "2026-11-25", ELEVEN), needs=("aire",))
    directory = replace(TOWN, variations=(one,))
    assert isinstance(ask("2026-11-25 10:00", directory), TransferAllowed)
    assert why("2026-11-25 10:00", directory, "aire") is TransferHindrance.BAND


def test_variations_of_service_and_office() -> None:
    """E13: an office that lives by its service's word shares its variations; its own come last."""
    of_service = with_declarations(declaration(1, "demografici"))
    shared = replace(of_service, variations=(variation(2, "2026-11-25", ELEVEN, "demografici"),))
    assert isinstance(ask("2026-11-25 10:00", shared, unit="statocivile"), TransferLater)
    own = replace(
        shared, variations=(variation(3, "2026-11-25", BANDS, "statocivile"), *shared.variations)
    )
    assert isinstance(ask("2026-11-25 10:00", own, unit="statocivile"), TransferAllowed)


@pytest.mark.parametrize(
    ("directory", "need", "reason", "words"),
    [
        (
            with_declarations(),
            "residenza",
            TransferHindrance.NO_DECLARATION,
            "Anagrafe: non ha ancora una comunicazione. E-mail?",
        ),
        (
            with_declarations(replace(declaration(), last=date(2026, 11, 1))),
            "residenza",
            TransferHindrance.EXPIRED,
            "Anagrafe: la comunicazione è scaduta. Appuntamento o e-mail?",
        ),
        (
            with_declarations(replace(declaration(), needs=())),
            "residenza",
            TransferHindrance.WITHDRAWN,
            "Anagrafe: ha comunicato di non ricevere chiamate. Appuntamento o e-mail?",
        ),
        (
            TOWN,
            "tasse",
            TransferHindrance.NEED,
            "Anagrafe: per questa necessità non ha indicato numeri. Appuntamento o e-mail?",
        ),
        (
            with_declarations(replace(declaration(), week=week_of())),
            "residenza",
            TransferHindrance.BAND,
            "Anagrafe: non è prevista un'altra fascia. Appuntamento o e-mail?",
        ),
    ],
)
def test_what_stands_in_the_way(
    directory: Directory, need: str, reason: TransferHindrance, words: str
) -> None:
    """P5, E13: no transfer without a valid declaration; the e-mail rule where there is none."""
    assert why("2026-11-25 10:00", directory, need) is reason
    assert read("2026-11-25 10:00", directory, need) == words


def test_without_a_clock_no_band_can_be_kept() -> None:
    """B4, P5: the declaration binds, so nothing is promised by a clock that was never set."""
    now = Now(0.0, rome("2026-11-25 10:00"), ClockState.UNSET)
    answer = may_transfer(TOWN, CALENDAR, "anagrafe", "residenza", now)
    assert isinstance(answer, TransferLater)
    assert (answer.why, answer.resumes_at) == (TransferHindrance.CLOCK, None)
    assert "l'ora non è nota" in later_words(answer, now.wall).text("it")


def test_without_its_numbers_an_offices_rule_opens() -> None:
    """P5: bands and rules are known when the numbers cannot be read; nothing else is promised."""
    lost = replace(RESIDENCE, targets=tuple(map(unread, CLERKS)))
    directory = with_declarations(replace(declaration(), needs=(lost,)))
    assert why("2026-11-25 10:00", directory) is TransferHindrance.NUMBERS
    assert read("2026-11-25 10:00", directory) == (
        "Anagrafe: i suoi numeri non si possono leggere (avvisare il tecnico). "
        "Appuntamento o e-mail?"
    )
    assert why("2026-11-25 20:00", directory) is TransferHindrance.BAND


def test_a_number_that_cannot_be_read_is_passed_over() -> None:
    """E7: the others of the same need are tried, in their order."""
    one = replace(RESIDENCE, targets=(unread(CLERKS[0]), CLERKS[1]))
    answer = ask("2026-11-25 10:00", with_declarations(replace(declaration(), needs=(one,))))
    assert isinstance(answer, TransferAllowed)
    assert answer.targets == CLERKS[1:]


def test_the_offices_that_have_declared_a_phone_are_named() -> None:
    """Whoever removes it is told; a number that cannot be read is nobody's."""
    day = date(2026, 11, 25)
    phone = replace(CLERKS[0], reach=Reach.PHONE, number=SecretNumber("ana1"))
    one = replace(RESIDENCE, targets=(unread(phone), phone))
    directory = with_declarations(replace(declaration(), needs=(one,)))
    assert offices_of_phone(directory, "ana1", day) == ("Anagrafe",)
    assert offices_of_phone(directory, "ana2", day) == ()
    assert offices_of_phone(directory, "ana1", date(2020, 1, 1)) == ()


def unread(known: TransferTarget) -> TransferTarget:
    """Return a target whose number could not be unsealed."""
    return replace(known, number=SecretNumber(""))


def test_an_office_that_does_not_exist() -> None:
    """Nobody outside the directory can be reached, and the sentence says who can."""
    with pytest.raises(OfficeError, match="known are demografici, anagrafe, statocivile"):
        ask("2026-11-25 10:00", unit="tributi")
    with pytest.raises(OfficeError, match="known are none"):
        ask("2026-11-25 10:00", Directory())


@given(st.integers(0, 60 * 24 * 40), st.booleans())
def test_it_resumes_when_it_says(minutes: int, varied: bool) -> None:
    """P5: at the moment named as the next band a transfer is allowed, and never a minute before."""
    variations = (variation(9, "2026-12-01", ELEVEN),) if varied else ()
    second = replace(declaration(2, first="2026-12-10"), week=ELEVEN)
    directory = replace(with_declarations(declaration(), second), variations=variations)
    at = rome("2026-11-20 00:00") + timedelta(minutes=minutes)
    answer = may_transfer(directory, CALENDAR, "anagrafe", "residenza", Now(0.0, at))
    if isinstance(answer, TransferAllowed):
        return
    assert answer.resumes_at is not None
    assert answer.resumes_at > at
    there = may_transfer(directory, CALENDAR, "anagrafe", "residenza", Now(0.0, answer.resumes_at))
    assert isinstance(there, TransferAllowed)
    before = answer.resumes_at - timedelta(minutes=1)
    assert isinstance(
        may_transfer(directory, CALENDAR, "anagrafe", "residenza", Now(0.0, before)), TransferLater
    )


def test_a_band_has_begun_at_its_very_minute() -> None:
    """E23: at 15:00 the afternoon's band is one of those that are told, at 14:59 it is not."""
    answer = ask("2026-11-24 13:00")
    assert isinstance(answer, TransferLater)
    morning, afternoon = answer.today
    assert answer.begun(rome("2026-11-24 15:00")) == (morning, afternoon)
    assert answer.begun(rome("2026-11-24 14:59")) == (morning,)
    assert answer.begun(rome("2026-11-24 09:00")) == (morning,)
    assert answer.begun(rome("2026-11-24 08:59")) == ()


def test_a_need_that_nobody_has_declared_is_refused_with_those_that_there_are() -> None:
    """A mistyped code; an office that has declared none is asked by free words."""
    check_need(TOWN, "anagrafe", "residenza")
    known = r"there is no need 'residenz'; known are residenza"
    with pytest.raises(OfficeError, match=known):
        check_need(TOWN, "anagrafe", "residenz")
    check_need(replace(TOWN, declarations=()), "anagrafe", "a question")
