"""Backups: made, downloaded, uploaded, checked, restored; on a stick or a network folder.

A backup is put back with the switchboard stopped: it replaces the very folders that call control
and this console are running on. Root's helper does it when nobody is on the phone; where there is
none, a person does by the command that this page shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import ask_as_user, needs
from appliance.console.control_client import NotDone, ask, form_field, redirect_after
from appliance.console.guards import BACKUP_UPLOAD
from appliance.console.pages.maintenance import begin_job, job_status
from appliance.console.say import N_
from appliance.console.settings import ConsoleSettings
from appliance.console.templates import page
from appliance.files import SHARED, make_shared, replacing
from appliance.policy.text import Refused, Words, os_error_words
from appliance.policy.users import Permission
from appliance.store.backup import MAGIC
from appliance.voicemail.storage import spare_bytes

# Uploads are written to the console's own folder, where call control or root's helper looks for
# them.

MADE_BACKUP: Final = "backups/console.backup"
"""Where, below call control's state folder, the backup lies that was asked for here."""
UPLOADED_BACKUP: Final = "restore/uploaded.backup"
"""Where, below the console's folder, call control looks for one that came from a browser."""
UPLOADED_UPDATE: Final = "update/uploaded.raucb"
"""Likewise, where root's helper looks for an update."""

UPLOADED_SETTINGS: Final = "central/uploaded.settings"
"""Likewise, where call control looks for the head office's settings."""


@dataclass(frozen=True, slots=True)
class UploadKind:
    """What a file of some kind begins with, and what is said of one that does not."""

    magic: bytes
    other: Words


BACKUP_FILE: Final = UploadKind(
    MAGIC,
    Words(
        "questo file non è una copia di sicurezza del centralino",
        "this file is no backup of the switchboard",
    ),
)
UPDATE_FILE: Final = UploadKind(
    b"hsqs",  # a SquashFS, which every bundle is (RAUC, Bundle formats)
    Words("questo file non è un aggiornamento (.raucb)", "this file is no update (.raucb)"),
)

