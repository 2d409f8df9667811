"""May a position dial a number (E17; toll fraud): every reason, on frozen values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from appliance.policy.clock import ClockState, Now
from appliance.policy.dialling import (
    DIAL_REFUSAL_WORDS,
    DialAllowed,
    DialLedger,
    DialReasonNeeded,
    DialRefusal,
    DialRefused,
    DialRequest,
    DialRules,
    DialVerdict,
    Identity,
    PlacedCall,
    left_ms,
    may_dial,
    unit_of,
)
from appliance.policy.directory import (
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    Unit,
    make_target,
)
from appliance.policy.hours import week_of
from appliance.policy.numbering import PLANS, NumberClass
from tests.helpers.figures import Figures
from tests.stories.offices import EXAMPLE, ROME

WEDNESDAY = datetime(2026, 11, 25, 10, tzinfo=ROME)
NOW = Now(0.0, WEDNESDAY)
EVENING = Now(0.0, WEDNESDAY.replace(hour=20))
PATRON = Now(0.0, datetime(2026, 11, 30, 10, tzinfo=ROME))
ADA = "0541704111"
HEARD = DialLedger({ADA: WEDNESDAY - timedelta(days=3)}, loaded=True)
RULES = DialRules(local=("051",), free={"op1": frozenset({NumberClass.LOCAL, NumberClass.PREMIUM})})
ENTRY = EntryStamp(1, "capo", datetime(2026, 1, 1, tzinfo=UTC), "prot. 1")
DIRECTORY = Directory(
    (Unit("ana", "Anagrafe", "ana@example.it"),),
    (
        Declaration(
            ENTRY,
            "ana",
            "Bianchi",
            week_of(monday="9-12"),
            (ReturnRule.EMAIL,),
            (
                Need(
                    "cie",
                    "Carta d'identità",
                    (
                        make_target(Reach.PHONE, "ana1"),
                        make_target(Reach.OUTSIDE, "+39051598204", "banco 2"),
                    ),
                ),
            ),
            date(2026, 1, 1),
        ),
        Declaration(
            replace(ENTRY, number=2),
            "gone",
            "Neri",
            week_of(monday="9-12"),
            (ReturnRule.EMAIL,),
            (Need("x", "X", (make_target(Reach.OUTSIDE, "051598205"),)),),
            date(2026, 1, 1),
        ),
    ),
)


def verdict(asked: DialRequest, now: Now = NOW, ledger: DialLedger = HEARD) -> DialVerdict:
    """Decide with the example's holidays."""
    hours = replace(EXAMPLE, outgoing=RULES).calling_hours
    return may_dial(RULES, asked, ledger, DIRECTORY, hours, now)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (DialRequest("op2", ADA), NumberClass.NATIONAL),
        (DialRequest("op2", "3331234567", "message:12"), NumberClass.MOBILE),
        (DialRequest("op2", "0541999999", "request:3"), NumberClass.NATIONAL),
        (DialRequest("op1", "051123456"), NumberClass.LOCAL),
        (DialRequest("op2", "0541999999", in_book=True), NumberClass.NATIONAL),
        (DialRequest("op1", "892424"), NumberClass.PREMIUM),
        (DialRequest("nobody", "112"), NumberClass.EMERGENCY),
    ],
)
def test_what_may_be_dialled(asked: DialRequest, kind: NumberClass) -> None:
    """Who called, whom message, request or address book name, what is free here, and help."""
    assert verdict(asked) == DialAllowed(kind)


FRAUD = (
    "892424", "899123456", "0088213000000", "0044123456789", "*21*051#", "#31#899123456",
    "051123456;ATD899123456", "051123456\rATDT899123456", "+99912345678", "051123456,,899123456",
)  # fmt: skip
"""What thieves have boxes dial."""


def test_an_offices_number_may_be_dialled_and_is_masked() -> None:
    """Whose number it is is told instead of the number, however it was written (P7)."""
    assert verdict(DialRequest("op2", "051598204")) == DialAllowed(
        NumberClass.LOCAL, "Anagrafe: banco 2"
    )
    assert verdict(DialRequest("op2", "051598205"), EVENING) == DialAllowed(
        NumberClass.LOCAL, "gone"
    )
    assert unit_of(DIRECTORY, "051598299", PLANS["it"]) == ""


