"""Settings, for technicians: changed as a whole, shown in words before, kept or undone after."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import UserCommand
from appliance.api.technician_commands import ConfirmSettings, ListSettingsHistory, UndoSettings
from appliance.api.technician_replies import SettingsDone, SettingsHistoryReply, SettingsListReply
from appliance.console.accounts import needs, send_as_user, signed_in_user, with_permission
from appliance.console.control_client import NotDone, form_field, people_names, records_of
from appliance.console.day_typed import LONGEST_DAY, shown_day, typed_day
from appliance.console.say import N_
from appliance.console.setting_fields import SECTIONS, Section, section_of
from appliance.console.setting_forms import (
    READ_S,
    WRITE_S,
    Answer,
    Typed,
    applied,
    changes_values,
    form_values,
    history_entry,
    judged,
    listed_settings,
    own_settings,
    typed_in,
)
from appliance.console.templates import PageLink, page
from appliance.policy.users import Permission

# ---- pages ---------------------------------------------------------------------------------------


@needs(Permission.TECHNICAL)
async def show_first(_: Request) -> Response:
    """Lead to the first section."""
    return RedirectResponse(f"/settings/{SECTIONS[0].code}", 303)


@needs(Permission.TECHNICAL)
async def show_section(request: Request) -> Response:
    """Show a section's form; with `done`, what was applied."""
    return await _show(request, _section(request))


@needs(Permission.TECHNICAL)
async def day(request: Request) -> Response:
    """Tell how a day that is being typed is read: "24 giugno", "" for none."""
    typed = typed_day(request.query_params.get("text", "")[:LONGEST_DAY])
    shown = shown_day(typed, request.state.speaker.language) if typed else ""
    return JSONResponse({"shown": shown})


@needs(Permission.TECHNICAL)
async def preview(request: Request) -> Response:
    """Show what a form would change: a part of the page, also each mistake."""
    section, form = _section(request), await request.form()
    listed, wrong = await listed_settings(request)
    if listed is None:
        return page(
            request, "settings/changes.html", 503, **changes_values(request, Answer(wrong=wrong))
        )
    typed = typed_in(form, own_settings(section, listed))
    answer = await judged(request, typed, listed)
    return page(request, "settings/changes.html", **changes_values(request, answer, listed))


@needs(Permission.TECHNICAL)
async def change(request: Request) -> Response:
    """Apply a form, or show what it would change (`do` is "look")."""
    section, form = _section(request), await request.form()
    listed, wrong = await listed_settings(request)
    if listed is None:
        return await _show(request, section, wrong=wrong, status=503)
    typed = typed_in(form, own_settings(section, listed))
    done: int | Answer
    if form_field(form, "do") == "apply":
        done = await applied(request, typed, listed)
    else:
        done = await judged(request, typed, listed)
    if isinstance(done, Answer):
        return await _show(request, section, typed, done)
    return RedirectResponse(f"/settings/{section.code}?done={done}", 303)


@needs(Permission.TECHNICAL)
async def confirm(request: Request) -> Response:
    """Keep the change that is on trial."""
    return await _act(request, ConfirmSettings(), "confirmed")


@needs(Permission.TECHNICAL)
async def undo(request: Request) -> Response:
    """Put the settings back to what they were before an entry of the history."""
    return await _act(request, UndoSettings(number=request.path_params["number"]), "undone")


@needs(Permission.TECHNICAL)
async def show_history(request: Request) -> Response:
    """List the newest changes, each of which can be undone."""
    return await _show_history(request)


async def _show_history(request: Request, wrong: NotDone | None = None) -> Response:
    try:
        reply, why = await send_as_user(request, ListSettingsHistory(), READ_S), ""
    except NotDone as error:
        reply, why = SettingsHistoryReply(()), str(error)
    return page(
        request,
        "settings/history.html",
        wrong.status if wrong else 200,
        entries=reply.entries,
        wrong=str(wrong) if wrong else why,
        names=await records_of(request).read(people_names),
        sections=SECTIONS,
        was_undone="undone" in request.query_params,
    )


async def _act(request: Request, command: UserCommand[SettingsDone], done: str) -> Response:
    form = await request.form()
    code = form_field(form, "section")
    section = section_of(code)
    try:
        await send_as_user(request, command, WRITE_S)
    except NotDone as error:
        if section is None:
            return await _show_history(request, error)
        answer = Answer(wrong=str(error), status=error.status)
        return await _show(request, section, answer=answer)
    to = f"/settings/{section.code if section else 'history'}"
    return RedirectResponse(f"{to}?{done}=1", 303)


# ---- helpers of the pages ------------------------------------------------------------------------


def _section(request: Request) -> Section:
    found = section_of(str(request.path_params["section"]))
    if found is None:
        raise HTTPException(404)
    return found


async def _show(
    request: Request,
    section: Section,
    typed: Typed | None = None,
    answer: Answer | None = None,
    *,
    wrong: str = "",
    status: int = 200,
) -> Response:
    listed, why = await listed_settings(request)
    answer = answer or Answer(wrong=wrong, status=status)
    trial, query = (listed.trial if listed else None), request.query_params
    number = query.get("done", "")
    done = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0
    return page(
        request,
        "settings/section.html",
        answer.status if answer.status != 200 else (200 if listed else 503),
        sections=SECTIONS,
        trial=trial,
        trial_entry=await history_entry(request, trial.number if trial else 0),
        applied=await history_entry(request, done if not trial else 0),
        was_confirmed="confirmed" in query,
        was_undone="undone" in query,
        is_mine=trial is not None and trial.by == signed_in_user(request).name,
        names=await records_of(request).read(people_names),
        elsewhere=_elsewhere(request, listed),
        is_moving=_is_moving(request, listed),
        unavailable=why,
        **await form_values(request, section, listed, typed or Typed(), answer),
    )


def _is_moving(request: Request, listed: SettingsListReply | None) -> bool:
    """Tell whether the console has not started with what the file says of it.

    Whoever confirmed then would confirm what they have not seen work.
    """
    settings = request.app.state.settings
    own = {
        "console.port": settings.port,
        "console.redirect_port": settings.redirect_port,
        "console.names": list(settings.names),
        "console.certificate": settings.certificate,
        "console.key": settings.key,
    }
    found = listed.settings if listed else ()
    return any(one.key in own and one.value != own[one.key] for one in found)


def _elsewhere(request: Request, listed: SettingsListReply | None) -> str:
    """Return the console's new address, "" if it is the present one."""
    if listed is None:
        return ""
    port = next((one.value for one in listed.settings if one.key == "console.port"), None)
    here = request.app.state.settings.port
    if port == here or not isinstance(port, int):
        return ""
    place = "" if port == 443 else f":{port}"
    return f"https://{request.url.hostname}{place}{request.url.path}"


routes: list[BaseRoute] = [
    Route("/settings", show_first, methods=["GET"]),
    Route("/settings/day", day, methods=["GET"]),
    Route("/settings/history", show_history, methods=["GET"]),
    Route("/settings/confirm", confirm, methods=["POST"]),
    Route("/settings/undo/{number:int}", undo, methods=["POST"]),
    Route("/settings/{section}", show_section, methods=["GET"]),
    Route("/settings/{section}", change, methods=["POST"]),
    Route("/settings/{section}/preview", preview, methods=["POST"]),
]
links = (PageLink("/settings", N_("Settings"), with_permission(Permission.TECHNICAL), order=80),)
