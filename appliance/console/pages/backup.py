"""Backups: make, download, upload, check, restore; on a USB stick or in a network folder.

A restore replaces the very folders on which call control and the console are running, so it needs
both stopped: a helper with root's rights does it when nobody is on the phone. Without a helper a
person does it, by the command that the page shows.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.commands import UserCommand
from appliance.api.replies import Said
from appliance.api.technician_commands import (
    CheckBackup,
    DropBackup,
    FetchBackup,
    ForgetStick,
    LookAtSticks,
    LookAtTarget,
    MakeBackup,
    RestoreBackup,
    SetUpStick,
    SetUpTarget,
    ShowRestore,
    ShowStick,
    ShowTarget,
    WriteToTarget,
)
from appliance.api.technician_replies import JobEnded, RestoreReply, StickReply, TargetReply
from appliance.console.accounts import ask_as_user, needs
from appliance.console.control_client import NotDone, form_field, redirect_after, send
from appliance.console.guards import BACKUP_UPLOAD
from appliance.console.pages.maintenance import begin_job, job_status
from appliance.console.say import N_
from appliance.console.settings import ConsoleSettings
from appliance.console.templates import page
from appliance.console.uploads import (
    BACKUP_FILE,
    forget_upload,
    keep_upload,
    stored_file,
    uploaded_backup_path,
    uploads_of,
)
from appliance.policy.users import Permission

MADE_BACKUP: Final = "backups/console.backup"
"""Path of a backup made for this page, below call control's state folder."""


def made_backup_path(settings: ConsoleSettings) -> Path:
    """Return the path to which call control writes a backup for this page."""
    return settings.records.parent / MADE_BACKUP


PAGE: Final = "/plant/backup"
PASSPHRASES_DIFFER: Final = N_("The two passphrases are not the same.")
NOT_COMPARED: Final = N_("Tick that the key is the server's: compare it first.")
UNSURE: Final = N_("Tick that everything is to be replaced.")


@needs(Permission.TECHNICAL)
async def show(request: Request) -> Response:
    """Show the backups that exist, and the forms."""
    return await _show(request)


@needs(Permission.TECHNICAL)
async def make(request: Request) -> Response:
    """Start a backup, sealed under a passphrase that is typed twice."""
    form = await request.form()
    # Nobody can open a backup sealed under a mistyped passphrase.
    if form_field(form, "phrase") != form_field(form, "again"):
        return await _show(request, NotDone(400, request.state.speaker(PASSPHRASES_DIFFER)))
    job = MakeBackup(passphrase=form_field(form, "phrase"))
    return await begin_job(request, job, _show, PAGE)


@needs(Permission.TECHNICAL)
async def fetch(request: Request) -> Response:
    """Download the backup, which call control audits first."""
    found = await anyio.to_thread.run_sync(
        stored_file, made_backup_path(request.app.state.settings)
    )
    if found is None:
        raise HTTPException(404)
    try:
        # A backup holds every number of the office: who takes it is on record first.
        await ask_as_user(request, FetchBackup())
    except NotDone as error:
        return await _show(request, error)
    name = f"centralino-{found.at.astimezone(request.app.state.zone):%Y%m%d-%H%M}.backup"
    return FileResponse(found.path, media_type="application/octet-stream", filename=name)


@needs(Permission.TECHNICAL)
async def drop(request: Request) -> Response:
    """Delete the backup that was made for this page."""
    await request.form()
    return await redirect_after(request, ask_as_user(request, DropBackup()), _show, PAGE)


@needs(Permission.TECHNICAL)
async def upload(request: Request) -> Response:
    """Store a backup that the page's script sends as the body; answers with a sentence for it."""
    return await keep_upload(request, uploaded_backup_path(request.app.state.settings), BACKUP_FILE)


@needs(Permission.TECHNICAL)
async def check(request: Request) -> Response:
    """Start the check of the uploaded backup."""
    phrase = form_field(await request.form(), "passphrase")
    return await begin_job(request, CheckBackup(passphrase=phrase), _show, PAGE)