SETTINGS_FILE: Final = UploadKind(
    b"centralino-settings-1\n",
    Words(
        "questo file non contiene impostazioni centrali (centralino settings pack)",
        "this file holds no central settings (centralino settings pack)",
    ),
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A backup's file: its size in MB, and when it was written."""

    path: Path
    size: float
    at: datetime


def made_backup_path(settings: ConsoleSettings) -> Path:
    """Say where call control lays a backup down."""
    return settings.records.parent / MADE_BACKUP


def uploaded_backup_path(settings: ConsoleSettings) -> Path:
    """Say where an upload lies."""
    return settings.state / UPLOADED_BACKUP


def uploaded_update_path(settings: ConsoleSettings) -> Path:
    """Say where an uploaded update lies."""
    return settings.state / UPLOADED_UPDATE


def uploaded_settings_path(settings: ConsoleSettings) -> Path:
    """Say where uploaded central settings lie."""
    return settings.state / UPLOADED_SETTINGS


def stored_file(path: Path) -> StoredFile | None:
    """Look at a backup's file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return StoredFile(path, found.st_size / 1e6, datetime.fromtimestamp(found.st_mtime, UTC))


async def receive_upload(
    pieces: AsyncIterator[bytes], length: int, path: Path, kind: UploadKind = BACKUP_FILE
) -> None:
    """Write an upload, whole or not at all; raises Refused, OSError.

    There must be room for it twice, whoever looks through it unpacks or copies it, and for messages
    beside.
    """
    make_shared(path.parent)  # the service looks through it
    if 2 * length > spare_bytes(path.parent):
        raise Refused(
            "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
            "there is not enough free space on the disk: messages come first",
        )
    with replacing(path, mode=SHARED) as file:
        await _write_upload(pieces, length, file, kind)


async def _write_upload(
    pieces: AsyncIterator[bytes], length: int, file: IO[bytes], kind: UploadKind
) -> None:
    taken = 0
    async for piece in pieces:
        if taken == 0 and not piece.startswith(kind.magic[: len(piece)]):
            raise Refused(kind.other.it, kind.other.en)
        taken += len(piece)
        await anyio.to_thread.run_sync(file.write, piece)
    if taken != length or length <= len(kind.magic):
        raise Refused(
            "il file non è arrivato intero: riprovare", "the file has not come whole: try again"
        )
    await anyio.to_thread.run_sync(_flush_to_disk, file)


def _flush_to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


PAGE: Final = "/plant/backup"
PASSPHRASES_DIFFER: Final = N_("The two passphrases are not the same.")
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
    if form_field(form, "phrase") != form_field(form, "again"):
        return await _show(request, NotDone(400, request.state.speaker(PASSPHRASES_DIFFER)))
    return await begin_job(
        request, "backup_make", _show, PAGE, passphrase=form_field(form, "phrase")
    )


@needs(Permission.TECHNICAL)
async def fetch(request: Request) -> Response:
    """Hand the backup over, once call control has noted to whom."""
    found = await anyio.to_thread.run_sync(
        stored_file, made_backup_path(request.app.state.settings)
    )
    if found is None:
        raise HTTPException(404)
    try:
        await ask_as_user(request, {"ask": "backup_fetch"})
    except NotDone as error:
        return await _show(request, error)
    name = f"centralino-{found.at.astimezone(request.app.state.zone):%Y%m%d-%H%M}.backup"
    return FileResponse(found.path, media_type="application/octet-stream", filename=name)


@needs(Permission.TECHNICAL)
async def drop(request: Request) -> Response:
    """Have the backup that was made here taken away."""
    await request.form()
    return await redirect_after(request, ask_as_user(request, {"ask": "backup_drop"}), _show, PAGE)


@needs(Permission.TECHNICAL)
async def upload(request: Request) -> Response:
    """Keep a backup that a script sends as it is; answers with a sentence for that script."""
    return await keep_upload(request, uploaded_backup_path(request.app.state.settings), BACKUP_FILE)


async def keep_upload(request: Request, path: Path, kind: UploadKind) -> Response:
    """Keep what comes at a path, if it is of that kind; one upload at a time."""
    say, lock = request.state.speaker, request.app.state.uploading
    length = request.headers.get("content-length", "")
    try:
        lock.acquire_nowait()
    except anyio.WouldBlock:
        return Response(say(BUSY), 409)
    try:
        size = int(length) if length.isascii() and length.isdecimal() else 0
        await receive_upload(request.stream(), size, path, kind)
    except Refused as refused:
        return Response(say.words(refused.words), 409)
    except OSError as error:
        return Response(say(FAILED, why=say.words(os_error_words(error))), 507)
    finally:
        lock.release()
    return Response(status_code=204)


@needs(Permission.TECHNICAL)
async def check(request: Request) -> Response:
    """Have call control look through the uploaded backup."""
    phrase = form_field(await request.form(), "passphrase")
    return await begin_job(request, "backup_check", _show, PAGE, passphrase=phrase)


@needs(Permission.TECHNICAL)
async def forget(request: Request) -> Response:
    """Take the uploaded backup away; it is this console's own."""
    await request.form()
    path = uploaded_backup_path(request.app.state.settings)
    await anyio.to_thread.run_sync(lambda: path.unlink(missing_ok=True))
    return RedirectResponse(PAGE, 303)


@needs(Permission.TECHNICAL)
async def restore(request: Request) -> Response:
    """Have the uploaded backup put in the place of what is on the appliance; the user is sure."""
    form = await request.form()
    if form_field(form, "sure") != "1":
        return await _show(request, NotDone(400, request.state.speaker(UNSURE)))
    command = {
        "ask": "backup_restore",
        "passphrase": form_field(form, "phrase_again"),
        "sure": True,
    }
    return await redirect_after(request, ask_as_user(request, command), _show, f"{PAGE}#restore")


@needs(Permission.TECHNICAL)
async def stick(request: Request) -> Response:
    """Have the plugged stick set up for backups, or written now where one is set up."""
    form = await request.form()
    if form_field(form, "stick_phrase") != form_field(form, "stick_again"):
        return await _show(request, NotDone(400, request.state.speaker(PASSPHRASES_DIFFER)))
    command = {"ask": "backup_stick_set_up", "passphrase": form_field(form, "stick_phrase")}
    return await _ask_about(request, command, "stick")


@needs(Permission.TECHNICAL)
async def stick_forget(request: Request) -> Response:
    """Have no backup written onto a stick any more."""
    await request.form()
    return await _ask_about(request, {"ask": "backup_stick_forget"}, "stick")


@needs(Permission.TECHNICAL)
async def target(request: Request) -> Response:
    """Have a backup written to the network folder that was set up, now."""
    await request.form()
    return await _ask_about(request, {"ask": "backup_target_write"}, "target")


@needs(Permission.TECHNICAL)
async def target_look(request: Request) -> Response:
    """Have the server asked for its key, for somebody to compare."""
    await request.form()
    return await _ask_about(request, {"ask": "backup_target_look"}, "target")


@needs(Permission.TECHNICAL)
async def target_set_up(request: Request) -> Response:
    """Have the network folder set up, by the key that was compared or the account's password."""
    form = await request.form()
    say = request.state.speaker
    if form_field(form, "target_phrase") != form_field(form, "target_again"):
        return await _show(request, NotDone(400, say(PASSPHRASES_DIFFER)))
    if form_field(form, "host_key") and form_field(form, "same") != "1":
        return await _show(request, NotDone(400, say(NOT_COMPARED)))
    command = {
        "ask": "backup_target_set_up",
        "host_key": form_field(form, "host_key"),
        "passphrase": form_field(form, "target_phrase"),
        "password": form_field(form, "target_password"),
    }
    return await _ask_about(request, command, "target")


async def _ask_about(request: Request, command: dict[str, Any], part: str) -> Response:
    return await redirect_after(request, ask_as_user(request, command), _show, f"{PAGE}#{part}")


async def _show(request: Request, wrong: NotDone | None = None) -> Response:
    settings = request.app.state.settings
    made, uploaded = await anyio.to_thread.run_sync(
        lambda: (
            stored_file(made_backup_path(settings)),
            stored_file(uploaded_backup_path(settings)),
        )
    )
    making = await job_status(request, "backup_make")
    checking = await job_status(request, "backup_check")
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
    """Return which network folder gets backups, what is wanting, and the appliance's own key."""
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
    Route(BACKUP_UPLOAD, upload, methods=["POST"]),
    Route(f"{PAGE}/check", check, methods=["POST"]),
    Route(f"{PAGE}/forget", forget, methods=["POST"]),
    Route(f"{PAGE}/restore", restore, methods=["POST"]),
    Route(f"{PAGE}/stick", stick, methods=["POST"]),
    Route(f"{PAGE}/stick/forget", stick_forget, methods=["POST"]),
    Route(f"{PAGE}/target", target, methods=["POST"]),
    Route(f"{PAGE}/target/look", target_look, methods=["POST"]),
    Route(f"{PAGE}/target/set-up", target_set_up, methods=["POST"]),
]
