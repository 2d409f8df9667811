"""Whether anything real may be dialled for help: never on simulated lines, by construction."""

from __future__ import annotations

from appliance.daemon.settings import Settings
from appliance.policy.numbering import PLANS, Plan, rehearsed

DEVICES = "/dev/"
"""Where a real modem's port is; a simulated line's is a file of its exchange's folder."""


def rehearses(settings: Settings) -> bool:
    """Tell whether nothing real may be dialled for help: a simulated line, or so configured."""
    simulated = any(not line.port.startswith(DEVICES) for line in settings.lines)
    return simulated or bool(settings.outgoing.rehearsal)


def numbers_of(settings: Settings) -> Plan:
    """Return the country's numbers; in a rehearsal its emergency numbers are fictitious."""
    plan = PLANS.get(settings.site.country, PLANS["it"])
    return rehearsed(plan) if rehearses(settings) else plan
