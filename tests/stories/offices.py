"""The offices that stories are told in; each is a frozen value, none is anybody's real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from appliance.calls.announcements import spell_email
from appliance.policy.dialling import DialRules, Identity
from appliance.policy.hours import Band, Closure, Holiday, Period, Schedule, SpecialOpening, week_of
from appliance.policy.lines import HalfDuplexDaytime, modem_line
from appliance.policy.numbering import PLANS, NumberClass, rehearsal_plan
from appliance.policy.office import (
    AfterHours,
    BranchRules,
    Extension,
    GreetingLength,
    Group,
    Office,
    OverflowCause,
    VoicemailLimits,
    WaitingRules,
)
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")
MORNING_AND_AFTERNOON = "8:30-13:00 14:00-18:00"

HOLIDAYS = (
    Holiday(date(2026, 10, 4), pair("San Francesco", "Saint Francis")),
    Holiday(date(2026, 11, 30), pair("Sant'Andrea, patrono", "Saint Andrew, patron")),
    Holiday(date(2026, 12, 25), pair("Natale", "Christmas")),
    Holiday(date(2026, 12, 26), pair("Santo Stefano", "Saint Stephen")),
)
SWITCHBOARD_HOURS = Schedule(
    ROME,
    week_of(
        monday=MORNING_AND_AFTERNOON,
        tuesday=MORNING_AND_AFTERNOON,
        wednesday=MORNING_AND_AFTERNOON,
        thursday=MORNING_AND_AFTERNOON,
        friday="8:30-13:00",
        saturday="9:00-12:00",
    ),
    holidays=HOLIDAYS,
    closures=(
        Closure(
            datetime(2026, 12, 24, 14),  # noqa: DTZ001 - closures are local wall-clock times
            datetime(2026, 12, 24, 18),  # noqa: DTZ001 - ditto
            pair("Vigilia", "Christmas Eve"),
        ),
    ),
    openings=(
        SpecialOpening(date(2026, 11, 29), (Band.parse("9-12"),), pair("Elezioni", "Elections")),
        SpecialOpening(date(2026, 12, 26), (Band.parse("10-12"),), pair("Emergenza", "Emergency")),
    ),
    periods=(
        Period(
            date(2027, 7, 12),
            date(2027, 8, 31),
            pair("Orario estivo", "Summer hours"),
            week_of(
                monday="8-14", tuesday="8-14", wednesday="8-14", thursday="8-14", friday="8-14"
            ),
            greeting="greeting_summer",
        ),
    ),
)
COUNTER_HOURS = Schedule(
    ROME,
    week_of(
        monday="8:30-17:00",
        tuesday="8:30-17:00",
        wednesday="8:30-17:00",
        thursday="8:30-17:00",
        friday="8:30-12:00",
    ),
    holidays=HOLIDAYS,
)
SWITCHBOARD = Group(
    "switchboard", pair("Centralino", "Switchboard"), ("op1", "op2"), SWITCHBOARD_HOURS
)
COUNTER = Group(
    "citizens_desk",
    pair("Sportello Cittadini", "Citizens' counter"),
    ("desk1", "desk2"),
    COUNTER_HOURS,
    ring_ms=20_000,
)
REHEARSAL = rehearsal_plan(PLANS["it"])
"""No story dials a real emergency number: 90112 stands for 112."""
SEAT_OFFICES = (("savena", "pubblico"), ("nessuno", "pubblico"), ("borgo", "pubblico"))
"""The other branches' groups of the office "branches", by unit and need."""
EXAMPLE = Office(
    name="Comune di Esempio",
    lines=(
        modem_line("line1", label="Centralino", called_number="051598111"),
        modem_line("line2", called_number="800011837"),
        modem_line("line3"),
    ),
    switchboard=SWITCHBOARD,
    citizens_desk=COUNTER,
    public_numbers=("051598111", "800011837"),
    email=spell_email("urp@comune.example.it"),
    outgoing=DialRules(plan=REHEARSAL, local=("051",)),
    extensions=(
        Extension("11", "op1", "Operatore 1"),
        Extension("12", "op2"),
        Extension("21", "desk1"),
        Extension("22", "desk2"),
        Extension("30", "capo1", "Responsabile"),
    ),
)

