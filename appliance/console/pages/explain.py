"""What happens if somebody calls now, or at a moment: the call's way, step by step (P8, P9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts.rights import for_those_who_may, needs
from appliance.console.asking import NotDone, ask
from appliance.console.links import Link
from appliance.console.register_reading import read_register
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.directory_forms import in_force
from appliance.policy.text import Words
from appliance.policy.users import Permission

WAYS: Final = {
    "switchboard": N_("Switchboard"),
    "citizens_desk": N_("Citizens' counter"),
    "waiting": N_("Waits for a free operator"),
    "voicemail": N_("Voicemail"),
    "nobody": N_("Goes on ringing"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the call's way, as the page draws it; `lasts_s` 0 for the last one."""

    way: str
    name: str
    words: Words
    phones: tuple[str, ...]
    lasts_s: int


@needs(Permission.EXPLAIN)
async def explain(request: Request) -> Response:
    """Ask the desk and draw its answer; without a moment it is now."""
    params = request.query_params
    chosen = {name: params.get(name, "")[:64] for name in ("line", "day", "time", "need")}
    at, wrong = _moment(request, chosen["day"], chosen["time"])
    unit, _, need = chosen["need"].partition("/")
    question = {"ask": "explain", "line": chosen["line"], "unit": unit, "need": need, "at": at}
    found: dict[str, Any] = {}
    if not wrong:
        try:
            found = await ask(request, question)
        except NotDone as error:
            wrong = str(error)
    return page(
        request,
        "register/explain.html",
        chosen=chosen,
        needs=await _needs(request),
        lines=found.get("lines", []),
        steps=[_step(step) for step in found["explanation"]["steps"]] if found else [],
        at=_time(found["explanation"]["at"]) if found else None,
        changes_at=_time(found["explanation"]["changes_at"]) if found else None,
        transfer=_transfer(found.get("transfer")),
        wrong=wrong,
        is_now=not at,
    )


def _moment(request: Request, day: str, time: str) -> tuple[str, str]:
    """Return the moment of the form in ISO form, "" for now, and what is wrong with it."""
    if not day and not time:
        return "", ""
    zone = request.app.state.zone
    try:
        written = f"{day or f'{datetime.now(zone):%Y-%m-%d}'}T{time or '09:00'}"
        return datetime.fromisoformat(written).replace(tzinfo=zone).isoformat(), ""
    except ValueError:
        return "", request.state.speaker(
            N_("Write the day like 2026-11-25 and the time like 9:30.")
        )


async def _needs(request: Request) -> list[tuple[str, str, str]]:
    """List what a caller may be put through for: value, unit, need."""
    register = in_force(await read_register(request))
    day = datetime.now(request.app.state.zone).date()
    return [
        (f"{unit.code}/{need.code}", unit.name, need.name)
        for unit in register.units
        if (held := register.valid_declaration(unit, day))
        for need in held.needs
    ]


def _step(step: Mapping[str, Any]) -> Step:
    words = Words(step["sentence_it"], step["sentence_en"])
    way, phones = step["way"], tuple(step["phones"])
    return Step(way, WAYS.get(way, way), words, phones, step["ring_ms"] // 1000)


def _transfer(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "allowed": found["allowed"],
        "words": Words(**found["words"]),
        "targets": found["targets"],
        "rules": found["rules"],
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


routes: list[BaseRoute] = [Route("/explain", explain)]
links = (Link("/explain", N_("If somebody calls"), for_those_who_may(Permission.EXPLAIN), 45),)
