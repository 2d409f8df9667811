"""The technician's page of the configuration: what is in force, and what is wrong with the file."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import needs
from appliance.console.asking import NotDone, ask
from appliance.console.pages.plant_chores import begin, standing
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.text import Words
from appliance.policy.users import Permission

SECTIONS: Final = {
    "site": N_("The house"),
    "hours": N_("Opening hours of the week"),
    "sip": N_("Where phones find the box"),
    "lines": N_("Line"),
    "phones": N_("Phone"),
    "switchboard": N_("Switchboard's positions"),
    "citizens_desk": N_("Citizens' counter's positions"),
    "head": N_("Head of the front desk"),
    "closures": N_("Closure"),
    "openings": N_("Opening of one day"),
    "periods": N_("Special period"),
    "voicemail": N_("Voicemail"),
    "calls": N_("Limits of a call"),
    "outgoing": N_("Calling out"),
    "report": N_("Reports"),
    "positions": N_("Missed calls at a position"),
    "mail": N_("Mail server"),
    "mqtt": N_("MQTT broker"),
    "retention": N_("How long things are kept"),
    "waiting": N_("Waiting for a free position"),
    "panel": N_("LEDs and button"),
    "console": N_("These pages"),
    "metrics": N_("Figures for Prometheus"),
    "folders": N_("Folders"),
}
"""Titles of the file's tables; one that has no title yet is shown under its name."""


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show the configuration in force, table by table, and what is wrong with the file."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def check(request: Request) -> Response:
    """Have the file on the disk checked as it is now."""
    await request.form()
    return await begin(request, "config_check", _show, "/plant/settings")


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    told: dict[str, Any] | None = None
    why = str(wrong) if wrong else ""
    try:
        told = await ask(request, {"ask": "settings"})
    except NotDone as error:
        why = why or str(error)
    values = await standing(request, "config_check")
    status = wrong.status if wrong else 200
    return page(
        request,
        "plant/settings.html",
        status,
        told=told,
        wrong=why,
        titles=SECTIONS,
        said=lambda words: request.state.speaker.words(Words(**words)),
        **values,
    )


routes: list[BaseRoute] = [
    Route("/plant/settings", show, methods=["GET"]),
    Route("/plant/settings/check", check, methods=["POST"]),
]