def test_dear_and_hidden_numbers_are_refused(figures: Figures) -> None:
    """F20: toll fraud, and a modem's commands hidden in a number, at a phone freed for nothing."""
    tried = [DialRequest("op2", number) for number in FRAUD]
    refused = [asked for asked in tried if isinstance(verdict(asked), DialRefused)]
    figures.say(f"F20 dear, foreign and hidden numbers: {len(refused)} of {len(tried)} refused")
    assert refused == tried


@pytest.mark.parametrize(
    ("asked", "why", "now"),
    [
        (DialRequest("op2", "0541999999"), DialRefusal.NOT_KNOWN, NOW),
        (DialRequest("op2", "892424"), DialRefusal.CLASS, NOW),
        (DialRequest("op1", "0044123456789"), DialRefusal.CLASS, NOW),
        (DialRequest("op2", "892424", "message:12"), DialRefusal.CLASS, NOW),
        (DialRequest("op2", "892424", in_book=True), DialRefusal.CLASS, NOW),
        (DialRequest("op2", "*21*051#", in_book=True), DialRefusal.NO_NUMBER, NOW),
        (DialRequest("op2", "*21*051#"), DialRefusal.NO_NUMBER, NOW),
        (DialRequest("op1", "051123456"), DialRefusal.NIGHT, EVENING),
        (DialRequest("op1", "051123456"), DialRefusal.NIGHT, PATRON),
        (DialRequest("op1", "051123456", urgent=True), DialRefusal.NIGHT, EVENING),
        (
            DialRequest("op1", "051123456"),
            DialRefusal.NIGHT,
            replace(NOW, clock_state=ClockState.UNSET),
        ),
        (DialRequest("op2", ADA), DialRefusal.NOT_KNOWN, Now(0.0, WEDNESDAY + timedelta(days=33))),
    ],
)
def test_what_may_not_be_dialled(asked: DialRequest, why: DialRefusal, now: Now) -> None:
    """Strangers, dear numbers even where they called, and free dialling by night."""
    answer = verdict(asked, now)
    assert isinstance(answer, DialRefused)
    assert answer.why is why
    assert DIAL_REFUSAL_WORDS[why].text("it")
    assert DIAL_REFUSAL_WORDS[why].text("en")


def test_a_number_of_the_address_book_keeps_the_band() -> None:
    """E17: another body is called like a citizen, outside the band for a reason alone."""
    asked = DialRequest("op2", "0541999999", in_book=True)
    assert verdict(asked, EVENING) == DialReasonNeeded(NumberClass.NATIONAL)
    assert verdict(replace(asked, urgent=True), EVENING) == DialAllowed(NumberClass.NATIONAL)


def test_outside_the_civil_band_a_reason_is_needed() -> None:
    """In the evening, on a holiday, or when the hour is not known, only what is urgent (E17)."""
    for now in (EVENING, PATRON, replace(NOW, clock_state=ClockState.UNSET)):
        assert verdict(DialRequest("op2", ADA), now) == DialReasonNeeded(NumberClass.NATIONAL)
        assert verdict(DialRequest("op2", ADA, urgent=True), now) == DialAllowed(
            NumberClass.NATIONAL
        )


def test_help_is_never_asked_about() -> None:
    """No class, limit, hour or unread log stands before an emergency number."""
    assert verdict(DialRequest("x", "118"), EVENING, DialLedger()) == DialAllowed(
        NumberClass.EMERGENCY
    )


def test_before_the_log_is_read_nobody_dials() -> None:
    """A restart must not forget what was dialled: until that is known nothing is (conservative)."""
    known = replace(HEARD, loaded=False)
    assert verdict(DialRequest("op2", ADA), ledger=known) == DialRefused(
        DialRefusal.NOT_READY, NumberClass.NATIONAL
    )
    stranger = DialRequest("op2", "0541999999")  # may have called: nobody is told that it has not
    assert verdict(stranger, ledger=known) == DialRefused(
        DialRefusal.NOT_READY, NumberClass.NATIONAL
    )


def placed(number: int, minutes_ago: int, talked_s: float | None, phone: str = "op2") -> PlacedCall:
    """Return a call placed some time ago."""
    at = WEDNESDAY - timedelta(minutes=minutes_ago)
    return PlacedCall(f"c{number}", phone, ADA, at, talked_s=talked_s)