OFFICES = {
    "example": EXAMPLE,
    "no_counter": replace(EXAMPLE, citizens_desk=None, email=()),
    "one_operator": replace(EXAMPLE, switchboard=replace(SWITCHBOARD, phones=("op1",))),
    "offices": replace(
        EXAMPLE,
        lines=(
            modem_line("line1", "Centralino", "051598111", daytime=HalfDuplexDaytime.PBX_TRANSFER),
            EXAMPLE.lines[1],
            modem_line("line3"),
        ),
        switchboard=replace(SWITCHBOARD, phones=("op1", "op2")),
        extensions=(*EXAMPLE.extensions, Extension("33", "ana2")),
        head=("capo1",),
    ),
    "head": replace(EXAMPLE, head=("capo1", "op2")),
    "night": replace(
        EXAMPLE,
        email=(),
        after_hours=AfterHours(emergency=True, duty=("polizia", "acquedotto")),
        voicemail=VoicemailLimits(privacy="privacy"),
    ),
    "long_greeting": replace(
        EXAMPLE,
        after_hours=AfterHours(emergency=True, duty=("polizia",)),
        voicemail=VoicemailLimits(privacy="privacy", greeting=GreetingLength.LONG),
    ),
    "half_duplex": replace(
        EXAMPLE,
        lines=(
            modem_line("line1", duplex=False, daytime=HalfDuplexDaytime.MESSAGE),
            modem_line("line2", duplex=False, daytime=HalfDuplexDaytime.PARALLEL_PHONE),
            modem_line("line3"),
        ),
    ),
    "outside": replace(
        EXAMPLE,
        lines=(*EXAMPLE.lines[:2], modem_line("line3")),
        citizens_desk=replace(COUNTER, outside="0541704111"),
    ),
    "outside_two": replace(
        EXAMPLE,
        lines=EXAMPLE.lines[:2],
        switchboard=replace(SWITCHBOARD, outside="3331234567"),
        citizens_desk=None,
    ),
    "outside_two_counter": replace(
        EXAMPLE,
        lines=EXAMPLE.lines[:2],
        switchboard=replace(SWITCHBOARD, outside="3331234567"),
    ),
    "withheld": replace(
        EXAMPLE,
        outgoing=replace(
            EXAMPLE.outgoing,
            identity=Identity.WITHHELD,
            free={"op1": frozenset({NumberClass.LOCAL, NumberClass.MOBILE})},
            calls_per_hour=2,
            minutes_per_day=30,
        ),
    ),
    "waiting": replace(
        EXAMPLE,
        switchboard=replace(SWITCHBOARD, phones=("op1",)),
        citizens_desk=replace(COUNTER, phones=("desk1",)),
        waiting=WaitingRules(2, 120_000),
    ),
    "waiting_first": replace(
        EXAMPLE, waiting=WaitingRules(2, 60_000, announce_place=True, before_counter=True)
    ),
    "waiting_alone": replace(
        EXAMPLE,
        switchboard=replace(SWITCHBOARD, phones=("op1",)),
        citizens_desk=None,
        waiting=WaitingRules(1, 60_000),
    ),
    "branches": replace(
        EXAMPLE,
        switchboard=replace(
            SWITCHBOARD,
            phones=("op1",),
            schedule=replace(SWITCHBOARD_HOURS, elsewhere=frozenset(SEAT_OFFICES)),
        ),
        citizens_desk=None,
        branches=BranchRules(("sede1", "sede2"), SEAT_OFFICES, frozenset(OverflowCause)),
    ),
    "pbx": replace(
        EXAMPLE,
        lines=(
            modem_line("line1", duplex=False, daytime=HalfDuplexDaytime.PBX_TRANSFER),
            modem_line("line2", daytime=HalfDuplexDaytime.PBX_TRANSFER),
            modem_line("line3"),
        ),
        switchboard=replace(SWITCHBOARD, pbx_numbers=("201", "202")),
        citizens_desk=replace(COUNTER, pbx_numbers=("301",)),
    ),
}
