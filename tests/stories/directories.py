"""What the offices of the stories have declared; the numbers are nobody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from appliance.policy.directory import (
    Declaration,
    Directory,
    EntryStamp,
    Need,
    Reach,
    ReturnRule,
    Unit,
    Variation,
    make_target,
)
from appliance.policy.hours import Band, Week, week_of
from tests.stories.offices import ROME

APPOINTMENT, EMAIL = ReturnRule.APPOINTMENT, ReturnRule.EMAIL
EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday")
BANDS = week_of(**dict.fromkeys(EVERY_DAY, "9-12:30 15-17"))


def _entry(number: int) -> EntryStamp:
    return EntryStamp(
        number, "Responsabile", datetime(2026, 1, 12, 9, tzinfo=ROME), f"Prot. {number}"
    )


def _declaration(
    number: int, unit: str, rules: tuple[ReturnRule, ...], *needs: Need, last: date | None = None
) -> Declaration:
    first = date(2026, 1, 15)
    return Declaration(_entry(number), unit, "Dirigente", BANDS, rules, needs, first, last)


TOWN = Directory(
    (
        Unit("demografici", "Servizi demografici", "demo@comune.example"),
        Unit("anagrafe", "Anagrafe", "anagrafe@comune.example", "demografici"),
        Unit("tributi", "Tributi", "tributi@comune.example"),
        Unit(
            "edilizia",
            "Edilizia privata",
            "edilizia@comune.example",
            say="Il tecnico La richiama in giornata.",
        ),
        Unit("scuola", "Servizi scolastici", "scuola@comune.example"),
        Unit("sociali", "Servizi sociali", "sociali@comune.example"),
        Unit("anziani", "Ufficio anziani", "anziani@comune.example", "sociali"),
        Unit("cultura", "Biblioteca", "biblioteca@comune.example"),
    ),
    (
        _declaration(
            1,
            "anagrafe",
            (APPOINTMENT, EMAIL),
            Need(
                "residenza",
                "Cambio di residenza",
                (
                    make_target(Reach.PHONE, "ana1", "Anagrafe, sportello 1"),
                    make_target(Reach.PHONE, "ana2"),
                ),
                code_keys="31",
            ),
            Need("aire", "Italiani all'estero", (make_target(Reach.PBX, "206"),), (EMAIL,), "32"),
        ),
        _declaration(
            2,
            "tributi",
            (EMAIL,),
            Need(
                "accertamenti", "Avvisi", (make_target(Reach.OUTSIDE, "051598230"),), code_keys="41"
            ),
        ),
        _declaration(
            3,
            "edilizia",
            (APPOINTMENT,),
            Need(
                "pratiche",
                "Stato delle pratiche",
                (
                    make_target(Reach.PHONE, "edi1"),
                    make_target(Reach.PBX, "210"),
                    make_target(Reach.PHONE, "edi2"),
                ),
                code_keys="51",
            ),
        ),
        _declaration(
            4,
            "sociali",
            (EMAIL,),
            Need(
                "assistenza",
                "Assistenza a casa",
                (make_target(Reach.OUTSIDE, "3391234567", "Mobile di turno", service_mobile=True),),
                code_keys="61",
            ),
        ),
        _declaration(
            5,
            "cultura",
            (APPOINTMENT,),
            Need("prestito", "Prestito", (make_target(Reach.PHONE, "edi1"),), code_keys="71"),
            last=date(2026, 10, 31),
        ),
    ),
)
"""Anagrafe by its phones and the PBX, Tributi outside, Edilizia both ways; the schools never.

The social services' mobile is also that of their office for the old, which declared nothing of its
own; the library's declaration ran out in October.
"""

_ALWAYS = week_of(**dict.fromkeys((*EVERY_DAY, "saturday", "sunday"), "0-24"))
SEATS = Directory(
    (Unit("savena", "Sede Savena", ""), Unit("borgo", "Sede Borgo", "")),
    (
        replace(
            _declaration(
                1,
                "savena",
                (EMAIL,),
                Need("pubblico", "Pubblico", (make_target(Reach.PHONE, "sede1"),), code_keys="81"),
            ),
            week=week_of(**dict.fromkeys(EVERY_DAY, "8-20")),
        ),
        replace(
            _declaration(
                2,
                "borgo",
                (EMAIL,),
                Need(
                    "pubblico",
                    "Pubblico",
                    (make_target(Reach.PHONE, "op9"), make_target(Reach.PHONE, "sede2")),
                ),
            ),
            week=_ALWAYS,
        ),
    ),
)
"""Two other branches of the house: Savena on working days, Borgo always."""
REGISTERS = {"offices": TOWN, "branches": SEATS}
"""The directory of an office of offices.py; the others have none."""
BRANCHES = ("sede1", "sede2")
OFFICE_PHONES = ("ana1", "ana2", "edi1", "edi2")


def varied(
    directory: Directory, unit: str, span: tuple[date, date], bands: str, notice: str = ""
) -> Directory:
    """Return the directory with a variation from a day to another (E12, E14)."""
    number = 200 + len(directory.variations)
    made = Variation(_entry(number), unit, *span, _same(bands), notice=notice)
    return replace(directory, variations=(*directory.variations, made))


def declared(
    directory: Directory, unit: str, need: str, phone: str, day: date, bands: str
) -> Directory:
    """Return the directory with a new declaration of a unit, which supersedes what it had (P4)."""
    had = next(each for each in reversed(directory.declarations) if each.unit == unit)
    old = next(each for each in had.needs if each.code == need)
    number = 100 + len(directory.declarations)
    new = replace(
        had, entry=_entry(number), week=_same(bands), first=day,
        needs=(replace(old, targets=(make_target(Reach.PHONE, phone),)),),
    )  # fmt: skip
    return replace(directory, declarations=(*directory.declarations, new))


def _same(bands: str) -> Week:
    return week_of(**dict.fromkeys(EVERY_DAY, str(Band.parse(bands))))