def test_a_position_is_bound_in_calls_and_minutes() -> None:
    """Twenty calls an hour and 240 minutes a day, of this position alone."""
    calls = tuple(placed(n, 30, 0.0) for n in range(20))
    asked = DialRequest("op2", ADA)
    refused = DialRefused(DialRefusal.CALLS, NumberClass.NATIONAL)
    assert verdict(asked, ledger=replace(HEARD, placed=calls)) == refused
    assert verdict(asked, ledger=replace(HEARD, placed=calls[1:])) == DialAllowed(
        NumberClass.NATIONAL
    )
    long_ago = tuple(replace(c, at=c.at - timedelta(hours=1)) for c in calls)
    assert verdict(asked, ledger=replace(HEARD, placed=long_ago)) == DialAllowed(
        NumberClass.NATIONAL
    )
    talked = replace(HEARD, placed=(placed(1, 300, 239 * 60.0), placed(2, 2, None)))
    assert verdict(asked, ledger=talked) == DialRefused(DialRefusal.MINUTES, NumberClass.NATIONAL)
    others = replace(talked, placed=tuple(replace(p, phone="op9") for p in talked.placed))
    assert verdict(asked, ledger=others) == DialAllowed(NumberClass.NATIONAL)
    assert left_ms(RULES, "op2", replace(HEARD, placed=(placed(1, 1, 60.0),)), NOW) == 239 * 60_000


def test_the_ledger_forgets_what_decides_nothing_any_more() -> None:
    """Callers after the days for calling back, calls placed after a day or those days."""
    old = WEDNESDAY - timedelta(days=40)
    ledger = replace(
        HEARD, heard={**HEARD.heard, "1": old}, placed=(replace(placed(1, 0, 1), at=old),)
    )
    assert ledger.without_old(WEDNESDAY, 30) == HEARD


def test_the_log_read_late_does_not_undo_what_is_known() -> None:
    """What happened since the start stands over what the log had."""
    now_known = DialLedger({"1": WEDNESDAY}).place(placed(1, 0, None))
    read = DialLedger(
        {"1": WEDNESDAY - timedelta(days=1), "2": WEDNESDAY}, (placed(1, 0, 9.0), placed(2, 9, 1.0))
    )
    both = read.with_newer(now_known)
    assert both.loaded
    assert both.heard == {"1": WEDNESDAY, "2": WEDNESDAY}
    assert both.placed == (placed(2, 9, 1.0), placed(1, 0, None))


def test_who_rings_back_finds_the_case() -> None:
    """A number that was called belongs to what it was called for, else to that call (E17)."""
    ledger = HEARD.place(placed(1, 9, 1.0)).place(replace(placed(2, 5, 1.0), case="message:12"))
    assert ledger.case_of(ADA) == "message:12"
    assert replace(ledger, placed=ledger.placed[:1]).case_of(ADA) == "call:c1"
    assert ledger.case_of("051") == ledger.case_of("") == ""
    assert HEARD.hear("051", WEDNESDAY).heard["051"] == WEDNESDAY


def test_what_the_line_is_given() -> None:
    """Withheld by the country's code or the line's own; never for help (P7, E17)."""
    assert RULES.dialled(ADA, emergency=False) == ADA
    hidden = replace(RULES, identity=Identity.WITHHELD)
    assert hidden.dialled(ADA, emergency=False) == f"*67#{ADA}"
    assert replace(hidden, withhold="#31#").dialled(ADA, emergency=False) == f"#31#{ADA}"
    assert hidden.dialled("112", emergency=True) == "112"


def test_what_a_phone_means() -> None:
    """With the prefix it is a number outside; help needs no prefix; without one all is outside."""
    assert RULES.outside("0051598111") == "051598111"
    assert RULES.outside("112") == RULES.outside("0112") == "112"
    assert RULES.outside("204") == RULES.outside("") == ""
    assert replace(RULES, prefix="").outside("051598111") == "051598111"
    assert RULES.is_emergency("112")
    assert not RULES.is_emergency("")


def test_numbers_are_not_printed() -> None:
    """Neither an order nor what is remembered shows a number in the journal (P7)."""
    assert ADA not in f"{DialRequest('op1', ADA)} {placed(1, 0, None)} {HEARD}"
