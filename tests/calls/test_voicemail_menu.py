"""The menu of sheets after hours: what stories do not tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import events, orders
from appliance.calls.announcements import dialled
from appliance.calls.orders import Result
from appliance.calls.switchboard import Switchboard
from appliance.calls.voicemail import MOST_CHOICES
from appliance.policy.mail import TO_HEAD
from appliance.policy.numbering import SecretNumber
from appliance.policy.office import AfterHours
from appliance.policy.sheets import GreetingOffer, SpokenSheet
from appliance.text import unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, records, tell, up
from tests.stories.offices import EXAMPLE

CARTA = SpokenSheet("carta", "it", "title_carta", "sheet_carta")
PASSPORT = SpokenSheet("passport", "en", "title_passport", "sheet_passport")
IDLE = events.LineIdle("line1")


def greeted(menu: object = (CARTA, PASSPORT)) -> Switchboard:
    """Return a closed Switchboard whose caller hears the greeting."""
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, events.SpokenSheetsChanged(menu), RANG, KNOWN, UP)
    return switchboard


def pressed(key: str) -> events.DigitPressed:
    """A key of the caller."""
    return events.DigitPressed(key, events.DigitSource.SOUND, line="line1")


def heard(given: list[orders.Order]) -> list[tuple[str, ...]]:
    """Return what was played."""
    return [order.prompts for order in given if isinstance(order, orders.Play)]


def test_a_new_import_does_not_move_the_keys_of_a_menu_that_was_heard() -> None:
    """The caller presses what was said; the next caller is offered the new sheets."""
    switchboard = greeted()
    tell(switchboard, NIGHT, events.SpokenSheetsChanged((PASSPORT,)))
    assert heard(tell(switchboard, NIGHT, pressed("1"))) == [("it/sheet_carta",)]


def test_what_is_no_menu_changes_nothing() -> None:
    """The switchboard takes a menu and nothing else."""
    switchboard = greeted()
    tell(switchboard, NIGHT, events.SpokenSheetsChanged("nonsense"), IDLE)
    given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
    assert "it/key_information" in heard(given)[-1]
    assert "it/title_carta" in heard(tell(switchboard, NIGHT, pressed("*")))[-1]


def test_a_sheet_whose_end_is_never_told_ends_all_the_same() -> None:
    """B1: every state has its limit; nobody need say anything."""
    switchboard = greeted()
    tell(switchboard, NIGHT, pressed("1"))
    now, said = NIGHT, []
    for _ in range(3):
        now = later(now, 91.0)
        said += heard(tell(switchboard, now, *switchboard.due(now)))
    assert said[:2] == [("it/title_carta", "it/leave_message"), ("it/tone_record",)]


def test_whoever_presses_for_ever_is_led_to_voicemail() -> None:
    """B1: a line is given back in the end, whatever its caller presses."""
    switchboard = greeted()
    for _ in range(MOST_CHOICES):
        assert heard(tell(switchboard, NIGHT, pressed("2"))) == [("en/sheet_passport",)]
    assert heard(tell(switchboard, NIGHT, pressed("2"))) == [("it/tone_record",)]


@pytest.mark.parametrize("gone", [IDLE, events.LineLost("line1", unchanged("unplugged"))])
def test_a_line_that_goes_while_a_sheet_is_read_is_lost(gone: events.Event) -> None:
    """B1: nothing claims to have been heard to its end that was cut by a fault."""
    switchboard = greeted()
    given = tell(switchboard, NIGHT, pressed("1"), gone)
    assert records(given)[-1].result is Result.LOST


def test_a_fax_that_calls_into_a_sheet_is_turned_away() -> None:
    """A machine needs no sheet."""
    switchboard = greeted()
    fax = events.FaxCalled("line1", events.FaxSource.SOUND, 4000)
    given = tell(switchboard, NIGHT, pressed("1"), fax)
    assert records(given)[-1].result is Result.FAX


def test_a_caller_cut_in_the_recording_after_a_sheet_was_informed() -> None:
    """What is too short to be a message leaves the sheet as the answer, whoever ends it."""
    switchboard = greeted()
    given = tell(switchboard, NIGHT, pressed("1"), pressed("#"))
    play = [order.play for order in given if isinstance(order, orders.Play)][-1]
    hung_up = events.CallerHungUp("line1", events.Evidence.BUSY_TONE)
    given = tell(switchboard, NIGHT, events.PromptEnded(play), hung_up)
    assert records(given)[-1].result is Result.INFORMED


@pytest.mark.parametrize("key", ["*", "9"])
def test_whoever_turns_for_ever_is_led_to_voicemail(key: str) -> None:
    """B1: after so many turns the keys mean nothing more; what was said last ends in the tone."""
    switchboard = greeted()
    for _ in range(MOST_CHOICES):
        assert heard(tell(switchboard, NIGHT, pressed(key))) != []
    assert tell(switchboard, NIGHT, pressed(key)) == []
    late = later(NIGHT, 181.0)
    assert heard(tell(switchboard, late, *switchboard.due(late))) == [("it/tone_record",)]


def test_sheets_of_the_other_language_are_offered_in_that_one_alone() -> None:
    """An Italian caller is told of no key that would say nothing in Italian."""
    office = replace(EXAMPLE, email=())
    switchboard = Switchboard(office, "boot7")
    tell(switchboard, NIGHT, events.SpokenSheetsChanged((PASSPORT,)))
    tell(switchboard, NIGHT, events.LineRestored("line1"))
    greeting = heard(tell(switchboard, NIGHT, RANG, KNOWN, UP))[-1]
    assert not [name for name in greeting if "/key_" in name]
    assert tell(switchboard, NIGHT, pressed("*")) == []
    assert "en/key_information" in heard(tell(switchboard, NIGHT, pressed("9")))[-1]
    assert "en/title_passport" in heard(tell(switchboard, NIGHT, pressed("*")))[-1]


def test_keys_that_lead_nowhere_are_ignored() -> None:
    """An office of one language with nothing more to say: `*` and 9 change nothing."""
    office = replace(EXAMPLE, languages=("it",), email=())
    switchboard = Switchboard(office, "boot7")
    tell(switchboard, NIGHT, events.LineRestored("line1"), RANG, KNOWN, UP)
    for key in ("*", "9", "0"):
        assert tell(switchboard, NIGHT, pressed(key)) == []
    assert heard(tell(switchboard, NIGHT, pressed("#"))) == [("it/tone_record",)]


@pytest.mark.parametrize(
    ("number", "digits"),
    [("051598333", "051598333"), ("+39051598333", "051598333"), ("+41911234567", "0041911234567")],
)
def test_a_number_is_told_as_it_is_dialled_here(number: str, digits: str) -> None:
    """Nobody dials a plus sign."""
    assert dialled(SecretNumber(number)) == digits


def test_digits_of_a_duty_number_are_not_printed() -> None:
    """P7: the prompts that say them are left out of what is printed."""
    assert "digit" not in repr(replace(GreetingOffer(), emergencies=("duty_number", "digit_5")))


@pytest.mark.parametrize(
    ("languages", "subject"),
    [
        (("it", "en"), "Numero reperibile non detto: polizia"),
        (("en",), "Duty number not told: polizia"),
    ],
)
def test_the_head_is_told_of_a_number_left_out_once_a_day(
    languages: tuple[str, ...], subject: str
) -> None:
    """E11: by mail, in the office's language; the same key for every call of a day is one mail."""
    office = replace(EXAMPLE, languages=languages, after_hours=AfterHours(duty=("polizia",)))
    switchboard = Switchboard(office, "boot7")
    tell(switchboard, NIGHT, events.LineRestored("line1"), events.LineRestored("line2"))
    given = tell(switchboard, NIGHT, RANG, KNOWN, UP)
    others = (events.LineRang("line2"), events.CallerIdentified("line2", events.Caller()))
    given += tell(switchboard, NIGHT, *others, events.LineAnswered("line2"))
    mails = [order.mail for order in given if isinstance(order, orders.QueueMail)]
    assert [(mail.to, mail.subject) for mail in mails] == [(TO_HEAD, subject)] * 2
    assert {mail.key for mail in mails} == {"duty-polizia-2026-11-25"}
    assert "voicemail.duty" in mails[0].body


def test_whoever_waits_cannot_press_for_ever_either() -> None:
    """After so many sheets the keys mean nothing more; the caller waits on."""
    switchboard = up("waiting_alone")
    first = tell(switchboard, TEN, events.SpokenSheetsChanged((CARTA,)), RANG, KNOWN)
    leg = next(order for order in first if isinstance(order, orders.RingPhones)).ringing[0]
    tell(switchboard, TEN, events.OperatorAnswered(leg.leg, leg.phone), UP)
    others = (events.LineRang("line2"), events.CallerIdentified("line2", events.Caller()))
    tell(switchboard, TEN, *others, events.LineAnswered("line2"))
    key = events.DigitPressed("1", events.DigitSource.SOUND, line="line2")
    for _ in range(MOST_CHOICES):
        assert heard(tell(switchboard, TEN, key)) == [("it/sheet_carta",)]
    assert tell(switchboard, TEN, key) == []
