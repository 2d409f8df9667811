"""The configuration as written in centralino.toml: one frozen dataclass a table (house rule 10).

An option exists only if a named reader will set it: the technician at installation, the head of
the front desk for hours and periods. Times are local wall-clock times of `site.zone`.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.daemon.settings_box import (
    Backup,
    Central,
    Clock,
    Console,
    Folders,
    Line,
    Mail,
    Metrics,
    Mqtt,
    PanelPins,
    Phone,
    Registrar,
    Retention,
    Sip,
    Updates,
)
from appliance.daemon.settings_office import (
    Branches,
    Calls,
    Closure,
    Group,
    Head,
    Opening,
    Outgoing,
    Period,
    Positions,
    Report,
    Site,
    Voicemail,
    Waiting,
)
from appliance.daemon.values import Hours

__all__ = [
    "Backup",
    "Branches",
    "Calls",
    "Central",
    "Clock",
    "Closure",
    "Console",
    "Folders",
    "Group",
    "Head",
    "Line",
    "Mail",
    "Metrics",
    "Mqtt",
    "Opening",
    "Outgoing",
    "PanelPins",
    "Period",
    "Phone",
    "Positions",
    "Registrar",
    "Report",
    "Retention",
    "Settings",
    "Sip",
    "Site",
    "Updates",
    "Voicemail",
    "Waiting",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration."""

    site: Site
    hours: Hours
    sip: Sip
    lines: tuple[Line, ...] = ()
    phones: tuple[Phone, ...] = ()
    switchboard: Group = Group()
    citizens_desk: Group = Group()
    head: Head = Head()
    closures: tuple[Closure, ...] = ()
    openings: tuple[Opening, ...] = ()
    periods: tuple[Period, ...] = ()
    voicemail: Voicemail = Voicemail()
    calls: Calls = Calls()
    outgoing: Outgoing = Outgoing()
    report: Report = Report()
    positions: Positions = Positions()
    mail: Mail = Mail()
    mqtt: Mqtt = Mqtt()
    retention: Retention = Retention()
    backup: Backup = Backup()
    updates: Updates = Updates()
    central: Central = Central()
    waiting: Waiting = Waiting()
    clock: Clock = Clock()
    branches: Branches = Branches()
    panel: PanelPins = PanelPins()
    console: Console = Console()
    metrics: Metrics = Metrics()
    folders: Folders = Folders()
