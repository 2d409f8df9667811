"""The office that is soaked: four lines, two operators, a counter; everything happens quickly."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.policy.hours import Schedule, week_of
from appliance.policy.lines import HalfDuplexDaytime, modem_line
from appliance.policy.office import Extension, Group, Office, VoicemailLimits
from tests.helpers.words import pair

ADDRESS = "192.0.2.1"
ROME = ZoneInfo("Europe/Rome")
STARTS = tuple(
    datetime(2026, 11, 25, hour, minute, tzinfo=ROME)
    for hour, minute in ((10, 0), (15, 0), (8, 27), (12, 56), (13, 57), (17, 56))
)
"""Moments of a Wednesday at which a soak begins: in the hours, and shortly before they change."""
OPEN = "8:30-13:00 14:00-18:00"
HOURS = Schedule(ROME, week_of(**dict.fromkeys(("monday", "tuesday", "wednesday"), OPEN)))
COUNTER_HOURS = Schedule(ROME, week_of(**dict.fromkeys(("monday", "wednesday"), "8:30-17:00")))

CALLER_ID = {"line1": "after", "line2": "before", "line3": "none", "line4": "after"}
"""When each line's exchange sends who calls, as configured."""
DIALECTS = ("conexant", "conexant", "conexant", "usr5637")
"""The modem on each line; the last one is half duplex, and stands behind a PBX."""
EXTENSIONS = ("201", "202", "301")
"""Of that PBX: two of the switchboard's, one of the counter's."""

OFFICE = Office(
    name="Comune di Prova",
    lines=(
        *(modem_line(name) for name in ("line1", "line2", "line3")),
        modem_line("line4", daytime=HalfDuplexDaytime.PBX_TRANSFER),
    ),
    switchboard=Group(
        "switchboard",
        pair("Centralino", "Switchboard"),
        ("op1", "op2"),
        HOURS,
        ring_ms=5000,
        pbx_numbers=EXTENSIONS[:2],
    ),
    citizens_desk=Group(
        "citizens_desk",
        pair("Sportello", "Counter"),
        ("desk1", "desk2"),
        COUNTER_HOURS,
        ring_ms=4000,
        pbx_numbers=EXTENSIONS[2:],
    ),
    languages=("it",),
    voicemail=VoicemailLimits(
        limit_ms=6000, silence_ms=1500, grace_ms=2500, minimum_ms=1000, store_ms=4000
    ),
    extensions=(Extension("11", "op1"), Extension("12", "op2"), Extension("21", "desk1")),
)
