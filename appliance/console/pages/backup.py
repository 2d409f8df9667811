"""The technician's page of backups: make one and take it along; bring one and see that it is whole.

A backup is put back with the switchboard stopped: it replaces the very folders that the desk and
this console are running on. Root's helper does it when nobody is on the phone; where there is none,
a person does by the command that this page shows.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import needs, somebody
from appliance.console.announcements import BACKUP, Kind, made_path, receive, stored, uploaded_path
from appliance.console.desk_client import NotDone, ask
from appliance.console.network import UPLOAD
from appliance.console.pages.maintenance import begin_chore, standing
from appliance.console.pages.users import field
from appliance.console.say import N_
from appliance.console.templates import page
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused, Words
from appliance.policy.users import Permission

PAGE: Final = "/plant/backup"
TWO: Final = N_("The two passphrases are not the same.")
NOT_COMPARED: Final = N_("Tick that the key is the server's: compare it first.")
UNSURE: Final = N_("Tick that everything is to be replaced.")
BUSY: Final = N_("Another file is being uploaded: wait for its end.")
FAILED: Final = N_("The file could not be kept: %(why)s")


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show what there is, and the forms."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def make(request: Request) -> Response:
    """Have a backup made under a passphrase that is typed twice."""
    form = await request.form()
    if field(form, "phrase") != field(form, "again"):
        return await _show(request, NotDone(400, request.state.speaker(TWO)))
    return await begin_chore(request, "backup_make", _show, PAGE, passphrase=field(form, "phrase"))


@needs(Permission.TECHNICAL)
async def fetch(request: Request) -> Response:
    """Hand the backup over, once the desk has noted to whom."""
    found = await anyio.to_thread.run_sync(stored, made_path(request.app.state.settings))
    if found is None:
        raise HTTPException(404)
    try:
        await ask(request, {"ask": "backup_fetch", "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error)
    name = f"centralino-{found.at.astimezone(request.app.state.zone):%Y%m%d-%H%M}.backup"
    return FileResponse(found.path, media_type="application/octet-stream", filename=name)


@needs(Permission.TECHNICAL)
async def drop(request: Request) -> Response:
    """Have the backup that was made here taken away."""
    await request.form()
    try:
        await ask(request, {"ask": "backup_drop", "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def upload(request: Request) -> Response:
    """Keep a backup that a script sends as it is; answers with a sentence for that script."""
    return await taken(request, uploaded_path(request.app.state.settings), BACKUP)


async def taken(request: Request, path: Path, kind: Kind) -> Response:
    """Keep what comes at a path, if it is of that kind; one upload at a time."""
    say, lock = request.state.speaker, request.app.state.uploading
    length = request.headers.get("content-length", "")
    try:
        lock.acquire_nowait()
    except anyio.WouldBlock:
        return Response(say(BUSY), 409)
    try:
        size = int(length) if length.isascii() and length.isdecimal() else 0
        await receive(request.stream(), size, path, kind)
    except Refused as refused:
        return Response(say.words(refused.words), 409)
    except OSError as error:
        return Response(say(FAILED, why=say.words(why_not(error))), 507)
    finally:
        lock.release()
    return Response(status_code=204)


@needs(Permission.TECHNICAL)
async def check(request: Request) -> Response:
    """Have the desk look through the uploaded backup."""
    phrase = field(await request.form(), "passphrase")
    return await begin_chore(request, "backup_check", _show, PAGE, passphrase=phrase)


@needs(Permission.TECHNICAL)
async def forget(request: Request) -> Response:
    """Take the uploaded backup away; it is this console's own."""
    await request.form()
    path = uploaded_path(request.app.state.settings)
    await anyio.to_thread.run_sync(lambda: path.unlink(missing_ok=True))
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def restore(request: Request) -> Response:
    """Have the uploaded backup put in the place of what is on the box; whoever asks is sure."""
    form = await request.form()
    if field(form, "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    question = {"ask": "backup_restore", "passphrase": field(form, "phrase_again"), "sure": True}
    try:
        await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(f"{PAGE}#restore", 303)


@needs(Permission.TECHNICAL)
async def stick(request: Request) -> Response:
    """Have the plugged stick set up for backups, or written now where one is set up."""
    form = await request.form()
    if field(form, "stick_phrase") != field(form, "stick_again"):
        return await _show(request, NotDone(400, request.state.speaker(TWO)))
    question = {"ask": "backup_stick_set_up", "passphrase": field(form, "stick_phrase")}
    return await _about(request, question, "stick")


@needs(Permission.TECHNICAL)
async def stick_forget(request: Request) -> Response:
    """Have no backup written onto a stick any more."""
    await request.form()
    return await _about(request, {"ask": "backup_stick_forget"}, "stick")


@needs(Permission.TECHNICAL)
async def target(request: Request) -> Response:
    """Have a backup written to the network folder that was set up, now."""
    await request.form()
    return await _about(request, {"ask": "backup_target_write"}, "target")


@needs(Permission.TECHNICAL)
async def target_look(request: Request) -> Response:
    """Have the server asked for its key, for somebody to compare."""
    await request.form()
    return await _about(request, {"ask": "backup_target_look"}, "target")


@needs(Permission.TECHNICAL)
async def target_set_up(request: Request) -> Response:
    """Have the network folder set up, by the key that was compared or the account's password."""
    form = await request.form()
    say = request.state.speaker
    if field(form, "target_phrase") != field(form, "target_again"):
        return await _show(request, NotDone(400, say(TWO)))
    if field(form, "host_key") and field(form, "same") != "1":
        return await _show(request, NotDone(400, say(NOT_COMPARED)))
    question = {
        "ask": "backup_target_set_up",
        "host_key": field(form, "host_key"),
        "passphrase": field(form, "target_phrase"),
        "password": field(form, "target_password"),
    }
    return await _about(request, question, "target")


async def _about(request: Request, question: dict[str, Any], part: str) -> Response:
    try:
        await ask(request, {**question, "by": somebody(request).name})
    except NotDone as error:
        return await _show(request, error)
    return RedirectResponse(f"{PAGE}#{part}", 303)


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    made, uploaded = await anyio.to_thread.run_sync(
        lambda: (stored(made_path(settings)), stored(uploaded_path(settings)))
    )
    making = await standing(request, "backup_make")
    checking = await standing(request, "backup_check")
    values: dict[str, Any] = {
        "made": None if making["runs"] else made,
        "uploaded": uploaded,
        "making": making,
        "checking": checking,
        "is_whole": _is_whole(checking, uploaded.at if uploaded else None),
        "wrong": str(wrong) if wrong else "",
        "restoring": await _restoring(request),
        "stick": await _stick(request),
        "target": await _target(request),
        "said": lambda words: request.state.speaker.words(Words(**words)),
        "at": datetime.fromisoformat,
    }
    return page(request, "plant/backup.html", wrong.status if wrong else 200, **values)


async def _restoring(request: Request) -> dict[str, Any]:
    """Return whether a restore waits, whether one could be, and what became of the last."""
    try:
        return await ask(request, {"ask": "restoring"})
    except NotDone:
        return {"waiting": False, "idle": False, "last": None}


async def _stick(request: Request) -> dict[str, Any]:
    """Return which stick gets backups, and what became of the last one that was asked for."""
    try:
        return await ask(request, {"ask": "backup_stick"})
    except NotDone:
        return {"waiting": False, "last": None, "stick": None}


async def _target(request: Request) -> dict[str, Any]:
    """Return which network folder gets backups, what is wanting, and the box's own key."""
    try:
        return await ask(request, {"ask": "backup_target"})
    except NotDone:
        return {"address": "", "waiting": False, "wanted": None, "target": None}


def _is_whole(checking: dict[str, Any], uploaded: datetime | None) -> bool:
    """Tell whether the file that lies there is the one that was found whole."""
    last, at = checking["last"], checking["ended_at"]
    return bool(last and last["well"] and uploaded and at >= uploaded)


routes: list[BaseRoute] = [
    Route(PAGE, show, methods=["GET"]),
    Route(f"{PAGE}/make", make, methods=["POST"]),
    Route(f"{PAGE}/file", fetch, methods=["GET"]),
    Route(f"{PAGE}/drop", drop, methods=["POST"]),
    Route(UPLOAD, upload, methods=["POST"]),
    Route(f"{PAGE}/check", check, methods=["POST"]),
    Route(f"{PAGE}/forget", forget, methods=["POST"]),
    Route(f"{PAGE}/restore", restore, methods=["POST"]),
    Route(f"{PAGE}/stick", stick, methods=["POST"]),
    Route(f"{PAGE}/stick/forget", stick_forget, methods=["POST"]),
    Route(f"{PAGE}/target", target, methods=["POST"]),
    Route(f"{PAGE}/target/look", target_look, methods=["POST"]),
    Route(f"{PAGE}/target/set-up", target_set_up, methods=["POST"]),
]
