"""The town of the simulated year: two lines, three operators, a counter, offices that declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from appliance.config.office import holidays_for
from appliance.config.values import MonthDay
from appliance.policy.directory import (
    Authorisation,
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    TransferTarget,
    Unit,
    make_target,
    target_to_tell,
)
from appliance.policy.hours import Closure, Period, Schedule, week_of
from appliance.policy.lines import modem_line
from appliance.policy.office import AfterHours, Group, Office, VoicemailLimits, WaitingRules
from appliance.policy.sheets import SpokenSheet
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")
YEAR = 2026
OPERATORS, COUNTER = ("op1", "op2", "op3"), ("desk1", "desk2")
CLERKS = ("ana1", "ana2", "tri1", "edi1")
LINES = ("line1", "line2")
DUTY = "051598333"
"""Authorised in writing: it may be told after hours."""
HIDDEN = ("0519990204", "3331112233", "051598777")
"""Numbers behind offices; nobody outside may ever hear or see one of them."""
CODES = ("31", "32", "33", "41", "99", "0519990204", "")
"""What operators dial behind the transfer key: codes of the directory, and what is none."""

HOLIDAYS = holidays_for("it", YEAR, MonthDay(10, 4), "San Petronio")
ORDINARY = "8:30-13:00 14:00-17:30"
SWITCHBOARD_HOURS = Schedule(
    ROME,
    week_of(
        monday=ORDINARY, tuesday=ORDINARY, wednesday=ORDINARY, thursday=ORDINARY,
        friday="8:30-13:00", saturday="9:00-12:00",
    ),
    holidays=HOLIDAYS,
    closures=(
        Closure(datetime(YEAR, 12, 24, 12), datetime(YEAR, 12, 24, 18)),  # noqa: DTZ001 - local times
    ),
    periods=(
        Period(
            date(YEAR, 7, 13),
            date(YEAR, 8, 29),
            pair("Orario estivo", "Summer hours"),
            week_of(
                monday="8-14", tuesday="8-14", wednesday="8-14", thursday="8-14", friday="8-14"
            ),
        ),
    ),
)  # fmt: skip
COUNTER_HOURS = Schedule(
    ROME,
    week_of(
        **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "8:30-16:30")
    ),
    holidays=HOLIDAYS,
)
OFFICE = Office(
    name="Comune di Esempio",
    lines=(
        modem_line("line1", label="Centralino", called_number="051598111"),
        modem_line("line2", called_number="800011837"),
    ),
    switchboard=Group(
        "switchboard", pair("Centralino", "Switchboard"), OPERATORS, SWITCHBOARD_HOURS
    ),
    citizens_desk=Group(
        "citizens_desk", pair("Sportello", "Counter"), COUNTER, COUNTER_HOURS, ring_ms=20_000
    ),
    voicemail=VoicemailLimits(privacy="privacy"),
    after_hours=AfterHours(emergency=True, duty=("polizia",)),
    waiting=WaitingRules(1, 120_000),
)
SHEETS = (
    SpokenSheet("carta", "it", "title_carta", "sheet_carta"),
    SpokenSheet("imu", "it", "title_imu", "sheet_imu"),
)


def _entry(number: int) -> EntryStamp:
    at = datetime(YEAR - 1, 12, 1, 9, tzinfo=ROME)
    return EntryStamp(number, "Responsabile", at, f"Protocollo {number}/{YEAR}")


def _declared(number: int, unit: str, hours: str, needs: tuple[Need, ...]) -> Declaration:
    bands = week_of(
        **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), hours)
    )
    rules = (ReturnRule.APPOINTMENT, ReturnRule.EMAIL)
    first = date(YEAR - 1, 12, 1)
    return Declaration(_entry(number), unit, "Dirigente", bands, rules, needs, first)


def _phones(*names: str) -> tuple[TransferTarget, ...]:
    return tuple(make_target(Reach.PHONE, name, name) for name in names)


MOBILE = make_target(Reach.OUTSIDE, HIDDEN[1], "reperibile", service_mobile=True)
DIRECTORY = Directory(
    units=tuple(
        Unit(code, code.title(), f"{code}@comune.example.it")
        for code in ("anagrafe", "tributi", "edilizia", "polizia")
    ),
    declarations=(
        _declared(
            1,
            "anagrafe",
            "9-12:30",
            (
                Need("residenza", "Residenza", _phones("ana1", "ana2"), code_keys="31"),
                Need("aire", "AIRE", _phones("ana2"), code_keys="32"),
            ),
        ),
        _declared(
            2,
            "tributi",
            "10-12 15-17",
            (
                Need(
                    "imu",
                    "IMU",
                    (*_phones("tri1"), make_target(Reach.OUTSIDE, HIDDEN[0], "sede")),
                    code_keys="33",
                ),
            ),
        ),
        _declared(
            3,
            "edilizia",
            "9-11",
            (Need("scia", "SCIA", (*_phones("edi1"), MOBILE), code_keys="41"),),
        ),
    ),
    authorisations=(Authorisation(_entry(4), "polizia", target_to_tell(DUTY), "Comandante"),),
)
REVOKED = replace(
    DIRECTORY,
    authorisations=(replace(DIRECTORY.authorisations[0], revoked=_entry(5)),),
)
"""The same town after the police took their leave back."""
