"""Time zones as the makes name them; a zone that is not here is left as the phone has it.

Sources: Yealink's Auto Provisioning Guide (local_time.time_zone_name, list of time zones), Snom's
wiki on `timezone`, the option list of Grandstream's configuration template, Cisco's SPA500
Administration Guide (Daylight Saving Time Rule).
"""

from __future__ import annotations

from dataclasses import dataclass

CENTRAL = "CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00"
LONDON = "GMT+0BST-1,M3.5.0/01:00:00,M10.5.0/02:00:00"
EUROPE_SUMMER = "start=3/-1/7/2;end=10/-1/7/3;save=1"
"""The last Sundays of March and October, local time (Directive 2000/84/EC)."""
LONDON_SUMMER = "start=3/-1/7/1;end=10/-1/7/2;save=1"


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone: `hours` east of UTC in winter, then its name by make."""

    hours: int
    yealink: str
    snom: str
    grandstream: str
    cisco_summer: str


ZONES = {
    "Europe/Rome": Zone(1, "Italy(Rome)", "ITA+1", CENTRAL, EUROPE_SUMMER),
    "Europe/Berlin": Zone(1, "Germany(Berlin)", "GER+1", CENTRAL, EUROPE_SUMMER),
    "Europe/Paris": Zone(1, "France(Paris)", "FRA+1", CENTRAL, EUROPE_SUMMER),
    "Europe/London": Zone(0, "United Kingdom(London)", "GBR-0", LONDON, LONDON_SUMMER),
}
