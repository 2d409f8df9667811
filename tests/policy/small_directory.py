"""A small directory for tests: one service, two offices, their declarations."""

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
from appliance.policy.hours import Closure, Holiday, Schedule, Week, week_of
from tests.helpers.words import pair
from tests.stories.offices import ROME

APPOINTMENT, EMAIL = ReturnRule.APPOINTMENT, ReturnRule.EMAIL
SERVICE = Unit("demografici", "Servizi demografici", "demo@comune.example")
ANAGRAFE = Unit("anagrafe", "Anagrafe", "anagrafe@comune.example", "demografici")
CIVILE = Unit("statocivile", "Stato civile", "civile@comune.example", "demografici")
EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday")
BANDS = week_of(**dict.fromkeys(EVERY_DAY, "9-12:30 15-17"))
CLERKS = (make_target(Reach.PBX, "204", "interno 1"), make_target(Reach.PBX, "205", "interno 2"))
RESIDENCE = Need("residenza", "Cambio di residenza", CLERKS)
ABROAD = Need("aire", "Italiani all'estero", (make_target(Reach.PBX, "206"),), (EMAIL,))
CHRISTMAS = Holiday(date(2026, 12, 25), pair("Natale", "Christmas"))
MOVING = Closure.whole_days(date(2026, 11, 27), date(2026, 11, 27), pair("Trasloco", "Moving"))
CALENDAR = Schedule(ROME, week_of(monday="8-20"), holidays=(CHRISTMAS,), closures=(MOVING,))


def rome(text: str) -> datetime:
    """Read a local moment in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def entry(number: int, at: str = "2026-01-12 09:00") -> EntryStamp:
    """Make an entry by the head."""
    return EntryStamp(number, "Responsabile", rome(at), f"Protocollo {number}/2026")


def declaration(number: int = 1, unit: str = "anagrafe", first: str = "2026-01-15") -> Declaration:
    """Make the ordinary declaration; vary it by `dataclasses.replace`."""
    return Declaration(
        entry(number),
        unit,
        "Dirigente",
        BANDS,
        (APPOINTMENT, EMAIL),
        (RESIDENCE, ABROAD),
        date.fromisoformat(first),
    )


def variation(number: int, day: str, bands: Week | None, unit: str = "anagrafe") -> Variation:
    """Make a variation of one day."""
    return Variation(entry(number), unit, date.fromisoformat(day), date.fromisoformat(day), bands)


TOWN = Directory((SERVICE, ANAGRAFE, CIVILE), (declaration(),))
"""Anagrafe has declared; Stato civile lives by its service's word, which says nothing yet."""


def with_declarations(*declarations: Declaration) -> Directory:
    """Return the town's register with other declarations."""
    return replace(TOWN, declarations=declarations)