@needs(Permission.TECHNICAL)
async def forget(request: Request) -> Response:
    """Delete the uploaded backup."""
    await request.form()
    # The console deletes it itself: the folder is its own.
    path = uploaded_backup_path(request.app.state.settings)
    await anyio.to_thread.run_sync(forget_upload, path)
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def restore(request: Request) -> Response:
    """Restore the uploaded backup, after the user has confirmed it."""
    form = await request.form()
    if form_field(form, "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    command = RestoreBackup(passphrase=form_field(form, "phrase_again"), sure=True)
    return await redirect_after(request, ask_as_user(request, command), _show, f"{PAGE}#restore")


@needs(Permission.TECHNICAL)
async def stick(request: Request) -> Response:
    """Set the plugged USB stick up for backups, or write one now where it is set up."""
    form = await request.form()
    if form_field(form, "stick_phrase") != form_field(form, "stick_again"):
        return await _show(request, NotDone(400, request.state.speaker(PASSPHRASES_DIFFER)))
    command = SetUpStick(
        passphrase=form_field(form, "stick_phrase"), uuid=form_field(form, "stick_uuid")
    )
    return await _ask_about(request, command, "stick")


@needs(Permission.TECHNICAL)
async def stick_look(request: Request) -> Response:
    """Have the plugged-in sticks listed, to choose one."""
    await request.form()
    return await _ask_about(request, LookAtSticks(), "stick")


@needs(Permission.TECHNICAL)
async def stick_forget(request: Request) -> Response:
    """Stop the backups on the stick."""
    await request.form()
    return await _ask_about(request, ForgetStick(), "stick")


@needs(Permission.TECHNICAL)
async def target(request: Request) -> Response:
    """Write a backup to the network folder now."""
    await request.form()
    return await _ask_about(request, WriteToTarget(), "target")


@needs(Permission.TECHNICAL)
async def target_look(request: Request) -> Response:
    """Ask the server of the network folder for its key, for a person to compare."""
    await request.form()
    return await _ask_about(request, LookAtTarget(), "target")


@needs(Permission.TECHNICAL)
async def target_set_up(request: Request) -> Response:
    """Set the network folder up, with the compared key or the account's password."""
    form = await request.form()
    say = request.state.speaker
    if form_field(form, "target_phrase") != form_field(form, "target_again"):
        return await _show(request, NotDone(400, say(PASSPHRASES_DIFFER)))
    # A key that nobody has compared may be an attacker's.
    if form_field(form, "host_key") and form_field(form, "same") != "1":
        return await _show(request, NotDone(400, say(NOT_COMPARED)))
    command = SetUpTarget(
        host_key=form_field(form, "host_key"),
        passphrase=form_field(form, "target_phrase"),
        password=form_field(form, "target_password"),
    )
    return await _ask_about(request, command, "target")


async def _ask_about(request: Request, command: UserCommand[Said], part: str) -> Response:
    return await redirect_after(request, ask_as_user(request, command), _show, f"{PAGE}#{part}")


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    made, files = await anyio.to_thread.run_sync(
        lambda: (
            stored_file(made_backup_path(settings)),
            uploads_of(uploaded_backup_path(settings)),
        )
    )
    # Each part asks for itself, so that one without a reply leaves the others.
    making = await job_status(request, "backup_make")
    checking = await job_status(request, "backup_check")
    values: dict[str, Any] = {
        # Not the old one while a new one is being made.
        "made": None if making["runs"] else made,
        **files,
        "making": making,
        "checking": checking,
        # Only a backup that was found whole is offered for a restore.
        "is_whole": _is_whole(checking, uploaded.at if (uploaded := files["uploaded"]) else None),
        "wrong": str(wrong) if wrong else "",
        "restoring": await _restoring(request),
        "stick": await _stick(request),
        "target": await _target(request),
        "said": request.state.speaker.words,
    }
    return page(request, "system/backup.html", wrong.status if wrong else 200, **values)


async def _restoring(request: Request) -> RestoreReply:
    """Return whether a restore waits or is possible, and the result of the last one."""
    try:
        return await send(request, ShowRestore())
    except NotDone:
        return RestoreReply(waiting=False, idle=False, last=None)


async def _stick(request: Request) -> StickReply:
    """Return the stick that gets backups, and the result of the last one asked for."""
    try:
        return await send(request, ShowStick())
    except NotDone:
        return StickReply(waiting=False, last=None, stick=None)


async def _target(request: Request) -> TargetReply:
    """Return the network folder that gets backups, what is missing, and the appliance's key."""
    try:
        return await send(request, ShowTarget())
    except NotDone:
        return TargetReply("")


def _is_whole(checking: dict[str, Any], uploaded: datetime | None) -> bool:
    """Tell whether the uploaded file is the one that the last check found whole."""
    # Another may have been uploaded since.
    last: JobEnded | None = checking["last"]
    return bool(last and last.well and uploaded and last.at >= uploaded)


routes: list[BaseRoute] = [
    Route(PAGE, show, methods=["GET"]),
    Route(f"{PAGE}/make", make, methods=["POST"]),
    Route(f"{PAGE}/file", fetch, methods=["GET"]),
    Route(f"{PAGE}/drop", drop, methods=["POST"]),
    Route(BACKUP_UPLOAD, upload, methods=["POST"]),
    Route(f"{PAGE}/check", check, methods=["POST"]),
    Route(f"{PAGE}/forget", forget, methods=["POST"]),
    Route(f"{PAGE}/restore", restore, methods=["POST"]),
    Route(f"{PAGE}/stick", stick, methods=["POST"]),
    Route(f"{PAGE}/stick/look", stick_look, methods=["POST"]),
    Route(f"{PAGE}/stick/forget", stick_forget, methods=["POST"]),
    Route(f"{PAGE}/target", target, methods=["POST"]),
    Route(f"{PAGE}/target/look", target_look, methods=["POST"]),
    Route(f"{PAGE}/target/set-up", target_set_up, methods=["POST"]),
]
